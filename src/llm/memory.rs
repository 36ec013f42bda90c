//! The memory of an assistant's calls: that of the program, and what the assistant keeps.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema;
use super::summary::Tally;
use crate::bot::{History, TurnId};

/// The memory of an assistant's calls: your own, and what the assistant keeps.
///
/// The assistant keeps the results of tools, so that the next turns know them and no turn does its work
/// twice. It also counts what the [`CallSummary`](crate::observe::CallSummary) reports. Of the results it
/// keeps the newest 16 KiB, each cut after 4 KiB.
///
/// ```
/// use callbot::llm::Memory;
///
/// let memory = Memory::new(vec!["Margherita".to_owned()]);
/// assert_eq!(memory.own, ["Margherita"]);
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Memory<M> {
    /// Your own memory of the call.
    pub own: M,
    #[serde(default, skip_serializing_if = "Log::is_empty")]
    pub(super) log: Log,
}

impl<M> Memory<M> {
    /// Creates the memory of a call in which no tool has run.
    #[must_use]
    pub fn new(own: M) -> Self {
        Self { own, log: Log::default() }
    }
}

// Results of tools are private, and so may be the program's memory.
impl<M> fmt::Debug for Memory<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// What the assistant keeps of a call.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Log {
    /// The turns with tool calls, the oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    exchanges: VecDeque<Exchange>,
    /// How often in a row the caller has been silent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silences: u32,
    #[serde(default)]
    pub tally: Tally,
}

// serde passes a reference.
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The tool calls of a turn.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub turn: TurnId,
    /// The number of turns before it, which tells how old it is.
    at: u64,
    pub rounds: Vec<Vec<Called>>,
}

impl Exchange {
    /// Returns the length of the arguments and the results, in bytes.
    fn bytes(&self) -> usize {
        let calls = self.rounds.iter().flatten();
        calls.map(|call| call.arguments.len() + call.outcome().len()).sum()
    }
}

/// A tool call of the model.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Called {
    pub id: String,
    pub name: String,
    pub arguments: String,
    /// What the model gets; `None` until the tool has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Whether the tool has begun to work. Without a result its outcome is then unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
}

/// The place of a tool call: its round in the turn, and its position in the round.
pub(super) type At = (usize, usize);

impl Called {
    /// Returns what the model gets as the result.
    pub(super) fn outcome(&self) -> &str {
        match &self.result {
            Some(result) => result,
            None if self.started => UNKNOWN,
            None => NOT_RUN,
        }
    }
}

/// The result of a tool whose work was begun, and whose end nobody has seen.
pub(super) const UNKNOWN: &str = "The outcome is unknown: the work was interrupted. Do not call the tool \
     again without asking the caller.";
const NOT_RUN: &str = "The tool did not run: the caller interrupted before it.";

const TOO_MUCH: &str = "The tool did not run: the arguments of this turn are too long.";

/// How many turns with tool calls are kept.
const MAX_EXCHANGES: usize = 16;
/// How many calls a round may have. Others are left out.
const MAX_CALLS: usize = 16;
/// How much text all of them have, in bytes, and how much the arguments of one turn.
const MAX_BYTES: usize = 16 * 1024;
/// How much of one result is kept, in bytes: at most, and even if there is no room.
const MAX_RESULT: usize = 4 * 1024;
const MIN_RESULT: usize = 200;
/// How many turns may lie between a turn that is not in the history yet and the one that needs its results.
/// What a turn said that was cut may reach the store late; its results are there earlier.
const LATE: u64 = 2;

impl Log {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the tool calls of a turn.
    pub(super) fn exchange(&self, turn: &TurnId) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.turn == *turn)
    }

    /// Returns the tool calls of recent turns that are not in the history, other than `turn`.
    pub(super) fn late<'a>(
        &'a self,
        history: &'a History,
        turn: &'a TurnId,
    ) -> impl Iterator<Item = &'a Exchange> {
        let known = |exchange: &&Exchange| history.get(&exchange.turn).is_some();
        self.exchanges.iter().filter(move |exchange| {
            let age = self.tally.turns.saturating_sub(exchange.at);
            exchange.turn != *turn && !known(exchange) && age <= LATE
        })
    }

    /// Adds a round of tool calls to a turn, within the limits: a model may write any number of them, of any
    /// length, and the memory of a call must stay small enough to be stored. Returns how many were added.
    pub(super) fn add_round(&mut self, turn: &TurnId, mut calls: Vec<Called>) -> usize {
        calls.truncate(MAX_CALLS);
        let mut total = self.exchange(turn).map_or(0, Exchange::bytes);
        for call in &mut calls {
            total = total.saturating_add(call.arguments.len());
            if total > MAX_BYTES {
                total -= call.arguments.len();
                call.arguments = "{}".into();
                call.result = Some(TOO_MUCH.into());
            }
        }
        let count = calls.len();
        let at = self.tally.turns;
        let exchange = match self.exchanges.iter().position(|known| known.turn == *turn) {
            Some(position) => self.exchanges.get_mut(position),
            None => {
                self.exchanges.push_back(Exchange { turn: turn.clone(), at, rounds: Vec::new() });
                self.exchanges.back_mut()
            }
        };
        if let Some(exchange) = exchange {
            exchange.rounds.push(calls);
        }
        count
    }

    /// Returns a tool call of a turn.
    pub(super) fn called_mut(
        &mut self,
        turn: &TurnId,
        (round, position): At,
    ) -> Option<&mut Called> {
        let exchange = self.exchanges.iter_mut().find(|known| known.turn == *turn)?;
        exchange.rounds.get_mut(round)?.get_mut(position)
    }

    /// Returns what the model gets for a tool call of the turn with the same arguments, before `at`.
    pub(super) fn same(
        &self,
        turn: &TurnId,
        at: At,
        name: &str,
        arguments: &Value,
    ) -> Option<String> {
        let rounds = self.exchange(turn)?.rounds.iter().enumerate();
        let mut calls = rounds.flat_map(|(round, calls)| {
            calls.iter().enumerate().map(move |(position, call)| ((round, position), call))
        });
        let same = |call: &Called| {
            let known = schema::parse(&call.arguments);
            call.name == name && known.is_ok_and(|known| known == *arguments)
        };
        let found = calls.find(|(place, call)| {
            *place < at && (call.started || call.result.is_some()) && same(call)
        });
        found.map(|(_, call)| call.outcome().to_owned())
    }

    /// Sets the result of a tool call, and drops the oldest turns to make room for it.
    pub(super) fn set_result(&mut self, turn: &TurnId, at: At, result: &str) {
        let room = MAX_BYTES.saturating_sub(self.exchange(turn).map_or(0, Exchange::bytes));
        if let Some(called) = self.called_mut(turn, at) {
            called.result = Some(shortened(result, room.clamp(MIN_RESULT, MAX_RESULT)));
        }
        let mut total: usize = self.exchanges.iter().map(Exchange::bytes).sum();
        while self.exchanges.len() > MAX_EXCHANGES || total > MAX_BYTES {
            let Some(oldest) = self.exchanges.front().filter(|oldest| oldest.turn != *turn) else {
                return;
            };
            total = total.saturating_sub(oldest.bytes());
            self.exchanges.pop_front();
        }
    }
}

/// Returns a result without what is longer than `max` bytes.
fn shortened(result: &str, max: usize) -> String {
    const CUT: &str = "… (cut: the result is too long)";
    if result.len() <= max {
        return result.to_owned();
    }
    let end = (0..=max).rev().find(|at| result.is_char_boundary(*at)).unwrap_or(0);
    result.get(..end).unwrap_or_default().to_owned() + CUT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(id: &str) -> Called {
        Called {
            id: id.into(),
            name: "t".into(),
            arguments: "{}".into(),
            result: None,
            started: false,
        }
    }

    #[test]
    fn the_oldest_results_make_room_and_those_of_the_turn_stay() {
        let mut log = Log::default();
        for turn in 0..20 {
            let turn = TurnId::new(turn.to_string());
            log.add_round(&turn, vec![called("a")]);
            log.set_result(&turn, (0, 0), "done");
        }
        assert_eq!(log.exchanges.len(), MAX_EXCHANGES);
        assert!(log.exchange(&TurnId::new("3")).is_none());
        let last = TurnId::new("last");
        for round in 0..8 {
            log.add_round(&last, vec![called("b")]);
            log.set_result(&last, (round, 0), &"é".repeat(MAX_RESULT));
        }
        assert_eq!(log.exchanges.len(), 1);
        let rounds = &log.exchange(&last).unwrap().rounds;
        let lengths: Vec<_> = rounds.iter().map(|round| round[0].outcome().len()).collect();
        assert_eq!((lengths[0], lengths[7]), (MAX_RESULT + 33, MIN_RESULT + 33));
    }

    #[test]
    fn a_model_that_writes_too_much_does_not_fill_the_memory() {
        let mut log = Log::default();
        let turn = TurnId::new("1");
        for round in 0..4 {
            let long = Called { arguments: format!("{:?}", "x".repeat(3000)), ..called("a") };
            let count = log.add_round(&turn, vec![long; 100]);
            assert_eq!(count, MAX_CALLS);
            for position in 0..count {
                if log.called_mut(&turn, (round, position)).unwrap().result.is_none() {
                    log.set_result(&turn, (round, position), &"y".repeat(10_000));
                }
            }
        }
        let bytes = serde_json::to_string(&Memory { own: (), log }).unwrap().len();
        assert!(bytes < 40_000, "{bytes}");
    }

    #[test]
    fn a_memory_is_written_as_json_and_read_back() {
        let mut memory = Memory::new(7);
        let plain = serde_json::to_string(&memory).unwrap();
        assert_eq!(plain, r#"{"own":7}"#);
        let turn = TurnId::new("1");
        memory.log.add_round(&turn, vec![called("a"), called("b")]);
        memory.log.called_mut(&turn, (0, 1)).unwrap().started = true;
        let read: Memory<i32> =
            serde_json::from_str(&serde_json::to_string(&memory).unwrap()).unwrap();
        assert!(read.own == 7 && read.log == memory.log);
        let outcomes = read.log.exchange(&turn).unwrap().rounds[0].iter().map(Called::outcome);
        assert_eq!(outcomes.collect::<Vec<_>>(), [NOT_RUN, UNKNOWN]);
        assert!(!format!("{memory:?}").contains('7'));
    }
}
