//! Where calls are kept between turns.
//!
//! A store sees bytes, never a bot's types. Its records are locked by epochs, not by locks: who
//! opens a call last owns it, and whoever owned it before can't write any more. So a lost message
//! costs some packets that nobody listens to, and never the state of a call.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;

use super::{CallKey, TurnId};

/// Where calls are kept between turns. [`MemoryStore`](super::MemoryStore) keeps them in this process.
///
/// Every operation is one atomic step. What the contents of a [`Record`] mean is the runtime's
/// business.
pub trait Store: Send + Sync + 'static {
    /// Whether calls in it can go on in another process when this one ends.
    const SHARED: bool;

    /// Opens a call for a turn, and makes a record if there is none.
    ///
    /// Waits out a [`hold`](Self::hold) of the turn that has the call now; that turn is told by
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

    /// Until so much time has passed the next turn waits, and an abort does not fence this one;
    /// `None` ends that at once.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the call has been opened anew, or the turn was aborted.
    fn hold(
        &self,
        lease: &Lease,
        time: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes what is `Some` of a call, and removes the first `notes_read` notes. With `close` the
    /// lease ends, and its turn, if it has an id, is one that has been answered, unless `again` says
    /// otherwise.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease has ended; nothing is written then.
    fn write(
        &self,
        lease: &Lease,
        change: Change,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Leaves a note with a call, whoever has it; `false` when there is no such call. With `abort`
    /// the turn is one that has been answered; if it has the call and holds nothing, its lease ends,
    /// and in any case [`cancels`](Self::cancels) tells.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Vec<u8>,
        abort: bool,
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

    /// Removes calls in which nothing happened for so long, and returns them: each one to one caller
    /// only, at most so many at once. A call that a turn
    /// has is idle after twice the time: the process of that turn has died, or it hangs.
    ///
    /// # Errors
    /// When the store can't be reached.
    fn claim_idle(
        &self,
        idle: Duration,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send;

    /// The turns that have to stop. One subscription serves all calls of a process; messages may be
    /// lost.
    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static;
}

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

/// What is kept of a call. It holds what callers say, and does not show it.
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
    /// Whether the turn is over.
    pub close: bool,
    /// Whether a turn that is over did not answer: the same one may come again.
    pub again: bool,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("memory", &self.memory.as_ref().map(Vec::len))
            .field("state", &self.state.as_ref().map(Vec::len))
            .field("notes_read", &self.notes_read)
            .field("close", &self.close)
            .field("again", &self.again)
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
    /// Whether it was aborted; else the caller's next turn has begun.
    pub aborted: bool,
}

impl Cancel {
    /// A turn has to stop.
    #[must_use]
    pub fn new(call: CallKey, turn: TurnId, epoch: u64, aborted: bool) -> Self {
        Self { call, turn, epoch, aborted }
    }
}

/// Why a store did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// There are as many calls as there may be: so many.
    Full(usize),
    /// Another turn has the call, or this one was aborted.
    Fenced,
    /// The memory of the bot is larger than it may be, in bytes.
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// The memory of the bot can't be written or read as JSON; without its content.
    Memory(String),
    /// The store can't be reached, or fails.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(most) => write!(f, "there are {most} calls already, and may be no more"),
            Self::Fenced => f.write_str("another turn has the call"),
            Self::TooLarge { bytes, most } => {
                write!(f, "the memory of the call: {bytes} bytes, allowed: at most {most}")
            }
            Self::Memory(reason) => write!(f, "the memory of the call: {reason}"),
            Self::Failed(reason) => write!(f, "the store of calls: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}

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
        abort: bool,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        S::note(self, call, turn, note, abort)
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
        most: usize,
    ) -> impl Future<Output = Result<Vec<(CallKey, Record)>, StoreError>> + Send {
        S::claim_idle(self, idle, most)
    }

    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static {
        S::cancels(self)
    }
}

/// A store whose type is not known, for the types that a bot's author meets.
pub(super) trait AnyStore: Send + Sync {
    fn shared(&self) -> bool;
    fn open<'a>(&'a self, call: &'a CallKey, opening: Opening) -> Doing<'a, Opened>;
    fn hold<'a>(&'a self, lease: &'a Lease, time: Option<Duration>) -> Doing<'a, ()>;
    fn write<'a>(&'a self, lease: &'a Lease, change: Change) -> Doing<'a, ()>;
    fn note<'a>(
        &'a self,
        call: &'a CallKey,
        turn: &'a TurnId,
        note: Vec<u8>,
        abort: bool,
    ) -> Doing<'a, bool>;
    fn read<'a>(&'a self, call: &'a CallKey) -> Doing<'a, Option<Record>>;
    fn end<'a>(&'a self, call: &'a CallKey) -> Doing<'a, Option<Record>>;
    fn claim_idle(&self, idle: Duration, most: usize) -> Doing<'_, Vec<(CallKey, Record)>>;
    fn cancels(&self) -> BoxStream<'static, Cancel>;
}

type Doing<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// How long a store may take for what waits for nobody.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A store that hangs must not keep callers in silence.
fn bounded<'a, T>(doing: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Doing<'a, T> {
    let late = |_| Err(StoreError::Failed(format!("no answer within {PATIENCE:?}")));
    timeout(PATIENCE, doing).map(move |ended| ended.unwrap_or_else(late)).boxed()
}

impl<S: Store> AnyStore for S {
    fn shared(&self) -> bool {
        S::SHARED
    }

    fn open<'a>(&'a self, call: &'a CallKey, opening: Opening) -> Doing<'a, Opened> {
        Store::open(self, call, opening).boxed()
    }

    fn hold<'a>(&'a self, lease: &'a Lease, time: Option<Duration>) -> Doing<'a, ()> {
        bounded(Store::hold(self, lease, time))
    }

    fn write<'a>(&'a self, lease: &'a Lease, change: Change) -> Doing<'a, ()> {
        bounded(Store::write(self, lease, change))
    }

    fn note<'a>(
        &'a self,
        call: &'a CallKey,
        turn: &'a TurnId,
        note: Vec<u8>,
        abort: bool,
    ) -> Doing<'a, bool> {
        bounded(Store::note(self, call, turn, note, abort))
    }

    fn read<'a>(&'a self, call: &'a CallKey) -> Doing<'a, Option<Record>> {
        bounded(Store::read(self, call))
    }

    fn end<'a>(&'a self, call: &'a CallKey) -> Doing<'a, Option<Record>> {
        Store::end(self, call).boxed()
    }

    fn claim_idle(&self, idle: Duration, most: usize) -> Doing<'_, Vec<(CallKey, Record)>> {
        bounded(Store::claim_idle(self, idle, most))
    }

    fn cancels(&self) -> BoxStream<'static, Cancel> {
        Store::cancels(self).boxed()
    }
}
