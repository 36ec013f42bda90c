//! What a bot requires of a platform.

use std::fmt;

use super::capabilities::{Capabilities, Platform, TransferKind, TransferKinds};

/// What a bot requires. It is checked when the bot is put on a platform.
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
    barge_in: bool,
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
    BargeIn,
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
        barge_in: false,
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
    pub const fn barge_in(mut self) -> Self {
        self.barge_in = true;
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

    /// Returns what these capabilities lack.
    #[must_use]
    pub fn missing(&self, capabilities: &Capabilities) -> Vec<Need> {
        let simple = [
            (self.greeting, capabilities.greets, Need::Greeting),
            (self.stream, capabilities.streams, Need::Stream),
            (self.barge_in, capabilities.speech.barge_in, Need::BargeIn),
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
            Self::BargeIn => f.write_str("a setting for barge-in"),
            Self::Gather => f.write_str("gathering keys"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Heard => f.write_str("what callers heard"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
        }
    }
}

/// The platform lacks something that the bot requires.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeedsError {
    /// The platform.
    pub platform: Platform,
    /// What is missing; never empty.
    pub missing: Vec<Need>,
}

impl fmt::Display for NeedsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bot requires features that {} does not support: ", self.platform)?;
        for (index, need) in self.missing.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(f, "{separator}{need}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NeedsError {}
