//! Why Redis did not do what was asked.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use redis::{ErrorKind, RedisError};

/// The error of a connection or a command. It contains neither the URL nor a message of the server, which
/// may contain a key or the name of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkError {
    kind: Kind,
    connecting: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The connection failed, or what arrived on it is not the protocol of Redis.
    Broken(String),
    /// There was no answer in time.
    Late(Duration),
    /// Redis answered with an error that has this code.
    Code(String),
    /// Another error.
    Other(String),
}

impl LinkError {
    pub(crate) fn of(error: &RedisError) -> Self {
        // A pipeline has the errors of its commands. The first one is the cause.
        let errors = error.clone().into_server_errors();
        let first = errors.as_deref().and_then(|errors| errors.first());
        let kind = match (first, error.code()) {
            (Some((_, first)), _) => Kind::Code(first.code().to_owned()),
            (None, Some(code)) => Kind::Code(code.to_owned()),
            (None, None) if error.kind() == ErrorKind::AuthenticationFailed => {
                Kind::Other(error.category().to_owned())
            }
            (None, None) if error.is_io_error() => Kind::Broken(error.to_string()),
            (None, None) if error.is_unrecoverable_error() => {
                Kind::Broken(error.category().to_owned())
            }
            (None, None) => Kind::Other(error.category().to_owned()),
        };
        Self { kind, connecting: false }
    }

    /// Returns the error of a connection that could not be opened.
    pub(crate) fn connect(error: impl fmt::Display) -> Self {
        Self { kind: Kind::Broken(error.to_string()), connecting: true }
    }

    /// Returns the error of settings that are wrong.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self { kind: Kind::Other(message.into()), connecting: true }
    }

    pub(crate) fn late(within: Duration) -> Self {
        Self { kind: Kind::Late(within), connecting: false }
    }

    /// Returns the error of a task that the end of its runtime has stopped.
    pub(crate) fn stopped() -> Self {
        Self::connect("the runtime that drives the connection has ended")
    }

    /// Says that this happened while the connection was opened.
    pub(crate) fn connecting(self) -> Self {
        Self { connecting: true, ..self }
    }

    /// Returns whether a new connection may help.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.kind, Kind::Broken(_) | Kind::Late(_))
    }
}

#[cfg(feature = "redis-store")]
impl LinkError {
    /// Returns the code of the error with which Redis answered.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.kind {
            Kind::Code(code) => Some(code),
            _ => None,
        }
    }

    /// Returns this error; if there was no answer, none within this time.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        if let Kind::Late(within) = &mut self.kind {
            *within = time;
        }
        self
    }

    /// Returns whether this happened while the connection was opened, so that nothing was asked.
    pub(crate) fn is_connecting(&self) -> bool {
        self.connecting
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Late(within) => write!(f, "Redis: no answer within {within:?}"),
            Kind::Broken(text) | Kind::Code(text) | Kind::Other(text) => write!(f, "Redis: {text}"),
        }
    }
}

impl Error for LinkError {}
