//! Controls: the parts of a reply that are not text.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::capabilities::{SpeechSupport, TransferKind};
use crate::wire::Hidden;

/// How the platform speaks and listens. A field that is `None` keeps its former value.
///
/// The settings go out with the first packet of each reply, since no document says that a platform
/// remembers them.
///
/// | | Digital Employee | ODFS | default |
/// |---|---|---|---|
/// | `barge_in` | `interruptible` of `Voice` | `model_type`: 111 if yes, 122 if no | no; ODFS: yes |
/// | `silence_timeout` | `silenceDetectionTimeout`, 1 to 10 s | `timeout` | 5 s |
/// | `synthesis` | `synthesizerConfig` | – | the platform's own |
///
/// AICall takes the `emotion` only, as a tag at the start of the reply. Default: the platform's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpeechSettings {
    /// Whether callers may barge in.
    #[doc(alias = "interruptible")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barge_in: Option<bool>,
    /// How long a caller may be silent before the silence counts as a turn, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_timeout: Option<Duration>,
    /// The voice that speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthesis: Option<Synthesis>,
    /// The emotion of the voice. Only some voices of AICall can express one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emotion: Option<Emotion>,
}

/// The emotion of a voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Emotion {
    /// No emotion.
    Neutral,
    /// Happy.
    Happy,
    /// Sad.
    Sad,
}

impl Emotion {
    /// Returns the name of the emotion, as AICall has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Happy => "happy",
            Self::Sad => "sad",
        }
    }
}

/// A voice. The names and the ranges are defined by the vendor of the voice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Synthesis {
    /// The name of the voice.
    pub name: String,
    /// The volume. The platform's default: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<f64>,
    /// The pitch. The platform's default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
    /// The rate of speech. The platform's default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

impl SpeechSettings {
    /// Creates settings that change nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether callers may barge in.
    #[doc(alias = "interruptible")]
    #[must_use]
    pub fn with_barge_in(mut self, yes: bool) -> Self {
        self.barge_in = Some(yes);
        self
    }

    /// Sets how long a caller may be silent, in whole seconds.
    #[must_use]
    pub fn with_silence_timeout(mut self, time: Duration) -> Self {
        self.silence_timeout = Some(time);
        self
    }

    /// Sets the voice that speaks.
    #[must_use]
    pub fn with_synthesis(mut self, synthesis: Synthesis) -> Self {
        self.synthesis = Some(synthesis);
        self
    }

    /// Sets the emotion of the voice. It lasts until a later reply sets another one.
    #[must_use]
    pub fn with_emotion(mut self, emotion: Emotion) -> Self {
        self.emotion = Some(emotion);
        self
    }

    /// Returns the settings that `can` supports.
    pub(super) fn supported_by(&self, can: &SpeechSupport) -> Self {
        Self {
            barge_in: self.barge_in.filter(|_| can.barge_in),
            silence_timeout: self.silence_timeout.filter(|_| can.silence_timeout.is_some()),
            synthesis: self.synthesis.clone().filter(|_| can.synthesis),
            emotion: self.emotion.filter(|_| can.emotion),
        }
    }

    /// Returns whether `can` supports all that is set, whatever the values are.
    pub(super) fn are_supported_by(&self, can: &SpeechSupport) -> bool {
        let set = |settings: &Self| {
            let Self { barge_in, silence_timeout, synthesis, emotion } = settings;
            [barge_in.is_some(), silence_timeout.is_some(), synthesis.is_some(), emotion.is_some()]
        };
        set(self) == set(&self.supported_by(can))
    }

    /// Returns these settings, with those of `before` for the fields that are `None`.
    pub(super) fn or(self, before: Option<Self>) -> Self {
        let before = before.unwrap_or_default();
        Self {
            barge_in: self.barge_in.or(before.barge_in),
            silence_timeout: self.silence_timeout.or(before.silence_timeout),
            synthesis: self.synthesis.or(before.synthesis),
            emotion: self.emotion.or(before.emotion),
        }
    }
}

impl Synthesis {
    /// Creates a voice with this name and the defaults of the platform.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), volume: None, pitch: None, rate: None }
    }

    /// Sets the volume.
    #[must_use]
    pub fn with_volume(mut self, volume: f64) -> Self {
        self.volume = Some(volume);
        self
    }

    /// Sets the pitch.
    #[must_use]
    pub fn with_pitch(mut self, pitch: f64) -> Self {
        self.pitch = Some(pitch);
        self
    }

    /// Sets the rate of speech.
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }
}

/// A request to gather DTMF digits after a reply. The caller can end the input early with `#`.
///
/// | | Digital Employee | ODFS |
/// |---|---|---|
/// | `digits` | `maxDigits`, 1 to 100 | `model_type`: 1 to 99 |
/// | `timeout` | `timeout` for each digit, 1 to 10 s. Default: 5 s | `timeout` for all digits. Default: 10 s |
/// | `speech` | `disableVoiceInput: false` | `model_type`: 111 in place of 101 |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gather {
    /// The largest number of digits.
    pub digits: u8,
    /// How long to wait for digits, in whole seconds.
    pub timeout: Option<Duration>,
    /// Whether the caller may speak instead. Default: no.
    pub speech: bool,
    /// Whether the input is secret; see [`secret`](Self::secret). Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Gather {
    /// Creates a request for up to `digits` digits.
    #[must_use]
    pub fn up_to(digits: u8) -> Self {
        Self { digits, timeout: None, speech: false, secret: false }
    }

    /// Sets how long to wait, in whole seconds.
    #[must_use]
    pub fn with_timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Sets whether the caller may speak instead.
    #[must_use]
    pub fn with_speech(mut self, yes: bool) -> Self {
        self.speech = yes;
        self
    }

    /// Marks what the caller enters as secret, such as a PIN. callbot then keeps it out of the history,
    /// the store and the log; see [`Reply::secret_input`](super::Reply::secret_input). No platform has a
    /// field for it.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A transfer of the caller. `Debug` shows only its kind.
///
/// | | Digital Employee | ODFS | AICall | Other chat completions |
/// |---|---|---|---|---|
/// | `kind` and `to` | `transferType` and `transferee` | `trans_type` and `route_value`: 3 queue, 1 queue by code, 4 agent, 5 number, 2 flow | `callee` of `<imsagent_transfer_call/>` | the argument of `transferCall`, `transfer_to_number` or `transfer_to_agent` |
/// | `shown_number` | `transferor` | `calling_num` | `caller` | – |
/// | `data` | – | `trans_data` | – | – |
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transfer {
    /// The kind of target.
    pub kind: TransferKind,
    /// The target: a name, an id, a code or a number.
    pub to: String,
    /// The number that is shown to the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_number: Option<String>,
    /// Data for the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Transfer {
    /// Creates a transfer to the target `to` of this kind.
    #[must_use]
    pub fn new(kind: TransferKind, to: impl Into<String>) -> Self {
        Self { kind, to: to.into(), shown_number: None, data: None }
    }

    /// Creates a transfer to the queue of a skill group.
    #[must_use]
    pub fn to_queue(queue: impl Into<String>) -> Self {
        Self::new(TransferKind::Queue, queue)
    }

    /// Creates a transfer to one agent, by id.
    #[must_use]
    pub fn to_agent(agent: impl Into<String>) -> Self {
        Self::new(TransferKind::Agent, agent)
    }

    /// Creates a transfer to a phone number.
    #[must_use]
    pub fn to_number(number: impl Into<String>) -> Self {
        Self::new(TransferKind::Number, number)
    }

    /// Sets the number that is shown to the callee.
    #[must_use]
    pub fn with_shown_number(mut self, number: impl Into<String>) -> Self {
        self.shown_number = Some(number.into());
        self
    }

    /// Sets data for the target.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<String>) -> Self {
        self.data = Some(data.into());
        self
    }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("kind", &self.kind)
            .field("to", &Hidden)
            .finish_non_exhaustive()
    }
}

/// A hang-up by the bot.
///
/// Digital Employee gets both fields. ODFS plays the whole text before it releases the call, so the
/// delay is not needed there, and it has no field for the reason. AICall and other chat completions have no
/// field for the delay and ignore it. Only `end_call` of ElevenLabs has a field for the reason. It is not
/// documented whether AICall plays the text before the hang-up to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HangUp {
    /// How long the platform waits before it hangs up, so that the caller hears the last words: 0 to
    /// 10 s, in whole seconds.
    pub delay: Duration,
    /// The reason, for the platform's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl HangUp {
    /// Creates a hang-up without a delay and without a reason.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the delay: 0 to 10 s, in whole seconds.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// A control that only one platform has, in the types of that platform.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Native {
    /// What a digital human shows on its screen, and what DUIX records. The text of the reply replaces
    /// the text in it. Only for DUIX with one answer, not with a stream.
    #[cfg(feature = "duix")]
    Duix(crate::duix::dialogue::Answer),
}

#[cfg(feature = "duix")]
impl From<crate::duix::dialogue::Answer> for Native {
    fn from(answer: crate::duix::dialogue::Answer) -> Self {
        Self::Duix(answer)
    }
}

/// A kind of control: a part of a reply that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlKind {
    /// [`Reply::speech_settings`](super::Reply::speech_settings).
    SpeechSettings,
    /// [`Reply::gather`](super::Reply::gather).
    Gather,
    /// [`Reply::transfer`](super::Reply::transfer).
    Transfer(TransferKind),
    /// [`Reply::hang_up`](super::Reply::hang_up).
    HangUp,
    /// [`Reply::native`](super::Reply::native).
    Native,
}

impl fmt::Display for ControlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpeechSettings => f.write_str("changing the speech settings"),
            Self::Gather => f.write_str("gathering DTMF digits"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Native => f.write_str("a native control"),
        }
    }
}

/// A control with its values.
#[derive(Debug, Clone)]
pub(super) enum Element {
    SpeechSettings(SpeechSettings),
    Gather(Gather),
    Native(Box<Native>),
    Closing(Closing),
}

impl Element {
    pub(super) fn kind(&self) -> ControlKind {
        match self {
            Self::SpeechSettings(_) => ControlKind::SpeechSettings,
            Self::Gather(_) => ControlKind::Gather,
            Self::Native(_) => ControlKind::Native,
            Self::Closing(Closing::Transfer(transfer)) => ControlKind::Transfer(transfer.kind),
            Self::Closing(Closing::HangUp(_)) => ControlKind::HangUp,
        }
    }
}

/// A control that ends the bot's part of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Closing {
    Transfer(Transfer),
    HangUp(HangUp),
}
