//! The state of an outbox, under its lock.

use std::task::Waker;

use super::draft::{Draft, Packet};
use super::holds::Holds;
use super::phase::Phase;
use crate::bot::controls::SpeechSettings;
use crate::bot::error::ReplyError;
use crate::bot::store::Lease;

#[derive(Default)]
pub(super) struct State {
    pub phase: Phase,
    pub draft: Draft,
    pub packets: Vec<Packet>,
    pub filler: Filler,
    /// The apology, if it is the last packet.
    pub apology: Option<String>,
    /// The speech settings of the call before this turn.
    pub speech: Option<SpeechSettings>,
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

    /// Adds the apology as the last packet. Text that is not in a packet is discarded: it may be half a
    /// sentence, or promise what has failed.
    pub(super) fn apologize(&mut self, apology: &str) {
        self.draft.discard_unsent();
        let packet = match self.packets.last() {
            Some(before) => {
                let text = [separator(&before.text, apology), apology].concat();
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
        self.packets.push(packet);
        self.apology = Some(apology.to_owned());
    }

    pub(super) fn next_packet(&mut self) -> Packet {
        match self.packets.is_empty() {
            true => self.draft.first_packet(),
            false => self.draft.next_packet(),
        }
    }
}

/// Returns the space between two texts, if the second one has to start a new word: in alphabets, but
/// not between characters of Chinese and the like, which have no spaces.
fn separator(before: &str, after: &str) -> &'static str {
    let spaced = |c: char| !c.is_whitespace() && c < '\u{2E80}';
    let both = before.chars().next_back().zip(after.chars().next());
    if both.is_some_and(|(end, start)| spaced(end) && spaced(start)) { " " } else { "" }
}
