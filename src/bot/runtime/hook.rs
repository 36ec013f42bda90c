//! Runs one hook of the bot.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant as WallInstant};

use futures_util::FutureExt;

use super::failure::panicked;
use crate::bot::outbox::Outbox;
use crate::server::Error;

/// How long one poll of a bot may take before it is logged as a warning.
const BLOCKED: Duration = Duration::from_millis(10);

/// Runs a hook of the bot. Its text is flushed whenever the hook waits. A panic becomes an error.
pub(super) async fn run_hook(
    outbox: &Outbox,
    hook: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let mut hook = pin!(AssertUnwindSafe(hook).catch_unwind());
    let ended = poll_fn(|cx| {
        let start = WallInstant::now();
        let polled = hook.as_mut().poll(cx);
        let took = start.elapsed();
        if took > BLOCKED {
            let (call, ms) = (outbox.call(), took.as_millis());
            tracing::warn!(%call, ms, "the bot blocked its thread, so other calls had to wait");
        }
        if polled.is_pending() {
            outbox.flush_on_wait();
        }
        polled
    })
    .await;
    ended.unwrap_or_else(|panic| Err(panicked(outbox, &*panic)))
}
