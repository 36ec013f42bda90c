//! The calls of a bot: which turns run, and when a call is over.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tracing::Instrument;

use super::call::Facts;
use super::line::{Line, Reader};
use super::state::{Note, State};
use super::store::{AnyStore, Change, Opened, Opening, PATIENCE, Record};
use super::turn::{Asked, Left, Session, Turn, drive, panicked, refused};
use super::{
    Bot, CallKey, Cause, Ended, Error, Greeting, Input, Limits, Mount, Platform, StoreError, TurnId,
};

/// The calls of a bot, on all its platforms.
pub(super) struct Calls<B: Bot> {
    pub bot: Arc<B>,
    pub store: Arc<dyn AnyStore>,
    pub limits: Arc<Limits>,
    pub greeting: Greeting,
    /// Where turns run, if that is not where requests are served.
    pub runtime: Option<Handle>,
    running: Mutex<HashMap<CallKey, Vec<Arc<Line>>>>,
    /// Whether what runs beside the requests has been started.
    started: AtomicBool,
    closing: AtomicBool,
}

/// A request of the platform.
pub(super) struct Question {
    pub turn: TurnId,
    pub asked: Asked,
    pub facts: Facts,
}

/// How long a turn that has been cut may take to let go, before the next one goes on without it.
const LET_GO: Duration = Duration::from_millis(50);
/// How long the answer to an abort waits for the bot to be told.
const TOLD: Duration = Duration::from_millis(200);

impl<B: Bot> Calls<B> {
    pub(super) fn new(
        bot: Arc<B>,
        store: Arc<dyn AnyStore>,
        limits: Limits,
        greeting: Greeting,
        runtime: Option<Handle>,
    ) -> Self {
        Self {
            bot,
            store,
            limits: Arc::new(limits),
            greeting,
            runtime,
            running: Mutex::default(),
            started: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<CallKey, Vec<Arc<Line>>>> {
        // A panic under this lock leaves the map whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self, call: &CallKey) -> Vec<Arc<Line>> {
        self.running().get(call).cloned().unwrap_or_default()
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let work = work.in_current_span();
        match &self.runtime {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }

    /// Asks the bot. A request for a turn that runs already gets the answer of that one.
    pub(super) fn ask(
        self: &Arc<Self>,
        mount: &Arc<Mount>,
        question: Question,
    ) -> Result<Reader, Error> {
        self.start();
        let Question { turn, asked, facts } = question;
        let call = CallKey::new(facts.platform, &*facts.id);
        short(&call, &turn)?;
        let mut running = self.running();
        let lines = running.entry(call.clone()).or_default();
        let mut same = lines.iter().filter(|line| *line.turn() == turn);
        if let Some(reader) = same.find_map(|line| line.read()) {
            return Ok(reader);
        }
        if self.closing.load(Ordering::Relaxed) {
            if lines.is_empty() {
                running.remove(&call);
            }
            return Err(Error::public("the server is shutting down").status(503));
        }
        let arrived = crate::server::arrived();
        let begins = matches!(asked, Asked::Begin);
        let line = Line::new(call, turn, mount.clone(), &self.limits, arrived, begins);
        let line = Arc::new(line);
        let Some(reader) = line.read() else {
            return Err(StoreError::Fenced.into());
        };
        let earlier: Vec<_> = lines.iter().filter(|line| line.lease().is_none()).cloned().collect();
        lines.push(line.clone());
        drop(running);
        if mount.capabilities.newest_wins {
            // They wait for the call, and must not get it after this one.
            for earlier in earlier {
                earlier.cut(Cause::NewTurn);
            }
        }
        drop(self.spawn(Turn { calls: self.clone(), line, asked, facts }.run()));
        Ok(reader)
    }

    /// The turn has the call: those that had it before are cut. Returns whether there were any, once
    /// they have let go or can't be waited for any longer.
    pub(super) async fn overtake(&self, line: &Arc<Line>, epoch: u64) -> bool {
        let lines = self.lines(line.call());
        let before = |other: &Arc<Line>| other.lease().is_some_and(|lease| lease.epoch < epoch);
        let (before, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(before);
        if others.iter().any(|other| other.lease().is_some_and(|lease| lease.epoch > epoch)) {
            line.cut(Cause::NewTurn);
        }
        for other in &before {
            other.cut(Cause::NewTurn);
        }
        let_go(&before).await;
        for other in &before {
            // It has ended well, and its store has not said so: nobody has to wait for that.
            other.lost(Cause::NewTurn);
        }
        !before.is_empty()
    }

    /// As much of an input as the history takes.
    pub(super) fn kept(&self, input: Option<Input>) -> Option<Input> {
        let most = self.limits.history_bytes;
        match input {
            Some(Input::Speech(mut words)) if words.len() > most => {
                words.truncate(boundary(&words, most));
                Some(Input::Speech(words))
            }
            Some(Input::Keys(mut keys)) if keys.len() > most => {
                keys.truncate(boundary(&keys, most));
                Some(Input::Keys(keys))
            }
            Some(Input::Other(json)) if json.to_string().len() > most => None,
            input => input,
        }
    }

    /// The task of a turn has ended.
    pub(super) fn left(&self, line: &Arc<Line>) {
        let mut running = self.running();
        if let Some(lines) = running.get_mut(line.call()) {
            lines.retain(|other| !Arc::ptr_eq(other, line));
            if lines.is_empty() {
                running.remove(line.call());
            }
        }
    }

    /// The caller barged in, and has heard this much of a turn's reply.
    pub(super) async fn abort(
        self: &Arc<Self>,
        call: CallKey,
        turn: TurnId,
        heard: Option<String>,
    ) -> Result<(), Error> {
        self.start();
        short(&call, &turn)?;
        let mut lines = self.lines(&call);
        lines.retain(|line| *line.turn() == turn);
        for line in &lines {
            line.cut(Cause::BargeIn);
        }
        // No reply is longer: what is behind that was not heard in it.
        let heard = heard.filter(|heard| heard.len() <= 2 * self.limits.reply);
        let note = Note::Aborted { turn: turn.clone(), heard }.to_bytes();
        if !self.store.note(&call, &turn, note, true).await.map_err(refused)? {
            // A call that is over, or that this server does not know: there is nothing to cut.
            return Ok(());
        }
        let calls = self.clone();
        let told = self.spawn(async move {
            let_go(&lines).await;
            calls.look_after(call).await;
        });
        // The bot is told now, where it can be; else before its next turn.
        let _ = timeout(TOLD, told).await;
        Ok(())
    }

    /// Tells the bot of what was cut, if no turn has the call.
    pub(super) async fn look_after(&self, call: CallKey) {
        let line = self.silent(&call, None);
        // Before it opens the call, so that the next turn finds it.
        self.running().entry(call.clone()).or_default().push(line.clone());
        let told = async {
            let (lease, record) = match self.store.open(&call, Opening::IfFree).await? {
                Opened::Run(lease, record) => (lease, record),
                _ => return Ok(()),
            };
            line.set_lease(Some(lease.clone()));
            let facts = Facts::new(line.mount().platform, &call.id);
            let mut session = Session::open(self, &line, Some(lease.clone()), record, facts)?;
            if session.has_cuts() {
                session.tell_cuts(None).await?;
                return session.write(true).await;
            }
            self.store.write(&lease, Change { close: true, ..Change::default() }).await
        };
        // The next turn cuts this, and tells then. So does the end of the time for it.
        let left = Left { calls: self, line: &line };
        let told = AssertUnwindSafe(told).catch_unwind();
        let told = timeout(self.limits.end, drive(self, &line, told)).await.ok().flatten();
        let told = told.map(|told| match told {
            Ok(told) => told,
            Err(_) => {
                drop(panicked(&line));
                Ok(())
            }
        });
        if let Some(lease) = line.lease()
            && !matches!(told, Some(Ok(())))
        {
            // Fenced, mostly: who cut it has the call.
            let closed = Change { close: true, ..Change::default() };
            let _ = self.store.write(&lease, closed).await;
        }
        drop(left);
        match told {
            Some(Err(error)) if error != StoreError::Fenced => {
                tracing::error!(%call, "a call could not be looked after: {error}");
            }
            _ => {}
        }
    }

    /// A line that nobody listens to, for what is no turn.
    fn silent(&self, call: &CallKey, record: Option<&Record>) -> Arc<Line> {
        let kept = record.and_then(|record| State::read(record, &self.limits).ok().flatten());
        let platform = kept.map(|(state, _)| state.platform);
        let platform = platform.or_else(|| Platform::named(&call.platform));
        let mount = Arc::new(Mount::silent(platform.unwrap_or(Platform::DigitalEmployee)));
        let (turn, now) = (TurnId::new(""), Instant::now());
        Arc::new(Line::new(call.clone(), turn, mount, &self.limits, now, false))
    }

    /// The call is over. `why` is what the platform says, if it does.
    pub(super) async fn end(
        self: &Arc<Self>,
        call: CallKey,
        why: Option<Ended>,
    ) -> Result<(), Error> {
        self.start();
        short(&call, &TurnId::new(""))?;
        let calls = self.clone();
        // In a task of its own: the bot is told, also when the platform does not wait for it.
        let ended = self.spawn(async move {
            calls.hang_up(&call).await;
            // It waits out a hold.
            let patience = calls.limits.hold.saturating_add(PATIENCE);
            let ended = timeout(patience, calls.store.end(&call)).await;
            let late = |_| Err(StoreError::Failed(format!("no answer within {patience:?}")));
            if let Some(record) = ended.unwrap_or_else(late).map_err(refused)? {
                calls.finish(call, record, why).await;
            }
            Ok(())
        });
        ended.await.unwrap_or_else(|error| Err(error.into()))
    }

    /// Cuts what runs in a call that is over.
    async fn hang_up(&self, call: &CallKey) {
        let lines = self.lines(call);
        for line in &lines {
            line.cut(Cause::CallOver);
        }
        let_go(&lines).await;
    }

    /// Tells the bot of the end of a call, without being waited for.
    pub(super) fn finish_apart(self: &Arc<Self>, call: CallKey, record: Record, why: Ended) {
        let calls = self.clone();
        drop(self.spawn(async move { calls.finish(call, record, Some(why)).await }));
    }

    /// Tells the bot of the end of a call that is no longer in the store.
    async fn finish(&self, call: CallKey, record: Record, why: Option<Ended>) {
        let line = self.silent(&call, Some(&record));
        let facts = Facts::new(line.mount().platform, &call.id);
        let told = async {
            let mut session = Session::open(self, &line, None, record, facts)?;
            session.tell_cuts(None).await?;
            let why = why.unwrap_or_else(|| session.ending());
            session.end(why).await;
            Ok::<_, StoreError>(())
        };
        let told = AssertUnwindSafe(told).catch_unwind();
        match timeout(self.limits.end, told).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Err(_)) => drop(panicked(&line)),
            Ok(Ok(Err(error))) => {
                tracing::error!(%call, "the end of a call could not be told: {error}")
            }
            Err(_) => tracing::error!(%call, "the bot took too long over the end of a call"),
        }
    }

    /// What is kept of a call.
    pub(super) async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        self.store.read(call).await
    }

    /// Takes no more turns, lets those that run end, and then tells the bot of calls that can't go on.
    pub(super) async fn shut_down(self: &Arc<Self>, within: Duration) {
        // Far from where the clock ends.
        const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
        let within = within.min(LONGEST);
        self.closing.store(true, Ordering::Relaxed);
        let start = Instant::now();
        let lines: Vec<_> = self.running().values().flatten().cloned().collect();
        let all = || join_all(lines.iter().map(|line| line.ended()));
        let _ = timeout_at(start + within * 3 / 4, all()).await;
        for line in &lines {
            line.cut(Cause::CallOver);
        }
        // What they hold they may bring to its end.
        let until = start + within.max(LET_GO);
        let _ = timeout_at(until, all()).await;
        if self.store.shared() {
            return;
        }
        let told = self.end_idle(Duration::ZERO, Ended::Shutdown);
        if timeout_at(until, told).await.is_err() {
            tracing::error!("the time was up before the bot was told of the end of every call");
        }
    }

    async fn end_idle(&self, idle: Duration, why: Ended) {
        // So many at a time: each may ask a data base.
        const AT_ONCE: usize = 1024;
        loop {
            let claimed = match self.store.claim_idle(idle, AT_ONCE).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::error!("idle calls could not be looked for: {error}");
                    return;
                }
            };
            let last = claimed.len() < AT_ONCE;
            let told = claimed.into_iter().map(|(call, record)| async move {
                self.hang_up(&call).await;
                self.finish(call, record, Some(why)).await;
            });
            join_all(told).await;
            if last {
                return;
            }
        }
    }

    /// Starts what runs beside the requests, with the first of them.
    fn start(self: &Arc<Self>) {
        if self.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let calls = Arc::downgrade(self);
        drop(self.spawn(beside(calls, self.store.clone(), self.limits.idle)));
    }
}

/// Cuts turns that have to stop, and ends calls whose end never came, as long as there is a bot.
async fn beside<B: Bot>(calls: Weak<Calls<B>>, store: Arc<dyn AnyStore>, idle: Duration) {
    const OFTEN: Duration = Duration::from_millis(10);
    const SELDOM: Duration = Duration::from_secs(60);
    // A store that has nothing to tell must not keep calls from expiring.
    let mut cancels = store.cancels().chain(stream::pending());
    drop(store);
    let mut ticks = interval((idle / 4).clamp(OFTEN, SELDOM));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            cancel = cancels.next() => {
                let (Some(cancel), Some(calls)) = (cancel, calls.upgrade()) else { return };
                let cause = if cancel.aborted { Cause::BargeIn } else { Cause::NewTurn };
                for line in calls.lines(&cancel.call) {
                    if line.lease().is_some_and(|lease| lease.epoch == cancel.epoch) {
                        line.cut(cause);
                    }
                }
            }
            _ = ticks.tick() => {
                let Some(calls) = calls.upgrade() else { return };
                // A bot that takes its time with one call must not keep others from being cut.
                let ending = calls.clone();
                drop(calls.spawn(async move { ending.end_idle(idle, Ended::Expired).await }));
            }
        }
    }
}

/// Waits until turns that were cut have let go, or can't be waited for any longer.
async fn let_go(lines: &[Arc<Line>]) {
    let _ = timeout(LET_GO, join_all(lines.iter().map(|line| line.ended()))).await;
}

/// The longest id of a call or a turn, in bytes; the platforms' have 36 or 64 characters.
const LONGEST_ID: usize = 256;

/// Ids are kept for as long as a call lasts, of many calls at once.
fn short(call: &CallKey, turn: &TurnId) -> Result<(), Error> {
    for (what, id) in [("call", &*call.id), ("turn", turn.as_str())] {
        if id.len() > LONGEST_ID {
            let message = format!("the id of the {what} is longer than {LONGEST_ID} bytes");
            return Err(Error::public(message).status(400));
        }
    }
    Ok(())
}

/// The end of the last character that ends within so many bytes.
fn boundary(text: &str, most: usize) -> usize {
    (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl<B: Bot> fmt::Debug for Calls<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("running", &self.running().len()).finish_non_exhaustive()
    }
}
