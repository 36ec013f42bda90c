//! Whether a turn holds.

use tokio::time::Instant;

/// Whether a turn holds: how many guards there are, and until when they count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// The turn holds nothing.
    #[default]
    Free,
    /// The turn goes on until `until`, even if its reply is cut.
    Held { count: usize, until: Option<Instant> },
    /// The last guard was dropped, and the store has not been told yet.
    Released,
}

impl Holds {
    /// Adds a guard. All of them count until `until` from here on. A release that the store has not
    /// been told of is forgotten: it would end the new hold there.
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

    /// Returns whether the store has to be told of a release, once.
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
