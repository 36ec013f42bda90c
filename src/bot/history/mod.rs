//! The history of a call: what was said in each turn, and what the caller heard.

use std::fmt;
use std::io;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::input::{Heard, Input, TransferOutcome, TurnId};
use super::store::{StoredTurn, StoredTurns};
use crate::wire::Hidden;

mod kept;
mod matching;
mod secret;
#[cfg(test)]
mod tests;

pub(in crate::bot) use kept::KeptTurns;
use matching::end_of;
#[cfg(feature = "chat")]
pub(in crate::bot) use matching::same_words;
pub(in crate::bot) use secret::{Ending, hidden};

/// The maximum length of a heard text that is kept outside of a reply, in bytes. It is some minutes of
/// speech.
pub(in crate::bot) const MAX_HEARD_BYTES: usize = 4 * 1024;

/// The history of a call: its turns, the oldest first.
///
/// The runtime keeps it within [`Limits::max_history_entries`](super::Limits::max_history_entries) and
/// [`Limits::max_history_bytes`](super::Limits::max_history_bytes), and truncates a reply to what the
/// caller heard of it. For example, you can turn it into the messages of a language model:
///
/// ```
/// use callbot::bot::{History, Input};
///
/// fn messages(history: &History) -> Vec<(&str, &str)> {
///     let mut messages = Vec::new();
///     for entry in history.iter() {
///         if let Some(Input::Speech(text)) = &entry.input {
///             messages.push(("user", text.as_str()));
///         }
///         messages.push(("assistant", entry.said.as_str()));
///     }
///     messages
/// }
///
/// // For a test, a history can be collected from entries.
/// use callbot::bot::{Entry, TurnId};
///
/// let entry = Entry::new(TurnId::new("1"), Some(Input::Speech("Hi!".into()))).with_said("Hello!");
/// let history: History = [entry].into_iter().collect();
/// assert_eq!(messages(&history), [("user", "Hi!"), ("assistant", "Hello!")]);
/// ```
#[derive(Default)]
pub struct History {
    turns: StoredTurns,
    /// All turns, parsed when something looks at them.
    parsed: OnceLock<Vec<Entry>>,
    /// The newest turn, parsed when something looks at it.
    newest: OnceLock<Box<Entry>>,
}

impl History {
    pub(in crate::bot) fn new(turns: StoredTurns) -> Self {
        Self { turns, ..Self::default() }
    }

    /// Returns the turns, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.parsed().iter()
    }

    /// Returns the newest turn.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        let newest = self.turns.last()?;
        match self.parsed.get() {
            Some(parsed) => parsed.last(),
            None => Some(self.newest.get_or_init(|| Box::new(parse(newest)))),
        }
    }

    /// Returns the number of turns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Returns `true` if the history contains no turns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Returns the turn with this id.
    #[must_use]
    pub fn get(&self, turn: &TurnId) -> Option<&Entry> {
        self.turns.get(turn)?;
        // It is usually one of the newest.
        match self.last().filter(|newest| newest.turn == *turn) {
            Some(newest) => Some(newest),
            None => self.parsed().iter().rev().find(|entry| entry.turn == *turn),
        }
    }

    fn parsed(&self) -> &[Entry] {
        self.parsed.get_or_init(|| self.turns.iter().map(|turn| parse(turn)).collect())
    }
}

/// Parses a turn. One that can't be read has no texts: the bot may look at the others.
fn parse(turn: &StoredTurn) -> Entry {
    Entry::from_stored(turn)
        .unwrap_or_else(|| Entry { epoch: turn.epoch, ..Entry::new(turn.turn.clone(), None) })
}

// What was parsed stays behind: a copy parses again what it looks at.
impl Clone for History {
    fn clone(&self) -> Self {
        Self::new(self.turns.clone())
    }
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("entries", &self.parsed()).finish()
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Entry>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// A turn in the history: the caller's input and the bot's reply. `Debug` hides the texts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The id of the turn.
    pub turn: TurnId,
    /// The caller's input; `None` for the greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// The text of the bot's reply, without filler and apology. If the reply was cut short and the platform
    /// reported what was heard, it is only the text that the caller heard.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// The filler that went out before the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filler: Option<String>,
    /// The [apology](super::HostBuilder::apology) that went out after `said`, because the turn failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apology: Option<String>,
    /// The part of the reply that the caller heard; `None` if the reply was not cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
    /// Whether the input was [secret](super::Reply::secret_input). Then [`SECRET`](Self::SECRET) replaces
    /// it, also in `said` where the reply repeats it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// The epoch of the turn's lease. It gives the order of the turns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::bot) epoch: u64,
}

// serde passes a reference.
fn is_zero(epoch: &u64) -> bool {
    *epoch == 0
}

// What was said is private.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("turn", &self.turn)
            .field("input", &self.input)
            .field("said", &Hidden)
            .field("filler", &self.filler.as_ref().map(Hidden::of))
            .field("apology", &self.apology.as_ref().map(Hidden::of))
            .field("heard", &self.heard)
            .field("secret", &self.secret)
            .finish()
    }
}

/// Collects turns, the oldest first. A turn replaces an earlier one with the same id.
impl FromIterator<Entry> for History {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        entries.into_iter().collect::<KeptTurns>().history()
    }
}

impl Entry {
    /// The placeholder of a secret input, as its text.
    pub const SECRET: &str = "[secret]";

    /// Creates a turn without a reply. The greeting has no input.
    ///
    /// ```
    /// use callbot::bot::{Entry, Heard, Input, TurnId};
    ///
    /// let greeting = Entry::new(TurnId::new("0"), None).with_said("Welcome!");
    /// assert_eq!(greeting.said, "Welcome!");
    /// // The caller barged in.
    /// let cut = Entry::new(TurnId::new("1"), Some(Input::Speech("A story!".into())))
    ///     .with_said("Once upon")
    ///     .with_heard(Heard::UpTo("Once upon".into()));
    /// assert!(cut.heard.is_some());
    /// ```
    #[must_use]
    pub fn new(turn: TurnId, input: Option<Input>) -> Self {
        let said = String::new();
        Self {
            turn,
            input,
            said,
            filler: None,
            apology: None,
            heard: None,
            secret: false,
            epoch: 0,
        }
    }

    /// Sets [`said`](Self::said).
    #[must_use]
    pub fn with_said(mut self, text: impl Into<String>) -> Self {
        self.said = text.into();
        self
    }

    /// Sets [`filler`](Self::filler).
    #[must_use]
    pub fn with_filler(mut self, text: impl Into<String>) -> Self {
        self.filler = Some(text.into());
        self
    }

    /// Sets [`apology`](Self::apology).
    #[must_use]
    pub fn with_apology(mut self, text: impl Into<String>) -> Self {
        self.apology = Some(text.into());
        self
    }

    /// Sets [`heard`](Self::heard).
    #[must_use]
    pub fn with_heard(mut self, heard: Heard) -> Self {
        self.heard = Some(heard);
        self
    }

    /// Returns the JSON of a stored turn, which has neither the id nor the epoch: the store keeps these beside
    /// it.
    fn to_json(&self) -> Vec<u8> {
        let Self { input, said, filler, apology, heard, secret, .. } = self;
        let texts = Texts { input, said, filler, apology, heard, secret: *secret };
        // Strings, and values that came as JSON: serialization can't fail.
        serde_json::to_vec(&texts).unwrap_or_default()
    }

    /// Returns the entry of a stored turn; `None` if its JSON can't be read.
    fn from_stored(turn: &StoredTurn) -> Option<Self> {
        let OwnTexts { input, said, filler, apology, heard, secret } =
            serde_json::from_slice(&turn.json).ok()?;
        let (turn, epoch) = (turn.turn.clone(), turn.epoch);
        Some(Self { turn, input, said, filler, apology, heard, secret, epoch })
    }

    /// Returns the length of all texts, in bytes.
    fn bytes(&self) -> usize {
        let input = match &self.input {
            Some(Input::Speech(text) | Input::Dtmf(text)) => text.len(),
            Some(Input::Transferred(TransferOutcome::Failed(reason))) => reason.len(),
            Some(Input::Other(value)) => {
                let mut length = Length(0);
                // A value that can't be written counts as far as it was written.
                let _ = serde_json::to_writer(&mut length, value);
                length.0
            }
            _ => 0,
        };
        let [filler, apology] =
            [&self.filler, &self.apology].map(|text| text.as_ref().map_or(0, String::len));
        // `UpTo` repeats `said`, so only a mismatch adds text.
        let heard = match &self.heard {
            Some(Heard::Mismatch(text)) => text.len(),
            _ => 0,
        };
        [filler, apology, input, heard].into_iter().fold(self.said.len(), usize::saturating_add)
    }

    /// Truncates the reply to what the caller `heard`, if the platform reports it. Returns what the caller
    /// heard.
    pub(in crate::bot) fn cut(&mut self, heard: Option<&str>) -> Heard {
        let found = match heard {
            None => match self.heard.take() {
                Some(known) => known,
                None => Heard::Unknown,
            },
            Some(text) => match self.heard_bytes(text) {
                Some(0) => {
                    self.said.clear();
                    Heard::Nothing
                }
                Some(end) => {
                    self.said.truncate(end);
                    Heard::UpTo(self.said.clone())
                }
                // Text that was cut off can't come back. So once the reply was truncated, a report that
                // is longer than the rest of it, or is not in it, changes nothing.
                None => match self.heard.take() {
                    Some(known @ (Heard::UpTo(_) | Heard::Nothing)) => known,
                    _ => {
                        let end = char_end_before(text, MAX_HEARD_BYTES);
                        Heard::Mismatch(text.get(..end).unwrap_or_default().to_owned())
                    }
                },
            },
        };
        self.heard = Some(found.clone());
        found
    }

    /// Returns how many bytes of `said` the caller heard; `None` if the text is not in the reply.
    fn heard_bytes(&self, heard: &str) -> Option<usize> {
        if heard.trim().is_empty() {
            return Some(0);
        }
        let [filler, apology] =
            [&self.filler, &self.apology].map(|text| text.as_deref().unwrap_or_default());
        let end = end_of(heard, &[filler, &self.said, apology].concat())?;
        // An end within the filler means that nothing of `said` was heard, and one within the apology
        // that all of it was.
        let end = end.saturating_sub(filler.len()).min(self.said.len());
        let (start, rest) = self.said.split_at_checked(end)?;
        if start.trim().is_empty() {
            return Some(0);
        }
        // If only punctuation remains, which makes no sound, the caller heard everything.
        Some(if rest.contains(char::is_alphanumeric) { end } else { self.said.len() })
    }
}

/// What is stored of an entry.
#[derive(Serialize)]
struct Texts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    input: &'a Option<Input>,
    #[serde(skip_serializing_if = "String::is_empty")]
    said: &'a String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filler: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apology: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: &'a Option<Heard>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    secret: bool,
}

/// [`Texts`], to read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OwnTexts {
    input: Option<Input>,
    said: String,
    filler: Option<String>,
    apology: Option<String>,
    heard: Option<Heard>,
    secret: bool,
}

/// Returns the last character boundary that is at most `max`.
pub(in crate::bot) fn char_end_before(text: &str, max: usize) -> usize {
    (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Counts the bytes that are written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
