//! The checks of a store: `MemoryStore` passes them, and a store with a fault does not.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use callbot::bot::store::{
    Change, Claim, Claimed, Lease, MemoryStore, Opened, Opening, Record, Signal, Standing, Store,
    StoreError, Then,
};
use callbot::bot::testing::{StoreConformance, store_conformance};
use callbot::bot::{CallKey, TurnId};
use futures_util::{FutureExt, Stream, StreamExt, future};

type Result<T> = std::result::Result<T, StoreError>;

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_the_contract() {
    checks(|store| store).await;
    checks(|store| store).seed(1000).sequences(200).await;
}

/// All checks of a store that wraps the one in memory.
fn checks<S: Store + Clone>(
    wrap: impl Fn(Arc<MemoryStore>) -> S + Copy + 'static,
) -> StoreConformance<S> {
    store_conformance(async move || wrap(Arc::new(MemoryStore::new())))
        .full(3, async move || wrap(Arc::new(MemoryStore::new().max_calls(3))))
        .shared(async move || {
            let store = wrap(Arc::new(MemoryStore::new()));
            (store.clone(), store)
        })
}

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Waits, although it says that it never does.
    Waits,
    /// Opens a call with a lease of the last one.
    SameEpoch,
    /// Forgets that a turn was answered.
    RunsAgain,
    /// Forgets what a new call begins with.
    NotFresh,
    /// Tells a turn to stop each time.
    TellsAgain,
    /// Stops a turn for one that should wait.
    Impatient,
    /// Opens a free call for all who ask.
    NeverBusy,
    /// Puts back a call that exists.
    RestoresOver,
    /// Does not tell when a turn has to stop.
    NoStop,
    /// Gives the wrong reason for a stop.
    WrongReason,
    /// Does not tell when a hold ends.
    NoFree,
    /// Does not tell when a turn has left.
    NoLeft,
    /// Does not tell that a turn was told to stop.
    Settled,
    /// Lets a lease write that has ended.
    Unfenced,
    /// Says that a call is fenced that is gone.
    FencedNotGone,
    /// Writes no memory.
    NoMemory,
    /// Writes a memory that is not set.
    ClearsMemory,
    /// Loses the version of the memory.
    NoVersion,
    /// Makes no edits of the history.
    NoHistory,
    /// Makes the edits in the opposite order.
    EditsBackwards,
    /// Never closes a lease.
    NeverCloses,
    /// Lets a turn count as answered that does not.
    AlwaysAnswered,
    /// Forgets to remove notes.
    KeepsNotes,
    /// Turns the notes around.
    NotesBackwards,
    /// Ignores holds.
    NoHold,
    /// Says that a hold is over soon.
    ShortHold,
    /// Keeps a hold that was released.
    NoRelease,
    /// Ignores an abort.
    NoAbort,
    /// Does not add the note of a turn that leaves.
    NoNote,
    /// Ends no lease of a turn that leaves.
    NeverLeaves,
    /// Says that a call exists that does not.
    AlwaysThere,
    /// Removes a call that ends, in place of setting it aside.
    NotSetAside,
    /// Forgets why a call has ended.
    NoWhy,
    /// Hides the notes of a record that was set aside.
    NoNoteAside,
    /// Says of no claimed call that its turn was told to stop.
    ClaimsSettled,
    /// Claims calls that are not idle.
    ClaimsEarly,
    /// Claims more than it was asked for.
    ClaimsMore,
    /// Claims a memory of any version.
    AnyVersion,
    /// Never claims a call again.
    NeverAgain,
    /// Removes nothing.
    NeverRemoves,
    /// Says that all leases hold.
    AllHeld,
    /// Turns the answer of a check around.
    ChecksBackwards,
    /// Has room for all calls.
    NeverFull,
    /// Removes a call that has not been idle longest.
    EvictsMore,
}

use Fault::*;

/// Each fault, and a part of the rule that it breaks.
const FAULTS: [(Fault, &str); 44] = [
    (Waits, "never waits"),
    (SameEpoch, "epoch"),
    (RunsAgain, "answered"),
    (NotFresh, "fresh record"),
    (TellsAgain, "not told again"),
    (Impatient, "may not overtake"),
    (NeverBusy, "IfFree"),
    (RestoresOver, "Restore"),
    (NoStop, "told to stop"),
    (WrongReason, "told to stop"),
    (NoFree, "is told when it"),
    (NoLeft, "told when a turn"),
    (Settled, "how long ago"),
    (Unfenced, "overtaken can neither write"),
    (FencedNotGone, "is gone"),
    (NoMemory, "keeps its record"),
    (ClearsMemory, "keeps its record"),
    (NoVersion, "as they were written"),
    (NoHistory, "as they were written"),
    (EditsBackwards, "edits of the history"),
    (NeverCloses, "closed is settled"),
    (AlwaysAnswered, "nothing keeps from it"),
    (KeepsNotes, "notes are kept"),
    (NotesBackwards, "notes are kept"),
    (NoHold, "held call has to wait"),
    (ShortHold, "how long it may last"),
    (NoRelease, "told when it ends"),
    (NoAbort, "aborted"),
    (NoNote, "as they were written"),
    (NeverLeaves, "when it has left"),
    (AlwaysThere, "no note is kept"),
    (NotSetAside, "it has ended"),
    (NoWhy, "why the call has ended"),
    (NoNoteAside, "last words of a turn reach"),
    (ClaimsSettled, "how long ago its turn"),
    (ClaimsEarly, "before its time"),
    (ClaimsMore, "at most as many"),
    (AnyVersion, "newer version"),
    (NeverAgain, "claimed again"),
    (NeverRemoves, "removed is gone"),
    (AllHeld, "check tells"),
    (ChecksBackwards, "check tells"),
    (NeverFull, "full store refuses"),
    (EvictsMore, "idle longest"),
];

#[tokio::test(start_paused = true)]
async fn a_store_with_a_fault_breaks_the_contract() {
    let mut wrong = Vec::new();
    for (fault, rule) in FAULTS {
        let checks = checks(move |store| Faulty { store, fault });
        let broken = AssertUnwindSafe(checks.into_future()).catch_unwind().await;
        let message = match &broken {
            Ok(()) => "nothing",
            Err(panic) => panic.downcast_ref::<String>().map_or("", String::as_str),
        };
        if !message.contains("the store breaks its contract: ") || !message.contains(rule) {
            wrong.push(format!("{fault:?}, {rule:?}, found: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A store with a fault.
#[derive(Clone)]
struct Faulty {
    store: Arc<MemoryStore>,
    fault: Fault,
}

impl Store for Faulty {
    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn may_wait(&self) -> bool {
        self.fault != Waits
    }

    async fn open(&self, call: &CallKey, opening: &Opening) -> Result<Opened> {
        if self.fault == Waits {
            tokio::task::yield_now().await;
        }
        let mut opening = opening.clone();
        match (&mut opening, self.fault) {
            (Opening::Turn { fresh, .. } | Opening::Restore { fresh, .. }, NotFresh) => {
                *fresh = Bytes::new().into();
            }
            (Opening::Turn { told, .. } | Opening::End { told, .. }, TellsAgain) => *told = None,
            (Opening::Turn { overtake, .. }, Impatient) => *overtake = true,
            (Opening::IfFree, NeverBusy) | (Opening::Restore { .. }, RestoresOver) => {
                let (turn, fresh) = (TurnId::new("fault"), "restored".into());
                opening = Opening::Turn { turn, told: None, overtake: true, fresh };
            }
            (Opening::End { again, .. }, NeverAgain) => *again = Duration::MAX,
            _ => {}
        }
        let mut opened = self.store.open(call, &opening).await;
        if let (Opening::Turn { turn, .. }, RunsAgain) = (&mut opening, self.fault)
            && matches!(opened, Ok(Opened::Repeated(_)))
        {
            // Another id is another turn.
            *turn = TurnId::new(format!("{}'", turn.as_str()));
            opened = self.store.open(call, &opening).await;
        }
        if self.fault == NeverFull && matches!(opened, Err(StoreError::Full(_))) {
            self.store.evict(call).await?;
            opened = self.store.open(call, &opening).await;
        }
        let mut opened = opened?;
        match (&mut opened, self.fault) {
            (Opened::Run { lease, .. }, SameEpoch) => lease.epoch = 1,
            (Opened::Run { unsettled, .. }, Settled) => *unsettled = None,
            (Opened::Held { left, .. }, ShortHold) => {
                *left = left.map(|_| Duration::from_millis(1));
            }
            (Opened::Run { lease, .. }, NotSetAside) if matches!(opening, Opening::End { .. }) => {
                self.store.remove(lease).await?;
            }
            _ => {}
        }
        Ok(opened)
    }

    async fn evict(&self, room_for: &CallKey) -> Result<Vec<(CallKey, Record)>> {
        let mut evicted = self.store.evict(room_for).await?;
        if self.fault == EvictsMore && !evicted.is_empty() {
            let other = CallKey::new(callbot::bot::Platform::Odfs, "1");
            evicted.push((other, Record::default()));
        }
        Ok(evicted)
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<()> {
        match (self.fault, time) {
            (NoHold, Some(_)) | (NoRelease, None) => self.write(lease, Change::default()).await,
            _ => self.store.hold(lease, time).await,
        }
    }

    async fn write(&self, lease: &Lease, mut change: Change) -> Result<()> {
        match self.fault {
            NoMemory => change.memory = None,
            ClearsMemory => change.memory = change.memory.or_else(|| Some((0, Bytes::new()))),
            NoVersion => change.memory = change.memory.map(|(_, memory)| (0, memory)),
            NoHistory => change.history = Vec::new(),
            EditsBackwards => change.history.reverse(),
            NeverCloses => change.then = Then::Keep,
            AlwaysAnswered if change.then == Then::CloseUnanswered => change.then = Then::Close,
            KeepsNotes => change.notes_read = 0,
            _ => {}
        }
        match (self.store.write(lease, change).await, self.fault) {
            (Err(StoreError::Fenced), Unfenced) => Ok(()),
            (Err(StoreError::Gone), FencedNotGone) => Err(StoreError::Fenced),
            (written, _) => written,
        }
    }

    async fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> Result<bool> {
        let lease = lease.filter(|_| self.fault != NeverLeaves);
        match self.fault {
            NoNote => Ok(self.store.read(call).await?.is_some()),
            AlwaysThere => self.store.leave(call, lease, note, then).await.map(|_| true),
            _ => self.store.leave(call, lease, note, then).await,
        }
    }

    async fn abort(&self, call: &CallKey, turn: &TurnId, note: Bytes) -> Result<bool> {
        match self.fault {
            NoAbort => self.store.leave(call, None, note, Then::Keep).await,
            _ => self.store.abort(call, turn, note).await,
        }
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>> {
        let mut record = self.store.read(call).await?;
        if let Some(record) = &mut record
            && self.fault == NotesBackwards
        {
            record.notes.reverse();
        }
        Ok(record)
    }

    async fn read_aside(&self, lease: &Lease) -> Result<Option<Record>> {
        let mut record = self.store.read_aside(lease).await?;
        if let Some(record) = &mut record
            && self.fault == NoNoteAside
        {
            record.notes.clear();
        }
        Ok(record)
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>> {
        let mut claim = *claim;
        match self.fault {
            ClaimsEarly => claim.idle = Duration::ZERO,
            ClaimsMore => claim.max = claim.max.saturating_add(1),
            AnyVersion => claim.version = u32::MAX,
            _ => {}
        }
        let mut claimed = self.store.claim(&claim).await?;
        if self.fault == NoWhy {
            claimed.iter_mut().for_each(|claimed| claimed.why = None);
        }
        if self.fault == ClaimsSettled {
            claimed.iter_mut().for_each(|claimed| claimed.unsettled = None);
        }
        Ok(claimed)
    }

    async fn remove(&self, lease: &Lease) -> Result<()> {
        match self.fault {
            NeverRemoves => Ok(()),
            _ => self.store.remove(lease).await,
        }
    }

    async fn check(&self, leases: &[Lease]) -> Result<Vec<Standing>> {
        let mut standings = self.store.check(leases).await?;
        match self.fault {
            AllHeld => standings.fill(Standing::Held),
            ChecksBackwards => standings.reverse(),
            _ => {}
        }
        Ok(standings)
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        let fault = self.fault;
        self.store.signals().filter_map(move |signal| {
            let signal = match (signal, fault) {
                (Signal::Stop(_), NoStop)
                | (Signal::Free(_), NoFree)
                | (Signal::Left(_), NoLeft) => None,
                (Signal::Stop(mut stop), WrongReason) => {
                    use callbot::bot::store::CancelReason::{Aborted, Overtaken};
                    stop.reason = if stop.reason == Aborted { Overtaken } else { Aborted };
                    Some(Signal::Stop(stop))
                }
                (signal, _) => Some(signal),
            };
            future::ready(signal)
        })
    }
}

#[test]
fn the_checks_can_be_shown() {
    let checks = checks(|store| store).seed(7).sequences(2).unit(Duration::from_secs(1));
    let shown = format!("{checks:?}");
    assert_eq!(
        shown,
        "StoreConformance { full: Some(3), shared: true, unit: 1s, seed: 7, sequences: 2, .. }"
    );
}
