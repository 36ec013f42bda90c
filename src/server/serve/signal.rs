//! Waits for what stops a process: SIGTERM or Ctrl-C; Ctrl-C alone on systems without SIGTERM.

use std::future::{pending, poll_fn};
use std::task::Poll;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Signal, ctrl_c};

/// The signals that stop a process. They no longer end it by themselves once this exists.
#[derive(Debug)]
pub(super) struct Signals(Vec<Signal>);

impl Signals {
    /// Must be called in a runtime of tokio.
    pub(super) fn install() -> Self {
        #[cfg(unix)]
        let signals = [
            ("SIGTERM", signal(SignalKind::terminate())),
            ("Ctrl-C", signal(SignalKind::interrupt())),
        ];
        #[cfg(windows)]
        let signals = [("Ctrl-C", ctrl_c())];
        let installed = signals.into_iter().filter_map(|(name, signal)| {
            signal.map_err(|error| tracing::warn!("can't wait for {name}: {error}")).ok()
        });
        Self(installed.collect())
    }

    /// Waits for a signal.
    async fn next(&mut self) {
        poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            // A signal whose source has ended never comes.
            if signals.any(|signal| signal.poll_recv(context) == Poll::Ready(Some(()))) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Waits for a signal, without end if there are none.
pub(super) async fn next(signals: &mut Option<Signals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => pending().await,
    }
}
