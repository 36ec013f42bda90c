//! Nonces that were used within the clock window.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use crate::lock::Mutex;

/// Remembers the nonces of signed requests, so that no request is accepted twice; see
/// [`Verifier::nonces`](super::Verifier::nonces).
///
/// Several processes with the same keys have to share their nonces. Otherwise a captured request is accepted
/// once by each of them.
///
/// ```
/// use std::sync::Arc;
///
/// use callbot::auth::{Credentials, Nonce, NonceError, Nonces, Scheme, Verifier};
///
/// /// A database that all processes use.
/// trait Database: Send + Sync + 'static {
///     /// Adds a key for so many seconds. Returns `false` if it is there already.
///     fn add(
///         &self,
///         key: String,
///         seconds: u64,
///     ) -> impl Future<Output = std::io::Result<bool>> + Send;
/// }
///
/// struct Shared<D>(Arc<D>);
///
/// impl<D: Database> Nonces for Shared<D> {
///     async fn take(&self, nonce: Nonce<'_>) -> Result<(), NonceError> {
///         let key = format!("nonce:{}:{}", nonce.key_id, nonce.value);
///         match self.0.add(key, nonce.time.as_secs() + 1).await {
///             Ok(true) => Ok(()),
///             Ok(false) => Err(NonceError::Used),
///             Err(error) => Err(NonceError::failed(error)),
///         }
///     }
/// }
///
/// fn verifier<D: Database>(database: Arc<D>) -> Verifier<Credentials> {
///     Verifier::new(Credentials::new("key-1", "secret"))
///         .schemes([Scheme::Full])
///         .nonces(Shared(database))
/// }
/// ```
pub trait Nonces: Send + Sync + 'static {
    /// Accepts a nonce, and remembers it for at least [`Nonce::time`]. Of several calls with the same
    /// nonce of the same key, in this process or another one, one succeeds.
    ///
    /// # Errors
    /// Returns [`NonceError::Used`] if the nonce of this key was accepted before.
    fn take(&self, nonce: Nonce<'_>) -> impl Future<Output = Result<(), NonceError>> + Send;
}

/// A nonce to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nonce<'a> {
    /// The id of the key that signed the request.
    pub key_id: &'a str,
    /// The nonce. Its characters and its length are those of a header.
    pub value: &'a str,
    /// The present time, by the verifier's clock.
    pub now: SystemTime,
    /// How long the nonce has to be remembered. After that the date of the request is too old.
    pub time: Duration,
}

impl<'a> Nonce<'a> {
    /// Creates a nonce.
    #[must_use]
    pub fn new(key_id: &'a str, value: &'a str, now: SystemTime, time: Duration) -> Self {
        Self { key_id, value, now, time }
    }
}

/// The error when a nonce is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceError {
    /// The nonce was used before.
    Used,
    /// The maximum number of nonces of the key is remembered already.
    Full,
    /// It is not known whether the nonce was used; see [`NonceError::failed`].
    Failed(NonceFailure),
}

impl NonceError {
    /// Creates a [`Failed`](Self::Failed) error with this source.
    #[must_use]
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(NonceFailure(source.into().into()))
    }
}

impl fmt::Display for NonceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Used => "the nonce was used before",
            Self::Full => "too many nonces were used within the clock window",
            Self::Failed(_) => "the nonces can't be checked",
        })
    }
}

impl Error for NonceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(failure) => Some(failure.get_ref()),
            Self::Used | Self::Full => None,
        }
    }
}

/// The source of a [`NonceError::Failed`].
///
/// Clones share the source. Two failures are equal if their sources have the same message.
#[derive(Clone)]
pub struct NonceFailure(Arc<dyn Error + Send + Sync>);

impl NonceFailure {
    /// Returns the source.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for NonceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for NonceFailure {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for NonceFailure {}

/// The nonces of one process, in memory. Clones share them.
///
/// ```
/// use callbot::auth::{Credentials, MemoryNonces, Scheme, Verifier};
///
/// let verifier = Verifier::new(Credentials::new("key-1", "secret"))
///     .schemes([Scheme::Full])
///     .nonces(MemoryNonces::new(10_000));
/// ```
#[derive(Clone)]
pub struct MemoryNonces {
    max: usize,
    /// By the id of the key, so that one key can't use up the room of the others. Only keys that exist get
    /// here, so their number is limited.
    used: Arc<Mutex<HashMap<String, Used>>>,
}

#[derive(Default)]
struct Used {
    known: HashSet<String>,
    by_end: BTreeSet<(SystemTime, String)>,
}

impl MemoryNonces {
    /// Creates a memory for up to `max` nonces of each key. If that many were used within the clock window,
    /// further requests of the key are refused.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, used: Arc::default() }
    }
}

impl Default for MemoryNonces {
    /// Creates a memory for up to 100,000 nonces of each key.
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl fmt::Debug for MemoryNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNonces").field("max", &self.max).finish_non_exhaustive()
    }
}

impl Nonces for MemoryNonces {
    async fn take(&self, nonce: Nonce<'_>) -> Result<(), NonceError> {
        let Nonce { key_id, value, now, time } = nonce;
        let mut keys = self.used.lock();
        let used = keys.entry(key_id.to_owned()).or_default();
        while used.by_end.first().is_some_and(|(end, _)| *end < now) {
            if let Some((_, nonce)) = used.by_end.pop_first() {
                used.known.remove(&nonce);
            }
        }
        if used.known.contains(value) {
            return Err(NonceError::Used);
        }
        // Forgetting one early would allow its replay.
        if used.known.len() >= self.max {
            return Err(NonceError::Full);
        }
        // A time that ends later than the clock can say never ends.
        if let Some(end) = now.checked_add(time) {
            used.by_end.insert((end, value.to_owned()));
        }
        used.known.insert(value.to_owned());
        Ok(())
    }
}

/// [`Nonces`] whose type is erased.
#[derive(Clone)]
pub(super) struct SharedNonces(Arc<dyn BoxedNonces>);

impl SharedNonces {
    pub(super) fn new(nonces: impl Nonces) -> Self {
        Self(Arc::new(nonces))
    }

    pub(super) async fn take(&self, nonce: Nonce<'_>) -> Result<(), NonceError> {
        self.0.take_boxed(nonce).await
    }
}

// Nonces may hold a connection and its secrets.
impl fmt::Debug for SharedNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedNonces").finish_non_exhaustive()
    }
}

trait BoxedNonces: Send + Sync {
    fn take_boxed<'a>(&'a self, nonce: Nonce<'a>) -> BoxFuture<'a, Result<(), NonceError>>;
}

impl<T: Nonces> BoxedNonces for T {
    fn take_boxed<'a>(&'a self, nonce: Nonce<'a>) -> BoxFuture<'a, Result<(), NonceError>> {
        Box::pin(self.take(nonce))
    }
}
