//! What leaves an outbox, and when.

use std::sync::MutexGuard;

use tokio::time::Instant;

use super::buffer::Outbox;
use super::checks::has_first_packet_controls;
use super::draft::{Draft, Packet};
use super::state::{Filler, Progress, Secret, State};
use crate::bot::controls::SpeechSettings;
use crate::bot::error::ReplyError;
use crate::bot::history::{Ending, Entry, hidden};
use crate::bot::input::Input;
use crate::observe::FirstBy;

impl Outbox {
    /// Sets the speech settings that earlier turns have chosen.
    pub(in crate::bot) fn set_speech(&self, speech: Option<SpeechSettings>) {
        let mut state = self.lock();
        state.speech.clone_from(&speech);
        state.draft.speech = speech;
    }

    /// Returns the speech settings of the first packet.
    pub(in crate::bot) fn sent_speech(&self) -> Option<SpeechSettings> {
        self.lock().packets.first().and_then(|packet| packet.speech.clone())
    }

    /// Returns whether the bot has added text or a control, other than speech settings.
    pub(in crate::bot) fn has_reply(&self) -> bool {
        !self.lock().draft.is_empty()
    }

    /// Reads what the bot has added.
    pub(in crate::bot) fn read_draft<T>(&self, read: impl FnOnce(&Draft) -> T) -> T {
        read(&self.lock().draft)
    }

    /// Discards what is not in a packet, after a hook that failed.
    pub(in crate::bot) fn discard_unsent(&self) {
        self.lock().discard_unsent();
    }

    /// Marks the start of the bot's turn.
    pub(in crate::bot) fn start_turn(&self) {
        self.lock().progress = Progress::Running;
    }

    /// Flushes because the bot is waiting. At the first wait, sends a filler that is already due.
    pub(in crate::bot) fn flush_on_wait(&self) {
        /// A first packet of this size is sent even if the bot merely yields to other tasks.
        const LARGE: usize = 1024;
        let mut state = self.lock();
        let small = state.packets.is_empty() && state.draft.unsent().len() < LARGE;
        let yielding = self.is_yielding();
        if yielding && small {
            return;
        }
        let first_wait = state.progress == Progress::Running && !yielding;
        if first_wait {
            let fills = matches!(state.filler, Filler::Pending(_)) && !state.has_output();
            state.progress = Progress::Waited { fills };
        }
        self.flush_state(state);
        if first_wait && self.filler_at().is_some_and(|at| at <= Instant::now()) {
            self.send_filler();
        }
    }

    /// Makes a packet of the text that is not in one yet, on platforms that take packets.
    pub(in crate::bot) fn flush(&self) {
        self.flush_state(self.lock());
    }

    fn flush_state(&self, mut state: MutexGuard<'_, State>) {
        // Controls without text wait for text.
        let sends = self.adapter.capabilities.streams && state.phase.is_open();
        if !sends || state.draft.unsent().is_empty() {
            return;
        }
        let packet = state.next_packet();
        state.push(packet, FirstBy::Bot);
        drop(state);
        self.added.notify_waiters();
    }

    /// Returns when the filler is due, if there is one.
    pub(in crate::bot) fn filler_at(&self) -> Option<Instant> {
        let pending = matches!(self.lock().filler, Filler::Pending(_));
        if !pending {
            return None;
        }
        self.arrived.checked_add(self.adapter.budget.filler()?)
    }

    /// Sends the filler at its time, unless the turn may still add controls for the first packet; see
    /// [`Progress`].
    pub(in crate::bot) fn send_filler_in_time(&self) {
        let has_waited = matches!(self.lock().progress, Progress::Waited { .. });
        if has_waited || !has_first_packet_controls(&self.adapter.capabilities) {
            self.send_filler();
        }
    }

    /// Sends the filler, unless the bot has said something.
    pub(in crate::bot) fn send_filler(&self) {
        let mut state = self.lock();
        if state.has_output() || !state.phase.is_open() {
            return;
        }
        let Filler::Pending(text) = std::mem::take(&mut state.filler) else { return };
        state.filler = Filler::Sent(text.clone());
        let packet = Packet { text, ..state.next_packet() };
        state.push(packet, FirstBy::Filler);
        drop(state);
        self.added.notify_waiters();
    }

    /// Returns the time from the arrival of the request until the first packet; until now if none is out or
    /// its time was not measured.
    #[cfg(feature = "llm")]
    pub(in crate::bot) fn first_packet(&self) -> std::time::Duration {
        let first = self.lock().marks.first.and_then(|(at, _)| at);
        first.unwrap_or_else(Instant::now).saturating_duration_since(self.arrived)
    }

    /// Returns whether a packet is out.
    pub(in crate::bot) fn has_packets(&self) -> bool {
        !self.lock().packets.is_empty()
    }

    /// Returns whether there is a packet, or text for one.
    pub(in crate::bot) fn has_output(&self) -> bool {
        self.lock().has_output()
    }

    /// Returns the history entry of a reply that was cut, with the text that was sent.
    pub(in crate::bot) fn sent_entry(&self, input: Option<Input>) -> Entry {
        let state = self.lock();
        let mut entry = Entry::new(self.turn().clone(), input);
        entry.apology.clone_from(&state.apology);
        let packets = state.packets.len() - usize::from(entry.apology.is_some());
        // After a cut, readers get no more than they already have.
        let count = if state.phase.discards() { state.read } else { packets };
        let mut texts = state.packets.iter().take(count).map(|packet| packet.text.as_str());
        if let Filler::Sent(_) = state.filler {
            entry.filler = texts.next().map(str::to_owned);
        }
        entry.said = texts.collect();
        hide_secret(&mut entry, &state, Ending::Cut);
        entry
    }

    /// Returns the history entry of a reply with all of the bot's text.
    pub(in crate::bot) fn full_entry(&self, input: Option<Input>) -> Entry {
        let state = self.lock();
        let filler = match &state.filler {
            Filler::Sent(text) => Some(text.clone()),
            Filler::Off | Filler::Pending(_) => None,
        };
        let said = state.draft.text.clone();
        let apology = state.apology.clone();
        let mut entry = Entry { said, filler, apology, ..Entry::new(self.turn().clone(), input) };
        hide_secret(&mut entry, &state, Ending::Whole);
        entry
    }

    /// Returns the history entry of a reply that failed, with all text if it was sent in packets.
    pub(in crate::bot) fn failed_entry(&self, input: Option<Input>) -> Entry {
        let mut entry = self.full_entry(input);
        if !self.adapter.capabilities.streams {
            entry.said.clear();
        }
        entry
    }
}

/// Hides the input of a turn and what repeats it, if it is secret.
fn hide_secret(entry: &mut Entry, state: &State, ending: Ending) {
    match &state.secret {
        Secret::Input(secret) => entry.hide_input(secret, ending),
        Secret::Nothing | Secret::Unknown => {}
    }
}

/// Secrets.
impl Outbox {
    /// Sets the input that is secret, or that there is none.
    pub(in crate::bot) fn set_secret(&self, input: Option<&Input>) {
        self.lock().secret = input.cloned().map_or(Secret::Nothing, Secret::Input);
    }

    /// Returns whether the input is secret.
    #[cfg(feature = "llm")]
    pub(in crate::bot) fn has_secret(&self) -> bool {
        matches!(self.lock().secret, Secret::Input(_))
    }

    /// Returns whether it is known if the input is secret.
    pub(in crate::bot) fn knows_secret(&self) -> bool {
        !matches!(self.lock().secret, Secret::Unknown)
    }

    /// Returns whether the reply so far repeats its secret input.
    pub(in crate::bot) fn repeats_secret(&self) -> bool {
        let state = self.lock();
        let Secret::Input(secret) = &state.secret else { return false };
        secret.text().is_some_and(|secret| hidden(&state.draft.text, secret, Ending::Cut).is_some())
    }

    /// Marks the caller's next input as secret.
    pub(in crate::bot) fn expect_secret(&self) -> Result<(), ReplyError> {
        let mut state = self.lock();
        state.check_not_closed()?;
        state.expects_secret = true;
        Ok(())
    }

    /// Returns whether the caller's next input is secret.
    pub(in crate::bot) fn expects_secret(&self) -> bool {
        self.lock().expects_secret
    }
}
