//! The rules of the platform for ids of channels and users.

use std::fmt;

use crate::auth::encoding;

/// The most characters of an id, and the most that an error shows of one.
const LONGEST: usize = 64;

/// Ids of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// Channels and users of RTC.
    Rtc,
    /// Users of chats.
    Chat,
}

impl Ids {
    /// Checks an id. `field` names it in the error.
    pub(super) fn check(self, field: &'static str, id: &str) -> Result<(), IdError> {
        let fits = |byte: u8| match byte {
            b'-' => self == Self::Rtc,
            byte => is_word(byte),
        };
        if (1..=LONGEST).contains(&id.len()) && id.bytes().all(fits) {
            return Ok(());
        }
        let allowed = match self {
            Self::Rtc => "1 to 64 characters of 0-9, A-Z, a-z, _ and -",
            Self::Chat => "1 to 64 characters of 0-9, A-Z, a-z and _",
        };
        Err(IdError { field, shown: shown(id), allowed })
    }
}

/// Returns 32 unpredictable hex digits.
pub(super) fn random_digits() -> Result<String, getrandom::Error> {
    random_bytes().map(|bytes| encoding::hex(&bytes))
}

/// Returns an unpredictable id: a UUID of version 4, without dashes.
#[cfg(feature = "server")]
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    let mut bytes = random_bytes()?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    Ok(encoding::hex(&bytes))
}

fn random_bytes() -> Result<[u8; 16], getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns whether every id and every nonce may contain `byte`.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns `id` as an error shows it: escaped, and cut.
fn shown(id: &str) -> String {
    let mut shown = String::new();
    for char in id.chars() {
        let escaped = char.escape_default();
        if shown.len() + escaped.len() > LONGEST {
            return shown + "…";
        }
        shown.extend(escaped);
    }
    shown
}

/// An id breaks the rules of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    field: &'static str,
    shown: String,
    allowed: &'static str,
}

impl IdError {
    /// Returns the name of the id, such as `channel_id`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the id in ASCII: other characters are escaped, and the text is cut after 64 characters.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.shown
    }

    /// Returns the rule for the id.
    #[must_use]
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is \"{}\", allowed: {}", self.field, self.shown, self.allowed)
    }
}

impl std::error::Error for IdError {}
