//! The settings of a server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::MethodRouter;
use tokio::time::Instant;

use super::Rules;
use super::call::Routes;
use crate::clock::{Clock, SharedClock};
use crate::wire::Operation;

/// A bot, the rules of its platform, and the settings to serve it with.
#[derive(Debug, Clone)]
pub struct Server<A, R> {
    pub(crate) api: A,
    pub(crate) rules: R,
    pub(crate) body_limit: usize,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) clock: SharedClock,
    pub(crate) trace_content: bool,
    pub(crate) deadline: Option<Duration>,
    paths: HashMap<&'static str, String>,
}

impl<A, R: Rules + Default> Server<A, R> {
    /// Serves `api` with the default settings.
    pub fn new(api: A) -> Self {
        Self {
            api,
            rules: R::default(),
            body_limit: 1024 * 1024,
            heartbeat: None,
            clock: SharedClock::default(),
            trace_content: false,
            deadline: R::DEADLINE,
            paths: HashMap::new(),
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

    /// The clock that packets are dated by, where a platform dates them. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Whether requests and packets are traced with their content, at level `TRACE`: what callers
    /// say, the keys they press and their numbers, but no secrets. Default: no.
    #[must_use]
    pub fn trace_content(mut self, on: bool) -> Self {
        self.trace_content = on;
        self
    }

    /// How long a handler may take, from the arrival of the request. Past it the handler is dropped
    /// and the platform's failure answer goes out. Default: none for Digital Employee, 20 s for DUIX
    /// as its document has it, 30 s for ODFS and the AUI Kits app server, of which no document says
    /// anything.
    #[must_use]
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Serves an operation at another path than that of the spec.
    ///
    /// # Errors
    /// When the path does not begin with `/`, has a segment that a router would take for more than
    /// text, or is taken, or when the operation has parameters in its path.
    pub fn path(mut self, operation: &Operation, path: &str) -> Result<Self, PathError>
    where
        R: Routes<A>,
    {
        if operation.path.contains('{') {
            return Err(PathError("the operation has parameters in its path"));
        }
        check_path(path)?;
        let others = R::OPERATIONS.iter().filter(|other| other.id != operation.id);
        let Some(own) = R::OPERATIONS.iter().find(|own| own.id == operation.id) else {
            return Err(PathError("the operation is not one of this server"));
        };
        if others.into_iter().any(|other| self.paths_of(other).iter().any(|taken| taken == path)) {
            return Err(PathError("another operation has this path"));
        }
        self.paths.insert(own.id, path.into());
        Ok(self)
    }

    /// When the handler of a request that arrived then must have ended.
    pub(super) fn until(&self, arrived: Instant) -> Option<Instant> {
        // Beyond all time is no deadline.
        arrived.checked_add(self.deadline?)
    }

    /// Where an operation is served: at the path that was set, or at every spelling of its own below
    /// every base.
    fn paths_of(&self, operation: &Operation) -> Vec<String>
    where
        R: Rules,
    {
        if let Some(path) = self.paths.get(operation.id) {
            return vec![path.clone()];
        }
        let own = self.rules.base();
        let bases: &[&str] = if operation.bases.is_empty() { &[""] } else { operation.bases };
        let bases = bases.iter().filter(|base| own.is_none_or(|own| own == **base));
        let paths = bases.flat_map(|base| {
            let spellings = [operation.path].into_iter().chain(operation.spellings.iter().copied());
            spellings.map(move |path| format!("{base}{path}"))
        });
        paths.collect()
    }

    /// Adds the routes of an operation to a router of this server.
    #[doc(hidden)]
    pub fn route(
        &self,
        router: Router<Arc<Self>>,
        operation: &Operation,
        handler: MethodRouter<Arc<Self>>,
    ) -> Router<Arc<Self>>
    where
        R: Rules,
        Self: Send + Sync + 'static,
    {
        let paths = self.paths_of(operation);
        paths.iter().fold(router, |router, path| router.route(path, handler.clone()))
    }

    /// The same settings for another bot.
    #[cfg(feature = "aui")]
    pub(crate) fn with_api<B>(&self, api: B) -> Server<B, R>
    where
        R: Clone,
    {
        Server {
            api,
            rules: self.rules.clone(),
            body_limit: self.body_limit,
            heartbeat: self.heartbeat,
            clock: self.clock.clone(),
            trace_content: self.trace_content,
            deadline: self.deadline,
            paths: self.paths.clone(),
        }
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

/// Why an operation can't be served at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError(&'static str);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a path for this operation: {}", self.0)
    }
}

impl std::error::Error for PathError {}

/// Only what every router and every client take for plain text.
fn check_path(path: &str) -> Result<(), PathError> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(PathError("it does not begin with `/`"));
    };
    if rest.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err(PathError("a segment begins with `:` or `*`"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@*/%".contains(c);
    if !rest.chars().all(plain) {
        return Err(PathError("it has a character that does not go into a path as it is"));
    }
    Ok(())
}
