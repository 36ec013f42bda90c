//! The state that all turns of a bot share: its store, its settings, and the running turns.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::record::CallRecord;
use super::spans::Spans;
use super::waits::Waits;
use crate::bot::adapter::Adapter;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::hash::HashMap;
use crate::bot::history::char_end_before;
use crate::bot::input::{CallKey, Input, TurnId};
use crate::bot::limits::{Greeting, Limits};
use crate::bot::outbox::{Outbox, ReplyKind};
use crate::bot::store::{StoreError, StoreHandle};
use crate::lock::Mutex;
use crate::observe::{Observers, TraceContext, carried};
use crate::server::{outside_handlers, watch};

/// How long a turn that was cut may take to end before the next one continues without it.
pub(super) const END_PATIENCE: Duration = Duration::from_millis(50);

/// How many evictions may wait for the bot at the same time.
const MAX_EVICTIONS: usize = 1024;

/// Chooses the calls whose content is traced.
pub(in crate::bot) type Sampler = Arc<dyn Fn(&CallKey) -> bool + Send + Sync>;

/// The parts of a host.
pub(in crate::bot) struct Setup<B: Bot> {
    pub bot: Arc<B>,
    pub store: StoreHandle,
    pub limits: Arc<Limits>,
    pub greeting: Greeting,
    /// The runtime for turns, if they do not run where requests are served.
    pub runtime: Option<Handle>,
    pub observers: Observers,
    /// Chooses the calls whose content is traced.
    pub content: Option<Sampler>,
}

/// The state that all turns of a bot share.
pub(super) struct Shared<B: Bot> {
    pub setup: Setup<B>,
    running: Mutex<Running>,
    pub waits: Waits,
    pub spans: Spans,
    /// Whether the housekeeping has been started.
    started: AtomicBool,
    closing: AtomicBool,
    /// Permits to evict calls, which are kept until the bot has handled their end.
    pub evictions: Arc<Semaphore>,
    /// The permit to claim a few calls beside a request.
    pub few_claims: Arc<Semaphore>,
    /// When a full store was last reported, by platform.
    reported_full: Mutex<HashMap<Platform, Instant>>,
}

/// The running turns by call.
pub(super) type Running = HashMap<CallKey, Vec<Arc<Outbox>>>;

impl<B: Bot> Shared<B> {
    pub(super) fn new(setup: Setup<B>) -> Self {
        let (started, closing) = (AtomicBool::new(false), AtomicBool::new(false));
        Self {
            setup,
            running: Mutex::default(),
            waits: Waits::default(),
            spans: Spans::default(),
            started,
            closing,
            evictions: Arc::new(Semaphore::new(MAX_EVICTIONS)),
            few_claims: Arc::new(Semaphore::new(1)),
            reported_full: Mutex::default(),
        }
    }

    /// Returns `true` at the first call only.
    pub(super) fn start(&self) -> bool {
        !self.started.swap(true, Ordering::Relaxed)
    }

    /// Refuses new turns from now on.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn store(&self) -> &StoreHandle {
        &self.setup.store
    }

    /// Warns that the store is full, at most once a minute for each platform, so that a crowd of calls
    /// does not fill the log.
    pub(super) fn warn_full(&self, call: &CallKey, full: &StoreError, then: &str) {
        const PERIOD: Duration = Duration::from_secs(60);
        let (platform, now) = (call.platform(), Instant::now());
        let mut reported = self.reported_full.lock();
        if reported.get(&platform).is_some_and(|last| now - *last < PERIOD) {
            return;
        }
        reported.insert(platform, now);
        drop(reported);
        tracing::warn!(%platform, "the store of calls is full: {full}; {then}");
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        // A panic while the lock is held leaves the map consistent.
        self.running.lock()
    }

    /// Returns the running turns of a call.
    pub(super) fn outboxes(&self, call: &CallKey) -> Vec<Arc<Outbox>> {
        self.running().get(call).cloned().unwrap_or_default()
    }

    /// Returns the running turns of the call of this one, without this one.
    pub(super) fn others(&self, outbox: &Arc<Outbox>) -> Vec<Arc<Outbox>> {
        let running = self.running();
        let all = running.get(outbox.call()).into_iter().flatten();
        all.filter(|other| !Arc::ptr_eq(other, outbox)).cloned().collect()
    }

    /// Adds a turn to the running ones until the guard is dropped.
    pub(super) fn register<'a>(&'a self, outbox: &'a Arc<Outbox>) -> TurnGuard<'a, B> {
        self.running().entry(outbox.call().clone()).or_default().push(outbox.clone());
        TurnGuard { shared: self, outbox }
    }

    fn deregister(&self, outbox: &Arc<Outbox>) {
        let mut running = self.running();
        if let Some(outboxes) = running.get_mut(outbox.call()) {
            outboxes.retain(|other| !Arc::ptr_eq(other, outbox));
            if outboxes.is_empty() {
                running.remove(outbox.call());
            }
        }
    }

    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let work = watch::watched(watch::current(), work);
        self.spawn_unwatched(carried(TraceContext::local(), work).in_current_span())
    }

    /// Starts the task of a turn, as a part of the trace of `context`. It is not in the span of its request,
    /// which could not end before the turn does.
    ///
    /// Unless turns have a [runtime](Setup::runtime) for themselves, the task is polled once here, in the task
    /// of the handler, and spawned only if it waits. So a reply that the bot gives without waiting is complete
    /// when this returns. No other task has to be scheduled, and head and body of the response leave in one
    /// write.
    pub(super) fn start_turn(
        &self,
        context: Option<TraceContext>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        // Boxed here, since the task is large and moves when it is spawned.
        let mut work = Box::pin(carried(context, watch::watched(watch::current(), work)));
        if self.setup.runtime.is_none() && ends_at_first_poll(work.as_mut()) {
            return;
        }
        drop(self.spawn_unwatched(work));
    }

    /// Spawns work that belongs to no request: it is not in the span of the one that starts it, either.
    pub(super) fn spawn_unwatched<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        match &self.setup.runtime {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }

    /// Cuts the running turns of a call that is over.
    pub(super) async fn cut_call(&self, call: &CallKey) {
        let outboxes = self.outboxes(call);
        for outbox in &outboxes {
            outbox.end_call();
        }
        wait_for_end(&outboxes).await;
    }

    /// Returns whether the next input of a call, or the input of its turn `turn`, is secret. If the store
    /// can't tell, it is.
    pub(super) async fn is_secret(&self, call: &CallKey, turn: Option<&TurnId>) -> bool {
        if self.outboxes(call).iter().any(|outbox| outbox.expects_secret()) {
            return true;
        }
        let Ok(record) = self.stored(call).await else { return true };
        record.is_some_and(|record| record.hides_input(turn))
    }

    /// Returns whether the reply of a turn repeats a secret, or might as far as is known.
    pub(super) async fn repeats_secret(&self, call: &CallKey, turn: &TurnId) -> bool {
        let mut running = self.outboxes(call);
        running.retain(|outbox| outbox.turn() == turn);
        if !running.is_empty() {
            return running.iter().any(|outbox| outbox.repeats_secret());
        }
        let Ok(record) = self.stored(call).await else { return true };
        record.is_some_and(|record| record.repeats_secret(turn))
    }

    /// Returns the record of a call, or `None` for an unknown call.
    pub(super) async fn stored(&self, call: &CallKey) -> Result<Option<CallRecord>, StoreError> {
        let Some(stored) = self.store().read(call).await? else { return Ok(None) };
        let (record, _) = CallRecord::read(&stored, &self.setup.limits)?;
        Ok(Some(record))
    }

    /// Returns how long a turn of this call may hold from now on.
    pub(super) fn longest_hold(&self, call: &CallKey) -> Duration {
        if self.store().shared() {
            // Another process may have the turn.
            return self.setup.limits.longest_hold();
        }
        let now = Instant::now();
        let until = self.outboxes(call).iter().filter_map(|outbox| outbox.holds_until()).max();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Returns as much of an input as the history may contain.
    pub(super) fn trim_input(&self, input: Option<Input>) -> Option<Input> {
        let max = self.setup.limits.max_history_bytes;
        match input {
            Some(Input::Speech(mut words)) if words.len() > max => {
                words.truncate(char_end_before(&words, max));
                Some(Input::Speech(words))
            }
            Some(Input::Dtmf(mut keys)) if keys.len() > max => {
                keys.truncate(char_end_before(&keys, max));
                Some(Input::Dtmf(keys))
            }
            Some(Input::Other(json)) if json.to_string().len() > max => None,
            input => input,
        }
    }

    /// Returns an outbox without readers, for hooks outside of a turn.
    pub(super) fn detached_outbox(&self, call: &CallKey, platform: Platform) -> Arc<Outbox> {
        let limits = &self.setup.limits;
        let bot = self.setup.bot.clone();
        let adapter = Arc::new(Adapter::detached(
            platform,
            move |notice| bot.notice(notice),
            self.setup.observers.clone(),
        ));
        let (turn, now) = (TurnId::new(""), Instant::now());
        Arc::new(Outbox::new(call.clone(), turn, adapter, limits, now, ReplyKind::Turn))
    }
}

/// Polls a task for the first time, before it is spawned. Returns whether it has ended. As in a task that is
/// spawned, a panic ends it without reaching the request, and the bot finds no request of a handler.
fn ends_at_first_poll(task: Pin<&mut impl Future<Output = ()>>) -> bool {
    // A task that is spawned is polled again in any case, so nothing has to wake it before that.
    let mut context = Context::from_waker(Waker::noop());
    let poll = || outside_handlers(|| task.poll(&mut context));
    catch_unwind(AssertUnwindSafe(poll)).map_or(true, |polled| polled.is_ready())
}

/// Waits until these turns have ended or can't be waited for any longer.
pub(super) async fn wait_for_end(outboxes: &[Arc<Outbox>]) {
    let all = join_all(outboxes.iter().map(|outbox| outbox.until_task_ended()));
    let _ = timeout(END_PATIENCE, all).await;
}

/// Ends a turn when it is dropped, even if its task was dropped or panicked: the turn is removed from
/// the running ones, and those who wait for its end continue.
pub(super) struct TurnGuard<'a, B: Bot> {
    pub shared: &'a Shared<B>,
    pub outbox: &'a Arc<Outbox>,
}

impl<B: Bot> Drop for TurnGuard<'_, B> {
    fn drop(&mut self) {
        self.shared.deregister(self.outbox);
        self.outbox.end_task();
    }
}

impl<B: Bot> fmt::Debug for Shared<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("running", &self.running().len()).finish_non_exhaustive()
    }
}
