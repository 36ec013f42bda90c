//! The answer of a bot, without the platform's envelope.

use serde_json::Value;

use super::{Operations, SpokenAnswer, TipPhrases};
use crate::duix::Flag;

/// The answer of a bot: what the digital human says, and what its screen shows.
///
/// A text converts into an answer: `Ok("The branch opens at nine.".into())`.
///
/// ```
/// use callbot::duix::dialogue::Answer;
/// use serde_json::json;
///
/// let answer = Answer::text("Your balance is 20 euros.")
///     .with_tip_phrases(["Last transactions", "Goodbye"])
///     .with_intent("balance")
///     .with_extra(json!({"account": 1}));
/// assert_eq!(answer.spoken.text, "Your balance is 20 euros.");
/// assert_eq!(answer.intent.as_deref(), Some("balance"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What the digital human says and its screen shows.
    pub spoken: SpokenAnswer,
    /// The intent that was matched, for the platform's records.
    pub intent: Option<String>,
    /// Further information, for the platform's records. A string of JSON on the wire.
    pub extra: Option<Value>,
}

impl Answer {
    /// Creates an answer that says `text`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { spoken: SpokenAnswer::new(text), intent: None, extra: None }
    }

    /// Shows phrases that the user may say next.
    ///
    /// This meaning follows the platform's example; it is not documented otherwise.
    #[must_use]
    pub fn with_tip_phrases<P: Into<String>>(self, phrases: impl IntoIterator<Item = P>) -> Self {
        let phrases = TipPhrases::new(phrases.into_iter().map(Into::into));
        self.operate(|operations| operations.with_tip_phrases(phrases))
    }

    /// Sets whether the screen shows the text. The platform's default is not documented.
    #[must_use]
    pub fn with_text_shown(self, shown: bool) -> Self {
        self.operate(|operations| operations.with_can_show_text(Flag::from(shown)))
    }

    /// Sets the intent that was matched.
    #[must_use]
    pub fn with_intent(mut self, intent: impl Into<String>) -> Self {
        self.intent = Some(intent.into());
        self
    }

    /// Sets further information.
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

/// How to write `answer`. The table and the example of the platform's document differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AnswerForm {
    /// An object, as in the document's example.
    #[default]
    Object,
    /// The object's JSON in a string, as in the document's table.
    JsonText,
}
