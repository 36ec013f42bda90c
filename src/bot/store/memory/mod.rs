//! A store in the memory of this process.

mod call;
mod share;

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast;
use tokio::time::Instant;

use self::call::{Answered, Call, Held, Owner};
use self::share::{Limits, Share};
use super::contract::Store;
use super::error::StoreError;
use super::records::{Cancel, CancelReason, Change, Lease, NoteKind, Opened, Opening, Record};
use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};
use crate::lock::Mutex;

/// Keeps calls in the memory of this process. When the process ends, they are gone.
///
/// Each platform has room for 100,000 calls and 256 MiB, unless you set [`max_calls`](Self::max_calls) and
/// [`max_bytes`](Self::max_bytes). Platforms do not share their room, so a crowd on one of them ends no
/// call of another. When a platform is full, a new call ends the one that has been idle longest there, with
/// [`Ended::Evicted`](crate::bot::Ended::Evicted), and never one with a running turn. `Debug` shows only
/// how many calls there are, and their size.
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
/// let mut second = TestCall::on(Platform::Odfs, host.clone());
/// second.say("Hello?").await.expect_end();
///
/// // The first call was idle, so it has ended for the second one.
/// assert_eq!(store.len(), 1);
/// assert!(host.snapshot(first.key()).await.unwrap().is_none());
/// # }
/// # #[cfg(not(all(feature = "client", feature = "odfs")))]
/// # fn main() {}
/// ```
pub struct MemoryStore {
    known: Mutex<Known>,
    limits: Limits,
    cancels: broadcast::Sender<Cancel>,
}

#[derive(Default)]
struct Known {
    /// The calls of each platform, by its name.
    shares: HashMap<Arc<str>, Share>,
    /// The last epoch. It counts for all calls together: a lease of a removed call must not match a
    /// new call with the same id.
    epoch: u64,
}

/// The maximum number of cancels that a subscriber has not received yet.
const CANCELS: usize = 1024;

impl Default for MemoryStore {
    fn default() -> Self {
        let (cancels, _) = broadcast::channel(CANCELS);
        let limits = Limits { max_calls: 100_000, max_bytes: 256 * 1024 * 1024 };
        Self { known: Mutex::default(), limits, cancels }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { max_calls, max_bytes } = self.limits;
        f.debug_struct("MemoryStore")
            .field("calls", &self.len())
            .field("bytes", &self.bytes())
            .field("max_calls", &max_calls)
            .field("max_bytes", &max_bytes)
            .finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the maximum number of calls of each platform, at least 1. Default: 100,000.
    #[must_use]
    pub fn max_calls(mut self, max: usize) -> Self {
        self.limits.max_calls = max.max(1);
        self
    }

    /// Sets the maximum size of the calls of each platform, in bytes, at least 1: memory, history, notes
    /// and ids, with an estimate of 512 bytes for the rest of a call. Running turns may exceed it by what
    /// they write. Default: 256 MiB.
    #[must_use]
    pub fn max_bytes(mut self, max: usize) -> Self {
        self.limits.max_bytes = max.max(1);
        self
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().shares.values().map(Share::len).sum()
    }

    /// Returns `true` if the store has no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the size of all calls, in bytes, as [`max_bytes`](Self::max_bytes) counts it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().shares.values().map(Share::bytes).sum()
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
        let Known { shares, epoch } = &mut *known;
        let share = shares.entry(key.platform.clone()).or_default();
        let known = share.get(key);
        if let Some(call) = known.filter(|call| call.is_answered(turn)) {
            return Ok(ControlFlow::Break(Opened::Repeated(call.record.clone())));
        }
        let is_new = known.is_none();
        if let Some(limit) = share.limit_for(key, self.limits)
            // If no call can make room, a known one continues all the same.
            && (is_new || share.can_evict_for(key))
        {
            return Err(StoreError::Full(limit));
        }
        let now = Instant::now();
        if is_new {
            share.insert(key, Call::new(now));
        }
        let opened = share.change(key, |call| {
            self.stop(key, call, CancelReason::Overtaken, notified);
            match call.held(now) {
                Some(held) => ControlFlow::Continue(held),
                None => ControlFlow::Break(call.open(key, Owner::Turn(turn.clone()), epoch, now)),
            }
        });
        // It has just been added if it was not there.
        opened.ok_or(StoreError::Fenced)
    }

    fn open_if_free(&self, key: &CallKey) -> Opened {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let Some(share) = shares.get_mut(&key.platform) else { return Opened::Busy };
        let opened = share.change(key, |call| match call.is_live() {
            false => call.open(key, Owner::BetweenTurns, epoch, Instant::now()),
            true => Opened::Busy,
        });
        opened.unwrap_or(Opened::Busy)
    }

    /// Removes a call, or returns the hold to wait for.
    fn try_end(
        &self,
        key: &CallKey,
        notified: &mut Option<u64>,
    ) -> ControlFlow<Option<Record>, Held> {
        let mut known = self.lock();
        let Some(share) = known.shares.get_mut(&key.platform) else {
            return ControlFlow::Break(None);
        };
        let held = share.change(key, |call| {
            self.stop(key, call, CancelReason::Aborted, notified);
            call.held(Instant::now())
        });
        match held.flatten() {
            Some(held) => ControlFlow::Continue(held),
            None => ControlFlow::Break(share.remove(key)),
        }
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

    async fn evict(&self, room_for: &CallKey) -> Result<Vec<(CallKey, Record)>, StoreError> {
        let mut known = self.lock();
        let share = known.shares.get_mut(&room_for.platform);
        Ok(share.map_or_else(Vec::new, |share| share.evict_for(room_for, self.limits)))
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        self.lock().change_leased(lease, |call| call.hold(time, Instant::now()))
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        self.lock().change_leased(lease, |call| call.write(change, Instant::now()))
    }

    async fn note(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> Result<bool, StoreError> {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let (key, now) = (call, Instant::now());
        let Some(share) = shares.get_mut(&key.platform) else { return Ok(false) };
        let dropped = share.change(key, |call| {
            let dropped = call.note(note, now);
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
            dropped
        });
        drop(known);
        let Some(dropped) = dropped else { return Ok(false) };
        if dropped > 0 {
            let platform = key.platform();
            tracing::warn!(%platform, call = %key, dropped, "too many unread notes: dropped the oldest");
        }
        Ok(true)
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        let known = self.lock();
        let share = known.shares.get(&call.platform);
        Ok(share.and_then(|share| share.get(call)).map(|call| call.record.clone()))
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
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<(CallKey, Record)>, StoreError> {
        let mut known = self.lock();
        let share = known.shares.get_mut(platform.name());
        Ok(share.map_or_else(Vec::new, |share| share.claim_idle(idle, max, Instant::now())))
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
    /// Changes the call of a lease that has not ended.
    fn change_leased(
        &mut self,
        lease: &Lease,
        change: impl FnOnce(&mut Call),
    ) -> Result<(), StoreError> {
        let share = self.shares.get_mut(&lease.call.platform).ok_or(StoreError::Fenced)?;
        match share.get(&lease.call) {
            Some(call) if call.is_live() && call.epoch == lease.epoch => {}
            _ => return Err(StoreError::Fenced),
        }
        share.change(&lease.call, change).ok_or(StoreError::Fenced)
    }
}
