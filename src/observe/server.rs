//! The events of servers.

use super::label::labels;

/// A server has refused a request, or its handler has: with a status below 500, or with 501 or 503.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Refused {
    /// The platform: as [`Platform`](crate::bot::Platform) displays it, or the name of another server: `aui`,
    /// or `duix-management`. `unknown` from a [`VerifyLayer`](crate::auth::VerifyLayer), which may be in front
    /// of several.
    pub platform: &'static str,
    /// The id of the operation; `None` from a [`VerifyLayer`](crate::auth::VerifyLayer).
    pub operation: Option<&'static str>,
    /// The status of the refusal. On a platform whose answers have it in the body, or in a stream, the HTTP
    /// status may be another one.
    pub status: u16,
    /// The reason.
    pub reason: RefusalReason,
}

labels! {
    /// Why a server refused a request.
    pub enum RefusalReason {
        /// Its signature is missing, wrong or expired.
        Signature = "signature",
        /// Its token or shared secret is missing, wrong or expired, or does not grant access.
        Token = "token",
        /// Its method is not that of the operation.
        Method = "method",
        /// Its body is not JSON by its media type.
        MediaType = "media_type",
        /// A page of another site may have sent it: it has an origin, and no media type of JSON.
        CrossSite = "cross_site",
        /// Its body has a content encoding.
        Encoding = "encoding",
        /// Its body is larger than the limit.
        TooLarge = "too_large",
        /// Its body did not arrive in time.
        LateBody = "late_body",
        /// Its body broke off, or arrived in too many small pieces.
        Incomplete = "incomplete",
        /// Its body is not JSON.
        Json = "json",
        /// It does not match the spec, or breaks a rule of the platform.
        Body = "body",
        /// Its operation is not offered: status 501.
        Unsupported = "unsupported",
        /// There are too many requests or calls, the nonces of signatures can't be checked, or the server is
        /// shutting down: status 503.
        Unavailable = "unavailable",
        /// The handler rejected it, with a status below 500.
        Handler = "handler",
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
