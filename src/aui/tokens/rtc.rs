//! The token with which a user joins a channel of ARTC, Alibaba Cloud's real-time communication.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{IdError, Ids};
use crate::auth::{encoding, is_secret};
use crate::clock::{Clock, SharedClock};
use crate::wire::{self, AnyNumber, As, DecodeError, Secret};

/// Makes and checks the tokens with which users join the RTC channels of an app.
///
/// A token is for one user in one channel, until it expires. The app key stays on the server. Send
/// the token to the user's app, which joins with it.
///
/// **Give all channel ids the same length, and all user ids too.** The hash has no separators between
/// its parts. A token for user `2bob` in channel `room1` has the same hash as one for user `bob` in
/// channel `room12`, and a token for user `bob7` the same as one for user `bob` with the nonce `7`.
/// [`check`](Self::check) can't tell them apart and, by its rule, neither can the platform. A UUID
/// without dashes is suitable; the vendor's app server uses one for channels and agents.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use callbot::aui::{RtcToken, RtcTokenError, RtcTokens};
///
/// let tokens = RtcTokens::new("app-1", "secret-1").lifetime(Duration::from_secs(3600));
/// let token = tokens.issue("channel-1", "user-1")?;
/// let encoded = token.encode(); // for the app: `encoded.expose()`
/// assert_eq!(tokens.check(encoded.expose())?, token);
/// assert_eq!(RtcToken::read(encoded.expose())?.user_id, "user-1");
///
/// let later = tokens.clone().clock(SystemTime::now() + Duration::from_secs(3601));
/// assert_eq!(later.check(encoded.expose()), Err(RtcTokenError::Expired));
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

/// The fields of a token for an RTC channel. `Debug` hides the hash.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtcToken {
    /// The app.
    pub app_id: String,
    /// The channel that may be joined.
    pub channel_id: String,
    /// The user who may join it.
    pub user_id: String,
    /// The nonce, usually empty.
    pub nonce: String,
    /// When the token expires, as Unix time in seconds: the platform's `timestamp`.
    #[doc(alias = "timestamp")]
    pub expires_at: i64,
    /// The hash over all other fields and the app key: the platform's `token`.
    #[doc(alias = "token")]
    pub hash: Secret,
}

// In the order of the vendor's documentation.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "an object")]
struct Fields {
    appid: String,
    channelid: String,
    userid: String,
    #[serde(default)]
    nonce: String,
    #[serde(deserialize_with = "As::<AnyNumber>::deserialize")]
    timestamp: i64,
    token: Secret,
}

impl RtcTokens {
    /// The longest lifetime of a user's token: 24 h, the platform's limit.
    pub const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The lifetime of an agent's token: 7 days, as in the vendor's app server.
    pub const AGENT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// Creates a maker and checker of an RTC app's tokens. The platform's console shows both values.
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

    /// Sets the lifetime of tokens for users, in whole seconds: 1 s to [`LONGEST`](Self::LONGEST).
    /// With any other, issuing fails. Default: 24 h.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the nonce of issued tokens: printable ASCII. The vendor's samples for RTC without agents
    /// use `AK-` and a UUID. Default: empty, as in the vendor's app server.
    #[must_use]
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = nonce.into();
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

    /// Makes a token for a user, with the set [`lifetime`](Self::lifetime).
    ///
    /// # Errors
    /// If an id or a setting breaks the platform's rules.
    pub fn issue(&self, channel_id: &str, user_id: &str) -> Result<RtcToken, RtcTokenError> {
        self.issue_for(channel_id, user_id, self.lifetime)
    }

    /// Makes a token for a user, with a lifetime of 1 s to [`LONGEST`](Self::LONGEST).
    ///
    /// # Errors
    /// If an id, the lifetime or a setting breaks the platform's rules.
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

    /// Makes a token for an agent, with a lifetime of 7 days. The platform documents a limit of 24 h,
    /// but the vendor's app server gives its agents 7 days.
    ///
    /// # Errors
    /// If an id or a setting breaks the platform's rules.
    pub fn issue_agent(&self, channel_id: &str, user_id: &str) -> Result<RtcToken, RtcTokenError> {
        self.make(channel_id, user_id, Self::AGENT)
    }

    /// Checks a token: its app, its ids, its hash, that it has not expired, and that it expires within
    /// the 7 days of an agent's token. Any nonce of printable ASCII is accepted. Compare the user and
    /// the channel of the returned token yourself.
    ///
    /// # Errors
    /// If one of these is wrong.
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

    /// Checks the parts before they are hashed.
    fn admit(&self, token: &RtcToken) -> Result<(), RtcTokenError> {
        // With an empty key anyone could make tokens.
        if self.app_id.is_empty() || self.app_key.expose().is_empty() {
            return Err(RtcTokenError::Unset);
        }
        Ids::Rtc.check("channel_id", &token.channel_id)?;
        Ids::Rtc.check("user_id", &token.user_id)?;
        // This prevents length extension: SHA-256 can be continued without the key, but only past
        // padding, whose bytes are not printable.
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
    /// Returns the token in the form that is sent: Base64 of its JSON.
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
        // Serializing a struct of plain values can't fail.
        encoding::base64(&serde_json::to_vec(&fields).unwrap_or_default()).into()
    }

    /// Reads the fields of a token **without checking it**. If you have the app key, use
    /// [`RtcTokens::check`].
    ///
    /// The Base64 is the standard alphabet with padding, without line breaks. Other keys of the JSON,
    /// such as `gslb`, are ignored. The time may be a string. A missing nonce is empty.
    ///
    /// # Errors
    /// If it is not such a token.
    pub fn read(token: &str) -> Result<Self, RtcTokenError> {
        let json = encoding::unbase64(token).ok_or(RtcTokenError::Base64)?;
        // Serde would accept an array, which no other library does.
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

/// Returns the hash of the platform's tokens: the SHA-256 of the parts without separators, in
/// lower-case hex.
pub(super) fn hash<const N: usize>(parts: [&str; N]) -> Secret {
    encoding::sha256(parts.concat().as_bytes()).into()
}

/// Returns the Unix time `lifetime` after `now`, in whole seconds.
pub(super) fn later(now: i64, lifetime: Duration) -> i64 {
    now.saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX))
}

/// Why a token can't be issued, or is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcTokenError {
    /// The app id or the app key is empty: a setting is missing.
    Unset,
    /// The lifetime is out of range for a user's token.
    Lifetime,
    /// The channel id or the user id breaks the rules.
    Id(IdError),
    /// The nonce is not printable ASCII.
    Nonce,
    /// The token is not Base64.
    Base64,
    /// The content is not the JSON of a token.
    Json(DecodeError),
    /// The token belongs to another app.
    App,
    /// The hash is wrong: the token was made with another key, or changed.
    Hash,
    /// The token has expired.
    Expired,
    /// The token expires later than any token may.
    TooFar,
}

impl fmt::Display for RtcTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unset => "the app id or the app key is empty",
            Self::Lifetime => "the lifetime of a token must be 1 s to 24 h",
            Self::Id(error) => return error.fmt(f),
            Self::Nonce => "the nonce must be printable ASCII",
            Self::Base64 => "the token is not Base64",
            Self::Json(error) => return write!(f, "the JSON of the token can't be read: {error}"),
            Self::App => "the token belongs to another app",
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
