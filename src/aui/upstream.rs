//! The upstream of an app server, which runs the agents.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::ice::{
    DescribeInstanceRequest, DescribeInstanceResponse, GenerateCallRequest, GenerateCallResponse,
    Region, StartInstanceRequest, StartInstanceResponse, StopInstanceRequest, StopInstanceResponse,
    UpdateInstanceRequest, UpdateInstanceResponse,
};
use crate::server;
use crate::wire::{DecodeError, Printable, decode_value};

/// Runs the agents of an [`AppServer`](super::AppServer).
///
/// [`ice::Client`](super::ice::Client) calls the platform, and
/// [`InMemoryAgents`](super::InMemoryAgents) replaces it in
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

    pub(super) fn internal(error: impl Error + Send + Sync + 'static) -> Self {
        let text = error.to_string();
        tracing::error!("the in-memory upstream failed: {}", Printable::whole(&text));
        Self::new(500, "the upstream failed").with_code("InternalError").with_source(error)
    }

    pub(super) fn no_instance(id: &str) -> Self {
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
