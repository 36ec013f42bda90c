//! The state of an outbox, under its lock.

use std::task::Waker;

use super::draft::{Draft, Packet};
use super::holds::Holds;
use super::phase::Phase;
use crate::bot::error::ReplyError;
use crate::bot::input::Input;
use crate::bot::store::Lease;

#[derive(Default)]
pub(super) struct State {
    pub phase: Phase,
    pub draft: Draft,
    pub packets: Vec<Packet>,
    pub filler: Filler,
    /// The number of readers.
    pub readers: usize,
    /// How many packets the fastest reader has taken.
    pub read: usize,
    /// Whether the bot merely yields to other tasks and does not wait for anything.
    pub yielding: bool,
    pub holds: Holds,
    /// Wakes the task of the turn.
    pub waker: Option<Waker>,
    pub lease: Option<Lease>,
    pub task_ended: bool,
    /// Whether the bot was notified that its greeting was dropped.
    pub greeting_dropped: bool,
    /// What the caller's input hides in the history.
    pub secret: Secret,
    /// Whether the caller's next input is secret.
    pub expects_secret: bool,
}

/// What the history must not contain of a turn.
#[derive(Default)]
pub(super) enum Secret {
    /// Not known yet: the record of the call was not read.
    #[default]
    Unknown,
    Nothing,
    /// The input, which the reply may repeat.
    Input(Input),
}

#[derive(Debug, Default)]
pub(super) enum Filler {
    /// There is none, or the bot has cancelled it.
    #[default]
    Off,
    Pending(String),
    /// It is the first packet.
    Sent(String),
}

impl State {
    pub(super) fn check_not_cut(&self) -> Result<(), ReplyError> {
        self.phase.cause().map_or(Ok(()), |cause| Err(ReplyError::Over(cause)))
    }

    pub(super) fn check_not_closed(&self) -> Result<(), ReplyError> {
        self.check_not_cut()?;
        if self.draft.closing.is_some() { Err(ReplyError::Finished) } else { Ok(()) }
    }

    pub(super) fn has_output(&self) -> bool {
        !self.packets.is_empty() || !self.draft.unsent().is_empty()
    }

    pub(super) fn next_packet(&mut self) -> Packet {
        match self.packets.is_empty() {
            true => self.draft.first_packet(),
            false => self.draft.next_packet(),
        }
    }
}
