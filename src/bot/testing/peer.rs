//! The platforms that a test plays.

use super::act::Act;
#[cfg(feature = "chat")]
use super::chat;
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
use crate::bot::input::TurnId;
use crate::bot::needs::NeedsError;
use crate::client::Error;

/// A platform that a test plays.
#[derive(Clone)]
pub(super) enum Peer {
    #[cfg(feature = "digital-employee")]
    DigitalEmployee(digital_employee::DigitalEmployee),
    #[cfg(feature = "duix")]
    Duix(duix::Duix),
    #[cfg(feature = "odfs")]
    Odfs(odfs::Odfs),
    #[cfg(feature = "chat")]
    Chat(chat::Chat),
}

impl Peer {
    pub(super) fn knows(platform: Platform) -> bool {
        match platform {
            Platform::DigitalEmployee => cfg!(feature = "digital-employee"),
            Platform::Duix | Platform::DuixStream => cfg!(feature = "duix"),
            Platform::Odfs => cfg!(feature = "odfs"),
            Platform::AiCall | Platform::Chat => cfg!(feature = "chat"),
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
            #[cfg(feature = "chat")]
            Platform::AiCall | Platform::Chat => {
                chat::Chat::new(host, id, platform).map(Self::Chat)
            }
            #[allow(unreachable_patterns)]
            _ => panic!("{platform} is not compiled in"),
        }
    }

    /// Sends speech as the key of its text from now on, if the platform does so.
    pub(super) fn speak_by_key(&mut self) {
        match self {
            #[cfg(feature = "odfs")]
            Self::Odfs(peer) => peer.speak_by_key(),
            #[allow(unreachable_patterns)]
            _ => {}
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
            #[cfg(feature = "chat")]
            Self::Chat(peer) => peer.ask(act, id, step).await,
        }
    }

    /// Returns the id that the bot's turn gets for a step, whose id at the platform is `id`.
    pub(super) fn turn(&self, act: &Act, id: &str) -> TurnId {
        let _ = act;
        match self {
            #[cfg(feature = "chat")]
            Self::Chat(chat) => chat.turn(id),
            #[allow(unreachable_patterns)]
            _ => TurnId::new(id),
        }
    }

    /// Reports a barge-in; `None` if the platform does not report any.
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
            #[cfg(feature = "chat")]
            Self::Chat(_) => None,
        }
    }

    /// Ends the call. Returns whether the platform reports the end of a call.
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
            #[cfg(feature = "chat")]
            Self::Chat(_) => false,
        }
    }
}
