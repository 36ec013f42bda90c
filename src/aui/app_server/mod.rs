//! An app server that is ready to use.

mod ownership;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use self::ownership::{Joined, Ledger};
use super::admission::{filled, forbidden, invalid, missing};
use super::ice::Region;
use super::tokens::{ChatTokens, RtcTokens, random_id};
use super::{
    Api, ChatTokenAnswer, ChatTokenAnswerFields, ChatTokenRequest, DescribeInstanceRequest,
    GenerateCallRequest, GeneratedCall, GeneratedCallFields, InstanceDescription,
    InstanceInChannel, Ownership, Principal, Resource, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StartedInstanceFields,
    StopInstanceRequest, UpdateInstanceRequest, Upstream, UpstreamError, ice,
};
use crate::aicall::{AgentConfig, AgentType, ChatSyncConfig, Template};
use crate::clock::{Clock, SharedClock};
use crate::server::Error;
use crate::wire::Validate;

/// An [`Api`] on top of an [`Upstream`], which runs the agents.
///
/// It creates channels and tokens for the instances that it starts, finds the agent of a type,
/// remembers who owns each instance and channel, and validates configurations before they go
/// upstream. It never gives out an agent's token, nor a token for an agent's name in its channel.
///
/// A user's token lives as long as the request says, but no longer than the
/// [lifetime](RtcTokens::lifetime) of the tokens here. A token that the upstream makes lives up to a
/// week.
///
/// If the caller disconnects before the upstream has answered, the new instance is stopped. An
/// instance stays in the region where it was started, whatever region later requests name.
///
/// State is kept in this process. An instance is forgotten one day after a caller last named it, and
/// its channel one day after the start. A channel for which a user got a token is remembered for at
/// least the lifetime of the token. A stopped instance, and a channel that was created for it, are
/// forgotten after one hour.
///
/// - A forgotten instance can no longer be stopped or changed. It ends when its channel is empty.
/// - A forgotten channel is free for the next caller who names it. Let the server create the
///   channels, because their names can't be guessed.
/// - If you run several servers, the load balancer must keep each caller on one of them.
///
/// # Examples
///
/// A caller can't stop the instance of another caller:
///
/// ```
/// # #[cfg(feature = "client")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// use callbot::aicall::AgentType;
/// use callbot::aui::{AppServer, Base, Client, InMemoryAgents, KnownCallers, RtcTokens, router};
/// use callbot::aui::{StartInstanceRequest, StopInstanceRequest};
/// use callbot::client::InMemoryTransport;
///
/// let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
/// let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens)
///     .agent(AgentType::Voice, "agent-1");
/// let callers = KnownCallers::new().caller("shop", "token-1").caller("bank", "token-2");
/// let transport = InMemoryTransport::new(router(app, callers));
///
/// let client = Client::builder("http://app", Base::V2).transport(transport).build()?;
/// let (shop, bank) = (client.with_authorization("token-1"), client.with_authorization("token-2"));
/// let started = shop.start_instance(&StartInstanceRequest::new("u1", AgentType::Voice)).await?;
/// let stop = StopInstanceRequest::new(&started.instance_id);
/// let error = bank.stop_instance(&stop).await.unwrap_err();
/// assert_eq!(error.status().unwrap(), 403);
/// shop.stop_instance(&stop).await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
pub struct AppServer<U> {
    upstream: Arc<U>,
    tokens: RtcTokens,
    chat: Option<ChatTokens>,
    agents: HashMap<AgentType, String>,
    admin_chats: bool,
    ledger: Ledger,
}

/// A new instance for a caller. It is stopped if it is dropped before the caller has got it.
struct Made<T, U: Upstream> {
    made: Option<T>,
    id: fn(&T) -> &str,
    region: Option<Region>,
    upstream: Arc<U>,
}

impl<T, U: Upstream> Drop for Made<T, U> {
    fn drop(&mut self) {
        let Some(made) = &self.made else { return };
        let stop = ice::StopInstanceRequest::new((self.id)(made));
        let (region, upstream) = (self.region.take(), Arc::clone(&self.upstream));
        // Without a runtime the process is shutting down. The instance then ends by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tracing::warn!("stopping a new instance, because its caller has disconnected");
            if let Err(error) = upstream.stop(region.as_ref(), stop).await {
                tracing::warn!("the instance can't be stopped: {error}");
            }
        });
    }
}

impl<U> std::fmt::Debug for AppServer<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppServer").field("agents", &self.agents).finish_non_exhaustive()
    }
}

impl<U: Upstream> AppServer<U> {
    /// Creates an app server on top of `upstream`. Its channels belong to the RTC app of `tokens`.
    #[must_use]
    pub fn new(upstream: U, tokens: RtcTokens) -> Self {
        Self {
            upstream: Arc::new(upstream),
            tokens,
            chat: None,
            agents: HashMap::new(),
            admin_chats: false,
            ledger: Ledger::default(),
        }
    }

    /// Sets the id of the agent for a type, for requests that name a type and no agent. Default: none.
    #[must_use]
    pub fn agent(mut self, agent_type: AgentType, agent_id: impl Into<String>) -> Self {
        self.agents.insert(agent_type, agent_id.into());
        self
    }

    /// Sets the issuer of tokens for the message chat. Default: none, and the operation is not
    /// supported.
    #[must_use]
    pub fn chat_tokens(mut self, tokens: ChatTokens) -> Self {
        self.chat = Some(tokens);
        self
    }

    /// Allows message chat tokens with the role `admin` for every caller that the authorizer accepts.
    /// Default: requests for that role are refused.
    #[must_use]
    pub fn allow_admin_chats(mut self) -> Self {
        self.admin_chats = true;
        self
    }

    /// Sets the clock by which instances and channels are forgotten. The tokens have their own clocks.
    /// Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.ledger.clock = SharedClock::new(clock);
        self
    }

    /// Sets how many instances, and how many channels, are remembered. Requests for more are refused
    /// with code 503. Default: 100,000.
    #[must_use]
    pub fn max_instances(mut self, instances: usize) -> Self {
        self.ledger.max_instances = instances;
        self
    }

    /// Sets how many instances, and how many channels, are remembered for one [`Principal`]; at least
    /// one of each. With more, its oldest is forgotten, so that no caller can lock out the others.
    /// Default: 1,000.
    #[must_use]
    pub fn max_instances_per_caller(mut self, instances: usize) -> Self {
        self.ledger.max_instances_per_caller = instances;
        self
    }

    /// Sets how many characters the id of a new channel must have if a caller names it. A request with
    /// another length is refused. `None` allows any length.
    ///
    /// The hash of a join token has no separators between its parts, so a token for user `2bob` in
    /// channel `room1` is also valid for user `bob` in channel `room12`. The server refuses a token that
    /// would be valid for a channel that it knows to be another caller's. If all ids have the same
    /// length, channels that are named later are safe too. Default: 32, the length of the ids that the
    /// server creates.
    #[must_use]
    pub fn channel_id_length(mut self, length: impl Into<Option<usize>>) -> Self {
        self.ledger.channel_id_length = length.into();
        self
    }

    /// Returns the upstream.
    #[must_use]
    pub fn upstream(&self) -> &U {
        &self.upstream
    }

    /// Lets the upstream create an instance. This runs in a separate task, so that the instance can be
    /// stopped if the caller disconnects before the answer.
    async fn make<T: Send + 'static>(
        &self,
        region: Option<Region>,
        ask: impl Future<Output = Result<T, UpstreamError>> + Send + 'static,
        id: fn(&T) -> &str,
    ) -> Result<T, Error> {
        let upstream = Arc::clone(&self.upstream);
        let made = tokio::spawn(async move {
            let made = ask.await?;
            Ok::<_, UpstreamError>(Made { made: Some(made), id, region, upstream })
        });
        // The panic hook has reported a panic already.
        let made = made.await.map_err(|_| Error::public("the upstream failed"))?;
        let mut made = made.map_err(UpstreamError::into_error)?;
        made.made.take().ok_or_else(|| Error::public("the upstream failed"))
    }

    fn agent_of(&self, agent_type: &AgentType) -> Result<&str, Error> {
        self.agents.get(agent_type).map(String::as_str).ok_or_else(|| {
            // Input is shown escaped, and cut to 64 characters.
            let shown: String = agent_type.as_str().chars().take(64).collect();
            invalid(format!("/workflow_type: {shown:?}, allowed: a type that has an agent here"))
        })
    }

    /// Starts an instance in a channel of the caller.
    async fn start_in(
        &self,
        caller: &Principal,
        start: Start<'_>,
    ) -> Result<(String, String), Error> {
        let agent_user_id = random_id()?;
        let token = self.tokens.issue_agent(start.channel_id, &agent_user_id)?;
        let runtime = ice::RuntimeConfig::new(&agent_user_id, start.channel_id, token.encode());
        let mut request = ice::StartInstanceRequest::new(start.agent_id, runtime);
        request.agent_config = start.agent_config;
        request.template_config = start.template_config;
        request.chat_sync_config = start.chat_sync_config;
        request.session_id = start.session_id;
        request.user_data = start.user_data;
        let (upstream, region) = (Arc::clone(&self.upstream), start.region.clone());
        let ask = async move { upstream.start(region.as_ref(), request).await };
        let started = self.make(start.region.clone(), ask, |started| &started.instance_id).await?;
        let Start { channel_id, fresh, .. } = start;
        let joined = Joined { channel_id, agent_user_id: &agent_user_id, fresh };
        self.ledger.hold(caller, &started.instance_id, joined, start.region.as_ref());
        Ok((started.instance_id, agent_user_id))
    }
}

/// An instance to start.
struct Start<'a> {
    agent_id: &'a str,
    channel_id: &'a str,
    /// Whether the channel was created for the instance.
    fresh: bool,
    region: Option<Region>,
    template_config: Option<Template>,
    agent_config: Option<AgentConfig>,
    chat_sync_config: Option<ChatSyncConfig>,
    session_id: Option<String>,
    user_data: Option<String>,
}

impl<U: Upstream> Api for AppServer<U> {
    async fn owns(&self, caller: &Principal, resource: Resource<'_>) -> Result<Ownership, Error> {
        Ok(self.ledger.ownership(caller, resource))
    }

    async fn generate_call(
        &self,
        caller: &Principal,
        mut request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        request.template_config.get_or_insert_default();
        check(&request)?;
        let agent_type = request.workflow_type;
        let agent_id = match (request.agent_id.as_deref().and_then(filled), &agent_type) {
            (Some(agent_id), _) => agent_id,
            (None, Some(agent_type)) => self.agent_of(agent_type)?,
            (None, None) => return Err(missing("ai_agent_id")),
        };
        let user_id = match request.user_id.as_deref().and_then(filled) {
            Some(user_id) => user_id.to_owned(),
            None => random_id()?,
        };
        let expire = stated(request.expire).unwrap_or(self.tokens.default_lifetime());
        let region = check_region(request.region.as_deref())?;
        let _room = self.ledger.room()?;
        let mut call =
            ice::GenerateCallRequest::new(agent_id).with_user_id(user_id).with_expire(expire);
        call.agent_config = request.agent_config;
        call.template_config = request.template_config;
        call.chat_sync_config = request.chat_sync_config;
        call.session_id = request.session_id;
        call.user_data = request.user_data;
        let upstream = Arc::clone(&self.upstream);
        let at = region.clone();
        let ask = async move { upstream.generate(at.as_ref(), call).await };
        let made = self.make(region.clone(), ask, |made| &made.instance_id).await?;
        let (channel_id, agent_user_id) = (&*made.channel_id, &*made.agent_user_id);
        let joined = Joined { channel_id, agent_user_id, fresh: true };
        self.ledger.hold(caller, &made.instance_id, joined, region.as_ref());
        let mut answer = GeneratedCall::new(GeneratedCallFields {
            rtc_token: made.token,
            agent_id,
            agent_user_id: &made.agent_user_id,
            channel_id: &made.channel_id,
            instance_id: &made.instance_id,
        });
        answer.workflow_type = match made.workflow_type {
            Some(made) => made.parse().ok(),
            None => agent_type,
        };
        answer.request_id = made.request_id;
        Ok(answer)
    }

    async fn start_instance(
        &self,
        caller: &Principal,
        request: StartInstanceRequest,
    ) -> Result<StartedInstance, Error> {
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let expire = capped(request.expire, self.tokens.default_lifetime());
        let agent_id = self.agent_of(&request.workflow_type)?;
        let _room = self.ledger.room()?;
        let channel_id = random_id()?;
        let token = self.tokens.issue_for(&channel_id, user_id, expire)?;
        let start = Start {
            agent_id,
            channel_id: &channel_id,
            fresh: true,
            region: None,
            template_config: request.template_config,
            agent_config: request.agent_config,
            chat_sync_config: request.chat_sync_config,
            session_id: request.session_id,
            user_data: request.user_data,
        };
        let (instance_id, agent_user_id) = self.start_in(caller, start).await?;
        Ok(StartedInstance::new(StartedInstanceFields {
            instance_id: &instance_id,
            rtc_token: token.encode(),
            agent_user_id: &agent_user_id,
            channel_id: &channel_id,
        }))
    }

    async fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> Result<(), Error> {
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let stop = ice::StopInstanceRequest::new(id);
        self.upstream.stop(region.as_ref(), stop).await.map_err(UpstreamError::into_error)?;
        self.ledger.stopped(id);
        Ok(())
    }

    async fn update_instance(
        &self,
        caller: &Principal,
        mut request: UpdateInstanceRequest,
    ) -> Result<(), Error> {
        if request.agent_config.is_none() && request.template_config.is_none() {
            return Err(missing("template_config"));
        }
        request.template_config.get_or_insert_default();
        check(&request)?;
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let mut update = ice::UpdateInstanceRequest::new(id);
        update.agent_config = request.agent_config;
        update.template_config = request.template_config;
        let updated = self.upstream.update(region.as_ref(), update).await;
        updated.map_err(UpstreamError::into_error).map(drop)
    }

    async fn chat_token(
        &self,
        _: &Principal,
        mut request: ChatTokenRequest,
    ) -> Result<ChatTokenAnswer, Error> {
        let Some(tokens) = &self.chat else { return Err(Error::unsupported()) };
        filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        // Apps ask for the lifetime of a join token, and get the longest that a chat token can have.
        request.expire = request.expire.map(|expire| expire.min(ChatTokens::LONGEST));
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let role = request.role.as_deref().unwrap_or_default();
        if !role.is_empty() && !self.admin_chats {
            return Err(forbidden("/role: this server does not issue tokens for the role `admin`"));
        }
        let expire = capped(request.expire, tokens.default_lifetime());
        let token = tokens.issue_for(user_id, role, expire)?;
        Ok(ChatTokenAnswer::new(ChatTokenAnswerFields {
            app_id: &token.app_id,
            app_sign: token.app_sign,
            token: token.token,
            user_id: &token.user_id,
            expires_at: token.timestamp,
        })
        .with_nonce(token.nonce)
        .with_role(token.role))
    }

    async fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> Result<InstanceInChannel, Error> {
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        let agent_id = filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        let channel_id = filled(&request.channel_id).ok_or_else(|| missing("channel_id"))?;
        let region = check_region(Some(&request.region))?.ok_or_else(|| missing("region"))?;
        check(&request)?;
        let _room = self.ledger.room()?;
        // For as long as an instance is remembered.
        self.ledger.claim_channel(caller, channel_id, user_id, ownership::DAY)?;
        let start = Start {
            agent_id,
            channel_id,
            fresh: false,
            region: Some(region),
            template_config: request.template_config,
            agent_config: request.agent_config,
            chat_sync_config: request.chat_sync_config,
            session_id: request.session_id,
            user_data: request.user_data,
        };
        let (instance_id, agent_user_id) = self.start_in(caller, start).await?;
        Ok(InstanceInChannel::new(instance_id, agent_user_id))
    }

    async fn describe_instance(
        &self,
        caller: &Principal,
        request: DescribeInstanceRequest,
    ) -> Result<InstanceDescription, Error> {
        filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.ledger.region_of(caller, id)?;
        let describe = ice::DescribeInstanceRequest::new(id);
        let described = self.upstream.describe(region.as_ref(), describe).await;
        let described = described.map_err(UpstreamError::into_error)?;
        let instance = described.instance;
        let mut answer = InstanceDescription::new()
            // The web client fails without a configuration.
            .with_agent_config(instance.agent_config.unwrap_or_else(AgentConfig::unset))
            .with_template_config(instance.template_config.unwrap_or_default());
        answer.status = instance.status;
        answer.call_log_url = instance.call_log_url;
        answer.user_data = instance.user_data;
        answer.runtime_config = instance.runtime_config.map(without_token);
        answer.request_id = described.request_id;
        Ok(answer)
    }

    async fn rtc_token(
        &self,
        caller: &Principal,
        request: RtcTokenRequest,
    ) -> Result<RtcTokenAnswer, Error> {
        let user_id = request.user_id.as_deref().and_then(filled);
        let user_id = user_id.ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let channel_id = match request.channel_id.as_deref().and_then(filled) {
            Some(channel_id) => channel_id.to_owned(),
            None => random_id()?,
        };
        let lifetime = self.tokens.default_lifetime();
        self.ledger.claim_channel(caller, &channel_id, user_id, lifetime)?;
        let token = self.tokens.issue(&channel_id, user_id)?;
        Ok(RtcTokenAnswer::new(token.encode(), token.expires_at).with_channel_id(channel_id))
    }
}

/// Removes the agent's token, because its holder can speak as the agent.
fn without_token(mut config: ice::InstanceRuntimeConfig) -> ice::InstanceRuntimeConfig {
    config.auth_token = None;
    let parts = [&mut config.voice_chat, &mut config.vision_chat, &mut config.avatar_chat_3d];
    for part in parts.into_iter().flatten() {
        part.auth_token = None;
    }
    config
}

/// Refuses a request that breaks a rule of the spec.
fn check(request: &impl Validate) -> Result<(), Error> {
    request.validate().map_err(|violations| invalid(violations.to_string()))
}

/// Returns `expire` unless it is zero, which means that the request sets none.
fn stated(expire: Option<Duration>) -> Option<Duration> {
    expire.filter(|expire| !expire.is_zero())
}

/// Returns `expire`, but at most `max`, and `max` if the request sets none.
fn capped(expire: Option<Duration>, max: Duration) -> Duration {
    stated(expire).map_or(max, |expire| expire.min(max))
}

/// Parses the id of a region. The upstream decides whether the region is allowed.
fn check_region(region: Option<&str>) -> Result<Option<Region>, Error> {
    let Some(region) = region.and_then(filled) else { return Ok(None) };
    match region.parse() {
        Ok(region) => Ok(Some(region)),
        Err(_) => {
            let shown: String = region.chars().take(64).collect();
            Err(invalid(format!("/region: {shown:?}, allowed: a region id such as `cn-shanghai`")))
        }
    }
}
