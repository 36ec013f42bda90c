//! The token with which a user joins a channel of ARTC, Alibaba Cloud's real-time communication.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{IdError, Ids};
use crate::auth::{encoding, is_secret};
use crate::clock::{Clock, SharedClock};
use crate::wire::{self, As, DecodeError, OrText, Secret};

/// Makes and checks the tokens with which users join the RTC channels of an app.
///
/// A token is for one user in one channel, until it expires. The app key stays on the server; a
/// token goes out to the user's app, which joins with it.
///
/// **Give all channels ids of one length**, and all users, too. What is hashed has no separators: a
/// token for user `2bob` in channel `room1` has the hash of one for user `bob` in channel `room12`,
/// and one for user `bob7` that of one for user `bob` with the nonce `7`. [`check`](Self::check)
/// can't tell them apart and, going by its rule, neither can the platform. A UUID without dashes,
/// as the vendor's app server makes for channels and agents, will do.
///
/// ```
/// use callbot::aui::{RtcToken, RtcTokens};
///
/// let tokens = RtcTokens::new("app-1", "secret-1");
/// let token = tokens.issue("channel-1", "user-1")?;
/// let text = token.encode(); // for the app: `text.expose()`
/// assert_eq!(tokens.check(text.expose())?, token);
/// assert_eq!(RtcToken::read(text.expose())?.user_id, "user-1");
/// assert!(tokens.issue("channel 1", "user-1").is_err());
/// # Ok::<(), callbot::aui::RtcTokenError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RtcTokens {
    app_id: String,
    app_key: Secret,
    lifetime: Duration,
    nonce: String,
    clock: SharedClock,
}

/// A token for an RTC channel, taken apart. Its hash does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtcToken {
    /// The app.
    pub app_id: String,
    /// The channel that may be joined.
    pub channel_id: String,
    /// The user who may join it.
    pub user_id: String,
    /// The nonce, mostly empty.
    pub nonce: String,
    /// When the token expires, Unix time in seconds: the platform's `timestamp`.
    #[doc(alias = "timestamp")]
    pub expires_at: i64,
    /// The hash over all of the above and the app key: the platform's `token`.
    #[doc(alias = "token")]
    pub hash: Secret,
}

// In the order of the vendor's page.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object")]
struct Fields {
    appid: String,
    channelid: String,
    userid: String,
    #[serde(default)]
    nonce: String,
    #[serde(deserialize_with = "As::<OrText>::deserialize")]
    timestamp: i64,
    token: Secret,
}

impl RtcTokens {
    /// The longest life of a user's token: 24 h, the platform's limit.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The life of an agent's token: 7 days, as in the vendor's app server.
    pub const AGENT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Tokens of an app. Both texts are those of the RTC app in the platform's console.
    #[must_use]
    pub fn new(app_id: impl Into<String>, app_key: impl Into<Secret>) -> Self {
        Self {
            app_id: app_id.into(),
            app_key: app_key.into(),
            lifetime: Self::LONGEST,
            nonce: String::new(),
            clock: SharedClock::default(),
        }
    }

    /// The life of the tokens that are issued to users, in whole seconds, from 1 s to
    /// [`LONGEST`](Self::LONGEST); with another one none is issued. Default: 24 h.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The nonce of the tokens that are issued, of printable ASCII. Default: empty, as in the
    /// vendor's app server. Its samples for RTC alone have `AK-` and a UUID.
    #[must_use]
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = nonce.into();
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

    /// A token for a user, of the [`lifetime`](Self::lifetime) that is set.
    ///
    /// # Errors
    /// When an id or a setting breaks the platform's rules.
    pub fn issue(&self, channel_id: &str, user_id: &str) -> Result<RtcToken, RtcTokenError> {
        self.issue_for(channel_id, user_id, self.lifetime)
    }

    /// A token for a user, of a lifetime of its own: 1 s to [`LONGEST`](Self::LONGEST).
    ///
    /// # Errors
    /// When an id, the lifetime or a setting breaks the platform's rules.
    pub fn issue_for(
        &self,
        channel_id: &str,
        user_id: &str,
        lifetime: Duration,
    ) -> Result<RtcToken, RtcTokenError> {
        if lifetime < Duration::from_secs(1) || lifetime > Self::LONGEST {
            return Err(RtcTokenError::Lifetime);
        }
        self.make(channel_id, user_id, lifetime)
    }

    /// A token for an agent, of 7 days. The platform documents a limit of 24 h; the vendor's app
    /// server gives its agents 7 days all the same.
    ///
    /// # Errors
    /// When an id or a setting breaks the platform's rules.
    pub fn issue_agent(&self, channel_id: &str, user_id: &str) -> Result<RtcToken, RtcTokenError> {
        self.make(channel_id, user_id, Self::AGENT)
    }

    /// Checks a token: its app, its ids, its hash, that it has not expired, and that it does not
    /// claim more than the 7 days of an agent. The nonce may be any. Whose token it is must be
    /// compared by the caller.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, token: &str) -> Result<RtcToken, RtcTokenError> {
        let token = RtcToken::read(token)?;
        if token.app_id != self.app_id {
            return Err(RtcTokenError::App);
        }
        self.admit(&token)?;
        if !is_secret(&self.hash(&token), token.hash.expose().as_bytes()) {
            return Err(RtcTokenError::Hash);
        }
        let now = self.clock.seconds();
        if token.expires_at <= now {
            Err(RtcTokenError::Expired)
        } else if token.expires_at > later(now, Self::AGENT) {
            Err(RtcTokenError::TooFar)
        } else {
            Ok(token)
        }
    }

    fn make(
        &self,
        channel_id: &str,
        user_id: &str,
        lifetime: Duration,
    ) -> Result<RtcToken, RtcTokenError> {
        let mut token = RtcToken {
            app_id: self.app_id.clone(),
            channel_id: channel_id.into(),
            user_id: user_id.into(),
            nonce: self.nonce.clone(),
            expires_at: later(self.clock.seconds(), lifetime),
            hash: "".into(),
        };
        self.admit(&token)?;
        token.hash = self.hash(&token);
        Ok(token)
    }

    /// What must hold before anything is hashed.
    fn admit(&self, token: &RtcToken) -> Result<(), RtcTokenError> {
        // With an empty key anybody could make tokens.
        if self.app_id.is_empty() || self.app_key.expose().is_empty() {
            return Err(RtcTokenError::Unset);
        }
        Ids::Rtc.check("channel_id", &token.channel_id)?;
        Ids::Rtc.check("user_id", &token.user_id)?;
        // More than a rule of style: a hash of this kind can be carried on by who does not know the
        // key, but only over bytes that are not printable.
        match token.nonce.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            true => Ok(()),
            false => Err(RtcTokenError::Nonce),
        }
    }

    fn hash(&self, token: &RtcToken) -> Secret {
        hash([
            &token.app_id,
            self.app_key.expose(),
            &token.channel_id,
            &token.user_id,
            &token.nonce,
            &token.expires_at.to_string(),
        ])
    }
}

impl RtcToken {
    /// The token as it is sent: base64 of its JSON.
    #[must_use]
    pub fn encode(&self) -> Secret {
        let fields = Fields {
            appid: self.app_id.clone(),
            channelid: self.channel_id.clone(),
            userid: self.user_id.clone(),
            nonce: self.nonce.clone(),
            timestamp: self.expires_at,
            token: self.hash.clone(),
        };
        // A struct of plain values: writing it can't fail.
        encoding::base64(&serde_json::to_vec(&fields).unwrap_or_default()).into()
    }

    /// Takes a token apart, **without checking it**: whoever has the app key uses
    /// [`RtcTokens::check`].
    ///
    /// The base64 is the standard one with padding, without line breaks. Further keys of the JSON,
    /// such as `gslb`, are ignored, the time may be a string, and a nonce that is not there is
    /// empty.
    ///
    /// # Errors
    /// When it is no such token.
    pub fn read(token: &str) -> Result<Self, RtcTokenError> {
        let json = encoding::unbase64(token).ok_or(RtcTokenError::Base64)?;
        // An array would do for serde, and for no other library.
        if json.trim_ascii_start().starts_with(b"[") {
            let error = DecodeError::new("", "invalid type: sequence, expected an object");
            return Err(RtcTokenError::Json(error));
        }
        let fields: Fields = wire::decode(&json).map_err(RtcTokenError::Json)?;
        Ok(Self {
            app_id: fields.appid,
            channel_id: fields.channelid,
            user_id: fields.userid,
            nonce: fields.nonce,
            expires_at: fields.timestamp,
            hash: fields.token,
        })
    }
}

/// The hash of the platform's tokens: that of the parts without separators, in lower-case hex.
pub(super) fn hash<const N: usize>(parts: [&str; N]) -> Secret {
    encoding::sha256(parts.concat().as_bytes()).into()
}

/// Unix time in seconds, whole seconds after `now`.
pub(super) fn later(now: i64, lifetime: Duration) -> i64 {
    now.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX))
}

/// Why a token is not issued, or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcTokenError {
    /// The app id or the app key is empty: a setting was forgotten.
    Unset,
    /// The lifetime is not among those that a user's token may have.
    Lifetime,
    /// The id of the channel or of the user breaks the rules.
    Id(IdError),
    /// The nonce has other characters than printable ASCII.
    Nonce,
    /// The token is not base64.
    Base64,
    /// What is in the base64 is not the JSON of a token.
    Json(DecodeError),
    /// It is that of another app.
    App,
    /// Another key has made it, or it was changed.
    Hash,
    /// It has expired.
    Expired,
    /// It claims to live for longer than any token may.
    TooFar,
}

impl fmt::Display for RtcTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "the app id or the app key is empty",
            Self::Lifetime => "the lifetime of a token must be 1 s to 24 h",
            Self::Id(error) => return error.fmt(f),
            Self::Nonce => "the nonce must be of printable ASCII",
            Self::Base64 => "the token is not base64",
            Self::Json(error) => return write!(f, "the JSON of the token can't be read: {error}"),
            Self::App => "the token is that of another app",
            Self::Hash => "the hash of the token is wrong",
            Self::Expired => "the token has expired",
            Self::TooFar => "the token expires later than 7 days from now",
        })
    }
}

impl std::error::Error for RtcTokenError {}

impl From<IdError> for RtcTokenError {
    fn from(error: IdError) -> Self {
        Self::Id(error)
    }
}
