//! What can go wrong in a reply, and notices of what did not reach the caller.

use std::fmt;

use super::capabilities::Platform;
use super::controls::ControlKind;
use super::input::{CallKey, Cause};
use super::store::StoreError;
use crate::server::Error;
use crate::wire::{Violation, Violations};

/// What a bot's functions return: any error converts, so `?` works on all of them.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why something did not get into a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// Nobody listens any more. The bot should return; the turn is dropped at its next wait anyway,
    /// unless it [holds](super::Call::hold).
    Over(Cause),
    /// The platform takes this in the first packet only, and that is out.
    Late(ControlKind),
    /// The platform can't do this.
    Unsupported(ControlKind, Platform),
    /// A transfer or a hang-up was the last of this reply.
    Finished,
    /// The text of the reply would be longer than it may be.
    TooLong {
        /// How long it would be, in bytes.
        bytes: usize,
        /// How long it may be, in bytes.
        max: usize,
    },
    /// Values are not what the platform allows.
    Invalid(Violations),
    /// The store of calls refused, or failed.
    Store(StoreError),
}

impl ReplyError {
    pub(super) fn invalid(pointer: &str, value: impl fmt::Display, allowed: &str) -> Self {
        Self::Invalid(Violation::new(pointer, Some(value.to_string()), allowed).into())
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(cause) => write!(f, "the reply is over: {cause}"),
            Self::Late(control) => {
                write!(f, "{control} is allowed in the first packet only, which was already sent")
            }
            Self::Unsupported(control, platform) => {
                write!(f, "{control} is not supported by {platform}")
            }
            Self::Finished => f.write_str("the reply has ended with a transfer or a hang-up"),
            Self::TooLong { bytes, max } => {
                write!(f, "the text of the reply: {bytes} bytes, allowed: at most {max}")
            }
            Self::Invalid(violations) => violations.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

// `Display` shows the error inside as this one. So it is not the source of this one; its source is.
impl std::error::Error for ReplyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Invalid(violations) => violations.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for ReplyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A part of a reply was dropped without an error; see [`Bot::notice`](super::Bot::notice).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The call.
    pub call: CallKey,
    /// The platform.
    pub platform: Platform,
    /// The part that was dropped.
    pub what: Dropped,
}

/// A part of a reply that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// A control that the platform can't do; see [`HostBuilder::lossy`](super::HostBuilder::lossy).
    Control(ControlKind),
    /// The greeting, on a platform that does not ask for one.
    Greeting,
    /// The reason of a hang-up, which the platform has no place for.
    HangUpReason,
    /// The part of the greeting that came after the deadline.
    RestOfGreeting,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = self.platform;
        match self.what {
            Dropped::Control(control) => write!(f, "{platform} can't do {control}: dropped"),
            Dropped::Greeting => {
                write!(f, "{platform} does not ask for a greeting before a turn: dropped")
            }
            Dropped::HangUpReason => write!(f, "{platform} takes no reason of a hang-up: dropped"),
            Dropped::RestOfGreeting => write!(f, "the rest of the greeting came too late: dropped"),
        }
    }
}
