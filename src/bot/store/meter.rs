//! How long a turn waits for the store, and for the holds of other turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::Either;

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// How long a turn has waited.
#[derive(Debug, Default)]
pub(in crate::bot) struct Meter {
    /// In nanoseconds.
    store: AtomicU64,
    hold: AtomicU64,
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

    /// Adds the time of an operation of the store.
    pub(super) fn add_store(&self, time: Duration) {
        add(&self.store, time);
    }

    /// Adds a time in which another turn kept the call.
    pub(in crate::bot) fn add_hold(&self, time: Duration) {
        add(&self.hold, time);
    }

    /// Returns the time for operations of the store.
    pub(in crate::bot) fn store_time(&self) -> Duration {
        Duration::from_nanos(self.store.load(Ordering::Relaxed))
    }

    /// Returns the time in which other turns kept the call.
    pub(in crate::bot) fn hold_wait(&self) -> Duration {
        Duration::from_nanos(self.hold.load(Ordering::Relaxed))
    }
}

fn add(sum: &AtomicU64, time: Duration) {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    sum.fetch_add(nanos, Ordering::Relaxed);
}
