//! What a request asks of a bot.

use crate::bot::call::CallInfo;
use crate::bot::history::{Entry, History};
use crate::bot::input::{Input, TransferOutcome, TurnId};
use crate::bot::outbox::ReplyKind;

/// A request of the platform.
pub(in crate::bot) struct TurnRequest {
    pub turn: TurnId,
    pub trigger: Trigger,
    pub info: CallInfo,
    /// What the request says about the call so far, if it does.
    pub history: Option<Box<dyn PlatformHistory>>,
}

/// The history of a call as the platform has it.
pub(in crate::bot) trait PlatformHistory: Send + Sync {
    /// Returns the turns of a call that the runtime does not know.
    fn entries(&self) -> Vec<Entry>;

    /// Returns what is new about how much the caller heard of the turns in `known`.
    fn heard(&self, known: &History) -> Vec<(TurnId, String)>;
}

/// What started a turn.
#[derive(Debug, Clone)]
pub(in crate::bot) enum Trigger {
    /// The start of the call.
    Begin,
    Input(Input),
}

impl Trigger {
    pub(super) fn as_input(&self) -> Option<&Input> {
        match self {
            Self::Begin => None,
            Self::Input(input) => Some(input),
        }
    }

    pub(super) fn input(&self) -> Option<Input> {
        self.as_input().cloned()
    }

    pub(super) fn reply_kind(&self) -> ReplyKind {
        match self {
            Self::Begin => ReplyKind::Greeting,
            Self::Input(Input::Transferred(TransferOutcome::Done)) => ReplyKind::AfterTransfer,
            Self::Input(_) => ReplyKind::Turn,
        }
    }
}
