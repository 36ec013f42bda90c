//! The token with which a user exchanges messages with an agent.

use std::fmt;
use std::time::Duration;

use super::ids::{IdError, Ids, is_word, random_digits};
use super::rtc::{hash, later};
use crate::auth::is_secret;
use crate::clock::{Clock, SharedClock};
use crate::wire::Secret;

/// Stands before every nonce that is not empty.
const PREFIX: &str = "AK-";

/// The most characters of a nonce.
const LONGEST_NONCE: usize = 64;

/// The role that may be given; no other one is known.
const ADMIN: &str = "admin";

/// Makes and checks the tokens with which users log in to chats.
///
/// A token is for one user in one role, until it expires. The app key stays on the server; all of a
/// [`ChatToken`] goes out to the user's app.
///
/// ```
/// use callbot::aui::ChatTokens;
///
/// let tokens = ChatTokens::new("app-1", "secret-1", "sign-1");
/// let token = tokens.issue("user_1", "")?;
/// assert!(token.nonce.starts_with("AK-"));
/// assert!(tokens.check(&token).is_ok());
///
/// let mut forged = token.clone();
/// forged.role = "admin".into();
/// assert!(tokens.check(&forged).is_err());
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

/// A token for chats: fields that go out one by one. What would let others log in does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChatToken {
    /// The app.
    pub app_id: String,
    /// The signature of the app, as the platform's console has it.
    pub app_sign: Secret,
    /// The hash over the app key and all of the other fields but the signature of the app.
    pub token: Secret,
    /// The user who may log in.
    pub user_id: String,
    /// The nonce; may be empty.
    pub nonce: String,
    /// `admin`, or empty.
    pub role: String,
    /// When the token expires, Unix time in seconds.
    pub timestamp: i64,
}

impl ChatTokens {
    /// The longest life of a token: 1 h, the platform's limit.
    pub const LONGEST: Duration = Duration::from_secs(60 * 60);

    /// Tokens of an app. All three texts are those of the platform's console.
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

    /// The life of the tokens that are issued, in whole seconds, from 1 s to
    /// [`LONGEST`](Self::LONGEST); with another one none is issued. Default: 1 h.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The nonce of all tokens that are issued: empty, or `AK-` and what makes it up to 64 of 0-9,
    /// A-Z, a-z and `_`. Default: a new one for each token, which nobody can foretell.
    #[must_use]
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// How long a token lives that is issued without a lifetime of its own.
    #[must_use]
    pub fn default_lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The clock that tokens are dated by. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// The id of the app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// A token for a user, of the [`lifetime`](Self::lifetime) that is set. The role is `admin` or
    /// empty.
    ///
    /// # Errors
    /// When the id, the role or a setting breaks the platform's rules.
    pub fn issue(&self, user_id: &str, role: &str) -> Result<ChatToken, ChatTokenError> {
        self.issue_for(user_id, role, self.lifetime)
    }

    /// A token for a user, of a lifetime of its own: 1 s to [`LONGEST`](Self::LONGEST).
    ///
    /// # Errors
    /// When the id, the role, the lifetime or a setting breaks the platform's rules.
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

    /// Checks a token: its app, its signature of the app, its id, nonce and role, its hash, that it
    /// has not expired, and that it does not claim more than 1 h.
    ///
    /// # Errors
    /// What is wrong with it.
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

    /// What must hold before anything is hashed. The hash has no separators: that no id has a dash,
    /// and every nonce has one near its beginning, is what keeps the two apart.
    fn admit(&self, token: &ChatToken) -> Result<(), ChatTokenError> {
        // With an empty key anybody could make tokens; the user's app takes neither of the others
        // when it is empty.
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
    /// A token that came from elsewhere, with an empty nonce and an empty role: to
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

/// Why a token is not issued, or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChatTokenError {
    /// The app id, the app key or the signature of the app is empty: a setting was forgotten.
    Unset,
    /// The lifetime is not among those that a token may have.
    Lifetime,
    /// The id of the user breaks the rules.
    Id(IdError),
    /// The nonce breaks the rules.
    Nonce,
    /// The role is neither `admin` nor empty.
    Role,
    /// The token is that of another app.
    App,
    /// The signature of the app is another one.
    AppSign,
    /// Another key has made it, or it was changed.
    Hash,
    /// It has expired.
    Expired,
    /// It claims to live for longer than any token may.
    TooFar,
    /// The machine gives no random numbers for a nonce.
    Random,
}

impl fmt::Display for ChatTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "the app id, the app key or the signature of the app is empty",
            Self::Lifetime => "the lifetime of a token must be 1 s to 1 h",
            Self::Id(error) => return error.fmt(f),
            Self::Nonce => {
                "the nonce must be empty, or AK- and 0-9, A-Z, a-z or _, of 64 characters at most"
            }
            Self::Role => "the role must be admin or empty",
            Self::App => "the token is that of another app",
            Self::AppSign => "the signature of the app is wrong",
            Self::Hash => "the hash of the token is wrong",
            Self::Expired => "the token has expired",
            Self::TooFar => "the token expires later than 1 h from now",
            Self::Random => "there are no random numbers for the nonce",
        })
    }
}

impl std::error::Error for ChatTokenError {}

impl From<IdError> for ChatTokenError {
    fn from(error: IdError) -> Self {
        Self::Id(error)
    }
}
