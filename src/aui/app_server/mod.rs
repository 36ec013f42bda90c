//! An app server that is ready to use.

mod entries;
mod handlers;
mod ownership;
mod policy;

use std::collections::HashMap;
use std::sync::Arc;

use tracing::Instrument;

use self::ownership::{Joined, Ledger};
pub use self::policy::AgentSetting;
use self::policy::{Dropped, Policy};
#[cfg(doc)]
use super::Api;
use super::admission::invalid;
use super::ice::Region;
use super::tokens::{ChatTokens, RtcTokens, random_id};
use super::{Principal, Upstream, UpstreamError, ice};
use crate::aicall::{AgentConfig, AgentType, ChatSyncConfig, Template};
use crate::clock::{Clock, SharedClock};
use crate::observe::{
    AgentStarted, AgentStopped, Event, Observer, Observers, TraceContext, carried,
};
use crate::server::Error;
#[cfg(doc)]
use crate::wire::Validate;
use crate::wire::{Operation, Printable};

/// An [`Api`] on top of an [`Upstream`], which runs the agents.
///
/// It creates channels and tokens for the instances that it starts, finds the agent of a type,
/// remembers who owns each instance and channel, and validates configurations before they go
/// upstream. It never gives out an agent's token, nor a token for an agent's name in its channel.
///
/// You decide what an agent is: [`agent_config`](Self::agent_config) sets the configuration of a type, and
/// a caller sets the voice and the greeting only, unless you [allow more](Self::callers_may_set). Other
/// settings in a request, such as the system prompt, are dropped and not passed on.
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
/// - With [several instances](crate::guide::several_instances#the-app-server), the load balancer must keep
///   each caller on one of them.
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
    policy: Policy,
    admin_chats: bool,
    ledger: Ledger,
    observers: Observers,
}

/// A new instance for a caller. It is stopped if it is dropped before the caller has got it.
struct Made<T, U: Upstream> {
    made: Option<T>,
    id: fn(&T) -> &str,
    region: Option<Region>,
    upstream: Arc<U>,
    /// The operation that has started it.
    operation: &'static Operation,
    observers: Observers,
}

impl<T, U: Upstream> Drop for Made<T, U> {
    fn drop(&mut self) {
        let Some(made) = &self.made else { return };
        let stop = ice::StopInstanceRequest::new((self.id)(made));
        let (region, upstream) = (self.region.take(), Arc::clone(&self.upstream));
        let (operation, observers) = (self.operation.id, std::mem::take(&mut self.observers));
        // Without a runtime the process is shutting down. The instance then ends by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let stopping = async move {
            tracing::warn!(
                operation,
                "stopping a new instance, because its caller has disconnected"
            );
            let instance = stop.instance_id.clone();
            match upstream.stop(region.as_ref(), stop).await {
                Ok(_) => {
                    let stopped = AgentStopped { instance: &instance, operation };
                    observers.emit(&Event::AgentStopped(&stopped));
                }
                Err(error) => {
                    let error = error.to_string();
                    let error = Printable::whole(&error);
                    tracing::warn!(operation, "the instance can't be stopped: {error}");
                }
            }
        };
        runtime.spawn(carried(TraceContext::local(), stopping).in_current_span());
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
            policy: Policy::default(),
            admin_chats: false,
            ledger: Ledger::default(),
            observers: Observers::default(),
        }
    }

    /// Sets the id of the agent for a type, for requests that name a type and no agent. Default: none.
    #[must_use]
    pub fn agent(mut self, agent_type: AgentType, agent_id: impl Into<String>) -> Self {
        self.agents.insert(agent_type, agent_id.into());
        self
    }

    /// Sets the configuration with which agents of a type start. Settings that the caller
    /// [may set](Self::callers_may_set) and does set replace those in `config`. Call
    /// [`validate`](Validate::validate) first: the server does not check your configuration. Default:
    /// none, and the settings of the platform's console apply.
    ///
    /// The agents that [`agent`](Self::agent) sets have the type that is set there, whatever type a
    /// request names. Other agents have the type that the request names.
    ///
    /// ```
    /// use callbot::aicall::{AgentConfig, AgentType, LlmConfig};
    /// use callbot::aui::{AgentSetting, AppServer, InMemoryAgents, RtcTokens};
    ///
    /// let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
    /// let llm = LlmConfig::unset().with_system_prompt("You take orders for pizza.");
    /// let config = AgentConfig::unset().with_greeting("Hello!").with_llm(llm);
    /// let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens)
    ///     .agent(AgentType::Voice, "agent-1")
    ///     .agent_config(AgentType::Voice, config)
    ///     .callers_may_set([AgentSetting::Voice, AgentSetting::Recognition]);
    /// ```
    #[must_use]
    pub fn agent_config(mut self, agent_type: AgentType, config: AgentConfig) -> Self {
        self.policy.configs.insert(agent_type, config);
        self
    }

    /// Sets which settings callers may set, when an agent starts and while it runs. Default:
    /// [`Voice`](AgentSetting::Voice) and [`Greeting`](AgentSetting::Greeting).
    ///
    /// Other settings in `agent_config` and `template_config` are dropped. The names of the dropped
    /// fields are logged at level info, with the upstream's request id, and without the values. An
    /// invalid value is refused even if it would be dropped.
    ///
    /// Apps with the platform's SDK send all its defaults, which are dropped as well. With
    /// [`AgentSetting::ALL`] callers may set everything.
    ///
    /// Descriptions of instances leave out [`Model`](AgentSetting::Model) settings unless callers may
    /// set them, so that your prompt stays on the server.
    #[must_use]
    pub fn callers_may_set(mut self, settings: impl IntoIterator<Item = AgentSetting>) -> Self {
        self.policy.callers = settings.into_iter().collect();
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

    /// Adds an observer, which gets an event when an agent has [started](crate::observe::Event::AgentStarted)
    /// and when one has been [stopped](crate::observe::Event::AgentStopped) by a caller or by this server. An
    /// agent that ends by itself is not reported: the platform does not say so. Default: none.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
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
        operation: &'static Operation,
        region: Option<Region>,
        ask: impl Future<Output = Result<T, UpstreamError>> + Send + 'static,
        id: fn(&T) -> &str,
    ) -> Result<T, UpstreamError> {
        let (upstream, observers) = (Arc::clone(&self.upstream), self.observers.clone());
        let making = async move {
            let made = ask.await?;
            let started = AgentStarted { instance: id(&made), operation: operation.id };
            observers.emit(&Event::AgentStarted(&started));
            let made = Some(made);
            Ok::<_, UpstreamError>(Made { made, id, region, upstream, operation, observers })
        };
        let making = carried(TraceContext::local(), making).in_current_span();
        let made = tokio::spawn(making);
        // The panic hook has reported a panic already.
        let failed = || UpstreamError::new(500, "the upstream failed");
        let mut made = made.await.map_err(|_| failed())??;
        made.made.take().ok_or_else(failed)
    }

    fn agent_of(&self, agent_type: &AgentType) -> Result<&str, Error> {
        self.agents.get(agent_type).map(String::as_str).ok_or_else(|| {
            // Input is shown escaped, and cut to 64 characters.
            let shown: String = agent_type.as_str().chars().take(64).collect();
            invalid(format!("/workflow_type: {shown:?}, allowed: a type that has an agent here"))
        })
    }

    /// Returns the type of an agent whose id and type a request names.
    fn type_of<'a>(
        &'a self,
        agent_id: &str,
        named: Option<&'a AgentType>,
    ) -> Option<&'a AgentType> {
        let is_agent = |agent_type: &&AgentType| {
            self.agents.get(*agent_type).is_some_and(|agent| agent == agent_id)
        };
        // Several types may have one agent. Without a type the choice must not depend on the order of
        // a hash map.
        let first = || self.agents.keys().filter(is_agent).min_by_key(|known| known.as_str());
        named.filter(is_agent).or_else(first).or(named)
    }

    /// Starts an instance in a channel of the caller.
    async fn start_in(&self, caller: &Principal, start: Start<'_>) -> Result<Started, Error> {
        let mut wanted =
            self.policy.admit(start.operation.id, start.agent_config, start.template_config)?;
        let agent_type = self.type_of(start.agent_id, Some(&start.agent_type));
        self.policy.complete(agent_type, &mut wanted)?;
        let mut dropped = wanted.dropped;
        let agent_user_id = random_id()?;
        let token = self.tokens.issue_agent(start.channel_id, &agent_user_id)?;
        let runtime = ice::RuntimeConfig::new(&agent_user_id, start.channel_id, token.encode());
        let mut request = ice::StartInstanceRequest::new(start.agent_id, runtime);
        request.agent_config = wanted.agent_config;
        request.template_config = wanted.template_config;
        request.chat_sync_config = start.chat_sync_config;
        request.session_id = start.session_id;
        request.user_data = start.user_data;
        let (upstream, region) = (Arc::clone(&self.upstream), start.region.clone());
        let ask = async move { upstream.start(region.as_ref(), request).await };
        let region = start.region.clone();
        let started = self.make(start.operation, region, ask, |started| &started.instance_id);
        let started = answered(started.await, &mut dropped, |started| &started.request_id)?;
        let Start { channel_id, fresh, .. } = start;
        let joined = Joined { channel_id, agent_user_id: &agent_user_id, fresh };
        self.ledger.hold(caller, &started.instance_id, joined, start.region.as_ref());
        let ice::StartInstanceResponse { instance_id, request_id, .. } = started;
        Ok(Started { instance_id, agent_user_id, request_id })
    }
}

/// Notes the id of the upstream's request for the log.
fn answered<T>(
    answer: Result<T, UpstreamError>,
    dropped: &mut Dropped,
    request_id: fn(&T) -> &Option<String>,
) -> Result<T, Error> {
    dropped.request_id = match &answer {
        Ok(answer) => request_id(answer).clone(),
        Err(error) => error.request_id().map(Into::into),
    };
    answer.map_err(UpstreamError::into_error)
}

/// An instance that was started.
struct Started {
    instance_id: String,
    agent_user_id: String,
    request_id: Option<String>,
}

/// An instance to start.
struct Start<'a> {
    operation: &'static Operation,
    agent_id: &'a str,
    agent_type: AgentType,
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
