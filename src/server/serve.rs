//! Serves a router on a socket.

use std::future::{IntoFuture, pending};
use std::{fmt, io};

use axum::Router;
use axum::serve::ListenerExt;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

/// Serves `router` on `listener` until the process ends. Nagle's algorithm is off, so that packets
/// leave immediately. To stop, use [`Serve::with_graceful_shutdown`].
///
/// # Errors
/// If the socket fails.
///
/// ```no_run
/// # #[cfg(feature = "digital-employee")]
/// # async fn run<A: callbot::digital_employee::Api>(api: A) -> std::io::Result<()> {
/// use callbot::digital_employee::Server;
/// use callbot::server::serve;
/// use tokio::net::TcpListener;
///
/// let router = Server::new(api).router().route("/healthz", axum::routing::get(|| async { "ok" }));
/// let listener = TcpListener::bind("0.0.0.0:9000").await?;
/// serve(listener, router).await
/// # }
/// ```
pub fn serve(listener: TcpListener, router: Router) -> Serve {
    Serve { listener, router }
}

/// A router on a socket; see [`serve`]. It serves when you `.await` it.
#[must_use = "it serves when it is awaited"]
pub struct Serve {
    listener: TcpListener,
    router: Router,
}

impl Serve {
    /// Stops when `signal` completes: it then accepts no more connections, and returns once the
    /// running requests have finished.
    ///
    /// # Errors
    /// If the socket fails.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use callbot::server::serve;
    /// use tokio::sync::oneshot;
    ///
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let (stop, stopped) = oneshot::channel::<()>();
    /// let server = tokio::spawn(async {
    ///     serve(listener, axum::Router::new()).with_graceful_shutdown(async { _ = stopped.await }).await
    /// });
    /// stop.send(()).unwrap();
    /// server.await.unwrap()
    /// # }
    /// ```
    pub async fn with_graceful_shutdown(
        self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let listener = self.listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::warn!("TCP_NODELAY can't be set: {error}");
            }
        });
        axum::serve(listener, self.router).with_graceful_shutdown(signal).await
    }
}

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.with_graceful_shutdown(pending()).boxed()
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("listener", &self.listener).finish_non_exhaustive()
    }
}
