//! Why a turn failed, and what the platform receives then.

use crate::bot::outbox::Outbox;
use crate::bot::store::StoreError;
use crate::server::{Error, Fault};

/// Why a turn did not succeed.
pub(super) enum Stop {
    /// The turn was cut, and everything that must be stored is stored.
    Cut,
    /// Another turn owns the call.
    Overtaken,
    /// There is no room for the call.
    Refused(Error),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced => Self::Overtaken,
            StoreError::Full(_) => Self::Refused(store_failed(error)),
            error => Self::Failed(store_failed(error)),
        }
    }
}

/// Returns the answer that the platform receives when the store fails.
pub(super) fn store_failed(error: StoreError) -> Error {
    match error {
        StoreError::Full(_) => Error::public("there are too many calls").status(503),
        error => error.into(),
    }
}

/// Returns the answer that the platform receives after a panic. The panic message went to the panic
/// hook; it may contain anything, so it is not sent.
pub(super) fn panicked(outbox: &Outbox) -> Error {
    tracing::error!(call = %outbox.call(), "the bot panicked");
    Error::from(Fault::internal())
}
