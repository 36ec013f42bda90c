//! The settings of a server.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::call::Routes;
use crate::clock::{Clock, SharedClock};

/// A bot, the rules of its platform, and the settings to serve it with.
#[derive(Debug, Clone)]
pub struct Server<A, R> {
    pub(crate) api: A,
    pub(crate) rules: R,
    pub(crate) body_limit: usize,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) clock: SharedClock,
    pub(crate) trace_content: bool,
}

impl<A, R: Default> Server<A, R> {
    /// Serves `api` with the default settings.
    pub fn new(api: A) -> Self {
        Self {
            api,
            rules: R::default(),
            body_limit: 1024 * 1024,
            heartbeat: None,
            clock: SharedClock::default(),
            trace_content: false,
        }
    }
}

impl<A, R> Server<A, R> {
    /// The largest request body, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sends a comment on an event stream whenever nothing was sent for this long, so that a peer
    /// that is gone without a word is noticed. At least 1 ms, at most a day. Default: never.
    #[must_use]
    pub fn heartbeat(mut self, every: Duration) -> Self {
        // A timer of zero would never let the handler run, and one beyond all time overflows.
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.heartbeat = Some(every.clamp(Duration::from_millis(1), DAY));
        self
    }

    /// The clock that packets are dated by. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Whether requests and packets are traced with their content, at level `TRACE`: what callers
    /// say, the keys they press and their numbers. Default: no.
    #[must_use]
    pub fn trace_content(mut self, on: bool) -> Self {
        self.trace_content = on;
        self
    }

    /// The settings of the platform.
    pub fn rules_mut(&mut self) -> &mut R {
        &mut self.rules
    }

    /// The routes, to be served by [`serve`](super::serve), by `axum::serve`, or within a router of
    /// one's own.
    pub fn router(self) -> Router
    where
        R: Routes<A>,
    {
        R::routes(Arc::new(self))
    }
}
