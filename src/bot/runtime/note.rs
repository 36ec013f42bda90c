//! What is noted in a call outside of turns.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::state::VERSION;
use crate::bot::controls::SpeechSettings;
use crate::bot::history::Entry;
use crate::bot::input::{Cause, TurnId};

/// A note, as JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Versioned<T> {
    pub v: u32,
    pub note: T,
}

/// What is noted outside of turns.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::bot) enum Note {
    /// What was sent of a reply that did not succeed.
    Sent(Box<Sent>),
    /// The caller barged in after hearing this text.
    Aborted { turn: TurnId, heard: Option<String> },
    /// The bot has asked for an input that is secret.
    Secret,
}

/// What was sent of a reply that did not succeed.
#[derive(Serialize, Deserialize)]
pub(in crate::bot) struct Sent {
    /// Its epoch is 0 if the turn never owned the call.
    pub entry: Entry,
    /// Why it was cut, if it was.
    pub cause: Option<Cause>,
    /// The speech settings that were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechSettings>,
    /// Whether the call has begun with this reply.
    #[serde(default)]
    pub begun: bool,
    /// Whether the reply has asked for an input that is secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Sent {
    pub(in crate::bot) fn into_note(self) -> Bytes {
        Note::Sent(Box::new(self)).to_bytes()
    }
}

impl Note {
    pub(in crate::bot) fn to_bytes(&self) -> Bytes {
        let note = Versioned { v: VERSION, note: self };
        // Strings, and values that came as JSON: serialization can't fail.
        serde_json::to_vec(&note).unwrap_or_default().into()
    }
}
