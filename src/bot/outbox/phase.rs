//! The phases of a reply.

use crate::bot::input::Cause;
use crate::server::Error;

/// The phase of a reply.
///
/// ```text
///                    reopen
///            ┌──────────────────────┐
///            ▼                      │
///   ┌───── Open ──── commit ──► Committing ─────┐
///   │        │                      │           │
///  cut   fail, complete       fail, complete  revoke
///   │        │                      │           │
///   ▼        └───► Failed, Complete ◄┘          ▼
///  Cut                                         Cut
/// ```
///
/// `Complete`, `Failed` and `Cut` are final: later events change nothing. So the first of a cut and a
/// commit wins, whatever the order in which their tasks run.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// The bot may add text and controls, packets are sent, and the turn can be cut.
    #[default]
    Open,
    /// The turn succeeded, and its changes are being stored. Nothing more is sent, and it can't be
    /// cut: only the store decides.
    Committing,
    /// The reply is complete, with its last packet.
    Complete,
    /// The turn failed. The first reader gets the error, later ones a generic one.
    Failed(Option<Error>),
    /// The reply was cut short.
    Cut {
        /// The cause.
        cause: Cause,
        /// What readers get from here on.
        answer: CutAnswer,
    },
}

/// What readers get after a cut.
#[derive(Debug)]
pub(super) enum CutAnswer {
    /// The end. Packets that no reader has taken are discarded.
    Discard,
    /// All packets, then the end. The greeting counts as complete as far as it got.
    Deliver,
    /// All packets, then this error.
    Fail(Option<Error>),
}

impl Phase {
    /// Returns why the reply was cut, if it was.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Cut { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Returns whether the reply has ended for its readers.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Open | Self::Committing)
    }

    /// Returns whether packets that no reader has taken are discarded.
    pub(super) fn discards(&self) -> bool {
        matches!(self, Self::Cut { answer: CutAnswer::Discard, .. })
    }

    /// Cuts the reply. Returns whether this call cut it, which it does not if the reply is committing
    /// or has ended.
    pub(super) fn cut(&mut self, cause: Cause, answer: CutAnswer) -> bool {
        let open = self.is_open();
        if open {
            *self = Self::Cut { cause, answer };
        }
        open
    }

    /// Marks the turn as successful. From here on it can't be cut.
    ///
    /// # Errors
    /// Returns the cause if it has already been cut.
    pub(super) fn commit(&mut self) -> Result<(), Cause> {
        match self {
            Self::Open => *self = Self::Committing,
            Self::Cut { cause, .. } => return Err(*cause),
            Self::Committing | Self::Complete | Self::Failed(_) => {}
        }
        Ok(())
    }

    /// Ends a commit that the store refused. The turn can be cut again.
    pub(super) fn reopen(&mut self) {
        if let Self::Committing = self {
            *self = Self::Open;
        }
    }

    /// Completes the reply. Returns `false` if it had already ended.
    pub(super) fn complete(&mut self) -> bool {
        self.end(Self::Complete)
    }

    /// Fails the turn. Returns `false` if it had already ended.
    pub(super) fn fail(&mut self, error: Error) -> bool {
        self.end(Self::Failed(Some(error)))
    }

    fn end(&mut self, end: Self) -> bool {
        let running = !self.is_final();
        if running {
            *self = end;
        }
        running
    }

    /// Returns what a reader gets after the packets, or `None` while there may be more of them.
    pub(super) fn outcome(&mut self) -> Option<Result<(), Error>> {
        match self {
            Self::Open | Self::Committing => None,
            Self::Complete => Some(Ok(())),
            Self::Cut { answer: CutAnswer::Discard | CutAnswer::Deliver, .. } => Some(Ok(())),
            Self::Failed(error) | Self::Cut { answer: CutAnswer::Fail(error), .. } => {
                let internal = || Error::from(crate::server::Fault::internal()).logged();
                Some(Err(error.take().unwrap_or_else(internal)))
            }
        }
    }
}
