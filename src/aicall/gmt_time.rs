//! Times in the form of share tokens.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::{Report, Validate};

/// A time in the form of share tokens: `YYYY-MM-DD HH:MM:SS`, in GMT, in the years 1970 to 9999.
///
/// Fractions of a second are dropped. RFC 3339 is also read.
///
/// ```
/// use callbot::aicall::GmtTime;
///
/// let time: GmtTime = "2026-01-02 03:04:05".parse()?;
/// assert_eq!(time.to_string(), "2026-01-02 03:04:05");
/// assert_eq!(time.unix(), 1_767_323_045);
/// assert_eq!("2026-01-02T03:04:05.9Z".parse(), Ok(time));
/// # Ok::<(), callbot::aicall::GmtTimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GmtTime(u64);

/// The start of the year 10000, as Unix time in seconds.
const END: u64 = 253_402_300_800;

impl GmtTime {
    /// Returns the time `seconds` after the start of 1970, or `None` if it is after the year 9999.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        (seconds < END).then_some(Self(seconds))
    }

    /// Returns the seconds since the start of 1970.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.0
    }
}

impl TryFrom<SystemTime> for GmtTime {
    type Error = GmtTimeError;

    fn try_from(time: SystemTime) -> Result<Self, GmtTimeError> {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| GmtTimeError)?;
        Self::from_unix(since.as_secs()).ok_or(GmtTimeError)
    }
}

impl From<GmtTime> for SystemTime {
    fn from(time: GmtTime) -> Self {
        Self::UNIX_EPOCH + Duration::from_secs(time.0)
    }
}

impl FromStr for GmtTime {
    type Err = GmtTimeError;

    fn from_str(text: &str) -> Result<Self, GmtTimeError> {
        humantime::parse_rfc3339_weak(text.trim()).map_err(|_| GmtTimeError)?.try_into()
    }
}

impl fmt::Display for GmtTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = humantime::format_rfc3339_seconds((*self).into()).to_string();
        f.pad(text.trim_end_matches('Z').replace('T', " ").as_str())
    }
}

impl Serialize for GmtTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GmtTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Validate for GmtTime {
    fn check(&self, _: &mut Report<'_>) {}
}

/// A time is not in the form of share tokens, or not in the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GmtTimeError;

impl fmt::Display for GmtTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a time in the form `YYYY-MM-DD HH:MM:SS`, in the years 1970 to 9999")
    }
}

impl std::error::Error for GmtTimeError {}
