//! The error of a store.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The error when a store fails or refuses an operation.
///
/// ```
/// use std::error::Error;
///
/// use callbot::bot::store::StoreError;
///
/// let refused = std::io::Error::other("connection refused");
/// let error = StoreError::failed(refused);
/// assert_eq!(error.to_string(), "the store of calls failed");
/// assert_eq!(error.source().unwrap().to_string(), "connection refused");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The store has no room for the call. [`Store::evict`](super::Store::evict) may make some.
    Full(StoreLimit),
    /// The lease has ended: another turn has the call, or this turn was aborted.
    Fenced,
    /// The store does not have the call: it was lost, or it has ended.
    Gone,
    /// The memory of the bot is larger than the limit.
    TooLarge {
        /// The size of the memory, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The memory of the bot can't be written or read as JSON. The text completes "the memory of the
    /// call ..." and does not contain the memory.
    Memory(String),
    /// The store can't be reached. Nothing was done. See [`StoreError::unreachable`].
    Unreachable(StoreFailure),
    /// The store gave no answer, so the operation may have been done, or may still be. See
    /// [`StoreError::unknown`].
    Unknown(StoreFailure),
    /// The store gave the runtime no answer in time; see
    /// [`Limits::store_timeout`](crate::bot::Limits::store_timeout). The operation may have been done, or may
    /// still be.
    TimedOut {
        /// How long the runtime has waited.
        within: Duration,
    },
    /// The store refused the operation, or failed; see [`StoreError::failed`].
    Failed(StoreFailure),
}

/// The limit that a full store has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreLimit {
    /// The maximum number of calls.
    Calls(usize),
    /// The maximum size of all calls, in bytes.
    Bytes(usize),
}

impl StoreError {
    /// Creates a [`Failed`](Self::Failed) error with this source.
    #[must_use]
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(StoreFailure(source.into().into()))
    }

    /// Creates an [`Unreachable`](Self::Unreachable) error with this source.
    #[must_use]
    pub fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreachable(StoreFailure(source.into().into()))
    }

    /// Creates an [`Unknown`](Self::Unknown) error with this source.
    #[must_use]
    pub fn unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unknown(StoreFailure(source.into().into()))
    }
}

/// The source of a [`StoreError::Failed`].
///
/// Clones share the source. Two failures are equal if their sources have the same message.
#[derive(Clone)]
pub struct StoreFailure(Arc<dyn Error + Send + Sync>);

impl StoreFailure {
    /// Returns the source.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for StoreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for StoreFailure {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for StoreFailure {}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(StoreLimit::Calls(max)) => write!(f, "the limit of {max} calls is reached"),
            Self::Full(StoreLimit::Bytes(max)) => {
                write!(f, "the limit of {max} bytes for all calls is reached")
            }
            Self::Fenced => f.write_str("the turn no longer has the call"),
            Self::TooLarge { bytes, max } => {
                write!(f, "the memory of the call: {bytes} bytes, allowed: at most {max}")
            }
            Self::Memory(reason) => write!(f, "the memory of the call {reason}"),
            Self::Gone => f.write_str("the store does not have the call"),
            Self::Unreachable(_) => f.write_str("the store of calls can't be reached"),
            Self::Unknown(_) => f.write_str("the store of calls gave no answer"),
            Self::TimedOut { within } => {
                write!(f, "the store of calls gave no answer within {within:?}")
            }
            Self::Failed(_) => f.write_str("the store of calls failed"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(failure) | Self::Unreachable(failure) | Self::Unknown(failure) => {
                Some(failure.get_ref())
            }
            _ => None,
        }
    }
}
