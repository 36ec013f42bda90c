//! The trait of a store.

use std::time::Duration;

use futures_util::Stream;

use super::error::StoreError;
use super::records::{Cancel, Change, Lease, NoteKind, Opened, Opening, Record};
use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};

/// Keeps calls between turns. [`MemoryStore`](super::MemoryStore) keeps them in this process.
///
/// Every operation is one atomic step. Only the runtime interprets the contents of a [`Record`].
///
/// The life of a turn, as a store sees it:
///
/// ```
/// use callbot::bot::store::{Change, MemoryStore, Opened, Opening, Store, StoreError, Then};
/// use callbot::bot::{CallKey, Platform, TurnId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let store = MemoryStore::new();
/// let call = CallKey::new(Platform::DigitalEmployee, "session-1");
/// let opening = Opening::Turn(TurnId::new("stream-1"));
///
/// let opened = store.open(&call, opening.clone()).await?;
/// let Opened::Run(lease, _) = opened else { panic!("the turn has been answered before") };
/// let mut change = Change::default();
/// change.memory = Some(b"0:{}".to_vec());
/// change.then = Then::Close;
/// store.write(&lease, change).await?;
///
/// // The turn is answered, so a repeated request does not run it again.
/// let Opened::Repeated(record) = store.open(&call, opening).await? else { panic!("it runs again") };
/// assert_eq!(record.memory, b"0:{}");
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Whether calls can go on in another process when this one ends.
    const SHARED: bool;

    /// Opens a call for a turn. Creates a record if there is none.
    ///
    /// If a turn has the call now, that turn is named by [`cancels`](Self::cancels), its
    /// [`hold`](Self::hold) is waited out, and it can no longer write when this returns. Unless it has
    /// the same id, it counts as answered from then on.
    ///
    /// # Errors
    /// Returns [`StoreError::Full`] if the store has no room for the call, or an error if the store
    /// can't be reached. A full store refuses new calls. It refuses a known call only if it can
    /// [`evict`](Self::evict) another one for it.
    fn open(
        &self,
        call: &CallKey,
        opening: Opening,
    ) -> impl Future<Output = Result<Opened, StoreError>> + Send;

    /// Makes room for a call that was refused with [`StoreError::Full`]: removes calls and returns them.
    /// The runtime tells the bot that they have ended, and opens the call again.
    ///
    /// The calls are of the same platform as `room_for`, so that a crowd on one platform ends no call of
    /// another. They are those that have been idle longest. A call that a turn has is never removed, nor
    /// is `room_for` itself. No more calls are removed than needed. Each is returned to one process only.
    /// The result is empty if there is room already, or if no call can be removed.
    ///
    /// The default removes no call, for a store without limits. A store that wraps another one has to
    /// forward this method.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn evict(
        &self,
        room_for: &CallKey,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send {
        let _ = room_for;
        async { Ok(Vec::new()) }
    }

    /// Holds the lease for `time`: until then the next turn waits, and an abort does not fence this
    /// turn. `None` releases the hold.
    ///
    /// # Errors
    /// Returns [`StoreError::Fenced`] if the lease has ended: the call was opened again, or the turn was
    /// aborted.
    fn hold(
        &self,
        lease: &Lease,
        time: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the fields of `change` that are `Some`, removes the first [`Change::notes_read`] notes,
    /// and keeps or ends the lease as [`Change::then`] says.
    ///
    /// # Errors
    /// Returns [`StoreError::Fenced`] if the lease has ended; nothing is written then.
    fn write(
        &self,
        lease: &Lease,
        change: Change,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds a note to a call. It needs no lease. Returns whether the call exists. `kind` says what the
    /// note does to `turn`.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Returns the record of a call without opening the call; `None` if there is no such call.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn read(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Removes a call and returns its record. Waits out a hold, as [`open`](Self::open) does, and ends
    /// the current lease.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn end(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Removes and returns up to `max` calls of a platform that have been idle for at least `idle`. The
    /// platform is the one whose [`name`](Platform::name) is in the key of the call. Each call is
    /// returned to one process only. A call that a turn has counts as idle after twice that time, since
    /// its process has died or hangs.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn claim_idle(
        &self,
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send;

    /// Returns a stream of the turns that have to stop. One subscription serves all calls of a process.
    /// Messages may be lost.
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

    fn evict(
        &self,
        room_for: &CallKey,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send {
        S::evict(self, room_for)
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
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send {
        S::claim_idle(self, platform, idle, max)
    }

    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static {
        S::cancels(self)
    }
}
