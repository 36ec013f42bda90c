//! The platforms, as a test plays them, and what a test can do on each.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "digital-employee")]
use super::digital_employee;
#[cfg(feature = "duix")]
use super::duix;
#[cfg(feature = "odfs")]
use super::odfs;
use super::transcript::Step;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::needs::NeedsError;
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

/// A platform, as a test plays it.
#[derive(Clone)]
pub(super) enum Peer {
    #[cfg(feature = "digital-employee")]
    DigitalEmployee(digital_employee::DigitalEmployee),
    #[cfg(feature = "duix")]
    Duix(duix::Duix),
    #[cfg(feature = "odfs")]
    Odfs(odfs::Odfs),
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

impl Peer {
    pub(super) fn knows(platform: Platform) -> bool {
        match platform {
            Platform::DigitalEmployee => cfg!(feature = "digital-employee"),
            Platform::Duix | Platform::DuixStream => cfg!(feature = "duix"),
            Platform::Odfs => cfg!(feature = "odfs"),
        }
    }

    #[track_caller]
    // A test that can't begin has failed.
    #[allow(clippy::panic)]
    pub(super) fn new<B: Bot>(
        platform: Platform,
        host: &Host<B>,
        id: &str,
    ) -> Result<Self, NeedsError> {
        match platform {
            #[cfg(feature = "digital-employee")]
            Platform::DigitalEmployee => {
                digital_employee::DigitalEmployee::new(host, id).map(Self::DigitalEmployee)
            }
            #[cfg(feature = "duix")]
            Platform::Duix => duix::Duix::new(host, id, platform).map(Self::Duix),
            #[cfg(feature = "duix")]
            Platform::DuixStream => duix::Duix::new(host, id, platform).map(Self::Duix),
            #[cfg(feature = "odfs")]
            Platform::Odfs => odfs::Odfs::new(host, id).map(Self::Odfs),
            #[allow(unreachable_patterns)]
            _ => panic!("{platform} is not compiled in"),
        }
    }

    pub(super) async fn ask(&self, act: &Act, id: &str, step: &Step) {
        let _ = id;
        match self {
            #[cfg(feature = "digital-employee")]
            Self::DigitalEmployee(peer) => peer.ask(act, id, step).await,
            #[cfg(feature = "duix")]
            Self::Duix(peer) => peer.ask(act, step).await,
            #[cfg(feature = "odfs")]
            Self::Odfs(peer) => peer.ask(act, step).await,
        }
    }

    /// `None` where the platform does not tell.
    pub(super) async fn barge_in(
        &self,
        id: &str,
        heard: Option<&str>,
    ) -> Option<Result<(), Error>> {
        let _ = (id, heard);
        match self {
            #[cfg(feature = "digital-employee")]
            Self::DigitalEmployee(peer) => Some(peer.barge_in(id, heard).await),
            #[cfg(feature = "duix")]
            Self::Duix(_) => None,
            #[cfg(feature = "odfs")]
            Self::Odfs(_) => None,
        }
    }

    /// Whether there is such a thing.
    pub(super) async fn end(&self, step: &Step) -> bool {
        let _ = step;
        match self {
            #[cfg(feature = "digital-employee")]
            Self::DigitalEmployee(peer) => {
                if let Err(error) = peer.end().await {
                    step.fail(error);
                }
                true
            }
            #[cfg(feature = "duix")]
            Self::Duix(_) => false,
            #[cfg(feature = "odfs")]
            Self::Odfs(peer) => {
                peer.end(step).await;
                true
            }
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
