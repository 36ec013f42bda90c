//! The keys that requests are signed with.

use std::collections::HashMap;

use crate::wire::Secret;

/// An access key: its id, its secret, and the security token of a temporary key. `Debug` shows only
/// the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    key_id: String,
    secret: Secret,
    token: Option<Secret>,
}

impl Credentials {
    /// Creates a permanent key.
    #[must_use]
    pub fn new(key_id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { key_id: key_id.into(), secret: secret.into(), token: None }
    }

    /// Adds the security token that STS issued with a temporary key.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Returns the id of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.expose()
    }

    /// Returns the security token; empty for a permanent key.
    pub(super) fn token(&self) -> &str {
        self.token.as_ref().map_or("", Secret::expose)
    }
}

/// The keys that a [`Verifier`](super::Verifier) accepts.
///
/// ```
/// use callbot::auth::{Credentials, Keys, Verifier};
///
/// /// Accepts two keys, so that the old one can be replaced without an outage.
/// struct Rotating {
///     old: Credentials,
///     new: Credentials,
/// }
///
/// impl Keys for Rotating {
///     async fn find(&self, key_id: &str) -> Option<Credentials> {
///         [&self.old, &self.new].into_iter().find(|key| key.key_id() == key_id).cloned()
///     }
/// }
///
/// let keys = Rotating { old: Credentials::new("key-1", "s1"), new: Credentials::new("key-2", "s2") };
/// let verifier = Verifier::new(keys);
/// # drop(verifier);
/// ```
pub trait Keys: Send + Sync + 'static {
    /// Returns the key with this id, if it exists.
    fn find(&self, key_id: &str) -> impl Future<Output = Option<Credentials>> + Send;
}

/// A single key.
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

/// Returns a token without the `Bearer ` that some clients write before it.
// Depending on its features, no platform may use it.
#[allow(dead_code)]
pub(crate) fn without_bearer(token: &Secret) -> Secret {
    let text = token.expose();
    let scheme = text.get(.."Bearer ".len()).filter(|text| text.eq_ignore_ascii_case("Bearer "));
    let rest = scheme.and_then(|scheme| text.get(scheme.len()..)).map(str::trim);
    rest.map_or_else(|| token.clone(), Secret::from)
}

/// Compares a secret in constant time. An empty secret never matches, so that a missing setting
/// cannot grant access.
// Depending on its features, no platform may use it.
#[allow(dead_code)]
pub(crate) fn is_secret(secret: &Secret, given: &[u8]) -> bool {
    use hmac::Mac;

    let Ok(given) = std::str::from_utf8(given) else { return false };
    let given = super::canonical::sign("", given).finalize().into_bytes();
    let known = super::canonical::sign("", secret.expose()).verify_slice(&given).is_ok();
    known && !secret.expose().is_empty()
}
