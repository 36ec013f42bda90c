//! Opens calls: waits for the turn that has a call, and for its last words.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::shared::{END_PATIENCE, Shared};
use super::waits::Waiter;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Cause, Ended};
use crate::bot::outbox::Outbox;
use crate::bot::store::{Granted, Meter, Opening, Record, StoreError};

/// How often a call is opened again while another turn has it, in case a message was lost.
const POLL: Duration = Duration::from_millis(250);

/// How long before the first packet is due a store has to have opened the call. The rest is for the failure
/// answer, which then names the store.
const ANSWER: Duration = Duration::from_millis(50);

/// A call that was opened.
pub(super) struct Open {
    pub granted: Granted,
    /// Gets the messages about the call from before it was opened, if several processes have it.
    pub waiter: Option<Waiter>,
}

impl<B: Bot> Shared<B> {
    /// Opens a call. If another turn has it and keeps it, waits for that turn. If the store is full, the calls
    /// that have been idle longest end for this one. `outbox` is that of the turn, which has a deadline.
    ///
    /// # Errors
    /// Returns [`StoreError::Full`] if no call can end. Also for a new call, if so many are ending already
    /// that the bot can't keep up: each of them is still in memory, so without that limit a crowd of new
    /// calls would fill the memory all the same.
    pub(super) async fn open(
        self: &Arc<Self>,
        call: &CallKey,
        mut opening: Opening,
        outbox: Option<&Outbox>,
    ) -> Result<Open, StoreError> {
        // Another call may take the room that was made for this one.
        const ATTEMPTS: u32 = 8;
        let mut attempts = ATTEMPTS;
        // A message may overtake the answer of a store elsewhere. In this process, there is none before the
        // store is asked again below.
        let mut waiter = self.store().shared().then(|| self.waits.register(call));
        let mut patience = None;
        loop {
            // An opening that hangs must not keep this one from the store.
            let place = self.store().enter(call, || self.time_to_open(outbox) / 2).await;
            if outbox.is_some_and(|outbox| outbox.cause().is_some()) {
                // The turn that has cut this one may be in the store already.
                return Err(StoreError::Fenced);
            }
            let within = || self.time_to_open(outbox);
            let opened = self.store().open(call, opening.clone(), within, place).await;
            let full = match opened {
                Ok(granted) => {
                    let Some((left, epoch)) = granted.held() else {
                        return Ok(Open { granted, waiter });
                    };
                    drop(granted);
                    set_told(&mut opening, epoch);
                    let patient_until = *patience.get_or_insert_with(|| patient_until(outbox));
                    match &waiter {
                        Some(waiter) => {
                            self.wait_for_call(waiter, left, patient_until).await;
                            give_up_waiting(&mut opening, patient_until);
                        }
                        None => waiter = Some(self.waits.register(call)),
                    }
                    continue;
                }
                Err(full @ StoreError::Full(_)) => full,
                Err(error) => return Err(error),
            };
            if attempts == 0 {
                self.warn_full(call, &full, "new calls are refused");
                return Err(full);
            }
            if self.evict(call).await? == 0 {
                // Another call may have ended in the meantime, so this one is tried once more.
                attempts = 0;
                continue;
            }
            attempts -= 1;
            self.warn_full(call, &full, "the calls that have been idle longest end for others");
        }
    }

    /// Waits until the call may be free.
    async fn wait_for_call(
        &self,
        waiter: &Waiter,
        left: Option<Duration>,
        patient_until: Option<Instant>,
    ) {
        let start = Instant::now();
        let mut longest = left;
        if self.store().shared() || left.is_none() {
            longest = Some(left.map_or(POLL, |left| left.min(POLL)));
        }
        if let Some(until) = patient_until.filter(|until| *until > start) {
            longest = longest.map(|longest| longest.min(until - start));
        }
        let _ = timeout(longest.unwrap_or(POLL), waiter.free()).await;
        if let Some(meter) = Meter::current() {
            meter.add_hold(start.elapsed());
        }
    }

    /// Returns how long the store may take to open the call of a turn.
    fn time_to_open(&self, outbox: Option<&Outbox>) -> Duration {
        let most = self.store().timeout();
        let Some(due) = outbox.and_then(Outbox::text_due) else { return most };
        let left = due.saturating_duration_since(Instant::now());
        // A turn that has waited for another one is late by itself.
        let within = left.checked_sub(ANSWER).filter(|within| *within >= ANSWER);
        within.unwrap_or(left).min(most)
    }

    /// Makes sure that the turns that had the call before the one with `epoch` have left it, or can't be waited
    /// for any longer. `unsettled` is how long ago the store has told such a turn to stop. Returns whether the
    /// record may have changed since the call was opened.
    ///
    /// Epochs decide, not the order in which tasks run. The store gave `epoch` to this turn last, so earlier
    /// turns can no longer write, in any process. They get a moment to note what they have sent in the store,
    /// so that the history that this turn reads contains it: what the caller has just heard. Those of this
    /// process are cut here, which is faster than the message of the store. Then they are revoked: one of them
    /// may be committing, which a cut does not affect, and the store may hang; its commit would be refused
    /// anyway. If a turn with a later epoch has opened the call in the meantime, this turn has been overtaken
    /// itself and ends.
    pub(super) async fn settle(
        &self,
        outbox: &Arc<Outbox>,
        epoch: u64,
        unsettled: Option<Duration>,
        waiter: Option<Waiter>,
    ) -> bool {
        let outboxes = self.others(outbox);
        let is_earlier =
            |other: &Arc<Outbox>| other.lease().is_some_and(|lease| lease.epoch < epoch);
        let (earlier, others): (Vec<_>, Vec<_>) = outboxes.into_iter().partition(is_earlier);
        if others.iter().any(|other| other.lease().is_some_and(|lease| lease.epoch > epoch)) {
            outbox.cut(Cause::NewTurn);
        }
        for other in &earlier {
            other.cut(Cause::NewTurn);
        }
        if earlier.is_empty() {
            let Some(since) = unsettled else { return false };
            let waiter = waiter.unwrap_or_else(|| self.waits.register(outbox.call()));
            let _ = timeout(END_PATIENCE.saturating_sub(since), waiter.left()).await;
            return true;
        }
        let all = join_all(earlier.iter().map(|other| other.until_task_ended()));
        let _ = timeout(END_PATIENCE, all).await;
        for other in &earlier {
            other.revoke(Cause::NewTurn);
        }
        true
    }

    /// Makes room for a call, and ends the calls that had to go, in a new task. Returns how many.
    async fn evict(self: &Arc<Self>, room_for: &CallKey) -> Result<usize, StoreError> {
        let permit = self.evictions.clone().try_acquire_owned().ok();
        // A caller in the middle of a call is not refused, however many calls are ending.
        if permit.is_none() && self.store().read(room_for).await?.is_none() {
            return Ok(0);
        }
        let (shared, room_for) = (self.clone(), room_for.clone());
        // In a task: the bot hears of the evicted calls even if the turn that needs the room is cut.
        let evicting = self.spawn(Meter::scope(Meter::current(), async move {
            let evicted: Vec<(CallKey, Record)> = shared.store().evict(&room_for).await?;
            let (count, ending) = (evicted.len(), shared.clone());
            drop(shared.spawn(async move {
                let why = Some(Ended::Evicted);
                let all = evicted.into_iter();
                join_all(all.map(|(call, record)| ending.finish(call, record, why, None))).await;
                drop(permit);
            }));
            Ok(count)
        }));
        evicting.await.unwrap_or_else(|error| Err(StoreError::failed(error)))
    }
}

/// Sets the turn that was told to stop.
fn set_told(opening: &mut Opening, epoch: u64) {
    match opening {
        // A turn that does not overtake tells no turn to stop.
        Opening::Turn { overtake: false, .. } => {}
        Opening::Turn { told, .. } | Opening::End { told, .. } => *told = Some(epoch),
        Opening::IfFree | Opening::Restore { .. } => {}
    }
}

/// Returns until when a turn waits for another one that it must not overtake.
///
/// That one began before, so it has less time left. If it still has the call when three quarters of the time
/// are over, its process has died or hangs, and nothing but this turn would ever take the call from it.
fn patient_until(outbox: Option<&Outbox>) -> Option<Instant> {
    let left = outbox.and_then(Outbox::time_left)?;
    Instant::now().checked_add(left / 4 * 3)
}

/// Lets a turn overtake the other one once it has waited for long enough.
fn give_up_waiting(opening: &mut Opening, patient_until: Option<Instant>) {
    if let Opening::Turn { overtake, .. } = opening
        && patient_until.is_some_and(|until| until <= Instant::now())
    {
        *overtake = true;
    }
}
