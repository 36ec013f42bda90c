//! Agents in memory, for development and tests.

#[cfg(all(feature = "client", feature = "chat"))]
mod conversation;
#[cfg(all(feature = "client", feature = "chat"))]
mod tags;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, MutexGuard};
#[cfg(feature = "client")]
use std::time::SystemTime;

use serde_json::Value;

#[cfg(all(feature = "client", feature = "chat"))]
pub use self::conversation::AgentReply;
use super::ice::{
    DescribeInstanceRequest, DescribeInstanceResponse, GenerateCallRequest, GenerateCallResponse,
    GenerateCallResponseFields, Instance, InstanceRuntimeConfig, InstanceStatus, Region,
    StartInstanceRequest, StartInstanceResponse, StopInstanceRequest, StopInstanceResponse,
    UpdateInstanceRequest, UpdateInstanceResponse,
};
use super::tokens::{RtcTokenError, RtcTokens, random_id};
use super::upstream::{Upstream, UpstreamError, merged};
#[cfg(feature = "client")]
use crate::aicall::callback::{self, Notification};
use crate::aicall::{AgentConfig, Template};
use crate::lock::Mutex;
use crate::wire::{DecodeError, Printable};

/// An upstream for development and tests, with agents in this process.
///
/// Its tokens are real, so an app can join the channels, but no agent speaks there. Ids are UUIDs
/// without dashes. It keeps the newest 10,000 instances, including stopped ones, of at most 32 KiB each
/// as JSON. Of a running conversation it keeps the newest 64 KiB. Clones share the instances.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::aui::UpstreamError> {
/// use callbot::aui::ice::{DescribeInstanceRequest, GenerateCallRequest, InstanceStatus};
/// use callbot::aui::{InMemoryAgents, RtcTokens, Upstream};
///
/// let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
/// let agents = InMemoryAgents::new(tokens).missing_agent("agent-2");
/// let call = agents.generate(None, GenerateCallRequest::new("agent-1")).await?;
/// let described = agents.describe(None, DescribeInstanceRequest::new(&call.instance_id)).await?;
/// assert_eq!(described.instance.status, Some(InstanceStatus::Created));
///
/// let error = agents.generate(None, GenerateCallRequest::new("agent-2")).await.unwrap_err();
/// assert_eq!(error.code(), Some("AgentNotFound"));
/// # Ok(())
/// # }
/// ```
///
/// # A bot behind the agents
///
/// With a [bot](Self::bot) the agents do in text what agents of AICall do in speech: [`say`](Self::say) is
/// what the user says, and returns what the agent answers. With [`callbacks`](Self::callbacks) they report
/// the call to your server. So an app, a bot and callbacks can be developed without the platform.
#[cfg_attr(
    all(feature = "client", feature = "chat", feature = "bot"),
    doc = "
```
# #[tokio::main(flavor = \"current_thread\")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
use callbot::aicall::{AgentConfig, callback};
use callbot::aui::ice::GenerateCallRequest;
use callbot::aui::{InMemoryAgents, RtcTokens, Upstream};
use callbot::bot::{Bot, Call, HangUp, Host, Input, Reply, Result};
use callbot::client::InMemoryTransport;

struct Parrot;

impl Bot for Parrot {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        let Input::Speech(text) = input else { return Ok(()) };
        reply.say(&text).await?;
        if text == \"Bye.\" {
            reply.hang_up(HangUp::new()).await?;
        }
        Ok(())
    }
}

let host = Host::builder(Parrot).chat_key(\"key of the bot\").build();
let bot = InMemoryTransport::new(host.chat()?.router());
let callbacks = InMemoryTransport::new(host.aicall_callbacks().token(\"token\").router());
let callbacks = callback::Client::builder(\"http://bot\").token(\"token\").transport(callbacks);

let agents = InMemoryAgents::new(RtcTokens::new(\"rtc-app-1\", \"key of the RTC app\"))
    .bot_over(\"http://bot\", \"key of the bot\", bot)?
    .callbacks(callbacks.build()?);
let call = agents.generate(None, GenerateCallRequest::new(\"agent-1\")).await?;
let reply = agents.say(&call.instance_id, \"Hello?\").await?;
assert_eq!(reply.text, \"Hello?\");
let reply = agents.say(&call.instance_id, \"Bye.\").await?;
assert!(reply.hung_up);
# Ok(())
# }
```"
)]
#[derive(Debug, Clone)]
pub struct InMemoryAgents {
    tokens: RtcTokens,
    missing: Vec<String>,
    instances: Arc<Mutex<Instances>>,
    #[cfg(all(feature = "client", feature = "chat"))]
    bot: Option<conversation::Bot>,
    #[cfg(feature = "client")]
    callbacks: Option<callback::Client>,
}

/// An instance, and what its agent knows.
// Without a bot, agents do not talk.
#[cfg_attr(not(all(feature = "client", feature = "chat")), allow(dead_code))]
struct Held {
    instance: Instance,
    agent_id: String,
    /// What the user and the agent have said.
    #[cfg(feature = "chat")]
    messages: Vec<(crate::chat::Role, String)>,
    /// The number of the newest turn.
    sentence: i64,
    /// Whether the start of the call was reported.
    announced: bool,
}

impl Held {
    /// Ends the instance, which forgets what was said. Returns its status before.
    fn finish(&mut self) -> Option<InstanceStatus> {
        #[cfg(feature = "chat")]
        self.messages.clear();
        self.instance.status.replace(InstanceStatus::Finished)
    }
}

// What is said in a call is not shown.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("instance", &self.instance).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Instances {
    by_id: HashMap<String, Held>,
    /// The ids, oldest first.
    order: std::collections::VecDeque<String>,
}

/// The number of instances that are kept.
const MAX: usize = 10_000;
/// The size of an instance as JSON, in bytes. Callers send most of it.
const MAX_BYTES: usize = 32 * 1024;

fn check_size(instance: &Instance) -> Result<(), UpstreamError> {
    check_bytes("instance", serde_json::to_vec(instance).map_err(UpstreamError::internal)?.len())
}

fn check_bytes(what: &str, bytes: usize) -> Result<(), UpstreamError> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("The {what} has {bytes} bytes, allowed: at most {MAX_BYTES}.");
    Err(UpstreamError::new(400, message).with_code("InvalidParameter"))
}

impl InMemoryAgents {
    /// Creates an upstream whose channels belong to the RTC app of `tokens`.
    #[must_use]
    pub fn new(tokens: RtcTokens) -> Self {
        Self {
            tokens,
            missing: Vec::new(),
            instances: Arc::default(),
            #[cfg(all(feature = "client", feature = "chat"))]
            bot: None,
            #[cfg(feature = "client")]
            callbacks: None,
        }
    }

    /// Removes the agent with this id: calling it fails with `AgentNotFound`. Default: every id has an
    /// agent.
    #[must_use]
    pub fn missing_agent(mut self, agent_id: impl Into<String>) -> Self {
        self.missing.push(agent_id.into());
        self
    }

    /// Reports the start and the end of each call, its turns and what was said, as the callbacks of AICall's
    /// agents. A callback that fails is traced. Default: nothing is reported.
    #[cfg(feature = "client")]
    #[must_use]
    pub fn callbacks(mut self, client: callback::Client) -> Self {
        self.callbacks = Some(client);
        self
    }

    fn instances(&self) -> MutexGuard<'_, Instances> {
        // Nothing can panic between changes that belong together.
        self.instances.lock()
    }

    fn check_agent(&self, agent_id: &str) -> Result<(), UpstreamError> {
        if !self.missing.iter().any(|missing| missing == agent_id) {
            return Ok(());
        }
        let message =
            format!("The specified agentId \"{}\" is not found.", Printable::cut(agent_id));
        Err(UpstreamError::new(400, message).with_code("AgentNotFound"))
    }

    fn add(
        &self,
        agent_id: String,
        status: InstanceStatus,
        runtime: InstanceRuntimeConfig,
        agent_config: Option<AgentConfig>,
        template_config: Option<Template>,
        user_data: Option<String>,
    ) -> Result<String, UpstreamError> {
        let id = random_id().map_err(UpstreamError::internal)?;
        let mut instance = Instance::new().with_status(status).with_runtime_config(runtime);
        instance.agent_config = agent_config;
        instance.template_config = template_config;
        instance.user_data = user_data;
        check_size(&instance)?;
        let mut instances = self.instances();
        while instances.order.len() >= MAX {
            if let Some(oldest) = instances.order.pop_front() {
                instances.by_id.remove(&oldest);
            }
        }
        instances.order.push_back(id.clone());
        let held = Held {
            instance,
            agent_id,
            #[cfg(feature = "chat")]
            messages: Vec::new(),
            sentence: 0,
            announced: false,
        };
        instances.by_id.insert(id.clone(), held);
        Ok(id)
    }
}

impl Upstream for InMemoryAgents {
    async fn generate(
        &self,
        _: Option<&Region>,
        request: GenerateCallRequest,
    ) -> Result<GenerateCallResponse, UpstreamError> {
        self.check_agent(&request.agent_id)?;
        let new_id = || random_id().map_err(UpstreamError::internal);
        let (channel_id, agent_user_id) = (new_id()?, new_id()?);
        let user_id = match request.user_id {
            Some(user_id) => user_id,
            None => new_id()?,
        };
        // An hour, the platform's default, and at most the platform's limit for a user's token.
        let lifetime = request.expire.unwrap_or(std::time::Duration::from_secs(3600));
        let lifetime = lifetime.min(RtcTokens::LONGEST);
        let token = self.tokens.issue_for(&channel_id, &user_id, lifetime);
        let token = token.map_err(|error| match error {
            RtcTokenError::Id(_) | RtcTokenError::Lifetime => {
                UpstreamError::new(400, error.to_string()).with_code("InvalidParameter")
            }
            error => UpstreamError::internal(error),
        })?;
        let runtime = InstanceRuntimeConfig::new()
            .with_channel_id(&channel_id)
            .with_agent_user_id(&agent_user_id);
        let id = self.add(
            request.agent_id,
            InstanceStatus::Created,
            runtime,
            request.agent_config,
            request.template_config,
            request.user_data,
        )?;
        Ok(GenerateCallResponse::new(GenerateCallResponseFields {
            instance_id: &id,
            channel_id: &channel_id,
            agent_user_id: &agent_user_id,
            token: token.encode(),
        })
        .with_user_id(user_id)
        .with_request_id(new_id()?))
    }

    async fn start(
        &self,
        _: Option<&Region>,
        request: StartInstanceRequest,
    ) -> Result<StartInstanceResponse, UpstreamError> {
        self.check_agent(&request.agent_id)?;
        let runtime = InstanceRuntimeConfig::new()
            .with_channel_id(request.runtime_config.channel_id)
            .with_agent_user_id(request.runtime_config.agent_user_id)
            .with_auth_token(request.runtime_config.auth_token);
        let id = self.add(
            request.agent_id,
            InstanceStatus::Executing,
            runtime,
            request.agent_config,
            request.template_config,
            request.user_data,
        )?;
        if let Some(held) = self.instances().by_id.get_mut(&id) {
            held.announced = true;
        }
        self.report_start(&id).await;
        let request_id = random_id().map_err(UpstreamError::internal)?;
        Ok(StartInstanceResponse::new(id).with_request_id(request_id))
    }

    async fn stop(
        &self,
        _: Option<&Region>,
        request: StopInstanceRequest,
    ) -> Result<StopInstanceResponse, UpstreamError> {
        let id = &request.instance_id;
        let before = {
            let mut instances = self.instances();
            let held = instances.by_id.get_mut(id).ok_or_else(|| UpstreamError::no_instance(id))?;
            held.finish()
        };
        if before != Some(InstanceStatus::Finished) {
            self.report(id, "agent_stop", None, None).await;
        }
        Ok(StopInstanceResponse::new())
    }

    async fn update(
        &self,
        _: Option<&Region>,
        request: UpdateInstanceRequest,
    ) -> Result<UpdateInstanceResponse, UpstreamError> {
        let mut instances = self.instances();
        let held = instances.by_id.get_mut(&request.instance_id);
        let instance = held.map(|held| &mut held.instance);
        let running = |instance: &&mut Instance| instance.status != Some(InstanceStatus::Finished);
        let Some(instance) = instance.filter(running) else {
            return Err(UpstreamError::no_instance(&request.instance_id));
        };
        let merge = |error: DecodeError| UpstreamError::internal(error);
        let mut changed = instance.clone();
        if let Some(change) = &request.agent_config {
            let now = changed.agent_config.unwrap_or_else(AgentConfig::unset);
            changed.agent_config = Some(merged(&now, change).map_err(merge)?);
        }
        if let Some(change) = &request.template_config {
            let now = changed.template_config.unwrap_or_default();
            changed.template_config = Some(merged(&now, change).map_err(merge)?);
        }
        if request.user_data.is_some() {
            changed.user_data = request.user_data;
        }
        check_size(&changed)?;
        *instance = changed;
        Ok(UpdateInstanceResponse::new())
    }

    async fn describe(
        &self,
        _: Option<&Region>,
        request: DescribeInstanceRequest,
    ) -> Result<DescribeInstanceResponse, UpstreamError> {
        match self.instances().by_id.get(&request.instance_id) {
            Some(held) => Ok(DescribeInstanceResponse::new(held.instance.clone())),
            None => Err(UpstreamError::no_instance(&request.instance_id)),
        }
    }
}

/// What the agents report.
impl InMemoryAgents {
    async fn report_start(&self, instance_id: &str) {
        self.report(instance_id, "agent_start", None, None).await;
        self.report(instance_id, "session_start", None, None).await;
    }

    /// Reports an event of an instance, if somebody listens. `sentence` is the turn in which it happened.
    #[cfg(feature = "client")]
    async fn report(
        &self,
        instance_id: &str,
        event: &str,
        data: Option<Value>,
        sentence: Option<i64>,
    ) {
        let Some(client) = &self.callbacks else { return };
        let notification = {
            let instances = self.instances();
            let Some(held) = instances.by_id.get(instance_id) else { return };
            let runtime = held.instance.runtime_config.as_ref();
            let mut further = callback::ExtendData::new();
            further.channel_id = runtime.and_then(|runtime| runtime.channel_id.clone());
            further.sentence_id = sentence;
            let now = humantime::format_rfc3339_seconds(SystemTime::now());
            let mut notification = Notification::new(&*held.agent_id, instance_id, event)
                // The code of the document's example; no other one is known.
                .with_code("1001")
                .with_message(event)
                .with_timestamp(now.to_string())
                .with_extend_data(further);
            notification.data = data;
            notification.user_data.clone_from(&held.instance.user_data);
            notification
        };
        if let Err(error) = client.notify(&notification).await {
            tracing::warn!(event, "a callback of an agent in memory failed: {error}");
        }
    }

    /// Nothing reports without a client.
    #[cfg(not(feature = "client"))]
    async fn report(&self, _: &str, _: &str, _: Option<Value>, _: Option<i64>) {}
}
