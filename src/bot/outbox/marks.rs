//! What is measured of a turn.

use std::time::Duration;

use tokio::time::Instant;

use super::buffer::Outbox;
use super::draft::Packet;
use super::phase::{CutAnswer, Phase};
use super::state::State;
use crate::bot::history::{Ending, Entry};
use crate::bot::input::{Cause, Input};
use crate::observe::{FirstBy, TurnFailure, TurnOutcome};
use crate::server::Error;

/// What is measured of a turn.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Whether the times are wanted. If not, no clock is read for them.
    pub timed: bool,
    first: Option<(Option<Instant>, FirstBy)>,
    /// When the reply ended or was cut.
    ended: Option<Instant>,
    failure: Option<TurnFailure>,
    repeated: bool,
    /// How many requests read the reply.
    pub requests: usize,
}

impl Marks {
    pub(super) fn new(timed: bool) -> Self {
        Self { timed, ..Self::default() }
    }

    fn now(&self) -> Option<Instant> {
        self.timed.then(Instant::now)
    }

    /// Marks the end of the reply.
    fn end(&mut self, failure: Option<TurnFailure>) {
        self.ended = self.now();
        self.failure = failure;
    }
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

    fn outcome(&self) -> TurnOutcome {
        match &self.phase {
            Phase::Cut { answer: CutAnswer::Discard, .. } => TurnOutcome::Cut,
            Phase::Cut { answer: CutAnswer::Fail(_), .. } | Phase::Failed(_) => TurnOutcome::Failed,
            _ if self.apology.is_some() => TurnOutcome::Apology,
            Phase::Cut { answer: CutAnswer::Deliver, .. } => TurnOutcome::Shortened,
            // `end_task` leaves no reply open.
            Phase::Complete | Phase::Open | Phase::Committing => TurnOutcome::Answered,
        }
    }

    /// Returns how many packets went out. After a cut, readers get no more than they already have.
    pub(super) fn sent(&self) -> usize {
        if self.phase.discards() { self.read } else { self.packets.len() }
    }
}

/// What was measured of a turn that has ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::bot) struct Measured {
    pub outcome: TurnOutcome,
    pub cause: Option<Cause>,
    pub failure: Option<TurnFailure>,
    pub first_packet: Option<Duration>,
    pub first_by: Option<FirstBy>,
    /// When the reply ended or was cut.
    pub ended: Instant,
    pub duration: Duration,
    pub packets: usize,
    pub bytes: usize,
    pub repeated: bool,
    pub requests: usize,
}

impl Outbox {
    /// Returns whether times are measured.
    pub(in crate::bot) fn is_timed(&self) -> bool {
        self.timed
    }

    /// Returns why the turn failed, if it did.
    pub(in crate::bot) fn failure(&self) -> Option<TurnFailure> {
        self.lock().marks.failure
    }

    /// Returns what was measured of a turn whose task has ended.
    pub(in crate::bot) fn measured(&self) -> Measured {
        let state = self.lock();
        let Marks { first, ended, failure, repeated, requests, .. } = state.marks;
        let since = |at: Instant| at.saturating_duration_since(self.arrived);
        let ended = ended.unwrap_or_else(Instant::now);
        let sent = state.sent();
        let texts = state.packets.iter().take(sent).map(|packet| packet.text.len());
        Measured {
            outcome: state.outcome(),
            cause: state.phase.cause(),
            failure,
            first_packet: first.and_then(|(at, _)| at).map(since),
            first_by: first.map(|(_, by)| by),
            ended,
            duration: since(ended),
            packets: sent,
            bytes: texts.sum(),
            repeated,
            requests,
        }
    }

    /// Returns the texts of the turn for a trace, without secrets. An input that is not known to be harmless
    /// is a secret.
    pub(in crate::bot) fn shown_entry(&self, input: Option<Input>) -> Entry {
        let secret = input.clone().filter(|_| !self.knows_secret());
        let mut entry = self.sent_entry(input);
        if let Some(secret) = secret {
            entry.hide_input(&secret, Ending::Cut);
        }
        entry
    }
}
