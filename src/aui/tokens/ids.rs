//! Ids of channels and users, of which the platform takes only some.

use std::fmt;

use crate::auth::encoding;

/// The most characters of an id; of one that is refused no more are shown.
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
    /// Checks an id. `field` says whose it is in the error.
    pub(super) fn check(self, field: &'static str, id: &str) -> Result<(), IdError> {
        let fits = |byte: u8| match byte {
            b'-' => self == Self::Rtc,
            byte => is_word(byte),
        };
        if (1..=LONGEST).contains(&id.len()) && id.bytes().all(fits) {
            return Ok(());
        }
        let allowed = match self {
            Self::Rtc => "1 to 64 of 0-9, A-Z, a-z, _ and -",
            Self::Chat => "1 to 64 of 0-9, A-Z, a-z and _",
        };
        Err(IdError { field, shown: shown(id), allowed })
    }
}

/// 32 hex digits that nobody can foretell.
pub(super) fn random_digits() -> Result<String, getrandom::Error> {
    random_bytes().map(|bytes| encoding::hex(&bytes))
}

/// An id that nobody can foretell: a UUID of version 4, without dashes.
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

/// What every id and every nonce may have.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// What is shown of an id: escaped, and cut.
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

/// An id that the platform does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdError {
    field: &'static str,
    shown: String,
    allowed: &'static str,
}

impl IdError {
    /// Which id it is, such as `channel_id`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The id, in ASCII: what is not stands escaped, and what follows after 64 characters is cut.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.shown
    }

    /// What is allowed.
    #[must_use]
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is \"{}\", allowed are {}", self.field, self.shown, self.allowed)
    }
}

impl std::error::Error for IdError {}
