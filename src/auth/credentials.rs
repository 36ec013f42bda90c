//! Who signs.

use std::collections::HashMap;

use crate::wire::Secret;

/// An access key: its id, its secret, and for temporary keys the security token. Only the id shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    key_id: String,
    secret: Secret,
    token: Option<Secret>,
}

impl Credentials {
    /// A permanent key.
    #[must_use]
    pub fn new(key_id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { key_id: key_id.into(), secret: secret.into(), token: None }
    }

    /// The security token that STS gave out with a temporary key.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The id of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.expose()
    }

    /// The security token; empty for a permanent key.
    pub(super) fn token(&self) -> &str {
        self.token.as_ref().map_or("", Secret::expose)
    }
}

/// Where a verifier finds keys.
pub trait Keys: Send + Sync + 'static {
    /// The key with this id, if there is one.
    fn find(&self, key_id: &str) -> impl Future<Output = Option<Credentials>> + Send;
}

/// One key.
impl Keys for Credentials {
    async fn find(&self, key_id: &str) -> Option<Credentials> {
        (self.key_id == key_id).then(|| self.clone())
    }
}

/// Several keys, by their ids.
impl Keys for HashMap<String, Credentials> {
    async fn find(&self, key_id: &str) -> Option<Credentials> {
        self.get(key_id).cloned()
    }
}

/// Whether somebody knows a secret; how long the answer takes tells nothing about it. Nobody knows an
/// empty one: a setting that was forgotten must not open the door.
// A platform may use it or not.
#[allow(dead_code)]
pub(crate) fn is_secret(secret: &Secret, given: &[u8]) -> bool {
    use hmac::Mac;

    let Ok(given) = std::str::from_utf8(given) else { return false };
    let given = super::canonical::sign("", given).finalize().into_bytes();
    let known = super::canonical::sign("", secret.expose()).verify_slice(&given).is_ok();
    known && !secret.expose().is_empty()
}
