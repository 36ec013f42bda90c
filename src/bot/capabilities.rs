//! The platforms and their capabilities.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A platform that a bot can run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// Alibaba Cloud Digital Employee: a phone line, answered in a stream.
    DigitalEmployee,
    /// A DUIX digital human that requests one answer per turn.
    Duix,
    /// A DUIX digital human that requests a stream.
    DuixStream,
    /// Huawei ODFS: an IVR, with one answer per step.
    Odfs,
    /// Alibaba Cloud AICall: an agent that asks the bot as its language model, answered in a stream.
    #[serde(rename = "aicall")]
    AiCall,
    /// Any other voice platform that asks the bot for chat completions, as its language model.
    Chat,
}

impl Platform {
    /// All platforms.
    pub const ALL: [Self; 6] =
        [Self::DigitalEmployee, Self::Duix, Self::DuixStream, Self::Odfs, Self::AiCall, Self::Chat];

    /// Returns the name, which is part of the key of a call. `Duix` and `DuixStream` share one, since
    /// DUIX uses only one of the two with a bot.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DigitalEmployee => "digital-employee",
            Self::Duix | Self::DuixStream => "duix",
            Self::Odfs => "odfs",
            Self::AiCall => "aicall",
            Self::Chat => "chat",
        }
    }

    /// Returns the name that is displayed.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::DuixStream => "duix-stream",
            _ => self.name(),
        }
    }

    /// Returns the platform with this name. An unknown name, which only a custom store can put into a
    /// key, gives the first platform.
    pub(super) fn from_name(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|platform| platform.name() == name);
        found.unwrap_or(Self::DigitalEmployee)
    }

    /// Returns the platforms without those that share the name of an earlier one: one for each name that
    /// the key of a call may have.
    pub(super) fn by_name() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|platform| Self::from_name(platform.name()) == *platform)
    }

    /// Returns the transfers that the platform's document calls unsupported, but that
    /// [`HostBuilder::allow_transfer`](super::HostBuilder::allow_transfer) can allow.
    pub(super) fn optional_transfers(self) -> TransferKinds {
        match self {
            Self::DigitalEmployee => {
                TransferKinds::NONE.with(TransferKind::Agent).with(TransferKind::Number)
            }
            Self::Duix | Self::DuixStream | Self::Odfs | Self::AiCall | Self::Chat => {
                TransferKinds::NONE
            }
        }
    }

    /// Returns what the platform supports.
    #[must_use]
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::DigitalEmployee => &Capabilities::DIGITAL_EMPLOYEE,
            Self::Duix => &Capabilities::DUIX,
            Self::DuixStream => &Capabilities::DUIX_STREAM,
            Self::Odfs => &Capabilities::ODFS,
            Self::AiCall => &Capabilities::AICALL,
            Self::Chat => &Capabilities::CHAT,
        }
    }
}

/// A name for logs and labels, which does not change: `digital-employee`, `duix`, `duix-stream`, `odfs`,
/// `aicall` or `chat`. Unlike [`name`](Platform::name), it differs for the two kinds of DUIX.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// What a platform supports. A method of [`Reply`](super::Reply) that needs more fails immediately.
///
/// Ask [`Reply::can`](super::Reply::can) in a turn, or a [`Platform`] at any time:
///
/// ```
/// use callbot::bot::{Platform, TransferKind};
///
/// let ivr = Platform::Odfs.capabilities();
/// assert!(ivr.hang_up && !ivr.streams);
/// assert!(ivr.transfer.contains(TransferKind::Agent));
/// assert_eq!(ivr.gather.map(|gather| gather.digits), Some((1, 99)));
///
/// let silent: Vec<_> = Platform::ALL.into_iter().filter(|p| !p.capabilities().streams).collect();
/// assert_eq!(silent, [Platform::Duix, Platform::Odfs]);
/// ```
///
/// | | Digital Employee | DUIX | DUIX, streaming | ODFS | AICall | Chat |
/// |---|---|---|---|---|---|---|
/// | `streams` | yes | | yes | | yes | yes |
/// | `greets` | yes | | | yes | | |
/// | `speech` | barge-in, silence, synthesis | | | barge-in, silence | emotion | |
/// | `gather` | 1 to 100 digits, 1 to 10 s for each | | | 1 to 99 digits, 1 s to 1 h for all | | |
/// | `late_gather` | | | | yes | | |
/// | `transfer` | queue | | | queue, agent, number, flow | number | by the tools of the request |
/// | `hang_up` | yes | | | yes | yes | by the tools of the request |
/// | `newest_wins` | yes | yes | yes | | yes | yes |
/// | `aborts`, `heard` | yes | | | | | |
/// | `ends` | yes | | | yes | | |
/// | `filler` | yes | | yes | | yes | yes |
/// | `native` | | yes | | | | |
///
/// AICall and other chat completions do not report a barge-in, but a later request may tell how much was
/// heard; see [`Host::chat`](super::Host#method.chat).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether a reply goes out in packets while the bot speaks. If not, it goes out as one answer at
    /// the end of the turn.
    pub streams: bool,
    /// Whether the platform asks for a greeting. If not, [`Bot::begin`](super::Bot::begin) runs before
    /// the first turn, and its text is dropped unless
    /// [`HostBuilder::greeting`](super::HostBuilder::greeting) says otherwise.
    pub greets: bool,
    /// Which [`SpeechSettings`](super::SpeechSettings) can be set.
    pub speech: SpeechSupport,
    /// The limits for gathering DTMF digits; `None` if the platform can't gather any.
    pub gather: Option<GatherLimits>,
    /// Whether digits can still be gathered after the first packet.
    pub late_gather: bool,
    /// The supported kinds of transfer.
    pub transfer: TransferKinds,
    /// Whether the bot can hang up.
    pub hang_up: bool,
    /// Whether a new turn of a call cuts the running one. If not, the new turn waits.
    pub newest_wins: bool,
    /// Whether the platform reports a barge-in.
    pub aborts: bool,
    /// Whether the report of a barge-in says how much the caller heard.
    pub heard: bool,
    /// Whether the platform reports the end of a call. If not, a call ends when it has been idle for
    /// [`Limits::open_ended_idle_timeout`](super::Limits::open_ended_idle_timeout).
    pub ends: bool,
    /// Whether a filler can go out while the bot works.
    pub filler: bool,
    /// Whether [`Native`](super::Native) has a variant for this platform.
    pub native: bool,
}

/// The [`SpeechSettings`](super::SpeechSettings) that a platform supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpeechSupport {
    /// Whether barge-in can be switched on and off.
    pub barge_in: bool,
    /// The shortest and the longest time that a caller may be silent; `None` if it can't be set.
    pub silence_timeout: Option<(Duration, Duration)>,
    /// Whether the voice can be set, with its volume, pitch and rate.
    pub synthesis: bool,
    /// Whether the emotion of the voice can be set.
    pub emotion: bool,
}

impl SpeechSupport {
    /// Returns whether any setting is supported.
    #[must_use]
    pub fn any(&self) -> bool {
        self.barge_in || self.silence_timeout.is_some() || self.synthesis || self.emotion
    }
}

/// The limits for gathering DTMF digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatherLimits {
    /// The smallest and the largest number of digits.
    pub digits: (u8, u8),
    /// The shortest and the longest timeout: for each digit on Digital Employee, for all digits
    /// together on ODFS.
    pub timeout: (Duration, Duration),
}

/// The kind of target that a call is transferred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransferKind {
    /// The queue of a skill group: its id for Digital Employee, its name for ODFS.
    Queue,
    /// The queue of a skill group, by its access code (ODFS).
    QueueCode,
    /// One agent, by id.
    Agent,
    /// A phone number.
    Number,
    /// Another flow of the IVR, by its access code (ODFS).
    Flow,
}

impl TransferKind {
    const ALL: [Self; 5] = [Self::Queue, Self::QueueCode, Self::Agent, Self::Number, Self::Flow];
}

impl fmt::Display for TransferKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue => "to a queue",
            Self::QueueCode => "to a queue by its access code",
            Self::Agent => "to an agent",
            Self::Number => "to a number",
            Self::Flow => "to a flow",
        })
    }
}

/// A set of [`TransferKind`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TransferKinds(u8);

impl TransferKinds {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// The set of all kinds.
    pub const ALL: Self = Self(0b1_1111);

    /// Adds `kind`.
    #[must_use]
    pub const fn with(self, kind: TransferKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Returns whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: TransferKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Returns the kinds in the set, in the order of [`TransferKind`].
    pub fn iter(self) -> impl Iterator<Item = TransferKind> {
        TransferKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const NOTHING: SpeechSupport =
    SpeechSupport { barge_in: false, silence_timeout: None, synthesis: false, emotion: false };

impl Capabilities {
    /// The capabilities of Digital Employee. The platform's document calls transfers to agents and
    /// numbers unsupported; [`HostBuilder::allow_transfer`](super::HostBuilder::allow_transfer) adds
    /// them.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        streams: true,
        greets: true,
        speech: SpeechSupport {
            barge_in: true,
            silence_timeout: Some((SECOND, Duration::from_secs(10))),
            synthesis: true,
            emotion: false,
        },
        gather: Some(GatherLimits { digits: (1, 100), timeout: (SECOND, Duration::from_secs(10)) }),
        late_gather: false,
        transfer: TransferKinds::NONE.with(TransferKind::Queue),
        hang_up: true,
        newest_wins: true,
        aborts: true,
        heard: true,
        ends: true,
        filler: true,
        native: false,
    };

    /// The capabilities of DUIX with one answer per turn.
    pub const DUIX: Self = Self {
        streams: false,
        greets: false,
        speech: NOTHING,
        gather: None,
        late_gather: false,
        transfer: TransferKinds::NONE,
        hang_up: false,
        newest_wins: true,
        aborts: false,
        heard: false,
        ends: false,
        filler: false,
        native: true,
    };

    /// The capabilities of DUIX with a stream.
    pub const DUIX_STREAM: Self = Self { streams: true, filler: true, native: false, ..Self::DUIX };

    /// The capabilities of ODFS.
    pub const ODFS: Self = Self {
        streams: false,
        greets: true,
        speech: SpeechSupport {
            barge_in: true,
            silence_timeout: Some((SECOND, HOUR)),
            synthesis: false,
            emotion: false,
        },
        gather: Some(GatherLimits { digits: (1, 99), timeout: (SECOND, HOUR) }),
        late_gather: true,
        transfer: TransferKinds::ALL,
        hang_up: true,
        newest_wins: false,
        aborts: false,
        heard: false,
        ends: true,
        filler: false,
        native: false,
    };

    /// The capabilities of AICall. Its callbacks may report the end of a call, but a bot can't rely on them.
    pub const AICALL: Self = Self {
        speech: SpeechSupport { emotion: true, ..NOTHING },
        transfer: TransferKinds::NONE.with(TransferKind::Number),
        hang_up: true,
        ..Self::CHAT
    };

    /// The capabilities of chat completions without tools. A request that offers tools adds hanging up
    /// and transfers; in a turn, ask [`Reply::can`](super::Reply::can).
    pub const CHAT: Self = Self { ..Self::DUIX_STREAM };
}
