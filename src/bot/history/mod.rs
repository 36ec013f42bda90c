//! What was said in a call, by turn, and what of it was heard.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::input::{Heard, Input, TransferOutcome, TurnId};
use crate::wire::Hidden;

mod matching;
#[cfg(test)]
mod tests;

use matching::end_of;

/// What was said in a call, the oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    entries: VecDeque<Entry>,
}

impl History {
    /// The turns, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The newest turn.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    /// How many turns are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no turn is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The turn with this id.
    #[must_use]
    pub fn get(&self, turn: &TurnId) -> Option<&Entry> {
        // Mostly it is one of the newest.
        self.entries.iter().rev().find(|entry| entry.turn == *turn)
    }

    /// Takes in a turn, in place of the one with the same id if there is one, and before those that
    /// came after it.
    pub(in crate::bot) fn push(&mut self, entry: Entry) {
        if let Some(known) = self.get_mut(&entry.turn) {
            *known = entry;
            return;
        }
        let after = self.entries.iter().rev().take_while(|later| later.epoch > entry.epoch).count();
        self.entries.insert(self.entries.len() - after, entry);
    }

    /// Forgets a turn, which is asked for again.
    pub(in crate::bot) fn forget(&mut self, turn: &TurnId) {
        self.entries.retain(|entry| entry.turn != *turn);
    }

    /// Drops the oldest turns until there are at most `entries`, with at most `bytes` of text. The
    /// newest one always stays.
    pub(in crate::bot) fn trim(&mut self, entries: usize, bytes: usize) {
        let mut total = self.entries.iter().map(Entry::bytes).fold(0, usize::saturating_add);
        while self.entries.len() > 1 && (self.entries.len() > entries || total > bytes) {
            if let Some(oldest) = self.entries.pop_front() {
                total = total.saturating_sub(oldest.bytes());
            }
        }
    }

    /// Truncates the reply of a turn to what the caller `heard`, if the platform knows. Returns what was
    /// heard; `None` if there is no such turn.
    pub(in crate::bot) fn cut(&mut self, turn: &TurnId, heard: Option<&str>) -> Option<Heard> {
        self.get_mut(turn).map(|entry| entry.cut(heard))
    }

    fn get_mut(&mut self, turn: &TurnId) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.turn == *turn)
    }
}

/// A turn of a call: what the caller did, and what the bot said.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The turn.
    pub turn: TurnId,
    /// What the caller did; `None` at the beginning of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// What the bot said: all of it, or, where that is known, as much as the caller heard.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// The filler that went out before, which is not in `said`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filler: Option<String>,
    /// What the caller heard, if the reply was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
    /// Of the lease that it was said under: the order of turns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::bot) epoch: u64,
}

// serde wants a reference.
fn is_zero(epoch: &u64) -> bool {
    *epoch == 0
}

// What was said does not show.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("turn", &self.turn)
            .field("input", &self.input)
            .field("said", &Hidden)
            .field("filler", &self.filler.as_ref().map(Hidden::of))
            .field("heard", &self.heard)
            .finish()
    }
}

impl Entry {
    /// A turn in which nothing has been said yet.
    pub(crate) fn new(turn: TurnId, input: Option<Input>) -> Self {
        Self { turn, input, said: String::new(), filler: None, heard: None, epoch: 0 }
    }

    /// The bytes of its texts.
    fn bytes(&self) -> usize {
        let input = match &self.input {
            Some(Input::Speech(text) | Input::Dtmf(text)) => text.len(),
            Some(Input::Transferred(TransferOutcome::Failed(reason))) => reason.len(),
            Some(Input::Other(value)) => {
                let mut length = Length(0);
                // What can't be written counts as nothing.
                let _ = serde_json::to_writer(&mut length, value);
                length.0
            }
            _ => 0,
        };
        let filler = self.filler.as_ref().map_or(0, String::len);
        // What was heard is a part of `said`, or a text of its own.
        let heard = match &self.heard {
            Some(Heard::Mismatch(text)) => text.len(),
            _ => 0,
        };
        [filler, input, heard].into_iter().fold(self.said.len(), usize::saturating_add)
    }

    fn cut(&mut self, heard: Option<&str>) -> Heard {
        let found = match heard {
            None => match self.heard.take() {
                Some(known) => known,
                None => Heard::Unknown,
            },
            Some(text) => match self.heard_bytes(text) {
                Some(0) => {
                    self.said.clear();
                    Heard::Nothing
                }
                Some(end) => {
                    self.said.truncate(end);
                    Heard::UpTo(self.said.clone())
                }
                // What has been cut off can't come back: a text that is longer than what is left,
                // or is not in it, changes nothing any more.
                None => match self.heard.take() {
                    Some(known @ (Heard::UpTo(_) | Heard::Nothing)) => known,
                    _ => Heard::Mismatch(text.to_owned()),
                },
            },
        };
        self.heard = Some(found.clone());
        found
    }

    /// How many bytes of `said` the caller heard; `None` when the text is not in the reply.
    fn heard_bytes(&self, heard: &str) -> Option<usize> {
        if heard.trim().is_empty() {
            return Some(0);
        }
        let filler = self.filler.as_deref().unwrap_or_default();
        let end = end_of(heard, &[filler, &self.said].concat())?;
        // Within the filler, none of the bot's words was heard.
        let end = end.saturating_sub(filler.len());
        let (words, rest) = self.said.split_at_checked(end)?;
        if words.trim().is_empty() {
            return Some(0);
        }
        // A full stop that is left over makes no sound.
        Some(if rest.contains(char::is_alphanumeric) { end } else { self.said.len() })
    }
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
