//! The platform's flags, which are 0 and 1 on the wire.

use super::Flag;

impl Flag {
    /// Whether it is set.
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
