//! Serving a router on a socket.

use std::future::{IntoFuture, pending};
use std::{fmt, io};

use axum::Router;
use axum::serve::ListenerExt;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

/// Serves `router` on `listener` for ever.
///
/// Packets leave at once: Nagle's algorithm is off. To stop, use
/// [`Serve::with_graceful_shutdown`].
///
/// # Errors
/// When the socket fails.
///
/// ```no_run
/// # async fn run(router: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
/// callbot::server::serve(listener, router).await
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
    /// Stops when `signal` completes: accepts no more connections, and returns once the requests
    /// that are being served have ended.
    ///
    /// # Errors
    /// When the socket fails.
    ///
    /// ```no_run
    /// # async fn run(listener: tokio::net::TcpListener, router: axum::Router) -> std::io::Result<()> {
    /// use callbot::server::serve;
    ///
    /// serve(listener, router)
    ///     .with_graceful_shutdown(async { tokio::time::sleep(std::time::Duration::from_secs(60)).await })
    ///     .await
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
