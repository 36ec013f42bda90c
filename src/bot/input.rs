//! What the caller did, and how calls and replies end.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capabilities::Platform;
use crate::wire::Hidden;

/// What the caller's turn is.
///
/// Bots match what they know and have an arm for the rest. What callers say does not show in `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// The caller said this, or typed it.
    Speech(String),
    /// The caller pressed these keys.
    #[doc(alias = "keys")]
    Dtmf(String),
    /// The caller did nothing for as long as the platform waits.
    Silence,
    /// The caller said something that was not recognised, or pressed what was not asked for.
    NoMatch,
    /// What came of a transfer. After one that went well the caller talks to somebody else, and an
    /// empty reply lets the platform end the bot's part.
    Transferred(TransferOutcome),
    /// Something that only this platform has, as JSON.
    Other(Value),
}

// What the caller said or pressed does not show.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speech(_) => f.debug_tuple("Speech").field(&Hidden).finish(),
            Self::Dtmf(_) => f.debug_tuple("Dtmf").field(&Hidden).finish(),
            Self::Silence => f.write_str("Silence"),
            Self::NoMatch => f.write_str("NoMatch"),
            Self::Transferred(outcome) => f.debug_tuple("Transferred").field(outcome).finish(),
            Self::Other(_) => f.debug_tuple("Other").field(&Hidden).finish(),
        }
    }
}

/// The outcome of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransferOutcome {
    /// The caller was put through.
    Done,
    /// The caller was not put through; the platform's own word for the reason.
    Failed(String),
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The bot hung up.
    ByBot,
    /// The caller hung up, or the platform did.
    ByCaller,
    /// The caller was put through to somebody else.
    Transferred,
    /// Nothing came for longer than a call may be idle.
    Expired,
    /// This server is shutting down, and the call can't go on elsewhere.
    Shutdown,
    /// A system of the platform failed, or a call with the same id has begun.
    Unknown,
}

/// A reply that was cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cut {
    /// The turn whose reply it was.
    pub turn: TurnId,
    /// What the caller heard of it.
    pub heard: Heard,
    /// Why it was cut.
    pub cause: Cause,
}

/// Why a reply was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The caller barged in, and the platform said so.
    BargeIn,
    /// The caller's next turn began.
    NewTurn,
    /// The platform closed the connection.
    PeerGone,
    /// The reply took longer than the [`Budget`](super::Budget) has it.
    Deadline,
    /// The call ended, or this server is shutting down.
    CallOver,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BargeIn => "the caller barged in",
            Self::NewTurn => "the caller's next turn began",
            Self::PeerGone => "the platform closed the connection",
            Self::Deadline => "the time was up",
            Self::CallOver => "the call was over",
        })
    }
}

/// What the caller heard of a reply that was cut short. The texts do not show in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Heard {
    /// This much of it, from its beginning. A filler that went before it is not in here.
    UpTo(String),
    /// None of it.
    Nothing,
    /// The platform reported a text that is not in the reply: this one. The history keeps the whole
    /// reply.
    Mismatch(String),
    /// The platform does not tell. The history keeps what was sent.
    Unknown,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpTo(_) => f.debug_tuple("UpTo").field(&Hidden).finish(),
            Self::Nothing => f.write_str("Nothing"),
            Self::Mismatch(_) => f.debug_tuple("Mismatch").field(&Hidden).finish(),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// The id of a turn: the platform's, or one of ours where the platform has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TurnId(Arc<str>);

impl TurnId {
    /// A turn with this id.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// Returns a random id, for a platform that has none.
    pub(super) fn random() -> Self {
        Self::new(format!("{:016x}", fastrand::u64(..)))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What names a call: the platform, and its id there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallKey {
    /// The platform's [`name`](Platform::name).
    pub platform: Arc<str>,
    /// The id of the call: Digital Employee's `sessionId`, DUIX's `dh-conversation-id`, ODFS's
    /// `userid`.
    pub id: Arc<str>,
}

impl CallKey {
    /// The call with this id on this platform.
    #[must_use]
    pub fn new(platform: Platform, id: impl AsRef<str>) -> Self {
        Self { platform: platform.name().into(), id: id.as_ref().into() }
    }

    /// Returns the platform, without the kind of DUIX.
    pub(super) fn platform(&self) -> Platform {
        Platform::from_name(&self.platform)
    }
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.platform, self.id)
    }
}
