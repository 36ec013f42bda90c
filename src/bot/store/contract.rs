//! The trait of a store.

use std::time::Duration;

use futures_util::Stream;

use super::error::StoreError;
use super::records::{Cancel, Change, Lease, NoteKind, Opened, Opening, Record};
use crate::bot::input::{CallKey, TurnId};

/// Where calls are kept between turns. [`MemoryStore`](super::MemoryStore) keeps them in this process.
///
/// Every operation is one atomic step. What the contents of a [`Record`] mean is the runtime's
/// business.
pub trait Store: Send + Sync + 'static {
    /// Whether calls in it can go on in another process when this one ends.
    const SHARED: bool;

    /// Opens a call for a turn, and makes a record if there is none.
    ///
    /// Waits out a [`hold`](Self::hold) of the turn that has the call now; that turn is named by
    /// [`cancels`](Self::cancels), before the wait, and can't write any more when this returns. Unless
    /// it is the same one, it counts as answered from then on.
    ///
    /// # Errors
    /// When there are as many calls as there may be, or the store can't be reached.
    fn open(
        &self,
        call: &CallKey,
        opening: Opening,
    ) -> impl Future<Output = Result<Opened, StoreError>> + Send;

    /// Holds the lease for `time`: until then the next turn waits, and an abort does not fence this
    /// one. `None` releases the hold.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the call has been opened anew, or the turn was aborted.
    fn hold(
        &self,
        lease: &Lease,
        time: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what is `Some` in `change`, removes the first `notes_read` notes, and does with the lease
    /// what [`Change::then`] says.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease has ended; nothing is written then.
    fn write(
        &self,
        lease: &Lease,
        change: Change,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds a note to a call, whatever turn has it. Returns whether there is such a call. `kind` says
    /// what the note does to `turn`.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What is kept of a call, without opening it.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn read(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Removes a call and returns what was kept of it; waits as [`open`](Self::open) does, and ends
    /// the lease that there may be.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn end(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Removes and returns up to `max` calls that have been idle for at least `idle`. Each is returned
    /// to one caller only. A call that a turn has counts as idle after twice that time, since its
    /// process has died or hangs.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn claim_idle(
        &self,
        idle: Duration,
        max: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send;

    /// The turns that have to stop. One subscription serves all calls of a process; messages may be
    /// lost.
    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static;
}

impl<S: Store> Store for std::sync::Arc<S> {
    const SHARED: bool = S::SHARED;

    fn open(
        &self,
        call: &CallKey,
        opening: Opening,
    ) -> impl Future<Output = Result<Opened, StoreError>> + Send {
        S::open(self, call, opening)
    }

    fn hold(
        &self,
        lease: &Lease,
        time: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        S::hold(self, lease, time)
    }

    fn write(
        &self,
        lease: &Lease,
        change: Change,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        S::write(self, lease, change)
    }

    fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        S::note(self, call, turn, note, kind)
    }

    fn read(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send {
        S::read(self, call)
    }

    fn end(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send {
        S::end(self, call)
    }

    fn claim_idle(
        &self,
        idle: Duration,
        max: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send {
        S::claim_idle(self, idle, max)
    }

    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static {
        S::cancels(self)
    }
}
