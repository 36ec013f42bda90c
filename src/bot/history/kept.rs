//! The turns of a call as the runtime keeps them between two writes.

use super::{Entry, Heard, History};
use crate::bot::input::TurnId;
use crate::bot::store::{Edit, StoredTurn, StoredTurns};

/// The turns of a call as the runtime changes them.
///
/// A change costs the same however long the call is: entries are parsed only where they change, and their
/// length in all is a running total, which the runtime stores.
#[derive(Debug, Clone, Default)]
pub(in crate::bot) struct KeptTurns {
    turns: StoredTurns,
    /// The length of all texts, in bytes.
    bytes: usize,
    /// The changes that the store does not have yet.
    edits: Vec<Edit>,
}

impl KeptTurns {
    /// Returns the turns of a record, whose texts have this length.
    pub(in crate::bot) fn load(turns: StoredTurns, bytes: usize) -> Self {
        Self { turns, bytes, edits: Vec::new() }
    }

    /// Returns the turns as a bot sees them.
    pub(in crate::bot) fn history(&self) -> History {
        History::new(self.turns.clone())
    }

    pub(in crate::bot) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub(in crate::bot) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the changes since the last time.
    pub(in crate::bot) fn take_edits(&mut self) -> Vec<Edit> {
        std::mem::take(&mut self.edits)
    }

    /// Returns the turns as a store keeps them.
    pub(in crate::bot) fn stored(&self) -> &StoredTurns {
        &self.turns
    }

    /// Returns the changes that make an empty history to this one.
    pub(in crate::bot) fn all(&self) -> Vec<Edit> {
        self.turns.iter().cloned().map(Edit::Put).collect()
    }

    /// Returns the epoch of the newest turn.
    pub(in crate::bot) fn newest_epoch(&self) -> Option<u64> {
        Some(self.turns.last()?.epoch)
    }

    pub(in crate::bot) fn contains(&self, turn: &TurnId) -> bool {
        self.turns.get(turn).is_some()
    }

    /// Returns the turn with this id.
    pub(in crate::bot) fn get(&self, turn: &TurnId) -> Option<Entry> {
        Entry::from_stored(self.turns.get(turn)?)
    }

    /// Adds a turn. It takes the place of the turn with the same id, if there is one. Otherwise it goes before
    /// the turns with a later epoch.
    pub(in crate::bot) fn push(&mut self, entry: &Entry) {
        let known = self.turns.get(&entry.turn).cloned();
        let (epoch, index) = match &known {
            Some(known) => (known.epoch, known.index),
            None => (entry.epoch, self.next_index(entry.epoch)),
        };
        self.forget_bytes(known.as_deref());
        self.bytes = self.bytes.saturating_add(entry.bytes());
        self.edit(vec![put(entry, epoch, index)]);
    }

    /// Does the same as [`push`](Self::push) and then [`trim`](Self::trim). If the turn is the newest one, both are
    /// one change: each change of a long history copies its list of chunks.
    pub(in crate::bot) fn push_within(&mut self, entry: &Entry, entries: usize, bytes: usize) {
        if self.contains(&entry.turn) || self.newest_epoch() > Some(entry.epoch) {
            self.push(entry);
            self.trim(entries, bytes);
            return;
        }
        let index = self.next_index(entry.epoch);
        self.bytes = self.bytes.saturating_add(entry.bytes());
        let mut edits = vec![put(entry, entry.epoch, index)];
        edits.extend(self.excess(self.turns.len() + 1, entries, bytes));
        self.edit(edits);
    }

    /// Removes a turn, since it was requested again.
    pub(in crate::bot) fn forget(&mut self, turn: &TurnId) {
        if let Some(known) = self.turns.get(turn).cloned() {
            self.forget_bytes(Some(&known));
            self.edit(vec![Edit::Remove(turn.clone())]);
        }
    }

    /// Removes all turns.
    pub(in crate::bot) fn clear(&mut self) {
        let removed = self.turns.iter().map(|known| Edit::Remove(known.turn.clone()));
        self.edit(removed.collect());
        self.bytes = 0;
    }

    /// Drops the oldest turns until there are at most `entries`, with at most `bytes` of text. The
    /// newest one always stays.
    pub(in crate::bot) fn trim(&mut self, entries: usize, bytes: usize) {
        let edits = self.excess(self.turns.len(), entries, bytes);
        self.edit(edits);
    }

    /// Returns the edits that remove the oldest of `len` turns until the others are within the limits.
    fn excess(&mut self, mut len: usize, entries: usize, bytes: usize) -> Vec<Edit> {
        let (turns, mut edits) = (self.turns.clone(), Vec::new());
        for oldest in turns.iter() {
            if len <= 1 || len <= entries && self.bytes <= bytes {
                break;
            }
            self.forget_bytes(Some(oldest));
            edits.push(Edit::Remove(oldest.turn.clone()));
            len -= 1;
        }
        edits
    }

    /// Truncates the reply of a turn to what the caller `heard`, if the platform reports it. Returns
    /// what the caller heard, or `None` if the turn is not in the history.
    pub(in crate::bot) fn cut(&mut self, turn: &TurnId, heard: Option<&str>) -> Option<Heard> {
        let known = self.turns.get(turn)?.clone();
        let mut entry = Entry::from_stored(&known)?;
        let before = entry.bytes();
        let found = entry.cut(heard);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(entry.bytes());
        self.edit(vec![put(&entry, known.epoch, known.index)]);
        Some(found)
    }

    fn forget_bytes(&mut self, known: Option<&StoredTurn>) {
        let bytes = known.and_then(Entry::from_stored).map_or(0, |entry| entry.bytes());
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn edit(&mut self, edits: Vec<Edit>) {
        self.turns.apply(edits.clone());
        self.edits.extend(edits);
    }

    /// Returns the place of a new turn among those with its epoch.
    fn next_index(&self, epoch: u64) -> u32 {
        let last = self.turns.iter().rev().find(|turn| turn.epoch <= epoch);
        let last = last.filter(|turn| turn.epoch == epoch);
        last.map_or(0, |turn| turn.index.saturating_add(1))
    }
}

/// Returns the edit that adds a turn at this place.
fn put(entry: &Entry, epoch: u64, index: u32) -> Edit {
    // Copied: a buffer that is cut to its length would leave a gap in memory.
    let stored = StoredTurn::new(entry.turn.clone(), epoch, index, &*entry.to_json());
    Edit::Put(stored.into())
}

impl FromIterator<Entry> for KeptTurns {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let mut kept = Self::default();
        for entry in entries {
            kept.push(&entry);
        }
        kept
    }
}
