//! A call, seen from outside.

use std::error::Error as StdError;
use std::fmt;

use super::history::History;
use super::input::Cut;
use super::store::StoreError;
use crate::server::Error;

/// A call, seen from outside; see [`Host::snapshot`](super::Host::snapshot).
#[non_exhaustive]
pub struct CallSnapshot<M> {
    /// What the bot remembers, as it was last written.
    pub memory: M,
    /// What was said, and what of it was heard.
    pub history: History,
    /// Cuts that have not been reported to the bot yet, the oldest first.
    pub cuts: Vec<Cut>,
}

// What the bot remembers may be private.
impl<M> fmt::Debug for CallSnapshot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSnapshot")
            .field("history", &self.history)
            .field("cuts", &self.cuts)
            .finish_non_exhaustive()
    }
}

/// Why a call could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The store failed, or what it has can't be read.
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
            Self::Store(_) => "the call can't be read",
            Self::Migrate(_) => "the memory of the call can't be migrated",
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
