//! Why a turn did not succeed, and what the platform gets then.

use crate::bot::outbox::Outbox;
use crate::bot::store::StoreError;
use crate::server::{Error, Fault};

/// Why a turn did not succeed.
pub(super) enum Stop {
    /// It was cut, and what had to be stored is stored.
    Cut,
    /// Another turn has the call.
    Overtaken,
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
            error => Self::Failed(store_failed(error)),
        }
    }
}

/// Returns the platform's answer when a store fails.
pub(super) fn store_failed(error: StoreError) -> Error {
    match error {
        StoreError::Full(_) => Error::public("there are too many calls").status(503),
        error => error.into(),
    }
}

/// Returns the platform's answer to a panic, whose message has gone to the panic hook, and may hold
/// anything.
pub(super) fn panicked(outbox: &Outbox) -> Error {
    tracing::error!(call = %outbox.call(), "the bot panicked");
    Error::from(Fault::internal())
}
