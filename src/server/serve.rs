//! Serving a router on a socket.

use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

/// Serves a router until `stop` is done; what runs then may end. Packets leave at once: Nagle's
/// algorithm is off.
///
/// # Errors
/// When the socket fails.
///
/// ```no_run
/// # async fn run(router: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
/// callbot::server::serve(listener, router, std::future::pending()).await
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!("TCP_NODELAY can't be set: {error}");
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}
