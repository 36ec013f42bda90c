//! The settings of a store in Redis.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::timeout;

use super::super::error::StoreError;
use super::RedisStore;
use super::client::Client;
use super::keys::Names;
use super::scripts::Hashes;
use super::signals::{Subscription, listen};
use crate::redis_link::Address;

const TTL: Duration = Duration::from_secs(24 * 60 * 60);
const TIMEOUT: Duration = Duration::from_millis(1500);
/// How many messages may wait for a receiver.
const SIGNALS: usize = 4096;

/// The settings of a [`RedisStore`].
#[must_use]
pub struct RedisStoreBuilder {
    url: String,
    prefix: String,
    authorities: Option<Vec<u8>>,
    ttl: Duration,
    timeout: Duration,
}

impl RedisStoreBuilder {
    pub(super) fn new(url: String, prefix: String) -> Self {
        Self { url, prefix, authorities: None, ttl: TTL, timeout: TIMEOUT }
    }

    /// Sets the certificates of the authorities to trust, as PEM, for a private authority. Others are then not
    /// trusted. Default: those that the system trusts.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = Some(pem.into());
        self
    }

    /// Sets how long Redis keeps a call that is not used, at least 1 s.
    ///
    /// It is for calls that no bot claims any more. A call that expires ends without
    /// [`Bot::ended`](crate::bot::Bot::ended), so set more than twice the longest
    /// [`idle_timeout`](crate::bot::Limits::idle_timeout). Default: 24 h.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl.max(Duration::from_secs(1));
        self
    }

    /// Sets the time of an operation, with all its attempts.
    ///
    /// If it is shorter than [`store_timeout`](crate::bot::Limits::store_timeout), errors name the cause.
    /// Default: 1.5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects. Use it within a tokio runtime, which then drives the connections.
    ///
    /// # Errors
    /// Returns an error if a setting is wrong, if Redis can't be reached within the timeout, or if it refuses the
    /// user. The error does not contain the URL.
    pub async fn connect(self) -> Result<RedisStore, StoreError> {
        let Self { url, prefix, authorities, ttl, timeout: limit } = self;
        let names = Names::new(prefix)?;
        let address = Address::parse(&url, authorities.as_deref()).map_err(StoreError::failed)?;
        let client = Arc::new(Client::new(Arc::new(address), limit));
        let answers = client.ask(&Hashes::load()).await?;
        if !client.hashes.keep(answers) {
            return Err(super::client::unexpected());
        }
        warn_of_eviction(&client).await;
        let instance = format!("{:032x}", fastrand::u128(..));
        let channel = format!("{}{instance}", names.channels());
        let subscribing = timeout(limit, Subscription::open(&client, &channel)).await;
        let late = |_| Err(crate::redis_link::LinkError::late(limit));
        let subscription =
            subscribing.unwrap_or_else(late).map_err(|error| match error.code() {
                None => StoreError::unreachable(error),
                Some(_) => StoreError::failed(error),
            })?;
        let (signals, _) = broadcast::channel(SIGNALS);
        let listening = listen(client.clone(), channel, subscription, signals.clone());
        let listener = tokio::spawn(listening).abort_handle();
        Ok(RedisStore {
            client,
            names,
            ttl: ttl.as_millis().to_string(),
            instance,
            counter: AtomicU64::new(0),
            signals,
            listener,
        })
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("ttl", &self.ttl)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Warns if Redis removes keys when its memory is full: calls would vanish in the middle. Services that manage
/// Redis may refuse to tell, so this is not an error.
async fn warn_of_eviction(client: &Client) {
    let mut commands = redis::pipe();
    commands.cmd("CONFIG").arg("GET").arg("maxmemory-policy");
    let Ok(answers) = client.ask(&commands).await else {
        tracing::debug!(redis = %client.address, "Redis does not tell its `maxmemory-policy`");
        return;
    };
    let setting = answers.into_iter().next().map(redis::from_redis_value::<Vec<String>>);
    let Some(Ok(setting)) = setting else { return };
    if let Some(policy) = setting.get(1)
        && policy != "noeviction"
    {
        let redis = &client.address;
        tracing::warn!(
            %redis, policy,
            "Redis may remove calls when its memory is full: set `maxmemory-policy` to `noeviction`"
        );
    }
}
