//! The limits of a bot's calls.

use std::time::Duration;

use super::capabilities::Platform;

/// The limits of a bot's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum length of a reply's text, in bytes. Default: 64 KiB.
    pub max_reply_bytes: usize,
    /// The maximum size of a call's memory, in bytes of JSON. Default: 64 KiB.
    pub max_memory_bytes: usize,
    /// The maximum number of turns in the history of a call; older ones are dropped. Default: 100.
    pub max_history_entries: usize,
    /// The maximum length of all texts in the history of a call, in bytes; older turns are dropped.
    /// The newest turn always stays. What the platform reported as heard of turns that are not in the
    /// history counts too, and is dropped once a later turn has ended. Default: 32 KiB.
    pub max_history_bytes: usize,
    /// How long a [hold](super::Call::hold) may last; a day at most. Default: 2 s.
    pub hold_timeout: Duration,
    /// The longest time that [`Call::hold_for`](super::Call::hold_for) accepts; a day at most. Default:
    /// 60 s.
    pub max_hold: Duration,
    /// How long the end of a call may take, with [`Bot::ended`](super::Bot::ended), and how long
    /// [`Bot::interrupted`](super::Bot::interrupted) may run between turns. Default: 10 s.
    pub end_timeout: Duration,
    /// How long an operation of the [`Store`](super::Store) may take. A turn without a filler also fails if the
    /// store has not opened its call 50 ms before the first packet is due. Default: 2 s.
    pub store_timeout: Duration,
    /// How long a call may stay without a turn before it ends. The end comes up to a quarter of that
    /// time late, but never more than a minute. Default: 30 min.
    pub idle_timeout: Duration,
    /// The same for a platform that reports no end of a call: DUIX and chat completions, with AICall. There
    /// every call ends that way, unless AICall's callbacks are served. If
    /// [`idle_timeout`](Self::idle_timeout) is shorter, that counts. Default: 10 min.
    pub open_ended_idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_reply_bytes: 64 * 1024,
            max_memory_bytes: 64 * 1024,
            max_history_entries: 100,
            max_history_bytes: 32 * 1024,
            hold_timeout: Duration::from_secs(2),
            max_hold: Duration::from_secs(60),
            end_timeout: Duration::from_secs(10),
            store_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30 * 60),
            open_ended_idle_timeout: Duration::from_secs(10 * 60),
        }
    }
}

impl Limits {
    /// Returns how long a call may be idle on a platform.
    pub(super) fn idle_timeout_on(&self, platform: Platform) -> Duration {
        match platform.capabilities().ends {
            true => self.idle_timeout,
            false => self.idle_timeout.min(self.open_ended_idle_timeout),
        }
    }

    /// Returns when a call that has ended goes to another process, unless the bot has handled its end.
    pub(super) fn end_again(&self) -> Duration {
        const MARGIN: Duration = Duration::from_secs(10);
        self.end_timeout.saturating_add(MARGIN)
    }

    /// Returns the longest time that a hold may last.
    pub(super) fn longest_hold(&self) -> Duration {
        self.max_hold.max(self.hold_timeout)
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
    /// Sets [`max_hold`](Self::max_hold).
    with_max_hold max_hold: Duration,
    /// Sets [`end_timeout`](Self::end_timeout).
    with_end_timeout end_timeout: Duration,
    /// Sets [`store_timeout`](Self::store_timeout).
    with_store_timeout store_timeout: Duration,
    /// Sets [`idle_timeout`](Self::idle_timeout).
    with_idle_timeout idle_timeout: Duration,
    /// Sets [`open_ended_idle_timeout`](Self::open_ended_idle_timeout).
    with_open_ended_idle_timeout open_ended_idle_timeout: Duration,
}

/// What happens to the text of [`Bot::begin`](super::Bot::begin) on a platform that does not ask for a
/// greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Greeting {
    /// The text is dropped, with a [`Notice`](super::Notice).
    #[default]
    Drop,
    /// The text becomes the start of the first reply, as a sentence of its own: a space follows it, unless
    /// white space is already there or the text ends in Chinese or Japanese, which have no space between
    /// sentences.
    Prepend,
}
