//! Reports why a request failed to the test that made it. The platform does not get the reason.
//!
//! The watch belongs to the task that makes the request. It is passed on to the handler, and from there
//! to the tasks that serve the request.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::Either;

tokio::task_local! {
    static WATCH: SharedWatch;
}

/// Learns why a request failed.
pub(crate) trait Watch: Send + Sync {
    /// Called before the failure is answered, so the cause is known once the answer is there.
    fn failed(&self, part: Part, cause: &str);
}

pub(crate) type SharedWatch = Arc<dyn Watch>;

/// The part of the work for a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The turn.
    Turn,
    /// A hook of the bot beside the turn. The turn may still succeed.
    Hook,
    /// The handler, perhaps because of a failed turn that was reported before.
    Handler,
}

/// Returns the watch of the current task.
pub(crate) fn current() -> Option<SharedWatch> {
    WATCH.try_with(Clone::clone).ok()
}

/// Runs `work` under a watch.
pub(crate) fn watched<F: Future>(
    watch: Option<SharedWatch>,
    work: F,
) -> impl Future<Output = F::Output> {
    match watch {
        Some(watch) => Either::Left(WATCH.scope(watch, work)),
        None => Either::Right(work),
    }
}

/// Runs a poll under a watch.
pub(super) fn poll_watched<T>(watch: Option<&SharedWatch>, poll: impl FnOnce() -> T) -> T {
    match watch {
        Some(watch) => WATCH.sync_scope(watch.clone(), poll),
        None => poll(),
    }
}

/// Returns the message of a panic, if it has one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
}
