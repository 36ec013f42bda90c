//! What goes into a reply beside its text.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::capabilities::{SpeechSupport, TransferKind};
use crate::wire::Hidden;

/// How the platform speaks and listens. What is not set stays as it is. It goes out with the first
/// packet of each reply, since no document says that a platform remembers it.
///
/// | | Digital Employee | ODFS | before it is set |
/// |---|---|---|---|
/// | `barge_in` | `interruptible` of `Voice` | `model_type`: 111, or 122 | no; ODFS: yes |
/// | `silence_timeout` | `silenceDetectionTimeout`, 1 to 10 s | `timeout` | 5 s |
/// | `synthesis` | `synthesizerConfig` | – | the platform's own |
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpeechSettings {
    /// Whether callers may barge in.
    #[doc(alias = "interruptible")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barge_in: Option<bool>,
    /// How long a caller may be silent before that is a turn, in whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_timeout: Option<Duration>,
    /// The voice that speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthesis: Option<Synthesis>,
}

/// A voice. Names and ranges are those of the voice's vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Synthesis {
    /// The name of the voice.
    pub name: String,
    /// The volume; the platform's default is 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<f64>,
    /// The pitch; the platform's default is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
    /// The rate of speech; the platform's default is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

impl SpeechSettings {
    /// Nothing set.
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

    /// Sets how long a caller may be silent.
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

    /// Returns the settings that are supported.
    pub(super) fn supported_by(&self, can: &SpeechSupport) -> Self {
        Self {
            barge_in: self.barge_in.filter(|_| can.barge_in),
            silence_timeout: self.silence_timeout.filter(|_| can.silence_timeout.is_some()),
            synthesis: self.synthesis.clone().filter(|_| can.synthesis),
        }
    }

    /// Returns these settings, and those of `before` for what is not set here.
    pub(super) fn or(self, before: Option<Self>) -> Self {
        let before = before.unwrap_or_default();
        Self {
            barge_in: self.barge_in.or(before.barge_in),
            silence_timeout: self.silence_timeout.or(before.silence_timeout),
            synthesis: self.synthesis.or(before.synthesis),
        }
    }
}

impl Synthesis {
    /// The voice of this name.
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

/// Dtmf to be taken after a reply. `#` ends them before the greatest number is reached.
///
/// | | Digital Employee | ODFS |
/// |---|---|---|
/// | `digits` | `maxDigits`, 1 to 100 | `model_type`: 1 to 99 |
/// | `timeout` | `timeout` for each key, 1 to 10 s; 5 s if not set | `timeout` for all of them; 10 s if not set |
/// | `speech` | `disableVoiceInput: false` | `model_type`: 111 in place of 101 |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gather {
    /// The greatest number of keys.
    pub digits: u8,
    /// How long to wait for them, in whole seconds.
    pub timeout: Option<Duration>,
    /// Whether speech is taken, too. Default: no.
    pub speech: bool,
}

impl Gather {
    /// Gathers up to `digits` keys.
    #[must_use]
    pub fn up_to(digits: u8) -> Self {
        Self { digits, timeout: None, speech: false }
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn with_timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Sets whether speech is taken, too.
    #[must_use]
    pub fn with_speech(mut self, yes: bool) -> Self {
        self.speech = yes;
        self
    }
}

/// Where the caller is put through to. The place does not show in `Debug`.
///
/// | | Digital Employee | ODFS |
/// |---|---|---|
/// | `kind` and `to` | `transferType` and `transferee` | `trans_type` and `route_value`: 3 queue, 1 queue by code, 4 agent, 5 number, 2 flow |
/// | `shown_number` | `transferor` | `calling_num` |
/// | `data` | – | `trans_data` |
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transfer {
    /// What kind of place it is.
    pub kind: TransferKind,
    /// The place: a name, an id, a code or a number.
    pub to: String,
    /// The number that the callee sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_number: Option<String>,
    /// Data that go along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Transfer {
    /// To such a place.
    #[must_use]
    pub fn new(kind: TransferKind, to: impl Into<String>) -> Self {
        Self { kind, to: to.into(), shown_number: None, data: None }
    }

    /// To the queue of a skill group.
    #[must_use]
    pub fn to_queue(queue: impl Into<String>) -> Self {
        Self::new(TransferKind::Queue, queue)
    }

    /// To one agent, by id.
    #[must_use]
    pub fn to_agent(agent: impl Into<String>) -> Self {
        Self::new(TransferKind::Agent, agent)
    }

    /// To a phone number.
    #[must_use]
    pub fn to_number(number: impl Into<String>) -> Self {
        Self::new(TransferKind::Number, number)
    }

    /// Sets the number that the callee sees.
    #[must_use]
    pub fn with_shown_number(mut self, number: impl Into<String>) -> Self {
        self.shown_number = Some(number.into());
        self
    }

    /// Sets data that go along.
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

/// How to hang up.
///
/// Digital Employee gets both values. ODFS plays what was said to its end before it releases the
/// call, so it needs no delay, and it has no place for the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HangUp {
    /// How long to wait first, in whole seconds: the last words have to be heard. 0 to 10 s.
    pub delay: Duration,
    /// Why, for the platform's records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl HangUp {
    /// At once, for no reason.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long to wait first.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// What only one platform has, in its own types.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Native {
    /// What the screen of a digital human shows, and what its platform records. The text is that of
    /// the reply, whatever stands here. For one answer only, not for a stream.
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
            Self::SpeechSettings => f.write_str("a change of the speech settings"),
            Self::Gather => f.write_str("gathering keys"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Native => f.write_str("what another platform has"),
        }
    }
}

/// What goes into a reply beside its text.
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

/// What ends the bot's part of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Closing {
    Transfer(Transfer),
    HangUp(HangUp),
}
