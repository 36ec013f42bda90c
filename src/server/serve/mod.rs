//! Serves a router on a socket, and shuts it down.

mod accept;
mod bodies;
mod connection;
mod limits;
mod probe;
mod probes;
mod progress;
mod room;
mod running;
mod signal;
#[cfg(test)]
mod tests;
mod unread;
mod watched;

use std::error::Error;
use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use accept::{Acceptor, Refusals};
use connection::{Door, connection};
use limits::Limits;
use probes::Probes;
use room::Room;
use running::Running;
use signal::Signals;

pub use limits::WhenFull;

/// How long a shutdown waits for a peer to read the rest of a response, and for the last packet of a turn that it
/// has cut.
const LINGER: Duration = Duration::from_secs(1);

/// The shutdown of what stands behind a router: called with the grace period, returns whether it cut
/// anything.
type Hook = Box<dyn FnOnce(Duration) -> BoxFuture<'static, bool> + Send>;
/// The start of what stands behind a router.
type Start = Box<dyn FnOnce() + Send>;

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
        limits: Limits::default(),
        starts: Vec::new(),
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
/// A connection that has sent no whole request is closed at the start of step 2, and does not count as cut.
///
/// # Limits
///
/// A peer may be slow, broken or hostile, so no connection is kept without a limit:
///
/// | What | Limit | Setting |
/// |---|---|---|
/// | the head of a request, however it trickles | 30 s, and 64 KiB | [`head_timeout`](Self::head_timeout) |
/// | the body of a request | 60 s, and 30 s from piece to piece | [`body_timeout`](Self::body_timeout), [`body_piece_timeout`](Self::body_piece_timeout) |
/// | a client that reads nothing of a response | 60 s | [`write_timeout`](Self::write_timeout) |
/// | a connection between two requests | 15 min | [`idle_timeout`](Self::idle_timeout) |
/// | connections | 10,000 | [`max_connections`](Self::max_connections), [`when_full`](Self::when_full) |
///
/// The time of a turn is limited by the settings of its platform and of the `bot::Host`.
///
/// A server that is full, or that has no descriptor left, first closes the connection that has been without a
/// request for longest. So peers that only hold connections don't keep out the others.
///
/// A client that closes its half of a connection after its request is answered. Whether it has closed
/// the whole connection instead only shows when the server writes. So the server then sends an
/// interim response (status 100) or, in an event stream, comments. A turn whose client is gone ends
/// within a round trip and about 20 ms.
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
    limits: Limits,
    starts: Vec<Start>,
    hooks: Vec<Hook>,
}

impl Serve {
    /// Returns a server that fails with `error` when it is awaited.
    #[cfg(feature = "bot")]
    pub(crate) fn refused(listener: TcpListener, error: io::Error) -> Self {
        Self { router: Err(error), ..serve(listener, Router::new()) }
    }

    /// Adds a start that runs before the first connection, and a shutdown that runs beside that of the
    /// connections.
    #[cfg(feature = "bot")]
    pub(crate) fn beside(mut self, start: Start, hook: Hook) -> Self {
        self.starts.push(start);
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

    /// Sets how long the head of a request may take, from its first byte to its last. On a new connection, it
    /// counts from the beginning of the connection. Default: 30 s.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.limits.head = timeout;
        self
    }

    /// Sets how long the body of a request may take, from the end of the head. A handler that reads a
    /// body which is late gets an error; the servers of callbot answer with status 408. Default: 60 s.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.limits.body = timeout;
        self
    }

    /// Sets how long the next piece of a body may take, as [`body_timeout`](Self::body_timeout) does for the
    /// whole. Default: 30 s.
    pub fn body_piece_timeout(mut self, timeout: Duration) -> Self {
        self.limits.body_piece = timeout;
        self
    }

    /// Sets how long a client may read nothing of what was written to it. Then the connection is
    /// closed and its turn ends. Default: 60 s.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.limits.write = timeout;
        self
    }

    /// Sets how long a connection is kept between two requests. Platforms and proxies keep pools of
    /// connections, and a request that is sent while the server closes its connection is lost. So
    /// this should be longer than their idle time. Default: 15 min.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = timeout;
        self
    }

    /// Sets how many connections there may be. Beyond that, the connection that has been without a request
    /// for longest is closed for a new one. If there is none, [`when_full`](Self::when_full) decides.
    /// Set it below the number of descriptors that the process may have (`ulimit -n`). At least 1. Default: 10,000.
    pub fn max_connections(mut self, max: usize) -> Self {
        self.limits.connections = max.max(1);
        self
    }

    /// Sets what happens to a new connection when a request runs on each of the
    /// [`max_connections`](Self::max_connections). Default: [`WhenFull::Refuse`].
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.limits.when_full = when_full;
        self
    }

    async fn run(self, installed: Option<Signals>) -> io::Result<()> {
        let Self { listener, router, signal, grace, drain_delay, probes, limits, starts, hooks } =
            self;
        let (limits, room) = (Arc::new(limits), Arc::new(Room::default()));
        let router = router?.with_state(());
        starts.into_iter().for_each(|start| start());
        let door = Door { router, probes, running: Running::default(), limits, room };
        let (close, closing) = watch::channel(false);
        let mut connections = JoinSet::new();

        let stop = async {
            let mut again = match signal {
                Some(signal) => {
                    signal.await;
                    None
                }
                None => {
                    let mut signals = installed.or_else(|| Some(Signals::install()));
                    signal::next(&mut signals).await;
                    signals
                }
            };
            tracing::info!("shutting down");
            door.probes.stop();
            if !drain_delay.is_zero() {
                tokio::select! {
                    () = sleep(drain_delay) => {}
                    () = signal::next(&mut again) => {}
                }
            }
            again
        };
        let mut stop = pin!(stop);
        let mut acceptor = Acceptor::new(listener);
        let mut refusals = Refusals::default();
        let mut next: Option<TcpStream> = None;
        let mut again = loop {
            tokio::select! {
                stream = acceptor.accept(&door.room), if next.is_none() => next = Some(stream),
                Some(_) = connections.join_next() => {}
                () = door.room.added(), if next.is_some() => {}
                again = &mut stop => break again,
            }
            if let Some(stream) = next.take() {
                if connections.len() < door.limits.connections || door.room.make() {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::warn!("TCP_NODELAY can't be set: {error}");
                    }
                    connections.spawn(connection(stream, door.clone(), closing.clone()));
                } else if door.limits.when_full == WhenFull::Wait {
                    next = Some(stream);
                } else {
                    refusals.add(stream);
                }
            }
        };
        drop((acceptor, refusals, next));
        _ = close.send(true);

        let cut = tokio::select! {
            cut = drain(&mut connections, &door.running, hooks, grace) => cut,
            () = signal::next(&mut again) => {
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
            // What has been written may still be on its way.
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

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        // Now, and not when the future is first polled: a signal that comes before must not kill the process.
        let in_runtime = tokio::runtime::Handle::try_current().is_ok();
        let signals = (self.signal.is_none() && in_runtime).then(Signals::install);
        self.run(signals).boxed()
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
            .field("limits", &self.limits)
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
