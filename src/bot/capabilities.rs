//! What a platform can do, what a bot can't do without, and how much time there is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A platform that a bot can be put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// Alibaba Cloud Digital Employee: a phone line, answered in a stream.
    DigitalEmployee,
    /// A DUIX digital human that asks for one answer.
    Duix,
    /// A DUIX digital human that asks for a stream.
    DuixStream,
    /// Huawei ODFS: an IVR, one answer for each step.
    Odfs,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DigitalEmployee, Self::Duix, Self::DuixStream, Self::Odfs];

    /// The name, which is part of the key of a call. Both kinds of DUIX share one, since the platform
    /// asks one bot for one of the two.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DigitalEmployee => "digital-employee",
            Self::Duix | Self::DuixStream => "duix",
            Self::Odfs => "odfs",
        }
    }

    /// A platform of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.name() == name)
    }

    /// What the platform can do.
    #[must_use]
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::DigitalEmployee => &Capabilities::DIGITAL_EMPLOYEE,
            Self::Duix => &Capabilities::DUIX,
            Self::DuixStream => &Capabilities::DUIX_STREAM,
            Self::Odfs => &Capabilities::ODFS,
        }
    }

    /// How much time the platform gives, or what is usual where it says nothing.
    #[must_use]
    pub fn budget(self) -> Budget {
        match self {
            Self::DigitalEmployee => Budget::DIGITAL_EMPLOYEE,
            Self::Duix | Self::DuixStream => Budget::DUIX,
            Self::Odfs => Budget::ODFS,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DigitalEmployee => "Digital Employee",
            Self::Duix => "DUIX",
            Self::DuixStream => "DUIX (streaming)",
            Self::Odfs => "ODFS",
        })
    }
}

/// What a platform can do. A method of [`Reply`](super::Reply) that needs more is an error at once.
///
/// | | Digital Employee | DUIX | DUIX, streaming | ODFS |
/// |---|---|---|---|---|
/// | `streams` | yes | | yes | |
/// | `greets` | yes | | | yes |
/// | `voice` | barge-in, silence, synthesis | | | barge-in, silence |
/// | `gather` | 1 to 100 keys, 1 to 10 s for each | | | 1 to 99 keys |
/// | `late_gather` | | | | yes |
/// | `transfer` | queue | | | queue, agent, number, flow |
/// | `hang_up` | yes | | | yes |
/// | `newest_wins` | yes | yes | yes | |
/// | `aborts`, `heard` | yes | | | |
/// | `filler` | yes | | yes | |
/// | `native` | | yes | | |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether a reply goes out in packets as it is made; else as one answer at its end.
    pub streams: bool,
    /// Whether the begin of a call is told and answered. Elsewhere [`Bot::begin`](super::Bot::begin)
    /// runs before the first turn, and what it says is not heard.
    pub greets: bool,
    /// What of a [`Voice`](super::Voice) can be set.
    pub voice: VoiceSupport,
    /// Whether keys can be gathered, and how many.
    pub gather: Option<GatherLimits>,
    /// Whether keys can still be gathered after the first packet.
    pub late_gather: bool,
    /// Where calls can be put through to.
    pub transfer: TransferKinds,
    /// Whether the bot can hang up.
    pub hang_up: bool,
    /// Whether a new turn of a call ends the one that runs; else they wait for each other.
    pub newest_wins: bool,
    /// Whether the platform tells that the caller barged in.
    pub aborts: bool,
    /// Whether it tells what the caller had heard by then.
    pub heard: bool,
    /// Whether a filler can go out while the bot thinks.
    pub filler: bool,
    /// Whether there is a [`Native`](super::Native) of this platform.
    pub native: bool,
}

/// What of a [`Voice`](super::Voice) a platform can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VoiceSupport {
    /// Whether callers may barge in.
    pub interruptible: bool,
    /// How long a caller may be silent, at least and at most.
    pub silence_timeout: Option<(Duration, Duration)>,
    /// The voice, its volume, pitch and rate.
    pub synthesis: bool,
}

impl VoiceSupport {
    /// Whether anything can be set.
    #[must_use]
    pub fn any(&self) -> bool {
        self.interruptible || self.silence_timeout.is_some() || self.synthesis
    }
}

/// How keys can be gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatherLimits {
    /// How many keys, at least and at most.
    pub digits: (u8, u8),
    /// How long to wait, at least and at most: for each key on Digital Employee, for all of them on
    /// ODFS.
    pub timeout: (Duration, Duration),
}

/// Where a call can be put through to.
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

/// Kinds of transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferKinds(u8);

impl TransferKinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// All that there are.
    pub const ALL: Self = Self(0b1_1111);

    /// This kind, too.
    #[must_use]
    pub const fn with(self, kind: TransferKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Whether this kind is among them.
    #[must_use]
    pub const fn contains(self, kind: TransferKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// The kinds, in the order of [`TransferKind`].
    pub fn iter(self) -> impl Iterator<Item = TransferKind> {
        TransferKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const NOTHING: VoiceSupport =
    VoiceSupport { interruptible: false, silence_timeout: None, synthesis: false };

impl Capabilities {
    /// Digital Employee. Transfers to agents and numbers, which the platform's document calls not
    /// supported, are there when [`HostBuilder::allow_transfer`](super::HostBuilder::allow_transfer)
    /// says so.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        streams: true,
        greets: true,
        voice: VoiceSupport {
            interruptible: true,
            silence_timeout: Some((SECOND, Duration::from_secs(10))),
            synthesis: true,
        },
        gather: Some(GatherLimits { digits: (1, 100), timeout: (SECOND, Duration::from_secs(10)) }),
        late_gather: false,
        transfer: TransferKinds::NONE.with(TransferKind::Queue),
        hang_up: true,
        newest_wins: true,
        aborts: true,
        heard: true,
        filler: true,
        native: false,
    };

    /// DUIX, one answer for each turn.
    pub const DUIX: Self = Self {
        streams: false,
        greets: false,
        voice: NOTHING,
        gather: None,
        late_gather: false,
        transfer: TransferKinds::NONE,
        hang_up: false,
        newest_wins: true,
        aborts: false,
        heard: false,
        filler: false,
        native: true,
    };

    /// DUIX, in a stream.
    pub const DUIX_STREAM: Self = Self { streams: true, filler: true, native: false, ..Self::DUIX };

    /// ODFS.
    pub const ODFS: Self = Self {
        streams: false,
        greets: true,
        voice: VoiceSupport {
            interruptible: true,
            silence_timeout: Some((SECOND, HOUR)),
            synthesis: false,
        },
        gather: Some(GatherLimits { digits: (1, 99), timeout: (SECOND, HOUR) }),
        late_gather: true,
        transfer: TransferKinds::ALL,
        hang_up: true,
        newest_wins: false,
        aborts: false,
        heard: false,
        filler: false,
        native: false,
    };
}

/// What a bot can't do without. It is checked when the bot is put on a platform.
///
/// ```
/// use callbot::bot::{Needs, Platform, TransferKind};
///
/// const NEEDS: Needs = Needs::NONE.hang_up().transfer(TransferKind::Queue);
/// assert!(NEEDS.missing(Platform::Odfs.capabilities()).is_empty());
/// assert_eq!(NEEDS.missing(Platform::Duix.capabilities()).len(), 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    greeting: bool,
    stream: bool,
    voice: bool,
    gather: bool,
    hang_up: bool,
    heard: bool,
    transfer: TransferKinds,
}

/// Something that a bot needs, and that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// To say something when the call begins.
    Greeting,
    /// To send its reply as it is made.
    Stream,
    /// To set whether callers may barge in.
    Voice,
    /// To gather keys.
    Gather,
    /// To hang up.
    HangUp,
    /// To learn what callers heard.
    Heard,
    /// To put calls through.
    Transfer(TransferKind),
}

impl Needs {
    /// Nothing but turns and text.
    pub const NONE: Self = Self {
        greeting: false,
        stream: false,
        voice: false,
        gather: false,
        hang_up: false,
        heard: false,
        transfer: TransferKinds::NONE,
    };

    /// To say something when the call begins.
    #[must_use]
    pub const fn greeting(mut self) -> Self {
        self.greeting = true;
        self
    }

    /// To send the reply as it is made.
    #[must_use]
    pub const fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// To set whether callers may barge in.
    #[must_use]
    pub const fn voice(mut self) -> Self {
        self.voice = true;
        self
    }

    /// To gather keys.
    #[must_use]
    pub const fn gather(mut self) -> Self {
        self.gather = true;
        self
    }

    /// To hang up.
    #[must_use]
    pub const fn hang_up(mut self) -> Self {
        self.hang_up = true;
        self
    }

    /// To learn what callers heard.
    #[must_use]
    pub const fn heard(mut self) -> Self {
        self.heard = true;
        self
    }

    /// To put calls through to such a place.
    #[must_use]
    pub const fn transfer(mut self, kind: TransferKind) -> Self {
        self.transfer = self.transfer.with(kind);
        self
    }

    /// What of it is missing among these capabilities.
    #[must_use]
    pub fn missing(&self, capabilities: &Capabilities) -> Vec<Need> {
        let simple = [
            (self.greeting, capabilities.greets, Need::Greeting),
            (self.stream, capabilities.streams, Need::Stream),
            (self.voice, capabilities.voice.interruptible, Need::Voice),
            (self.gather, capabilities.gather.is_some(), Need::Gather),
            (self.hang_up, capabilities.hang_up, Need::HangUp),
            (self.heard, capabilities.heard, Need::Heard),
        ];
        let simple = simple.into_iter().filter(|(needed, there, _)| *needed && !there);
        let transfers = self.transfer.iter().filter(|kind| !capabilities.transfer.contains(*kind));
        simple.map(|(_, _, need)| need).chain(transfers.map(Need::Transfer)).collect()
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("a greeting"),
            Self::Stream => f.write_str("a reply in a stream"),
            Self::Voice => f.write_str("a setting for barge-in"),
            Self::Gather => f.write_str("gathering keys"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Heard => f.write_str("what callers heard"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
        }
    }
}

/// A bot can't be put on a platform: it needs what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmet {
    /// The platform.
    pub platform: Platform,
    /// What is missing; never empty.
    pub missing: Vec<Need>,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bot needs what {} has not: ", self.platform)?;
        for (index, need) in self.missing.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(f, "{separator}{need}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unmet {}

/// How much time there is for a reply, from the arrival of the request.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// For all of the answer to the begin of a call. What was said by then goes out, the rest is
    /// dropped; if nothing was said, the call's answer is a failure. `None`: as `whole`.
    pub begin: Option<Duration>,
    /// For the first packet of a turn. Past it the turn is dropped and answered with a failure.
    pub first_packet: Option<Duration>,
    /// For all of a turn. Past it the turn is dropped and answered with a failure.
    pub whole: Option<Duration>,
    /// After which part of `first_packet`, or of `whole` without one, a filler goes out: 0 to 1.
    pub filler_at: f32,
}

impl Budget {
    /// Digital Employee, as its document has it: 200 ms for the begin, 600 ms for the first packet of
    /// a turn, no limit for all of it. A filler after 420 ms.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        begin: Some(Duration::from_millis(200)),
        first_packet: Some(Duration::from_millis(600)),
        whole: None,
        filler_at: 0.7,
    };

    /// DUIX, as its document has it: 20 s for all of an answer. A filler after 14 s.
    pub const DUIX: Self = Self {
        begin: None,
        first_packet: None,
        whole: Some(Duration::from_secs(20)),
        filler_at: 0.7,
    };

    /// ODFS: 30 s for an answer, of which no document says anything.
    pub const ODFS: Self = Self { whole: Some(Duration::from_secs(30)), ..Self::DUIX };

    /// The time for all of a begin; see [`begin`](Self::begin).
    #[must_use]
    pub fn with_begin(mut self, time: Option<Duration>) -> Self {
        self.begin = time;
        self
    }

    /// The time for the first packet; see [`first_packet`](Self::first_packet).
    #[must_use]
    pub fn with_first_packet(mut self, time: Option<Duration>) -> Self {
        self.first_packet = time;
        self
    }

    /// The time for all of a turn; see [`whole`](Self::whole).
    #[must_use]
    pub fn with_whole(mut self, time: Option<Duration>) -> Self {
        self.whole = time;
        self
    }

    /// The part after which a filler goes out; see [`filler_at`](Self::filler_at).
    #[must_use]
    pub fn with_filler_at(mut self, part: f32) -> Self {
        self.filler_at = part;
        self
    }

    /// When a filler goes out, from the arrival of the request.
    pub(super) fn filler(&self) -> Option<Duration> {
        let part = if self.filler_at.is_finite() { self.filler_at.clamp(0.0, 1.0) } else { 1.0 };
        let time = self.first_packet.or(self.whole)?;
        // What is too long for a clock is no time for a filler either.
        Duration::try_from_secs_f64(time.as_secs_f64() * f64::from(part)).ok()
    }
}
