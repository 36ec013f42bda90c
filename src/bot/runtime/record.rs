//! What the runtime stores of a call between turns, besides the bot's memory.

use std::num::NonZeroU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::info::{StoredInfo, extras_json};
use super::note::{Note, Sent, Versioned};
use super::state::{Abort, Interrupted, State, VERSION, json, version};
use crate::bot::call::CallInfo;
use crate::bot::controls::SpeechSettings;
use crate::bot::history::{Entry, KeptTurns, MAX_HEARD_BYTES};
use crate::bot::input::{CallKey, Cause, Cut, Heard, TurnId};
use crate::bot::limits::Limits;
use crate::bot::store::{CallState, Record, StoreError};

/// What is stored of a call, as a turn changes it.
pub(in crate::bot) struct CallRecord {
    pub state: State,
    pub interrupted: Interrupted,
    /// The turns, which the store keeps beside the state.
    pub turns: KeptTurns,
    /// The size of the extras, if they are too long to be stored and that was not logged yet.
    too_long: Option<usize>,
}

/// The maximum number of aborts that wait for their reply.
const MAX_ABORTS: usize = 4;

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
        let mut state = self.state.clone();
        state.history_bytes = self.turns.bytes();
        state.interrupted = interrupted.cloned().map(Box::new);
        state.measure();
        CallState::new(state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::state::{Answered, Controls};
    use super::*;
    use crate::bot::capabilities::Platform;
    use crate::bot::controls::{Closing, Gather, HangUp};

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
