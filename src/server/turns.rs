//! The turns that are running, so that another request can stop one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The turns that are running, by the id of the call and of the turn.
///
/// The platform aborts a turn with a request of its own. A handler that may speak for long starts
/// its turn here and listens for [`aborted`](RunningTurn::aborted); the handler of the abort calls
/// [`abort`](Turns::abort).
///
/// ```
/// use callbot::server::Turns;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let turns = Turns::default();
/// let turn = turns.start("call-1", "turn-1");
/// let speak = async move {
///     tokio::select! {
///         () = std::future::pending() => "spoke to the end",
///         () = turn.aborted() => "was stopped",
///     }
/// };
/// let (outcome, stopped) = tokio::join!(speak, turns.abort("call-1", "turn-1"));
/// assert_eq!((outcome, stopped), ("was stopped", true));
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Turns {
    running: Arc<Mutex<HashMap<Key, watch::Sender<bool>>>>,
}

type Key = (String, String);

const ABORT_WAIT: Duration = Duration::from_secs(2);

impl Turns {
    /// Notes that a turn runs, until what it returns is dropped. A turn that runs under the same
    /// ids is aborted.
    #[must_use = "the turn counts as over when this is dropped"]
    pub fn start(&self, call: &str, turn: &str) -> RunningTurn {
        let key = (call.to_owned(), turn.to_owned());
        let (stop, stopped) = watch::channel(false);
        if let Some(former) = self.lock().insert(key.clone(), stop) {
            former.send_replace(true);
        }
        RunningTurn { turns: self.clone(), key, stopped }
    }

    /// Aborts a turn, and waits until its handler has let go of it, but 2 s at most: no packet of
    /// the handler leaves after the one in flight. Returns whether there was such a turn.
    pub async fn abort(&self, call: &str, turn: &str) -> bool {
        let key = (call.to_owned(), turn.to_owned());
        let Some(stop) = self.lock().get(&key).cloned() else { return false };
        stop.send_replace(true);
        // A handler whose line is stuck can't run, and must not hold up the abort.
        let _ = tokio::time::timeout(ABORT_WAIT, stop.closed()).await;
        true
    }

    /// How many turns are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<bool>>> {
        // A panic under this lock leaves the map whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn that is running; see [`Turns::start`].
#[derive(Debug)]
pub struct RunningTurn {
    turns: Turns,
    key: Key,
    stopped: watch::Receiver<bool>,
}

impl RunningTurn {
    /// Waits until the turn is aborted; for ever, if it is not.
    pub async fn aborted(&self) {
        // The sender lives in the map as long as this does, or has said `true` before it went.
        let _ = self.stopped.clone().wait_for(|stopped| *stopped).await;
    }
}

impl Drop for RunningTurn {
    fn drop(&mut self) {
        let mut running = self.turns.lock();
        // A newer turn under the same ids has an entry of its own.
        if running.get(&self.key).is_some_and(|stop| is_of(stop, &self.stopped)) {
            running.remove(&self.key);
        }
    }
}

fn is_of(stop: &watch::Sender<bool>, stopped: &watch::Receiver<bool>) -> bool {
    stop.subscribe().same_channel(stopped)
}
