//! What a store keeps and is asked for.

use std::fmt;

use crate::bot::input::{CallKey, TurnId};

/// How a call is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// For this turn. One that has been answered or aborted before does not get the call.
    Turn(TurnId),
    /// Only if it exists and no turn has it, to look after what notes say.
    IfFree,
}

/// What came of opening a call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Opened {
    /// The call is open.
    Run(Lease, Record),
    /// The turn has been answered or aborted before. What is kept of the call, as it is now.
    Repeated(Record),
    /// Only for [`Opening::IfFree`]: a turn has the call, or there is none.
    Busy,
}

/// The right to write to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The call.
    pub call: CallKey,
    /// The turn; `None` between turns.
    pub turn: Option<TurnId>,
    /// Grows with each opening of the call, and when its turn is aborted.
    pub epoch: u64,
}

impl Lease {
    /// The right of a turn to write to a call.
    #[must_use]
    pub fn new(call: CallKey, turn: Option<TurnId>, epoch: u64) -> Self {
        Self { call, turn, epoch }
    }
}

/// What a store has of a call. It holds what callers say, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Record {
    /// The bot's memory: its version, a colon, its JSON. Empty before the first write.
    pub memory: Vec<u8>,
    /// What the runtime keeps: JSON. Empty before the first write.
    pub state: Vec<u8>,
    /// What came in beside the turns, the oldest first: JSON each.
    pub notes: Vec<Vec<u8>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("memory", &self.memory.len())
            .field("state", &self.state.len())
            .field("notes", &self.notes.len())
            .finish()
    }
}

/// What becomes of a lease after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Then {
    /// It goes on.
    #[default]
    Keep,
    /// It ends. Its turn, if it has one, counts as answered.
    Close,
    /// It ends without an answer: the same turn may come again.
    CloseUnanswered,
}

/// What a note does to the turn that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// Nothing: it reports what the turn has sent.
    Report,
    /// It aborts the turn, which counts as answered from then on. If the turn has the call and holds
    /// nothing, its lease ends; in any case [`Store::cancels`](super::Store::cancels) names it.
    Abort,
}

/// Why a turn has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// It was aborted, or its call has ended.
    Aborted,
    /// The caller's next turn has begun.
    Overtaken,
}

/// What a turn writes.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Change {
    /// The bot's memory, if it changes.
    pub memory: Option<Vec<u8>>,
    /// What the runtime keeps, if it changes.
    pub state: Option<Vec<u8>>,
    /// How many notes have been read and can go.
    pub notes_read: usize,
    /// What becomes of the lease.
    pub then: Then,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("memory", &self.memory.as_ref().map(Vec::len))
            .field("state", &self.state.as_ref().map(Vec::len))
            .field("notes_read", &self.notes_read)
            .field("then", &self.then)
            .finish()
    }
}

/// A turn that has to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// The call.
    pub call: CallKey,
    /// The turn that has to stop.
    pub turn: TurnId,
    /// The epoch of its lease: the same turn may have been opened again.
    pub epoch: u64,
    /// Why it has to stop.
    pub reason: CancelReason,
}

impl Cancel {
    /// Creates a message that this turn has to stop.
    #[must_use]
    pub fn new(call: CallKey, turn: TurnId, epoch: u64, reason: CancelReason) -> Self {
        Self { call, turn, epoch, reason }
    }
}
