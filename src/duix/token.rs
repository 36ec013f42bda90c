//! The token of the management API.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::jwt;
use crate::clock::{Clock, SharedClock};
use crate::wire::Secret;

/// Makes the tokens of an app, and keeps the one in use until it is about to end.
///
/// A token is a JSON Web Token (HS256) over `appId`, `iat` and `exp`, signed with the app key. The
/// app key stays on the server; a token may go out: the vendor's SDK for the front end takes one as
/// its `sign`.
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

/// A token, and when it is to be replaced.
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
    /// Tokens of an app. Both texts are those of the platform's console; its Chinese pages call the
    /// key `appSecret`.
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

    /// From `iat` to `exp`, in whole seconds, at least 1. Default: 1800 s, as in the vendor's
    /// sample; the longest that the platform takes is not documented.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.max(Duration::from_secs(1));
        self.forget()
    }

    /// How far `iat` is dated back, in whole seconds: the vendor's JWT library refuses a token from
    /// the future, which is what a clock makes that is ahead of the platform's. At most half the
    /// lifetime. Default: 5 s.
    #[must_use]
    pub fn back_dating(mut self, back_dating: Duration) -> Self {
        self.back_dating = back_dating;
        self.forget()
    }

    /// The clock that tokens are dated by. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self.forget()
    }

    /// With other settings no token is shared with former clones.
    fn forget(mut self) -> Self {
        self.current = Arc::default();
        self
    }

    /// The id of the app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// A new token, such as the `sign` of the vendor's SDK for the front end.
    #[must_use]
    pub fn mint(&self) -> Secret {
        self.make(self.clock.seconds()).token
    }

    /// The token in use. It is replaced when less than a tenth of its life, or less than a minute,
    /// whichever is shorter, is left.
    #[must_use]
    pub fn current(&self) -> Secret {
        let now = self.clock.seconds();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some(current) if now < current.renew => current.token.clone(),
            _ => current.insert(self.make(now)).token.clone(),
        }
    }

    /// Puts a new token in use in place of one that the platform refuses. Does nothing when another
    /// one is in use already: of many calls that are refused at once, the first one renews.
    pub fn renew(&self, refused: &Secret) {
        let now = self.clock.seconds();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|current| current.token == *refused) {
            *current = Some(self.make(now));
        }
    }

    /// Checks a token as the platform's JWT library does: signature, app, `iat` not in the future,
    /// `exp` not passed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, token: &str) -> Result<(), TokenError> {
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
        // A token must not have ended when it is made.
        let iat = now.saturating_sub(seconds(self.back_dating).min(lifetime / 2));
        let exp = iat.saturating_add(lifetime);
        let token = jwt::sign(&self.app_key, &Claims { app_id: self.app_id.clone(), iat, exp });
        Current { token, renew: exp.saturating_sub((lifetime / 10).min(60)) }
    }
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no JWT with HS256, or another key has signed it.
    Signature,
    /// Its claims are not those of such a token.
    Claims,
    /// It is that of another app.
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
            Self::Claims => "the claims of the token can't be read",
            Self::App => "the token is that of another app",
            Self::Future => "the token is from the future",
            Self::Expired => "the token has expired",
        })
    }
}

impl std::error::Error for TokenError {}
