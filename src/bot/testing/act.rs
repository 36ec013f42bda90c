//! What a test can do, and what all platforms share when they play it.

use std::fmt;
use std::time::Duration;

use crate::bot::capabilities::Platform;
use crate::client::{CallOptions, Error};

pub(super) const CALLER: &str = "13500000001";
pub(super) const CALLED: &str = "4000000000";

/// The platforms keep their time: whoever tests waits for their answer.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What a caller or a platform can do.
#[derive(Clone)]
pub(super) enum Act {
    Begin,
    Say(String),
    Keys(String),
    Silence,
    NoMatch,
    Transferred,
    TransferFailed,
}

impl Act {
    /// What the platform has not got.
    pub(super) fn lacked_by(&self, platform: Platform) -> Option<&'static str> {
        let duix = matches!(platform, Platform::Duix | Platform::DuixStream);
        match self {
            Self::Begin if duix => Some("begin of a call"),
            Self::Keys(_) if duix => Some("keys"),
            Self::Silence if duix => Some("silence"),
            Self::NoMatch if platform != Platform::Odfs => {
                Some("word of speech that was not recognised")
            }
            Self::Transferred | Self::TransferFailed if platform != Platform::Odfs => {
                Some("word of what came of a transfer")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("(the call begins)"),
            Self::Say(words) => write!(f, "“{words}”"),
            Self::Keys(keys) => write!(f, "(presses {keys})"),
            Self::Silence => f.write_str("(says nothing)"),
            Self::NoMatch => f.write_str("(is not understood)"),
            Self::Transferred => f.write_str("(was put through)"),
            Self::TransferFailed => f.write_str("(could not be put through)"),
        }
    }
}

pub(super) fn options() -> CallOptions {
    CallOptions::new().call_deadline(PATIENCE).first_event_deadline(PATIENCE).gap_deadline(PATIENCE)
}

/// Nothing in the settings of these clients can be refused.
#[track_caller]
#[allow(clippy::panic)]
pub(super) fn built<C>(client: Result<C, Error>) -> C {
    client.unwrap_or_else(|error| panic!("{error}"))
}
