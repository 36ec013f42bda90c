//! A turn and its task, from opening the call's record to the end of the reply.

use std::any::Any;
use std::num::NonZeroU64;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::drive::drive;
use super::failure::{Stop, hook_failed, panicked};
use super::info::StoredInfo;
use super::note::Sent;
use super::record::CallRecord;
use super::report::TurnReport;
use super::session::{BeginAs, Session};
use super::shared::{Shared, TurnGuard};
use super::state::{Controls, State};
use super::trigger::{PlatformHistory, Trigger};
use crate::bot::call::CallInfo;
use crate::bot::handler::Bot;
use crate::bot::history::Entry;
use crate::bot::input::{Cause, Ended, Input};
use crate::bot::limits::Limits;
use crate::bot::outbox::{Outbox, Packet};
use crate::bot::store::{CallState, Change, FreshState, Opened, Opening, Record, StoreError, Then};
use crate::observe::TurnFailure;

/// A running turn.
pub(super) struct Turn<B: Bot> {
    pub shared: Arc<Shared<B>>,
    pub outbox: Arc<Outbox>,
    pub trigger: Trigger,
    pub history: Option<Box<dyn PlatformHistory>>,
}

/// Whether there are cuts that the bot has not been notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cuts {
    None,
    Left,
}

impl<B: Bot> Turn<B> {
    /// Runs the turn to its end, in this span.
    pub(super) async fn run(self, info: Arc<CallInfo>, span: Span) {
        let Self { shared, outbox, .. } = &self;
        let cuts = self.run_in(info, span.clone()).instrument(span).await;
        // If the next turn cut this one, that turn reports it.
        let cause = outbox.cause();
        let cut = matches!(cause, Some(Cause::BargeIn | Cause::PeerGone | Cause::Deadline));
        if cut || cuts == Cuts::Left {
            // Boxed, so that the task of a turn without cuts has no room for it.
            Box::pin(shared.report_cuts(outbox.call().clone())).await;
        }
    }

    async fn run_in(&self, info: Arc<CallInfo>, span: Span) -> Cuts {
        let Self { shared, outbox, trigger, .. } = self;
        let mut report = TurnReport::start(shared, outbox, trigger, span);
        // If this task is dropped or panics, no request waits for it any longer.
        let running = TurnGuard { shared, outbox };
        let ended = {
            // Pinned here, and passed on as a pointer: `drive` would hold a second copy.
            let work = pin!(AssertUnwindSafe(self.work(info)).catch_unwind());
            drive(shared.store(), outbox, work).await
        };
        report.stop();
        let panicked = |panic: Box<dyn Any + Send>| Err(panicked(outbox, &*panic).into());
        let ended = ended.map(|ended| ended.unwrap_or_else(panicked));
        let mut cuts = Cuts::None;
        match ended {
            Some(Ok(left)) => cuts = left,
            Some(Err(Stop::Cut)) => {}
            Some(Err(Stop::Overtaken)) => {
                outbox.revoke(Cause::NewTurn);
                self.give_back().await;
            }
            Some(Err(Stop::Refused(error))) => {
                outbox.refuse(error, TurnFailure::Full);
                self.give_back().await;
            }
            Some(Err(Stop::Failed(error))) => {
                // The platform is waiting, so it is answered before the store is written.
                outbox.fail(error);
                self.give_back().await;
            }
            None => self.give_back().await,
        }
        drop(running);
        cuts
    }

    /// Stores what was said in a turn that did not succeed, and releases the call.
    async fn give_back(&self) {
        let Self { shared, outbox, trigger, .. } = self;
        let lease = outbox.lease();
        let cause = outbox.cause();
        if !outbox.knows_secret() {
            // This turn never read the record, or could not. What it cannot know may be a secret.
            let input = trigger.input().filter(Input::has_content);
            let hidden = match &input {
                Some(_) => shared.is_secret(outbox.call(), Some(outbox.turn())).await,
                None => false,
            };
            outbox.set_secret(input.as_ref().filter(|_| hidden));
        }
        let input = shared.trim_input(trigger.input());
        let entry = match cause {
            Some(_) => outbox.sent_entry(input),
            None => outbox.failed_entry(input),
        };
        let epoch = lease.as_ref().map_or(0, |lease| lease.epoch);
        let sent = Sent {
            // A greeting that was late has been said all the same.
            begun: outbox.has_begun()
                || matches!(trigger, Trigger::Begin)
                    && cause == Some(Cause::Deadline)
                    && !entry.said.is_empty(),
            entry: Entry { epoch, ..entry },
            // A turn that never owned the call said nothing that could be cut.
            cause: cause.filter(|_| lease.is_some()),
            speech: outbox.sent_speech(),
            secret: outbox.expects_secret(),
        };
        let then = match cause {
            // A platform that got no answer may ask again.
            None | Some(Cause::PeerGone | Cause::Deadline) => Then::CloseUnanswered,
            Some(_) => Then::Close,
        };
        // If the store no longer has the call, nothing is left to tell.
        match shared.store().leave(outbox.call(), lease, sent.into_note(), then).await {
            Ok(_) | Err(StoreError::Fenced | StoreError::Gone) => {}
            Err(error) => {
                hook_failed(outbox, "could not store a turn that did not succeed", &error.into());
            }
        }
    }

    async fn work(&self, info: Arc<CallInfo>) -> Result<Cuts, Stop> {
        let Self { trigger, history, .. } = self;
        let mut session = match self.open(&info).await? {
            Some(session) => session,
            None => return Ok(Cuts::None),
        };
        if matches!(trigger, Trigger::Begin) && session.has_begun() {
            // A call with this id never ended. The new one gets a record of its own.
            drop(session);
            self.end_former().await?;
            session = match self.open(&info).await? {
                Some(session) => session,
                None => return Ok(Cuts::None),
            };
        }
        session.hide_secret(trigger.as_input());
        session.forget_turn();
        if let Some(history) = history {
            session.compare_history(&**history);
        }
        match trigger {
            Trigger::Begin => {
                session.reset(&info);
                session.begin(BeginAs::Turn).await?;
                Ok(Cuts::None)
            }
            Trigger::Input(input) => {
                // Only the session has it now, and need not copy it.
                drop(info);
                self.serve(&mut session, input).await
            }
        }
    }

    /// Opens the call. Returns `None` if the turn has been answered before, and the answer was sent again.
    async fn open(&self, info: &Arc<CallInfo>) -> Result<Option<Session<'_, B>>, Stop> {
        let Self { shared, outbox, trigger, .. } = self;
        // The state of a new call has this number, so the turn that has created the call knows that.
        let number = NonZeroU64::MIN.saturating_add(fastrand::u64(..));
        let created = info.clone();
        let fresh = FreshState::new(move || {
            let info = StoredInfo::new(&created);
            CallState::new(State::new(created.platform, info, Some(number)))
        });
        let opening = Opening::Turn {
            turn: outbox.turn().clone(),
            told: None,
            overtake: outbox.adapter().capabilities.newest_wins,
            fresh,
        };
        let opened = shared.open(outbox.call(), opening, Some(outbox)).await?;
        let (lease, record, unsettled) = match opened.granted.take() {
            Opened::Run { lease, record, unsettled } => (Arc::new(lease), record, unsettled),
            Opened::Repeated(record) => {
                let input = trigger.input();
                let limits = &shared.setup.limits;
                outbox.repeat(repeated_answer(outbox, &record, limits, input.as_ref())?);
                return Ok(None);
            }
            Opened::Held { .. } | Opened::Busy => return Err(Stop::Overtaken),
        };
        outbox.set_lease(Some(lease.clone()));
        let record = match shared.settle(outbox, lease.epoch, unsettled, opened.waiter).await {
            // The record now contains what the earlier turns noted when they were cut.
            true => shared.store().read(outbox.call()).await?.unwrap_or(record),
            false => record,
        };
        let mut session = Session::open(shared, outbox, Some(lease), record, info.clone())?;
        if session.is_fresh(number) {
            session.set_created(info);
        }
        Ok(Some(session))
    }

    /// Ends the call that has the id of this one, which begins.
    async fn end_former(&self) -> Result<(), Stop> {
        let Self { shared, outbox, .. } = self;
        if let Some(lease) = outbox.lease() {
            outbox.set_lease(None);
            let change = Change { then: Then::CloseUnanswered, ..Change::default() };
            shared.store().write(&lease, change).await?;
        }
        if let Some(aside) = shared.set_aside(outbox.call(), Some(Ended::Unknown)).await? {
            // Before the new call has a span under the same key.
            let span = shared.spans.end(outbox.call());
            shared.spawn_finish(aside, Ended::Unknown, span);
        }
        Ok(())
    }

    async fn serve(&self, session: &mut Session<'_, B>, input: &Input) -> Result<Cuts, Stop> {
        session.prepare().await?;
        if session.has_cuts() {
            // The caller is waiting: cuts that take long to report are reported after the turn.
            let left = self.outbox.time_left();
            let until = left.and_then(|left| Instant::now().checked_add(left / 4));
            session.report_cuts(until).await?;
        }
        session.turn(input).await?;
        Ok(if session.has_cuts() { Cuts::Left } else { Cuts::None })
    }
}

/// Returns the answer to a turn that has already been answered.
fn repeated_answer(
    outbox: &Outbox,
    record: &Record,
    limits: &Limits,
    input: Option<&Input>,
) -> Result<Packet, Stop> {
    let mut packet = Packet::default();
    let (record, _) = CallRecord::read(record, limits)?;
    // A filler may have been sent while this request waited for another run of the turn.
    let first = !outbox.has_packets();
    if let Some(entry) = record.turns.get(outbox.turn()) {
        // The request has the secret that the history hides.
        let said = entry.said_to(input);
        packet.text = entry.filler.clone().filter(|_| first).unwrap_or_default() + &said;
        packet.text += entry.apology.as_deref().unwrap_or_default();
    }
    let State { answered, pending, .. } = record.state;
    if let Some(answered) = answered.filter(|answered| answered.turn == *outbox.turn()) {
        let Controls { speech, gather, closing } =
            answered.controls.map(|boxed| *boxed).unwrap_or_default();
        packet.speech = speech.filter(|_| first);
        packet.gather = gather.filter(|_| first);
        packet.to_be_continued = pending.is_some();
        packet.closing = closing.filter(|_| !packet.to_be_continued);
    }
    Ok(packet)
}
