//! Share tokens, which identify a shared agent.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use percent_encoding::percent_decode_str;

use super::ShareConfig;
use crate::auth::encoding::{base64, unbase64};
use crate::clock::{Clock, SharedClock};
use crate::wire::{DecodeError, Validate, Violations, decode};

/// Reads and writes share tokens of AICallKit: Base64 of JSON.
///
/// **A share token is not signed.** Anyone can write one. It says which agent to request, and grants
/// no permission.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use callbot::aicall::{AgentType, GmtTime, ShareConfig, ShareTokenError, ShareTokens};
///
/// let end: GmtTime = "2026-01-02 03:04:05".parse()?;
/// let mut share = ShareConfig::default();
/// share.share_id = Some("share1".into());
/// share.agent_type = Some(AgentType::Vision);
/// share.expire_time = Some(end);
/// let token = ShareTokens::new().write(&share)?;
///
/// let before = ShareTokens::new().clock(SystemTime::from(end) - Duration::from_secs(1));
/// assert_eq!(before.read(&token)?, share);
///
/// let after = ShareTokens::new().clock(SystemTime::from(end));
/// assert_eq!(after.read(&token), Err(ShareTokenError::Expired(end.into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ShareTokens {
    clock: SharedClock,
}

impl ShareTokens {
    /// Creates a reader and writer that uses the system clock.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the clock that decides whether a share has expired. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Returns the token of a share.
    ///
    /// # Errors
    /// If the share breaks a rule of the spec.
    pub fn write(&self, share: &ShareConfig) -> Result<String, Violations> {
        share.validate()?;
        // This can't fail: valid shares have string keys, and only numbers that JSON can express.
        Ok(base64(&serde_json::to_vec(share).unwrap_or_default()))
    }

    /// Reads a token, plain or percent-encoded as in a URL. A space is read as `+`.
    ///
    /// # Errors
    /// If it is not a share token, or if the share has expired, which the SDK calls
    /// [`TokenExpired`](crate::aicall::ErrorCode::TokenExpired).
    pub fn read(&self, token: &str) -> Result<ShareConfig, ShareTokenError> {
        let text = match percent_decode_str(token.trim()).decode_utf8() {
            Ok(text) => text,
            Err(_) => Cow::Borrowed(token.trim()),
        };
        // Browsers also read Base64 without padding.
        let mut text = text.replace(' ', "+");
        while text.len() % 4 != 0 && text.len() % 4 != 1 {
            text.push('=');
        }
        let json = unbase64(&text).ok_or(ShareTokenError::Base64)?;
        let share: ShareConfig = decode(&json).map_err(ShareTokenError::Json)?;
        let now = self.clock.seconds();
        match share.expire_time {
            Some(end) if i64::try_from(end.unix()).is_ok_and(|end| end <= now) => {
                Err(ShareTokenError::Expired(end.into()))
            }
            _ => Ok(share),
        }
    }
}

/// Why a share token can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareTokenError {
    /// It is not Base64.
    Base64,
    /// Its content is not the JSON of a share.
    Json(DecodeError),
    /// The share expired at this time.
    Expired(SystemTime),
}

impl fmt::Display for ShareTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("the share token is not Base64"),
            Self::Json(error) => write!(f, "the JSON of the share token can't be read: {error}"),
            Self::Expired(_) => f.write_str("the share has expired"),
        }
    }
}

impl std::error::Error for ShareTokenError {}
