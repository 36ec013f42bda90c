//! What the runtime stores of a call between turns, besides the bot's memory.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::bot::call::CallInfo;
use crate::bot::capabilities::Platform;
use crate::bot::controls::{Closing, Gather, SpeechSettings};
use crate::bot::history::{Entry, KeptTurns, MAX_HEARD_BYTES};
use crate::bot::input::{CallKey, Cause, Cut, Heard, TurnId};
use crate::bot::limits::Limits;
use crate::bot::store::{Record, StoreError};

/// The version of the state and of the notes. It grows when an older program would misread them, or would
/// lose a part of them when it writes the state again.
const VERSION: u32 = 1;

/// The stored state of a call, as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::bot) struct CallRecord {
    v: u32,
    /// A number that no other call has, until the state is written for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh: Option<u64>,
    pub platform: Platform,
    /// Whether [`Bot::begin`](crate::bot::Bot::begin) has succeeded.
    #[serde(default)]
    pub begun: bool,
    /// The epoch of the last turn that succeeded.
    #[serde(default)]
    pub epoch: u64,
    pub info: StoredInfo,
    /// The turns, which the store keeps beside the state.
    #[serde(skip)]
    pub turns: KeptTurns,
    /// The length of the texts of all turns, in bytes.
    #[serde(default)]
    history_bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechSettings>,
    /// The transfer or hang-up that follows once the text of the last reply has been played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Closing>,
    /// The transfer or hang-up of the last reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Cuts that have not been reported to the bot yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// The last cut, for the next turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cut: Option<Cut>,
    /// What was heard of replies that are not in the history yet, the oldest first. Their turns may
    /// still add them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aborts: Vec<Abort>,
    /// The controls of the last answer, in case it is requested again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// Whether the caller's next input is secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether an input was secret, also if the history no longer has its entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_secret: bool,
    /// The number of turns that were answered, with the greeting.
    #[serde(default)]
    pub answers: u64,
    /// When the first turn started, in milliseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_ms: Option<u64>,
}

/// An abort that waits for its reply.
#[derive(Clone, Serialize, Deserialize)]
struct Abort {
    turn: TurnId,
    heard: Option<String>,
    /// The epoch of the newest turn when the abort was first read.
    epoch: u64,
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
    pub speech: Option<SpeechSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<Gather>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

/// A note, as JSON.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    note: T,
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

impl Abort {
    /// Returns the length of its texts, in bytes.
    fn bytes(&self) -> usize {
        self.turn.as_str().len() + self.heard.as_ref().map_or(0, String::len)
    }
}

impl Sent {
    pub(in crate::bot) fn into_note(self) -> Bytes {
        Note::Sent(Box::new(self)).to_bytes()
    }
}

/// The maximum number of aborts that wait for their reply.
const MAX_ABORTS: usize = 4;

impl CallRecord {
    pub(in crate::bot) fn new(platform: Platform, info: StoredInfo) -> Self {
        Self {
            v: VERSION,
            fresh: Some(fastrand::u64(..)),
            platform,
            begun: false,
            epoch: 0,
            info,
            turns: KeptTurns::default(),
            history_bytes: 0,
            speech: None,
            pending: None,
            ending: None,
            cuts: Vec::new(),
            last_cut: None,
            aborts: Vec::new(),
            answered: None,
            secret: false,
            had_secret: false,
            answers: 0,
            begun_ms: Some(now_ms()),
        }
    }

    /// Returns when the first turn started, unless an older version wrote the record.
    pub(in crate::bot) fn begun_at(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.begun_ms?))
    }

    /// Returns whether the input of a turn is secret: of the next turn, or of one that ran before.
    pub(in crate::bot) fn hides_input(&self, turn: Option<&TurnId>) -> bool {
        self.secret || turn.and_then(|turn| self.turns.get(turn)).is_some_and(|entry| entry.secret)
    }

    /// Returns whether the reply of a turn repeats a secret, or might as far as is known.
    pub(in crate::bot) fn repeats_secret(&self, turn: &TurnId) -> bool {
        self.turns.get(turn).map_or(self.secret, |entry| entry.repeats_secret())
    }

    /// Returns whether a newer version of the runtime has written the state or a note of this record.
    pub(in crate::bot) fn is_newer(stored: &Record) -> bool {
        let mut texts = stored.notes.iter().chain([&stored.state]);
        texts.any(|json| version(json).is_some_and(|found| found > VERSION))
    }

    /// Reads a record and applies its notes. Also returns the number of replies whose heard text does not
    /// occur in them.
    ///
    /// # Errors
    /// Returns an error if the state or a note can't be read, or if a newer version of the runtime has written
    /// it. Nothing may be written then: a part of it would be lost.
    pub(in crate::bot) fn read(
        stored: &Record,
        limits: &Limits,
    ) -> Result<(Self, usize), StoreError> {
        let mut record: Self = json(&stored.state, |record: &Self| record.v)?;
        record.turns = KeptTurns::load(stored.history.clone(), record.history_bytes);
        if stored.notes.is_empty() && record.aborts.is_empty() {
            return Ok((record, 0));
        }
        let notes = stored.notes.iter();
        let notes = notes.map(|note| json(note, |note: &Versioned<Note>| note.v));
        let notes: Vec<Versioned<Note>> = notes.collect::<Result<_, _>>()?;
        let aborts = std::mem::take(&mut record.aborts).into_iter();
        let mut aborts: Vec<_> =
            aborts.map(|Abort { turn, heard, epoch }| (turn, heard, Some(epoch))).collect();
        let mut mismatches = 0;
        for Versioned { note, .. } in notes {
            match note {
                Note::Sent(sent) => {
                    let Sent { mut entry, cause, speech, begun, secret } = *sent;
                    let epoch = entry.epoch;
                    record.begun |= begun;
                    record.secret |= secret;
                    let again = epoch == 0 || epoch < record.epoch;
                    if again && record.turns.contains(&entry.turn) {
                        // The turn was requested again, and the answer to that counts.
                        continue;
                    }
                    if epoch >= record.epoch && speech.is_some() {
                        record.speech = speech;
                    }
                    entry.epoch = if epoch == 0 { record.epoch } else { epoch };
                    // A barge-in has its own note.
                    if let Some(cause) = cause.filter(|cause| *cause != Cause::BargeIn) {
                        entry.heard = Some(Heard::Unknown);
                        record.push_cut(entry.turn.clone(), Heard::Unknown, cause);
                    }
                    record.push(&entry);
                }
                Note::Aborted { turn, heard } => aborts.push((turn, heard, None)),
                Note::Secret => record.secret = true,
            }
        }
        // An abort may have been noted before the reply that it cuts.
        let newest = record.newest_epoch();
        for (turn, heard, epoch) in aborts {
            let before = record.turns.get(&turn).map(|entry| entry.heard);
            match (before, record.turns.cut(&turn, heard.as_deref())) {
                // The platform repeated the abort.
                (Some(Some(before)), Some(now)) if before == now => {}
                (_, Some(now)) => {
                    mismatches += usize::from(matches!(now, Heard::Mismatch(_)));
                    record.push_cut(turn, now, Cause::BargeIn);
                }
                (_, None) => {
                    let epoch = epoch.unwrap_or(newest);
                    // Once a later turn has ended, the reply does not come any more.
                    if epoch >= newest {
                        // The start of a longer text would say that the caller heard no more than that.
                        let heard = heard.filter(|heard| heard.len() <= MAX_HEARD_BYTES);
                        record.aborts.push(Abort { turn, heard, epoch });
                    }
                }
            }
        }
        record.trim(limits);
        Ok((record, mismatches))
    }

    /// Cuts a reply of the history to what the caller heard. Returns whether that is not in the reply.
    pub(in crate::bot) fn hear(&mut self, turn: TurnId, heard: Option<&str>) -> bool {
        let before = self.turns.get(&turn).and_then(|entry| entry.heard);
        let Some(now) = self.turns.cut(&turn, heard) else { return false };
        if before.as_ref() == Some(&now) {
            return false;
        }
        let mismatch = matches!(now, Heard::Mismatch(_));
        self.push_cut(turn, now, Cause::BargeIn);
        mismatch
    }

    /// Returns the epoch of the newest turn that has ended.
    fn newest_epoch(&self) -> u64 {
        self.turns.newest_epoch().map_or(self.epoch, |newest| newest.max(self.epoch))
    }

    /// Drops the oldest turns and aborts until the texts are within the limits.
    pub(in crate::bot) fn trim(&mut self, limits: &Limits) {
        let max = limits.max_history_bytes;
        let mut count = self.aborts.len();
        let mut bytes: usize = self.aborts.iter().map(Abort::bytes).sum();
        self.aborts.retain(|abort| {
            let over = count > MAX_ABORTS || bytes > max;
            if over {
                count -= 1;
                bytes -= abort.bytes();
            }
            !over
        });
        self.turns.trim(limits.max_history_entries, max.saturating_sub(bytes));
    }

    /// Adds a turn to the history.
    pub(in crate::bot) fn push(&mut self, entry: &Entry) {
        self.had_secret |= entry.secret;
        self.turns.push(entry);
    }

    fn push_cut(&mut self, turn: TurnId, heard: Heard, cause: Cause) {
        self.cuts.retain(|cut| cut.turn != turn);
        self.cuts.push(Cut { turn, heard, cause });
    }

    /// Returns the state of a call that the store does not have yet.
    pub(in crate::bot) fn to_json(&self) -> Bytes {
        // Strings, numbers, and values that came as JSON: serialization can't fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Returns the state, to write it.
    pub(in crate::bot) fn encode(&mut self) -> Bytes {
        self.fresh = None;
        self.history_bytes = self.turns.bytes();
        self.to_json()
    }
}

impl Note {
    pub(in crate::bot) fn to_bytes(&self) -> Bytes {
        let note = Versioned { v: VERSION, note: self };
        // Strings, and values that came as JSON: serialization can't fail.
        serde_json::to_vec(&note).unwrap_or_default().into()
    }
}

/// Returns the wall-clock time in milliseconds of Unix time.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the state or a note. `version_of` returns its version.
fn json<T: DeserializeOwned>(
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
fn version(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    serde_json::from_slice(bytes).ok().map(|Version { v }| v)
}

/// The part of [`CallInfo`] that is stored. The rest comes with each request.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::bot) struct StoredInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    called: Option<String>,
    /// The extras of the first request, as JSON: each turn reads and writes the state, and mostly brings the
    /// same extras.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extras: Option<Box<RawValue>>,
    /// The size of the extras, if they are too long to be stored and that was not logged yet.
    #[serde(skip)]
    too_long: Option<usize>,
}

/// The maximum size of the extras that are stored, in bytes of JSON.
const MAX_EXTRAS_BYTES: usize = 16 * 1024;

/// The maximum length of a stored phone number, in bytes.
const MAX_NUMBER_BYTES: usize = 256;

impl StoredInfo {
    pub(in crate::bot) fn new(info: &CallInfo) -> Self {
        let CallInfo { caller, called, extras, .. } = info;
        let short = |number: &&String| number.len() <= MAX_NUMBER_BYTES;
        let (caller, called) =
            (caller.as_ref().filter(short).cloned(), called.as_ref().filter(short).cloned());
        // They came as JSON, so they can be written.
        let extras = to_raw_value(extras).ok().filter(|_| !extras.is_empty());
        let bytes = extras.as_ref().map_or(0, |json| json.get().len());
        let too_long = Some(bytes).filter(|bytes| *bytes > MAX_EXTRAS_BYTES);
        Self { caller, called, extras: extras.filter(|_| too_long.is_none()), too_long }
    }

    /// Logs once that the extras are too long to be stored, if they are.
    ///
    /// Not when they are measured, since a call that begins anew replaces the info before it is stored.
    pub(in crate::bot) fn log_too_long(&mut self, call: &CallKey) {
        if let Some(bytes) = self.too_long.take() {
            let platform = call.platform();
            tracing::warn!(%platform, %call, bytes, "the extras of a call are too long to be stored");
        }
    }

    /// Adds the stored info to that of a request. For numbers the first value of the call counts, for
    /// extras the last.
    pub(in crate::bot) fn complete(&self, info: &CallInfo) -> CallInfo {
        let mut info = info.clone();
        info.caller = self.caller.clone().or(info.caller);
        info.called = self.called.clone().or(info.called);
        if let Some(extras) = &self.extras {
            let mut json = serde_json::Deserializer::from_str(extras.get());
            // Only another program could have written something that is not an object.
            _ = json.deserialize_map(AddMissing(&mut info.extras));
        }
        info
    }
}

/// Reads an object, and adds the members that a map does not have yet. The others are passed over.
struct AddMissing<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for AddMissing<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        while let Some(Name(name)) = members.next_key()? {
            if self.0.contains_key(&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                self.0.insert(name.into_owned(), members.next_value()?);
            }
        }
        Ok(())
    }
}
