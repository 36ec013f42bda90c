//! An open call: its record, and the lease to change it.

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::failure::{Stop, hook_failed};
use super::hook::run_hook;
use super::note::Sent;
use super::record::CallRecord;
use super::shared::Shared;
use super::state::{Answered, Controls, Ending, Interrupted};
use super::trigger::PlatformHistory;
use crate::bot::call::{Call, CallInfo, TurnHandle};
use crate::bot::controls::Closing;
use crate::bot::handler::Bot;
use crate::bot::history::Entry;
use crate::bot::input::{Cause, Cut, Ended, Heard, Input, TransferOutcome};
use crate::bot::limits::Greeting;
use crate::bot::memory;
use crate::bot::outbox::{Audience, Outbox, Packet, Remainder, ReplyKind};
use crate::bot::reply::Reply;
use crate::bot::store::{Change, Lease, Opened, Opening, Record, StoreError, Then};
use crate::lock::Mutex;
use crate::server::Error;

/// An open call.
pub(super) struct Session<'a, B: Bot> {
    shared: &'a Shared<B>,
    outbox: &'a Arc<Outbox>,
    lease: Option<Arc<Lease>>,
    info: Arc<CallInfo>,
    record: CallRecord,
    /// The memory as JSON, and its version. Empty before it is written for the first time.
    memory: Bytes,
    version: u32,
    /// Whether the memory differs from the stored one.
    memory_changed: bool,
    notes: usize,
}

/// When [`Bot::begin`] runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BeginAs {
    /// The platform asks for a greeting.
    Turn,
    /// The caller has already taken a turn, which follows.
    BeforeTurn,
}

impl<'a, B: Bot> Session<'a, B> {
    pub(super) fn open(
        shared: &'a Shared<B>,
        outbox: &'a Arc<Outbox>,
        lease: Option<Arc<Lease>>,
        stored: Record,
        mut info: Arc<CallInfo>,
    ) -> Result<Self, StoreError> {
        let (platform, call) = (outbox.adapter().platform, outbox.call());
        let (record, mismatches) = CallRecord::read(&stored, &shared.setup.limits)?;
        if mismatches > 0 {
            tracing::warn!(
                %platform, %call, mismatches, "the heard text does not occur in the reply"
            );
        }
        record.state.info.complete(&mut info);
        let Record { memory, version, notes, .. } = stored;
        let (memory_changed, notes) = (false, notes.len());
        Ok(Self { shared, outbox, lease, info, record, memory, version, memory_changed, notes })
    }

    /// Returns whether the call is new, with the state that has this number.
    pub(super) fn is_fresh(&self, number: NonZeroU64) -> bool {
        self.record.is_fresh(number)
    }

    /// Notes that the turn has created the call.
    pub(super) fn set_created(&mut self, info: &CallInfo) {
        self.record.measure_extras(info);
        self.shared.report_begun(self.outbox.adapter().platform, self.outbox.call());
    }

    /// Hides the input of this turn if it is secret.
    pub(super) fn hide_secret(&self, input: Option<&Input>) {
        let hidden = self.record.hides_input(Some(self.outbox.turn()));
        self.outbox.set_secret(input.filter(|_| hidden));
    }

    /// Removes what an earlier attempt of this turn said.
    pub(super) fn forget_turn(&mut self) {
        self.record.turns.forget(self.outbox.turn());
    }

    /// Compares the history of the request with that of the call, which stays the truth: it is only cut to
    /// what the caller heard. A call without a history takes over the other one.
    ///
    /// Nothing is written here. If the turn fails, the next request tells the same again.
    pub(super) fn compare_history(&mut self, history: &dyn PlatformHistory) {
        if !self.record.state.begun && self.record.turns.is_empty() {
            history.entries().iter().for_each(|entry| self.record.push(entry));
            self.record.trim(&self.shared.setup.limits);
            return;
        }
        let max = 2 * self.shared.setup.limits.max_reply_bytes;
        for (turn, heard) in history.heard(&self.record.turns.history()) {
            let secret = self.record.repeats_secret(&turn);
            // No reply is longer, so a longer text can't be a part of one.
            let heard = Some(heard).filter(|heard| heard.len() <= max && !secret);
            if self.record.hear(turn, heard.as_deref()) {
                let (platform, call) = (self.outbox.adapter().platform, self.outbox.call());
                tracing::warn!(%platform, %call, "the heard text does not occur in the reply");
            }
        }
    }

    /// Returns whether [`Bot::begin`] has succeeded.
    pub(super) fn has_begun(&self) -> bool {
        self.record.state.begun
    }

    /// Starts the call anew. Earlier turns did not get as far as to begin it.
    pub(super) fn reset(&mut self, info: &Arc<CallInfo>) {
        self.info = info.clone();
        self.record.reset(info);
        self.memory_changed = self.memory_changed || !self.memory.is_empty();
        (self.memory, self.version) = (Bytes::new(), 0);
    }

    /// Prepares a turn of the caller: applies the call's speech settings and runs [`Bot::begin`] if it
    /// has not succeeded yet.
    pub(super) async fn prepare(&mut self) -> Result<(), Stop> {
        self.outbox.set_speech(self.record.speech());
        if !self.record.state.begun {
            self.begin(BeginAs::BeforeTurn).await?;
        }
        Ok(())
    }

    /// Runs [`Bot::begin`].
    pub(super) async fn begin(&mut self, how: BeginAs) -> Result<(), Stop> {
        let Self { shared, outbox, .. } = *self;
        let mut call = self.call()?;
        // Platforms that ask for a greeting have done so before, and may have received it.
        let dropped =
            shared.setup.greeting == Greeting::Drop || outbox.adapter().capabilities.greets;
        let audience = match how {
            BeginAs::BeforeTurn if dropped => Audience::Nobody,
            _ => Audience::Caller,
        };
        let mut reply = Reply::new(outbox.clone(), shared.setup.store.clone(), audience);
        let bot = &shared.setup.bot;
        let began = run_hook(outbox, async { bot.begin(&mut call, &mut reply).await }).await;
        outbox.start_sentence();
        match (began, how) {
            (Ok(()), BeginAs::BeforeTurn) => {
                self.take_memory(&call)?;
                self.record.state.begun = true;
                // Mostly it has not changed the memory. Then it is stored with the turn, or with the note of a
                // turn that fails.
                let unchanged = memory::encode(&B::Memory::default(), &shared.setup.limits);
                if unchanged == Ok(self.memory.clone()) && call.turn.saved().is_none() {
                    outbox.set_begun();
                    return Ok(());
                }
                Ok(self.write(Then::Keep).await?)
            }
            (Ok(()), BeginAs::Turn) => {
                self.record.state.begun = true;
                self.commit(None, &call).await
            }
            (Err(error), BeginAs::BeforeTurn) if outbox.cause().is_none() => {
                // The turn of the caller can still be served. The next turn tries to begin again.
                hook_failed(outbox, "the greeting of a call failed", &error);
                outbox.discard_unsent();
                outbox.set_speech(self.record.speech());
                self.roll_back(&call);
                Ok(())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Runs [`Bot::turn`].
    pub(super) async fn turn(&mut self, input: &Input) -> Result<(), Stop> {
        let Self { shared, outbox, .. } = *self;
        if let Some(closing) = self.record.state.pending.take() {
            // The text before the closing has been played.
            self.record.state.answered = None;
            self.write(Then::Close).await?;
            outbox.replay(Packet { closing: Some(*closing), ..Packet::default() });
            return Ok(());
        }
        // No hook of this session follows, so the extras need not be copied.
        let extras = std::mem::take(&mut Arc::make_mut(&mut self.info).extras);
        let mut call = self.call()?;
        call.info.extras = extras;
        let Interrupted { unreported, last, .. } = &mut self.record.interrupted;
        let reported = last.take();
        call.cut = unreported.last().cloned().or(reported);
        let store = shared.setup.store.clone();
        let mut reply = Reply::new(outbox.clone(), store, Audience::Caller);
        let bot = &shared.setup.bot;
        let turn = async { bot.turn(&mut call, input.clone(), &mut reply).await };
        outbox.start_turn();
        run_hook(outbox, turn).await?;
        self.commit(Some(input), &call).await
    }

    /// Returns the call for a hook of the bot.
    fn call(&self) -> Result<Call<B::Memory>, Error> {
        let setup = &self.shared.setup;
        Ok(Call {
            memory: memory::decode(&self.memory, self.version, B::MEMORY_VERSION, B::migrate)?,
            info: (*self.info).clone(),
            history: self.record.turns.history(),
            cut: None,
            turn: TurnHandle {
                outbox: self.outbox.clone(),
                store: setup.store.clone(),
                limits: setup.limits.clone(),
                version: B::MEMORY_VERSION,
                lease: self.lease.clone(),
                saved: Mutex::new(None),
            },
        })
    }

    /// Writes the record, and the memory if it has changed.
    pub(super) async fn write(&mut self, then: Then) -> Result<(), StoreError> {
        let Some(lease) = self.lease.clone() else { return Ok(()) };
        self.record.log_too_long(self.outbox.call());
        let changed = std::mem::take(&mut self.memory_changed);
        let change = Change {
            memory: changed.then(|| (self.version, self.memory.clone())),
            state: Some(self.record.state()),
            history: self.record.turns.take_edits(),
            turns: Some(self.record.turns.stored().clone()),
            notes_read: std::mem::take(&mut self.notes),
            then,
        };
        match self.shared.store().write(&lease, change).await {
            // A store in this process loses no call. There, the call has ended.
            Err(StoreError::Gone) if self.shared.store().shared() => self.put_back(then).await,
            written => written,
        }
    }

    /// Puts back a call that the store has lost in the middle of this turn, since it was restarted empty, or has
    /// evicted the call. The session has all of it but the notes that came since.
    async fn put_back(&mut self, then: Then) -> Result<(), StoreError> {
        let Self { shared, outbox, .. } = *self;
        let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), outbox.turn());
        if outbox.is_call_over() {
            return Err(StoreError::Gone);
        }
        let state = self.record.state();
        let opening = Opening::Restore { turn: turn.clone(), fresh: state.clone().into() };
        let within = || shared.store().timeout();
        let granted = shared.store().open(call, opening, within, None).await?;
        let Opened::Run { lease, .. } = granted.take() else {
            tracing::error!(
                %platform, %call, %turn,
                "the store of calls has lost a call, and another one with its id has begun: the turn is lost"
            );
            return Err(StoreError::Fenced);
        };
        let lease = Arc::new(lease);
        outbox.set_lease(Some(lease.clone()));
        self.lease = Some(lease.clone());
        let memory = (!self.memory.is_empty()).then(|| (self.version, self.memory.clone()));
        let history = self.record.turns.all();
        let state = Some(state);
        let change = Change { memory, state, history, then, ..Change::default() };
        shared.store().write(&lease, change).await?;
        tracing::error!(
            %platform, %call, %turn,
            "the store of calls has lost a call, which the turn has put back"
        );
        Ok(())
    }

    /// Runs [`Bot::interrupted`] once for each reply that was cut. Cuts not reported by `until` are
    /// left for later.
    pub(super) async fn report_cuts(&mut self, until: Option<Instant>) -> Result<(), StoreError> {
        while let Some(cut) = self.record.interrupted.unreported.first().cloned() {
            let Some(reported) = self.report_cut(&cut, until).await else { return Ok(()) };
            if let Err(error) = reported {
                hook_failed(self.outbox, "could not report a cut", &error);
            }
            self.record.interrupted.unreported.remove(0);
            self.record.interrupted.last = Some(cut);
            self.write(Then::Keep).await?;
        }
        Ok(())
    }

    /// Returns `None` when the time is up.
    async fn report_cut(&mut self, cut: &Cut, until: Option<Instant>) -> Option<Result<(), Error>> {
        let mut call = match self.call() {
            Ok(call) => call,
            Err(error) => return Some(Err(error)),
        };
        let bot = &self.shared.setup.bot;
        let hook = run_hook(self.outbox, async { bot.interrupted(&mut call, cut).await });
        let reported = match until {
            Some(until) => timeout_at(until, hook).await.ok(),
            None => Some(hook.await),
        };
        let reported = reported.map(|reported| reported.and_then(|()| self.take_memory(&call)));
        if !matches!(reported, Some(Ok(()))) {
            self.roll_back(&call);
        }
        reported
    }

    /// Takes over the memory of a hook that succeeded.
    fn take_memory(&mut self, call: &Call<B::Memory>) -> Result<(), Error> {
        let limits = &self.shared.setup.limits;
        let memory = memory::encode(&call.memory, limits)?;
        let before = (&self.memory, self.version);
        let changed = before != (&memory, B::MEMORY_VERSION) || call.turn.saved().is_some();
        self.memory_changed = self.memory_changed || changed;
        (self.memory, self.version) = (memory, B::MEMORY_VERSION);
        Ok(())
    }

    /// Takes over what a hook saved before it failed.
    fn roll_back(&mut self, call: &Call<B::Memory>) {
        if let Some(saved) = call.turn.saved().take() {
            (self.memory, self.version) = (saved, B::MEMORY_VERSION);
        }
    }

    /// Returns whether there are cuts that the bot has not been notified of.
    pub(super) fn has_cuts(&self) -> bool {
        !self.record.interrupted.unreported.is_empty()
    }

    /// Returns how the call ended, for platforms that do not say.
    pub(super) fn ending(&self) -> Ended {
        match self.record.state.ending {
            // The platform never asked for the closing.
            _ if self.record.state.pending.is_some() => Ended::ByCaller,
            Some(Ending::HangUp) => Ended::ByBot,
            Some(Ending::Transfer) => Ended::Transferred,
            None => Ended::ByCaller,
        }
    }

    /// Runs [`Bot::ended`].
    pub(super) async fn end(&mut self, why: Ended) {
        let ended = match self.call() {
            Ok(mut call) => {
                call.turn.lease = None;
                let bot = &self.shared.setup.bot;
                run_hook(self.outbox, async { bot.ended(&mut call, why).await }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            hook_failed(self.outbox, "could not report the end of a call", &error);
        }
    }

    /// Commits a turn that succeeded: stores it, and only then ends the reply.
    ///
    /// The order is what makes a turn a transaction. First the memory is encoded, the last step that
    /// can fail because of the bot. Then [`Outbox::commit`] decides the race with a cut. Then one
    /// write stores memory and history together and closes the lease, so that no other turn sees one
    /// without the other. Only after that write the last packet is sent, and with it a transfer or a
    /// hang-up: a platform never acts on a turn that the bot has forgotten. If the store says that
    /// another turn owns the call, this turn counts as cut, and what it has sent is left as a note for
    /// the other turn. If the store fails, the turn fails, and the text that was held back is not
    /// sent.
    async fn commit(&mut self, input: Option<&Input>, call: &Call<B::Memory>) -> Result<(), Stop> {
        let Self { outbox, .. } = *self;
        self.take_memory(call).inspect_err(|_| outbox.discard_unsent())?;
        let cut = outbox.commit().err();
        let remainder = self.record_turn(input, cut);
        match self.write(Then::Close).await {
            Ok(()) if cut.is_none() => {
                if outbox.kind() == ReplyKind::Turn && !outbox.has_reply() {
                    let (call, turn) = (outbox.call(), outbox.turn());
                    let platform = outbox.adapter().platform;
                    tracing::warn!(%platform, %call, %turn, "the bot ended a turn without a reply");
                }
                outbox.finish(remainder);
                Ok(())
            }
            Ok(()) => Err(Stop::Cut),
            Err(error @ (StoreError::Fenced | StoreError::Gone)) => {
                let ended = error == StoreError::Gone;
                outbox.revoke(if ended { Cause::CallOver } else { Cause::NewTurn });
                self.note_sent(input).await;
                Err(Stop::Cut)
            }
            Err(error) => {
                outbox.discard_unsent();
                outbox.reopen();
                Err(error.into())
            }
        }
    }

    /// Adds a turn to the record, either as one that succeeded, or as one that was cut while it held
    /// and then ran to its end.
    fn record_turn(&mut self, input: Option<&Input>, cut: Option<Cause>) -> Remainder {
        let Self { shared, outbox, .. } = *self;
        let limits = &shared.setup.limits;
        let stored_input = shared.trim_input(input.cloned());
        let entry = match cut {
            None => outbox.full_entry(stored_input),
            Some(_) => Entry { heard: Some(Heard::Unknown), ..outbox.sent_entry(stored_input) },
        };
        let entry = Entry { epoch: self.epoch(), ..entry };
        // A greeting without text is not a turn.
        if entry.input.is_some() || !entry.said.is_empty() || cut.is_some() {
            self.record.state.answers += u32::from(cut.is_none());
            self.record.push_within(&entry, limits);
        }
        self.record.state.epoch = self.epoch();
        // A turn that was cut may have got the first half of a secret.
        let taken = cut.is_none() && input.is_some_and(Input::has_content);
        self.record.state.secret = outbox.expects_secret() || self.record.state.secret && !taken;
        match cut {
            None => self.record_answer(input),
            Some(cause) => {
                if let Some(speech) = outbox.sent_speech() {
                    self.record.state.speech = Some(Box::new(speech));
                }
                // A barge-in has its own note.
                if cause != Cause::BargeIn {
                    let turn = outbox.turn().clone();
                    self.record.interrupted.unreported.push(Cut {
                        turn,
                        heard: Heard::Unknown,
                        cause,
                    });
                }
                Remainder::Nothing
            }
        }
    }

    /// Adds the controls of a turn that succeeded to the record.
    fn record_answer(&mut self, input: Option<&Input>) -> Remainder {
        let (has_text, controls) = self.outbox.read_draft(|draft| {
            let (speech, gather) = (draft.speech.clone(), draft.gather.clone());
            let controls = Controls { speech, gather, closing: draft.closing.clone() };
            (!draft.text.is_empty(), controls)
        });
        let splits = self.outbox.adapter().splits && has_text;
        let pending = controls.closing.clone().filter(|_| splits);
        let remainder = match pending {
            Some(_) => Remainder::Closing,
            None => Remainder::Nothing,
        };
        let state = &mut self.record.state;
        state.ending = match (&controls.closing, input) {
            (Some(Closing::HangUp(_)), _) => Some(Ending::HangUp),
            (Some(Closing::Transfer(_)), _) => Some(Ending::Transfer),
            (None, Some(Input::Transferred(TransferOutcome::Done))) => Some(Ending::Transfer),
            (None, _) => None,
        };
        state.pending = pending.map(Box::new);
        state.speech = controls.speech.clone().map(Box::new);
        let turn = self.outbox.turn().clone();
        let controls = (controls != Controls::default()).then(|| Box::new(controls));
        state.answered = Some(Answered { turn, controls });
        remainder
    }

    /// Leaves a note with what this turn has sent, for the turn that owns the call.
    async fn note_sent(&self, input: Option<&Input>) {
        let Self { shared, outbox, .. } = *self;
        let cause = outbox.cause();
        let speech = outbox.sent_speech();
        let entry = outbox.sent_entry(shared.trim_input(input.cloned()));
        let entry = Entry { epoch: self.epoch(), ..entry };
        let secret = outbox.expects_secret();
        let note = Sent { entry, cause, speech, begun: outbox.has_begun(), secret }.into_note();
        let lease = self.lease.clone();
        if let Err(error) = shared.store().leave(outbox.call(), lease, note, Then::Close).await {
            hook_failed(outbox, "could not store what was said", &error.into());
        }
    }

    /// Returns the epoch of the lease, or 0 without a lease.
    fn epoch(&self) -> u64 {
        self.lease.as_ref().map_or(0, |lease| lease.epoch)
    }
}
