//! The steps of a test, and what all platforms share when they play them.

use std::fmt;
use std::time::Duration;

use crate::bot::capabilities::Platform;
use crate::bot::history::Entry;
use crate::client::{CallOptions, Error};

pub(super) const CALLER: &str = "13500000001";
pub(super) const CALLED: &str = "4000000000";

/// The client's timeout. It is far longer than any budget, so that the deadlines of the platform decide
/// how a turn ends.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A step of a test: something that the caller or the platform does.
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
    /// Returns what the platform lacks for this step; `None` if it supports the step.
    pub(super) fn lacked_by(&self, platform: Platform) -> Option<&'static str> {
        let speech_only = !matches!(platform, Platform::DigitalEmployee | Platform::Odfs);
        match self {
            Self::Begin if speech_only => Some("does not report the start of a call"),
            Self::Keys(_) if speech_only => Some("does not report DTMF digits"),
            Self::Silence if speech_only => Some("does not report silence"),
            Self::NoMatch if platform != Platform::Odfs => {
                Some("does not report unrecognised speech")
            }
            Self::Transferred | Self::TransferFailed if platform != Platform::Odfs => {
                Some("does not report the outcome of a transfer")
            }
            _ => None,
        }
    }
}

impl Act {
    /// Returns what the caller says or presses.
    pub(super) fn content(&self) -> Option<&str> {
        match self {
            Self::Say(text) | Self::Keys(text) => Some(text),
            _ => None,
        }
    }

    /// Returns this step without what the caller says or presses.
    pub(super) fn hidden(&self) -> Self {
        match self {
            Self::Say(_) => Self::Say(Entry::SECRET.into()),
            Self::Keys(_) => Self::Keys(Entry::SECRET.into()),
            act => act.clone(),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("(the call begins)"),
            Self::Say(text) => write!(f, "“{text}”"),
            Self::Keys(keys) => write!(f, "(presses {keys})"),
            Self::Silence => f.write_str("(says nothing)"),
            Self::NoMatch => f.write_str("(is not understood)"),
            Self::Transferred => f.write_str("(was transferred)"),
            Self::TransferFailed => f.write_str("(could not be transferred)"),
        }
    }
}

pub(super) fn options() -> CallOptions {
    CallOptions::new().call_deadline(PATIENCE).first_event_deadline(PATIENCE).gap_deadline(PATIENCE)
}

/// Returns the client. Building one never fails here, since all settings are constants.
#[track_caller]
#[allow(clippy::panic)]
pub(super) fn built<C>(client: Result<C, Error>) -> C {
    match client {
        Ok(client) => client,
        Err(error) => panic!("{error}"),
    }
}
