//! The state of an outbox, under its lock.

use std::sync::Arc;
use std::task::Waker;

use super::draft::{Draft, Packet, gap};
use super::holds::Holds;
use super::marks::Marks;
use super::phase::{CutAnswer, Phase};
use super::tags::TagFilter;
use crate::bot::controls::SpeechSettings;
use crate::bot::error::ReplyError;
use crate::bot::input::{Cause, Input};
use crate::bot::store::Lease;
use crate::observe::{FirstBy, TurnFailure};
use crate::server::Error;

#[derive(Default)]
pub(super) struct State {
    pub phase: Phase,
    pub draft: Draft,
    /// Removes control tags from the text on its way into the draft.
    pub tags: TagFilter,
    /// Whether the next text starts a new sentence after the text so far.
    pub new_sentence: bool,
    pub packets: Vec<Packet>,
    pub filler: Filler,
    pub progress: Progress,
    /// The apology, if it is the last packet.
    pub apology: Option<String>,
    /// The speech settings of the call before this turn.
    pub speech: Option<SpeechSettings>,
    /// The number of readers.
    pub readers: usize,
    /// How many packets the fastest reader has taken.
    pub read: usize,
    pub holds: Holds,
    /// Wakes the task of the turn.
    pub waker: Option<Waker>,
    pub lease: Option<Arc<Lease>>,
    pub task_ended: bool,
    /// Whether the call has ended.
    pub call_over: bool,
    /// Whether the call has begun in this turn, which the store does not know yet.
    pub begun: bool,
    /// Whether the bot was notified that its greeting was dropped.
    pub greeting_dropped: bool,
    /// What the caller's input hides in the history.
    pub secret: Secret,
    /// Whether the caller's next input is secret.
    pub expects_secret: bool,
    pub marks: Marks,
}

/// The changes of the state that are measured. Nothing else adds packets or ends the reply.
impl State {
    /// Adds a packet.
    pub(super) fn push(&mut self, packet: Packet, by: FirstBy) {
        if self.marks.first.is_none() {
            self.marks.first = Some((self.marks.now(), by));
        }
        self.packets.push(packet);
    }

    /// Cuts the reply. Returns whether this call cut it.
    pub(super) fn cut(
        &mut self,
        cause: Cause,
        answer: CutAnswer,
        failure: Option<TurnFailure>,
    ) -> bool {
        let cut = self.phase.cut(cause, answer);
        if cut {
            self.marks.end(failure);
        }
        cut
    }

    /// Completes the reply. Returns `false` if it had already ended.
    pub(super) fn complete(&mut self, failure: Option<TurnFailure>) -> bool {
        let complete = self.phase.complete();
        if complete {
            self.marks.end(failure);
        }
        complete
    }

    /// Fails the turn. Returns `false` if it had already ended.
    pub(super) fn fail(&mut self, error: Error, failure: TurnFailure) -> bool {
        let failed = self.phase.fail(error);
        if failed {
            self.marks.end(Some(failure));
        }
        failed
    }

    /// Marks the reply as one that was given before.
    pub(super) fn mark_repeated(&mut self) {
        self.marks.repeated = true;
    }

    /// Returns how many packets went out. After a cut, readers get no more than they already have.
    pub(super) fn sent(&self) -> usize {
        if self.phase.discards() { self.read } else { self.packets.len() }
    }
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

/// How far the bot's turn has got.
///
/// It decides about fillers on platforms that take a control in the first packet only. A filler may be that
/// packet, so a turn would succeed or fail by how long it waits before the control. Instead this rule
/// applies, whatever the times are:
///
/// - Before its first wait, a turn may add such controls. No filler goes out until then, except in place of
///   the failure at the deadline of the first packet.
/// - After its first wait, it may not, unless it has cancelled the filler before. It makes no difference
///   whether the filler has gone out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Progress {
    /// The turn has not started: its call is being opened and prepared.
    #[default]
    Opening,
    /// The bot has not waited yet.
    Running,
    /// The bot has waited.
    Waited {
        /// Whether a filler could still go out when the bot began to wait.
        fills: bool,
    },
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

    /// Adds the apology as the last packet. Text that is not in a packet is discarded: it may be half a
    /// sentence, or promise what has failed.
    pub(super) fn apologize(&mut self, apology: &str) {
        self.discard_unsent();
        let packet = match self.packets.last() {
            Some(before) => {
                let text = [gap(&before.text, apology), apology].concat();
                Packet { text, last: true, ..Packet::default() }
            }
            // Without the changes of this turn, which has failed.
            None => Packet {
                text: apology.to_owned(),
                speech: self.speech.clone(),
                last: true,
                ..Packet::default()
            },
        };
        self.push(packet, FirstBy::Apology);
        self.apology = Some(apology.to_owned());
    }

    /// Discards what is not in a packet.
    pub(super) fn discard_unsent(&mut self) {
        self.draft.discard_unsent();
        self.tags.discard();
    }

    pub(super) fn next_packet(&mut self) -> Packet {
        match self.packets.is_empty() {
            true => self.draft.first_packet(),
            false => self.draft.next_packet(),
        }
    }
}
