//! How far a reply has come.

use crate::bot::input::Cause;
use crate::server::Error;

/// How far a reply has come.
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
/// `Complete`, `Failed` and `Cut` are final: what comes later changes nothing. So of a cut and a
/// commit the first one wins, whatever the order in which their tasks run.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// The bot may add text and controls, packets go out, and the turn can be cut.
    #[default]
    Open,
    /// The turn succeeded and its changes are being stored. Nothing more goes out, and it can't be
    /// cut: the store alone decides.
    Committing,
    /// The reply is complete: its last packet is there.
    Complete,
    /// The turn failed. The first reader gets the error, later ones a generic one.
    Failed(Option<Error>),
    /// The reply was cut short.
    Cut {
        /// Why.
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
    /// All packets, then the end: the greeting counts as complete as far as it got.
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

    /// Returns whether the reply has come to its end, for readers.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Open | Self::Committing)
    }

    /// Returns whether packets that no reader has taken are discarded.
    pub(super) fn discards(&self) -> bool {
        matches!(self, Self::Cut { answer: CutAnswer::Discard, .. })
    }

    /// Cuts the reply. Returns whether this was what cut it: not if it is committing or has ended.
    pub(super) fn cut(&mut self, cause: Cause, answer: CutAnswer) -> bool {
        let open = self.is_open();
        if open {
            *self = Self::Cut { cause, answer };
        }
        open
    }

    /// Marks the turn as successful: it can't be cut from here on.
    ///
    /// # Errors
    /// The cause when it has been cut before.
    pub(super) fn commit(&mut self) -> Result<(), Cause> {
        match self {
            Self::Open => *self = Self::Committing,
            Self::Cut { cause, .. } => return Err(*cause),
            Self::Committing | Self::Complete | Self::Failed(_) => {}
        }
        Ok(())
    }

    /// Ends a commit that the store refused: the turn can be cut again.
    pub(super) fn reopen(&mut self) {
        if let Self::Committing = self {
            *self = Self::Open;
        }
    }

    /// Completes the reply. Returns whether it had not ended before.
    pub(super) fn complete(&mut self) -> bool {
        self.end(Self::Complete)
    }

    /// Fails the turn. Returns whether it had not ended before.
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

    /// Returns what a reader gets after the packets; `None` while there may be more of them.
    pub(super) fn outcome(&mut self) -> Option<Result<(), Error>> {
        match self {
            Self::Open | Self::Committing => None,
            Self::Complete => Some(Ok(())),
            Self::Cut { answer: CutAnswer::Discard | CutAnswer::Deliver, .. } => Some(Ok(())),
            Self::Failed(error) | Self::Cut { answer: CutAnswer::Fail(error), .. } => {
                let internal = || Error::from(crate::server::Fault::internal());
                Some(Err(error.take().unwrap_or_else(internal)))
            }
        }
    }
}
