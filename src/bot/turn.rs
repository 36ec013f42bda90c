//! A turn: its own task, from the record of the call to the end of the reply.

use std::cmp::Ordering;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant as WallInstant};

use futures_util::FutureExt;
use tokio::time::{Instant, Sleep, sleep_until};

use super::call::{Call, Facts, Handle, KeptFacts, bytes};
use super::calls::Calls;
use super::line::{Drive, Line, Packet};
use super::reply::Last;
use super::state::{Answered, Ending, Note, State};
use super::store::{Change, Lease, Opened, Opening, Record};
use super::{Bot, Cause, Ended, Entry, Error, Greeting, Input, MemoryVersion, Reply};
use super::{StoreError, TurnId};
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
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(refused(error))
    }
}

/// What the platform is told when a store does not do its part.
pub(super) fn refused(error: StoreError) -> Error {
    match error {
        StoreError::Full(_) => Error::wire("there are too many calls").status(503),
        error => error.into(),
    }
}

impl<B: Bot> Turn<B> {
    /// Runs the turn to its end, whatever that is.
    pub(super) async fn run(self) {
        // Should this task be dropped or panic, nobody waits for it.
        let _left = Left { calls: &*self.calls, line: &self.line };
        let begins = matches!(self.asked, Asked::Begin);
        let ended = drive(&self.calls, &self.line, begins, self.work()).await;
        let cause = self.line.cause();
        match ended {
            Some(Ok(())) | Some(Err(Stop::Cut)) => {}
            Some(Err(Stop::Failed(error))) => {
                self.give_back(None).await;
                self.line.fail(error);
            }
            None => self.give_back(cause).await,
        }
        drop(_left);
        // The others are told of by who cuts them.
        if matches!(cause, Some(Cause::PeerGone | Cause::Deadline)) {
            self.calls.look_after(self.line.call().clone()).await;
        }
    }

    /// Keeps what was said in a turn that did not end well, and lets the next one in.
    async fn give_back(&self, cause: Option<Cause>) {
        let Some(lease) = self.line.lease() else { return };
        let entry = match cause {
            Some(_) => self.line.sent(self.asked.input()),
            None => self.line.said(self.asked.input()),
        };
        let note = Note::Sent { entry, cause }.to_bytes();
        let store = &self.calls.store;
        // A platform that got no answer may ask again.
        let again = matches!(cause, None | Some(Cause::PeerGone | Cause::Deadline));
        let change = Change { close: true, again, ..Change::default() };
        let noted = store.note(&lease.call, self.line.turn(), note, false).await;
        let closed = store.write(&lease, change).await;
        for error in noted.err().into_iter().chain(closed.err()) {
            if error != StoreError::Fenced {
                tracing::error!(call = %lease.call, "a turn was not given back: {error}");
            }
        }
    }

    async fn work(&self) -> Result<(), Stop> {
        let Self { calls, line, asked, facts } = self;
        let opening = Opening::Turn(line.turn().clone());
        let (lease, record) = match calls.store.open(line.call(), opening).await? {
            Opened::Run(lease, record) => (lease, record),
            Opened::Repeated(record) => {
                line.answer(again(line.turn(), &record, calls)?);
                return Ok(());
            }
            Opened::Busy => return Err(StoreError::Fenced.into()),
        };
        line.set_lease(Some(lease.clone()));
        let record = match calls.overtake(line).await {
            // What the others noted when they were cut.
            true => calls.store.read(line.call()).await?.unwrap_or(record),
            false => record,
        };
        let mut session = Session::open(calls, line, Some(lease), record, facts.clone())?;
        let input = match asked {
            Asked::Begin => {
                if !session.new {
                    // A call with this id never ended.
                    session.tell_cuts().await;
                    session.end(Ended::Unknown).await;
                    session.anew(facts);
                }
                session.write_state(false).await?;
                let mut call = session.call()?;
                let mut reply = Reply::new(line.clone(), false);
                let began = async { calls.bot.begin(&mut call, &mut reply).await };
                guard(line, began).await?;
                return session.commit(None, &call).await;
            }
            Asked::Turn(input) => input,
        };
        if session.new {
            session.write_state(false).await?;
            let mut call = session.call()?;
            let mut reply = Reply::new(line.clone(), calls.greeting == Greeting::Drop);
            let began = async { calls.bot.begin(&mut call, &mut reply).await };
            match guard(line, began).await {
                Ok(()) => session.keep(&call)?,
                Err(error) => {
                    // The caller has taken a turn, and that can still be served.
                    tracing::error!(call = %line.call(), "the begin of a call failed: {error}");
                    line.forget_unsent();
                }
            }
        }
        session.tell_cuts().await;
        if let Some(last) = session.state.pending.take() {
            session.state.answered = None;
            session.write_state(true).await?;
            line.answer(Packet { end: Some(last), ..Packet::default() });
            return Ok(());
        }
        line.set_voice(session.state.voice.clone());
        let mut call = session.call()?;
        call.cut = session.state.cut.take();
        let mut reply = Reply::new(line.clone(), false);
        let turn = async { calls.bot.turn(&mut call, input.clone(), &mut reply).await };
        guard(line, turn).await?;
        session.commit(Some(input.clone()), &call).await
    }
}

/// The end of a turn's task, however it comes.
struct Left<'a, B: Bot> {
    calls: &'a Calls<B>,
    line: &'a Arc<Line>,
}

impl<B: Bot> Drop for Left<'_, B> {
    fn drop(&mut self) {
        self.calls.left(self.line);
        self.line.done();
    }
}

/// The answer to a turn that has been answered before.
fn again<B: Bot>(turn: &TurnId, record: &Record, calls: &Calls<B>) -> Result<Packet, Stop> {
    let Some((state, _)) = State::read(record, &calls.limits)? else {
        return Ok(Packet::default());
    };
    let mut packet = Packet::default();
    if let Some(entry) = state.history.get(turn) {
        packet.text = entry.filler.clone().unwrap_or_default() + &entry.said;
    }
    if let Some(answered) = state.answered.filter(|answered| answered.turn == *turn) {
        packet.voice = answered.voice;
        packet.gather = answered.gather;
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
    notes: usize,
    new: bool,
}

impl<'a, B: Bot> Session<'a, B> {
    pub(super) fn open(
        calls: &'a Calls<B>,
        line: &'a Arc<Line>,
        lease: Option<Lease>,
        record: Record,
        mut facts: Facts,
    ) -> Result<Self, StoreError> {
        let kept = State::read(&record, &calls.limits)?;
        let new = kept.is_none();
        let state = match kept {
            Some((state, mismatches)) => {
                if mismatches > 0 {
                    let call = line.call();
                    tracing::warn!(%call, mismatches, "what was heard is not in the reply");
                }
                facts = state.facts.complete(facts);
                State { facts: KeptFacts::of(&facts), ..state }
            }
            None => State::new(B::MEMORY_VERSION, facts.platform, KeptFacts::of(&facts)),
        };
        let Record { memory, notes, .. } = record;
        Ok(Self { calls, line, lease, facts, state, memory, notes: notes.len(), new })
    }

    /// The call has begun again.
    fn anew(&mut self, facts: &Facts) {
        self.facts = facts.clone();
        self.state = State::new(B::MEMORY_VERSION, facts.platform, KeptFacts::of(facts));
        self.memory = Vec::new();
    }

    /// The call, as the bot sees it.
    fn call(&self) -> Result<Call<B::Memory>, Error> {
        Ok(Call {
            memory: memory::<B>(self.state.version, &self.memory)?,
            facts: self.facts.clone(),
            history: self.state.history.clone(),
            cut: None,
            turn: Handle {
                line: self.line.clone(),
                store: self.calls.store.clone(),
                limits: self.calls.limits.clone(),
                lease: self.lease.clone(),
            },
        })
    }

    fn change(&mut self, close: bool) -> Result<Option<(Lease, Change)>, StoreError> {
        let Some(lease) = self.lease.clone() else { return Ok(None) };
        let state = self.state.to_bytes()?;
        let change = Change {
            memory: Some(self.memory.clone()),
            state: Some(state),
            notes_read: std::mem::take(&mut self.notes),
            close,
            again: false,
        };
        Ok(Some((lease, change)))
    }

    /// Writes what there is, as it is.
    pub(super) async fn write_state(&mut self, close: bool) -> Result<(), StoreError> {
        match self.change(close)? {
            Some((lease, change)) => self.calls.store.write(&lease, change).await,
            None => Ok(()),
        }
    }

    /// Tells the bot of each reply that was cut, once.
    pub(super) async fn tell_cuts(&mut self) {
        for cut in std::mem::take(&mut self.state.cuts) {
            let told = match self.call() {
                Ok(mut call) => {
                    let bot = &self.calls.bot;
                    let told = async { bot.interrupted(&mut call, &cut).await };
                    match guard(self.line, told).await {
                        Ok(()) => self.keep(&call),
                        Err(error) => Err(error),
                    }
                }
                Err(error) => Err(error),
            };
            if let Err(error) = told {
                tracing::error!(call = %self.line.call(), "a cut could not be told: {error}");
            }
            self.state.cut = Some(cut);
        }
    }

    fn keep(&mut self, call: &Call<B::Memory>) -> Result<(), Error> {
        self.memory = bytes(&call.memory, &self.calls.limits)?;
        self.state.version = B::MEMORY_VERSION;
        Ok(())
    }

    /// Whether there is something to tell.
    pub(super) fn has_cuts(&self) -> bool {
        !self.state.cuts.is_empty()
    }

    /// How the call ended, if the platform does not tell.
    pub(super) fn ending(&self) -> Ended {
        match self.state.ending {
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
    async fn commit(mut self, input: Option<Input>, call: &Call<B::Memory>) -> Result<(), Stop> {
        let line = self.line;
        self.keep(call)?;
        let spoken = line.spoken();
        let splits = line.mount().splits && spoken.last.is_some() && !spoken.said.is_empty();
        let entry = match line.commit() {
            Ok(()) => Entry {
                said: spoken.said,
                filler: spoken.filler,
                ..Entry::new(line.turn().clone(), input.clone())
            },
            // It was cut while it held, and came to its end.
            Err(cause) => {
                let entry = line.sent(input.clone());
                self.state.cuts.push(super::Cut {
                    turn: line.turn().clone(),
                    heard: super::Heard::Unknown,
                    cause,
                });
                entry
            }
        };
        let cut = line.cause();
        self.state.history.push(entry);
        self.state.history.trim(self.calls.limits.history_entries, self.calls.limits.history_bytes);
        if cut.is_none() {
            self.state.ending = match (&spoken.last, &input) {
                (Some(Last::HangUp(_)), _) => Some(Ending::HangUp),
                (Some(Last::Transfer(_)), _) => Some(Ending::Transfer),
                (None, Some(Input::Transferred(super::Transferred::Done))) => {
                    Some(Ending::Transfer)
                }
                (None, _) => None,
            };
            self.state.pending = spoken.last.clone().filter(|_| splits);
            self.state.answered = Some(Answered {
                turn: line.turn().clone(),
                voice: spoken.voice.clone(),
                gather: spoken.gather,
                end: spoken.last,
            });
            self.state.voice = spoken.voice;
        }
        match self.write_state(true).await {
            Ok(()) if cut.is_none() => {
                line.end(splits);
                Ok(())
            }
            Ok(()) => Err(Stop::Cut),
            Err(StoreError::Fenced) => {
                line.lost(Cause::NewTurn);
                let entry =
                    line.sent(self.state.history.last().and_then(|entry| entry.input.clone()));
                let note = Note::Sent { entry, cause: Some(Cause::NewTurn) }.to_bytes();
                let noted = self.calls.store.note(line.call(), line.turn(), note, false).await;
                if let Err(error) = noted {
                    tracing::error!(call = %line.call(), "what was said is lost: {error}");
                }
                Err(Stop::Cut)
            }
            Err(error) => {
                line.uncommit();
                Err(error.into())
            }
        }
    }
}

/// The bot's memory, from what was written by this or that version of it.
pub(super) fn memory<B: Bot>(version: u32, bytes: &[u8]) -> Result<B::Memory, Error> {
    if bytes.is_empty() {
        return Ok(B::Memory::default());
    }
    match version.cmp(&B::MEMORY_VERSION) {
        Ordering::Equal => Ok(serde_json::from_slice(bytes).map_err(unreadable)?),
        Ordering::Less => B::migrate(version, serde_json::from_slice(bytes).map_err(unreadable)?),
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
    ended.unwrap_or_else(|_| {
        // The message of a panic has gone to the panic hook, and may hold anything.
        tracing::error!(call = %line.call(), "the bot panicked");
        Err(Error::from_fault(Fault::internal()))
    })
}

/// Drives a turn within its budget, until it ends or is cut; `None` when it was cut.
pub(super) async fn drive<B: Bot, T>(
    calls: &Calls<B>,
    line: &Arc<Line>,
    begins: bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    let budget = line.mount().budget;
    let at = |time: Option<Duration>| time.and_then(|time| line.arrived().checked_add(time));
    let whole = if begins { budget.begin.or(budget.whole) } else { budget.whole };
    let mut filler = Timer::new(at(budget.filler()).filter(|_| !begins && line.wants_filler()));
    let mut first = Timer::new(at(budget.first_packet).filter(|_| !begins));
    let mut whole = Timer::new(at(whole));
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
                        return Poll::Ready(None);
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
            if let Poll::Ready(ended) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(ended));
            }
            let mut stopped = false;
            if filler.passes(cx) {
                line.fill();
            }
            if first.passes(cx) && !line.has_left() {
                stopped |= line.time_is_up();
            }
            if whole.passes(cx) {
                stopped |=
                    if begins && line.has_spoken() { line.ends_here() } else { line.time_is_up() };
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
