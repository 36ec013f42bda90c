//! The platform's format for times.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire;

/// A time of the platform, `yyyyMMddHH:mm:ss`: a date and a time of day, without a zone.
///
/// Any text can be read and is written back unchanged. [`time`](Self::time) reads the documented
/// format, and also a second of one digit as in the document's sample. The constructors write the
/// documented format. Two times are equal if their texts are equal.
///
/// ```
/// use callbot::odfs::CallTime;
///
/// let time: CallTime = "2018090407:16:24".parse()?;
/// assert_eq!(time.time().map(|time| time.to_string()).as_deref(), Some("2018-09-04T07:16:24"));
/// assert_eq!(CallTime::from_parts(2018, 9, 4, 7, 16, 24), Some(time));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CallTime(Box<str>);

impl CallTime {
    /// Creates a time from its parts.
    ///
    /// Returns `None` if the day or the time of day does not exist, or the year is not in 0 to 9999.
    #[must_use]
    pub fn from_parts(
        year: i16,
        month: i8,
        day: i8,
        hour: i8,
        minute: i8,
        second: i8,
    ) -> Option<Self> {
        let time = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        (year >= 0).then(|| time.into())
    }

    /// Returns the date and the time of day, or `None` if the text has another format or is not a time.
    #[must_use]
    pub fn time(&self) -> Option<DateTime> {
        parse(&self.0)
    }

    /// Returns an unknown time, which is an empty text.
    #[cfg(feature = "server")]
    pub(super) fn unknown() -> Self {
        Self("".into())
    }

    /// Returns the current time, `utc_offset` minutes east of UTC.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn now(clock: &crate::clock::SharedClock, utc_offset: i32) -> Self {
        Self::at(clock.seconds(), utc_offset)
    }

    /// Returns a time in seconds of Unix time, `utc_offset` minutes east of UTC.
    #[cfg(any(feature = "client", feature = "server"))]
    pub(super) fn at(seconds: i64, utc_offset: i32) -> Self {
        let seconds = seconds.saturating_add(i64::from(utc_offset) * 60);
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        // Saturates at the end of the year 9999, after which the format has no text.
        epoch.saturating_add(jiff::SignedDuration::from_secs(seconds)).into()
    }

    /// Returns the text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse(text: &str) -> Option<DateTime> {
    let (date_and_hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    if date_and_hour.len() != 10 || minute.len() != 2 || !matches!(second.len(), 1 | 2) {
        return None;
    }
    let year = digits(date_and_hour.get(..4)?)?;
    let two = |at| digits(date_and_hour.get(at..at + 2)?)?.try_into().ok();
    let (month, day, hour) = (two(4)?, two(6)?, two(8)?);
    let minute = digits(minute)?.try_into().ok()?;
    let second = digits(second)?.try_into().ok()?;
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

/// Parses a number that consists of digits only. `str::parse` alone would also accept a sign.
fn digits(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Writes the documented format, without fractions of a second.
impl From<DateTime> for CallTime {
    fn from(time: DateTime) -> Self {
        let (date, clock) = (time.date(), time.time());
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
        Self(format!("{year:04}{month:02}{day:02}{hour:02}:{minute:02}:{second:02}").into())
    }
}

impl FromStr for CallTime {
    type Err = Infallible;

    /// Accepts any text.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

impl fmt::Display for CallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallTime").field(&self.0).finish()
    }
}

impl Serialize for CallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::read_text(deserializer)
    }
}

impl wire::Validate for CallTime {
    fn check(&self, report: &mut wire::Report<'_>) {
        if self.time().map(Self::from).as_ref() != Some(self) {
            report.violation(Some(format!("{:?}", self.0)), "a time as yyyyMMddHH:mm:ss");
        }
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for CallTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CallTime".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "call-time"})
    }
}
