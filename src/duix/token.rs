//! The token of the management API.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::jwt;
use crate::clock::{Clock, SharedClock};
use crate::lock::Mutex;
use crate::wire::Secret;

/// Signs the tokens of an app, and reuses one until shortly before it expires.
///
/// A token is a JSON Web Token (HS256) over `appId`, `iat` and `exp`, signed with the app key. Keep
/// the app key on the server. A token may be given away: the vendor's SDK for the front end takes
/// one as its `sign`.
///
/// Cheap to clone; all clones share the token in use.
///
/// ```
/// use std::time::Duration;
/// use callbot::duix::Tokens;
///
/// let tokens = Tokens::new("app-1", "secret-1").lifetime(Duration::from_secs(600));
/// let sign = tokens.mint(); // for the front end: `sign.expose()`
/// assert!(tokens.check(sign.expose()).is_ok());
/// assert!(!format!("{tokens:?} {sign:?}").contains("secret-1"));
/// ```
#[derive(Debug, Clone)]
pub struct Tokens {
    app_id: String,
    app_key: Secret,
    lifetime: Duration,
    back_dating: Duration,
    clock: SharedClock,
    current: Arc<Mutex<Option<Current>>>,
}

/// A token, and the time at which to replace it, in Unix seconds.
#[derive(Debug, Clone)]
struct Current {
    token: Secret,
    renew: i64,
}

// In the order of the vendor's sample.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    app_id: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Creates the tokens of an app. The platform's console shows the id and the key.
    ///
    /// The platform's Chinese pages call the key `appSecret`.
    #[must_use]
    pub fn new(app_id: impl Into<String>, app_key: impl Into<Secret>) -> Self {
        Self {
            app_id: app_id.into(),
            app_key: app_key.into(),
            lifetime: Duration::from_secs(1800),
            back_dating: Duration::from_secs(5),
            clock: SharedClock::default(),
            current: Arc::default(),
        }
    }

    /// Sets the lifetime of a token, from `iat` to `exp`, in whole seconds, at least 1.
    ///
    /// The maximum that the platform accepts is not documented. Default: 1800 s, as in the vendor's
    /// sample.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.max(Duration::from_secs(1));
        self.forget()
    }

    /// Sets how far `iat` is dated back, in whole seconds, at most half the lifetime.
    ///
    /// The vendor's JWT library refuses a token from the future. Without dating back, a clock ahead of
    /// the platform's would sign such tokens. Default: 5 s.
    #[must_use]
    pub fn back_dating(mut self, back_dating: Duration) -> Self {
        self.back_dating = back_dating;
        self.forget()
    }

    /// Sets the clock that dates the tokens. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self.forget()
    }

    /// Stops sharing the token with earlier clones, whose settings are different.
    fn forget(mut self) -> Self {
        self.current = Arc::default();
        self
    }

    /// Returns the id of the app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Creates a new token, for instance the `sign` of the vendor's SDK for the front end.
    #[must_use]
    pub fn mint(&self) -> Secret {
        self.make(self.clock.seconds()).token
    }

    /// Returns the token in use.
    ///
    /// It is replaced when the rest of its lifetime is less than a tenth of the whole, or less than
    /// one minute, whichever is shorter.
    #[must_use]
    pub fn current(&self) -> Secret {
        let now = self.clock.seconds();
        let mut current = self.current.lock();
        match &*current {
            Some(current) if now < current.renew => current.token.clone(),
            _ => current.insert(self.make(now)).token.clone(),
        }
    }

    /// Replaces the token in use after the platform refused it.
    ///
    /// Does nothing if another token is already in use. When several concurrent calls are refused,
    /// only the first one replaces the token.
    pub fn renew(&self, refused: &Secret) {
        let now = self.clock.seconds();
        let mut current = self.current.lock();
        if current.as_ref().is_none_or(|current| current.token == *refused) {
            *current = Some(self.make(now));
        }
    }

    /// Checks a token as the platform's JWT library does: signature, app, `iat` not in the future,
    /// `exp` not passed. With an empty app key every token is refused.
    ///
    /// # Errors
    /// Returns what is wrong with the token.
    pub fn check(&self, token: &str) -> Result<(), TokenError> {
        if self.app_key.expose().is_empty() {
            // A setting that was forgotten: anyone can sign with an empty key.
            return Err(TokenError::Signature);
        }
        let claims = jwt::verify(&self.app_key, token).ok_or(TokenError::Signature)?;
        let claims: Claims = jwt::read(&claims).ok_or(TokenError::Claims)?;
        let now = self.clock.seconds();
        if claims.app_id != self.app_id {
            Err(TokenError::App)
        } else if claims.iat > now {
            Err(TokenError::Future)
        } else if claims.exp <= now {
            Err(TokenError::Expired)
        } else {
            Ok(())
        }
    }

    fn make(&self, now: i64) -> Current {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let lifetime = seconds(self.lifetime);
        // A new token must not have expired already.
        let iat = now.saturating_sub(seconds(self.back_dating).min(lifetime / 2));
        let exp = iat.saturating_add(lifetime);
        let token = jwt::sign(&self.app_key, &Claims { app_id: self.app_id.clone(), iat, exp });
        Current { token, renew: exp.saturating_sub((lifetime / 10).min(60)) }
    }
}

/// Why a token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not a JWT with HS256, or it is signed with another key.
    Signature,
    /// Its claims are missing or malformed.
    Claims,
    /// It belongs to another app.
    App,
    /// Its `iat` is in the future.
    Future,
    /// Its `exp` has passed.
    Expired,
}

impl std::fmt::Display for TokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signature => "the signature of the token is wrong",
            Self::Claims => "the claims of the token are missing or malformed",
            Self::App => "the token belongs to another app",
            Self::Future => "the token was issued in the future",
            Self::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for TokenError {}
