//! The events of clients.

use std::time::Duration;

use super::label::labels;

/// A client has ended a request to a platform, with all its attempts.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct UpstreamRequest {
    /// The id of the operation.
    pub operation: &'static str,
    /// The HTTP status of the last response; `None` without one.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: UpstreamOutcome,
    /// The number of attempts.
    pub attempts: u32,
    /// From the call until its end. For a stream of events that is the end of the stream.
    pub duration: Duration,
}

labels! {
    /// How a request of a client ended. A request that can't be sent, because its values or the settings do not
    /// allow it, is not an event.
    pub enum UpstreamOutcome {
        /// It succeeded.
        Ok = "ok",
        /// The platform reported a failure in its envelope.
        Failure = "failure",
        /// The platform answered with an HTTP status that is not a success.
        Status = "status",
        /// The response can't be read.
        Decode = "decode",
        /// A deadline passed.
        Deadline = "deadline",
        /// The connection failed.
        Transport = "transport",
        /// The stream of events ended before its last event.
        Cut = "cut",
        /// The caller dropped the call before it ended.
        Dropped = "dropped",
    }
}
