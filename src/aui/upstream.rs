//! The upstream of an app server, which runs the agents.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, MutexGuard};

use serde_json::Value;

use super::ice::{
    DescribeInstanceRequest, DescribeInstanceResponse, GenerateCallRequest, GenerateCallResponse,
    GenerateCallResponseFields, Instance, InstanceRuntimeConfig, InstanceStatus, Region,
    StartInstanceRequest, StartInstanceResponse, StopInstanceRequest, StopInstanceResponse,
    UpdateInstanceRequest, UpdateInstanceResponse,
};
use super::tokens::{RtcTokenError, RtcTokens, random_id};
use crate::aicall::{AgentConfig, Template};
use crate::lock::Mutex;
use crate::server;
use crate::wire::{DecodeError, Printable, decode_value};

/// Runs the agents of an [`AppServer`](super::AppServer).
///
/// [`ice::Client`](super::ice::Client) calls the platform, and [`InMemoryAgents`] replaces it in
/// development and tests.
///
/// `region` is the region that the request names, or in which the instance was started. It has the
/// form of a region id, but may be unknown or not allowed. `None` leaves the choice to the upstream.
pub trait Upstream: Send + Sync + 'static {
    /// Creates an instance, together with a channel and a token for its user.
    fn generate(
        &self,
        region: Option<&Region>,
        request: GenerateCallRequest,
    ) -> impl Future<Output = Result<GenerateCallResponse, UpstreamError>> + Send;

    /// Starts an instance in an existing channel.
    fn start(
        &self,
        region: Option<&Region>,
        request: StartInstanceRequest,
    ) -> impl Future<Output = Result<StartInstanceResponse, UpstreamError>> + Send;

    /// Stops an instance.
    fn stop(
        &self,
        region: Option<&Region>,
        request: StopInstanceRequest,
    ) -> impl Future<Output = Result<StopInstanceResponse, UpstreamError>> + Send;

    /// Changes an instance.
    fn update(
        &self,
        region: Option<&Region>,
        request: UpdateInstanceRequest,
    ) -> impl Future<Output = Result<UpdateInstanceResponse, UpstreamError>> + Send;

    /// Returns the state and the configuration of an instance.
    fn describe(
        &self,
        region: Option<&Region>,
        request: DescribeInstanceRequest,
    ) -> impl Future<Output = Result<DescribeInstanceResponse, UpstreamError>> + Send;
}

/// Why an upstream failed, in a form that may be sent to the app.
///
/// The [`source`](Error::source) is not sent, and appears in neither `Display` nor `Debug`, because it
/// may name hosts of the network behind the server.
#[derive(Clone)]
pub struct UpstreamError {
    status: u16,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl UpstreamError {
    /// Creates a failure with an HTTP status of 400 to 599. Any other counts as 500.
    #[must_use]
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let status = if (400..=599).contains(&status) { status } else { 500 };
        Self { status, code: None, message: message.into(), request_id: None, source: None }
    }

    /// Sets the code, such as `AgentNotFound`: the `error_code` of the answer.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the upstream's request id.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    /// Sets the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the message that is sent to the app.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the upstream's request id.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    fn internal(error: impl Error + Send + Sync + 'static) -> Self {
        let text = error.to_string();
        tracing::error!("the in-memory upstream failed: {}", Printable::whole(&text));
        Self::new(500, "the upstream failed").with_code("InternalError").with_source(error)
    }

    fn no_instance(id: &str) -> Self {
        let message = format!("The specified instance \"{}\" is not found.", Printable::cut(id));
        Self::new(404, message).with_code("InstanceNotFound")
    }
}

impl fmt::Debug for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, message, request_id, source: _ } = self;
        f.debug_struct("UpstreamError")
            .field("status", status)
            .field("code", code)
            .field("message", message)
            .field("request_id", request_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upstream: {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl UpstreamError {
    /// Converts this into the error of a handler, with the status, code, message and request id.
    pub(super) fn into_error(self) -> server::Error {
        let mut error = server::Error::public(self.message).status(self.status);
        if let Some(code) = self.code {
            error = error.code(code);
        }
        match self.request_id {
            Some(request_id) => error.request_id(request_id),
            None => error,
        }
    }
}

/// An upstream for development and tests, with agents in this process that do nothing.
///
/// Its tokens are real, so an app can join the channels, but no agent answers there. Ids are UUIDs
/// without dashes. It keeps the newest 10,000 instances, including stopped ones, of at most 32 KiB each
/// as JSON.
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
#[derive(Debug)]
pub struct InMemoryAgents {
    tokens: RtcTokens,
    missing: Vec<String>,
    instances: Mutex<Instances>,
}

#[derive(Debug, Default)]
struct Instances {
    by_id: HashMap<String, Instance>,
    /// The ids, oldest first.
    order: std::collections::VecDeque<String>,
}

/// The number of instances that are kept.
const MAX: usize = 10_000;
/// The size of an instance as JSON, in bytes. Callers send most of it.
const MAX_BYTES: usize = 32 * 1024;

fn check_size(instance: &Instance) -> Result<(), UpstreamError> {
    let bytes = serde_json::to_vec(instance).map_err(UpstreamError::internal)?.len();
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("The instance has {bytes} bytes, allowed: at most {MAX_BYTES}.");
    Err(UpstreamError::new(400, message).with_code("InvalidParameter"))
}

impl InMemoryAgents {
    /// Creates an upstream whose channels belong to the RTC app of `tokens`.
    #[must_use]
    pub fn new(tokens: RtcTokens) -> Self {
        Self { tokens, missing: Vec::new(), instances: Mutex::default() }
    }

    /// Removes the agent with this id: calling it fails with `AgentNotFound`. Default: every id has an
    /// agent.
    #[must_use]
    pub fn missing_agent(mut self, agent_id: impl Into<String>) -> Self {
        self.missing.push(agent_id.into());
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
        instances.by_id.insert(id.clone(), instance);
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
            InstanceStatus::Executing,
            runtime,
            request.agent_config,
            request.template_config,
            request.user_data,
        )?;
        let request_id = random_id().map_err(UpstreamError::internal)?;
        Ok(StartInstanceResponse::new(id).with_request_id(request_id))
    }

    async fn stop(
        &self,
        _: Option<&Region>,
        request: StopInstanceRequest,
    ) -> Result<StopInstanceResponse, UpstreamError> {
        let mut instances = self.instances();
        let instance = instances.by_id.get_mut(&request.instance_id);
        let Some(instance) = instance else {
            return Err(UpstreamError::no_instance(&request.instance_id));
        };
        instance.status = Some(InstanceStatus::Finished);
        Ok(StopInstanceResponse::new())
    }

    async fn update(
        &self,
        _: Option<&Region>,
        request: UpdateInstanceRequest,
    ) -> Result<UpdateInstanceResponse, UpstreamError> {
        let mut instances = self.instances();
        let instance = instances.by_id.get_mut(&request.instance_id);
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
            Some(instance) => Ok(DescribeInstanceResponse::new(instance.clone())),
            None => Err(UpstreamError::no_instance(&request.instance_id)),
        }
    }
}

/// Returns a configuration with changes. Fields that `change` does not have stay as they are.
pub(super) fn merged<T>(now: &T, change: &T) -> Result<T, DecodeError>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    fn merge(now: &mut Value, change: Value) {
        match (now, change) {
            (Value::Object(now), Value::Object(change)) => {
                for (key, value) in change {
                    merge(now.entry(key).or_insert(Value::Null), value);
                }
            }
            (now, change) => *now = change,
        }
    }

    let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
    let mut now = json(now);
    merge(&mut now, json(change));
    decode_value(&now)
}
