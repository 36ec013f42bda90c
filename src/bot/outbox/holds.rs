//! Whether a turn holds.

use std::time::Duration;

use tokio::time::Instant;

/// Whether a turn holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// The turn does not hold.
    #[default]
    Free,
    /// The turn continues even if its reply is cut, until the time of the hold is up.
    Held(Held),
    /// The last guard was dropped, and the store does not know yet.
    Released,
}

/// A hold, for all guards together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// The number of guards.
    count: usize,
    since: Instant,
    until: Instant,
    /// Whether the time is up. The guards no longer protect anything then.
    expired: bool,
}

impl Holds {
    /// Adds a guard, and returns until when the turn holds now: the latest time of all guards. A
    /// release that the store does not know of yet is forgotten, since it would end the new hold there.
    pub(super) fn add(&mut self, now: Instant, until: Instant) -> Instant {
        let held = match *self {
            Self::Held(held) => {
                Held { count: held.count + 1, until: held.until.max(until), expired: false, ..held }
            }
            Self::Free | Self::Released => Held { count: 1, since: now, until, expired: false },
        };
        *self = Self::Held(held);
        held.until
    }

    /// Removes a guard. Returns whether it was the last one.
    pub(super) fn remove(&mut self) -> bool {
        match self {
            Self::Held(held) if held.count > 1 => {
                held.count -= 1;
                false
            }
            _ => {
                *self = Self::Released;
                true
            }
        }
    }

    /// Returns once for each release whether the store has to be told.
    pub(super) fn take_release(&mut self) -> bool {
        let released = *self == Self::Released;
        if released {
            *self = Self::Free;
        }
        released
    }

    /// Returns until when the turn holds, if it does. The time may have passed a moment ago: the hold
    /// counts until [`expire`](Self::expire) ends it.
    pub(super) fn until(&self) -> Option<Instant> {
        match self {
            Self::Held(held) => Some(held.until).filter(|_| !held.expired),
            Self::Free | Self::Released => None,
        }
    }

    /// Ends the hold if its time is up. Returns whether this call ended it.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        match self {
            Self::Held(held) if !held.expired && held.until <= now => {
                held.expired = true;
                true
            }
            _ => false,
        }
    }

    /// Returns whether a guard is there, even if the time of the hold is up.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Returns how long the hold was to last, if its time is up and a guard is still there: the work
    /// under it is not complete.
    pub(super) fn outlived(&self) -> Option<Duration> {
        match self {
            Self::Held(held) if held.expired => Some(held.until - held.since),
            _ => None,
        }
    }
}
