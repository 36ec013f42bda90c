//! A store whose operations are timed, for observers and for the turn that waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;
use futures_util::stream::BoxStream;
use tokio::time::Instant;

use super::erased::{AnyStore, StoreFuture};
use super::error::StoreError;
use super::records::{Cancel, Change, Lease, NoteKind, Opened, Opening, Record};
use crate::bot::capabilities::Platform;
use crate::bot::input::{CallKey, TurnId};
use crate::observe::{Event, Observers, StoreOperation, StoreOperationKind, StoreOutcome};

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// How long a turn has waited for the store.
#[derive(Debug, Default)]
pub(in crate::bot) struct Meter {
    /// In nanoseconds.
    store: AtomicU64,
    hold: AtomicU64,
    /// Whether the call is being opened while another turn holds it.
    held: AtomicBool,
}

impl Meter {
    /// Returns the meter of the current task.
    pub(in crate::bot) fn current() -> Option<Arc<Self>> {
        METER.try_with(Clone::clone).ok()
    }

    /// Runs `work` with a meter, or without.
    pub(in crate::bot) fn scope<F: Future>(
        meter: Option<Arc<Self>>,
        work: F,
    ) -> impl Future<Output = F::Output> {
        match meter {
            Some(meter) => Either::Left(METER.scope(meter, work)),
            None => Either::Right(work),
        }
    }

    /// Sets whether another turn holds the call that is opened next.
    pub(in crate::bot) fn set_held(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    fn add(&self, operation: StoreOperationKind, time: Duration) {
        let waits = operation == StoreOperationKind::Open && self.held.load(Ordering::Relaxed);
        let sum = if waits { &self.hold } else { &self.store };
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Returns the time for operations of the store.
    pub(in crate::bot) fn store_time(&self) -> Duration {
        Duration::from_nanos(self.store.load(Ordering::Relaxed))
    }

    /// Returns the time until the hold of another turn ended.
    pub(in crate::bot) fn hold_wait(&self) -> Duration {
        Duration::from_nanos(self.hold.load(Ordering::Relaxed))
    }
}

/// A store whose operations are timed if somebody observes them, or if the turn has a [`Meter`]. Otherwise
/// they pass through, and no clock is read.
pub(in crate::bot) struct TimedStore {
    store: Arc<dyn AnyStore>,
    observers: Observers,
}

impl TimedStore {
    pub(in crate::bot) fn new(store: Arc<dyn AnyStore>, observers: Observers) -> Self {
        Self { store, observers }
    }

    fn timed<'a, T: 'a>(
        &'a self,
        operation: StoreOperationKind,
        work: StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let meter = Meter::current();
        if meter.is_none() && self.observers.is_empty() {
            return work;
        }
        let (observers, start) = (&self.observers, Instant::now());
        let running =
            Running { observers, meter, operation, start, outcome: StoreOutcome::Dropped };
        async move {
            let ended = work.await;
            running.end(outcome(&ended));
            ended
        }
        .boxed()
    }
}

fn outcome<T>(ended: &Result<T, StoreError>) -> StoreOutcome {
    match ended {
        Ok(_) => StoreOutcome::Ok,
        Err(StoreError::Full(_)) => StoreOutcome::Full,
        Err(StoreError::Fenced) => StoreOutcome::Fenced,
        Err(_) => StoreOutcome::Failed,
    }
}

/// An operation that runs. It is reported when it is dropped, so also if its turn is cut while it waits.
struct Running<'a> {
    observers: &'a Observers,
    meter: Option<Arc<Meter>>,
    operation: StoreOperationKind,
    start: Instant,
    outcome: StoreOutcome,
}

impl Running<'_> {
    fn end(mut self, outcome: StoreOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Self { observers, meter, operation, start, outcome } = self;
        let duration = start.elapsed();
        if let Some(meter) = meter {
            meter.add(*operation, duration);
        }
        let event = StoreOperation { operation: *operation, duration, outcome: *outcome };
        observers.emit(&Event::StoreOperation(&event));
    }
}

impl AnyStore for TimedStore {
    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn open<'a>(&'a self, call: &'a CallKey, opening: Opening) -> StoreFuture<'a, Opened> {
        self.timed(StoreOperationKind::Open, self.store.open(call, opening))
    }

    fn hold<'a>(&'a self, lease: &'a Lease, time: Option<Duration>) -> StoreFuture<'a, ()> {
        self.timed(StoreOperationKind::Hold, self.store.hold(lease, time))
    }

    fn write<'a>(&'a self, lease: &'a Lease, change: Change) -> StoreFuture<'a, ()> {
        self.timed(StoreOperationKind::Write, self.store.write(lease, change))
    }

    fn note<'a>(
        &'a self,
        call: &'a CallKey,
        turn: &'a TurnId,
        note: Vec<u8>,
        kind: NoteKind,
    ) -> StoreFuture<'a, bool> {
        self.timed(StoreOperationKind::Note, self.store.note(call, turn, note, kind))
    }

    fn read<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>> {
        self.timed(StoreOperationKind::Read, self.store.read(call))
    }

    fn end<'a>(&'a self, call: &'a CallKey) -> StoreFuture<'a, Option<Record>> {
        self.timed(StoreOperationKind::End, self.store.end(call))
    }

    fn evict<'a>(&'a self, room_for: &'a CallKey) -> StoreFuture<'a, Vec<(CallKey, Record)>> {
        self.timed(StoreOperationKind::Evict, self.store.evict(room_for))
    }

    fn claim_idle(
        &self,
        platform: Platform,
        idle: Duration,
        max: usize,
    ) -> StoreFuture<'_, Vec<(CallKey, Record)>> {
        self.timed(StoreOperationKind::ClaimIdle, self.store.claim_idle(platform, idle, max))
    }

    fn cancels(&self) -> BoxStream<'static, Cancel> {
        self.store.cancels()
    }
}
