//! The settings of a server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::MethodRouter;
use http::request::Parts;
use tokio::time::Instant;

use super::call::{Routes, observe_methods};
use super::content::{Privacy, Sampling};
use super::{Dates, Rules, Speaks};
use crate::clock::{Clock, SharedClock};
use crate::observe::{Observer, Observers};
use crate::wire::Operation;

/// The `Api` of a platform, with the settings to serve it.
///
/// Each platform's module has an alias of this type, named `Server`; see [the module](super) for a
/// table of all settings. Create one with [`new`](Self::new), set what you need, and turn it into
/// routes with [`router`](Self::router).
///
/// ```
/// # #[cfg(feature = "digital-employee")]
/// # fn routes<A: callbot::digital_employee::Api>(api: A) -> Result<axum::Router, callbot::server::PathError> {
/// use std::time::Duration;
///
/// use callbot::digital_employee::{Server, operations};
///
/// let server = Server::new(api)
///     .path(&operations::DIALOGUE, "/my-bot/dialogue")?
///     .body_limit(64 * 1024)
///     .deadline(Some(Duration::from_secs(30)))
///     .heartbeat(Duration::from_secs(10));
/// Ok(server.router())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Server<A, R> {
    pub(crate) api: A,
    pub(crate) rules: R,
    pub(crate) body_limit: usize,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) clock: SharedClock,
    pub(crate) sampling: Sampling,
    pub(crate) observers: Observers,
    pub(crate) privacy: Option<Privacy>,
    pub(crate) deadline: Option<Duration>,
    paths: HashMap<&'static str, String>,
}

impl<A, R: Rules + Default> Server<A, R> {
    /// Creates a server of `api` with the default settings.
    pub fn new(api: A) -> Self {
        Self {
            api,
            rules: R::default(),
            body_limit: 1024 * 1024,
            heartbeat: None,
            clock: SharedClock::default(),
            sampling: Sampling::None,
            observers: Observers::default(),
            privacy: None,
            deadline: R::DEADLINE,
            paths: HashMap::new(),
        }
    }
}

/// The settings that all servers share.
impl<A, R> Server<A, R> {
    /// Serves an operation at another path than that of the spec. All other spellings of its path,
    /// below every base, are then no longer served.
    ///
    /// # Errors
    /// If the path does not start with `/`, has a segment that a router would not match literally,
    /// or belongs to another operation of this server. Also if the operation has parameters in its
    /// path, or does not belong to this server.
    pub fn path(mut self, operation: &Operation, path: impl Into<String>) -> Result<Self, PathError>
    where
        R: Routes<A>,
    {
        let path = path.into();
        match self.own_path(operation, &path) {
            Ok(id) => {
                self.paths.insert(id, path);
                Ok(self)
            }
            Err(reason) => Err(PathError::new(operation, path, reason)),
        }
    }

    /// Returns the id of the operation if it can be served at `path`, else the reason why not.
    fn own_path(&self, operation: &Operation, path: &str) -> Result<&'static str, &'static str>
    where
        R: Routes<A>,
    {
        if operation.path.contains('{') {
            return Err("the operation has parameters in its path");
        }
        check_path(path)?;
        let Some(own) = R::OPERATIONS.iter().find(|own| own.id == operation.id) else {
            return Err("the operation does not belong to this server");
        };
        let mut others = R::OPERATIONS.iter().filter(|other| other.id != operation.id);
        if others.any(|other| self.paths_of(other).iter().any(|taken| taken == path)) {
            return Err("another operation is served at this path");
        }
        Ok(own.id)
    }

    /// Sets how long a handler may take, counted from the arrival of the request. After that the
    /// handler is dropped and the platform's failure response is sent. `None` sets no limit.
    /// Default: the platform's, as listed in the [table](crate::server#the-servers).
    #[must_use]
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the maximum size of a request body, in bytes. A larger request is refused as the
    /// platform refuses a bad request, with status 413 if its document leaves the status open.
    /// Default: 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sends a comment on an event stream whenever nothing was sent for `every`, so that a peer
    /// that vanished is noticed. Minimum: 1 ms. Maximum: 1 day. `None` sends none. Default: `None`; for
    /// the server of `Host::digital_employee` it is 10 s.
    ///
    /// Only servers whose platform expects event streams have this setting.
    #[must_use]
    pub fn heartbeat(mut self, every: impl Into<Option<Duration>>) -> Self
    where
        R: Speaks,
    {
        // A timer of zero would never let the handler run, and a very long one overflows.
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.heartbeat = every.into().map(|every| every.clamp(Duration::from_millis(1), DAY));
        self
    }

    /// Sets the clock for the times in responses. Default: the system clock.
    ///
    /// Only servers whose responses contain times have this setting.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self
    where
        R: Dates,
    {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Sets whether requests and responses are traced with their content. Default: `false`.
    ///
    /// They go to the target `callbot::content`, at level `TRACE`. **They are personal data**: what callers
    /// say, the keys they press and their phone numbers, but no secrets. So does a request that can't be
    /// read, with the reason and at most 4 KiB.
    ///
    /// A turn with a [secret input](crate::guide::controls#secret-inputs) of a `Bot` is never shown. If it
    /// can't be read, only its keys and the types of its values are.
    #[must_use]
    pub fn trace_content(mut self, on: bool) -> Self {
        self.sampling = if on { Sampling::All } else { Sampling::None };
        self
    }

    /// Traces the content of the requests for which `sample` returns `true`, and that of their responses, as
    /// [`trace_content`](Self::trace_content) does for all. `sample` gets the head of each request. Requests
    /// that can't be read are traced in any case. Default: none.
    ///
    /// ```
    /// # #[cfg(feature = "digital-employee")]
    /// # fn routes<A: callbot::digital_employee::Api>(api: A) -> axum::Router {
    /// # use callbot::axum;
    /// use callbot::digital_employee::Server;
    ///
    /// Server::new(api).trace_content_if(|head| head.headers.contains_key("x-debug")).router()
    /// # }
    /// ```
    #[must_use]
    pub fn trace_content_if(
        mut self,
        sample: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.sampling = Sampling::If(Arc::new(sample));
        self
    }

    /// Adds an observer, which gets an [event](crate::observe::Event::Refused) for each refused request. The
    /// server of a `Host` has those of the host, too. Call it again for more observers. Default: none.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
        self
    }

    /// Adds the observers of a host.
    #[cfg(feature = "bot")]
    // Only a bot on a platform has them.
    #[allow(dead_code)]
    pub(crate) fn observers(mut self, observers: &Observers) -> Self {
        self.observers.add_all(observers);
        self
    }

    /// Sets what decides which requests are never traced with their content.
    #[cfg(feature = "bot")]
    // Only a bot on a platform has secrets.
    #[allow(dead_code)]
    pub(crate) fn privacy(mut self, privacy: Privacy) -> Self {
        self.privacy = Some(privacy);
        self
    }

    /// Returns the routes: pass them to [`serve`](super::serve) or `axum::serve`, or merge them
    /// into your own router.
    pub fn router(self) -> Router
    where
        R: Routes<A>,
    {
        self.rules.mounted();
        R::routes(self)
    }

    /// Returns the deadline of the handler whose request arrived at `arrived`.
    pub(super) fn until(&self, arrived: Instant) -> Option<Instant> {
        // A deadline that overflows is none.
        arrived.checked_add(self.deadline?)
    }

    /// Returns the paths of an operation: the path that was set, or all spellings of its own path
    /// below every base and the further paths of its rules. Each is there once, since a base may end with
    /// the path itself.
    fn paths_of(&self, operation: &Operation) -> Vec<String>
    where
        R: Rules,
    {
        if let Some(path) = self.paths.get(operation.id) {
            return vec![path.clone()];
        }
        let bases = self.rules.bases(operation);
        let below = bases.iter().flat_map(|base| {
            let spellings = [operation.path].into_iter().chain(operation.spellings.iter().copied());
            spellings.map(move |path| format!("{base}{path}"))
        });
        let mut paths = Vec::new();
        for path in below.chain(self.rules.also_at(operation).iter().cloned()) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// Adds the routes of an operation to a router of this server.
    #[doc(hidden)]
    pub fn route(
        &self,
        router: Router<Arc<Self>>,
        operation: &'static Operation,
        handler: MethodRouter<Arc<Self>>,
    ) -> Router<Arc<Self>>
    where
        R: Rules,
        Self: Send + Sync + 'static,
    {
        let handler = match self.observers.is_empty() {
            true => handler,
            false => observe_methods::<R, _>(handler, self.observers.clone(), operation),
        };
        let paths = self.paths_of(operation);
        paths.iter().fold(router, |router, path| router.route(path, handler.clone()))
    }

    /// Returns a server with the same settings for another `Api` and other rules. For a platform
    /// that serves its own `Api` through the one compiled from its spec.
    #[doc(hidden)]
    pub fn map<B, S>(self, map: impl FnOnce(A, R) -> (B, S)) -> Server<B, S> {
        let (api, rules) = map(self.api, self.rules);
        Server {
            api,
            rules,
            body_limit: self.body_limit,
            heartbeat: self.heartbeat,
            clock: self.clock,
            sampling: self.sampling,
            observers: self.observers,
            privacy: self.privacy,
            deadline: self.deadline,
            paths: self.paths,
        }
    }

    /// Returns the rules, for a platform whose settings are part of them.
    #[doc(hidden)]
    pub fn rules_mut(&mut self) -> &mut R {
        &mut self.rules
    }
}

/// The error of an operation that can't be served at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    operation: &'static str,
    path: String,
    reason: &'static str,
}

impl PathError {
    pub(crate) fn new(operation: &Operation, path: String, reason: &'static str) -> Self {
        Self { operation: operation.id, path, reason }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, path, reason } = self;
        write!(f, "{operation} can't be served at {path:?}: {reason}")
    }
}

impl std::error::Error for PathError {}

/// Accepts only paths that every router and every client match literally.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("a path must start with `/`");
    };
    if rest.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err("a segment must not start with `:` or `*`");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@*/%".contains(c);
    if !rest.chars().all(plain) {
        return Err("it has a character that a path must escape");
    }
    Ok(())
}
