//! The result of an interaction: a keyword of the protocol, keys, text, or speech.

use std::fmt;

use super::{
    FlowResultType, Interacted, InteractedInParams, InteractedInParamsFields, TransferredInParams,
};
use crate::wire::{Hidden, Secret};

/// The result of an interaction: the meaning of `flow_result_type`, `input` and `inter_no`.
///
/// `Debug` hides what the caller said or pressed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Playback has ended: `playover`.
    PlayOver,
    /// There was no input in time: `timeout`.
    Timeout,
    /// The speech was not recognised, or the keys do not match: `nomatch`.
    NoMatch,
    /// A system fault: `sys_err`.
    SystemError,
    /// The call was hung up: `hangup`.
    HangUp,
    /// Recording has ended: `recordend`.
    RecordEnd,
    /// The caller pressed these keys.
    Keys(&'a str),
    /// The caller typed this, or said it if speech arrives as text.
    Text(&'a str),
    /// The caller said something; [`Recognitions`](super::Recognitions) looks up the text.
    Recognition(RecognitionId),
    /// Another result: a kind that does not match its `input`, or a kind for which the meaning of
    /// `input` is not documented.
    Other {
        /// The kind of result.
        kind: &'a FlowResultType,
        /// The `input`.
        input: &'a str,
    },
}

impl InteractedInParams {
    /// Returns the result of the interaction.
    ///
    /// - `playover`, `timeout`, `nomatch`, `sys_err`, `hangup` and `recordend` are keywords of the
    ///   protocol with every kind of result. A user who types one of them can't be distinguished
    ///   from the protocol. Their case does not matter, unless the kind is speech or text (1).
    /// - Keys (2) are [`Input::Keys`].
    /// - Speech or text (1) is an [`Input::Recognition`] if `input` consists of a key without white
    ///   space, `@`, and exactly the `inter_no` of the request. Otherwise it is an [`Input::Text`].
    ///   So without an `inter_no` everything is text, and an e-mail address is text too.
    /// - A blank `input` is [`Input::Timeout`] if the kind is speech or text (1), keys (2) or no input (3):
    ///   the caller did nothing.
    /// - Everything else is [`Input::Other`].
    ///
    /// ```
    /// use callbot::odfs::{FlowResultType, Input, InteractedInParams, InteractedInParamsFields};
    ///
    /// let keys = InteractedInParams::new(InteractedInParamsFields {
    ///     call_id: "c-1",
    ///     call_dst_id: "10086",
    ///     flow_result_type: FlowResultType::Keys,
    ///     input: "201801",
    ///     auth_token: "token".into(),
    /// });
    /// assert!(keys.meaning() == Input::Keys("201801"));
    /// ```
    #[must_use]
    pub fn meaning(&self) -> Input<'_> {
        let (kind, input) = (&self.flow_result_type, self.input.as_str());
        let typed = *kind == FlowResultType::SpeechOrText;
        if let Some(keyword) = keyword(input, !typed) {
            return keyword;
        }
        match kind {
            FlowResultType::SpeechOrText | FlowResultType::Keys | FlowResultType::NoInput
                if input.trim().is_empty() =>
            {
                Input::Timeout
            }
            FlowResultType::SpeechOrText => {
                let number = self.inter_no.as_deref().unwrap_or_default();
                match RecognitionId::parse(input, number) {
                    Some(id) => Input::Recognition(id),
                    None => Input::Text(input),
                }
            }
            FlowResultType::Keys => Input::Keys(input),
            _ => Input::Other { kind, input },
        }
    }

    /// Creates the result of an interaction: sets `flow_result_type` and `input`, and `inter_no` for
    /// a recognition id.
    ///
    /// The kind of `playover` is not input (3), and that of `recordend` is the end of a recording (4).
    /// The other keywords have no documented kind and get other (-1).
    #[must_use]
    pub fn from_input(
        call_id: &str,
        call_dst_id: &str,
        input: Input<'_>,
        auth_token: impl Into<Secret>,
    ) -> Self {
        let mut inter_no = None;
        let (kind, text) = match &input {
            Input::PlayOver => (FlowResultType::NoInput, "playover"),
            Input::Timeout => (FlowResultType::Other, "timeout"),
            Input::NoMatch => (FlowResultType::Other, "nomatch"),
            Input::SystemError => (FlowResultType::Other, "sys_err"),
            Input::HangUp => (FlowResultType::Other, "hangup"),
            Input::RecordEnd => (FlowResultType::RecordingEnded, "recordend"),
            Input::Keys(keys) => (FlowResultType::Keys, *keys),
            Input::Text(text) => (FlowResultType::SpeechOrText, *text),
            Input::Recognition(id) => {
                inter_no = Some(id.inter_no().to_owned());
                (FlowResultType::SpeechOrText, id.as_str())
            }
            Input::Other { kind, input } => ((*kind).clone(), *input),
        };
        let fields = InteractedInParamsFields {
            call_id,
            call_dst_id,
            flow_result_type: kind,
            input: text,
            auth_token: auth_token.into(),
        };
        Self { inter_no, ..Self::new(fields) }
    }
}

/// Returns the keyword of the protocol that `text` is, if any.
fn keyword(text: &str, any_case: bool) -> Option<Input<'static>> {
    let is = |name: &str| text == name || any_case && text.eq_ignore_ascii_case(name);
    Some(match () {
        () if is("playover") => Input::PlayOver,
        () if is("timeout") => Input::Timeout,
        () if is("nomatch") => Input::NoMatch,
        () if is("sys_err") => Input::SystemError,
        () if is("hangup") => Input::HangUp,
        () if is("recordend") => Input::RecordEnd,
        () => return None,
    })
}

impl Interacted {
    /// Creates a request with the result of an interaction. `user_id` is also its `call_id`.
    ///
    /// ```
    /// use callbot::odfs::{Input, Interacted};
    ///
    /// let request = Interacted::from_input("c-1", "10086", Input::HangUp, "token");
    /// assert_eq!(request.inparams.input, "hangup");
    /// ```
    #[must_use]
    pub fn from_input(
        user_id: &str,
        call_dst_id: &str,
        input: Input<'_>,
        auth_token: impl Into<Secret>,
    ) -> Self {
        let inparams = InteractedInParams::from_input(user_id, call_dst_id, input, auth_token);
        Self::new(user_id, inparams)
    }
}

impl TransferredInParams {
    /// Returns whether this reports the end of the call: `input` is `hangup`, in any case.
    #[must_use]
    pub fn is_hang_up(&self) -> bool {
        self.input.as_deref().and_then(|input| keyword(input, true)) == Some(Input::HangUp)
    }

    /// Reports the end of the call: sets `input` to `hangup`.
    #[must_use]
    pub fn with_hang_up(self) -> Self {
        self.with_input("hangup")
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlayOver => f.write_str("PlayOver"),
            Self::Timeout => f.write_str("Timeout"),
            Self::NoMatch => f.write_str("NoMatch"),
            Self::SystemError => f.write_str("SystemError"),
            Self::HangUp => f.write_str("HangUp"),
            Self::RecordEnd => f.write_str("RecordEnd"),
            Self::Keys(_) => f.debug_tuple("Keys").field(&Hidden).finish(),
            Self::Text(_) => f.debug_tuple("Text").field(&Hidden).finish(),
            Self::Recognition(id) => f.debug_tuple("Recognition").field(id).finish(),
            Self::Other { kind, .. } => {
                f.debug_struct("Other").field("kind", kind).field("input", &Hidden).finish()
            }
        }
    }
}

/// The location of the text of recognised speech: a Redis key, and the number of the recognition.
///
/// On the wire it is `<key>@<inter_no>`. The platform's document prints `key+@+inter_no`. In case it
/// means the plus signs literally, that form is also read and kept. `Debug` hides the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecognitionId {
    text: Box<str>,
    /// Where the key ends.
    key: usize,
    /// Where the number starts.
    inter_no: usize,
}

impl RecognitionId {
    /// Creates a recognition id from its two parts.
    ///
    /// Returns `None` if one of them is empty or the key contains white space.
    ///
    /// ```
    /// use callbot::odfs::RecognitionId;
    ///
    /// let id = RecognitionId::new("asr:4711", "0");
    /// assert_eq!(id.as_ref().map(|id| id.as_str()), Some("asr:4711@0"));
    /// ```
    #[must_use]
    pub fn new(key: &str, inter_no: &str) -> Option<Self> {
        Self::parse(&format!("{key}@{inter_no}"), inter_no)
    }

    /// Reads an `input`, given the `inter_no` of the same request.
    ///
    /// Returns `None` if it is something else, for instance text. [`InteractedInParams::meaning`] has
    /// the rule.
    #[must_use]
    pub fn parse(input: &str, inter_no: &str) -> Option<Self> {
        let before = input.strip_suffix(inter_no)?;
        let key = before.strip_suffix("+@+").or_else(|| before.strip_suffix('@'))?;
        if key.is_empty() || inter_no.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        Some(Self { text: input.into(), key: key.len(), inter_no: before.len() })
    }

    /// Returns the Redis key of the text.
    #[must_use]
    pub fn key(&self) -> &str {
        self.text.get(..self.key).unwrap_or_default()
    }

    /// Returns the number of the recognition.
    #[must_use]
    pub fn inter_no(&self) -> &str {
        self.text.get(self.inter_no..).unwrap_or_default()
    }

    /// Returns the whole id as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for RecognitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RecognitionId");
        shown.field("key", &Hidden).field("inter_no", &self.inter_no()).finish()
    }
}
