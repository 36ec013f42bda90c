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
    /// The version of the bot's memory.
    pub version: u32,
    pub platform: Platform,
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
    /// What of a reply left that did not end well; with the reason, if it was cut.
    Sent { entry: Entry, cause: Option<Cause> },
    /// The caller barged in, and this was heard.
    Aborted { turn: TurnId, heard: Option<String> },
}

impl State {
    pub(super) fn new(version: u32, platform: Platform, facts: KeptFacts) -> Self {
        Self {
            version,
            platform,
            facts,
            history: History::default(),
            voice: None,
            pending: None,
            ending: None,
            cuts: Vec::new(),
            cut: None,
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
        let (mut aborts, mut mismatches) = (Vec::new(), 0);
        for note in notes {
            match note {
                Note::Sent { entry, cause } => {
                    if let Some(cause) = cause {
                        state.was_cut(entry.turn.clone(), Heard::Unknown, cause);
                    }
                    state.history.push(entry);
                }
                Note::Aborted { turn, heard } => aborts.push((turn, heard)),
            }
        }
        // An abort may have been noted before what it cuts.
        for (turn, heard) in aborts {
            if let Some(heard) = state.history.cut(&turn, heard.as_deref()) {
                mismatches += usize::from(matches!(heard, Heard::Mismatch(_)));
                state.was_cut(turn, heard, Cause::BargeIn);
            }
        }
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
