//! An app server that is ready to use.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::{filled, forbidden, foreign, invalid, missing, no_instance};
use super::ice::Region;
use super::{
    Api, ChatTokenAnswer, ChatTokenAnswerFields, ChatTokenRequest, DescribeInstanceRequest,
    GenerateCallRequest, GeneratedCall, GeneratedCallFields, InstanceDescription,
    InstanceInChannel, Ownership, Principal, Resource, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StartedInstanceFields,
    StopInstanceRequest, UpdateInstanceRequest, Upstream, UpstreamError, ice,
};
use crate::aicall::{AgentConfig, AgentType, ChatSyncConfig, Template};
use crate::auth::{ChatTokens, RtcTokens, random_id};
use crate::clock::{Clock, SharedClock};
use crate::server::Error;
use crate::wire::Validate;

/// An [`Api`] over an [`Upstream`] that runs the agents.
///
/// It makes the channels and the tokens of an instance that is started, knows an agent for each type,
/// remembers whose an instance or a channel is, and checks configurations before they go upstream. It
/// gives neither the token of an agent away nor one for the agent's name in its channel. A user's token
/// lives as long as the request says, and at most as long as the [tokens](RtcTokens::lifetime) here do;
/// one that the upstream makes, up to a week.
///
/// When a caller goes before the upstream has answered, the instance that was started is stopped.
/// An instance stays in the region that it was started in, whatever later requests name.
///
/// What it remembers is within one process, for a day after a caller has last named it, and for an hour
/// after an instance was stopped, which goes for a channel that was made for it, too. An instance that is
/// forgotten, by that or by a restart, can't be stopped
/// or changed any more: it ends when nobody is in its channel. A channel that is forgotten is free for
/// whoever names it: let the server make the channels, whose names nobody can foretell. Several servers
/// need a balancer that keeps a caller with one of them.
pub struct AppServer<U> {
    upstream: Arc<U>,
    tokens: RtcTokens,
    chat: Option<ChatTokens>,
    agents: HashMap<AgentType, String>,
    clock: SharedClock,
    admin_chats: bool,
    most: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    instances: HashMap<String, Instance>,
    channels: HashMap<String, Channel>,
    /// What is about to be remembered: the upstream has been asked, and has not answered.
    pending: usize,
    /// When what is over was last looked for.
    swept: i64,
}

/// Whose an instance is, and for how long that counts.
struct Instance {
    owner: Principal,
    region: Option<Region>,
    /// The channel that was made for it.
    channel_id: Option<String>,
    stopped: bool,
    /// Unix time in seconds.
    until: i64,
}

/// Whose a channel is, and for how long that counts.
struct Channel {
    owner: Principal,
    /// The names of the agents that came last.
    agents: VecDeque<String>,
    /// Unix time in seconds.
    until: i64,
}

impl Known {
    /// Whether there is room for one more instance or channel, once what is over is forgotten.
    fn has_room(&mut self, most: usize, now: i64) -> bool {
        // To look at all of them for each request would cost more than the request.
        if self.is_full(most) && now.saturating_sub(self.swept) >= 10 {
            self.swept = now;
            self.instances.retain(|_, instance| instance.until > now);
            self.channels.retain(|_, channel| channel.until > now);
        }
        !self.is_full(most)
    }

    fn is_full(&self, most: usize) -> bool {
        self.instances.len().max(self.channels.len()) + self.pending >= most
    }
}

/// An instance that was made for a caller; it is stopped when nobody takes it.
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
        // Without a runtime the server is ending, and the instance does so by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tracing::warn!("the caller of a new instance has gone: it is stopped");
            if let Err(error) = upstream.stop(region.as_ref(), stop).await {
                tracing::warn!("and can't be stopped: {error}");
            }
        });
    }
}

/// How an agent has joined.
struct Joined<'a> {
    channel_id: &'a str,
    agent_user_id: &'a str,
    /// The channel was made for it.
    fresh: bool,
}

/// Room for one instance and its channel, for as long as the upstream is asked.
struct Room<'a>(&'a Mutex<Known>);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        lock(self.0).pending -= 1;
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // No panic can come between two changes that belong together.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<U> std::fmt::Debug for AppServer<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppServer").field("agents", &self.agents).finish_non_exhaustive()
    }
}

/// How long something counts after it was named, in seconds.
const DAY: i64 = 24 * 60 * 60;
/// How many agents of a channel are known by name.
const AGENTS: usize = 16;
/// How long an instance that was stopped can be asked about, in seconds.
const STOPPED: i64 = 60 * 60;

impl<U: Upstream> AppServer<U> {
    /// An app server whose channels are of the RTC app of these tokens.
    #[must_use]
    pub fn new(upstream: U, tokens: RtcTokens) -> Self {
        Self {
            upstream: Arc::new(upstream),
            tokens,
            chat: None,
            agents: HashMap::new(),
            clock: SharedClock::default(),
            admin_chats: false,
            most: 100_000,
            known: Mutex::default(),
        }
    }

    /// The agent for a type, by its id: for requests that name a type and no agent.
    #[must_use]
    pub fn agent(mut self, agent_type: AgentType, agent_id: impl Into<String>) -> Self {
        self.agents.insert(agent_type, agent_id.into());
        self
    }

    /// What makes the tokens of the message chat. Default: there are none.
    #[must_use]
    pub fn chat_tokens(mut self, tokens: ChatTokens) -> Self {
        self.chat = Some(tokens);
        self
    }

    /// Gives tokens of the role `admin` for the message chat to whom the authorizer lets in. Default: that
    /// role is refused.
    #[must_use]
    pub fn allow_admin_chats(mut self) -> Self {
        self.admin_chats = true;
        self
    }

    /// The clock that what is remembered ages by. Default: that of the machine. Tokens have one of
    /// their own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// The most instances, and the most channels, that are remembered; more are refused with code 503.
    /// Default: 100,000.
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The upstream.
    #[must_use]
    pub fn upstream(&self) -> &U {
        &self.upstream
    }

    /// Keeps room for an instance and its channel.
    fn room(&self) -> Result<Room<'_>, Error> {
        let mut known = lock(&self.known);
        if !known.has_room(self.most, self.clock.seconds()) {
            return Err(full());
        }
        known.pending += 1;
        Ok(Room(&self.known))
    }

    /// Until when something counts that is named now.
    fn until(&self) -> i64 {
        self.clock.seconds().saturating_add(DAY)
    }

    /// Makes a new instance and its channel the caller's own.
    fn hold(&self, caller: &Principal, id: &str, joined: Joined<'_>, region: Option<&Region>) {
        let until = self.until();
        let instance = Instance {
            owner: caller.clone(),
            region: region.cloned(),
            channel_id: joined.fresh.then(|| joined.channel_id.into()),
            stopped: false,
            until,
        };
        let mut known = lock(&self.known);
        known.instances.insert(id.into(), instance);
        let channel = known.channels.entry(joined.channel_id.into()).or_insert_with(|| Channel {
            owner: caller.clone(),
            agents: VecDeque::new(),
            until,
        });
        channel.owner = caller.clone();
        channel.until = until;
        if channel.agents.len() == AGENTS {
            channel.agents.pop_front();
        }
        channel.agents.push_back(joined.agent_user_id.into());
    }

    /// Makes a channel that the caller names its own, unless it is another one's. `user_id` must not be
    /// the name of an agent in it.
    fn claim_channel(&self, caller: &Principal, id: &str, user_id: &str) -> Result<(), Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = lock(&self.known);
        match known.channels.get_mut(id).filter(|channel| channel.until > now) {
            Some(channel) if channel.owner == *caller => {
                if channel.agents.iter().any(|agent| agent == user_id) {
                    return Err(invalid("/user_id: the name of the agent, allowed: another one"));
                }
                channel.until = until;
            }
            Some(_) => return Err(foreign("channel")),
            None => {
                if !known.has_room(self.most, now) {
                    return Err(full());
                }
                let agents = VecDeque::new();
                let channel = Channel { owner: caller.clone(), agents, until };
                known.channels.insert(id.into(), channel);
            }
        }
        Ok(())
    }

    /// The region of an instance of the caller, who names it now.
    fn region_of(&self, caller: &Principal, id: &str) -> Result<Option<Region>, Error> {
        let (now, until) = (self.clock.seconds(), self.until());
        let mut known = lock(&self.known);
        match known.instances.get_mut(id).filter(|instance| instance.until > now) {
            Some(instance) if instance.owner == *caller => {
                if !instance.stopped {
                    instance.until = until;
                }
                Ok(instance.region.clone())
            }
            Some(_) => Err(foreign("instance")),
            None => Err(no_instance()),
        }
    }

    /// Has the upstream make an instance, in a task of its own: when the caller goes before the answer
    /// is there, what was made is stopped.
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
        // A panic has gone to the panic hook.
        let made = made.await.map_err(|_| Error::wire("the upstream failed"))?;
        let mut made = made.map_err(UpstreamError::into_error)?;
        made.made.take().ok_or_else(|| Error::wire("the upstream failed"))
    }

    fn agent_of(&self, agent_type: &AgentType) -> Result<&str, Error> {
        self.agents.get(agent_type).map(String::as_str).ok_or_else(|| {
            // What came from outside is shown as JSON would show it, and no longer than it may be.
            let shown: String = agent_type.as_str().chars().take(64).collect();
            invalid(format!("/workflow_type: {shown:?}, allowed: a type that this server has"))
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
        self.hold(caller, &started.instance_id, joined, start.region.as_ref());
        Ok((started.instance_id, agent_user_id))
    }
}

/// An instance to start.
struct Start<'a> {
    agent_id: &'a str,
    channel_id: &'a str,
    /// The channel is made for it.
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
        let now = self.clock.seconds();
        let known = lock(&self.known);
        let held = match resource {
            Resource::Instance(id) => {
                known.instances.get(id).map(|instance| (&instance.owner, instance.until))
            }
            Resource::Channel(id) => {
                known.channels.get(id).map(|channel| (&channel.owner, channel.until))
            }
        };
        Ok(match held.filter(|(_, until)| *until > now) {
            Some((owner, _)) if owner == caller => Ownership::Own,
            Some(_) => Ownership::Foreign,
            None => Ownership::Unknown,
        })
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
        let _room = self.room()?;
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
        self.hold(caller, &made.instance_id, joined, region.as_ref());
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
        let _room = self.room()?;
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
        let region = self.region_of(caller, id)?;
        let stop = ice::StopInstanceRequest::new(id);
        self.upstream.stop(region.as_ref(), stop).await.map_err(UpstreamError::into_error)?;
        let until = self.clock.seconds().saturating_add(STOPPED);
        let known = &mut *lock(&self.known);
        if let Some(instance) = known.instances.get_mut(id) {
            instance.stopped = true;
            instance.until = instance.until.min(until);
            let channel = instance.channel_id.as_ref().and_then(|id| known.channels.get_mut(id));
            if let Some(channel) = channel {
                channel.until = channel.until.min(until);
            }
        }
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
        let region = self.region_of(caller, id)?;
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
        // Apps ask for the life of a join token, and get what there is.
        request.expire = request.expire.map(|expire| expire.min(ChatTokens::LONGEST));
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check(&request)?;
        let role = request.role.as_deref().unwrap_or_default();
        if !role.is_empty() && !self.admin_chats {
            return Err(forbidden("the role is not given here"));
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
        let _room = self.room()?;
        self.claim_channel(caller, channel_id, user_id)?;
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
        let region = self.region_of(caller, id)?;
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
        self.claim_channel(caller, &channel_id, user_id)?;
        let token = self.tokens.issue(&channel_id, user_id)?;
        Ok(RtcTokenAnswer::new(token.encode(), token.expires_at).with_channel_id(channel_id))
    }
}

/// Who gets the token of an agent can speak as the agent.
fn without_token(mut config: ice::InstanceRuntimeConfig) -> ice::InstanceRuntimeConfig {
    config.auth_token = None;
    let parts = [&mut config.voice_chat, &mut config.vision_chat, &mut config.avatar_chat_3d];
    for part in parts.into_iter().flatten() {
        part.auth_token = None;
    }
    config
}

fn full() -> Error {
    Error::wire("too many instances").status(503).code("ServiceUnavailable")
}

/// What breaks a rule of the spec goes no further.
fn check(request: &impl Validate) -> Result<(), Error> {
    request.validate().map_err(|violations| invalid(violations.to_string()))
}

/// A lifetime that says something.
fn stated(expire: Option<Duration>) -> Option<Duration> {
    expire.filter(|expire| !expire.is_zero())
}

/// A lifetime of at most so much.
fn capped(expire: Option<Duration>, most: Duration) -> Duration {
    stated(expire).map_or(most, |expire| expire.min(most))
}

/// A region in the form of one; whether it is served is for the upstream to say.
fn check_region(region: Option<&str>) -> Result<Option<Region>, Error> {
    let Some(region) = region.and_then(filled) else { return Ok(None) };
    match region.parse() {
        Ok(region) => Ok(Some(region)),
        Err(_) => {
            let shown: String = region.chars().take(64).collect();
            Err(invalid(format!("/region: {shown:?}, allowed: such as `cn-shanghai`")))
        }
    }
}
