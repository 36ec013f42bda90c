//! The connections on which no request runs, which a server closes if it needs their room.
//!
//! A peer that opens connections and sends nothing, or half a request, must not keep out the others. So
//! a server that is full, or whose process has no descriptor left, closes the connection that has been
//! without a request for longest. A platform whose idle connection is closed opens another one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::lock::Mutex;

/// The connections without a request, by how long they have had none.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: Mutex<BTreeMap<u64, Arc<Notify>>>,
    next: AtomicU64,
    added: Notify,
}

impl Room {
    /// Adds a connection, which `close` tells to close. Returns its place.
    pub(super) fn add(&self, close: &Arc<Notify>) -> u64 {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock().insert(place, close.clone());
        self.added.notify_one();
        place
    }

    /// Removes the connection at `place`.
    pub(super) fn remove(&self, place: u64) {
        self.waiting.lock().remove(&place);
    }

    /// Closes the connection that has been without a request for longest. Returns whether there is one.
    pub(super) fn make(&self) -> bool {
        match self.waiting.lock().pop_first() {
            Some((_, close)) => {
                close.notify_one();
                true
            }
            None => false,
        }
    }

    /// Waits until a connection is added.
    pub(super) async fn added(&self) {
        self.added.notified().await;
    }
}
