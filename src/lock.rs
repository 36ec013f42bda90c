//! The one mutex of this crate.

use std::fmt;
use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};

/// A mutex that a panic does not poison.
///
/// What is behind a lock here is changed in steps that can't panic half-way, or is checked whenever it
/// is used. So a panic in one call, such as that of a bot, must not end the calls of all others.
#[derive(Default)]
pub(crate) struct Mutex<T: ?Sized>(StdMutex<T>);

#[cfg(any(feature = "server", test))]
impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(StdMutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    #[expect(clippy::disallowed_methods, reason = "this is the place that the lint points to")]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_panic_does_not_poison_it() {
        let mutex = Mutex::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut value = mutex.lock();
            *value = 2;
            panic!("while it is locked");
        }));
        assert!(panicked.is_err());
        assert_eq!(*mutex.lock(), 2);
    }
}
