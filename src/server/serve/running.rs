//! Counts the requests that run, so that a shutdown knows what it waits for and what it cuts.
//!
//! A request counts from the end of its body to the end of its response. One that has not arrived whole
//! does not count: nothing runs for it, and a peer that stalls must not make a shutdown look like a cut.

use std::sync::Arc;

use tokio::sync::watch;

/// The number of requests that run.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    count: Arc<watch::Sender<usize>>,
}

impl Running {
    /// Counts a request until the result is dropped.
    pub(super) fn request(&self) -> RunningRequest {
        self.count.send_modify(|count| *count += 1);
        RunningRequest { running: self.clone() }
    }

    /// Returns whether no request runs.
    pub(super) fn is_idle(&self) -> bool {
        *self.count.borrow() == 0
    }

    /// Waits until no request runs.
    pub(super) async fn until_idle(&self) {
        self.wait_for(|count| count == 0).await;
    }

    /// Waits until a request runs.
    pub(super) async fn until_busy(&self) {
        self.wait_for(|count| count > 0).await;
    }

    async fn wait_for(&self, mut reached: impl FnMut(usize) -> bool) {
        // The sender is in `self`, so that this can't fail.
        _ = self.count.subscribe().wait_for(|count| reached(*count)).await;
    }
}

/// A request that runs.
#[derive(Debug)]
pub(super) struct RunningRequest {
    running: Running,
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.running.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}
