//! How much a bot may use.

use std::time::Duration;

/// How much a bot may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest text of a reply, in bytes. Default: 64 KiB.
    pub max_reply_bytes: usize,
    /// The largest memory of a call, in bytes of JSON. Default: 64 KiB.
    pub max_memory_bytes: usize,
    /// How many turns the history of a call has at most; older ones are dropped. Default: 100.
    pub max_history_entries: usize,
    /// How many bytes of text the history has at most; older turns are dropped. Default: 32 KiB.
    pub max_history_bytes: usize,
    /// How long a [hold](super::Call::hold) may last, a day at most. Default: 2 s.
    pub hold_timeout: Duration,
    /// How long [`Bot::ended`](super::Bot::ended) may take, and what runs between turns. Default: 10 s.
    pub end_timeout: Duration,
    /// How long a call may stay without a turn before it ends. It is noticed up to a quarter of that
    /// time late, and never more than a minute. Default: 30 min.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_reply_bytes: 64 * 1024,
            max_memory_bytes: 64 * 1024,
            max_history_entries: 100,
            max_history_bytes: 32 * 1024,
            hold_timeout: Duration::from_secs(2),
            end_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30 * 60),
        }
    }
}

macro_rules! with {
    ($($(#[$doc:meta])* $with:ident $field:ident: $type:ty,)*) => {
        impl Limits {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

with! {
    /// Sets [`max_reply_bytes`](Self::max_reply_bytes).
    with_max_reply_bytes max_reply_bytes: usize,
    /// Sets [`max_memory_bytes`](Self::max_memory_bytes).
    with_max_memory_bytes max_memory_bytes: usize,
    /// Sets [`max_history_entries`](Self::max_history_entries).
    with_max_history_entries max_history_entries: usize,
    /// Sets [`max_history_bytes`](Self::max_history_bytes).
    with_max_history_bytes max_history_bytes: usize,
    /// Sets [`hold_timeout`](Self::hold_timeout).
    with_hold_timeout hold_timeout: Duration,
    /// Sets [`end_timeout`](Self::end_timeout).
    with_end_timeout end_timeout: Duration,
    /// Sets [`idle_timeout`](Self::idle_timeout).
    with_idle_timeout idle_timeout: Duration,
}

/// What happens to the words of [`Bot::begin`](super::Bot::begin), where the platform does not ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Greeting {
    /// They are dropped, with a [`Notice`](super::Notice).
    #[default]
    Drop,
    /// They are the beginning of the first reply.
    Prepend,
}
