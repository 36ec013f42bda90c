//! The runtime's access to a store: every operation has a deadline, is observed, and ends once it has begun.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::contract::Store;
use super::erased::{AnyStore, Operation};
use super::error::StoreError;
use super::meter::Meter;
use super::queue::{Place, Queue};
use super::records::{
    Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing, Then,
};
use crate::bot::input::{CallKey, TurnId};
use crate::observe::{Event, Observers, StoreOperation, StoreOperationKind, StoreOutcome};

/// How long an operation may go on after its caller has given up. A store that gives no answer for that long
/// never will.
const LONGEST: Duration = Duration::from_secs(60);

/// The runtime's access to a store. Clones share it.
///
/// An operation that changes a lease must not be dropped half way, as a turn that is cut would do: the store
/// may have given a call to a turn that no longer exists. So such an operation is polled once where it is
/// called, which is enough for a store in memory, and then goes on in a task of its own. The caller waits
/// for that task until its deadline.
#[derive(Clone)]
pub(in crate::bot) struct StoreHandle(Arc<Inner>);

struct Inner {
    store: Arc<dyn AnyStore>,
    observers: Observers,
    timeout: Duration,
    queue: Arc<Queue>,
}

impl StoreHandle {
    pub(in crate::bot) fn new(
        store: Arc<dyn AnyStore>,
        observers: Observers,
        timeout: Duration,
    ) -> Self {
        Self(Arc::new(Inner { store, observers, timeout, queue: Arc::default() }))
    }

    /// Returns a handle that nothing observes.
    pub(in crate::bot) fn detached(store: impl Store) -> Self {
        let timeout = crate::bot::Limits::default().store_timeout;
        Self::new(Arc::new(store), Observers::default(), timeout)
    }

    pub(in crate::bot) fn shared(&self) -> bool {
        self.0.store.shared()
    }

    /// Returns how long an operation may take.
    pub(in crate::bot) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Waits for the earlier openings of a call in this process, but no longer than `within` returns. Returns
    /// `None` if the store never waits: no opening can be late there.
    pub(in crate::bot) async fn enter(
        &self,
        call: &CallKey,
        within: impl FnOnce() -> Duration,
    ) -> Option<Place> {
        if !self.0.store.may_wait() {
            return None;
        }
        let meter = Meter::current().map(|meter| (meter, Instant::now()));
        let place = self.0.queue.enter(call, within).await;
        if let Some((meter, start)) = meter {
            meter.add_store(start.elapsed());
        }
        Some(place)
    }

    /// Opens a call, within the time that `within` returns or the timeout of the store, whichever is shorter.
    /// The next opening in the queue waits until the call is open, and until an unwanted lease is given back.
    pub(in crate::bot) async fn open(
        &self,
        call: &CallKey,
        opening: Opening,
        within: impl FnOnce() -> Duration,
        place: Option<Place>,
    ) -> Result<Granted, StoreError> {
        let running = self.running(StoreOperationKind::Open);
        let work = self.store().open(call.clone(), opening);
        let store = self.clone();
        let granted = move |opened| Granted { store, opened: Some(opened), place };
        let within = || within().min(self.0.timeout);
        running.end(whole(work, granted, within).await)
    }

    pub(in crate::bot) async fn evict(
        &self,
        room_for: &CallKey,
    ) -> Result<Vec<(CallKey, Record)>, StoreError> {
        let work = self.store().evict(room_for.clone());
        self.whole(StoreOperationKind::Evict, work).await
    }

    pub(in crate::bot) async fn hold(
        &self,
        lease: &Arc<Lease>,
        time: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.bounded(StoreOperationKind::Hold, self.store().hold(lease.clone(), time)).await
    }

    pub(in crate::bot) async fn write(
        &self,
        lease: &Arc<Lease>,
        change: Change,
    ) -> Result<(), StoreError> {
        self.whole(StoreOperationKind::Write, self.store().write(lease.clone(), change)).await
    }

    pub(in crate::bot) async fn leave(
        &self,
        call: &CallKey,
        lease: Option<Arc<Lease>>,
        note: Bytes,
        then: Then,
    ) -> Result<bool, StoreError> {
        let work = self.store().leave(call.clone(), lease, note, then);
        self.whole(StoreOperationKind::Leave, work).await
    }

    /// Adds a note, and changes no lease.
    pub(in crate::bot) async fn note(
        &self,
        call: &CallKey,
        note: Bytes,
    ) -> Result<bool, StoreError> {
        self.leave(call, None, note, Then::Keep).await
    }

    pub(in crate::bot) async fn abort(
        &self,
        call: &CallKey,
        turn: &TurnId,
        note: Bytes,
    ) -> Result<bool, StoreError> {
        let work = self.store().abort(call.clone(), turn.clone(), note);
        self.whole(StoreOperationKind::Abort, work).await
    }

    pub(in crate::bot) async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        self.bounded(StoreOperationKind::Read, self.store().read(call.clone())).await
    }

    pub(in crate::bot) async fn read_aside(
        &self,
        lease: &Lease,
    ) -> Result<Option<Record>, StoreError> {
        self.bounded(StoreOperationKind::Read, self.store().read_aside(lease.clone())).await
    }

    pub(in crate::bot) async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.bounded(StoreOperationKind::Claim, self.store().claim(claim)).await
    }

    pub(in crate::bot) async fn remove(&self, lease: &Lease) -> Result<(), StoreError> {
        self.whole(StoreOperationKind::Remove, self.store().remove(lease.clone())).await
    }

    pub(in crate::bot) async fn check(
        &self,
        leases: Vec<Lease>,
    ) -> Result<Vec<Standing>, StoreError> {
        self.bounded(StoreOperationKind::Check, self.store().check(leases)).await
    }

    pub(in crate::bot) fn signals(&self) -> BoxStream<'static, Signal> {
        self.0.store.signals()
    }

    fn store(&self) -> Arc<dyn AnyStore> {
        self.0.store.clone()
    }

    /// Runs an operation that may be dropped half way.
    async fn bounded<T>(
        &self,
        operation: StoreOperationKind,
        work: Operation<T>,
    ) -> Result<T, StoreError> {
        let (running, within) = (self.running(operation), self.0.timeout);
        let ended = timeout(within, work).await;
        running.end(ended.unwrap_or(Err(StoreError::TimedOut { within })))
    }

    /// Runs an operation that may not be dropped half way.
    async fn whole<T: Send + 'static>(
        &self,
        operation: StoreOperationKind,
        work: Operation<T>,
    ) -> Result<T, StoreError> {
        let running = self.running(operation);
        running.end(whole(work, |done| done, || self.0.timeout).await)
    }

    /// Starts to measure an operation, if somebody observes it, or if the turn has a [`Meter`]. Otherwise no
    /// clock is read.
    fn running(&self, operation: StoreOperationKind) -> Running<'_> {
        let meter = Meter::current();
        let measured = (meter.is_some() || !self.0.observers.is_empty()).then(Instant::now);
        let (observers, outcome) = (&self.0.observers, StoreOutcome::Dropped);
        Running { observers, meter, operation, measured, outcome }
    }
}

/// Polls an operation where it is called, and leaves it to a task of its own if it is pending, which is waited
/// for as long as `within` returns. `wrap` makes the result, also if nobody waits for it any more.
async fn whole<T: Send + 'static, U: Send + 'static>(
    mut work: Operation<T>,
    wrap: impl FnOnce(T) -> U + Send + 'static,
    within: impl FnOnce() -> Duration,
) -> Result<U, StoreError> {
    let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    if let Poll::Ready(done) = first {
        return done.map(wrap);
    }
    let within = within();
    let (done, waits) = oneshot::channel();
    // The task of a turn has a runtime.
    tokio::spawn(async move {
        if let Ok(ended) = timeout(LONGEST, work).await {
            // Without a receiver, the result is dropped here.
            let _ = done.send(ended.map(wrap));
        }
    });
    match timeout(within, waits).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(StoreError::failed("the operation of the store was dropped")),
        Err(_) => Err(StoreError::TimedOut { within }),
    }
}

/// A call that was opened. Unless a turn [takes](Self::take) it, its lease is given back to the store.
pub(in crate::bot) struct Granted {
    store: StoreHandle,
    opened: Option<Opened>,
    place: Option<Place>,
}

impl Granted {
    /// Returns the turn to wait for, if another one has the call: how long it may hold, and its epoch.
    pub(in crate::bot) fn held(&self) -> Option<(Option<Duration>, u64)> {
        match &self.opened {
            Some(Opened::Held { left, epoch }) => Some((*left, *epoch)),
            _ => None,
        }
    }

    /// Takes the lease. The caller has to close it.
    pub(in crate::bot) fn take(mut self) -> Opened {
        self.opened.take().unwrap_or(Opened::Busy)
    }
}

// A turn that was cut while it opened its call drops this, and so does its task at the end of the process.
impl Drop for Granted {
    fn drop(&mut self) {
        if let Some(Opened::Run { lease, .. }) = self.opened.take()
            && let Ok(runtime) = Handle::try_current()
        {
            let (store, place) = (self.store.clone(), self.place.take());
            drop(runtime.spawn(async move {
                let _until_given_back = place;
                let then = Then::CloseUnanswered;
                // Mostly the lease has ended: the turn that cut this one has the call.
                let _ = store.write(&Arc::new(lease), Change { then, ..Change::default() }).await;
            }));
        }
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Granted").field(&self.opened).finish()
    }
}

fn outcome<T>(ended: &Result<T, StoreError>) -> StoreOutcome {
    match ended {
        Ok(_) => StoreOutcome::Ok,
        Err(StoreError::Full(_)) => StoreOutcome::Full,
        Err(StoreError::Fenced) => StoreOutcome::Fenced,
        Err(StoreError::Gone) => StoreOutcome::Gone,
        Err(_) => StoreOutcome::Failed,
    }
}

/// An operation that runs. It is reported when it is dropped, so also if its turn is cut while it waits.
struct Running<'a> {
    observers: &'a Observers,
    meter: Option<Arc<Meter>>,
    operation: StoreOperationKind,
    measured: Option<Instant>,
    outcome: StoreOutcome,
}

impl Running<'_> {
    fn end<T>(mut self, ended: Result<T, StoreError>) -> Result<T, StoreError> {
        self.outcome = outcome(&ended);
        ended
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Self { observers, meter, operation, measured, outcome } = self;
        let Some(start) = measured else { return };
        let duration = start.elapsed();
        if let Some(meter) = meter {
            meter.add_store(duration);
        }
        let event = StoreOperation { operation: *operation, duration, outcome: *outcome };
        observers.emit(&Event::StoreOperation(&event));
    }
}
