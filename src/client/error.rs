//! Why a call failed.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::Failure;
#[cfg(feature = "aui")]
use crate::wire::Violation;
use crate::wire::{DecodeError, Operation, Violations};

/// Why a call failed. It holds no secret, and nothing of what callers say.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    operation: &'static str,
    kind: Kind,
    status: Option<StatusCode>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Settings(String),
    Invalid(Violations),
    Request(String),
    #[cfg(feature = "aui")]
    Unsupported(String),
    Deadline(Deadline, Duration),
    Transport(super::TransportError),
    Status,
    ContentType(String),
    TooLarge(usize),
    Decode(DecodeError),
    Failure(Failure),
    Cut,
}

/// A limit in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// Until the connection stands.
    Connect,
    /// Until the whole answer of a call without a stream is there.
    Call,
    /// From the call to the first event of a stream.
    FirstEvent,
    /// From one event of a stream to the next.
    Gap,
}

impl Error {
    pub(super) fn new(operation: &Operation, kind: Kind) -> Self {
        Self::with_status(operation, kind, None)
    }

    pub(super) fn with_status(
        operation: &Operation,
        kind: Kind,
        status: Option<StatusCode>,
    ) -> Self {
        Self(Box::new(Inner { operation: operation.id, kind, status }))
    }

    pub(crate) fn settings(message: impl fmt::Display) -> Self {
        let kind = Kind::Settings(message.to_string());
        Self(Box::new(Inner { operation: "", kind, status: None }))
    }

    /// A call that this client does not have.
    #[cfg(feature = "aui")]
    pub(crate) fn unsupported(operation: &Operation, reason: impl Into<String>) -> Self {
        Self::new(operation, Kind::Unsupported(reason.into()))
    }

    /// A call that breaks a rule before it has an operation.
    #[cfg(feature = "aui")]
    pub(crate) fn invalid(violation: Violation) -> Self {
        let kind = Kind::Invalid(violation.into());
        Self(Box::new(Inner { operation: "", kind, status: None }))
    }

    /// The same, with another failure in place of the reported one.
    #[cfg(feature = "aui")]
    pub(crate) fn map_failure(mut self, map: impl FnOnce(Failure) -> Failure) -> Self {
        if let Kind::Failure(failure) = &mut self.0.kind {
            *failure = map(failure.clone());
        }
        self
    }

    /// Whether a deadline passed; [`deadline`](Self::deadline) says which.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.deadline().is_some()
    }

    /// The deadline that passed.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match self.0.kind {
            Kind::Deadline(deadline, _) => Some(deadline),
            _ => None,
        }
    }

    /// Whether a stream ended before the packet that ends it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self.0.kind, Kind::Cut)
    }

    /// Whether the way to the peer failed: the connection, TLS, or an answer that broke off.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, Kind::Transport(_))
    }

    /// Whether the same call may go well when it is made again: the peer was not reached, asked for
    /// patience, or failed in a way of which its document says so. It does not say that to call
    /// again is safe.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.0.kind {
            Kind::Deadline(deadline, _) => *deadline == Deadline::Connect,
            Kind::Transport(error) => error.is_connect(),
            Kind::Failure(failure) => failure.is_retryable() || self.asks_for_patience(),
            Kind::Status => self.asks_for_patience(),
            _ => false,
        }
    }

    fn asks_for_patience(&self) -> bool {
        matches!(self.0.status.map(|status| status.as_u16()), Some(429 | 502..=504))
    }

    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The failure that the peer reported in the body.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0.kind {
            Kind::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// The id of the request, as the peer echoed it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.failure().and_then(Failure::request_id)
    }

    /// What of the request is not allowed. Nothing was sent.
    #[must_use]
    pub fn violations(&self) -> Option<&Violations> {
        match &self.0.kind {
            Kind::Invalid(violations) => Some(violations),
            _ => None,
        }
    }

    /// What of the answer is not what the spec says.
    #[must_use]
    pub fn decode_error(&self) -> Option<&DecodeError> {
        match &self.0.kind {
            Kind::Decode(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, kind, status } = &*self.0;
        if !operation.is_empty() {
            write!(f, "{operation}: ")?;
        }
        match kind {
            #[cfg(feature = "aui")]
            Kind::Unsupported(reason) => f.write_str(reason),
            Kind::Settings(message) => write!(f, "the client can't be built: {message}"),
            Kind::Invalid(violations) => write!(f, "not sent: {violations}"),
            Kind::Request(message) => write!(f, "the request can't be built: {message}"),
            Kind::Deadline(deadline, limit) => match deadline {
                Deadline::Connect => write!(f, "not connected within {limit:?}"),
                Deadline::Call => write!(f, "no whole answer within {limit:?}"),
                Deadline::FirstEvent => write!(f, "no first event within {limit:?}"),
                Deadline::Gap => write!(f, "no further event within {limit:?}"),
            },
            Kind::Transport(error) => error.fmt(f),
            Kind::Status => match status {
                Some(status) => write!(f, "the answer is HTTP {status}"),
                None => f.write_str("the answer is no success"),
            },
            Kind::ContentType(found) => {
                write!(f, "the answer is no event stream but {found}")
            }
            Kind::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
            Kind::Decode(error) => write!(f, "the answer can't be read: {error}"),
            Kind::Failure(failure) => failure.fmt(f),
            Kind::Cut => f.write_str("the stream was cut before its last packet"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Transport(error) => error.source(),
            _ => None,
        }
    }
}
