//! The caller's input, the ends of calls and replies, and the ids of calls and turns.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capabilities::Platform;
use crate::wire::{Hidden, Printable};

/// The caller's input in a turn.
///
/// Match the variants that your bot handles, and add an arm for the rest. `Debug` hides what the caller
/// said or pressed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// The caller said this text, or typed it.
    Speech(String),
    /// The caller pressed these keys.
    #[doc(alias = "keys")]
    Dtmf(String),
    /// The caller did nothing until the platform's timeout.
    Silence,
    /// The caller said something that was not recognised, or pressed keys that were not asked for.
    NoMatch,
    /// A transfer has ended. After a successful one the caller talks to another person; an empty reply
    /// lets the platform end the bot's part of the call.
    Transferred(TransferOutcome),
    /// An input that only this platform has, as JSON.
    Other(Value),
}

// The caller's input is private.
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
    /// The transfer succeeded.
    Done,
    /// The transfer failed, with the platform's own code for the reason.
    Failed(String),
}

/// The reason why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The bot hung up.
    ByBot,
    /// The caller hung up, or the platform did.
    ByCaller,
    /// The caller was transferred.
    Transferred,
    /// The call was idle for longer than [`Limits::idle_timeout`](super::Limits::idle_timeout).
    Expired,
    /// This server is shutting down, and the call can't go on in another process.
    Shutdown,
    /// A system of the platform failed, or another call with the same id has begun.
    Unknown,
}

/// A reply that was cut short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cut {
    /// The turn of the reply.
    pub turn: TurnId,
    /// The part of the reply that the caller heard.
    pub heard: Heard,
    /// The cause of the cut.
    pub cause: Cause,
}

/// The cause of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The caller barged in, and the platform reported it.
    BargeIn,
    /// The caller's next turn began.
    NewTurn,
    /// The platform closed the connection.
    PeerGone,
    /// The reply missed a deadline of the [`Budget`](super::Budget).
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
            Self::Deadline => "the deadline has passed",
            Self::CallOver => "the call ended",
        })
    }
}

/// The part of a cut reply that the caller heard. `Debug` hides the texts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Heard {
    /// The reply from its start up to the end of this text. A filler before the reply is not included.
    UpTo(String),
    /// None of the reply.
    Nothing,
    /// The platform reported this text, which is not in the reply. The history keeps the whole reply.
    Mismatch(String),
    /// The platform did not report what was heard. The history keeps what was sent.
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

/// The id of a turn: the platform's, or a random one if the platform has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TurnId(Arc<str>);

impl TurnId {
    /// Creates an id.
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// Creates a random id, for a platform that has none.
    pub(super) fn random() -> Self {
        Self::new(format!("{:016x}", fastrand::u64(..)))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// For logs: control characters are escaped, and an id of more than 256 bytes is cut. Use
/// [`as_str`](TurnId::as_str) for anything else.
impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable::cut(&self.0).fmt(f)
    }
}

/// The key of a call: the platform and the platform's id of the call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallKey {
    /// The platform's [`name`](Platform::name).
    pub platform: Arc<str>,
    /// The platform's id of the call: `sessionId` of Digital Employee, `dh-conversation-id` of DUIX,
    /// `userid` of ODFS.
    pub id: Arc<str>,
}

impl CallKey {
    /// Creates the key of the call with this id on this platform.
    #[must_use]
    pub fn new(platform: Platform, id: impl AsRef<str>) -> Self {
        Self { platform: platform.name().into(), id: id.as_ref().into() }
    }

    /// Returns the platform. For DUIX it is always [`Platform::Duix`], since the key does not have the
    /// kind.
    pub(super) fn platform(&self) -> Platform {
        Platform::from_name(&self.platform)
    }
}

/// For logs: control characters are escaped, and an id of more than 256 bytes is cut, since a peer
/// chooses the id. Use the fields for anything else, such as the key in a store.
impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Printable::cut(&self.platform), Printable::cut(&self.id))
    }
}
