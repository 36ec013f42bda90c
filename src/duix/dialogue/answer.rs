//! What a bot answers, without the platform's envelope.

use serde_json::Value;

use super::{Operations, SpokenAnswer, TipPhrases};
use crate::duix::Flag;

/// An answer of a bot: what the digital human says, and what its screen shows.
///
/// A text is an answer, too: `Ok("The branch opens at nine.".into())`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What is said and shown.
    pub spoken: SpokenAnswer,
    /// The intent that was matched, for the platform's records.
    pub intent: Option<String>,
    /// Further information, for the platform's records. JSON in a string on the wire.
    pub extra: Option<Value>,
}

impl Answer {
    /// Says a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { spoken: SpokenAnswer::new(text), intent: None, extra: None }
    }

    /// Shows phrases that the user may say next. What the platform does with them is not
    /// documented; this is what its example suggests.
    #[must_use]
    pub fn with_tip_phrases<P: Into<String>>(self, phrases: impl IntoIterator<Item = P>) -> Self {
        let phrases = TipPhrases::new(phrases.into_iter().map(Into::into));
        self.operate(|operations| operations.with_tip_phrases(phrases))
    }

    /// Whether the screen shows the text. What the platform does without it is not documented.
    #[must_use]
    pub fn with_text_shown(self, shown: bool) -> Self {
        self.operate(|operations| operations.with_can_show_text(Flag::from(shown)))
    }

    /// Names the intent that was matched.
    #[must_use]
    pub fn with_intent(mut self, intent: impl Into<String>) -> Self {
        self.intent = Some(intent.into());
        self
    }

    /// Adds further information.
    #[must_use]
    pub fn with_extra(mut self, extra: impl Into<Value>) -> Self {
        self.extra = Some(extra.into());
        self
    }

    fn operate(mut self, change: impl FnOnce(Operations) -> Operations) -> Self {
        self.spoken.operations = Some(change(self.spoken.operations.unwrap_or_default()));
        self
    }
}

impl<T: Into<String>> From<T> for Answer {
    fn from(text: T) -> Self {
        Self::text(text)
    }
}

/// How `answer` is written: the document's table and its example differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AnswerForm {
    /// An object, as in the document's example.
    #[default]
    Object,
    /// The object's JSON in a string, as in the document's table.
    JsonText,
}
