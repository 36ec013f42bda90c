//! A store in the memory of this process.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::MutexGuard;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};

use super::contract::Store;
use super::error::StoreError;
use super::records::{
    Cancel, CancelReason, Change, Lease, NoteKind, Opened, Opening, Record, Then,
};
use crate::bot::input::{CallKey, TurnId};
use crate::lock::Mutex;

/// Keeps calls in the memory of this process. When the process ends, they are gone.
///
/// It takes 100,000 calls at a time unless you set [`max_calls`](Self::max_calls). `Debug` shows only
/// how many there are.
///
/// ```
/// # #[cfg(all(feature = "client", feature = "odfs"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::sync::Arc;
///
/// use callbot::bot::{Host, MemoryStore, Platform};
/// # use callbot::bot::testing::TestCall;
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Parrot;
/// # impl Bot for Parrot {
/// #     type Memory = ();
/// #     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
/// #         reply.say("Hello!").await
/// #     }
/// # }
///
/// let store = Arc::new(MemoryStore::new().max_calls(1));
/// let host = Host::builder(Parrot).store(store.clone()).build();
///
/// let mut first = TestCall::on(Platform::Odfs, host.clone());
/// first.say("Hello?").await.expect_end();
/// assert_eq!(store.len(), 1);
/// TestCall::on(Platform::Odfs, host).begin().await.expect_failure();
///
/// first.end().await.expect_end();
/// assert!(store.is_empty());
/// # }
/// # #[cfg(not(all(feature = "client", feature = "odfs")))]
/// # fn main() {}
/// ```
pub struct MemoryStore {
    known: Mutex<Known>,
    max_calls: usize,
    cancels: broadcast::Sender<Cancel>,
}

struct Known {
    calls: HashMap<CallKey, Call>,
    /// The last epoch. It counts for all calls together: a lease of a removed call must not match a
    /// new call with the same id.
    epoch: u64,
}

/// The maximum number of cancels that a subscriber has not received yet.
const CANCELS: usize = 1024;
/// The number of answered turns that are remembered of a call.
const ANSWERED: usize = 8;
/// The maximum number of notes of a call that no turn has read yet.
const NOTES: usize = 64;
/// The longest hold: a year, which is far from overflowing an `Instant`.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Default for MemoryStore {
    fn default() -> Self {
        let (cancels, _) = broadcast::channel(CANCELS);
        let known = Mutex::new(Known { calls: HashMap::new(), epoch: 0 });
        Self { known, max_calls: 100_000, cancels }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("calls", &self.len())
            .field("max_calls", &self.max_calls)
            .finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the maximum number of calls, at least one. More are refused with [`StoreError::Full`].
    /// Default: 100,000.
    #[must_use]
    pub fn max_calls(mut self, max: usize) -> Self {
        self.max_calls = max.max(1);
        self
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().calls.len()
    }

    /// Returns whether there are no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().calls.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic under this lock leaves the map whole.
        self.known.lock()
    }

    /// Opens a call for a turn, or returns the hold to wait for. `notified` is the epoch of the turn
    /// that was last told to stop.
    fn try_open(
        &self,
        key: &CallKey,
        turn: &TurnId,
        notified: &mut Option<u64>,
    ) -> Result<ControlFlow<Opened, Held>, StoreError> {
        let mut known = self.lock();
        let Known { calls, epoch } = &mut *known;
        let now = Instant::now();
        if let Some(call) = calls.get_mut(key) {
            if call.answered.contains(turn) {
                return Ok(ControlFlow::Break(Opened::Repeated(call.record.clone())));
            }
            self.stop(key, call, CancelReason::Overtaken, notified);
            if let Some(held) = call.held(now) {
                return Ok(ControlFlow::Continue(held));
            }
        } else if calls.len() >= self.max_calls {
            return Err(StoreError::Full(self.max_calls));
        }
        let call = calls.entry(key.clone()).or_insert_with(|| Call::new(now));
        Ok(ControlFlow::Break(call.open(key, Owner::Turn(turn.clone()), epoch, now)))
    }

    fn open_if_free(&self, key: &CallKey) -> Opened {
        let mut known = self.lock();
        let Known { calls, epoch } = &mut *known;
        match calls.get_mut(key) {
            Some(call) if !call.is_live() => {
                call.open(key, Owner::BetweenTurns, epoch, Instant::now())
            }
            _ => Opened::Busy,
        }
    }

    /// Removes a call, or returns the hold to wait for.
    fn try_end(
        &self,
        key: &CallKey,
        notified: &mut Option<u64>,
    ) -> ControlFlow<Option<Record>, Held> {
        let mut known = self.lock();
        if let Some(call) = known.calls.get_mut(key) {
            self.stop(key, call, CancelReason::Aborted, notified);
            if let Some(held) = call.held(Instant::now()) {
                return ControlFlow::Continue(held);
            }
        }
        ControlFlow::Break(known.calls.remove(key).map(|call| call.record))
    }

    /// Tells the turn that has a call to stop, once per epoch.
    fn stop(&self, key: &CallKey, call: &Call, reason: CancelReason, notified: &mut Option<u64>) {
        if notified.replace(call.epoch) == Some(call.epoch) {
            return;
        }
        if let Owner::Turn(turn) = &call.owner {
            // There may be no subscriber.
            let _ = self.cancels.send(Cancel::new(key.clone(), turn.clone(), call.epoch, reason));
        }
    }
}

impl Store for MemoryStore {
    const SHARED: bool = false;

    async fn open(&self, call: &CallKey, opening: Opening) -> Result<Opened, StoreError> {
        let turn = match opening {
            Opening::Turn(turn) => turn,
            Opening::IfFree => return Ok(self.open_if_free(call)),
        };
        let mut notified = None;
        loop {
            match self.try_open(call, &turn, &mut notified)? {
                ControlFlow::Break(opened) => return Ok(opened),
                ControlFlow::Continue(held) => held.over().await,
            }
        }
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        let mut known = self.lock();
        let call = known.leased(lease)?;
        let now = Instant::now();
        call.touched = now;
        // Tasks that wait for the former hold wake up and look again.
        call.hold = time
            .and_then(|time| now.checked_add(time.min(LONGEST)))
            .map(|until| Hold { until, waiting: None });
        Ok(())
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        let mut known = self.lock();
        let call = known.leased(lease)?;
        let Change { memory, state, notes_read, then } = change;
        if let Some(mut memory) = memory {
            memory.shrink_to_fit();
            call.record.memory = memory;
        }
        if let Some(mut state) = state {
            state.shrink_to_fit();
            call.record.state = state;
        }
        let lost = notes_read.min(call.lost);
        call.lost -= lost;
        let read = (notes_read - lost).min(call.record.notes.len());
        call.record.notes.drain(..read);
        call.record.notes.shrink_to_fit();
        call.touched = Instant::now();
        match then {
            Then::Keep => {}
            Then::Close => call.close(Answered::Yes),
            Then::CloseUnanswered => call.close(Answered::No),
        }
        Ok(())
    }

    async fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        mut note: Vec<u8>,
        kind: NoteKind,
    ) -> Result<bool, StoreError> {
        note.shrink_to_fit();
        let mut known = self.lock();
        let Known { calls, epoch } = &mut *known;
        let key = call;
        let Some(call) = calls.get_mut(key) else { return Ok(false) };
        let now = Instant::now();
        call.touched = now;
        let full = call.record.notes.len() >= NOTES;
        if full {
            call.record.notes.remove(0);
            call.lost += 1;
        }
        call.record.notes.push(note);
        if kind == NoteKind::Abort {
            call.answer(turn.clone());
            if matches!(&call.owner, Owner::Turn(running) if running == turn) {
                self.stop(key, call, CancelReason::Aborted, &mut None);
                if call.held(now).is_none() {
                    *epoch += 1;
                    call.epoch = *epoch;
                    call.close(Answered::Yes);
                }
            }
        }
        drop(known);
        if full {
            tracing::warn!(call = %key, max = NOTES, "too many unread notes: dropped the oldest");
        }
        Ok(true)
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        Ok(self.lock().calls.get(call).map(|call| call.record.clone()))
    }

    async fn end(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        let mut notified = None;
        loop {
            match self.try_end(call, &mut notified) {
                ControlFlow::Break(record) => return Ok(record),
                ControlFlow::Continue(held) => held.over().await,
            }
        }
    }

    async fn claim_idle(
        &self,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<(CallKey, Record)>, StoreError> {
        let mut known = self.lock();
        let now = Instant::now();
        let mut found: Vec<_> = known
            .calls
            .iter()
            .filter(|(_, call)| {
                // A turn that has been idle for twice as long belongs to a process that has died.
                let idle = if call.is_live() { idle.saturating_mul(2) } else { idle };
                now.saturating_duration_since(call.touched) >= idle
            })
            .map(|(key, call)| (call.touched, key))
            .collect();
        found.sort_unstable();
        found.truncate(max);
        let keys: Vec<_> = found.into_iter().map(|(_, key)| key.clone()).collect();
        let removed = keys.into_iter().filter_map(|key| {
            let call = known.calls.remove(&key)?;
            Some((key, call.record))
        });
        Ok(removed.collect())
    }

    fn cancels(&self) -> impl Stream<Item = Cancel> + Send + 'static {
        unfold(self.cancels.subscribe(), |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(cancel) => return Some((cancel, receiver)),
                    // A turn whose message was lost notices when it writes.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
    }
}

impl Known {
    /// Returns the call of a lease that has not ended.
    fn leased(&mut self, lease: &Lease) -> Result<&mut Call, StoreError> {
        match self.calls.get_mut(&lease.call) {
            Some(call) if call.is_live() && call.epoch == lease.epoch => Ok(call),
            _ => Err(StoreError::Fenced),
        }
    }
}

struct Call {
    record: Record,
    /// The epoch of the newest lease, which may have ended.
    epoch: u64,
    owner: Owner,
    hold: Option<Hold>,
    touched: Instant,
    /// The turns that were answered or aborted last, the oldest first.
    answered: VecDeque<TurnId>,
    /// How many of the notes that the owner got have been dropped since. The owner counts them when it
    /// reports how many it has read.
    lost: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

/// The owner of the live lease.
enum Owner {
    Nobody,
    BetweenTurns,
    Turn(TurnId),
}

struct Hold {
    until: Instant,
    /// Created for the first task that waits. Dropping it wakes all of them, however the hold ends.
    waiting: Option<watch::Sender<()>>,
}

/// A hold to wait for.
struct Held {
    until: Instant,
    released: watch::Receiver<()>,
}

impl Held {
    /// Waits until the hold may be over. The caller has to check again.
    async fn over(mut self) {
        let _ = timeout_at(self.until, self.released.changed()).await;
    }
}

impl Call {
    fn new(now: Instant) -> Self {
        Self {
            record: Record::default(),
            epoch: 0,
            owner: Owner::Nobody,
            hold: None,
            touched: now,
            answered: VecDeque::new(),
            lost: 0,
        }
    }

    fn is_live(&self) -> bool {
        !matches!(self.owner, Owner::Nobody)
    }

    fn open(&mut self, key: &CallKey, owner: Owner, epoch: &mut u64, now: Instant) -> Opened {
        *epoch += 1;
        self.epoch = *epoch;
        let turn = match &owner {
            Owner::Turn(turn) => Some(turn.clone()),
            _ => None,
        };
        // A late copy of an overtaken turn must not overtake the newer one.
        if let Owner::Turn(before) = std::mem::replace(&mut self.owner, owner)
            && Some(&before) != turn.as_ref()
        {
            self.answer(before);
        }
        self.hold = None;
        self.touched = now;
        self.lost = 0;
        Opened::Run(Lease::new(key.clone(), turn, self.epoch), self.record.clone())
    }

    /// Returns the hold, if there is one at `now`. It ends with the lease that took it.
    fn held(&mut self, now: Instant) -> Option<Held> {
        let hold = self.hold.as_mut().filter(|hold| hold.until > now)?;
        let waiting = hold.waiting.get_or_insert_with(|| watch::Sender::new(()));
        Some(Held { until: hold.until, released: waiting.subscribe() })
    }

    /// Ends the lease. A turn that was not answered may be requested again.
    fn close(&mut self, answered: Answered) {
        self.hold = None;
        if let Owner::Turn(turn) = std::mem::replace(&mut self.owner, Owner::Nobody)
            && answered == Answered::Yes
        {
            self.answer(turn);
        }
    }

    fn answer(&mut self, turn: TurnId) {
        if self.answered.contains(&turn) {
            return;
        }
        if self.answered.len() >= ANSWERED {
            self.answered.pop_front();
        }
        self.answered.push_back(turn);
    }
}
