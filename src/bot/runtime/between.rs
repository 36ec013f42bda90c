//! The work between turns: reporting cuts to the bot, ending calls, housekeeping.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tracing::{Instrument, Span};

use super::drive::drive;
use super::failure::{hook_failed, hook_panicked};
use super::record::CallRecord;
use super::report::EndReport;
use super::session::Session;
use super::shared::{END_PATIENCE, Shared};
use super::spans::hook_span;
use super::waits::Waiter;
use crate::bot::call::CallInfo;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Cause, Ended};
use crate::bot::limits::Limits;
use crate::bot::store::{
    CancelReason, Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing,
    StoreError, Then,
};
use crate::error::chain;

/// A call that was set aside, until the bot has handled its end.
pub(super) struct SetAside {
    lease: Arc<Lease>,
    record: Record,
    last_words: Option<LastWords>,
}

/// Waits for the turn that was told to stop when its call ended. What it has sent is not in the record yet.
struct LastWords {
    waiter: Waiter,
    until: Instant,
}

impl SetAside {
    /// `unsettled` is what the store says of that turn.
    fn new<B: Bot>(
        shared: &Shared<B>,
        lease: Arc<Lease>,
        record: Record,
        unsettled: Option<Duration>,
        waiter: Option<Waiter>,
    ) -> Self {
        let last_words = unsettled.map(|since| LastWords {
            waiter: waiter.unwrap_or_else(|| shared.waits.register(&lease.call)),
            until: Instant::now() + END_PATIENCE.saturating_sub(since),
        });
        Self { lease, record, last_words }
    }
}

impl<B: Bot> Shared<B> {
    /// Reports the cuts of a call to the bot, if no turn has the call.
    pub(super) async fn report_cuts(&self, call: CallKey) {
        let outbox = self.detached_outbox(&call, call.platform());
        let platform = outbox.adapter().platform;
        // Registered before the call is opened, so that the next turn finds it and can cut it.
        let running = self.register(&outbox);
        let work = async {
            let waiter = self.store().shared().then(|| self.waits.register(&call));
            let within = self.store().timeout();
            let granted = self.store().open(&call, Opening::IfFree, || within, None).await?;
            let Opened::Run { lease, record, unsettled } = granted.take() else { return Ok(()) };
            let lease = Arc::new(lease);
            outbox.set_lease(Some(lease.clone()));
            // What the turn has sent that was cut: its process may still have to note it.
            let record = match self.settle(&outbox, lease.epoch, unsettled, waiter).await {
                true => self.store().read(&call).await?.unwrap_or(record),
                false => record,
            };
            let close = |then| Change { then, ..Change::default() };
            if self.is_newer(&record) {
                // A process with the newer version reports the cuts, at the latest before the next turn.
                return self.store().write(&lease, close(Then::CloseUnanswered)).await;
            }
            let info = Arc::new(CallInfo::of(platform, &call));
            let has_notes = !record.notes.is_empty();
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
            self.store().write(&lease, close(Then::Close)).await
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
            // Another turn has the call, or the call has ended.
            Some(Err(StoreError::Fenced | StoreError::Gone)) | None | Some(Ok(())) => {}
            Some(Err(error)) => {
                hook_failed(&outbox, "could not report the cuts of a call", &error.into());
            }
        }
    }

    /// Returns whether a newer version of the bot or of callbot has written this record.
    fn is_newer(&self, record: &Record) -> bool {
        record.version > B::MEMORY_VERSION || CallRecord::is_newer(record)
    }

    /// Sets aside a call that ends. Returns `None` if the call does not exist. From then on, no turn finds the
    /// call, and this process has to [finish](Self::finish_ended) it. If this process dies before, another one
    /// does.
    pub(super) async fn set_aside(
        self: &Arc<Self>,
        call: &CallKey,
        why: Option<Ended>,
    ) -> Result<Option<SetAside>, StoreError> {
        let again = self.setup.limits.end_again();
        let why = why.map(Ended::as_str).unwrap_or_default().into();
        let opening = Opening::End { told: None, why, again };
        // The turn that has the call may hold.
        let within = self.longest_hold(call).saturating_add(self.store().timeout());
        let opened = timeout(within, self.open(call, opening, None)).await;
        let opened = opened.unwrap_or(Err(StoreError::TimedOut { within }))?;
        match opened.granted.take() {
            Opened::Run { lease, record, unsettled } => {
                Ok(Some(SetAside::new(self, Arc::new(lease), record, unsettled, opened.waiter)))
            }
            _ => Ok(None),
        }
    }

    /// Calls [`Bot::ended`] for a call that was set aside, and removes the call.
    pub(super) async fn finish_ended(&self, aside: SetAside, why: Option<Ended>) {
        let SetAside { lease, record, .. } = &aside;
        let span = self.spans.end(&lease.call);
        if self.leaves_end(&lease.call, record) {
            // Another process may have it immediately.
            let change = Change { then: Then::CloseUnanswered, ..Change::default() };
            if let Err(error) = self.store().write(lease, change).await {
                self.end_failed(&lease.call, &error);
            }
            return;
        }
        self.finish_and_remove(aside, why, span).await;
    }

    /// The same, in a new task, for a call whose span is `span`.
    pub(super) fn spawn_finish(self: &Arc<Self>, aside: SetAside, why: Ended, span: Option<Span>) {
        let shared = self.clone();
        drop(self.spawn(async move {
            shared.finish_and_remove(aside, Some(why), span).await;
        }));
    }

    /// Returns whether the end of a call is left to a process with a newer version of the bot, which is logged.
    ///
    /// This one can't read the memory, so the bot would never learn of the end.
    fn leaves_end(&self, call: &CallKey, record: &Record) -> bool {
        let leaves = self.store().shared() && self.is_newer(record);
        if leaves {
            let platform = call.platform();
            tracing::warn!(
                %platform, %call,
                "a newer version has written the call, so its end is left to a process with that version"
            );
        }
        leaves
    }

    async fn finish_and_remove(&self, aside: SetAside, why: Option<Ended>, span: Option<Span>) {
        let SetAside { lease, record, last_words } = aside;
        let record = match last_words {
            Some(last_words) => self.with_last_words(last_words, &lease).await.unwrap_or(record),
            None => record,
        };
        self.finish(lease.call.clone(), record, why, span).await;
        match self.store().remove(&lease).await {
            // Another process has claimed the call since.
            Ok(()) | Err(StoreError::Fenced | StoreError::Gone) => {}
            Err(error) => self.end_failed(&lease.call, &error),
        }
    }

    /// Waits for the last words of a turn, and returns the record that contains them. The turn may be in
    /// another process, which writes them down once it knows that the call has ended.
    ///
    /// Returns `None` if the store has no such record any more, or fails.
    async fn with_last_words(&self, last_words: LastWords, lease: &Lease) -> Option<Record> {
        let LastWords { waiter, until } = last_words;
        let _ = timeout_at(until, waiter.left()).await;
        self.store().read_aside(lease).await.unwrap_or_else(|error| {
            let (platform, call, error) = (lease.call.platform(), &lease.call, chain(&error));
            tracing::warn!(
                %platform, %call,
                "could not read a call that has ended again, so the last words of its turn may be missing: \
                 {error}"
            );
            None
        })
    }

    /// Logs that the end of a call will be reported to the bot again.
    fn end_failed(&self, call: &CallKey, error: &StoreError) {
        let (platform, error) = (call.platform(), chain(error));
        tracing::error!(
            %platform, %call,
            "could not remove a call that has ended, so the bot may be notified again: {error}"
        );
    }

    /// Calls [`Bot::ended`] for a call whose span is `span`.
    pub(super) async fn finish(
        &self,
        call: CallKey,
        record: Record,
        why: Option<Ended>,
        span: Option<Span>,
    ) {
        let read = CallRecord::read(&record, &self.setup.limits).ok().map(|(record, _)| record);
        let platform =
            read.as_ref().map_or_else(|| call.platform(), |record| record.state.platform);
        let outbox = self.detached_outbox(&call, platform);
        let hook = hook_span(platform, &call, "ended");
        hook.follows_from(span.as_ref().and_then(Span::id));
        let begun = read.map_or((0, None), |read| (u64::from(read.state.answers), read.begun_at()));
        let mut report = EndReport::new(self, platform, &call, begun, span);
        if let Some(why) = why {
            report.why = why;
        }
        let info = Arc::new(CallInfo::of(platform, &call));
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

    /// Ends the calls of a platform that have been idle for at least `idle`, and those that have ended in a
    /// process that has died since.
    pub(super) async fn end_idle(&self, platform: Platform, idle: Duration, why: Ended) {
        // In batches: each hook may query a database.
        const AT_ONCE: usize = 1024;
        while self.end_some(platform, idle, AT_ONCE, why).await == AT_ONCE {}
    }

    /// Ends a few calls of a platform that are idle, or that have ended in a process that has died since.
    ///
    /// Called at each end and abort of a call, where no caller waits for a reply. The housekeeping alone
    /// would not do where an instance is frozen between requests: its overdue tick comes with the first
    /// request after the thaw, which is mostly a turn.
    ///
    /// This runs in a new task, so that the answer does not wait for it. It is called before the answer,
    /// since the instance may be frozen right after that. If it is frozen in the middle, the store gives
    /// the claimed calls to another process later.
    pub(super) fn spawn_few_ends(self: &Arc<Self>, platform: Platform) {
        const FEW: usize = 4;
        if !self.store().shared() || self.is_closing() {
            return;
        }
        // A crowd of requests must not make a crowd of claims.
        let Ok(permit) = self.few_claims.clone().try_acquire_owned() else { return };
        let shared = self.clone();
        // No part of the request: those calls are others.
        drop(self.spawn_unwatched(async move {
            let idle = shared.setup.limits.idle_timeout_on(platform);
            shared.end_some(platform, idle, FEW, Ended::Expired).await;
            drop(permit);
        }));
    }

    /// Ends up to `max` calls of a platform, as [`end_idle`](Self::end_idle) does. Returns how many.
    async fn end_some(&self, platform: Platform, idle: Duration, max: usize, why: Ended) -> usize {
        let again = self.setup.limits.end_again();
        // A store in this process has no other process for a newer version.
        let version = if self.store().shared() { B::MEMORY_VERSION } else { u32::MAX };
        let claim = Claim::new(platform, idle, max, again, version);
        let claimed = match self.store().claim(claim).await {
            Ok(claimed) => claimed,
            Err(error) => {
                let error = chain(&error);
                tracing::error!(%platform, "could not look for idle calls: {error}");
                return 0;
            }
        };
        let count = claimed.len();
        join_all(claimed.into_iter().map(|claimed| self.end_claimed(claimed, why))).await;
        count
    }

    async fn end_claimed(&self, claimed: Claimed, idle: Ended) {
        let Claimed { lease, record, why, unsettled } = claimed;
        // Before the turn can leave, if it is in this process.
        let aside = SetAside::new(self, Arc::new(lease), record, unsettled, None);
        let call = &aside.lease.call;
        self.cut_call(call).await;
        let span = self.spans.end(call);
        if self.leaves_end(call, &aside.record) {
            // The store gives it to another process later. Were it given back now, this one would claim it
            // again.
            return;
        }
        let why = match why {
            // The process that was to report the end has died. Its platform may not have said why.
            Some(why) => std::str::from_utf8(&why).ok().and_then(Ended::from_name),
            None => Some(idle),
        };
        self.finish_and_remove(aside, why, span).await;
    }

    /// Cuts the turns whose messages were lost.
    async fn check_leases(&self) {
        let outboxes: Vec<_> = self.running().values().flatten().cloned().collect();
        let leased = outboxes.into_iter();
        let leased = leased.filter_map(|outbox| Some((Lease::clone(&*outbox.lease()?), outbox)));
        let (leases, outboxes): (Vec<_>, Vec<_>) = leased.unzip();
        if leases.is_empty() {
            return;
        }
        let standings = match self.store().check(leases).await {
            Ok(standings) => standings,
            Err(error) => {
                // Each turn learns it when it writes.
                tracing::warn!("could not check the running turns: {}", chain(&error));
                return;
            }
        };
        for (outbox, standing) in outboxes.iter().zip(standings) {
            let cause = match standing {
                // A call that was lost is put back by its turn.
                Standing::Held | Standing::Gone => continue,
                Standing::Overtaken => Cause::NewTurn,
                Standing::Aborted => Cause::BargeIn,
            };
            outbox.cut(cause);
        }
    }
}

/// Passes on the messages of the store and ends idle calls, until the bot is dropped.
pub(super) async fn housekeeping<B: Bot>(
    shared: Weak<Shared<B>>,
    signals: BoxStream<'static, Signal>,
    limits: Arc<Limits>,
) {
    const MIN_PERIOD: Duration = Duration::from_millis(10);
    const MAX_PERIOD: Duration = Duration::from_secs(60);
    // A store that says nothing must not keep calls from expiring.
    let mut signals = signals.chain(stream::pending());
    let shortest = limits.idle_timeout.min(limits.open_ended_idle_timeout);
    let mut ticks = interval((shortest / 4).clamp(MIN_PERIOD, MAX_PERIOD));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            signal = signals.next() => {
                let (Some(signal), Some(shared)) = (signal, shared.upgrade()) else { return };
                shared.waits.tell(&signal);
                match signal {
                    Signal::Stop(cancel) => {
                        for outbox in shared.outboxes(&cancel.call) {
                            if outbox.lease().is_some_and(|lease| lease.epoch == cancel.epoch) {
                                match cancel.reason {
                                    CancelReason::Aborted => drop(outbox.cut(Cause::BargeIn)),
                                    CancelReason::Overtaken => drop(outbox.cut(Cause::NewTurn)),
                                    CancelReason::Ended => outbox.end_call(),
                                }
                            }
                        }
                    }
                    Signal::Lost => {
                        // In a task: the store may be slow, and there may be more to pass on.
                        let checking = shared.clone();
                        drop(shared.spawn(async move { checking.check_leases().await }));
                    }
                    Signal::Free(_) | Signal::Left(_) => {}
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
