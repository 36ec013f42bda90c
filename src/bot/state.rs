//! What the runtime keeps of a call between turns, beside the bot's memory.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::call::KeptFacts;
use super::reply::Last;
use super::{
    Cause, Cut, Entry, Gather, Heard, History, Limits, Platform, Record, StoreError, TurnId, Voice,
};

/// What is kept, as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub platform: Platform,
    /// Whether the bot has been told of the begin of the call, and that went well.
    #[serde(default)]
    pub begun: bool,
    /// The epoch of the last turn that ended well.
    #[serde(default)]
    pub epoch: u64,
    pub facts: KeptFacts,
    #[serde(default)]
    pub history: History,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    /// What follows the text of the last reply, once that has been played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Last>,
    /// What the last reply ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Cuts that the bot has not been told of yet, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// The last cut, for the turn that comes next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// What was heard of replies that are not in the history yet: who spoke may note it later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<(TurnId, Option<String>)>,
    /// The controls of the last answer, should it be asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Transfer,
    HangUp,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Answered {
    pub turn: TurnId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gather: Option<Gather>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Last>,
}

/// What comes in beside the turns.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Note {
    /// What of a reply left that did not end well.
    Sent(Box<Sent>),
    /// The caller barged in, and this was heard.
    Aborted { turn: TurnId, heard: Option<String> },
}

/// What of a reply left that did not end well.
#[derive(Serialize, Deserialize)]
pub(super) struct Sent {
    /// Its epoch is 0 where the turn never had the call.
    pub entry: Entry,
    /// Why, if it was cut.
    pub cause: Option<Cause>,
    /// The voice that the platform was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<Voice>,
    /// Whether the call has begun by that.
    #[serde(default)]
    pub begun: bool,
}

impl Sent {
    pub(super) fn into_note(self) -> Vec<u8> {
        Note::Sent(Box::new(self)).to_bytes()
    }
}

/// How many aborts wait for their reply.
const MOST_ABORTS: usize = 4;

impl State {
    pub(super) fn new(platform: Platform, facts: KeptFacts) -> Self {
        Self {
            platform,
            begun: false,
            epoch: 0,
            facts,
            history: History::default(),
            voice: None,
            pending: None,
            ending: None,
            cuts: Vec::new(),
            cut: None,
            aborts: Vec::new(),
            answered: None,
        }
    }

    /// What is kept in a record, notes included; `None` in a new one. Returns also how many replies
    /// were cut at a text that is not in them.
    pub(super) fn read(
        record: &Record,
        limits: &Limits,
    ) -> Result<Option<(Self, usize)>, StoreError> {
        if record.state.is_empty() {
            return Ok(None);
        }
        let mut state: Self = json(&record.state)?;
        let notes = record.notes.iter().map(|note| json(note));
        let notes: Vec<Note> = notes.collect::<Result<_, _>>()?;
        let mut aborts = std::mem::take(&mut state.aborts);
        let mut mismatches = 0;
        for note in notes {
            match note {
                Note::Sent(sent) => {
                    let Sent { mut entry, cause, voice, begun } = *sent;
                    let epoch = entry.epoch;
                    state.begun |= begun;
                    let again = epoch == 0 || epoch < state.epoch;
                    if again && state.history.get(&entry.turn).is_some() {
                        // The turn was asked for again, and that answer counts.
                        continue;
                    }
                    if epoch >= state.epoch && voice.is_some() {
                        state.voice = voice;
                    }
                    entry.epoch = if epoch == 0 { state.epoch } else { epoch };
                    // A barge-in has a note of its own.
                    if let Some(cause) = cause.filter(|cause| *cause != Cause::BargeIn) {
                        entry.heard = Some(Heard::Unknown);
                        state.was_cut(entry.turn.clone(), Heard::Unknown, cause);
                    }
                    state.history.push(entry);
                }
                Note::Aborted { turn, heard } => aborts.push((turn, heard)),
            }
        }
        // An abort may have been noted before what it cuts.
        for (turn, heard) in aborts {
            let before = state.history.get(&turn).map(|entry| entry.heard.clone());
            match (before, state.history.cut(&turn, heard.as_deref())) {
                // The platform repeats itself.
                (Some(Some(before)), Some(now)) if before == now => {}
                (_, Some(now)) => {
                    mismatches += usize::from(matches!(now, Heard::Mismatch(_)));
                    state.was_cut(turn, now, Cause::BargeIn);
                }
                (_, None) => state.aborts.push((turn, heard)),
            }
        }
        let old = state.aborts.len().saturating_sub(MOST_ABORTS);
        state.aborts.drain(..old);
        state.history.trim(limits.history_entries, limits.history_bytes);
        Ok(Some((state, mismatches)))
    }

    fn was_cut(&mut self, turn: TurnId, heard: Heard, cause: Cause) {
        self.cuts.retain(|cut| cut.turn != turn);
        self.cuts.push(Cut { turn, heard, cause });
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::Failed(error.to_string()))
    }
}

impl Note {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Texts, and values that came as JSON: there is nothing to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let unreadable = |error: serde_json::Error| {
        // Without the text of the error, which may quote what callers said.
        let place = (error.line(), error.column());
        StoreError::Failed(format!("what is kept of a call can't be read, at {place:?}"))
    };
    serde_json::from_slice(bytes).map_err(unreadable)
}
