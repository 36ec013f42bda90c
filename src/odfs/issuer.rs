//! Authorization: checking and issuing tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "bot")]
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
#[cfg(feature = "bot")]
use serde_json::Value;

use super::{TokenRequest, TokenResponse};
#[cfg(feature = "bot")]
use crate::auth::without_bearer;
use crate::auth::{is_secret, jwt};
use crate::clock::{Clock, SharedClock};
#[cfg(feature = "bot")]
use crate::server::Privacy;
use crate::wire::Secret;
#[cfg(feature = "bot")]
use crate::wire::decode;

/// Checks the `auth_token` of dialogue requests; see
/// [`Server::authorize`](crate::server::Server::authorize).
///
/// ```
/// use callbot::odfs::{Account, AuthTokenError, TokenAuthorizer, TokenCheck};
/// use callbot::wire::Secret;
///
/// /// Accepts one token, in one tenant space.
/// struct Fixed(Secret);
///
/// impl TokenAuthorizer for Fixed {
///     async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
///         match request.token {
///             None => Err(AuthTokenError::MissingOrExpired),
///             Some(token) if *token == self.0 && request.tenant_space == Some("vdn-1") => {
///                 Ok(Account::new("tenant-1"))
///             }
///             Some(_) => Err(AuthTokenError::NotAccepted),
///         }
///     }
/// }
///
/// let authorizer = Fixed("token-1".into());
/// # drop(authorizer);
/// ```
pub trait TokenAuthorizer: Send + Sync + 'static {
    /// Checks whether a request may be served, and returns the account that it comes from.
    ///
    /// The calls of one account are inaccessible to others.
    fn check(
        &self,
        request: TokenCheck<'_>,
    ) -> impl Future<Output = Result<Account, AuthTokenError>> + Send;
}

/// The parts of a request that a [`TokenAuthorizer`] decides on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct TokenCheck<'a> {
    /// The id of the call.
    pub user_id: &'a str,
    /// The tenant space (VDN) in the path of the V2 URL; `None` for a request to V1.
    pub tenant_space: Option<&'a str>,
    /// The token without a `Bearer ` before it; `None` if the request has no token or an empty one.
    pub token: Option<&'a Secret>,
}

/// The account that a request comes from.
///
/// It is a part of the identity of a call: two accounts that name the same `userid` have two calls.
/// The default is the one account of an authorizer that does not tell accounts apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Account(Option<Arc<str>>);

impl Account {
    /// Creates an account with a unique name, such as its app key.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(Some(name.into()))
    }

    /// Returns the name; `None` for the default account.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthTokenError {
    /// The token is missing or has expired: 900001. The client fetches another one.
    MissingOrExpired,
    /// The token is not accepted: 900002.
    NotAccepted,
}

impl AuthTokenError {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::MissingOrExpired => "900001",
            Self::NotAccepted => "900002",
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::MissingOrExpired => 401,
            Self::NotAccepted => 403,
        }
    }
}

impl fmt::Display for AuthTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingOrExpired => "the token is missing or has expired",
            Self::NotAccepted => "the token is not accepted",
        })
    }
}

impl std::error::Error for AuthTokenError {}

/// Accepts any token, and requests without one, as one and the same account.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyToken;

impl TokenAuthorizer for AnyToken {
    async fn check(&self, _: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
        Ok(Account::default())
    }
}

/// A [`TokenAuthorizer`] whose type is erased, so that every server of this platform has one type.
#[derive(Clone)]
pub(super) struct SharedAuthorizer(Arc<dyn BoxedAuthorizer>);

impl SharedAuthorizer {
    pub(super) fn new(tokens: impl TokenAuthorizer) -> Self {
        Self(Arc::new(tokens))
    }

    pub(super) async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
        self.0.check_boxed(request).await
    }

    /// Returns a privacy that tells the calls of accounts apart. The content of a request that is not accepted is
    /// private, since it may belong to any call.
    #[cfg(feature = "bot")]
    pub(super) fn of_account(self, privacy: Privacy) -> Privacy {
        Privacy::new(move |mut content| {
            let (this, privacy) = (self.clone(), privacy.clone());
            async move {
                let Ok(body) = decode::<Value>(&content.body) else { return true };
                let Some(user_id) = body.get("userid").and_then(Value::as_str) else { return true };
                let token = body.pointer("/inparams/auth_token").and_then(Value::as_str);
                let token = token.map(|token| without_bearer(&Secret::from(token)));
                let tenant_space = content.path.first().map(|(_, vdn)| vdn.as_str());
                let token = token.as_ref().filter(|token| !token.expose().is_empty());
                let Ok(account) = this.check(TokenCheck { user_id, tenant_space, token }).await
                else {
                    return true;
                };
                content.account = account.0;
                privacy.hides(content).await
            }
            .boxed()
        })
    }
}

// An authorizer may hold secrets.
impl fmt::Debug for SharedAuthorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedAuthorizer").finish_non_exhaustive()
    }
}

trait BoxedAuthorizer: Send + Sync {
    fn check_boxed<'a>(
        &'a self,
        request: TokenCheck<'a>,
    ) -> BoxFuture<'a, Result<Account, AuthTokenError>>;
}

impl<T: TokenAuthorizer> BoxedAuthorizer for T {
    fn check_boxed<'a>(
        &'a self,
        request: TokenCheck<'a>,
    ) -> BoxFuture<'a, Result<Account, AuthTokenError>> {
        Box::pin(self.check(request))
    }
}

/// Issues tokens for `gettoken`, and accepts the tokens that it has issued.
///
/// It replaces the access control of the OIAP. A token is signed with the secret of its account and
/// contains its expiry, so no state is kept, and several servers with the same accounts accept each
/// other's tokens. The app key is the [`Account`] of a request.
///
/// ```
/// # #[cfg(feature = "server")] {
/// use callbot::odfs::{Issuer, TokenRequest};
///
/// let issuer = Issuer::new().account("tenant-1", "secret-1");
/// let answer = issuer.issue(&TokenRequest::new("tenant-1", "secret-1"));
/// assert_eq!((answer.error_code, answer.expire_time), (0, Some(3600)));
/// assert_eq!(issuer.issue(&TokenRequest::new("tenant-1", "guess")).error_code, 900002);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Issuer {
    accounts: HashMap<String, Secret>,
    lifetime: Option<Duration>,
    clock: SharedClock,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    app_key: String,
    iat: i64,
    exp: i64,
}

impl Issuer {
    /// Creates an issuer without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account. An account with an empty secret gets no tokens.
    #[must_use]
    pub fn account(mut self, app_key: impl Into<String>, app_secret: impl Into<Secret>) -> Self {
        self.accounts.insert(app_key.into(), app_secret.into());
        self
    }

    /// Sets the lifetime of a token, in whole seconds, at least 1. Default: 3600 s, as at the platform.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the clock that dates the tokens. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Answers a token request.
    #[must_use]
    pub fn issue(&self, request: &TokenRequest) -> TokenResponse {
        let given = request.app_secret.expose();
        let account = self.accounts.get_key_value(&request.app_key);
        let Some((app_key, secret)) =
            account.filter(|(_, secret)| is_secret(secret, given.as_bytes()))
        else {
            // The same answer for both, so that it does not reveal which keys exist.
            return TokenResponse::new(900_002)
                .with_error_msg("the app key or the app secret is wrong");
        };
        let seconds = self.seconds();
        let iat = self.clock.seconds();
        let exp = iat.saturating_add(seconds);
        let token = jwt::sign(secret, &Claims { app_key: app_key.clone(), iat, exp });
        TokenResponse::new(0).with_error_msg("").with_auth_token(token).with_expire_time(seconds)
    }

    fn verify(&self, token: &Secret) -> Result<Account, AuthTokenError> {
        let token = token.expose();
        let read = |claims: Vec<u8>| jwt::read::<Claims>(&claims);
        let signer = jwt::unverified(token).and_then(read);
        let secret = signer.and_then(|claims| self.accounts.get(&claims.app_key));
        let secret = secret.filter(|secret| !secret.expose().is_empty());
        let claims = secret.and_then(|secret| jwt::verify(secret, token)).and_then(read);
        match claims {
            Some(claims) if claims.exp > self.clock.seconds() => Ok(Account::new(claims.app_key)),
            Some(_) => Err(AuthTokenError::MissingOrExpired),
            None => Err(AuthTokenError::NotAccepted),
        }
    }

    /// Returns the lifetime of a token, in seconds.
    fn seconds(&self) -> i64 {
        let lifetime = self.lifetime.unwrap_or(Duration::from_secs(3600));
        i64::try_from(lifetime.as_secs().max(1)).unwrap_or(i64::MAX)
    }
}

impl TokenAuthorizer for Issuer {
    async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
        self.verify(request.token.ok_or(AuthTokenError::MissingOrExpired)?)
    }
}
