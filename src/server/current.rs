//! The request that the current handler serves.

use std::sync::Arc;

use tokio::time::Instant;

tokio::task_local! {
    /// `None` where work of another task is polled within a handler.
    static CURRENT: Option<Current>;
}

/// What a handler may ask about the request that it serves.
#[derive(Clone)]
pub(super) struct Current {
    pub arrived: Instant,
    pub query: Option<Arc<str>>,
}

impl Current {
    /// Runs a poll of the handler.
    pub(super) fn poll_in<T>(&self, poll: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(Some(self.clone()), poll)
    }

    /// Returns what `read` finds in the current request, or `None` outside a handler.
    fn read<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(|current| current.as_ref().map(read)).ok().flatten()
    }
}

/// Runs a poll of work that is not a part of the current handler.
#[cfg(feature = "bot")]
pub(crate) fn outside_handlers<T>(poll: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(None, poll)
}

/// Returns when the request that the current handler serves arrived: when its head was there,
/// before the body was read. Outside a handler, returns the current instant.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// /// Returns how much of a budget of 600 ms for the first packet is left, in any handler.
/// fn budget_left() -> Duration {
///     let deadline = callbot::server::arrived() + Duration::from_millis(600);
///     deadline.saturating_duration_since(Instant::now())
/// }
///
/// assert!(budget_left() <= Duration::from_millis(600));
/// ```
#[must_use]
pub fn arrived() -> Instant {
    Current::read(|current| current.arrived).unwrap_or_else(Instant::now)
}

/// Returns the query string of the URL of the request that the current handler serves, percent-encoded as it
/// was sent. `None` if it has none, and outside a handler.
///
/// Where the URL of your server is a setting of the platform, the query string is yours: the tenant or the
/// line of a call may be in it.
///
/// ```
/// /// Returns the line that the URL in the platform's console names, as in `https://bot.example/v1?line=north`.
/// fn line() -> Option<String> {
///     let query = callbot::server::query()?;
///     let line = query.split('&').find_map(|pair| pair.strip_prefix("line="))?;
///     Some(line.to_owned())
/// }
///
/// assert_eq!(line(), None);
/// ```
#[must_use]
pub fn query() -> Option<Arc<str>> {
    Current::read(|current| current.query.clone()).flatten()
}
