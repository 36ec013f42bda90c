//! The observers of a host, a server or a client.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Event, Observer};

/// The observers of a host, a server or a client. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.0.push(Arc::new(observer));
    }

    /// Adds the observers of a host, say, to those of its server.
    #[allow(dead_code, reason = "only servers of a bot have the observers of another one")]
    pub(crate) fn add_all(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    /// Returns whether there are no observers, so that nothing needs to be measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes an event to all observers. A panic of one of them is logged and goes no further: neither a turn
    /// nor the other observers must suffer from it.
    ///
    /// Call it without a lock: an observer runs foreign code.
    pub(crate) fn emit(&self, event: &Event<'_>) {
        for observer in &self.0 {
            if catch_unwind(AssertUnwindSafe(|| observer.observe(event))).is_err() {
                tracing::error!(event = event.name(), "an observer panicked");
            }
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}
