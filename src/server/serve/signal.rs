//! Waits for what stops a process.

use std::future::pending;
use std::io;

/// Waits for SIGTERM or Ctrl-C. On systems without SIGTERM, waits for Ctrl-C.
pub(super) async fn terminated() {
    tokio::select! {
        () = received("Ctrl-C", tokio::signal::ctrl_c()) => {}
        () = received("SIGTERM", sigterm()) => {}
    }
}

/// Waits for a signal; without end when its handler can't be installed, since that is not the signal.
async fn received(name: &str, signal: impl Future<Output = io::Result<()>>) {
    if let Err(error) = signal.await {
        tracing::warn!("can't wait for {name}: {error}");
        pending::<()>().await;
    }
}

#[cfg(unix)]
async fn sigterm() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn sigterm() -> io::Result<()> {
    pending().await
}
