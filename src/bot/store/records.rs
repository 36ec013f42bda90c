//! The data types of a store.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::state::{CallState, FreshState};
use super::turns::{Edit, StoredTurns};
use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};

/// How to open a call. A store has to know every variant.
#[derive(Clone, PartialEq, Eq)]
pub enum Opening {
    /// For this turn. A turn that was answered or aborted before does not get the call; the store knows the
    /// last eight of them at least. If the call does not exist, it is created. A lease without a turn ends
    /// when a turn opens the call, unless it holds.
    Turn {
        /// The turn.
        turn: TurnId,
        /// The epoch of the turn that this opening has told to stop before, from [`Opened::Held`]. That
        /// turn is not told again.
        told: Option<u64>,
        /// Whether the turn that has the call has to stop for this one. If not, this one waits until that
        /// turn ends: [`Opened::Held`].
        overtake: bool,
        /// The state of a new call.
        fresh: FreshState,
    },
    /// Only if the call exists and no turn has it, for work that its notes require.
    IfFree,
    /// Only if the call does not exist and no record with its key is set aside: puts back a call that the
    /// store has lost while this turn ran. The lease and its record are as for a new call. A store may
    /// remember for a while that a call has ended, and answer [`Opened::Busy`] after its record was removed.
    Restore {
        /// The turn.
        turn: TurnId,
        /// The state of the call.
        fresh: FreshState,
    },
    /// To end the call. The turn that has it is told to stop, and its hold is waited out. Then the record
    /// is set aside: from then on the call is not there for any other opening, so that a new call may have
    /// the same key. The lease is one to write to the record that was set aside and to
    /// [`remove`](super::Store::remove) it.
    End {
        /// As for a turn.
        told: Option<u64>,
        /// Why the call ends. [`Claimed::why`] returns it.
        why: Bytes,
        /// When [`claim`](super::Store::claim) gives the record to another process, unless it was removed
        /// by then.
        again: Duration,
    },
}

// The state contains what callers say.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn { turn, told, overtake, fresh } => f
                .debug_struct("Turn")
                .field("turn", turn)
                .field("told", told)
                .field("overtake", overtake)
                .field("fresh", fresh)
                .finish(),
            Self::IfFree => f.write_str("IfFree"),
            Self::Restore { turn, fresh } => {
                f.debug_struct("Restore").field("turn", turn).field("fresh", fresh).finish()
            }
            Self::End { told, why, again } => f
                .debug_struct("End")
                .field("told", told)
                .field("why", &why.len())
                .field("again", again)
                .finish(),
        }
    }
}

/// The result of opening a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The call is open.
    Run {
        /// The right to write to the call.
        lease: Lease,
        /// The record of the call.
        record: Record,
        /// How long ago the turn that had the call was told to stop, if it has neither closed its lease nor
        /// [left](super::Store::leave) since. [`Signal::Left`] tells when it does.
        unsettled: Option<Duration>,
    },
    /// The turn was answered or aborted before. This is the present record of the call.
    Repeated(Record),
    /// Another turn has the call, and holds it or is not to be overtaken. Open it again after `left`, or
    /// when [`Signal::Free`] names the call, with `epoch` as what was told.
    Held {
        /// How long the hold may last from now on. `None` if it is not a hold.
        left: Option<Duration>,
        /// The epoch of that turn.
        epoch: u64,
    },
    /// For [`Opening::IfFree`]: a turn has the call, or the call does not exist. For [`Opening::End`]: it
    /// does not exist. For [`Opening::Restore`]: it exists, or has ended.
    Busy,
}

/// The right to write to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The call.
    pub call: CallKey,
    /// The turn; `None` between turns and for a call that ends.
    pub turn: Option<TurnId>,
    /// The epoch. It grows whenever the call is opened, and when its turn is aborted. An epoch is never
    /// used twice for the same key, even if the store has lost the call in between.
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
    /// The version of the bot's memory.
    pub version: u32,
    /// The bot's memory, as JSON. Empty before the first write.
    pub memory: Bytes,
    /// The state of the runtime.
    pub state: CallState,
    /// The turns of the call.
    pub history: StoredTurns,
    /// The notes that no turn has read yet, each as JSON, the oldest first. A store may drop the oldest for a
    /// new one. It keeps the newest note, and of small notes the newest 64.
    pub notes: Vec<Bytes>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("version", &self.version)
            .field("memory", &self.memory.len())
            .field("state", &self.state)
            .field("history", &self.history.len())
            .field("notes", &self.notes.len())
            .finish()
    }
}

/// What happens to the lease after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Then {
    /// The lease goes on.
    #[default]
    Keep,
    /// The lease ends. Its turn, if it has one, counts as answered.
    Close,
    /// The lease ends, but its turn does not count as answered: it may be requested again. A record that
    /// was set aside may be claimed immediately.
    CloseUnanswered,
}

/// The reason why a turn has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The turn was aborted.
    Aborted,
    /// The caller's next turn has begun.
    Overtaken,
    /// The call has ended.
    Ended,
}

/// The changes that a turn writes.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Change {
    /// The version of the bot's memory, and the memory, if it changes.
    pub memory: Option<(u32, Bytes)>,
    /// The state of the runtime, if it changes.
    pub state: Option<CallState>,
    /// The changes of the history, in this order.
    pub history: Vec<Edit>,
    /// The history after these changes, if the runtime knows it. A store in the memory of this process may
    /// keep it instead of making the changes. If you change `history`, clear this.
    pub turns: Option<StoredTurns>,
    /// The number of notes, from the oldest on, that were read and can be removed. Those that the store has
    /// dropped since the call was opened count as read.
    pub notes_read: usize,
    /// What happens to the lease.
    pub then: Then,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("memory", &self.memory.as_ref().map(|(version, memory)| (version, memory.len())))
            .field("state", &self.state)
            .field("history", &self.history)
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

/// A message of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// A turn has to stop.
    Stop(Cancel),
    /// A hold has ended, or the turn that had the call has: a turn that got [`Opened::Held`] may open the call
    /// again.
    Free(CallKey),
    /// The turn that was told to stop has left the call: the record now has its last words.
    Left(CallKey),
    /// Messages may have been lost. [`check`](super::Store::check) tells which leases have ended.
    Lost,
}

/// Whether a lease is still one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is, or its turn may run on as long as it holds.
    Held,
    /// Another turn has the call.
    Overtaken,
    /// Its turn was aborted, or was closed.
    Aborted,
    /// The store does not have the call, or it is ending.
    Gone,
}

/// Which calls to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// Only calls of this platform: the one whose [`name`](Platform::name) is in the key of the call.
    pub platform: Platform,
    /// The shortest time without a turn after which a call is idle. A call that a turn has counts as idle
    /// after twice that time, since its process has died or hangs.
    pub idle: Duration,
    /// The maximum number of calls.
    pub max: usize,
    /// When the calls are given to another process, unless they were removed by then.
    pub again: Duration,
    /// The newest version of a memory that the process can read. Newer ones are not claimed.
    pub version: u32,
}

impl Claim {
    /// Creates a claim.
    #[must_use]
    pub fn new(
        platform: Platform,
        idle: Duration,
        max: usize,
        again: Duration,
        version: u32,
    ) -> Self {
        Self { platform, idle, max, again, version }
    }
}

/// A call that has ended, for the process that tells the bot so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// The right to remove the record.
    pub lease: Lease,
    /// The record of the call.
    pub record: Record,
    /// What [`Opening::End`] said. `None` if the call was idle.
    pub why: Option<Bytes>,
    /// As for [`Opened::Run`].
    pub unsettled: Option<Duration>,
}

impl Claimed {
    /// Creates a claimed call.
    #[must_use]
    pub fn new(
        lease: Lease,
        record: Record,
        why: Option<Bytes>,
        unsettled: Option<Duration>,
    ) -> Self {
        Self { lease, record, why, unsettled }
    }
}
