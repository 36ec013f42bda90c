//! The events of servers.

use super::label::labels;

/// A server has refused a request: no handler saw it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Refused {
    /// The platform: as [`Platform`](crate::bot::Platform) displays it, or the name of another server, such
    /// as `aui`.
    pub platform: &'static str,
    /// The id of the operation; `None` if it is not known yet.
    pub operation: Option<&'static str>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The reason.
    pub reason: RefusalReason,
}

labels! {
    /// Why a server refused a request.
    pub enum RefusalReason {
        /// Its signature is missing or wrong.
        Signature = "signature",
        /// Its token or shared secret is missing, wrong or expired.
        Token = "token",
        /// Its body does not match the spec.
        Body = "body",
        /// Its body is larger than the limit.
        TooLarge = "too_large",
        /// Its body did not arrive in time.
        LateBody = "late_body",
        /// Its body is not JSON by its media type.
        MediaType = "media_type",
        /// Its body has a content encoding.
        Encoding = "encoding",
        /// Too many requests of its call, or too many calls, are waiting.
        Crowded = "crowded",
        /// Another reason.
        Other = "other",
    }
}

/// The app server has started an agent.
#[cfg(feature = "aui")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AgentStarted<'a> {
    /// The id of the instance. Not for a label of metrics.
    pub instance: &'a str,
    /// The id of the operation that started it.
    pub operation: &'static str,
}

/// The app server has stopped an agent.
#[cfg(feature = "aui")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AgentStopped<'a> {
    /// The id of the instance. Not for a label of metrics.
    pub instance: &'a str,
    /// The id of the operation that stopped it.
    pub operation: &'static str,
}
