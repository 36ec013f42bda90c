//! A turn: its own task, from the record of the call to the end of the reply.

use std::cmp::Ordering;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant as WallInstant};

use futures_util::FutureExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::call::{Call, Facts, Handle, KeptFacts, bytes};
use super::calls::Calls;
use super::line::{Drive, Line, Packet};
use super::reply::Last;
use super::state::{Answered, Ending, Sent, State};
use super::store::{Change, Lease, Opened, Opening, Record};
use super::{
    Bot, Cause, Cut, Ended, Entry, Error, Greeting, Heard, Input, MemoryVersion, Reply, StoreError,
    Transferred,
};
use crate::server::Fault;

/// What a request asks of a bot.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Begin,
    Turn(Input),
}

impl Asked {
    fn input(&self) -> Option<Input> {
        match self {
            Self::Begin => None,
            Self::Turn(input) => Some(input.clone()),
        }
    }
}

/// A turn that runs.
pub(super) struct Turn<B: Bot> {
    pub calls: Arc<Calls<B>>,
    pub line: Arc<Line>,
    pub asked: Asked,
    pub facts: Facts,
}

/// Why a turn did not end well.
enum Stop {
    /// It was cut, and what had to be kept is kept.
    Cut,
    /// Another turn has the call.
    Overtaken,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced => Self::Overtaken,
            error => Self::Failed(refused(error)),
        }
    }
}

/// What the platform is told when a store does not do its part.
pub(super) fn refused(error: StoreError) -> Error {
    match error {
        StoreError::Full(_) => Error::public("there are too many calls").status(503),
        error => error.into(),
    }
}

impl<B: Bot> Turn<B> {
    /// Runs the turn to its end, whatever that is.
    pub(super) async fn run(self) {
        // Should this task be dropped or panic, nobody waits for it.
        let left = Left { calls: &*self.calls, line: &self.line };
        let work = AssertUnwindSafe(self.work()).catch_unwind();
        let ended = drive(&self.calls, &self.line, work).await;
        let ended = ended.map(|ended| ended.unwrap_or_else(|_| Err(panicked(&self.line).into())));
        let mut untold = false;
        match ended {
            Some(Ok(cuts)) => untold = cuts,
            Some(Err(Stop::Cut)) => {}
            Some(Err(Stop::Overtaken)) => {
                self.line.lost(Cause::NewTurn);
                self.give_back().await;
            }
            Some(Err(Stop::Failed(error))) => {
                // The platform waits; the store comes second.
                self.line.fail(error);
                self.give_back().await;
            }
            None => self.give_back().await,
        }
        drop(left);
        // A turn that was cut by the next one is told of by that.
        let cause = self.line.cause();
        let cut = matches!(cause, Some(Cause::BargeIn | Cause::PeerGone | Cause::Deadline));
        if cut || untold {
            self.calls.look_after(self.line.call().clone()).await;
        }
    }

    /// Keeps what was said in a turn that did not end well, and lets the next one in.
    async fn give_back(&self) {
        let Self { calls, line, asked, .. } = self;
        let lease = line.lease();
        let cause = line.cause();
        let entry = match cause {
            Some(_) => line.sent(calls.kept(asked.input())),
            None => line.said(calls.kept(asked.input())),
        };
        // A turn that never had the call said nothing that could be cut.
        let told = cause.filter(|_| lease.is_some());
        let epoch = lease.as_ref().map_or(0, |lease| lease.epoch);
        let voice = line.told_voice();
        // A greeting that was out of time has been said all the same.
        let begins = matches!(asked, Asked::Begin);
        let begun = begins && cause == Some(Cause::Deadline) && line.has_left();
        let note = Sent { entry: Entry { epoch, ..entry }, cause: told, voice, begun }.into_note();
        let noted = calls.store.note(line.call(), line.turn(), note, false).await;
        let closed = match lease {
            // A platform that got no answer may ask again.
            Some(lease) => {
                let again = matches!(cause, None | Some(Cause::PeerGone | Cause::Deadline));
                let change = Change { close: true, again, ..Change::default() };
                calls.store.write(&lease, change).await
            }
            None => Ok(()),
        };
        for error in noted.err().into_iter().chain(closed.err()) {
            if error != StoreError::Fenced {
                tracing::error!(call = %line.call(), "a turn was not given back: {error}");
            }
        }
    }

    /// Returns whether there is still something to tell the bot of.
    async fn work(&self) -> Result<bool, Stop> {
        let Self { calls, line, asked, facts } = self;
        let opening = Opening::Turn(line.turn().clone());
        let (lease, record) = match calls.store.open(line.call(), opening).await? {
            Opened::Run(lease, record) => (lease, record),
            Opened::Repeated(record) => {
                line.answer(again(line, &record, calls)?);
                return Ok(false);
            }
            Opened::Busy => return Err(Stop::Overtaken),
        };
        line.set_lease(Some(lease.clone()));
        let record = match calls.overtake(line, lease.epoch).await {
            // What the others noted when they were cut.
            true => calls.store.read(line.call()).await?.unwrap_or(record),
            false => record,
        };
        let mut session = Session::open(calls, line, Some(lease), record, facts.clone())?;
        // What a former attempt said is no past of this one.
        session.state.history.forget(line.turn());
        match asked {
            Asked::Begin => {
                let over = session.state.begun.then(|| session.record()).transpose()?;
                session.anew(facts).await?;
                if let Some(over) = over {
                    // A call with this id never ended.
                    calls.finish_apart(line.call().clone(), over, Ended::Unknown);
                }
                session.begin(false).await?;
                Ok(false)
            }
            Asked::Turn(input) => {
                line.set_voice(session.state.voice.clone());
                if !session.state.begun {
                    session.write(false).await?;
                    session.begin(true).await?;
                }
                // The caller waits: what takes long is told when the turn is over.
                let until = line.left().and_then(|left| Instant::now().checked_add(left / 4));
                session.tell_cuts(until).await?;
                session.turn(input).await?;
                Ok(session.has_cuts())
            }
        }
    }
}

/// The end of a turn's task, however it comes.
pub(super) struct Left<'a, B: Bot> {
    pub calls: &'a Calls<B>,
    pub line: &'a Arc<Line>,
}

impl<B: Bot> Drop for Left<'_, B> {
    fn drop(&mut self) {
        self.calls.left(self.line);
        self.line.done();
    }
}

/// The answer to a turn that has been answered before.
fn again<B: Bot>(line: &Line, record: &Record, calls: &Calls<B>) -> Result<Packet, Stop> {
    let mut packet = Packet::default();
    let Some((state, _)) = State::read(record, &calls.limits)? else { return Ok(packet) };
    // A filler may have gone out while another run of the turn was waited for.
    let first = !line.has_left();
    if let Some(entry) = state.history.get(line.turn()) {
        packet.text = entry.filler.clone().filter(|_| first).unwrap_or_default() + &entry.said;
    }
    if let Some(answered) = state.answered.filter(|answered| answered.turn == *line.turn()) {
        packet.voice = answered.voice.filter(|_| first);
        packet.gather = answered.gather.filter(|_| first);
        packet.to_be_continued = state.pending.is_some();
        packet.end = answered.end.filter(|_| !packet.to_be_continued);
    }
    Ok(packet)
}

/// A call that is open: what is kept of it, and the right to change that.
pub(super) struct Session<'a, B: Bot> {
    calls: &'a Calls<B>,
    line: &'a Arc<Line>,
    lease: Option<Lease>,
    facts: Facts,
    state: State,
    memory: Vec<u8>,
    /// Whether the memory is another one than in the store.
    changed: bool,
    notes: usize,
}

impl<'a, B: Bot> Session<'a, B> {
    pub(super) fn open(
        calls: &'a Calls<B>,
        line: &'a Arc<Line>,
        lease: Option<Lease>,
        record: Record,
        mut facts: Facts,
    ) -> Result<Self, StoreError> {
        let state = match State::read(&record, &calls.limits)? {
            Some((state, mismatches)) => {
                if mismatches > 0 {
                    let call = line.call();
                    tracing::warn!(%call, mismatches, "what was heard is not in the reply");
                }
                facts = state.facts.complete(facts);
                state
            }
            None => State::new(facts.platform, KeptFacts::of(&facts)),
        };
        let Record { memory, notes, .. } = record;
        Ok(Self { calls, line, lease, facts, state, memory, changed: false, notes: notes.len() })
    }

    /// What there is, as it would be kept.
    fn record(&self) -> Result<Record, StoreError> {
        let state = self.state.to_bytes()?;
        Ok(Record { memory: self.memory.clone(), state, notes: Vec::new() })
    }

    /// The call begins, whatever was there before.
    async fn anew(&mut self, facts: &Facts) -> Result<(), StoreError> {
        self.facts = facts.clone();
        self.state = State::new(facts.platform, KeptFacts::of(facts));
        self.memory = Vec::new();
        self.changed = true;
        self.write(false).await
    }

    /// Tells the bot that the call begins: as a turn of its own, or before the first one.
    async fn begin(&mut self, before_turn: bool) -> Result<(), Stop> {
        let Self { calls, line, .. } = *self;
        let mut call = self.call()?;
        // Where the platform greets it has asked before, and may have got its answer.
        let muted = calls.greeting == Greeting::Drop || line.mount().capabilities.greets;
        let mut reply = Reply::new(line.clone(), before_turn && muted);
        let began = guard(line, async { calls.bot.begin(&mut call, &mut reply).await }).await;
        match began {
            Ok(()) if before_turn => {
                self.keep(&call)?;
                self.state.begun = true;
                Ok(self.write(false).await?)
            }
            Ok(()) => {
                self.state.begun = true;
                self.commit(None, &call).await
            }
            Err(error) if before_turn && line.cause().is_none() => {
                // The caller has taken a turn, and that can still be served. The next one tries again.
                tracing::error!(call = %line.call(), "the begin of a call failed: {error}");
                line.forget_unsent();
                line.set_voice(self.state.voice.clone());
                self.roll_back(&call);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The caller's turn.
    async fn turn(&mut self, input: &Input) -> Result<(), Stop> {
        let Self { calls, line, .. } = *self;
        if let Some(last) = self.state.pending.take() {
            // The text before it has been played.
            self.state.answered = None;
            self.write(true).await?;
            line.answer(Packet { end: Some(last), ..Packet::default() });
            return Ok(());
        }
        let mut call = self.call()?;
        let told = self.state.cut.take();
        call.cut = self.state.cuts.last().cloned().or(told);
        let mut reply = Reply::new(line.clone(), false);
        let turn = async { calls.bot.turn(&mut call, input.clone(), &mut reply).await };
        guard(line, turn).await?;
        self.commit(Some(input), &call).await
    }

    /// The call, as the bot sees it.
    fn call(&self) -> Result<Call<B::Memory>, Error> {
        Ok(Call {
            memory: memory::<B>(&self.memory)?,
            facts: self.facts.clone(),
            history: self.state.history.clone(),
            cut: None,
            turn: Handle {
                line: self.line.clone(),
                store: self.calls.store.clone(),
                limits: self.calls.limits.clone(),
                version: B::MEMORY_VERSION,
                lease: self.lease.clone(),
                saved: Mutex::new(None),
            },
        })
    }

    /// Writes what there is, as it is.
    pub(super) async fn write(&mut self, close: bool) -> Result<(), StoreError> {
        let Some(lease) = &self.lease else { return Ok(()) };
        let changed = std::mem::take(&mut self.changed);
        let change = Change {
            memory: changed.then(|| self.memory.clone()),
            state: Some(self.state.to_bytes()?),
            notes_read: std::mem::take(&mut self.notes),
            close,
            again: false,
        };
        self.calls.store.write(lease, change).await
    }

    /// Tells the bot of each reply that was cut, once; of those for which there is no time, later.
    pub(super) async fn tell_cuts(&mut self, until: Option<Instant>) -> Result<(), StoreError> {
        while let Some(cut) = self.state.cuts.first().cloned() {
            let told = match self.call() {
                Ok(mut call) => {
                    let bot = &self.calls.bot;
                    let told = async { bot.interrupted(&mut call, &cut).await };
                    let told = guard(self.line, told);
                    let told = match until {
                        Some(until) => timeout_at(until, told).await.ok(),
                        None => Some(told.await),
                    };
                    let Some(told) = told else {
                        self.roll_back(&call);
                        return Ok(());
                    };
                    let told = told.and_then(|()| self.keep(&call));
                    if told.is_err() {
                        self.roll_back(&call);
                    }
                    told
                }
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::error!(call = %self.line.call(), "a cut could not be told: {error}");
            }
            self.state.cuts.remove(0);
            self.state.cut = Some(cut);
            self.write(false).await?;
        }
        Ok(())
    }

    fn keep(&mut self, call: &Call<B::Memory>) -> Result<(), Error> {
        let memory = bytes(B::MEMORY_VERSION, &call.memory, &self.calls.limits)?;
        self.changed = self.changed || memory != self.memory || call.turn.saved().is_some();
        self.memory = memory;
        Ok(())
    }

    /// A hook failed: what it saved stays.
    fn roll_back(&mut self, call: &Call<B::Memory>) {
        if let Some(saved) = call.turn.saved().take() {
            self.memory = saved;
        }
    }

    /// Whether there is something to tell.
    pub(super) fn has_cuts(&self) -> bool {
        !self.state.cuts.is_empty()
    }

    /// How the call ended, if the platform does not tell.
    pub(super) fn ending(&self) -> Ended {
        match self.state.ending {
            // It was never asked for.
            _ if self.state.pending.is_some() => Ended::ByCaller,
            Some(Ending::HangUp) => Ended::ByBot,
            Some(Ending::Transfer) => Ended::Transferred,
            None => Ended::ByCaller,
        }
    }

    /// Tells the bot that the call is over.
    pub(super) async fn end(&mut self, why: Ended) {
        let told = match self.call() {
            Ok(mut call) => {
                call.turn.lease = None;
                let ended = async { self.calls.bot.ended(&mut call, why).await };
                guard(self.line, ended).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::error!(call = %self.line.call(), "the end of a call could not be told: {error}");
        }
    }

    /// The turn ended well: what it did is kept, and only then the reply ends.
    async fn commit(&mut self, input: Option<&Input>, call: &Call<B::Memory>) -> Result<(), Stop> {
        let Self { calls, line, .. } = *self;
        // What was held back for this is not said if it fails.
        self.keep(call).inspect_err(|_| line.forget_unsent())?;
        let spoken = line.spoken();
        let splits = line.mount().splits && spoken.last.is_some() && !spoken.said.is_empty();
        let kept = calls.kept(input.cloned());
        let before = self.state.voice.clone();
        let cut = line.commit().err();
        let entry = match cut {
            None => Entry {
                said: spoken.said,
                filler: spoken.filler,
                ..Entry::new(line.turn().clone(), kept.clone())
            },
            // It was cut while it held, and came to its end.
            Some(_) => Entry { heard: Some(Heard::Unknown), ..line.sent(kept.clone()) },
        };
        let epoch = self.lease.as_ref().map_or(0, |lease| lease.epoch);
        let entry = Entry { epoch, ..entry };
        // A begin without a word is no turn.
        if entry.input.is_some() || !entry.said.is_empty() || cut.is_some() {
            self.state.history.push(entry);
        }
        self.state.history.trim(calls.limits.history_entries, calls.limits.history_bytes);
        self.state.epoch = epoch;
        self.state.voice = spoken.voice.clone();
        match cut {
            // A barge-in has a note of its own.
            Some(Cause::BargeIn) => self.state.voice = line.told_voice().or(before),
            Some(cause) => {
                self.state.voice = line.told_voice().or(before);
                let turn = line.turn().clone();
                self.state.cuts.push(Cut { turn, heard: Heard::Unknown, cause });
            }
            None => {
                self.state.ending = match (&spoken.last, input) {
                    (Some(Last::HangUp(_)), _) => Some(Ending::HangUp),
                    (Some(Last::Transfer(_)), _) => Some(Ending::Transfer),
                    (None, Some(Input::Transferred(Transferred::Done))) => Some(Ending::Transfer),
                    (None, _) => None,
                };
                self.state.pending = spoken.last.clone().filter(|_| splits);
                self.state.answered = Some(Answered {
                    turn: line.turn().clone(),
                    voice: spoken.voice.clone(),
                    gather: spoken.gather,
                    end: spoken.last,
                });
            }
        }
        match self.write(true).await {
            Ok(()) if cut.is_none() => {
                line.end(splits);
                Ok(())
            }
            Ok(()) => Err(Stop::Cut),
            Err(StoreError::Fenced) => {
                line.lost(Cause::NewTurn);
                let (cause, voice) = (line.cause(), line.told_voice());
                let entry = Entry { epoch, ..line.sent(kept) };
                let note = Sent { entry, cause, voice, begun: false }.into_note();
                let noted = calls.store.note(line.call(), line.turn(), note, false).await;
                if let Err(error) = noted {
                    tracing::error!(call = %line.call(), "what was said is lost: {error}");
                }
                Err(Stop::Cut)
            }
            Err(error) => {
                line.forget_unsent();
                line.uncommit();
                Err(error.into())
            }
        }
    }
}

/// The bot's memory, from what was written by this or that version of it.
pub(super) fn memory<B: Bot>(bytes: &[u8]) -> Result<B::Memory, Error> {
    if bytes.is_empty() {
        return Ok(B::Memory::default());
    }
    let parts = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(':'));
    let parts = parts.and_then(|(version, json)| Some((version.parse::<u32>().ok()?, json)));
    let (version, json) = parts.ok_or_else(|| StoreError::Memory("has no version".into()))?;
    match version.cmp(&B::MEMORY_VERSION) {
        Ordering::Equal => Ok(serde_json::from_str(json).map_err(unreadable)?),
        Ordering::Less => B::migrate(version, serde_json::from_str(json).map_err(unreadable)?),
        // A newer version of this bot can still read it.
        Ordering::Greater => Err(MemoryVersion::new(version, B::MEMORY_VERSION).into()),
    }
}

/// What is kept and can't be read, without what it holds.
fn unreadable(error: serde_json::Error) -> StoreError {
    use serde_json::error::Category;

    let what = match error.classify() {
        Category::Data => "does not fit the bot's type",
        _ => "is no JSON",
    };
    StoreError::Memory(format!("{what}, at line {} column {}", error.line(), error.column()))
}

/// How long a bot may run without letting others run before that is worth a warning.
const BLOCKED: Duration = Duration::from_millis(10);

/// Runs a hook of the bot: what it said goes out when it waits, a panic is an error.
async fn guard(line: &Line, hook: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let mut hook = pin!(AssertUnwindSafe(hook).catch_unwind());
    line.speaking(true);
    let ended = poll_fn(|cx| {
        let start = WallInstant::now();
        let polled = hook.as_mut().poll(cx);
        let took = start.elapsed();
        if took > BLOCKED {
            let (call, ms) = (line.call(), took.as_millis());
            tracing::warn!(%call, ms, "the bot blocked its thread: calls beside it wait");
        }
        if polled.is_pending() {
            line.waits();
        }
        polled
    })
    .await;
    line.speaking(false);
    ended.unwrap_or_else(|_| Err(panicked(line)))
}

/// The message of a panic has gone to the panic hook, and may hold anything.
pub(super) fn panicked(line: &Line) -> Error {
    tracing::error!(call = %line.call(), "the bot panicked");
    Error::from(Fault::internal())
}

/// Drives a turn within its budget, until it ends or is cut; `None` when it was cut.
pub(super) async fn drive<B: Bot, T>(
    calls: &Calls<B>,
    line: &Arc<Line>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let [first, whole] = line.deadlines();
    let [mut filler, mut first, mut whole] = [line.filler_at(), first, whole].map(Timer::new);
    let mut held = Timer::new(None);
    let mut releasing = None;
    let mut work = pin!(work);
    poll_fn(|cx| {
        loop {
            match line.drive(cx.waker()) {
                Drive::On => {}
                Drive::Stop => return Poll::Ready(None),
                Drive::HeldUntil(until) => {
                    held.set(until);
                    if held.passes(cx) {
                        // It may hold for longer by now.
                        continue;
                    }
                }
                Drive::Release => {
                    let (store, lease) = (calls.store.clone(), line.lease());
                    releasing = Some(Box::pin(async move {
                        if let Some(lease) = lease {
                            // Fenced: the next turn is in already.
                            let _ = store.hold(&lease, None).await;
                        }
                    }));
                }
            }
            if let Some(release) = &mut releasing
                && release.as_mut().poll(cx).is_ready()
            {
                releasing = None;
            }
            // The bot may hold again, and that must not come before the release.
            if releasing.is_none()
                && let Poll::Ready(ended) = work.as_mut().poll(cx)
            {
                return Poll::Ready(Some(ended));
            }
            let mut stopped = false;
            if filler.passes(cx) {
                line.fill();
            }
            if first.passes(cx) {
                line.flush();
                stopped |= !line.has_left() && line.time_is_up();
            }
            if whole.passes(cx) {
                stopped |= if line.greets() && line.has_spoken() {
                    line.ends_here()
                } else {
                    line.time_is_up()
                };
            }
            if !stopped {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// A timer that passes once.
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn new(at: Option<Instant>) -> Self {
        Self(at.map(|at| Box::pin(sleep_until(at))))
    }

    fn set(&mut self, at: Instant) {
        if self.0.is_none() {
            *self = Self::new(Some(at));
        }
    }

    fn passes(&mut self, cx: &mut std::task::Context<'_>) -> bool {
        let Some(sleep) = &mut self.0 else { return false };
        let passes = sleep.as_mut().poll(cx).is_ready();
        if passes {
            self.0 = None;
        }
        passes
    }
}
