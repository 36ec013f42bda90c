//! Boxes large futures.

use std::pin::Pin;

/// Boxes the future that `make` returns.
///
/// `Box::pin` makes a future first and then copies all of it, most of which is room for later. Here the box is
/// there before the future, which the compiler then writes into it.
pub(crate) fn boxed<F>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::into_pin(Box::write(Box::new_uninit(), make()))
}
