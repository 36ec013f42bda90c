//! The turns of a call as a store sees them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::records::Edit;
use crate::bot::input::TurnId;

/// A turn of a call's history. `Debug` shows only its size, since it contains what was said.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredTurn {
    /// The id of the turn. A call has one stored turn with this id at most.
    pub turn: TurnId,
    /// The epoch of the lease under which it ran. Turns are ordered by epoch, then by `index`.
    pub epoch: u64,
    /// Its place among the turns with the same epoch.
    pub index: u32,
    /// The turn, as JSON.
    pub json: Bytes,
}

impl StoredTurn {
    /// Creates a stored turn.
    #[must_use]
    pub fn new(turn: TurnId, epoch: u64, index: u32, json: impl Into<Bytes>) -> Self {
        Self { turn, epoch, index, json: json.into() }
    }

    fn place(&self) -> (u64, u32) {
        (self.epoch, self.index)
    }
}

impl fmt::Debug for StoredTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turn, epoch, index, json } = self;
        f.debug_struct("StoredTurn")
            .field("turn", turn)
            .field("epoch", epoch)
            .field("index", index)
            .field("json", &json.len())
            .finish()
    }
}

/// The turns of a call's history, the oldest first. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredTurns {
    turns: Arc<Vec<Arc<StoredTurn>>>,
}

impl StoredTurns {
    /// Returns the turns, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<StoredTurn>> + ExactSizeIterator {
        self.turns.iter()
    }

    /// Returns the number of turns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Returns `true` if there are no turns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Makes these changes, in this order.
    pub fn apply(&mut self, edits: Vec<Edit>) {
        for edit in edits {
            match edit {
                Edit::Put(turn) => self.put(turn),
                Edit::Remove(turn) => self.remove(&turn),
            }
        }
    }

    fn put(&mut self, turn: Arc<StoredTurn>) {
        self.remove(&turn.turn);
        let turns = Arc::make_mut(&mut self.turns);
        let after = turns.iter().rev().take_while(|later| later.place() > turn.place()).count();
        turns.insert(turns.len() - after, turn);
    }

    fn remove(&mut self, turn: &TurnId) {
        if self.turns.iter().any(|known| known.turn == *turn) {
            Arc::make_mut(&mut self.turns).retain(|known| known.turn != *turn);
        }
    }
}

impl FromIterator<StoredTurn> for StoredTurns {
    fn from_iter<T: IntoIterator<Item = StoredTurn>>(turns: T) -> Self {
        let mut all: Vec<_> = turns.into_iter().map(Arc::new).collect();
        all.sort_by_key(|turn| turn.place());
        Self { turns: Arc::new(all) }
    }
}
