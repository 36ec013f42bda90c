//! The state of a call, which the store keeps beside the memory and the turns.

use std::num::NonZeroU64;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::info::StoredInfo;
use crate::bot::capabilities::Platform;
use crate::bot::controls::{Closing, Gather, SpeechSettings};
use crate::bot::input::{Cut, TurnId};
use crate::bot::store::{Keep, StoreError};

/// The version of the state and of the notes. It grows when an older program would misread them, or would
/// lose a part of them when it writes the state again.
pub(super) const VERSION: u32 = 1;

/// The state of a call. Most calls are idle, and a store in memory keeps this as it is, so what few calls have
/// is boxed.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::bot) struct State {
    pub v: u32,
    /// The number of turns that were answered, with the greeting.
    #[serde(default)]
    pub answers: u32,
    /// A number that no other call has, until the state is written for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<NonZeroU64>,
    pub platform: Platform,
    /// Whether [`Bot::begin`](crate::bot::Bot::begin) has succeeded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub begun: bool,
    /// Whether the caller's next input is secret.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secret: bool,
    /// Whether an input was secret, also if the history no longer has its entry.
    #[serde(default, skip_serializing_if = "is_false")]
    pub had_secret: bool,
    /// The transfer or hang-up of the last reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// The epoch of the last turn that succeeded.
    #[serde(default)]
    pub epoch: u64,
    #[serde(default, skip_serializing_if = "StoredInfo::is_empty")]
    pub info: StoredInfo,
    /// The length of the texts of all turns, in bytes.
    #[serde(default)]
    pub history_bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<Box<SpeechSettings>>,
    /// The transfer or hang-up that follows once the text of the last reply has been played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<Closing>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Box<Interrupted>>,
    /// The last answer, in case it is requested again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// About the size of the boxed fields, in bytes.
    #[serde(skip)]
    boxed_bytes: usize,
    /// When the first turn started, in milliseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_ms: Option<NonZeroU64>,
}

// serde passes a reference.
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The replies that were cut.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::bot) struct Interrupted {
    /// Cuts that have not been reported to the bot yet, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreported: Vec<Cut>,
    /// The last cut that was reported, for the next turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Cut>,
    /// What was heard of replies that are not in the history yet, the oldest first. Their turns may
    /// still add them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) aborts: Vec<Abort>,
}

/// An abort that waits for its reply.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Abort {
    pub turn: TurnId,
    pub heard: Option<String>,
    /// The epoch of the newest turn when the abort was first read.
    pub epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::bot) enum Ending {
    Transfer,
    HangUp,
}

#[derive(Clone, Serialize, Deserialize)]
pub(in crate::bot) struct Answered {
    pub turn: TurnId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controls: Option<Box<Controls>>,
}

/// The controls of an answer.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::bot) struct Controls {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gather: Option<Gather>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

impl Abort {
    /// Returns the length of its texts, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.turn.as_str().len() + self.heard.as_ref().map_or(0, String::len)
    }
}

impl State {
    /// Creates the state of a call that begins. `fresh` is a number that no other call has.
    pub(in crate::bot) fn new(
        platform: Platform,
        info: StoredInfo,
        fresh: Option<NonZeroU64>,
    ) -> Self {
        Self {
            v: VERSION,
            answers: 0,
            fresh,
            platform,
            begun: false,
            secret: false,
            had_secret: false,
            ending: None,
            epoch: 0,
            info,
            history_bytes: 0,
            speech: None,
            pending: None,
            interrupted: None,
            answered: None,
            boxed_bytes: 0,
            begun_ms: NonZeroU64::new(now_ms()),
        }
    }

    /// Measures what is boxed, before the state is written.
    pub(super) fn measure(&mut self) {
        let Self { speech, pending, interrupted, answered, .. } = self;
        let controls = answered.as_ref().and_then(|answered| answered.controls.as_ref());
        let boxed =
            speech.is_some() || pending.is_some() || interrupted.is_some() || controls.is_some();
        self.boxed_bytes = if boxed { self.to_json().len() } else { 0 };
    }
}

impl Keep for State {
    fn to_json(&self) -> Bytes {
        // Strings, numbers, and values that came as JSON: serialization can't fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    fn size(&self) -> usize {
        let turn = self.answered.as_ref().map_or(0, |answered| answered.turn.as_str().len());
        size_of::<Self>() + turn + self.info.bytes() + self.boxed_bytes
    }
}

/// Returns the wall-clock time in milliseconds of Unix time.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the state or a note. `version_of` returns its version.
pub(super) fn json<T: DeserializeOwned>(
    bytes: &[u8],
    version_of: impl FnOnce(&T) -> u32,
) -> Result<T, StoreError> {
    let read: Result<T, _> = serde_json::from_slice(bytes);
    let found = match &read {
        Ok(read) => Some(version_of(read)),
        // A newer version may have fields of other types.
        Err(_) => version(bytes),
    };
    if let Some(found) = found.filter(|found| *found > VERSION) {
        let newer = format!(
            "the record of a call has version {found}, but this program reads up to version {VERSION}"
        );
        return Err(StoreError::failed(newer));
    }
    read.map_err(|error| {
        // Without the text of the error, which may quote what callers said.
        let place = (error.line(), error.column());
        StoreError::failed(format!("the record of a call can't be read, at {place:?}"))
    })
}

/// Returns the version of the state or of a note.
pub(super) fn version(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    serde_json::from_slice(bytes).ok().map(|Version { v }| v)
}
