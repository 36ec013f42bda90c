//! The trait of a store.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

use super::error::StoreError;
use super::records::{
    Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing, Then,
};
use crate::bot::input::{CallKey, TurnId};

/// Keeps calls between turns. [`MemoryStore`](super::MemoryStore) keeps them in this process.
///
/// Every operation is one atomic step, and none waits for a turn: the runtime does that. Only the runtime
/// interprets the contents of a [`Record`]. The runtime bounds the time of each operation. It runs those
/// that may not be dropped half way in tasks of their own, so an operation that has begun ends.
///
/// `bot::testing::store_conformance` checks whether a store does what is written here.
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
/// let (turn, fresh) = (TurnId::new("stream-1"), "{}".into());
/// let opening = Opening::Turn { turn, told: None, overtake: true, fresh };
///
/// let opened = store.open(&call, &opening).await?;
/// let Opened::Run { lease, .. } = opened else { panic!("the turn has been answered before") };
/// let mut change = Change::default();
/// change.memory = Some((0, "[]".into()));
/// change.then = Then::Close;
/// store.write(&lease, change).await?;
///
/// // The turn is answered, so a repeated request does not run it again.
/// let Opened::Repeated(record) = store.open(&call, &opening).await? else { panic!("it runs again") };
/// assert_eq!(record.memory, "[]");
/// # Ok(())
/// # }
/// ```
pub trait Store: Send + Sync + 'static {
    /// Returns whether calls can go on in another process when this one ends.
    fn shared(&self) -> bool;

    /// Returns whether an operation may wait for something, such as a disk or a server. If none ever does, the
    /// runtime need not bring the openings of a call into an order. Default: `true`.
    fn may_wait(&self) -> bool {
        true
    }

    /// Opens a call as `opening` says.
    ///
    /// The former lease ends. If a turn has the call, that turn is told to stop with [`Signal::Stop`],
    /// unless it was told before; if it holds, it keeps the call: [`Opened::Held`]. A turn that was
    /// overtaken counts as answered from then on, unless it has the same id.
    ///
    /// # Errors
    /// Returns [`StoreError::Full`] if the store has no room for the call. A full store refuses new calls.
    /// It refuses a known call only if it can [`evict`](Self::evict) another one for it.
    fn open(
        &self,
        call: &CallKey,
        opening: &Opening,
    ) -> impl Future<Output = Result<Opened, StoreError>> + Send;

    /// Makes room for a call that was refused with [`StoreError::Full`]: removes calls and returns them.
    /// The runtime tells the bot that they have ended, and opens the call again.
    ///
    /// The calls are of the same platform as `room_for`, so that a crowd on one platform ends no call of
    /// another. They are those that have been idle longest. A call that a turn has is never removed, nor
    /// is `room_for` itself. No more calls are removed than needed. Each is returned to one process only.
    /// The result is empty if there is room already, or if no call can be removed.
    ///
    /// The default removes no call, so a full store refuses new ones. A store that wraps another one has to
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
    /// turn. `None` releases the hold, which [`Signal::Free`] tells.
    ///
    /// # Errors
    /// Returns [`StoreError::Fenced`] if the lease has ended: the call was opened again, or the turn was
    /// aborted. Returns [`StoreError::Gone`] if the call does not exist.
    fn hold(
        &self,
        lease: &Lease,
        time: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the fields of `change` that are set, removes the first [`Change::notes_read`] notes, and
    /// keeps or ends the lease as [`Change::then`] says. If it ends, [`Signal::Free`] and
    /// [`Signal::Left`] say so.
    ///
    /// # Errors
    /// Returns [`StoreError::Fenced`] if the lease has ended, and [`StoreError::Gone`] if the call does not
    /// exist. Nothing is written then.
    fn write(
        &self,
        lease: &Lease,
        change: Change,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Leaves a call after a turn that did not succeed: adds a note in any case, and ends the lease as
    /// `then` says if it has not ended. If the lease was that of a turn that was told to stop,
    /// [`Signal::Left`] tells the process that has the call now. Returns whether the call exists.
    ///
    /// A turn that never got a lease has `None`: only the note is added. So has a turn that adds a note while
    /// it goes on.
    ///
    /// If the call was set aside while the turn had it, the note goes to the record that was set aside, even
    /// if there is a new call with the same key.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Aborts a turn: adds a note, and the turn counts as answered from then on. If the turn has the call,
    /// it is told to stop with [`Signal::Stop`], and its lease ends unless it holds. Returns whether the
    /// call exists.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn abort(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Bytes,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Returns the record of a call without opening the call; `None` if the call does not exist.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn read(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Returns the record that was set aside under this lease, with the notes that it has got since. Returns
    /// `None` if the record was removed, or claimed since. The runtime asks when the turn that was told to stop
    /// has left.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn read_aside(
        &self,
        lease: &Lease,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Sets idle calls aside, as [`Opening::End`] does, and returns them together with those that were set
    /// aside before and whose time `again` is over. A turn that has a claimed call is told to stop. Each
    /// call is returned to one process only, until it was not removed for [`Claim::again`].
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn claim(&self, claim: &Claim)
    -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send;

    /// Removes a record that was set aside. A record that another process has claimed since stays.
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn remove(&self, lease: &Lease) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns what each of these leases is, in the same order. The runtime asks after [`Signal::Lost`].
    ///
    /// # Errors
    /// Returns an error if the store can't be reached.
    fn check(
        &self,
        leases: &[Lease],
    ) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send;

    /// Returns the messages about leases that this value of the store gave, and about calls that its
    /// process waits for. One subscription serves all calls of a process. It begins with this call, before the
    /// stream is polled, as far as the store can. Messages may be lost; then [`Signal::Lost`] follows.
    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static;
}

impl<S: Store> Store for std::sync::Arc<S> {
    fn shared(&self) -> bool {
        S::shared(self)
    }

    fn may_wait(&self) -> bool {
        S::may_wait(self)
    }

    fn open(
        &self,
        call: &CallKey,
        opening: &Opening,
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

    fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        S::leave(self, call, lease, note, then)
    }

    fn abort(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Bytes,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        S::abort(self, call, turn, note)
    }

    fn read(
        &self,
        call: &CallKey,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send {
        S::read(self, call)
    }

    fn read_aside(
        &self,
        lease: &Lease,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send {
        S::read_aside(self, lease)
    }

    fn claim(
        &self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send {
        S::claim(self, claim)
    }

    fn remove(&self, lease: &Lease) -> impl Future<Output = Result<(), StoreError>> + Send {
        S::remove(self, lease)
    }

    fn check(
        &self,
        leases: &[Lease],
    ) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send {
        S::check(self, leases)
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        S::signals(self)
    }
}
