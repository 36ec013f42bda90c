//! The work between turns: reporting cuts to the bot, ending calls, housekeeping.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{Instrument, Span};

use super::drive::drive;
use super::failure::{hook_failed, hook_panicked};
use super::record::CallRecord;
use super::report::EndReport;
use super::session::Session;
use super::shared::Shared;
use super::spans::hook_span;
use crate::bot::call::CallInfo;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Cause, Ended};
use crate::bot::limits::Limits;
use crate::bot::store::{
    Cancel, CancelReason, Change, Meter, Opened, Opening, Record, StoreError, Then,
};
use crate::error::chain;

impl<B: Bot> Shared<B> {
    /// Reports the cuts of a call to the bot, if no turn has the call.
    pub(super) async fn report_cuts(&self, call: CallKey) {
        let outbox = self.detached_outbox(&call, call.platform());
        let platform = outbox.adapter().platform;
        // Registered before the call is opened, so that the next turn finds it and can cut it.
        let running = self.register(&outbox);
        let work = async {
            let (lease, record) = match self.store().open(&call, Opening::IfFree).await? {
                Opened::Run(lease, record) => (lease, record),
                _ => return Ok(()),
            };
            outbox.set_lease(Some(lease.clone()));
            let info = CallInfo::of(platform, &call);
            // Without a record there is nothing that the notes could be added to.
            let has_notes = !record.notes.is_empty() && !record.state.is_empty();
            let mut session = Session::open(self, &outbox, Some(lease.clone()), record, info)?;
            if session.has_cuts() || has_notes {
                let span = match session.has_cuts() {
                    true => self.spans.hook(platform, &call, "interrupted"),
                    false => Span::none(),
                };
                session.report_cuts(None).instrument(span).await?;
                // Also without a cut: the notes are in the record now, within its limits.
                return session.write(Then::Close).await;
            }
            self.store().write(&lease, Change { then: Then::Close, ..Change::default() }).await
        };
        // If the next turn cuts this work, or its time runs out, the cuts are reported by the next turn.
        let work = AssertUnwindSafe(work).catch_unwind();
        let work = timeout(self.setup.limits.end_timeout, drive(self.store(), &outbox, work));
        let ended = work.await.ok().flatten().map(|ended| {
            ended.unwrap_or_else(|panic| {
                hook_panicked(&outbox, &*panic);
                Ok(())
            })
        });
        if let Some(lease) = outbox.lease()
            && !matches!(ended, Some(Ok(())))
        {
            // Mostly the lease has ended: the turn that cut this one has the call.
            let change = Change { then: Then::Close, ..Change::default() };
            let _ = self.store().write(&lease, change).await;
        }
        drop(running);
        match ended {
            Some(Err(error)) if error != StoreError::Fenced => {
                hook_failed(&outbox, "could not report the cuts of a call", &error.into());
            }
            _ => {}
        }
    }

    /// Opens a call for a turn. If the store is full, the calls that have been idle longest end for it.
    ///
    /// # Errors
    /// Returns [`StoreError::Full`] if no call can end. Also for a new call, if so many are ending already
    /// that the bot can't keep up: each of them is still in memory, so without that limit a crowd of new
    /// calls would fill the memory all the same.
    pub(super) async fn open(
        self: &Arc<Self>,
        call: &CallKey,
        opening: Opening,
    ) -> Result<Opened, StoreError> {
        // Another call may take the room that was made for this one.
        const ATTEMPTS: u32 = 8;
        let mut left = ATTEMPTS;
        let meter = Meter::current();
        loop {
            if let Some(meter) = &meter {
                meter.set_held(self.is_held(call));
            }
            let opened = self.store().open(call, opening.clone()).await;
            let Err(full @ StoreError::Full(_)) = opened else { return opened };
            if left == 0 {
                self.warn_full(call, &full, "new calls are refused");
                return Err(full);
            }
            if self.evict(call).await? == 0 {
                // Another call may have ended in the meantime, so this one is tried once more.
                left = 0;
                continue;
            }
            left -= 1;
            self.warn_full(call, &full, "the calls that have been idle longest end for others");
        }
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
            let evicted = shared.store().evict(&room_for).await?;
            let (count, ending) = (evicted.len(), shared.clone());
            drop(shared.spawn(async move {
                let why = Some(Ended::Evicted);
                let all = evicted.into_iter();
                join_all(all.map(|(call, record)| ending.finish(call, record, why))).await;
                drop(permit);
            }));
            Ok(count)
        }));
        evicting.await.unwrap_or_else(|error| Err(StoreError::failed(error)))
    }

    /// Ends a call that is no longer in the store, in a new task.
    pub(super) fn spawn_finish(
        self: &Arc<Self>,
        call: CallKey,
        record: Record,
        why: Ended,
        span: Option<Span>,
    ) {
        let shared = self.clone();
        drop(self.spawn(async move { shared.finish_in(call, record, Some(why), span).await }));
    }

    /// Calls [`Bot::ended`] for a call that is no longer in the store.
    pub(super) async fn finish(&self, call: CallKey, record: Record, why: Option<Ended>) {
        let span = self.spans.end(&call);
        self.finish_in(call, record, why, span).await;
    }

    /// Calls [`Bot::ended`] for a call whose span is `span`.
    async fn finish_in(
        &self,
        call: CallKey,
        record: Record,
        why: Option<Ended>,
        span: Option<Span>,
    ) {
        let read = CallRecord::read(&record, &self.setup.limits).ok().flatten();
        let read = read.map(|(record, _)| record);
        let platform = read.as_ref().map_or_else(|| call.platform(), |record| record.platform);
        let outbox = self.detached_outbox(&call, platform);
        let hook = hook_span(platform, &call, "ended");
        hook.follows_from(span.as_ref().and_then(Span::id));
        let has_begun = !record.state.is_empty();
        let begun = has_begun.then(|| read.map_or((0, None), |read| (read.turns, read.begun_at())));
        let mut report = EndReport::new(self, platform, &call, begun, span);
        if let Some(why) = why {
            report.why = why;
        }
        let info = CallInfo::of(platform, &call);
        let work = async {
            let mut session = Session::open(self, &outbox, None, record, info)?;
            session.report_cuts(None).await?;
            report.why = why.unwrap_or_else(|| session.ending());
            session.end(report.why).await;
            Ok::<_, StoreError>(())
        };
        let work = AssertUnwindSafe(work.instrument(hook)).catch_unwind();
        match timeout(self.setup.limits.end_timeout, work).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Err(panic)) => hook_panicked(&outbox, &*panic),
            Ok(Ok(Err(error))) => {
                hook_failed(&outbox, "could not report the end of a call", &error.into());
            }
            Err(_) => {
                let time = self.setup.limits.end_timeout;
                let error = format!("the bot took longer than {time:?} (`Limits::end_timeout`)");
                hook_failed(&outbox, "could not report the end of a call", &error.into());
            }
        }
    }

    /// Ends the calls of a platform that have been idle for at least `idle`.
    pub(super) async fn end_idle(&self, platform: Platform, idle: Duration, why: Ended) {
        // In batches: each hook may query a database.
        const AT_ONCE: usize = 1024;
        loop {
            let claimed = match self.store().claim_idle(platform, idle, AT_ONCE).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    let error = chain(&error);
                    tracing::error!(%platform, "could not look for idle calls: {error}");
                    return;
                }
            };
            let last = claimed.len() < AT_ONCE;
            let ending = claimed.into_iter().map(|(call, record)| async move {
                self.cut_call(&call).await;
                self.finish(call, record, Some(why)).await;
            });
            join_all(ending).await;
            if last {
                return;
            }
        }
    }
}

/// Cuts turns that the store cancels and ends idle calls, until the bot is dropped.
pub(super) async fn housekeeping<B: Bot>(
    shared: Weak<Shared<B>>,
    cancels: BoxStream<'static, Cancel>,
    limits: Arc<Limits>,
) {
    const MIN_PERIOD: Duration = Duration::from_millis(10);
    const MAX_PERIOD: Duration = Duration::from_secs(60);
    // A store that cancels nothing must not keep calls from expiring.
    let mut cancels = cancels.chain(stream::pending());
    let shortest = limits.idle_timeout.min(limits.open_ended_idle_timeout);
    let mut ticks = interval((shortest / 4).clamp(MIN_PERIOD, MAX_PERIOD));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            cancel = cancels.next() => {
                let (Some(cancel), Some(shared)) = (cancel, shared.upgrade()) else { return };
                let cause = match cancel.reason {
                    CancelReason::Aborted => Cause::BargeIn,
                    CancelReason::Overtaken => Cause::NewTurn,
                };
                for outbox in shared.outboxes(&cancel.call) {
                    if outbox.lease().is_some_and(|lease| lease.epoch == cancel.epoch) {
                        outbox.cut(cause);
                    }
                }
            }
            _ = ticks.tick() => {
                let Some(shared) = shared.upgrade() else { return };
                shared.spans.close_idle(limits.idle_timeout.saturating_mul(2));
                // In a task: a slow bot must not delay the cuts of other calls.
                for platform in Platform::by_name() {
                    let (ending, idle) = (shared.clone(), limits.idle_timeout_on(platform));
                    drop(shared.spawn(async move {
                        ending.end_idle(platform, idle, Ended::Expired).await;
                    }));
                }
            }
        }
    }
}
