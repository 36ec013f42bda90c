//! The running calls of a server: what it keeps of each, and a queue that admits one request of a
//! call at a time.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::{Account, CallTime};
use crate::lock::Mutex;

/// What the server keeps of a call, from its first request on.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub caller: String,
    pub called: String,
    pub started: Option<CallTime>,
}

// The caller's number is private.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// The calls of a server, by their accounts and ids.
#[derive(Debug)]
pub(super) struct Calls {
    known: Mutex<Known>,
    limits: Limits,
}

/// The limits on calls and requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub max_calls: usize,
    pub max_waiting: usize,
    pub idle_timeout: Duration,
}

#[derive(Debug, Default)]
struct Known {
    calls: HashMap<Key, Entry>,
    /// The calls without a request inside, those whose last request is the oldest first.
    idle: BTreeMap<Place, Key>,
    /// The number of places given so far.
    places: u64,
}

/// The account that a call belongs to, and the id of the call.
type Key = (Account, Arc<str>);

/// The place of an idle call: when its last request arrived, and a number that no other place has.
type Place = (Instant, u64);

#[derive(Debug)]
struct Entry {
    memory: Arc<tokio::sync::Mutex<Memory>>,
    /// The number of requests that are served or wait.
    inside: usize,
    touched: Instant,
    /// The place in the index, while no request is inside.
    place: Option<Place>,
    /// Whether the call is over. If so, the last request inside removes the entry.
    over: bool,
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self { memory: Arc::default(), inside: 0, touched: now, place: None, over: false }
    }
}

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// `max_waiting` requests of this call wait already.
    Queue,
    /// The server has `max_calls` calls already, and each of them has a request inside.
    Calls,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 100_000, max_waiting: 4, idle_timeout: Duration::from_secs(30 * 60) }
    }
}

impl Calls {
    pub(super) fn new(limits: Limits) -> Self {
        Self { known: Mutex::default(), limits }
    }

    /// Waits until a request may be served, in the order of arrival.
    pub(super) async fn enter(&self, account: &Account, id: &str) -> Result<Inside<'_>, Full> {
        let place = self.place((account.clone(), id.into()))?;
        let memory = place.memory.clone().lock_owned().await;
        Ok(Inside { memory, place })
    }

    fn place(&self, key: Key) -> Result<QueuePlace<'_>, Full> {
        let now = Instant::now();
        let mut known = self.lock();
        known.expire(now, self.limits.idle_timeout);
        if !known.calls.contains_key(&key) {
            known.add(key.clone(), now, self.limits.max_calls)?;
        }
        let Known { calls, idle, .. } = &mut *known;
        // It has just been added if it was not there.
        let Some(entry) = calls.get_mut(&key) else { return Err(Full::Calls) };
        if entry.inside == 0 && now - entry.touched >= self.limits.idle_timeout {
            // An idle call that has not been removed yet; the id is used for a new one.
            entry.memory = Arc::default();
        }
        if entry.inside > self.limits.max_waiting {
            return Err(Full::Queue);
        }
        if let Some(place) = entry.place.take() {
            idle.remove(&place);
        }
        entry.inside += 1;
        entry.touched = now;
        let memory = entry.memory.clone();
        Ok(QueuePlace { calls: self, key, memory })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic while the lock is held leaves the map consistent.
        self.known.lock()
    }
}

impl Known {
    /// Removes calls that have been idle for at least `idle`.
    fn expire(&mut self, now: Instant, idle: Duration) {
        // Each request adds one call at most, so this keeps up with them and delays none for long.
        const AT_ONCE: usize = 16;
        for _ in 0..AT_ONCE {
            let Some(oldest) = self.idle.first_entry() else { return };
            if now - oldest.key().0 < idle {
                return;
            }
            let id = oldest.remove();
            self.calls.remove(&id);
        }
    }

    /// Adds a call. If there are `max` calls, the one that has been idle longest is removed.
    fn add(&mut self, key: Key, now: Instant, max: usize) -> Result<(), Full> {
        if self.calls.len() >= max {
            let (_, oldest) = self.idle.pop_first().ok_or(Full::Calls)?;
            self.calls.remove(&oldest);
        }
        self.calls.insert(key, Entry::new(now));
        Ok(())
    }

    /// Notes that a request has left its call.
    fn leave(&mut self, key: &Key) {
        let Some(entry) = self.calls.get_mut(key) else { return };
        entry.inside = entry.inside.saturating_sub(1);
        if entry.inside > 0 {
            return;
        }
        if entry.over {
            self.calls.remove(key);
        } else {
            self.places += 1;
            let place = (entry.touched, self.places);
            entry.place = Some(place);
            self.idle.insert(place, key.clone());
        }
    }
}

/// The place of a request in the queue of its call.
///
/// Dropping it leaves the queue, also when the client has disconnected.
#[derive(Debug)]
struct QueuePlace<'a> {
    calls: &'a Calls,
    key: Key,
    memory: Arc<tokio::sync::Mutex<Memory>>,
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.calls.lock().leave(&self.key);
    }
}

/// A request that is being served.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    // Declared first: the lock is released before the place in the queue.
    pub memory: OwnedMutexGuard<Memory>,
    place: QueuePlace<'a>,
}

impl Inside<'_> {
    /// Notes that the call continues, or starts again.
    pub(super) fn keep(&self) {
        self.set_over(false);
    }

    /// Notes that the call is over, and deletes its data. The last request inside removes the entry.
    pub(super) fn forget(mut self) {
        *self.memory = Memory::default();
        self.set_over(true);
    }

    fn set_over(&self, over: bool) {
        if let Some(entry) = self.place.calls.lock().calls.get_mut(&self.place.key) {
            entry.over = over;
        }
    }
}
