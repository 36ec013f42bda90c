//! What the runtime stores of a call between turns, besides the bot's memory.

use std::borrow::Cow;
use std::fmt;
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use foldhash::quality::FixedState;
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
use crate::bot::store::{CallState, Keep, Record, StoreError};

/// The version of the state and of the notes. It grows when an older program would misread them, or would
/// lose a part of them when it writes the state again.
const VERSION: u32 = 1;

/// What is stored of a call, as a turn changes it.
pub(in crate::bot) struct CallRecord {
    pub state: State,
    pub interrupted: Interrupted,
    /// The turns, which the store keeps beside the state.
    pub turns: KeptTurns,
    /// The size of the extras, if they are too long to be stored and that was not logged yet.
    too_long: Option<usize>,
}

/// The state of a call. Most calls are idle, and a store in memory keeps this as it is, so what few calls have
/// is boxed.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::bot) struct State {
    v: u32,
    /// The number of turns that were answered, with the greeting.
    #[serde(default)]
    pub answers: u32,
    /// A number that no other call has, until the state is written for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh: Option<NonZeroU64>,
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
    history_bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<Box<SpeechSettings>>,
    /// The transfer or hang-up that follows once the text of the last reply has been played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<Closing>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interrupted: Option<Box<Interrupted>>,
    /// The last answer, in case it is requested again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// About the size of the boxed fields, in bytes.
    #[serde(skip)]
    boxed_bytes: usize,
    /// When the first turn started, in milliseconds of Unix time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun_ms: Option<NonZeroU64>,
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
    aborts: Vec<Abort>,
}

/// An abort that waits for its reply.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    fn has_boxed(&self) -> bool {
        let Self { speech, pending, interrupted, answered, .. } = self;
        let controls = answered.as_ref().and_then(|answered| answered.controls.as_ref());
        speech.is_some() || pending.is_some() || interrupted.is_some() || controls.is_some()
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

impl CallRecord {
    /// Returns whether the call is new, with the state that has this number.
    pub(in crate::bot) fn is_fresh(&self, number: NonZeroU64) -> bool {
        self.state.fresh == Some(number)
    }

    /// Notes the size of the extras of a new call if they are too long to be stored.
    pub(in crate::bot) fn measure_extras(&mut self, info: &CallInfo) {
        if self.state.info.extras.is_none() {
            self.too_long = extras_json(&info.extras).map(|json| json.get().len());
        }
    }

    /// Starts the call anew.
    pub(in crate::bot) fn reset(&mut self, info: &CallInfo) {
        self.turns.clear();
        self.state = State::new(info.platform, StoredInfo::new(info), None);
        self.interrupted = Interrupted::default();
        self.measure_extras(info);
    }

    /// Returns the speech settings of the call.
    pub(in crate::bot) fn speech(&self) -> Option<SpeechSettings> {
        self.state.speech.as_deref().cloned()
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

    /// Returns when the first turn started, unless an older version wrote the record.
    pub(in crate::bot) fn begun_at(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.state.begun_ms?.get()))
    }

    /// Returns whether the input of a turn is secret: of the next turn, or of one that ran before.
    pub(in crate::bot) fn hides_input(&self, turn: Option<&TurnId>) -> bool {
        let is_secret = |turn| self.turns.get(turn).is_some_and(|entry| entry.secret);
        self.state.secret || turn.is_some_and(is_secret)
    }

    /// Returns whether the reply of a turn repeats a secret, or might as far as is known.
    pub(in crate::bot) fn repeats_secret(&self, turn: &TurnId) -> bool {
        self.turns.get(turn).map_or(self.state.secret, |entry| entry.repeats_secret())
    }

    /// Returns whether a newer version of the runtime has written the state or a note of this record.
    pub(in crate::bot) fn is_newer(stored: &Record) -> bool {
        let is_newer = |json: &Bytes| version(json).is_some_and(|found| found > VERSION);
        stored.notes.iter().any(is_newer)
            || stored.state.kept::<State>().is_none() && is_newer(&stored.state.to_json())
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
        let mut state = match stored.state.kept::<State>() {
            Some(state) => state.clone(),
            None => json(&stored.state.to_json(), |state: &State| state.v)?,
        };
        let interrupted = state.interrupted.take().map_or_else(Default::default, |boxed| *boxed);
        let turns = KeptTurns::load(stored.history.clone(), state.history_bytes);
        let mut record = Self { state, interrupted, turns, too_long: None };
        if stored.notes.is_empty() && record.interrupted.aborts.is_empty() {
            return Ok((record, 0));
        }
        let notes = stored.notes.iter();
        let notes = notes.map(|note| json(note, |note: &Versioned<Note>| note.v));
        let notes: Vec<Versioned<Note>> = notes.collect::<Result<_, _>>()?;
        let aborts = std::mem::take(&mut record.interrupted.aborts).into_iter();
        let mut aborts: Vec<_> =
            aborts.map(|Abort { turn, heard, epoch }| (turn, heard, Some(epoch))).collect();
        let mut mismatches = 0;
        for Versioned { note, .. } in notes {
            match note {
                Note::Sent(sent) => {
                    let Sent { mut entry, cause, speech, begun, secret } = *sent;
                    let epoch = entry.epoch;
                    record.state.begun |= begun;
                    record.state.secret |= secret;
                    let again = epoch == 0 || epoch < record.state.epoch;
                    if again && record.turns.contains(&entry.turn) {
                        // The turn was requested again, and the answer to that counts.
                        continue;
                    }
                    if epoch >= record.state.epoch && speech.is_some() {
                        record.state.speech = speech.map(Box::new);
                    }
                    entry.epoch = if epoch == 0 { record.state.epoch } else { epoch };
                    // A barge-in has its own note.
                    if let Some(cause) = cause.filter(|cause| *cause != Cause::BargeIn) {
                        entry.heard = Some(Heard::Unknown);
                        record.push_cut(entry.turn.clone(), Heard::Unknown, cause);
                    }
                    record.push(&entry);
                }
                Note::Aborted { turn, heard } => aborts.push((turn, heard, None)),
                Note::Secret => record.state.secret = true,
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
                        record.interrupted.aborts.push(Abort { turn, heard, epoch });
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
        let last = self.state.epoch;
        self.turns.newest_epoch().map_or(last, |newest| newest.max(last))
    }

    /// Drops the oldest turns and aborts until the texts are within the limits.
    pub(in crate::bot) fn trim(&mut self, limits: &Limits) {
        let bytes = self.trim_aborts(limits);
        self.turns.trim(limits.max_history_entries, bytes);
    }

    /// Drops the oldest aborts until they are within the limits. Returns what they leave for the texts of turns,
    /// in bytes.
    fn trim_aborts(&mut self, limits: &Limits) -> usize {
        let max = limits.max_history_bytes;
        let aborts = &mut self.interrupted.aborts;
        let mut count = aborts.len();
        let mut bytes: usize = aborts.iter().map(Abort::bytes).sum();
        aborts.retain(|abort| {
            let over = count > MAX_ABORTS || bytes > max;
            if over {
                count -= 1;
                bytes -= abort.bytes();
            }
            !over
        });
        max.saturating_sub(bytes)
    }

    /// Adds a turn to the history, and drops the oldest ones until the texts are within the limits.
    pub(in crate::bot) fn push_within(&mut self, entry: &Entry, limits: &Limits) {
        let bytes = self.trim_aborts(limits);
        self.state.had_secret |= entry.secret;
        self.turns.push_within(entry, limits.max_history_entries, bytes);
    }

    /// Adds a turn to the history.
    pub(in crate::bot) fn push(&mut self, entry: &Entry) {
        self.state.had_secret |= entry.secret;
        self.turns.push(entry);
    }

    fn push_cut(&mut self, turn: TurnId, heard: Heard, cause: Cause) {
        let unreported = &mut self.interrupted.unreported;
        unreported.retain(|cut| cut.turn != turn);
        unreported.push(Cut { turn, heard, cause });
    }

    /// Returns the state, to write it.
    pub(in crate::bot) fn state(&mut self) -> CallState {
        self.state.fresh = None;
        let interrupted = Some(&self.interrupted).filter(|cuts| **cuts != Interrupted::default());
        let mut state = State {
            history_bytes: self.turns.bytes(),
            interrupted: interrupted.cloned().map(Box::new),
            ..self.state.clone()
        };
        state.boxed_bytes = if state.has_boxed() { state.to_json().len() } else { 0 };
        CallState::new(state)
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
    pub caller: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    called: Option<Arc<str>>,
    /// The extras of the first request, as JSON: each turn reads and writes the state, and mostly brings the
    /// same extras.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extras: Option<Arc<RawValue>>,
    /// A hash of the names of the extras, unless they were read from JSON. A request that has the same names has
    /// all the extras.
    #[serde(skip)]
    names: Option<NonZeroU64>,
}

/// The maximum size of the extras that are stored, in bytes of JSON.
const MAX_EXTRAS_BYTES: usize = 16 * 1024;

/// The maximum length of a stored phone number, in bytes.
const MAX_NUMBER_BYTES: usize = 256;

/// Returns the extras of a request as JSON, if it has some.
fn extras_json(extras: &Map<String, Value>) -> Option<Box<RawValue>> {
    // They came as JSON, so they can be written.
    to_raw_value(extras).ok().filter(|_| !extras.is_empty())
}

/// Returns a hash of the names in an object, or `None` if it is 0.
fn hash_names(object: &Map<String, Value>) -> Option<NonZeroU64> {
    // The order must not matter.
    let hash = |name: &String| FixedState::default().hash_one(name);
    NonZeroU64::new(object.keys().map(hash).fold(0, u64::wrapping_add))
}

impl StoredInfo {
    pub(in crate::bot) fn new(info: &CallInfo) -> Self {
        let CallInfo { caller, called, extras, .. } = info;
        let short = |number: &&String| number.len() <= MAX_NUMBER_BYTES;
        let [caller, called] = [caller, called]
            .map(|number| number.as_ref().filter(short).map(|number| &**number).map(Arc::from));
        let extras = extras_json(extras).filter(|json| json.get().len() <= MAX_EXTRAS_BYTES);
        let names = extras.as_ref().and_then(|_| hash_names(&info.extras));
        Self { caller, called, extras: extras.map(Arc::from), names }
    }

    fn is_empty(&self) -> bool {
        self.caller.is_none() && self.called.is_none() && self.extras.is_none()
    }

    /// Returns the length of its texts, in bytes.
    fn bytes(&self) -> usize {
        let extras = self.extras.as_deref().map_or(0, |json| json.get().len());
        let numbers =
            [&self.caller, &self.called].map(|number| number.as_deref().map_or(0, str::len));
        numbers.into_iter().fold(extras, usize::saturating_add)
    }

    /// Adds the stored info to that of a request. For numbers the first value of the call counts, for
    /// extras the last.
    ///
    /// Mostly the request says the same, and the info is not copied.
    pub(in crate::bot) fn complete(&self, info: &mut Arc<CallInfo>) {
        if self.caller.is_some() && info.caller.as_deref() != self.caller.as_deref() {
            Arc::make_mut(info).caller = self.caller.as_deref().map(str::to_owned);
        }
        if self.called.is_some() && info.called.as_deref() != self.called.as_deref() {
            Arc::make_mut(info).called = self.called.as_deref().map(str::to_owned);
        }
        if let Some(extras) = &self.extras
            && (self.names.is_none() || self.names != hash_names(&info.extras))
        {
            let mut json = serde_json::Deserializer::from_str(extras.get());
            // Only another program could have written something that is not an object.
            _ = json.deserialize_map(AddMissing(info));
        }
    }
}

/// Reads an object, and adds the members that the extras do not have yet. The others are passed over.
struct AddMissing<'a>(&'a mut Arc<CallInfo>);

impl<'de> Visitor<'de> for AddMissing<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        while let Some(Name(name)) = members.next_key()? {
            if self.0.extras.contains_key(&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                let value = members.next_value()?;
                Arc::make_mut(self.0).extras.insert(name.into_owned(), value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bot::controls::HangUp;

    #[test]
    fn a_state_reads_the_same_from_its_value_and_from_its_json() {
        let (limits, turn) = (Limits::default(), TurnId::new("7"));
        let mut info = CallInfo::of(Platform::Odfs, &CallKey::new(Platform::Odfs, "c"));
        info.caller = Some("1234".to_owned());
        info.extras.insert("language".to_owned(), json!("en"));
        let number = NonZeroU64::new(7).unwrap();
        let state = State::new(Platform::Odfs, StoredInfo::new(&info), Some(number));
        let (interrupted, turns) = (Interrupted::default(), KeptTurns::default());
        let mut record = CallRecord { state, interrupted, turns, too_long: None };
        assert!(record.is_fresh(number));
        record.push_cut(turn.clone(), Heard::Nothing, Cause::NewTurn);
        record.state.speech = Some(Box::new(SpeechSettings::new().with_barge_in(false)));
        record.state.pending = Some(Box::new(Closing::HangUp(HangUp::new())));
        let controls = Controls { gather: Some(Gather::up_to(4)), ..Controls::default() };
        record.state.answered = Some(Answered { turn, controls: Some(Box::new(controls)) });
        let written = record.state();
        assert!(!record.is_fresh(number));

        let json = written.to_json();
        for state in [written, CallState::from(&json)] {
            let stored = Record { state, ..Record::default() };
            let (mut read, _) = CallRecord::read(&stored, &limits).unwrap();
            assert_eq!(read.state().to_json(), json);
            let mut other =
                Arc::new(CallInfo::of(Platform::Odfs, &CallKey::new(Platform::Odfs, "c")));
            read.state.info.complete(&mut other);
            assert_eq!((&other.caller, &other.extras), (&info.caller, &info.extras));
        }
    }
}
