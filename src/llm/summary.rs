//! What is counted of a call, for the event at its end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bot::{History, TurnId};
use crate::chat::Usage;
use crate::observe::FirstPackets;

/// What is counted of a call. It is a part of the memory, so it survives a call that several processes
/// answer.
///
/// The counts of a turn that fails or is cut are rolled back with the memory. What the history says of such
/// turns is counted by the turns after them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    #[serde(default)]
    pub turns: u64,
    #[serde(default)]
    pub cuts: u64,
    #[serde(default)]
    pub apologies: u64,
    #[serde(default)]
    pub requests: u64,
    #[serde(default)]
    pub fallbacks: u64,
    #[serde(default)]
    pub tool_calls: u64,
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
    /// The times to the first packet of the last turns, in ms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    first_packets: Vec<u32>,
    /// The last turn that was cut. A cut may be reported twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<TurnId>,
    /// The last turn whose history was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<TurnId>,
}

/// How many times to the first packet are kept.
const MAX_TIMES: usize = 100;

impl Tally {
    /// Counts what the history says of the turns since the last look.
    pub(super) fn look_at(&mut self, history: &History) {
        let new = history.iter().rev().take_while(|entry| Some(&entry.turn) != self.seen.as_ref());
        let apologies = new.filter(|entry| entry.apology.is_some()).count();
        self.apologies = self.apologies.saturating_add(apologies as u64);
        if let Some(last) = history.last() {
            self.seen = Some(last.turn.clone());
        }
    }

    /// Counts a reply that was cut.
    pub(super) fn add_cut(&mut self, turn: &TurnId) {
        if self.cut.as_ref() != Some(turn) {
            self.cuts = self.cuts.saturating_add(1);
            self.cut = Some(turn.clone());
        }
    }

    /// Counts a turn that was answered.
    pub(super) fn add_turn(&mut self, first_packet: Duration) {
        self.turns = self.turns.saturating_add(1);
        if self.first_packets.len() >= MAX_TIMES {
            self.first_packets.remove(0);
        }
        self.first_packets.push(u32::try_from(first_packet.as_millis()).unwrap_or(u32::MAX));
    }

    /// Counts the tokens of a request.
    pub(super) fn add_usage(&mut self, usage: &Usage) {
        let add = |total: &mut u64, tokens: i64| {
            *total = total.saturating_add(u64::try_from(tokens).unwrap_or(0));
        };
        add(&mut self.prompt_tokens, usage.prompt_tokens);
        add(&mut self.completion_tokens, usage.completion_tokens);
    }

    /// Returns the shortest, the middle and the longest time to the first packet.
    pub(super) fn first_packets(&self) -> Option<FirstPackets> {
        let mut times = self.first_packets.clone();
        times.sort_unstable();
        let at =
            |position: usize| times.get(position).map(|ms| Duration::from_millis((*ms).into()));
        let last = times.len().checked_sub(1)?;
        Some(FirstPackets { min: at(0)?, median: at(last / 2)?, max: at(last)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::{Entry, Input};

    #[test]
    fn first_packets_are_sorted_and_bounded() {
        let mut tally = Tally::default();
        assert!(tally.first_packets().is_none());
        for ms in [300, 100, 200] {
            tally.add_turn(Duration::from_millis(ms));
        }
        let ms = Duration::from_millis;
        let expected = FirstPackets { min: ms(100), median: ms(200), max: ms(300) };
        assert_eq!(tally.first_packets(), Some(expected));
        for _ in 0..MAX_TIMES {
            tally.add_turn(ms(7));
        }
        assert_eq!(tally.first_packets.len(), MAX_TIMES);
        let expected = FirstPackets { min: ms(7), median: ms(7), max: ms(7) };
        assert_eq!((tally.first_packets(), tally.turns), (Some(expected), 103));
    }

    #[test]
    fn a_cut_that_is_reported_again_is_counted_once() {
        let mut tally = Tally::default();
        for turn in ["1", "1", "2"] {
            tally.add_cut(&TurnId::new(turn));
        }
        assert_eq!(tally.cuts, 2);
    }

    #[test]
    fn each_apology_of_the_history_is_counted_once() {
        let entry = |id: &str| Entry::new(TurnId::new(id), Some(Input::Silence));
        let mut entries = vec![entry("1"), entry("2").with_apology("Sorry.")];
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.look_at(&entries.iter().cloned().collect());
            assert_eq!(tally.apologies, 1);
        }
        entries.extend([entry("3").with_apology("Sorry."), entry("4")]);
        tally.look_at(&entries.into_iter().collect());
        assert_eq!(tally.apologies, 2);
    }
}
