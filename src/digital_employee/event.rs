//! What a bot says and is told, without the envelope.

use super::{Control, DialogueRequest, GatherDtmf, HangUp, Transfer, Voice};

/// One event of a reply: new text to speak, controls, or both.
///
/// The text is always the new part only; the server makes of it what the wire wants. The first
/// event of a reply may hold [`Voice`] and [`GatherDtmf`], every event [`Transfer`] and [`HangUp`].
///
/// ```
/// use callbot::digital_employee::{Event, HangUp};
///
/// let goodbye = Event::text("Goodbye.").with(HangUp::new().with_delay(1));
/// assert_eq!(goodbye.controls.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Event {
    /// The new text; empty for none.
    pub text: String,
    /// What the platform shall do.
    pub controls: Vec<Control>,
}

impl Event {
    /// New text to speak.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), controls: Vec::new() }
    }

    /// A control without text.
    #[must_use]
    pub fn control(control: impl Into<Control>) -> Self {
        Self::default().with(control)
    }

    /// Adds a control.
    #[must_use]
    pub fn with(mut self, control: impl Into<Control>) -> Self {
        self.controls.push(control.into());
        self
    }
}

impl From<&str> for Event {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Event {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

macro_rules! from_controls {
    ($($control:ty),*) => {$(
        impl From<$control> for Event {
            fn from(control: $control) -> Self {
                Self::control(control)
            }
        }
    )*};
}

from_controls!(Control, Voice, GatherDtmf, Transfer, HangUp);

/// What `answer` holds on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerMode {
    /// The whole text of the turn so far, in every packet. What the vendor's sample does.
    #[default]
    Cumulative,
    /// Only the new text.
    Delta,
}

/// How the elements of `controlParamsList` are written. Both forms are always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlForm {
    /// JSON objects, as the platform's document has it.
    #[default]
    Objects,
    /// Strings that hold the JSON of the object, as the vendor's older sample has it.
    Texts,
}

/// What a caller's turn is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The caller said this.
    Speech(&'a str),
    /// The caller pressed these keys.
    Keys(&'a str),
    /// The caller stayed silent.
    Silence,
}

// What the caller said or pressed does not show.
impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Speech(_) => "Speech([hidden])",
            Self::Keys(_) => "Keys([hidden])",
            Self::Silence => "Silence",
        })
    }
}

impl DialogueRequest {
    /// What the turn is: keys or silence where `extras` say so, else speech. The `dataType` is read
    /// without regard to case, as the vendor's sample does.
    ///
    /// ```
    /// use callbot::digital_employee::{
    ///     DataType, DialogueRequest, DialogueRequestFields, Extra, Input,
    /// };
    ///
    /// let request = DialogueRequest::new(DialogueRequestFields {
    ///     request_id: "r-1",
    ///     tenant_id: 378210,
    ///     instance_id: "n1",
    ///     script_id: "sc-1",
    ///     session_id: "s-1",
    ///     stream_id: "t-1",
    ///     utterance: "",
    /// })
    /// .with_extras([Extra::new().with_data_type(DataType::Dtmf).with_dtmf("1234")]);
    /// assert_eq!(request.input(), Input::Keys("1234"));
    /// ```
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        for extra in &self.extras {
            let kind = extra.data_type.as_ref().map_or("", |kind| kind.as_str());
            if kind.eq_ignore_ascii_case("DTMF") {
                return Input::Keys(extra.dtmf.as_deref().unwrap_or_default());
            }
            if kind.eq_ignore_ascii_case("Silence") {
                return Input::Silence;
            }
        }
        Input::Speech(&self.utterance)
    }
}
