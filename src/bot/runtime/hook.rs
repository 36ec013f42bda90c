//! Runs one hook of the bot.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant as WallInstant};

use futures_util::FutureExt;
use tracing::Level;

use super::failure::{panicked, shown_turn};
use crate::bot::outbox::Outbox;
use crate::server::Error;
use crate::text::release_by;

/// How long one poll of a bot may take before it is logged: as a warning in a release build, and for
/// debugging in a debug build, whose code is slow by itself.
const BLOCKED: Duration = Duration::from_millis(10);

/// How long one poll may take before it is a warning in every build. It is a sixth of the time for the first
/// packet on Digital Employee, which each waiting call loses.
const BLOCKED_LONG: Duration = Duration::from_millis(100);

/// Runs a hook of the bot. Its text is flushed whenever the hook waits, and streams of sentences let go of
/// theirs in time for the first packet. A panic becomes an error.
///
/// The hook is boxed, and before this is a future: each future around it would hold a copy of it, or two, and
/// the hook of a bot can be large.
pub(super) fn run_hook<'a>(
    outbox: &'a Outbox,
    hook: impl Future<Output = Result<(), Error>> + Send + 'a,
) -> impl Future<Output = Result<(), Error>> + Send + 'a {
    let mut hook = Box::pin(AssertUnwindSafe(hook).catch_unwind());
    poll_fn(move |cx| {
        let start = WallInstant::now();
        let polled = release_by(outbox.text_due(), || hook.as_mut().poll(cx));
        log_if_blocked(outbox, start.elapsed());
        if polled.is_pending() {
            outbox.flush_on_wait();
        }
        polled.map(|ended| ended.unwrap_or_else(|panic| Err(panicked(outbox, &*panic))))
    })
}

/// Logs a poll that blocked its thread.
fn log_if_blocked(outbox: &Outbox, took: Duration) {
    const MESSAGE: &str = "the bot blocked its thread, so other calls had to wait; `spawn_blocking` or \
                           `HostBuilder::runtime` prevents that";
    let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), shown_turn(outbox));
    let ms = took.as_millis();
    match blocked_level(took, cfg!(debug_assertions)) {
        Some(Level::WARN) => tracing::warn!(%platform, %call, turn, ms, "{MESSAGE}"),
        Some(_) => tracing::debug!(%platform, %call, turn, ms, "{MESSAGE}"),
        None => {}
    }
}

/// Returns the level at which a poll of this length is logged.
fn blocked_level(took: Duration, debug_build: bool) -> Option<Level> {
    if took <= BLOCKED {
        return None;
    }
    let matters = took > BLOCKED_LONG || !debug_build;
    Some(if matters { Level::WARN } else { Level::DEBUG })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_thread_is_a_warning_in_a_debug_build_only_if_it_is_long() {
        for (ms, release, debug) in [
            (10, None, None),
            (11, Some(Level::WARN), Some(Level::DEBUG)),
            (100, Some(Level::WARN), Some(Level::DEBUG)),
            (101, Some(Level::WARN), Some(Level::WARN)),
        ] {
            let took = Duration::from_millis(ms);
            assert_eq!((blocked_level(took, false), blocked_level(took, true)), (release, debug));
        }
    }
}
