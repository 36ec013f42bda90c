//! What was measured of a turn that has ended.

use std::time::Duration;

use tokio::time::Instant;

use super::buffer::Outbox;
use super::marks::Marks;
use super::phase::{CutAnswer, Phase};
use super::state::State;
use crate::bot::history::{Ending, Entry};
use crate::bot::input::{Cause, Input};
use crate::observe::{FirstBy, TurnFailure, TurnOutcome};

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

impl State {
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
}
