//! The typed errors inside the error of a handler.

use std::error::Error as StdError;

use callbot::server::Error;

/// Returns the `E` inside the error of a result.
pub(crate) fn typed<T, E: StdError + Clone + 'static>(result: Result<T, Error>) -> Result<T, E> {
    result.map_err(|error| {
        let typed = error.downcast_ref::<E>().cloned();
        typed.unwrap_or_else(|| panic!("another error: {error}"))
    })
}
