//! Serves a router on a socket, and shuts it down.

mod probes;
mod running;
mod signal;

use std::convert::Infallible;
use std::error::Error;
use std::future::{IntoFuture, pending};
use std::pin::pin;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use axum::body::Body;
use axum::serve::Listener;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};
use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use probes::Probes;
use running::{RequestBody, ResponseBody, Running};

/// How long a connection on which no request runs may take to send the rest of a response, or to
/// complete a request that it has begun, before a shutdown closes it.
const LINGER: Duration = Duration::from_secs(1);

/// The shutdown of what stands behind a router: called with the grace period, returns whether it cut
/// anything.
type Hook = Box<dyn FnOnce(Duration) -> BoxFuture<'static, bool> + Send>;

/// Serves `router` on `listener` until SIGTERM or Ctrl-C, and then shuts down gracefully; see
/// [`Serve`] for the settings. Nagle's algorithm is off, so that packets leave immediately.
///
/// # Errors
/// Returns a [`CutError`] if requests were still running at the end of the grace period. A `main` that returns it
/// exits with status 1.
///
/// ```no_run
/// # #[cfg(feature = "digital-employee")]
/// # async fn run<A: callbot::digital_employee::Api>(api: A) -> std::io::Result<()> {
/// use callbot::digital_employee::Server;
/// use callbot::server::serve;
/// use tokio::net::TcpListener;
///
/// let listener = TcpListener::bind("0.0.0.0:9000").await?;
/// serve(listener, Server::new(api).router()).await
/// # }
/// ```
pub fn serve(listener: TcpListener, router: Router) -> Serve {
    Serve {
        listener,
        router: Ok(router),
        signal: None,
        grace: Duration::from_secs(30),
        drain_delay: Duration::ZERO,
        probes: Probes::default(),
        hooks: Vec::new(),
    }
}

/// A router on a socket, with the settings of its shutdown; see [`serve`] and `bot::Host::serve`. It serves
/// when you `.await` it.
///
/// # Shutdown
///
/// 1. SIGTERM or Ctrl-C arrives, or your [`signal`](Self::signal) completes. The readiness route answers
///    with status 503. Everything else is served as before, for the [`drain_delay`](Self::drain_delay).
/// 2. The listener and the idle connections close. Running requests have the [`grace`](Self::grace) period
///    to finish. Beside them, each [host](Self::host) shuts down: it refuses new turns, cuts the
///    turns that do not finish in three quarters of the period, and ends its calls, so that the bot hears of it.
/// 3. What still runs is cut.
///
/// Another SIGTERM or Ctrl-C ends the drain delay or the grace period immediately. If you drop the future,
/// everything is cut immediately, and hosts are not shut down.
///
/// A connection on which no request runs, such as one that sent half a request, is closed after 1 s of step 2.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use std::time::Duration;
///
/// use callbot::server::serve;
/// use tokio::sync::oneshot;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let (stop, stopped) = oneshot::channel::<()>();
/// let server = serve(listener, axum::Router::new())
///     .signal(async { _ = stopped.await })
///     .grace(Duration::from_secs(10))
///     .liveness(None);
/// let server = tokio::spawn(server.into_future());
/// stop.send(()).unwrap();
/// server.await.unwrap()
/// # }
/// ```
#[must_use = "it serves when it is awaited"]
pub struct Serve {
    listener: TcpListener,
    router: io::Result<Router>,
    signal: Option<BoxFuture<'static, ()>>,
    grace: Duration,
    drain_delay: Duration,
    probes: Probes,
    hooks: Vec<Hook>,
}

impl Serve {
    /// Returns a server that fails with `error` when it is awaited.
    #[cfg(feature = "bot")]
    pub(crate) fn refused(listener: TcpListener, error: io::Error) -> Self {
        Self { router: Err(error), ..serve(listener, Router::new()) }
    }

    /// Adds a shutdown that runs beside that of the connections.
    #[cfg(feature = "bot")]
    pub(crate) fn beside(mut self, hook: Hook) -> Self {
        self.hooks.push(hook);
        self
    }

    /// Sets what begins the shutdown, in place of SIGTERM and Ctrl-C. To serve until the future is dropped,
    /// set [`std::future::pending()`].
    pub fn signal(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Some(signal.boxed());
        self
    }

    /// Sets how long running requests may take to finish in a shutdown. It includes the time in which
    /// bots hear of the end of their calls. Keep it below the time after which your orchestrator kills the
    /// process: Kubernetes does so 30 s after SIGTERM by default. Default: 30 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how long a shutdown goes on serving new requests while the readiness route answers with
    /// status 503. A load balancer that probes it needs that long to send its requests elsewhere. Default: 0 s.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Sets the path of the readiness route, or `None` for no such route. It answers `GET` with
    /// status 200, and in a shutdown with 503. It hides a route of your router at the same path, and no layer
    /// of your router applies to it. Default: `/readyz`.
    pub fn readiness<'a>(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.probes.readiness = path.into().map(str::to_owned);
        self
    }

    /// Sets the path of the liveness route, or `None` for no such route. It answers `GET` with status
    /// 200. It hides a route of your router at the same path, and no layer of your router applies to it.
    /// Default: `/healthz`.
    pub fn liveness<'a>(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.probes.liveness = path.into().map(str::to_owned);
        self
    }

    async fn run(self) -> io::Result<()> {
        let Self { mut listener, router, signal, grace, drain_delay, probes, hooks } = self;
        let door = Door { router: router?.with_state(()), probes, running: Running::default() };
        let (close, closing) = watch::channel(false);
        let mut connections = JoinSet::new();

        let has_signal = signal.is_some();
        let again =
            || async move { if has_signal { pending().await } else { signal::terminated().await } };
        let stop = async {
            signal.unwrap_or_else(|| signal::terminated().boxed()).await;
            tracing::info!("shutting down");
            door.probes.stop();
            if !drain_delay.is_zero() {
                tokio::select! {
                    () = sleep(drain_delay) => {}
                    () = again() => {}
                }
            }
        };
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                // From axum: it waits and tries again where the process has no descriptor left.
                (stream, _) = Listener::accept(&mut listener) => {
                    connections.spawn(connection(stream, door.clone(), closing.clone()));
                }
                Some(_) = connections.join_next() => {}
                () = &mut stop => break,
            }
        }
        drop(listener);
        _ = close.send(true);

        let cut = tokio::select! {
            cut = drain(&mut connections, &door.running, hooks, grace) => cut,
            () = again() => {
                tracing::warn!("a second signal ends the grace period");
                !door.running.is_idle()
            }
        };
        connections.shutdown().await;
        if cut { Err(io::Error::new(io::ErrorKind::TimedOut, CutError { grace })) } else { Ok(()) }
    }
}

/// Waits for the end of the connections and of `hooks`. Returns whether requests were cut.
async fn drain(
    connections: &mut JoinSet<()>,
    running: &Running,
    hooks: Vec<Hook>,
    grace: Duration,
) -> bool {
    let has_hooks = !hooks.is_empty();
    let hooks = join_all(hooks.into_iter().map(|hook| hook(grace)));
    let closed = async { while connections.join_next().await.is_some() {} };
    let quiet = async {
        loop {
            running.until_idle().await;
            // What has been written may still be on its way, and a request may be complete by now.
            if timeout(LINGER, running.until_busy()).await.is_err() {
                return;
            }
        }
    };
    let finished = async {
        tokio::select! {
            () = closed => {}
            () = quiet => {}
        }
    };
    let mut finished = pin!(finished);
    let (in_time, cuts) = join(timeout(grace, finished.as_mut()), hooks).await;
    if in_time.is_err() && has_hooks {
        // A turn that was cut has its last packet yet to send.
        _ = timeout(LINGER, finished).await;
    }
    cuts.contains(&true) || !running.is_idle()
}

/// What every connection serves.
#[derive(Clone)]
struct Door {
    router: Router,
    probes: Probes,
    running: Running,
}

impl Door {
    async fn answer(mut self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        if let Some(response) = self.probes.answer(&request) {
            return Ok(response);
        }
        let running = self.running.request();
        if request.body().is_end_stream() {
            running.whole();
        }
        let request = request.map(|body| RequestBody { body, request: running.clone() });
        let response = self.router.call(request).await?;
        Ok(response.map(|body| Body::new(ResponseBody { body, _request: running })))
    }
}

/// Serves a connection, until `closing` is true and what runs on it has ended.
async fn connection(stream: TcpStream, door: Door, mut closing: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!("TCP_NODELAY can't be set: {error}");
    }
    let service = service_fn(|request| door.clone().answer(request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    let closing = async {
        // An error says that the server is gone, which drops this task.
        _ = closing.wait_for(|closing| *closing).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!("connection ended: {error}");
    }
}

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listener", &self.listener)
            .field("grace", &self.grace)
            .field("drain_delay", &self.drain_delay)
            .field("readiness", &self.probes.readiness)
            .field("liveness", &self.probes.liveness)
            .finish_non_exhaustive()
    }
}

/// Requests were still running at the end of the grace period, and were cut. [`serve`] returns it inside
/// an [`io::Error`].
///
/// ```
/// use callbot::server::CutError;
///
/// fn was_cut(served: &std::io::Result<()>) -> bool {
///     let inner = served.as_ref().err().and_then(|error| error.get_ref());
///     inner.is_some_and(|inner| inner.is::<CutError>())
/// }
/// assert!(!was_cut(&Ok(())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutError {
    /// The grace period.
    pub grace: Duration,
}

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "requests were cut: they did not finish in the grace period of {:?}", self.grace)
    }
}

impl Error for CutError {}
