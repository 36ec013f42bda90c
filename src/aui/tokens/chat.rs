//! The token with which a user exchanges messages with an agent.

use std::fmt;
use std::time::Duration;

use super::ids::{IdError, Ids, is_word, random_digits};
use super::rtc::{hash, later};
use crate::auth::is_secret;
use crate::clock::{Clock, SharedClock};
use crate::wire::Secret;

/// The start of every nonce that is not empty.
const PREFIX: &str = "AK-";

/// The most characters of a nonce.
const LONGEST_NONCE: usize = 64;

/// The only known role.
const ADMIN: &str = "admin";

/// Makes and checks the tokens with which users log in to message chats.
///
/// A token is for one user in one role, until it expires. The app key stays on the server. Send all
/// fields of a [`ChatToken`] to the user's app.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use callbot::aui::{ChatTokenError, ChatTokens};
///
/// let tokens = ChatTokens::new("app-1", "secret-1", "sign-1");
/// let token = tokens.issue_for("user_1", "", Duration::from_secs(600))?;
/// assert!(token.nonce.starts_with("AK-"));
/// assert_eq!(tokens.check(&token), Ok(()));
///
/// let mut forged = token.clone();
/// forged.role = "admin".into();
/// assert_eq!(tokens.check(&forged), Err(ChatTokenError::Hash));
///
/// let later = tokens.clone().clock(SystemTime::now() + Duration::from_secs(601));
/// assert_eq!(later.check(&token), Err(ChatTokenError::Expired));
/// # Ok::<(), callbot::aui::ChatTokenError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChatTokens {
    app_id: String,
    app_key: Secret,
    app_sign: Secret,
    lifetime: Duration,
    nonce: Option<String>,
    clock: SharedClock,
}

/// A token for message chats, as the fields that the app receives. `Debug` hides its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatToken {
    /// The app.
    pub app_id: String,
    /// The signature of the app, from the platform's console.
    pub app_sign: Secret,
    /// The hash over the app key and all other fields except the signature of the app.
    pub token: Secret,
    /// The user who may log in.
    pub user_id: String,
    /// The nonce; may be empty.
    pub nonce: String,
    /// `admin`, or empty.
    pub role: String,
    /// When the token expires, as Unix time in seconds.
    pub timestamp: i64,
}

impl ChatTokens {
    /// The longest lifetime of a token: 1 h, the platform's limit.
    pub const LONGEST: Duration = Duration::from_secs(60 * 60);

    /// Creates a maker and checker of an app's tokens. The platform's console shows all three values.
    #[must_use]
    pub fn new(
        app_id: impl Into<String>,
        app_key: impl Into<Secret>,
        app_sign: impl Into<Secret>,
    ) -> Self {
        Self {
            app_id: app_id.into(),
            app_key: app_key.into(),
            app_sign: app_sign.into(),
            lifetime: Self::LONGEST,
            nonce: None,
            clock: SharedClock::default(),
        }
    }

    /// Sets the lifetime of issued tokens, in whole seconds: 1 s to [`LONGEST`](Self::LONGEST). With
    /// any other, issuing fails. Default: 1 h.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the nonce of all issued tokens: empty, or `AK-` followed by 0-9, A-Z, a-z and `_`, at most
    /// 64 characters in all. Default: a new, unpredictable nonce for each token.
    #[must_use]
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// Returns the lifetime of tokens that [`issue`](Self::issue) makes.
    #[must_use]
    pub fn default_lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Sets the clock by which tokens are dated. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Returns the id of the app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Makes a token for a user, with the set [`lifetime`](Self::lifetime). `role` is `admin` or empty.
    ///
    /// # Errors
    /// If the id, the role or a setting breaks the platform's rules.
    pub fn issue(&self, user_id: &str, role: &str) -> Result<ChatToken, ChatTokenError> {
        self.issue_for(user_id, role, self.lifetime)
    }

    /// Makes a token for a user, with a lifetime of 1 s to [`LONGEST`](Self::LONGEST).
    ///
    /// # Errors
    /// If the id, the role, the lifetime or a setting breaks the platform's rules.
    pub fn issue_for(
        &self,
        user_id: &str,
        role: &str,
        lifetime: Duration,
    ) -> Result<ChatToken, ChatTokenError> {
        if lifetime < Duration::from_secs(1) || lifetime > Self::LONGEST {
            return Err(ChatTokenError::Lifetime);
        }
        let mut token = ChatToken {
            app_id: self.app_id.clone(),
            app_sign: self.app_sign.clone(),
            token: "".into(),
            user_id: user_id.into(),
            nonce: match &self.nonce {
                Some(nonce) => nonce.clone(),
                None => new_nonce()?,
            },
            role: role.into(),
            timestamp: later(self.clock.seconds(), lifetime),
        };
        self.admit(&token)?;
        token.token = self.hash(&token);
        Ok(token)
    }

    /// Checks a token: its app, the signature of its app, its user id, nonce, role and hash, that it
    /// has not expired, and that it expires in at most 1 h.
    ///
    /// # Errors
    /// If one of these is wrong.
    pub fn check(&self, token: &ChatToken) -> Result<(), ChatTokenError> {
        if token.app_id != self.app_id {
            return Err(ChatTokenError::App);
        }
        self.admit(token)?;
        if !is_secret(&self.app_sign, token.app_sign.expose().as_bytes()) {
            return Err(ChatTokenError::AppSign);
        }
        if !is_secret(&self.hash(token), token.token.expose().as_bytes()) {
            return Err(ChatTokenError::Hash);
        }
        let now = self.clock.seconds();
        if token.timestamp <= now {
            Err(ChatTokenError::Expired)
        } else if token.timestamp > later(now, Self::LONGEST) {
            Err(ChatTokenError::TooFar)
        } else {
            Ok(())
        }
    }

    /// Checks the parts before they are hashed. The hash has no separators between its parts. The
    /// user id and the nonce can still be told apart, because no id has a dash, and every nonce that is
    /// not empty has one as its third character.
    fn admit(&self, token: &ChatToken) -> Result<(), ChatTokenError> {
        // With an empty key anyone could make tokens. The user's app refuses an empty app id or
        // signature.
        let settings = [self.app_id.as_str(), self.app_key.expose(), self.app_sign.expose()];
        if settings.contains(&"") {
            return Err(ChatTokenError::Unset);
        }
        Ids::Chat.check("user_id", &token.user_id)?;
        if !is_nonce(&token.nonce) {
            return Err(ChatTokenError::Nonce);
        }
        match token.role.as_str() {
            "" | ADMIN => Ok(()),
            _ => Err(ChatTokenError::Role),
        }
    }

    fn hash(&self, token: &ChatToken) -> Secret {
        hash([
            &token.app_id,
            self.app_key.expose(),
            &token.user_id,
            &token.nonce,
            &token.timestamp.to_string(),
            &token.role,
        ])
    }
}

fn new_nonce() -> Result<String, ChatTokenError> {
    let random = random_digits().map_err(|_| ChatTokenError::Random)?;
    Ok(format!("{PREFIX}{random}"))
}

fn is_nonce(text: &str) -> bool {
    let rest = text.strip_prefix(PREFIX);
    let filled = rest.is_some_and(|rest| text.len() <= LONGEST_NONCE && rest.bytes().all(is_word));
    filled || text.is_empty()
}

impl ChatToken {
    /// Creates a token from received fields, with an empty nonce and an empty role, in order to
    /// [check](ChatTokens::check) it.
    #[must_use]
    pub fn new(
        app_id: impl Into<String>,
        app_sign: impl Into<Secret>,
        token: impl Into<Secret>,
        user_id: impl Into<String>,
        timestamp: i64,
    ) -> Self {
        Self {
            app_id: app_id.into(),
            app_sign: app_sign.into(),
            token: token.into(),
            user_id: user_id.into(),
            nonce: String::new(),
            role: String::new(),
            timestamp,
        }
    }

    /// Sets the nonce.
    #[must_use]
    pub fn with_nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Sets the role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
        self
    }
}

/// Why a token can't be issued, or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChatTokenError {
    /// The app id, the app key or the signature of the app is empty: a setting is missing.
    Unset,
    /// The lifetime is out of range.
    Lifetime,
    /// The user id breaks the rules.
    Id(IdError),
    /// The nonce breaks the rules.
    Nonce,
    /// The role is neither `admin` nor empty.
    Role,
    /// The token belongs to another app.
    App,
    /// The signature of the app is wrong.
    AppSign,
    /// The hash is wrong: the token was made with another key, or changed.
    Hash,
    /// The token has expired.
    Expired,
    /// The token expires later than any token may.
    TooFar,
    /// The system provides no random numbers for a nonce.
    Random,
}

impl fmt::Display for ChatTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "the app id, the app key or the signature of the app is empty",
            Self::Lifetime => "the lifetime of a token must be 1 s to 1 h",
            Self::Id(error) => return error.fmt(f),
            Self::Nonce => {
                "the nonce must be empty, or AK- followed by 0-9, A-Z, a-z and _, at most 64 characters"
            }
            Self::Role => "the role must be admin or empty",
            Self::App => "the token belongs to another app",
            Self::AppSign => "the signature of the app is wrong",
            Self::Hash => "the hash of the token is wrong",
            Self::Expired => "the token has expired",
            Self::TooFar => "the token expires later than 1 h from now",
            Self::Random => "the system provides no random numbers for the nonce",
        })
    }
}

impl std::error::Error for ChatTokenError {}

impl From<IdError> for ChatTokenError {
    fn from(error: IdError) -> Self {
        Self::Id(error)
    }
}
