//! The running turns, so that another request can stop one.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::lock::Mutex;

/// The running turns, by the ids of their call and turn.
///
/// The platform aborts a turn with a separate request. A handler that may speak for a long time
/// starts its turn here and waits for [`aborted`](RunningTurn::aborted). The handler of the abort
/// calls [`abort`](Turns::abort). Only turns of this process are found: with several instances, all requests of
/// a call have to reach the same one.
///
/// ```
/// use callbot::server::Turns;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let turns = Turns::default();
/// let turn = turns.start("call-1", "turn-1");
/// let speak = async move {
///     tokio::select! {
///         () = std::future::pending() => "finished",
///         () = turn.aborted() => "aborted",
///     }
/// };
/// let (outcome, found) = tokio::join!(speak, turns.abort("call-1", "turn-1"));
/// assert_eq!((outcome, found), ("aborted", true));
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Turns {
    running: Arc<Mutex<HashMap<Key, watch::Sender<bool>>>>,
}

type Key = (String, String);

const ABORT_WAIT: Duration = Duration::from_secs(2);

impl Turns {
    /// Registers a turn as running until the returned [`RunningTurn`] is dropped. Aborts a turn
    /// that runs under the same ids.
    #[must_use = "the turn counts as over when this is dropped"]
    pub fn start(&self, call: &str, turn: &str) -> RunningTurn {
        let key = (call.to_owned(), turn.to_owned());
        let (stop, stopped) = watch::channel(false);
        if let Some(former) = self.lock().insert(key.clone(), stop) {
            former.send_replace(true);
        }
        RunningTurn { turns: self.clone(), key, stopped }
    }

    /// Aborts a turn and waits until its handler has dropped the [`RunningTurn`], but at most 2 s.
    /// The handler then sends no packet after the one in flight. Returns whether such a turn was
    /// running.
    pub async fn abort(&self, call: &str, turn: &str) -> bool {
        let key = (call.to_owned(), turn.to_owned());
        let Some(stop) = self.lock().get(&key).cloned() else { return false };
        stop.send_replace(true);
        // A handler that waits for a stuck peer can't run, and must not hold up the abort.
        let _ = tokio::time::timeout(ABORT_WAIT, stop.closed()).await;
        true
    }

    /// Returns the number of running turns.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<bool>>> {
        // A panic under this lock leaves the map consistent.
        self.running.lock()
    }
}

/// A running turn; see [`Turns::start`].
#[derive(Debug)]
pub struct RunningTurn {
    turns: Turns,
    key: Key,
    stopped: watch::Receiver<bool>,
}

impl RunningTurn {
    /// Waits until the turn is aborted. Never returns if it is not.
    pub async fn aborted(&self) {
        // The sender is in the map as long as this turn is, or has sent `true` before it was
        // removed.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        let mut running = self.turns.lock();
        // A newer turn under the same ids has another entry.
        if running.get(&self.key).is_some_and(|stop| is_of(stop, &self.stopped)) {
            running.remove(&self.key);
        }
    }
}

fn is_of(stop: &watch::Sender<bool>, stopped: &watch::Receiver<bool>) -> bool {
    stop.subscribe().same_channel(stopped)
}
