//! A store in the memory of this process.

mod call;
mod ended;
mod share;

use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast;
use tokio::time::Instant;

use self::call::{Call, Owner};
use self::ended::claimed;
use self::share::{Limits, Share};
use super::contract::Store;
use super::error::StoreError;
use super::records::{
    Cancel, CancelReason, Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing,
    Then,
};
use super::state::FreshState;
use crate::bot::hash::HashMap;
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
    signals: broadcast::Sender<Signal>,
}

#[derive(Default)]
struct Known {
    /// The calls of each platform, by its name.
    shares: HashMap<Arc<str>, Share>,
    /// The last epoch. It counts for all calls together: a lease of a removed call must not match a
    /// new call with the same id.
    epoch: u64,
}

/// The maximum number of messages that a subscriber has not received yet.
const SIGNALS: usize = 1024;

impl Default for MemoryStore {
    fn default() -> Self {
        let (signals, _) = broadcast::channel(SIGNALS);
        let limits = Limits { max_calls: 100_000, max_bytes: 256 * 1024 * 1024 };
        Self { known: Mutex::default(), limits, signals }
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

    /// Returns the number of calls. Calls that have ended don't count.
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

    /// Opens a call for a turn.
    fn open_turn(
        &self,
        key: &CallKey,
        turn: &TurnId,
        told: Option<u64>,
        overtake: bool,
        fresh: &FreshState,
    ) -> Result<Opened, StoreError> {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let share = share_of(shares, key);
        let known = share.get(key);
        if let Some(call) = known.filter(|call| call.is_answered(turn)) {
            return Ok(Opened::Repeated(call.record()));
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
            share.insert(key, Call::new(fresh.get().clone(), now));
        }
        let opened = share.change(key, |call| {
            if !overtake && matches!(call.owner, Owner::Turn(_)) {
                let left = call.held(now);
                return call.wait(left);
            }
            self.stop(key, call, CancelReason::Overtaken, told, now);
            if let Some(left) = call.held(now) {
                return call.wait(Some(left));
            }
            self.free(key, call);
            call.open(key, Owner::Turn(turn.clone()), epoch, now)
        });
        // It has just been added if it was not there.
        opened.ok_or(StoreError::Gone)
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

    fn restore(
        &self,
        key: &CallKey,
        turn: &TurnId,
        fresh: &FreshState,
    ) -> Result<Opened, StoreError> {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let share = share_of(shares, key);
        // A late turn must not put back a call that has ended.
        if share.get(key).is_some() || share.ended.contains(key) {
            return Ok(Opened::Busy);
        }
        if let Some(limit) = share.limit_for(key, self.limits) {
            return Err(StoreError::Full(limit));
        }
        let now = Instant::now();
        share.insert(key, Call::new(fresh.get().clone(), now));
        let owner = Owner::Turn(turn.clone());
        let opened = share.change(key, |call| call.open(key, owner, epoch, now));
        opened.ok_or(StoreError::Gone)
    }

    /// Sets a call aside.
    fn end(&self, key: &CallKey, told: Option<u64>, why: &Bytes, again: Duration) -> Opened {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let Some(share) = shares.get_mut(&key.platform) else { return Opened::Busy };
        let now = Instant::now();
        let held = share.change(key, |call| {
            self.stop(key, call, CancelReason::Ended, told, now);
            if let Some(left) = call.held(now) {
                return Some(call.wait(Some(left)));
            }
            self.free(key, call);
            None
        });
        if let Some(held) = held.flatten() {
            return held;
        }
        let Some(call) = share.remove(key) else { return Opened::Busy };
        let why = Bytes::copy_from_slice(why);
        share.ended.add(key, call, Some(why), again, epoch, now)
    }

    /// Tells the turn that has a call to stop, unless it has this epoch: it was told before.
    fn stop(
        &self,
        key: &CallKey,
        call: &mut Call,
        reason: CancelReason,
        told: Option<u64>,
        now: Instant,
    ) {
        if let Owner::Turn(turn) = &call.owner {
            if told != Some(call.epoch) {
                let cancel = Cancel::new(key.clone(), turn.clone(), call.epoch, reason);
                self.signal(Signal::Stop(cancel));
            }
            call.stop(now);
        }
    }

    /// Tells those who wait for the owner of a call that they may open it.
    fn free(&self, key: &CallKey, call: &mut Call) {
        if call.take_awaited() {
            self.signal(Signal::Free(key.clone()));
        }
    }

    /// Tells those who wait for the turn of this lease that it has ended, unless the lease goes on.
    fn left(&self, call: &mut Call, lease: &Lease) {
        if call.is_leased_by(lease) {
            return;
        }
        if call.settle(lease) {
            self.signal(Signal::Left(lease.call.clone()));
        }
        if !call.is_live() {
            self.free(&lease.call, call);
        }
    }

    fn signal(&self, signal: Signal) {
        // There may be no subscriber.
        let _ = self.signals.send(signal);
    }
}

impl Store for MemoryStore {
    fn shared(&self) -> bool {
        false
    }

    fn may_wait(&self) -> bool {
        false
    }

    async fn open(&self, call: &CallKey, opening: &Opening) -> Result<Opened, StoreError> {
        match opening {
            Opening::Turn { turn, told, overtake, fresh } => {
                self.open_turn(call, turn, *told, *overtake, fresh)
            }
            Opening::IfFree => Ok(self.open_if_free(call)),
            Opening::Restore { turn, fresh } => self.restore(call, turn, fresh),
            Opening::End { told, why, again } => Ok(self.end(call, *told, why, *again)),
        }
    }

    async fn evict(&self, room_for: &CallKey) -> Result<Vec<(CallKey, Record)>, StoreError> {
        let mut known = self.lock();
        let share = known.shares.get_mut(&room_for.platform);
        Ok(share.map_or_else(Vec::new, |share| share.evict_for(room_for, self.limits)))
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        let now = Instant::now();
        self.lock().change_leased(lease, |call| {
            call.hold(time, now);
            // A hold that was shortened as well: those who wait ask how long it lasts now.
            self.free(&lease.call, call);
        })
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        let (then, now) = (change.then, Instant::now());
        let mut known = self.lock();
        known.change_leased(lease, |call| {
            call.write(change, now);
            self.left(call, lease);
        })?;
        if then == Then::CloseUnanswered
            && let Some(share) = known.shares.get_mut(&lease.call.platform)
        {
            share.ended.hurry(lease, now);
        }
        Ok(())
    }

    async fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> Result<bool, StoreError> {
        let (key, now) = (call, Instant::now());
        let mut known = self.lock();
        let Some(share) = known.shares.get_mut(&key.platform) else { return Ok(false) };
        let mut closed = None;
        let leave = |call: &mut Call| {
            let dropped = call.note(&note, now);
            if let Some(lease) = lease {
                if call.is_leased_by(lease) {
                    call.end(then);
                    closed = Some(lease);
                }
                self.left(call, lease);
            }
            dropped
        };
        let dropped = match lease.and_then(|lease| share.ended.find(lease)) {
            Some(epoch) => share.ended.change(key, epoch, leave),
            None => share.change(key, leave),
        };
        if let Some(lease) = closed
            && then == Then::CloseUnanswered
        {
            share.ended.hurry(lease, now);
        }
        drop(known);
        Ok(noted(key, dropped))
    }

    async fn abort(&self, call: &CallKey, turn: &TurnId, note: Bytes) -> Result<bool, StoreError> {
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let (key, now) = (call, Instant::now());
        let Some(share) = shares.get_mut(&key.platform) else { return Ok(false) };
        let dropped = share.change(key, |call| {
            let dropped = call.note(&note, now);
            call.answer(turn.clone());
            if matches!(&call.owner, Owner::Turn(running) if running == turn) {
                self.stop(key, call, CancelReason::Aborted, None, now);
                if call.held(now).is_none() {
                    call.abort(epoch);
                    self.free(key, call);
                }
            }
            dropped
        });
        drop(known);
        Ok(noted(key, dropped))
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        let known = self.lock();
        let share = known.shares.get(&call.platform);
        Ok(share.and_then(|share| share.get(call)).map(|call| call.record()))
    }

    async fn read_aside(&self, lease: &Lease) -> Result<Option<Record>, StoreError> {
        let known = self.lock();
        let share = known.shares.get(&lease.call.platform);
        Ok(share.and_then(|share| share.ended.get(lease)).map(Call::record))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, StoreError> {
        let Claim { platform, idle, max, again, version } = *claim;
        let now = Instant::now();
        let mut known = self.lock();
        let Known { shares, epoch } = &mut *known;
        let Some(share) = shares.get_mut(platform.name()) else { return Ok(Vec::new()) };
        let mut all = share.ended.claim(max, version, again, epoch, now);
        for key in share.idle(idle, max - all.len(), version, now) {
            let Some(mut call) = share.remove(&key) else { continue };
            self.stop(&key, &mut call, CancelReason::Ended, None, now);
            self.free(&key, &mut call);
            let opened = share.ended.add(&key, call, None, again, epoch, now);
            all.extend(claimed(opened, None));
        }
        Ok(all)
    }

    async fn remove(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut known = self.lock();
        if let Some(share) = known.shares.get_mut(&lease.call.platform) {
            share.ended.remove(lease);
        }
        Ok(())
    }

    async fn check(&self, leases: &[Lease]) -> Result<Vec<Standing>, StoreError> {
        let known = self.lock();
        let standing = |lease: &Lease| {
            let share = known.shares.get(&lease.call.platform)?;
            let set_aside = share.ended.get(lease).filter(|call| call.is_leased_by(lease));
            let call = set_aside.or_else(|| share.get(&lease.call))?;
            Some(call.standing(lease))
        };
        Ok(leases.iter().map(|lease| standing(lease).unwrap_or(Standing::Gone)).collect())
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        unfold(self.signals.subscribe(), |mut receiver| async move {
            match receiver.recv().await {
                Ok(signal) => Some((signal, receiver)),
                Err(broadcast::error::RecvError::Lagged(_)) => Some((Signal::Lost, receiver)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        })
    }
}

/// Returns the calls of the platform of a call.
fn share_of<'a>(shares: &'a mut HashMap<Arc<str>, Share>, key: &CallKey) -> &'a mut Share {
    shares.entry(key.platform.clone()).or_insert_with(|| Share::new(key.platform.clone()))
}

/// Returns whether a call got its note, and logs how many notes were dropped for it.
fn noted(key: &CallKey, dropped: Option<usize>) -> bool {
    let Some(dropped) = dropped else { return false };
    if dropped > 0 {
        let platform = key.platform();
        tracing::warn!(%platform, call = %key, dropped, "too many unread notes: dropped the oldest");
    }
    true
}

impl Known {
    /// Changes the call of a lease that has not ended.
    fn change_leased(
        &mut self,
        lease: &Lease,
        change: impl FnOnce(&mut Call),
    ) -> Result<(), StoreError> {
        let share = self.shares.get_mut(&lease.call.platform).ok_or(StoreError::Gone)?;
        if share.get(&lease.call).is_some_and(|call| call.is_leased_by(lease)) {
            return share.change(&lease.call, change).ok_or(StoreError::Gone);
        }
        if share.ended.get(lease).is_some_and(|call| call.is_leased_by(lease)) {
            return share.ended.change(&lease.call, lease.epoch, change).ok_or(StoreError::Gone);
        }
        let is_known = share.get(&lease.call).is_some() || share.ended.get(lease).is_some();
        Err(if is_known { StoreError::Fenced } else { StoreError::Gone })
    }
}
