//! The platforms, and what each of them can do.

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

    /// Returns the platform of this name, or the first one if there is none: only a foreign store can
    /// make a key with another name.
    pub(super) fn from_name(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|platform| platform.name() == name);
        found.unwrap_or(Self::DigitalEmployee)
    }

    /// Returns the transfers that the platform's document calls not supported, and that
    /// [`HostBuilder::allow_transfer`](super::HostBuilder::allow_transfer) allows.
    pub(super) fn optional_transfers(self) -> TransferKinds {
        match self {
            Self::DigitalEmployee => {
                TransferKinds::NONE.with(TransferKind::Agent).with(TransferKind::Number)
            }
            Self::Duix | Self::DuixStream | Self::Odfs => TransferKinds::NONE,
        }
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
/// | `speech` | barge-in, silence, synthesis | | | barge-in, silence |
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
    /// Whether the platform asks for a greeting. Elsewhere [`Bot::begin`](super::Bot::begin)
    /// runs before the first turn, and what it says is not heard.
    pub greets: bool,
    /// Which [`SpeechSettings`](super::SpeechSettings) can be set.
    pub speech: SpeechSupport,
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

/// Which [`SpeechSettings`](super::SpeechSettings) a platform can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpeechSupport {
    /// Whether callers may barge in.
    pub barge_in: bool,
    /// How long a caller may be silent, at least and at most.
    pub silence_timeout: Option<(Duration, Duration)>,
    /// The voice, its volume, pitch and rate.
    pub synthesis: bool,
}

impl SpeechSupport {
    /// Whether anything can be set.
    #[must_use]
    pub fn any(&self) -> bool {
        self.barge_in || self.silence_timeout.is_some() || self.synthesis
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
const NOTHING: SpeechSupport =
    SpeechSupport { barge_in: false, silence_timeout: None, synthesis: false };

impl Capabilities {
    /// Digital Employee. Transfers to agents and numbers, which the platform's document calls not
    /// supported, are there when [`HostBuilder::allow_transfer`](super::HostBuilder::allow_transfer)
    /// says so.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        streams: true,
        greets: true,
        speech: SpeechSupport {
            barge_in: true,
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
        speech: NOTHING,
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
        speech: SpeechSupport {
            barge_in: true,
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
