//! Whether a turn holds.

use tokio::time::Instant;

/// Whether a turn holds, with the number of guards and until when they count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// The turn does not hold.
    #[default]
    Free,
    /// The turn continues until `until`, even if its reply is cut.
    Held { count: usize, until: Option<Instant> },
    /// The last guard was dropped, and the store does not know yet.
    Released,
}

impl Holds {
    /// Adds a guard. From now on all guards count until `until`. A release that the store does not
    /// know of yet is forgotten, since it would end the new hold there.
    pub(super) fn add(&mut self, until: Option<Instant>) {
        let before = match self {
            Self::Held { count, .. } => *count,
            Self::Free | Self::Released => 0,
        };
        *self = Self::Held { count: before + 1, until };
    }

    /// Removes a guard. Returns whether it was the last one.
    pub(super) fn remove(&mut self) -> bool {
        match self {
            Self::Held { count, .. } if *count > 1 => {
                *count -= 1;
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

    /// Returns until when the turn holds, if it does at `now`.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Held { until, .. } => until.filter(|until| now < *until),
            Self::Free | Self::Released => None,
        }
    }
}
