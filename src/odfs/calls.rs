//! The calls that are under way: one request at a time for each of them, and what the server has to
//! remember of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::CallTime;

/// What is remembered of a call, from its first request on.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pub caller: String,
    pub called: String,
    pub started: Option<CallTime>,
}

// The number of the caller is private.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// The calls of a server, by their ids.
#[derive(Debug)]
pub(super) struct Calls {
    known: Mutex<Known>,
    limits: Limits,
}

/// How many calls and requests there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub max_calls: usize,
    pub max_waiting: usize,
    pub idle_timeout: Duration,
}

#[derive(Debug)]
struct Known {
    calls: HashMap<String, Entry>,
    /// When calls that are long over were looked for last.
    swept: Instant,
}

#[derive(Debug)]
struct Entry {
    memory: Arc<tokio::sync::Mutex<Memory>>,
    /// Requests that are served or wait.
    inside: usize,
    touched: Instant,
    /// Whether the call is over: the last request that is inside takes the entry with it.
    over: bool,
}

/// Why a request may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many requests of this call wait already.
    Queue,
    /// There are as many calls as there may be.
    Calls,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 100_000, max_waiting: 4, idle_timeout: Duration::from_secs(30 * 60) }
    }
}

/// From one look for idle calls to the next, while there are as many calls as there may be.
const FULL: Duration = Duration::from_secs(1);

impl Calls {
    pub(super) fn new(limits: Limits) -> Self {
        let known = Known { calls: HashMap::new(), swept: Instant::now() };
        Self { known: Mutex::new(known), limits }
    }

    /// Waits for the turn of a request, in the order of arrival.
    pub(super) async fn enter(&self, id: &str) -> Result<Inside<'_>, Full> {
        let place = self.place(id)?;
        let memory = place.memory.clone().lock_owned().await;
        Ok(Inside { memory, place })
    }

    fn place(&self, id: &str) -> Result<QueuePlace<'_>, Full> {
        let now = Instant::now();
        let Limits { max_calls, max_waiting, idle_timeout } = self.limits;
        let mut known = self.lock();
        let Known { calls, swept } = &mut *known;
        let full = calls.len() >= max_calls && !calls.contains_key(id);
        // A server that is full looks more often, but not for every request that it refuses.
        let pause = if full { FULL.min(idle_timeout / 2) } else { idle_timeout / 2 };
        if now - *swept >= pause {
            *swept = now;
            calls.retain(|_, entry| entry.inside > 0 || now - entry.touched < idle_timeout);
        }
        if !calls.contains_key(id) && calls.len() >= max_calls {
            return Err(Full::Calls);
        }
        let entry = calls.entry(id.to_owned()).or_insert_with(|| Entry {
            memory: Arc::default(),
            inside: 0,
            touched: now,
            over: false,
        });
        if entry.inside == 0 && now - entry.touched >= idle_timeout {
            // The id of a call that is long over.
            entry.memory = Arc::default();
        }
        if entry.inside > max_waiting {
            return Err(Full::Queue);
        }
        entry.inside += 1;
        entry.touched = now;
        Ok(QueuePlace { calls: self, id: id.to_owned(), memory: entry.memory.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic under this lock leaves the map whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a request in the queue of its call. It is left when this is dropped, also by a
/// request whose client has gone.
#[derive(Debug)]
struct QueuePlace<'a> {
    calls: &'a Calls,
    id: String,
    memory: Arc<tokio::sync::Mutex<Memory>>,
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        let mut known = self.calls.lock();
        if let Some(entry) = known.calls.get_mut(&self.id) {
            entry.inside = entry.inside.saturating_sub(1);
            if entry.over && entry.inside == 0 {
                known.calls.remove(&self.id);
            }
        }
    }
}

/// A request whose turn it is.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    // Released before the place is left.
    pub memory: OwnedMutexGuard<Memory>,
    place: QueuePlace<'a>,
}

impl Inside<'_> {
    /// The call goes on, or begins anew.
    pub(super) fn keep(&self) {
        self.set_over(false);
    }

    /// The call is over: nothing of it is kept. Its entry goes with the last request that is in it.
    pub(super) fn forget(mut self) {
        *self.memory = Memory::default();
        self.set_over(true);
    }

    fn set_over(&self, over: bool) {
        if let Some(entry) = self.place.calls.lock().calls.get_mut(&self.place.id) {
            entry.over = over;
        }
    }
}
