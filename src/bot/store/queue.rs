//! The order in which the openings of a call reach the store.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use crate::bot::hash::HashMap;
use crate::bot::input::CallKey;
use crate::lock::Mutex;

/// Sends the openings of one call one after the other.
///
/// A store elsewhere may carry out an opening late, for example because it had to connect again. If the turn
/// was cut in the meantime, its opening goes on. It must not reach the store after that of the next turn: it
/// would take the call from that turn, and then give it back, so that neither of them is answered.
#[derive(Default)]
pub(super) struct Queue(Mutex<HashMap<CallKey, Openings>>);

/// The openings of one call that wait or run.
#[derive(Default)]
struct Openings {
    count: usize,
    /// Locked by the one that runs.
    running: Arc<tokio::sync::Mutex<()>>,
}

/// The place of an opening, which the next one waits for until this is dropped.
pub(in crate::bot) struct Place {
    queue: Arc<Queue>,
    call: CallKey,
    running: Option<OwnedMutexGuard<()>>,
}

impl Queue {
    /// Waits for the openings of this call that came before, but no longer than `within` returns: one of them
    /// may hang.
    pub(super) async fn enter(
        self: &Arc<Self>,
        call: &CallKey,
        within: impl FnOnce() -> Duration,
    ) -> Place {
        let running = self.join(call);
        // From here on, this opening leaves the queue when it is dropped.
        let mut place = Place { queue: self.clone(), call: call.clone(), running: None };
        place.running = match running.clone().try_lock_owned() {
            Ok(first) => Some(first),
            Err(_) => match timeout(within(), running.clone().lock_owned()).await {
                Ok(next) => Some(next),
                Err(_) => self.leave_behind(call, &running),
            },
        };
        place
    }

    /// Counts one more opening of this call. Returns the lock of the one that runs.
    fn join(&self, call: &CallKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut queue = self.0.lock();
        let openings = queue.entry(call.clone()).or_default();
        openings.count += 1;
        openings.running.clone()
    }

    /// Goes on without the openings that use this lock, and so do those that come later.
    fn leave_behind(
        &self,
        call: &CallKey,
        hanging: &Arc<tokio::sync::Mutex<()>>,
    ) -> Option<OwnedMutexGuard<()>> {
        let mut queue = self.0.lock();
        let openings = queue.get_mut(call)?;
        if Arc::ptr_eq(&openings.running, hanging) {
            openings.running = Arc::default();
        }
        openings.running.clone().try_lock_owned().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running = None;
        let mut queue = self.queue.0.lock();
        if let Entry::Occupied(mut openings) = queue.entry(self.call.clone()) {
            openings.get_mut().count -= 1;
            if openings.get().count == 0 {
                openings.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::bot::capabilities::Platform;

    const LONG: fn() -> Duration = || Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_openings_of_one_call_enter_one_after_the_other() {
        let queue = Arc::<Queue>::default();
        let (call, other) = (CallKey::new(Platform::Duix, "c"), CallKey::new(Platform::Duix, "d"));
        let first = queue.enter(&call, LONG).await;
        assert!(queue.enter(&other, LONG).now_or_never().is_some());
        let mut dropped = Box::pin(queue.enter(&call, LONG));
        assert!(dropped.as_mut().now_or_never().is_none());
        let mut second = Box::pin(queue.enter(&call, LONG));
        assert!(second.as_mut().now_or_never().is_none());
        drop(dropped);
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        drop(second.now_or_never().unwrap());
        assert!(queue.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_opening_that_hangs_is_left_behind_once() {
        let queue = Arc::<Queue>::default();
        let call = CallKey::new(Platform::Duix, "c");
        let hanging = queue.enter(&call, LONG).await;
        let late = [queue.enter(&call, LONG), queue.enter(&call, LONG)];
        let late = futures_util::future::join_all(late).await;
        assert!(queue.enter(&call, LONG).now_or_never().is_none());
        drop(late);
        assert!(queue.enter(&call, LONG).now_or_never().is_some());
        drop(hanging);
        assert!(queue.0.lock().is_empty());
    }
}
