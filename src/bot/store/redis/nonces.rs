//! Nonces in Redis, beside the calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::RedisStore;
use super::client::{Client, unexpected};
use crate::auth::encoding::sha256;
use crate::auth::{Nonce, NonceError, Nonces};

/// The nonces of signed requests, in Redis; see [`RedisStore::nonces`].
pub struct RedisNonces {
    client: Arc<Client>,
    /// How the keys begin.
    prefix: String,
    /// The id of these nonces, which no other process has.
    id: String,
    counter: AtomicU64,
}

impl RedisStore {
    /// Returns nonces for [`Verifier::nonces`](crate::auth::Verifier::nonces). They are kept beside the calls, in
    /// the same Redis and over the same connection, so that all processes with this prefix share them.
    ///
    /// ```no_run
    /// use callbot::auth::{Credentials, Scheme, Verifier};
    /// use callbot::bot::store::{RedisStore, StoreError};
    ///
    /// # async fn connect() -> Result<(), StoreError> {
    /// let store = RedisStore::connect("redis://127.0.0.1", "order-bot").await?;
    /// let verifier = Verifier::new(Credentials::new("key-1", "secret"))
    ///     .schemes([Scheme::Full])
    ///     .nonces(store.nonces());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn nonces(&self) -> RedisNonces {
        RedisNonces {
            client: self.client.clone(),
            prefix: self.names.nonces(),
            id: format!("{:032x}", fastrand::u128(..)),
            counter: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for RedisNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisNonces").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Nonces for RedisNonces {
    async fn take(&self, nonce: Nonce<'_>) -> Result<(), NonceError> {
        // The sender chooses the length of a nonce. The hash has a fixed one.
        let hash = sha256(format!("{}\n{}", nonce.key_id, nonce.value).as_bytes());
        let key = format!("{}{hash}", self.prefix);
        // An answer may be lost, and the commands repeated. The mark shows whose nonce it is.
        let mark = format!("{}:{}", self.id, self.counter.fetch_add(1, Relaxed));
        let ms = u64::try_from(nonce.time.as_millis()).unwrap_or(u64::MAX);
        // Redis refuses times that its clock can't have.
        let ms = ms.clamp(1, LONGEST_MS);
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(&key).arg(&mark).arg("NX").arg("PX").arg(ms);
        commands.cmd("GET").arg(&key);
        let mut answers = self.client.ask(&commands).await.map_err(NonceError::failed)?;
        let owner = answers.pop().map(redis::from_redis_value::<Option<String>>);
        match owner {
            Some(Ok(Some(owner))) if owner == mark => Ok(()),
            Some(Ok(Some(_))) => Err(NonceError::Used),
            // Such a short time is over already.
            Some(Ok(None)) => Ok(()),
            _ => Err(NonceError::failed(unexpected())),
        }
    }
}

/// A thousand years.
const LONGEST_MS: u64 = 1000 * 366 * 24 * 60 * 60 * 1000;
