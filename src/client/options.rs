//! The options of calls: deadlines, headers, retries, limits.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The options of calls: deadlines, headers, retries, limits.
///
/// ```
/// use std::time::Duration;
/// use callbot::client::{CallOptions, Retries};
/// use http::{HeaderName, HeaderValue};
///
/// let secret = HeaderValue::from_static("hush");
/// let options = CallOptions::new()
///     .call_deadline(Duration::from_secs(3))
///     .first_event_deadline(Duration::from_millis(600))
///     .retries(Retries::up_to(2).initial_backoff(Duration::from_millis(100)))
///     .header(HeaderName::from_static("x-bot-secret"), secret);
/// assert!(!format!("{options:?}").contains("hush"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CallOptions {
    pub(super) call_deadline: Duration,
    pub(super) first_event_deadline: Duration,
    pub(super) gap_deadline: Duration,
    pub(super) headers: HeaderMap,
    pub(super) retries: Retries,
    pub(super) body_limit: usize,
}

impl CallOptions {
    /// Returns the defaults. Each setting names its own.
    pub fn new() -> Self {
        Self {
            call_deadline: Duration::from_secs(10),
            first_event_deadline: Duration::from_secs(10),
            gap_deadline: Duration::from_secs(30),
            headers: HeaderMap::new(),
            retries: Retries::NONE,
            body_limit: 1024 * 1024,
        }
    }

    /// Sets how long a call without a stream may take as a whole, its retries included.
    /// Default: 10 s.
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// Sets how long a stream may take to deliver its first event, its retries included.
    /// Default: 10 s.
    pub fn first_event_deadline(mut self, deadline: Duration) -> Self {
        self.first_event_deadline = deadline;
        self
    }

    /// Sets how long a stream may take to deliver its next event, counted from when you poll for it.
    /// Comments do not count as events. A stream as a whole has no deadline. Default: 30 s.
    pub fn gap_deadline(mut self, deadline: Duration) -> Self {
        self.gap_deadline = deadline;
        self
    }

    /// Adds a header to every request, replacing one of the same name. `Debug` does not show its
    /// value.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self
    }

    /// Sets how often a failed call is retried. Default: [`Retries::NONE`].
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the maximum size of a response, or of one event of a stream, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The number of retries and their backoff, for calls whose error
/// [is retryable](super::Error::is_retryable).
///
/// The backoff doubles with each attempt, up to 60 s, and the actual pause is drawn at random
/// between zero and the backoff. A `Retry-After` header, in seconds or as a date, takes its place.
/// Retrying stops when `Retry-After` asks for more than 60 s, and when the pause would pass the
/// deadline of the call.
///
/// An operation whose spec says that it starts or changes something is never retried, and neither
/// is a stream whose response head has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    pub(super) max_retries: u32,
    pub(super) initial_backoff: Duration,
}

impl Retries {
    /// No retries.
    pub const NONE: Self = Self { max_retries: 0, initial_backoff: Duration::ZERO };

    /// Returns a policy of at most `max_retries` retries after the first attempt, with an initial
    /// backoff of 200 ms.
    #[must_use]
    pub const fn up_to(max_retries: u32) -> Self {
        Self { max_retries, initial_backoff: Duration::from_millis(200) }
    }

    /// Sets the longest pause before the first retry. Default: 200 ms.
    #[must_use]
    pub const fn initial_backoff(mut self, backoff: Duration) -> Self {
        self.initial_backoff = backoff;
        self
    }

    /// Returns the pause before retry number `retry`, counted from 1, or `None` if the peer asks for
    /// a longer one than is worth waiting for.
    pub(super) fn pause_before(
        &self,
        retry: u32,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        const MAX_BACKOFF: Duration = Duration::from_secs(60);
        if let Some(requested) = retry_after {
            return (requested <= MAX_BACKOFF).then_some(requested);
        }
        let backoff = self.initial_backoff.saturating_mul(1 << (retry - 1).min(16));
        Some(backoff.min(MAX_BACKOFF).mul_f64(fastrand::f64()))
    }
}
