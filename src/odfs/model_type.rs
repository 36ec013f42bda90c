//! The play template: what to play, and which input to accept meanwhile.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire;

/// The first three digits that the platform's document lists.
const DOCUMENTED: [[u8; 3]; 7] =
    [[1, 0, 0], [1, 0, 1], [1, 0, 2], [1, 1, 0], [1, 1, 1], [1, 2, 0], [1, 2, 2]];

/// A play template, `model_type`: what to play, and which input to accept meanwhile.
///
/// On the wire it has seven digits. Any text can be read, also the first three digits alone, but only seven
/// documented digits pass validation before they are written. The constructors create documented templates of seven digits. Two templates are
/// equal if their texts are equal.
///
/// ```
/// use callbot::odfs::{InputMode, DtmfKeys, ModelType};
///
/// let menu = ModelType::keys(DtmfKeys::up_to(12).hash_confirms());
/// assert_eq!(menu.to_string(), "1011201");
/// let read: ModelType = "1200000".parse()?;
/// assert_eq!(read.speech_mode(), Some(InputMode::NoBargeIn));
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ModelType(Form);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Digits {
        play: u8,
        speech: u8,
        keys: u8,
        /// The last four digits, unless only three were read.
        rest: Option<KeyDigits>,
    },
    Other(Box<str>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct KeyDigits {
    max: u8,
    star: u8,
    hash: u8,
}

/// Whether speech or keys are accepted, and whether they stop playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputMode {
    /// Not accepted: 0 on the wire.
    Off,
    /// Accepted, and stops playback: 1 on the wire.
    BargeIn,
    /// Accepted, and playback continues: 2 on the wire.
    NoBargeIn,
}

/// The DTMF keys that a play template accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DtmfKeys {
    max: u8,
    star_cancels: bool,
    hash_confirms: bool,
}

impl DtmfKeys {
    /// Accepts at most `max` keys, from 1 to 99. `*` and `#` are keys like all others.
    #[must_use]
    pub const fn up_to(max: u8) -> Self {
        Self { max, star_cancels: false, hash_confirms: false }
    }

    /// Makes `*` cancel the keys that were pressed so far.
    #[must_use]
    pub const fn star_cancels(mut self) -> Self {
        self.star_cancels = true;
        self
    }

    /// Makes `#` confirm the keys before the maximum number is reached.
    #[must_use]
    pub const fn hash_confirms(mut self) -> Self {
        self.hash_confirms = true;
        self
    }
}

impl ModelType {
    /// Plays only: 100.
    #[must_use]
    pub const fn play_only() -> Self {
        Self::new(0, 0, None)
    }

    /// Plays and accepts speech, which stops playback: 110.
    #[must_use]
    pub const fn speech() -> Self {
        Self::new(1, 0, None)
    }

    /// Plays and accepts keys, which stop playback: 101.
    #[must_use]
    pub const fn keys(keys: DtmfKeys) -> Self {
        Self::new(0, 1, Some(keys))
    }

    /// Plays and accepts speech and keys, both of which stop playback: 111.
    #[must_use]
    pub const fn speech_and_keys(keys: DtmfKeys) -> Self {
        Self::new(1, 1, Some(keys))
    }

    /// Makes playback continue during input: 120, 102 or 122.
    #[must_use]
    pub fn without_barge_in(mut self) -> Self {
        if let Form::Digits { speech, keys, .. } = &mut self.0 {
            for mode in [speech, keys] {
                if *mode == 1 {
                    *mode = 2;
                }
            }
        }
        self
    }

    const fn new(speech: u8, keys: u8, limit: Option<DtmfKeys>) -> Self {
        let rest = match limit {
            Some(DtmfKeys { max, star_cancels, hash_confirms }) => {
                KeyDigits { max, star: star_cancels as u8, hash: hash_confirms as u8 }
            }
            None => KeyDigits { max: 0, star: 0, hash: 0 },
        };
        Self(Form::Digits { play: 1, speech, keys, rest: Some(rest) })
    }

    /// Returns whether something plays, or `None` if the digit is unknown.
    #[must_use]
    pub fn plays(&self) -> Option<bool> {
        match self.0 {
            Form::Digits { play, .. } => flag(play),
            Form::Other(_) => None,
        }
    }

    /// Returns how speech is accepted, or `None` if the digit is unknown.
    #[must_use]
    pub fn speech_mode(&self) -> Option<InputMode> {
        match self.0 {
            Form::Digits { speech, .. } => mode(speech),
            Form::Other(_) => None,
        }
    }

    /// Returns how keys are accepted, or `None` if the digit is unknown.
    #[must_use]
    pub fn key_mode(&self) -> Option<InputMode> {
        match self.0 {
            Form::Digits { keys, .. } => mode(keys),
            Form::Other(_) => None,
        }
    }

    /// Returns the maximum number of keys, or `None` if keys are not accepted or the number is missing.
    #[must_use]
    pub fn max_keys(&self) -> Option<u8> {
        self.key_digits().map(|digits| digits.max)
    }

    /// Returns whether `*` cancels, or `None` if keys are not accepted or the digit is missing or
    /// unknown.
    #[must_use]
    pub fn star_cancels(&self) -> Option<bool> {
        self.key_digits().and_then(|digits| flag(digits.star))
    }

    /// Returns whether `#` confirms, or `None` if keys are not accepted or the digit is missing or
    /// unknown.
    #[must_use]
    pub fn hash_confirms(&self) -> Option<bool> {
        self.key_digits().and_then(|digits| flag(digits.hash))
    }

    /// Returns the last four digits, if they have a meaning.
    fn key_digits(&self) -> Option<KeyDigits> {
        match self.0 {
            Form::Digits { keys: 1.., rest, .. } => rest,
            _ => None,
        }
    }

    /// Returns whether the platform's document lists the first three digits.
    #[must_use]
    pub fn is_documented(&self) -> bool {
        match self.0 {
            Form::Digits { play, speech, keys, .. } => DOCUMENTED.contains(&[play, speech, keys]),
            Form::Other(_) => false,
        }
    }
}

fn flag(digit: u8) -> Option<bool> {
    match digit {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn mode(digit: u8) -> Option<InputMode> {
    match digit {
        0 => Some(InputMode::Off),
        1 => Some(InputMode::BargeIn),
        2 => Some(InputMode::NoBargeIn),
        _ => None,
    }
}

impl FromStr for ModelType {
    type Err = Infallible;

    /// Accepts any text. A text other than three or seven digits is kept unchanged.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let value = |byte: u8| byte.wrapping_sub(b'0');
        Ok(Self(match *text.as_bytes() {
            [play, speech, keys] if digits => {
                let [play, speech, keys] = [play, speech, keys].map(value);
                Form::Digits { play, speech, keys, rest: None }
            }
            [play, speech, keys, tens, ones, star, hash] if digits => {
                let [play, speech, keys] = [play, speech, keys].map(value);
                let [tens, ones, star, hash] = [tens, ones, star, hash].map(value);
                let rest = KeyDigits { max: tens * 10 + ones, star, hash };
                Form::Digits { play, speech, keys, rest: Some(rest) }
            }
            _ => Form::Other(text.into()),
        }))
    }
}

impl fmt::Display for ModelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Digits { play, speech, keys, rest } => {
                write!(f, "{play}{speech}{keys}")?;
                match rest {
                    Some(KeyDigits { max, star, hash }) => write!(f, "{max:02}{star}{hash}"),
                    None => Ok(()),
                }
            }
            Form::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for ModelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelType").field(&self.to_string()).finish()
    }
}

impl Serialize for ModelType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        wire::read_text(deserializer)
    }
}

impl wire::Validate for ModelType {
    fn check(&self, report: &mut wire::Report<'_>) {
        let Form::Digits { rest: Some(rest), .. } = &self.0 else {
            return report.violation(Some(format!("{:?}", self.to_string())), "seven digits");
        };
        if !self.is_documented() {
            let allowed = "100, 101, 102, 110, 111, 120 or 122 as the first three digits";
            return report.violation(Some(self.to_string()), allowed);
        }
        if self.key_digits().is_none() {
            return;
        }
        let KeyDigits { max, star, hash } = *rest;
        if !(1..=99).contains(&max) {
            report.violation(Some(format!("{max} keys")), "1 to 99 keys");
        }
        if flag(star).is_none() || flag(hash).is_none() {
            report.violation(Some(self.to_string()), "0 or 1 as each of the last two digits");
        }
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for ModelType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ModelType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "play-template"})
    }
}
