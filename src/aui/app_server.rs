//! An app server that is ready to use.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::{filled, foreign, invalid, missing, no_instance};
use super::{
    Api, ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest, GenerateCallRequest,
    GeneratedCall, InstanceDescription, InstanceInChannel, Ownership, Principal, Resource,
    RtcTokenAnswer, RtcTokenRequest, StartInstanceInChannelRequest, StartInstanceRequest,
    StartedInstance, StopInstanceRequest, UpdateInstanceRequest, Upstream, UpstreamError, ice,
};
use crate::aicall::{AgentConfig, AgentType, ChatSyncConfig, Template};
use crate::auth::ids::Ids;
use crate::auth::{ChatTokens, RtcTokens, random_id};
use crate::clock::{Clock, SharedClock};
use crate::server::Error;
use crate::wire::{Validate, Violation};

/// An [`Api`] over an [`Upstream`] that runs the agents.
///
/// It makes the channels and the tokens of an instance that is started, knows an agent for each type,
/// remembers whose an instance or a channel is, checks configurations before they go upstream, and
/// never gives the token of an agent away.
///
/// What it remembers is within one process, for as long as the token of an agent may live, which is 7
/// days, and for an hour after an instance was stopped: several servers need a balancer that keeps a
/// caller with one of them.
pub struct AppServer<U> {
    upstream: U,
    tokens: RtcTokens,
    chat: Option<ChatTokens>,
    agents: HashMap<AgentType, String>,
    clock: SharedClock,
    most: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    instances: HashMap<String, Held>,
    channels: HashMap<String, Held>,
    /// When what is over was last looked for.
    swept: i64,
}

/// Whose something is, and for how long that counts.
struct Held {
    owner: Principal,
    region: Option<String>,
    /// Unix time in seconds.
    until: i64,
}

impl<U> std::fmt::Debug for AppServer<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppServer").field("agents", &self.agents).finish_non_exhaustive()
    }
}

/// How long the user of a call may join, unless the request says otherwise.
const USER: Duration = RtcTokens::LONGEST;
/// How long an instance that was stopped can be asked about, in seconds.
const STOPPED: i64 = 60 * 60;

impl<U: Upstream> AppServer<U> {
    /// An app server whose channels are of the RTC app of these tokens.
    #[must_use]
    pub fn new(upstream: U, tokens: RtcTokens) -> Self {
        Self {
            upstream,
            tokens,
            chat: None,
            agents: HashMap::new(),
            clock: SharedClock::default(),
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

    fn known(&self) -> MutexGuard<'_, Known> {
        // No panic can come between two changes that belong together.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one more instance and one more channel.
    fn room(&self) -> Result<(), Error> {
        let now = self.clock.seconds();
        let mut known = self.known();
        let full = |known: &Known| known.instances.len().max(known.channels.len()) >= self.most;
        // To look at all of them for each request would cost more than the request.
        if full(&known) && now.saturating_sub(known.swept) >= 10 {
            known.swept = now;
            known.instances.retain(|_, held| held.until > now);
            known.channels.retain(|_, held| held.until > now);
        }
        match full(&known) {
            false => Ok(()),
            true => Err(Error::wire("too many instances").status(503).code("ServiceUnavailable")),
        }
    }

    fn until(&self, life: Duration) -> i64 {
        self.clock.seconds().saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX))
    }

    fn hold_instance(&self, caller: &Principal, id: &str, region: Option<&str>) {
        let (owner, region) = (caller.clone(), region.map(String::from));
        let held = Held { owner, region, until: self.until(RtcTokens::AGENT) };
        self.known().instances.insert(id.into(), held);
    }

    /// Makes a new channel the caller's own.
    fn hold_channel(&self, caller: &Principal, id: &str) {
        let (owner, until) = (caller.clone(), self.until(RtcTokens::AGENT));
        self.known().channels.insert(id.into(), Held { owner, region: None, until });
    }

    /// Makes a channel that the caller names its own, unless it is another one's.
    fn claim_channel(&self, caller: &Principal, id: &str) -> Result<(), Error> {
        let (now, until) = (self.clock.seconds(), self.until(RtcTokens::AGENT));
        let mut known = self.known();
        let held = known.channels.get(id).filter(|held| held.until > now);
        if held.is_some_and(|held| held.owner != *caller) {
            return Err(foreign("channel"));
        }
        let held = Held { owner: caller.clone(), region: None, until };
        known.channels.insert(id.into(), held);
        Ok(())
    }

    /// The region of an instance of the caller.
    fn region_of(&self, caller: &Principal, id: &str) -> Result<Option<String>, Error> {
        let now = self.clock.seconds();
        match self.known().instances.get(id).filter(|held| held.until > now) {
            Some(held) if held.owner == *caller => Ok(held.region.clone()),
            Some(_) => Err(foreign("instance")),
            None => Err(no_instance()),
        }
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
        let started = self.upstream.start(start.region, request).await;
        let started = started.map_err(UpstreamError::into_error)?;
        self.hold_instance(caller, &started.instance_id, start.region);
        Ok((started.instance_id, agent_user_id))
    }
}

/// An instance to start.
struct Start<'a> {
    agent_id: &'a str,
    channel_id: &'a str,
    region: Option<&'a str>,
    template_config: Option<Template>,
    agent_config: Option<AgentConfig>,
    chat_sync_config: Option<ChatSyncConfig>,
    session_id: Option<String>,
    user_data: Option<String>,
}

impl<U: Upstream> Api for AppServer<U> {
    async fn owns(&self, caller: &Principal, resource: Resource<'_>) -> Result<Ownership, Error> {
        let now = self.clock.seconds();
        let known = self.known();
        let held = match resource {
            Resource::Instance(id) => known.instances.get(id),
            Resource::Channel(id) => known.channels.get(id),
        };
        Ok(match held.filter(|held| held.until > now) {
            Some(held) if held.owner == *caller => Ownership::Own,
            Some(_) => Ownership::Foreign,
            None => Ownership::Unknown,
        })
    }

    async fn generate_call(
        &self,
        caller: &Principal,
        request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        check_configs(&request.agent_config, &request.template_config)?;
        let agent_type = request.workflow_type;
        let agent_id = match (request.agent_id.as_deref().and_then(filled), &agent_type) {
            (Some(agent_id), _) => agent_id,
            (None, Some(agent_type)) => self.agent_of(agent_type)?,
            (None, None) => return Err(missing("ai_agent_id")),
        };
        let user_id = match request.user_id.as_deref().and_then(filled) {
            Some(user_id) => {
                check_id(Ids::Rtc, "user_id", user_id)?;
                user_id.to_owned()
            }
            None => random_id()?,
        };
        let expire = check_expire(request.expire)?.unwrap_or(USER);
        self.room()?;
        let region = request.region.as_deref().and_then(filled);
        let mut call =
            ice::GenerateCallRequest::new(agent_id).with_user_id(user_id).with_expire(expire);
        call.agent_config = request.agent_config;
        call.template_config = request.template_config;
        call.chat_sync_config = request.chat_sync_config;
        call.session_id = request.session_id;
        call.user_data = request.user_data;
        let made = self.upstream.generate(region, call).await;
        let made = made.map_err(UpstreamError::into_error)?;
        self.hold_instance(caller, &made.instance_id, region);
        self.hold_channel(caller, &made.channel_id);
        let mut answer = GeneratedCall::new(
            made.token,
            agent_id,
            made.agent_user_id,
            made.channel_id,
            made.instance_id,
        );
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
        check_configs(&request.agent_config, &request.template_config)?;
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check_id(Ids::Rtc, "user_id", user_id)?;
        let expire = check_expire(request.expire)?.unwrap_or(USER).min(RtcTokens::LONGEST);
        let agent_id = self.agent_of(&request.workflow_type)?;
        self.room()?;
        let channel_id = random_id()?;
        let token = self.tokens.issue_for(&channel_id, user_id, expire)?;
        let start = Start {
            agent_id,
            channel_id: &channel_id,
            region: None,
            template_config: request.template_config,
            agent_config: request.agent_config,
            chat_sync_config: request.chat_sync_config,
            session_id: request.session_id,
            user_data: request.user_data,
        };
        self.hold_channel(caller, &channel_id);
        let (instance_id, agent_user_id) = self.start_in(caller, start).await?;
        Ok(StartedInstance::new(instance_id, token.encode(), agent_user_id, channel_id))
    }

    async fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> Result<(), Error> {
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.region_of(caller, id)?;
        let stop = ice::StopInstanceRequest::new(id);
        self.upstream.stop(region.as_deref(), stop).await.map_err(UpstreamError::into_error)?;
        let until = self.clock.seconds().saturating_add(STOPPED);
        if let Some(held) = self.known().instances.get_mut(id) {
            held.until = held.until.min(until);
        }
        Ok(())
    }

    async fn update_instance(
        &self,
        caller: &Principal,
        request: UpdateInstanceRequest,
    ) -> Result<(), Error> {
        check_configs(&request.agent_config, &request.template_config)?;
        if request.agent_config.is_none() && request.template_config.is_none() {
            return Err(missing("template_config"));
        }
        let id = filled(&request.instance_id).ok_or_else(|| missing("ai_agent_instance_id"))?;
        let region = self.region_of(caller, id)?;
        let mut update = ice::UpdateInstanceRequest::new(id);
        update.agent_config = request.agent_config;
        update.template_config = request.template_config;
        let updated = self.upstream.update(region.as_deref(), update).await;
        updated.map_err(UpstreamError::into_error).map(drop)
    }

    async fn chat_token(
        &self,
        _: &Principal,
        request: ChatTokenRequest,
    ) -> Result<ChatTokenAnswer, Error> {
        let Some(tokens) = &self.chat else { return Err(Error::unsupported()) };
        filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check_id(Ids::Chat, "user_id", user_id)?;
        let role = request.role.as_deref().and_then(filled).unwrap_or_default();
        if !matches!(role, "" | "admin") {
            return Err(invalid("/role: allowed: `admin`, or nothing"));
        }
        let expire = check_expire(request.expire)?.unwrap_or(ChatTokens::LONGEST);
        let token = tokens.issue_for(user_id, role, expire.min(ChatTokens::LONGEST))?;
        Ok(ChatTokenAnswer::new(
            token.app_id,
            token.app_sign,
            token.token,
            token.user_id,
            token.timestamp,
        )
        .with_nonce(token.nonce)
        .with_role(token.role))
    }

    async fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> Result<InstanceInChannel, Error> {
        check_configs(&request.agent_config, &request.template_config)?;
        let user_id = filled(&request.user_id).ok_or_else(|| missing("user_id"))?;
        check_id(Ids::Rtc, "user_id", user_id)?;
        let agent_id = filled(&request.agent_id).ok_or_else(|| missing("ai_agent_id"))?;
        let channel_id = filled(&request.channel_id).ok_or_else(|| missing("channel_id"))?;
        check_id(Ids::Rtc, "channel_id", channel_id)?;
        let region = filled(&request.region).ok_or_else(|| missing("region"))?;
        self.room()?;
        self.claim_channel(caller, channel_id)?;
        let start = Start {
            agent_id,
            channel_id,
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
        let described = self.upstream.describe(region.as_deref(), describe).await;
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
        check_id(Ids::Rtc, "user_id", user_id)?;
        let channel_id = match request.channel_id.as_deref().and_then(filled) {
            Some(channel_id) => {
                check_id(Ids::Rtc, "channel_id", channel_id)?;
                channel_id.to_owned()
            }
            None => random_id()?,
        };
        self.room()?;
        self.claim_channel(caller, &channel_id)?;
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

fn check_id(ids: Ids, field: &'static str, id: &str) -> Result<(), Error> {
    ids.check(field, id).map_err(|error| invalid(format!("/{error}")))
}

/// A lifetime of at most a week; none when there is none, or one of nothing.
fn check_expire(expire: Option<Duration>) -> Result<Option<Duration>, Error> {
    let Some(expire) = expire.filter(|expire| !expire.is_zero()) else { return Ok(None) };
    let whole = expire.subsec_nanos() == 0;
    if !whole || expire > RtcTokens::AGENT {
        let allowed = "whole seconds, 0 to 604800";
        return Err(invalid(format!("/expire: {expire:?}, allowed: {allowed}")));
    }
    Ok(Some(expire))
}

/// What breaks a rule of the platform goes no further.
fn check_configs(
    agent_config: &Option<AgentConfig>,
    template_config: &Option<Template>,
) -> Result<(), Error> {
    let at = |field: &str, violation: &Violation| {
        let value = violation.value().map(String::from);
        Violation::new(format!("/{field}{}", violation.pointer()), value, violation.allowed())
            .to_string()
    };
    let mut found = Vec::new();
    if let Some(Err(violations)) = agent_config.as_ref().map(Validate::validate) {
        found.extend(violations.iter().map(|violation| at("agent_config", violation)));
    }
    if let Some(Err(violations)) = template_config.as_ref().map(Validate::validate) {
        found.extend(violations.iter().map(|violation| at("template_config", violation)));
    }
    if found.is_empty() { Ok(()) } else { Err(invalid(found.join("; "))) }
}
