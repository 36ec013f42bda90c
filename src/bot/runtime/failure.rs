//! Why a turn failed, and what the platform receives then.

use std::any::Any;

use tracing::field::{DisplayValue, display};

use crate::bot::error::{Panicked, cause_of};
use crate::bot::input::TurnId;
use crate::bot::outbox::Outbox;
use crate::bot::store::StoreError;
use crate::server::Error;
use crate::server::watch::Part;
use crate::wire::Printable;

/// Why a turn did not succeed.
pub(super) enum Stop {
    /// The turn was cut, and everything that must be stored is stored.
    Cut,
    /// Another turn owns the call.
    Overtaken,
    /// The store has no room for the call.
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
            // Or the call has ended.
            StoreError::Fenced | StoreError::Gone => Self::Overtaken,
            StoreError::Full(_) => Self::Refused(store_failed(error)),
            error => Self::Failed(store_failed(error)),
        }
    }
}

/// Returns the answer that the platform receives when the store fails.
pub(super) fn store_failed(error: StoreError) -> Error {
    match error {
        StoreError::Full(_) => Error::public("there are too many calls").status(503),
        StoreError::TimedOut { .. } | StoreError::Unknown(_) => {
            Error::shown(error, "the store of calls gave no answer in time")
        }
        StoreError::Unreachable(_) => Error::shown(error, "the store of calls can't be reached"),
        StoreError::Failed(_) | StoreError::Gone => {
            Error::shown(error, "the store of calls failed")
        }
        error => error.into(),
    }
}

/// Logs a panic, and returns its error. The panic hook has got the message, which may contain anything.
/// So it is neither logged nor sent.
pub(super) fn panicked(outbox: &Outbox, panic: &(dyn Any + Send)) -> Error {
    let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), shown_turn(outbox));
    tracing::error!(%platform, %call, turn, "the bot panicked");
    Panicked::new(panic).into()
}

/// Logs a panic beside the reply, and reports it.
pub(super) fn hook_panicked(outbox: &Outbox, panic: &(dyn Any + Send)) {
    outbox.report(Part::Hook, cause_of(&panicked(outbox, panic)));
}

/// Logs the error of work beside the reply, which the platform does not see. `what` says what failed.
pub(super) fn hook_failed(outbox: &Outbox, what: &str, error: &Error) {
    let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), shown_turn(outbox));
    let shown = error.to_string();
    let shown = Printable::whole(&shown);
    tracing::error!(%platform, %call, turn, "{what}: {shown}");
    outbox.report(Part::Hook, format_args!("{what}: {}", cause_of(error)));
}

/// Returns the id of the turn for the log, unless a hook runs between turns.
pub(super) fn shown_turn(outbox: &Outbox) -> Option<DisplayValue<&TurnId>> {
    Some(outbox.turn()).filter(|turn| !turn.as_str().is_empty()).map(display)
}
