//! Replies and inputs of a bot, without the envelope.

use std::borrow::Cow;

use super::{Control, DialogueRequest, GatherDtmf, HangUp, Transfer, Voice};

/// One event of a reply: new text to speak, controls, or both.
///
/// The text is always the new part only; the server converts it to the [`AnswerMode`] of the wire.
/// [`Voice`] and [`GatherDtmf`] are allowed in the first event of a reply, [`Transfer`] and
/// [`HangUp`] in every event.
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
    /// The new text; may be empty.
    pub text: String,
    /// What the platform should do besides speaking.
    pub controls: Vec<Control>,
}

impl Event {
    /// Creates an event with new text to speak.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), controls: Vec::new() }
    }

    /// Creates an event with a control and no text.
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

/// The content of `answer` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerMode {
    /// The whole text of the turn so far, in every packet, as the vendor's sample writes it.
    ///
    /// A long reply in tiny pieces would repeat its text thousands of times. So once its packets have 256 KiB
    /// of text in all, text without controls is held until the text has grown by an eighth, or until the last
    /// packet is 1 ms ago for each 64 bytes of text so far. After five minutes of speech that is a tenth of a
    /// second. The first text, controls and the end of a reply are never held.
    #[default]
    Cumulative,
    /// Only the new text.
    Delta,
}

/// How to write the elements of `controlParamsList`. Both forms are always read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ControlForm {
    /// JSON objects, as in the platform's document.
    #[default]
    Objects,
    /// Strings that hold the JSON of the object, as in the vendor's older sample.
    Texts,
}

/// What the caller did in a turn.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// The caller said this. Never blank.
    Speech(&'a str),
    /// The caller pressed these keys. Never empty.
    Keys(Cow<'a, str>),
    /// The caller stayed silent.
    Silence,
}

// Hides what the caller said or pressed.
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
    /// Returns what the caller did: keys or silence if `extras` has one of them, speech otherwise.
    ///
    /// The keys of several `DTMF` extras are one input, in order. A `DTMF` extra without keys is
    /// silence: the time for keys has passed. So is a blank `utterance`.
    ///
    /// The case of `dataType` does not matter, as in the vendor's sample.
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
    /// assert_eq!(request.input(), Input::Keys("1234".into()));
    /// ```
    #[must_use]
    pub fn input(&self) -> Input<'_> {
        let mut keys = Cow::Borrowed("");
        let mut silent = self.utterance.trim().is_empty();
        for extra in &self.extras {
            let kind = extra.data_type.as_ref().map_or("", |kind| kind.as_str());
            if kind.eq_ignore_ascii_case("DTMF") {
                silent = true;
                match extra.dtmf.as_deref().unwrap_or_default().trim() {
                    "" => {}
                    more if keys.is_empty() => keys = more.into(),
                    more => keys.to_mut().push_str(more),
                }
            }
            silent |= kind.eq_ignore_ascii_case("Silence");
        }
        match silent {
            _ if !keys.is_empty() => Input::Keys(keys),
            true => Input::Silence,
            false => Input::Speech(&self.utterance),
        }
    }
}
