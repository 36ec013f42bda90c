//! Waits for messages about calls.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::bot::hash::HashMap;
use crate::bot::input::CallKey;
use crate::bot::store::Signal;
use crate::lock::Mutex;

/// Those who wait in this process for messages about a call.
#[derive(Clone, Default)]
pub(super) struct Waits(Arc<Mutex<HashMap<CallKey, Vec<Arc<Messages>>>>>);

/// The messages about a call. A message that comes before it is waited for is kept.
#[derive(Default)]
struct Messages {
    free: Notify,
    left: Notify,
}

/// Gets the messages about a call until it is dropped.
pub(super) struct Waiter {
    waits: Waits,
    call: CallKey,
    messages: Arc<Messages>,
}

impl Waits {
    pub(super) fn register(&self, call: &CallKey) -> Waiter {
        let messages = Arc::<Messages>::default();
        self.0.lock().entry(call.clone()).or_default().push(messages.clone());
        Waiter { waits: self.clone(), call: call.clone(), messages }
    }

    /// Passes a message on to those who wait for it.
    pub(super) fn tell(&self, signal: &Signal) {
        let waits = self.0.lock();
        let of = |call| waits.get(call).into_iter().flatten();
        match signal {
            Signal::Free(call) => of(call).for_each(|messages| messages.free.notify_one()),
            // A turn that has left a call has freed it, too.
            Signal::Left(call) => of(call).for_each(|messages| {
                messages.left.notify_one();
                messages.free.notify_one();
            }),
            // Each of them has to look again.
            Signal::Lost => {
                waits.values().flatten().for_each(|messages| messages.free.notify_one());
            }
            Signal::Stop(_) => {}
        }
    }
}

impl Waiter {
    /// Waits until the call may be free.
    pub(super) async fn free(&self) {
        self.messages.free.notified().await;
    }

    /// Waits until a turn has left the call.
    pub(super) async fn left(&self) {
        self.messages.left.notified().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waits = self.waits.0.lock();
        if let Some(waiting) = waits.get_mut(&self.call) {
            waiting.retain(|other| !Arc::ptr_eq(other, &self.messages));
            if waiting.is_empty() {
                waits.remove(&self.call);
            }
        }
    }
}
