//! The platform's flags: 0 and 1 on the wire.

use super::Flag;

impl Flag {
    /// Returns whether the flag is set.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::Yes
    }
}

impl From<bool> for Flag {
    fn from(on: bool) -> Self {
        if on { Self::Yes } else { Self::No }
    }
}
