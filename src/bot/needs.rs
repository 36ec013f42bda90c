//! The requirements of a bot on a platform.

use std::fmt;

use super::capabilities::{Capabilities, Platform, TransferKind, TransferKinds};

/// The capabilities that a bot requires. They are checked when the bot is put on a platform.
///
/// ```
/// use callbot::bot::{Bot, Call, Input, Need, Needs, Platform, Reply, Result, TransferKind};
///
/// struct Receptionist;
///
/// impl Bot for Receptionist {
///     type Memory = ();
///
///     fn needs(&self) -> Needs {
///         Needs::NONE.gather().transfer(TransferKind::Queue)
///     }
///
///     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
///         reply.say("Which department, please?").await
///     }
/// }
///
/// let needs = Receptionist.needs();
/// assert_eq!(needs.missing(Platform::Odfs.capabilities()), []);
/// let missing = needs.missing(Platform::Duix.capabilities());
/// assert_eq!(missing, [Need::Gather, Need::Transfer(TransferKind::Queue)]);
/// ```
///
/// Putting this bot on DUIX fails with a [`NeedsError`].
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

/// A capability that a bot requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// A greeting at the start of the call.
    Greeting,
    /// Replies that are sent while the bot speaks.
    Stream,
    /// Switching barge-in on and off.
    BargeIn,
    /// Gathering DTMF digits.
    Gather,
    /// Hanging up.
    HangUp,
    /// Reports of how much callers heard.
    Heard,
    /// This kind of transfer.
    Transfer(TransferKind),
}

impl Needs {
    /// Requires nothing but turns and text.
    pub const NONE: Self = Self {
        greeting: false,
        stream: false,
        barge_in: false,
        gather: false,
        hang_up: false,
        heard: false,
        transfer: TransferKinds::NONE,
    };

    /// Requires a greeting at the start of the call.
    #[must_use]
    pub const fn greeting(mut self) -> Self {
        self.greeting = true;
        self
    }

    /// Requires replies that are sent while the bot speaks.
    #[must_use]
    pub const fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Requires that barge-in can be switched on and off.
    #[must_use]
    pub const fn barge_in(mut self) -> Self {
        self.barge_in = true;
        self
    }

    /// Requires gathering of DTMF digits.
    #[must_use]
    pub const fn gather(mut self) -> Self {
        self.gather = true;
        self
    }

    /// Requires that the bot can hang up.
    #[must_use]
    pub const fn hang_up(mut self) -> Self {
        self.hang_up = true;
        self
    }

    /// Requires reports of how much callers heard.
    #[must_use]
    pub const fn heard(mut self) -> Self {
        self.heard = true;
        self
    }

    /// Requires this kind of transfer.
    #[must_use]
    pub const fn transfer(mut self, kind: TransferKind) -> Self {
        self.transfer = self.transfer.with(kind);
        self
    }

    /// Returns the requirements that `capabilities` lacks.
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
            Self::Stream => f.write_str("streamed replies"),
            Self::BargeIn => f.write_str("switching barge-in on and off"),
            Self::Gather => f.write_str("gathering DTMF digits"),
            Self::HangUp => f.write_str("hanging up"),
            Self::Heard => f.write_str("reports of what callers heard"),
            Self::Transfer(kind) => write!(f, "a transfer {kind}"),
        }
    }
}

/// The error when a platform lacks something that the bot requires.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeedsError {
    /// The platform.
    pub platform: Platform,
    /// The missing requirements; never empty.
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
