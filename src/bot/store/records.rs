//! The data types of a store.

use std::fmt;

use crate::bot::input::{CallKey, TurnId};

/// How to open a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// For this turn. A turn that was answered or aborted before does not get the call.
    Turn(TurnId),
    /// Only if the call exists and no turn has it, for work that its notes require.
    IfFree,
}

/// The result of opening a call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Opened {
    /// The call is open.
    Run(Lease, Record),
    /// The turn was answered or aborted before. This is the present record of the call.
    Repeated(Record),
    /// Only for [`Opening::IfFree`]: a turn has the call, or the call does not exist.
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
    /// The epoch. It grows whenever the call is opened, and when its turn is aborted.
    pub epoch: u64,
}

impl Lease {
    /// Creates a lease.
    #[must_use]
    pub fn new(call: CallKey, turn: Option<TurnId>, epoch: u64) -> Self {
        Self { call, turn, epoch }
    }
}

/// The stored data of a call. `Debug` shows only sizes, since the data contain what callers say.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Record {
    /// The bot's memory: its version, a colon, its JSON. Empty before the first write.
    pub memory: Vec<u8>,
    /// The state of the runtime, as JSON. Empty before the first write.
    pub state: Vec<u8>,
    /// The notes that no turn has read yet, each as JSON, the oldest first.
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

/// What happens to the lease after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Then {
    /// The lease goes on.
    #[default]
    Keep,
    /// The lease ends. Its turn, if it has one, counts as answered.
    Close,
    /// The lease ends, but its turn does not count as answered: it may be requested again.
    CloseUnanswered,
}

/// What a note does to the turn that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// Nothing: it reports what the turn has sent or asked for. The turn may still have the call.
    Report,
    /// It aborts the turn, which counts as answered from then on. If the turn has the call,
    /// [`Store::cancels`](super::Store::cancels) names it, and its lease ends unless it holds.
    Abort,
}

/// The reason why a turn has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The turn was aborted, or its call has ended.
    Aborted,
    /// The caller's next turn has begun.
    Overtaken,
}

/// The changes that a turn writes.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Change {
    /// The bot's memory, if it changes.
    pub memory: Option<Vec<u8>>,
    /// The state of the runtime, if it changes.
    pub state: Option<Vec<u8>>,
    /// The number of notes, from the oldest on, that were read and can be removed.
    pub notes_read: usize,
    /// What happens to the lease.
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

/// A message that a turn has to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// The call.
    pub call: CallKey,
    /// The turn that has to stop.
    pub turn: TurnId,
    /// The epoch of the turn's lease. It matters since the same turn may have been opened again.
    pub epoch: u64,
    /// Why the turn has to stop.
    pub reason: CancelReason,
}

impl Cancel {
    /// Creates a message.
    #[must_use]
    pub fn new(call: CallKey, turn: TurnId, epoch: u64, reason: CancelReason) -> Self {
        Self { call, turn, epoch, reason }
    }
}
