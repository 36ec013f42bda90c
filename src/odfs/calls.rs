//! The running calls of a server: what it keeps of each, and a queue that admits one request of a
//! call at a time.

use std::collections::HashMap;
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

#[derive(Debug)]
struct Known {
    calls: HashMap<Key, Entry>,
    /// When idle calls were last removed.
    swept: Instant,
}

/// The account that a call belongs to, and the id of the call.
type Key = (Account, String);

#[derive(Debug)]
struct Entry {
    memory: Arc<tokio::sync::Mutex<Memory>>,
    /// The number of requests that are served or wait.
    inside: usize,
    touched: Instant,
    /// Whether the call is over. If so, the last request inside removes the entry.
    over: bool,
}

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// `max_waiting` requests of this call wait already.
    Queue,
    /// The server has `max_calls` calls already.
    Calls,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 100_000, max_waiting: 4, idle_timeout: Duration::from_secs(30 * 60) }
    }
}

/// The minimum time between two removals of idle calls while the server is full.
const FULL: Duration = Duration::from_secs(1);

impl Calls {
    pub(super) fn new(limits: Limits) -> Self {
        let known = Known { calls: HashMap::new(), swept: Instant::now() };
        Self { known: Mutex::new(known), limits }
    }

    /// Waits until a request may be served, in the order of arrival.
    pub(super) async fn enter(&self, account: &Account, id: &str) -> Result<Inside<'_>, Full> {
        let place = self.place((account.clone(), id.to_owned()))?;
        let memory = place.memory.clone().lock_owned().await;
        Ok(Inside { memory, place })
    }

    fn place(&self, key: Key) -> Result<QueuePlace<'_>, Full> {
        let now = Instant::now();
        let Limits { max_calls, max_waiting, idle_timeout } = self.limits;
        let mut known = self.lock();
        let Known { calls, swept } = &mut *known;
        let full = calls.len() >= max_calls && !calls.contains_key(&key);
        // A full server removes idle calls more often, but not for every request that it refuses.
        let pause = if full { FULL.min(idle_timeout / 2) } else { idle_timeout / 2 };
        if now - *swept >= pause {
            *swept = now;
            calls.retain(|_, entry| entry.inside > 0 || now - entry.touched < idle_timeout);
        }
        if !calls.contains_key(&key) && calls.len() >= max_calls {
            return Err(Full::Calls);
        }
        let entry = calls.entry(key.clone()).or_insert_with(|| Entry {
            memory: Arc::default(),
            inside: 0,
            touched: now,
            over: false,
        });
        if entry.inside == 0 && now - entry.touched >= idle_timeout {
            // An idle call that has not been removed yet; the id is used for a new one.
            entry.memory = Arc::default();
        }
        if entry.inside > max_waiting {
            return Err(Full::Queue);
        }
        entry.inside += 1;
        entry.touched = now;
        Ok(QueuePlace { calls: self, key, memory: entry.memory.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic while the lock is held leaves the map consistent.
        self.known.lock()
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
        let mut known = self.calls.lock();
        if let Some(entry) = known.calls.get_mut(&self.key) {
            entry.inside = entry.inside.saturating_sub(1);
            if entry.over && entry.inside == 0 {
                known.calls.remove(&self.key);
            }
        }
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
