//! Share tokens, which stand for an agent that somebody shares.

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
/// **A share token is not signed.** Anybody can write one; it says what to ask for, not what may be
/// done.
///
/// ```
/// use callbot::aicall::{AgentType, ShareConfig, ShareTokens};
///
/// let mut share = ShareConfig::default();
/// share.share_id = Some("share1".into());
/// share.agent_type = Some(AgentType::Vision);
/// let token = ShareTokens::new().write(&share)?;
/// assert_eq!(ShareTokens::new().read(&token)?, share);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ShareTokens {
    clock: SharedClock,
}

impl ShareTokens {
    /// A reader and writer with the clock of the machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The clock that tells whether a share has ended. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// The token of a share.
    ///
    /// # Errors
    /// When its template breaks a rule of the spec.
    pub fn write(&self, share: &ShareConfig) -> Result<String, Violations> {
        share.validate()?;
        // What is valid has no number that JSON can't write, and its keys are texts.
        Ok(base64(&serde_json::to_vec(share).unwrap_or_default()))
    }

    /// Reads a token as it is or as it stands in a URL, also where its `+` have become spaces.
    ///
    /// # Errors
    /// When it is none, or when the share has ended, which the SDK calls
    /// [`TokenExpired`](crate::aicall::ErrorCode::TokenExpired).
    pub fn read(&self, token: &str) -> Result<ShareConfig, ShareTokenError> {
        let text = match percent_decode_str(token.trim()).decode_utf8() {
            Ok(text) => text,
            Err(_) => Cow::Borrowed(token.trim()),
        };
        // Browsers read Base64 without its padding, too.
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

/// Why a text is no share token, or none that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareTokenError {
    /// It is not Base64.
    Base64,
    /// It is not the JSON of a share.
    Json(DecodeError),
    /// The share ended at this time.
    Expired(SystemTime),
}

impl fmt::Display for ShareTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("the share token is not Base64"),
            Self::Json(error) => write!(f, "the share token is no share: {error}"),
            Self::Expired(_) => f.write_str("the share has ended"),
        }
    }
}

impl std::error::Error for ShareTokenError {}
