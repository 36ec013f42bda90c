//! What a bot answers with.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

use super::line::Line;
use super::{
    CallKey, Capabilities, Cause, Error, Platform, Result, StoreError, TransferKind, VoiceSupport,
};
use crate::wire::{Hidden, Violation, Violations};

/// The reply of a turn, lent to the bot for it.
///
/// What is said goes out as the platform wants it: in packets, each when the bot really waits for
/// something, or as one answer at the end. So words and controls that are made together arrive
/// together. Every method waits while the line is slow, and lets other tasks run now and then.
///
/// [`transfer`](Self::transfer) and [`hang_up`](Self::hang_up) are last: they go out when the turn has
/// ended well and the memory is written, and nothing can be said after them.
///
/// It can't leave the turn:
///
/// ```compile_fail,E0521
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Parrot;
/// impl Bot for Parrot {
///     type Memory = ();
///
///     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
///         tokio::spawn(async move { reply.say("Later!").await });
///         Ok(())
///     }
/// }
/// ```
pub struct Reply {
    line: Arc<Line>,
    muted: bool,
}

impl Reply {
    pub(super) fn new(line: Arc<Line>, muted: bool) -> Self {
        Self { line, muted }
    }

    /// Says something: a sentence, or a piece of one as a language model gives it. White space is
    /// the author's; pieces are put together as they are.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when nobody listens any more: return, the rest is dropped anyway.
    /// [`ReplyError::Finished`] after a transfer or a hang-up, [`ReplyError::TooLong`] when the whole
    /// text is longer than a reply may be.
    pub async fn say(&mut self, text: impl AsRef<str> + Send + Sync) -> Result {
        self.line.ready().await?;
        if self.muted {
            self.line.unheard();
            return Ok(());
        }
        Ok(self.line.say(text.as_ref())?)
    }

    /// Says all of a stream, such as the answer of a language model.
    ///
    /// # Errors
    /// The first error of the stream, or of [`say`](Self::say).
    ///
    /// ```
    /// use callbot::bot::{Reply, Result};
    /// use callbot::text::sentences;
    /// use futures_util::stream;
    ///
    /// async fn answer(reply: &mut Reply) -> Result {
    ///     let tokens = ["It o", "pens at ni", "ne. Any", "thing else?"].map(Ok::<_, std::io::Error>);
    ///     reply.say_all(sentences(stream::iter(tokens))).await
    /// }
    /// ```
    pub async fn say_all<S, T, E>(&mut self, texts: S) -> Result
    where
        S: Stream<Item = Result<T, E>> + Send,
        T: AsRef<str> + Send + Sync,
        E: Into<Error>,
    {
        let mut texts = pin!(texts);
        while let Some(text) = texts.next().await {
            self.say(text.map_err(Into::into)?).await?;
        }
        Ok(())
    }

    /// Lets what was said so far go out now, where the platform takes packets. There is no need for it
    /// before something that is awaited.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when nobody listens any more.
    pub async fn flush(&mut self) -> Result {
        self.line.ready().await?;
        self.line.flush();
        Ok(())
    }

    /// Sets how the platform speaks and listens, from this reply on to the end of the call. What is
    /// not set stays as it is.
    ///
    /// # Errors
    /// As [`say`](Self::say); [`ReplyError::Late`] when the first packet has left,
    /// [`ReplyError::Unsupported`] when the platform can't, [`ReplyError::Invalid`] for values that
    /// are not allowed.
    pub async fn voice(&mut self, voice: Voice) -> Result {
        self.put(Put::Voice(voice)).await
    }

    /// Takes keys after this reply.
    ///
    /// # Errors
    /// As [`voice`](Self::voice).
    pub async fn gather(&mut self, keys: Gather) -> Result {
        self.put(Put::Gather(keys)).await
    }

    /// Puts the caller through to somebody else, after what was said. It is the last of a reply.
    ///
    /// # Errors
    /// As [`say`](Self::say); [`ReplyError::Unsupported`] when the platform can't,
    /// [`ReplyError::Invalid`] for values that are not allowed.
    pub async fn transfer(&mut self, to: Transfer) -> Result {
        self.put(Put::Last(Last::Transfer(to))).await
    }

    /// Hangs up, after what was said. It is the last of a reply.
    ///
    /// # Errors
    /// As [`transfer`](Self::transfer).
    pub async fn hang_up(&mut self, how: HangUp) -> Result {
        self.put(Put::Last(Last::HangUp(how))).await
    }

    /// Adds what only this platform has.
    ///
    /// # Errors
    /// As [`transfer`](Self::transfer): [`ReplyError::Unsupported`] on all other platforms.
    pub async fn native(&mut self, native: impl Into<Native> + Send) -> Result {
        self.put(Put::Native(Box::new(native.into()))).await
    }

    /// What the platform can do.
    #[must_use]
    pub fn can(&self) -> Capabilities {
        self.line.mount().capabilities
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.line.mount().platform
    }

    /// How much time is left for the first packet, or for all of the reply where that is what counts;
    /// `None` when there is no limit, or when the first packet has left.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.line.left()
    }

    /// No filler in this reply: after a filler keys can't be gathered any more on a platform that
    /// takes this in the first packet only.
    pub fn no_filler(&mut self) {
        self.line.no_filler();
    }

    async fn put(&mut self, put: Put) -> Result {
        self.line.ready().await?;
        Ok(self.line.put(put, self.muted)?)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("platform", &self.platform()).finish_non_exhaustive()
    }
}

/// What goes into a reply beside its text.
#[derive(Debug, Clone)]
pub(super) enum Put {
    Voice(Voice),
    Gather(Gather),
    Native(Box<Native>),
    Last(Last),
}

impl Put {
    pub(super) fn control(&self) -> Control {
        match self {
            Self::Voice(_) => Control::Voice,
            Self::Gather(_) => Control::Gather,
            Self::Native(_) => Control::Native,
            Self::Last(Last::Transfer(transfer)) => Control::Transfer(transfer.kind),
            Self::Last(Last::HangUp(_)) => Control::HangUp,
        }
    }
}

/// What ends the bot's part of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Last {
    Transfer(Transfer),
    HangUp(HangUp),
}

/// How the platform speaks and listens. What is not set stays as it is. It is told with the first
/// packet of each reply, since no document says that a platform remembers it.
///
/// | | Digital Employee | ODFS | before it is set |
/// |---|---|---|---|
/// | `interruptible` | `interruptible` of `Voice` | `model_type`: 111, or 122 | no; ODFS: yes |
/// | `silence_timeout` | `silenceDetectionTimeout`, 1 to 10 s | `timeout` | 5 s |
/// | `synthesis` | `synthesizerConfig` | – | the platform's own |
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Voice {
    /// Whether callers may barge in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruptible: Option<bool>,
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

impl Voice {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether callers may barge in.
    #[must_use]
    pub fn with_interruptible(mut self, yes: bool) -> Self {
        self.interruptible = Some(yes);
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

    /// As much of it as is supported.
    pub(super) fn possible(&self, can: &VoiceSupport) -> Self {
        Self {
            interruptible: self.interruptible.filter(|_| can.interruptible),
            silence_timeout: self.silence_timeout.filter(|_| can.silence_timeout.is_some()),
            synthesis: self.synthesis.clone().filter(|_| can.synthesis),
        }
    }

    /// This, where it is set, and else what was there before.
    pub(super) fn over(self, before: Option<Self>) -> Self {
        let before = before.unwrap_or_default();
        Self {
            interruptible: self.interruptible.or(before.interruptible),
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

/// Keys to be taken after a reply. `#` ends them before the greatest number is reached.
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
    /// At most so many keys.
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
    #[cfg_attr(docsrs, doc(cfg(feature = "duix")))]
    Duix(crate::duix::dialogue::Answer),
}

#[cfg(feature = "duix")]
impl From<crate::duix::dialogue::Answer> for Native {
    fn from(answer: crate::duix::dialogue::Answer) -> Self {
        Self::Duix(answer)
    }
}

/// A part of a reply that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Control {
    /// [`Reply::voice`].
    Voice,
    /// [`Reply::gather`].
    Gather,
    /// [`Reply::transfer`].
    Transfer(TransferKind),
    /// [`Reply::hang_up`].
    HangUp,
    /// [`Reply::native`].
    Native,
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voice => f.write_str("a voice"),
            Self::Gather => f.write_str("gathering keys"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Native => f.write_str("what another platform has"),
        }
    }
}

/// Why something did not get into a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// Nobody listens any more. The bot should return; the turn is dropped at its next wait anyway,
    /// unless it [holds](super::Call::hold).
    Over(Cause),
    /// The platform takes this in the first packet only, and that has left.
    Late(Control),
    /// The platform can't do this.
    Unsupported(Control, Platform),
    /// A transfer or a hang-up was the last of this reply.
    Finished,
    /// The text of the reply would be longer than it may be.
    TooLong {
        /// How long it would be, in bytes.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// Values are not what the platform allows.
    Invalid(Violations),
    /// The store of calls did not do its part.
    Store(StoreError),
}

impl ReplyError {
    pub(super) fn invalid(pointer: &str, value: impl fmt::Display, allowed: &str) -> Self {
        Self::Invalid(Violation::new(pointer, Some(value.to_string()), allowed).into())
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(cause) => write!(f, "the reply is over: {cause}"),
            Self::Late(control) => {
                write!(f, "{control} goes into the first packet only, which has left")
            }
            Self::Unsupported(control, platform) => {
                write!(f, "{control} is not supported by {platform}")
            }
            Self::Finished => f.write_str("the reply has ended with a transfer or a hang-up"),
            Self::TooLong { bytes, most } => {
                write!(f, "the text of the reply: {bytes} bytes, allowed: at most {most}")
            }
            Self::Invalid(violations) => violations.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReplyError {}

impl From<StoreError> for ReplyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Something of a reply that did not reach the caller, where that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The call.
    pub call: CallKey,
    /// The platform.
    pub platform: Platform,
    /// What did not reach the caller.
    pub what: Dropped,
}

/// What of a reply did not reach the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// A control that the platform can't do, and that may be
    /// [lost](super::HostBuilder::lossy).
    Control(Control),
    /// What was said at the begin of a call, when no platform asked for that.
    Greeting,
    /// The reason of a hang-up, which the platform has no place for.
    HangUpReason,
    /// What was said at the begin of a call after the time was up.
    RestOfGreeting,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = self.platform;
        match self.what {
            Dropped::Control(control) => write!(f, "{platform} can't do {control}: dropped"),
            Dropped::Greeting => {
                write!(f, "{platform} does not ask for a greeting before a turn: dropped")
            }
            Dropped::HangUpReason => write!(f, "{platform} takes no reason of a hang-up: dropped"),
            Dropped::RestOfGreeting => write!(f, "the rest of the greeting came too late: dropped"),
        }
    }
}
