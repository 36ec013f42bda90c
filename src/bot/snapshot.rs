//! The stored state of a call, read from outside a turn.

use std::error::Error as StdError;
use std::fmt;

use super::history::History;
use super::input::Cut;
use super::store::StoreError;
use crate::server::Error;

/// The stored state of a call; see [`Host::snapshot`](super::Host::snapshot).
#[non_exhaustive]
pub struct CallSnapshot<M> {
    /// The bot's memory, as it was last written.
    pub memory: M,
    /// The turns: what was said and what the caller heard.
    pub history: History,
    /// Cuts that have not been reported to the bot yet, the oldest first.
    pub cuts: Vec<Cut>,
}

// The memory may be private.
impl<M> fmt::Debug for CallSnapshot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSnapshot")
            .field("history", &self.history)
            .field("cuts", &self.cuts)
            .finish_non_exhaustive()
    }
}

/// The error when the state of a call can't be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The store failed, or its record can't be read.
    Store(StoreError),
    /// The memory was written by another version of the bot, and [`Bot::migrate`](super::Bot::migrate)
    /// failed.
    Migrate(Box<dyn StdError + Send + Sync>),
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl SnapshotError {
    /// Returns the error for a memory that can't be decoded.
    pub(super) fn decode(error: Error) -> Self {
        match error.into_boxed().downcast() {
            Ok(error) => Self::Store(*error),
            Err(error) => Self::Migrate(error),
        }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store(_) => "the stored call can't be read",
            Self::Migrate(_) => "the memory of the call can't be migrated to the bot's version",
        })
    }
}

impl StdError for SnapshotError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Migrate(error) => Some(&**error),
        }
    }
}
