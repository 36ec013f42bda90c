//! The outbox itself, and the bot's side of it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::Level;

use super::checks::{Support, check_values, is_first_packet_only, support};
use super::draft::gap;
use super::marks::Marks;
use super::state::{Filler, Progress, State};
use super::tags::TagFilter;
use crate::bot::adapter::Adapter;
use crate::bot::budget::{BudgetError, BudgetLimit};
use crate::bot::controls::{Closing, Element};
use crate::bot::error::{Dropped, ReplyError};
use crate::bot::input::{CallKey, TurnId};
use crate::bot::limits::Limits;
use crate::lock::Mutex;
use crate::observe::TURN;
use crate::server::watch::{self, Part, SharedWatch};

/// The reply of a running turn.
///
/// The bot adds text and controls, which become packets whenever the bot waits. Packets are kept until
/// the turn is over, so that a repeated request gets the same answer. The bot waits until the fastest
/// reader has taken all packets. When the last reader is dropped, the turn is cut.
pub(in crate::bot) struct Outbox {
    pub(super) call: CallKey,
    pub(super) turn: TurnId,
    pub(super) adapter: Arc<Adapter>,
    max_bytes: usize,
    pub(super) arrived: Instant,
    /// The limit of the whole reply, as the error of missing it.
    whole: Option<BudgetError>,
    /// The limit of the first packet, as the error of missing it.
    first: Option<BudgetError>,
    kind: ReplyKind,
    /// Boxed, since it is large: an outbox is copied when it is made.
    state: Box<Mutex<State>>,
    /// Whether times are measured.
    pub(super) timed: bool,
    /// Whether the bot merely yields to other tasks and does not wait for anything. Only the task of the turn
    /// reads and writes it.
    yielding: AtomicBool,
    /// Learns why the turn fails, in a test.
    watch: Option<SharedWatch>,
    /// Wakes the bot: a reader has taken a packet, or the reply was cut.
    pub(super) taken: Notify,
    /// Wakes the readers: there is a packet, or the reply has ended.
    pub(super) added: Notify,
    /// Wakes those who wait for the end of the task.
    pub(super) ended: Notify,
}

/// Who hears the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Audience {
    Caller,
    /// A greeting that the platform did not ask for. It is checked and dropped.
    Nobody,
}

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum ReplyKind {
    /// The start of a call. At its deadline, the text so far is the reply.
    Greeting,
    /// A turn. At its deadline, it fails.
    Turn,
    /// The end of a successful transfer. The caller talks to another person, so nothing has to be said.
    AfterTransfer,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(in crate::bot) fn new(
        call: CallKey,
        turn: TurnId,
        adapter: Arc<Adapter>,
        limits: &Limits,
        arrived: Instant,
        kind: ReplyKind,
    ) -> Self {
        let limit = |limit| BudgetError::new(adapter.platform, &adapter.budget, limit);
        let whole = limit(BudgetLimit::Whole);
        let (first, whole) = match kind {
            ReplyKind::Greeting => (None, limit(BudgetLimit::Begin).or(whole)),
            ReplyKind::Turn | ReplyKind::AfterTransfer => (limit(BudgetLimit::FirstPacket), whole),
        };
        let fills = adapter.capabilities.filler && kind == ReplyKind::Turn;
        let filler = adapter.filler.clone().filter(|_| fills);
        let filler = filler.map_or(Filler::Off, Filler::Pending);
        let tags = TagFilter::new(adapter.tags);
        // For observers, or for the span of the turn and the line at its end.
        let timed =
            !adapter.observers.is_empty() || tracing::span_enabled!(target: TURN, Level::INFO);
        let marks = Marks::new(timed);
        Self {
            call,
            turn,
            adapter,
            max_bytes: limits.max_reply_bytes,
            arrived,
            whole,
            first,
            kind,
            state: Box::new(Mutex::new(State { filler, marks, tags, ..State::default() })),
            timed,
            yielding: AtomicBool::new(false),
            watch: watch::current(),
            taken: Notify::new(),
            added: Notify::new(),
            ended: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves the state consistent.
        self.state.lock()
    }

    pub(in crate::bot) fn call(&self) -> &CallKey {
        &self.call
    }

    pub(in crate::bot) fn turn(&self) -> &TurnId {
        &self.turn
    }

    pub(in crate::bot) fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    pub(in crate::bot) fn kind(&self) -> ReplyKind {
        self.kind
    }

    /// Reports to a test why a part of the work for this turn failed.
    pub(in crate::bot) fn report(&self, part: Part, cause: impl fmt::Display) {
        if let Some(watch) = &self.watch {
            watch.failed(part, &cause.to_string());
        }
    }

    pub(super) fn notice(&self, what: Dropped) {
        self.adapter.notice(&self.call, &self.turn, what);
    }

    /// Returns the deadlines of the first packet and of the whole reply, each with the error of missing
    /// it.
    pub(in crate::bot) fn deadlines(&self) -> [Option<(Instant, BudgetError)>; 2] {
        [self.first, self.whole].map(|limit| {
            let limit = limit?;
            Some((self.arrived.checked_add(limit.net)?, limit))
        })
    }

    /// Returns when text must go out at the latest, or the reply fails. Returns `None` without a limit,
    /// once there is text, and while a filler will be in time.
    pub(in crate::bot) fn text_due(&self) -> Option<Instant> {
        let limit = match self.kind {
            ReplyKind::Greeting => self.whole,
            ReplyKind::Turn | ReplyKind::AfterTransfer => self.first,
        };
        let due = self.arrived.checked_add(limit?.net)?;
        let state = self.lock();
        let fills = matches!(state.filler, Filler::Pending(_));
        (!fills && !state.has_output()).then_some(due)
    }

    /// Returns whether the deadline of the whole reply has passed.
    pub(super) fn is_overdue(&self) -> bool {
        self.whole.is_some_and(|whole| self.arrived.elapsed() >= whole.net)
    }

    /// Returns the time that remains for the first packet, or for the whole reply if only that is
    /// limited. Returns `None` without a limit, or once the first packet is out.
    pub(in crate::bot) fn time_left(&self) -> Option<Duration> {
        let limit = match self.first {
            Some(_) if self.has_packets() => return None,
            Some(limit) => limit,
            None => self.whole?,
        };
        Some(limit.net.saturating_sub(self.arrived.elapsed()))
    }
}

/// What the bot adds.
impl Outbox {
    /// Waits until all packets have been taken, and yields to other tasks now and then.
    pub(in crate::bot) async fn ready(&self) -> Result<(), ReplyError> {
        {
            let _yielding = Yielding::new(self);
            // A bot that does nothing but speak must be stopped, too: first this check, then the
            // answer.
            tokio::task::coop::consume_budget().await;
        }
        loop {
            // Created before the state is read, so no notification is lost in between.
            let taken = self.taken.notified();
            {
                let state = self.lock();
                state.check_not_cut()?;
                if state.read >= state.packets.len() || !self.adapter.capabilities.streams {
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    /// Returns whether the bot merely yields to other tasks and does not wait for anything.
    pub(super) fn is_yielding(&self) -> bool {
        self.yielding.load(Ordering::Relaxed)
    }

    /// Waits for `work`. A small first packet is not sent because of that.
    pub(in crate::bot) async fn without_flush<T>(&self, work: impl Future<Output = T>) -> T {
        let _yielding = Yielding::new(self);
        work.await
    }

    pub(in crate::bot) fn check_not_cut(&self) -> Result<(), ReplyError> {
        self.lock().check_not_cut()
    }

    pub(in crate::bot) fn push_text(&self, text: &str) -> Result<(), ReplyError> {
        let mut state = self.lock();
        state.check_not_closed()?;
        let text = state.tags.push(text);
        let gap = if state.new_sentence { gap(&state.draft.text, &text) } else { "" };
        let bytes = state.draft.text.len() + gap.len() + text.len();
        if bytes > self.max_bytes {
            return Err(ReplyError::TooLong { bytes, max: self.max_bytes });
        }
        state.new_sentence &= text.is_empty();
        state.draft.text.push_str(gap);
        state.draft.text.push_str(&text);
        let removed = state.tags.take_removed();
        drop(state);
        if removed {
            // Without the lock, since a notice runs code of the bot.
            self.notice(Dropped::ControlTag);
        }
        Ok(())
    }

    /// Starts a new sentence with the next text.
    pub(in crate::bot) fn start_sentence(&self) {
        self.lock().new_sentence = true;
    }

    pub(in crate::bot) fn push_control(
        &self,
        mut element: Element,
        audience: Audience,
    ) -> Result<(), ReplyError> {
        let kind = element.kind();
        let can = &self.adapter.capabilities;
        let support = support(&mut element, &self.adapter);
        if support == Support::Reduced {
            self.notice(Dropped::Control(kind));
        }
        let mut state = self.lock();
        state.check_not_closed()?;
        match support {
            Support::Full | Support::Reduced => {}
            Support::Refused => return Err(ReplyError::Unsupported(kind, self.adapter.platform)),
            Support::Droppable => {
                drop(state);
                self.notice(Dropped::Control(kind));
                return Ok(());
            }
        }
        check_values(&element, can)?;
        self.adapter.check(&element)?;
        if audience == Audience::Nobody {
            drop(state);
            self.drop_greeting();
            return Ok(());
        }
        if is_first_packet_only(kind, can) {
            if state.progress == (Progress::Waited { fills: true }) {
                return Err(ReplyError::FillerFirst(kind));
            }
            if !state.packets.is_empty() {
                return Err(ReplyError::Late(kind));
            }
        }
        let reason =
            matches!(&element, Element::Closing(Closing::HangUp(how)) if how.reason.is_some());
        let displaced = state.draft.insert(element, self.adapter.splits);
        drop(state);
        // Without the lock, since a notice runs code of the bot.
        if reason && !self.adapter.hang_up_reason {
            self.notice(Dropped::HangUpReason);
        }
        if displaced {
            self.notice(Dropped::GatherBeforeClosing);
        }
        Ok(())
    }

    /// Notifies the bot once that its greeting is dropped because the platform did not ask for one.
    pub(in crate::bot) fn drop_greeting(&self) {
        let before = std::mem::replace(&mut self.lock().greeting_dropped, true);
        if !before {
            self.notice(Dropped::Greeting);
        }
    }

    pub(in crate::bot) fn cancel_filler(&self) {
        let mut state = self.lock();
        if let Filler::Pending(_) = state.filler {
            state.filler = Filler::Off;
        }
    }
}

/// Marks the bot as merely yielding to other tasks until this is dropped.
struct Yielding<'a>(&'a Outbox);

impl<'a> Yielding<'a> {
    fn new(outbox: &'a Outbox) -> Self {
        outbox.yielding.store(true, Ordering::Relaxed);
        Self(outbox)
    }
}

impl Drop for Yielding<'_> {
    fn drop(&mut self) {
        self.0.yielding.store(false, Ordering::Relaxed);
    }
}
