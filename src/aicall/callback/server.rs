//! The server of callbacks, which answers before the handler runs.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use http::request::Parts;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::generated::{NotifyParameters, WireApi, operations};
use super::{Notification, WireRules};
use crate::codegen::Routes;
use crate::server::{self, Error, Fault};
use crate::wire::{Operation, Printable, Secret};

/// Receives the notifications of agents.
///
/// Serve it with [`router`], or with [`Server`] to change the settings. [The module](super) has an
/// example.
pub trait Api: Send + Sync + 'static {
    /// Called for each notification, after it has been answered.
    ///
    /// An error is traced. It does not reach the platform.
    fn notified(
        &self,
        notification: Notification,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Serves an [`Api`] with the settings of [`server::Server`].
///
/// The platform's own settings are [`token`](server::Server::token) and
/// [`max_running`](server::Server::max_running). The `deadline` is that of the handler, which runs after
/// the answer. It has no `heartbeat`, since no response is a stream.
pub type Server<A> = server::Server<A, Rules>;

/// Returns the routes of `api` with the default settings; [`Server`] changes them. Every notification
/// is accepted.
pub fn router<A: Api>(api: A) -> axum::Router {
    Server::new(api).router()
}

/// The settings that only this platform has.
#[derive(Debug, Clone)]
pub struct Rules {
    wire: WireRules,
    max_running: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { wire: WireRules::default(), max_running: 1024 }
    }
}

impl<A> server::Server<A, Rules> {
    /// Accepts only notifications with `token` in `Authorization`, with or without `Bearer ` before it.
    ///
    /// Others get HTTP status 401. Call it once for each token that is accepted, for example while one
    /// replaces another. An empty token matches nothing. Default: every notification is accepted,
    /// and a warning is logged when the routes are made.
    #[must_use]
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.rules_mut().wire.add(token.into());
        self
    }

    /// Sets how many handlers may run at the same time, at least 1.
    ///
    /// Further notifications get HTTP status 503. Default: 1024.
    #[must_use]
    pub fn max_running(mut self, handlers: usize) -> Self {
        self.rules_mut().max_running = handlers.clamp(1, Semaphore::MAX_PERMITS);
        self
    }
}

/// All rules of the wire are those of [`WireRules`].
impl server::Rules for Rules {
    type Echo = ();

    fn platform(_: &Operation) -> &'static str {
        "aicall"
    }

    const DEADLINE: Option<Duration> = Some(Duration::from_secs(30));

    fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
        self.wire.admit(head)
    }

    fn salvage(&self, _: &[u8]) {}

    fn refuse(&self, operation: &Operation, (): (), fault: &Fault) -> (StatusCode, String) {
        self.wire.refuse(operation, (), fault)
    }
}

impl<A: Api> Routes<A> for Rules {
    const OPERATIONS: &'static [&'static Operation] =
        <WireRules as Routes<Detached<A>>>::OPERATIONS;

    fn routes(server: Server<A>) -> axum::Router {
        let deadline = server.deadline;
        server
            .map(|api, rules| (Detached::new(api, deadline, rules.max_running), rules.wire))
            .router()
    }
}

/// Answers each notification, and runs its handler in a task.
struct Detached<A> {
    api: Arc<A>,
    deadline: Option<Duration>,
    room: Arc<Semaphore>,
    max_running: usize,
}

impl<A> Detached<A> {
    fn new(api: A, deadline: Option<Duration>, max_running: usize) -> Self {
        let room = Arc::new(Semaphore::new(max_running));
        Self { api: Arc::new(api), deadline, room, max_running }
    }
}

impl<A> fmt::Debug for Detached<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").field("max_running", &self.max_running).finish_non_exhaustive()
    }
}

impl<A: Api> WireApi for Detached<A> {
    async fn notify(&self, _: NotifyParameters, notification: Notification) -> Result<(), Error> {
        let Ok(permit) = self.room.clone().try_acquire_owned() else {
            let message =
                format!("too many notifications are being handled ({})", self.max_running);
            return Err(Error::public(message).status(503));
        };
        let (api, deadline) = (self.api.clone(), self.deadline);
        // Not in this request: the platform may disconnect, and its time for an answer is not known.
        tokio::spawn(async move {
            handle(&*api, deadline, notification).await;
            drop(permit);
        });
        Ok(())
    }
}

/// Runs a handler, and traces why it failed.
async fn handle(api: &impl Api, deadline: Option<Duration>, notification: Notification) {
    let event = Printable::cut(&notification.event_name).to_string();
    let operation = operations::NOTIFY.id;
    let handler = AssertUnwindSafe(api.notified(notification)).catch_unwind();
    let ended = match deadline {
        Some(limit) => match timeout(limit, handler).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::error!(
                    operation,
                    event,
                    "the handler missed the deadline of the server, {limit:?} after its start; \
                     `Server::deadline` sets another"
                );
                return;
            }
        },
        None => handler.await,
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = error.to_string();
            tracing::error!(operation, event, "the handler failed: {}", Printable::whole(&error));
        }
        Err(_) => tracing::error!(operation, event, "the handler panicked"),
    }
}
