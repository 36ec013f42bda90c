//! The work between turns: reporting cuts to the bot, ending calls, housekeeping.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::drive::drive;
use super::failure::panicked;
use super::session::Session;
use super::shared::Shared;
use crate::bot::call::CallInfo;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Cause, Ended};
use crate::bot::store::{
    AnyStore, CancelReason, Change, Opened, Opening, Record, StoreError, Then,
};
use crate::error::chain;

impl<B: Bot> Shared<B> {
    /// Reports the cuts of a call to the bot, if no turn has the call.
    pub(super) async fn report_cuts(&self, call: CallKey) {
        let outbox = self.detached_outbox(&call, None);
        // Registered before the call is opened, so that the next turn finds it and can cut it.
        let running = self.register(&outbox);
        let work = async {
            let (lease, record) = match self.store().open(&call, Opening::IfFree).await? {
                Opened::Run(lease, record) => (lease, record),
                _ => return Ok(()),
            };
            outbox.set_lease(Some(lease.clone()));
            let info = CallInfo::of(outbox.adapter().platform, &call);
            let mut session = Session::open(self, &outbox, Some(lease.clone()), record, info)?;
            if session.has_cuts() {
                session.report_cuts(None).await?;
                return session.write(Then::Close).await;
            }
            self.store().write(&lease, Change { then: Then::Close, ..Change::default() }).await
        };
        // If the next turn cuts this work, or its time runs out, the cuts are reported by the next turn.
        let work = AssertUnwindSafe(work).catch_unwind();
        let work = timeout(self.setup.limits.end_timeout, drive(self.store(), &outbox, work));
        let ended = work.await.ok().flatten().map(|ended| {
            ended.unwrap_or_else(|_| {
                drop(panicked(&outbox));
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
                let error = chain(&error);
                tracing::error!(%call, "could not report the cuts of a call: {error}");
            }
            _ => {}
        }
    }

    /// Ends a call that is no longer in the store, in a new task.
    pub(super) fn spawn_finish(self: &Arc<Self>, call: CallKey, record: Record, why: Ended) {
        let shared = self.clone();
        drop(self.spawn(async move { shared.finish(call, record, Some(why)).await }));
    }

    /// Calls [`Bot::ended`] for a call that is no longer in the store.
    pub(super) async fn finish(&self, call: CallKey, record: Record, why: Option<Ended>) {
        let outbox = self.detached_outbox(&call, Some(&record));
        let info = CallInfo::of(outbox.adapter().platform, &call);
        let work = async {
            let mut session = Session::open(self, &outbox, None, record, info)?;
            session.report_cuts(None).await?;
            let why = why.unwrap_or_else(|| session.ending());
            session.end(why).await;
            Ok::<_, StoreError>(())
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        match timeout(self.setup.limits.end_timeout, work).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Err(_)) => drop(panicked(&outbox)),
            Ok(Ok(Err(error))) => {
                let error = chain(&error);
                tracing::error!(%call, "could not report the end of a call: {error}");
            }
            Err(_) => tracing::error!(%call, "the bot took too long to handle the end of a call"),
        }
    }

    /// Ends calls that have been idle for at least `idle`.
    pub(super) async fn end_idle(&self, idle: Duration, why: Ended) {
        // In batches: each hook may query a database.
        const AT_ONCE: usize = 1024;
        loop {
            let claimed = match self.store().claim_idle(idle, AT_ONCE).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    let error = chain(&error);
                    tracing::error!("could not look for idle calls: {error}");
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
    store: Arc<dyn AnyStore>,
    idle: Duration,
) {
    const MIN_PERIOD: Duration = Duration::from_millis(10);
    const MAX_PERIOD: Duration = Duration::from_secs(60);
    // A store that cancels nothing must not keep calls from expiring.
    let mut cancels = store.cancels().chain(stream::pending());
    drop(store);
    let mut ticks = interval((idle / 4).clamp(MIN_PERIOD, MAX_PERIOD));
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
                // In a task: a slow bot must not delay the cuts of other calls.
                let ending = shared.clone();
                drop(shared.spawn(async move { ending.end_idle(idle, Ended::Expired).await }));
            }
        }
    }
}
