//! The end of a reply, and the task of its turn.

use std::sync::{Arc, MutexGuard};
use std::task::Waker;

use tokio::time::Instant;

use super::buffer::{Outbox, ReplyKind};
use super::draft::{Packet, Remainder};
use super::phase::{CutAnswer, Phase};
use super::state::State;
use crate::bot::budget::BudgetError;
use crate::bot::error::{Dropped, ReplyError, cause_of, failure_of};
use crate::bot::input::Cause;
use crate::bot::store::Lease;
use crate::observe::{Event, FirstBy, HoldBroken, TurnFailure};
use crate::server::watch::Part;
use crate::server::{Error, Fault};
use crate::wire::Printable;

/// What the task of a turn does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Step {
    /// Continues.
    Run,
    /// Tells the store that the turn no longer holds, and continues.
    Release,
    /// Ends, because the reply was cut and the bot does not hold.
    Stop,
}

/// Why a reply ends before its time, beside the cause of the cut.
struct Reason {
    /// For the test that watches the turn, and for the log if the platform gets an error.
    text: String,
    /// `None` if the turn did not fail.
    failure: Option<TurnFailure>,
}

/// The end of the reply. [`Phase`] has the transitions.
impl Outbox {
    pub(in crate::bot) fn cause(&self) -> Option<Cause> {
        self.lock().phase.cause()
    }

    /// Cuts the reply: its readers get nothing more, and the task of the turn ends unless it holds or
    /// is committing. Returns whether this call cut it.
    pub(in crate::bot) fn cut(&self, cause: Cause) -> bool {
        self.cut_state(self.lock(), cause, CutAnswer::Discard, None)
    }

    /// Cuts the reply because the call has ended. A turn that is committing goes on, and must not put back the
    /// call if the store no longer has it.
    pub(in crate::bot) fn end_call(&self) {
        let mut state = self.lock();
        state.call_over = true;
        self.cut_state(state, Cause::CallOver, CutAnswer::Discard, None);
    }

    /// Returns whether the call is known to have ended.
    pub(in crate::bot) fn is_call_over(&self) -> bool {
        self.lock().call_over
    }

    /// Fails the reply because the server shuts down: what was said so far must not look complete.
    /// Returns whether this call cut it.
    pub(in crate::bot) fn fail_shutdown(&self) -> bool {
        let error = shutting_down();
        let reason = Reason { text: cause_of(&error), failure: Some(TurnFailure::Shutdown) };
        self.cut_state(self.lock(), Cause::CallOver, CutAnswer::Fail(Some(error)), Some(reason))
    }

    /// Refuses a turn that would start while the server shuts down.
    pub(in crate::bot) fn refuse_shutdown(&self) {
        self.refuse(shutting_down(), TurnFailure::Shutdown);
    }

    /// Fails the reply because it missed a limit of its budget. Returns whether this call cut it.
    pub(in crate::bot) fn fail_deadline(&self, missed: BudgetError) -> bool {
        let mut state = self.lock();
        let error = Error::late(missed);
        // A commit continues, but a platform that has received nothing must not wait for it.
        if matches!(state.phase, Phase::Committing) {
            if state.packets.is_empty() {
                self.fail_state(state, error);
            }
            return false;
        }
        let failure = Some(TurnFailure::Deadline);
        let reason = Some(Reason { text: missed.to_string(), failure });
        let apology = self.apology(&error).filter(|_| state.phase.is_open());
        let Some(apology) = apology else {
            return self.cut_state(state, Cause::Deadline, CutAnswer::Fail(Some(error)), reason);
        };
        state.apologize(apology);
        let cut = self.cut_state(state, Cause::Deadline, CutAnswer::Deliver, reason);
        self.log_apology(&error);
        cut
    }

    /// Ends a greeting at its deadline with the text so far. Returns whether this call cut it.
    pub(in crate::bot) fn end_greeting(&self, missed: BudgetError) -> bool {
        let mut state = self.lock();
        if state.phase.is_open() && !state.draft.unsent().is_empty() {
            let packet = state.next_packet();
            state.push(packet, FirstBy::Bot);
        }
        let reason = Some(Reason { text: missed.to_string(), failure: None });
        let cut = self.cut_state(state, Cause::Deadline, CutAnswer::Deliver, reason);
        if cut {
            self.notice(Dropped::RestOfGreeting(missed));
        }
        cut
    }

    /// Cuts the reply.
    fn cut_state(
        &self,
        mut state: MutexGuard<'_, State>,
        cause: Cause,
        answer: CutAnswer,
        reason: Option<Reason>,
    ) -> bool {
        let answer = match answer {
            CutAnswer::Fail(error) => CutAnswer::Fail(error.map(Error::logged)),
            answer => answer,
        };
        let fails = matches!(answer, CutAnswer::Fail(_));
        if !state.cut(cause, answer, reason.as_ref().and_then(|reason| reason.failure)) {
            return false;
        }
        // Under the lock, so that the report is there before a reader sees the end.
        if let Some(Reason { text, .. }) = &reason {
            self.report(Part::Turn, text);
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(Reason { text, failure: Some(failure) }) = &reason
            && fails
        {
            self.log_failure(text, *failure);
        }
        self.added.notify_waiters();
        self.taken.notify_waiters();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Marks the turn as successful. From here on it can't be cut.
    ///
    /// A caller may barge in at the very moment when a turn ends. One of the two must win, or history
    /// and memory would contradict each other. The lock decides: the first to change the phase wins.
    /// If the cut wins, the turn may still be stored, but as one that was cut: without its last
    /// packet, and with the text that readers have taken. If the commit wins, the cut changes nothing
    /// here. A barge-in also leaves a note in the store, which cuts the history entry that this turn
    /// is writing. Nothing is sent during the commit, so it is known what was sent, whatever the store
    /// answers.
    ///
    /// # Errors
    /// Returns the cause if the reply has already been cut.
    pub(in crate::bot) fn commit(&self) -> Result<(), Cause> {
        let mut state = self.lock();
        state.phase.commit()?;
        // No text follows that could turn the start of a tag into one.
        let rest = state.tags.finish();
        state.draft.text.push_str(&rest);
        let removed = state.tags.take_removed();
        drop(state);
        if removed {
            self.notice(Dropped::ControlTag);
        }
        Ok(())
    }

    /// Reopens a reply whose commit failed.
    pub(in crate::bot) fn reopen(&self) {
        self.lock().phase.reopen();
    }

    /// Cuts the reply even if it is committing, because another turn owns its call.
    pub(in crate::bot) fn revoke(&self, cause: Cause) {
        let mut state = self.lock();
        state.phase.reopen();
        self.cut_state(state, cause, CutAnswer::Discard, None);
    }

    /// Completes the reply with its last packet, unless it has ended.
    pub(in crate::bot) fn finish(&self, remainder: Remainder) {
        let mut state = self.lock();
        if !state.complete(None) {
            return;
        }
        let packet = state.next_packet();
        let packet = state.draft.close(packet, remainder);
        state.push(packet, FirstBy::Bot);
        drop(state);
        self.added.notify_waiters();
    }

    /// Completes the reply with an answer that was given before, unless it has ended.
    pub(in crate::bot) fn repeat(&self, packet: Packet) {
        self.lock().mark_repeated();
        self.replay(packet);
    }

    /// Completes the reply with this packet alone, unless it has ended.
    pub(in crate::bot) fn replay(&self, packet: Packet) {
        let mut state = self.lock();
        if state.complete(None) {
            state.push(Packet { last: true, ..packet }, FirstBy::Bot);
        }
        drop(state);
        self.added.notify_waiters();
    }

    /// Fails the turn, unless it has ended. The platform gets the apology if there is one, otherwise
    /// the text so far and the error.
    ///
    /// The platform is told that a reply is too long: that is not a secret of the bot, and the limit is
    /// a setting.
    pub(in crate::bot) fn fail(&self, error: Error) {
        let error = match error.downcast_ref::<ReplyError>() {
            Some(too_long @ ReplyError::TooLong { .. }) => Error::public(too_long.to_string()),
            _ => error,
        };
        if self.apology(&error).is_none() {
            self.flush();
        }
        self.fail_state(self.lock(), error);
    }

    /// Fails the turn without an apology, unless it has ended, because this server can't take the call.
    pub(in crate::bot) fn refuse(&self, error: Error, failure: TurnFailure) {
        let cause = cause_of(&error);
        let mut state = self.lock();
        let failed = state.fail(error.logged(), failure);
        if failed {
            // Under the lock, so that the report is there before a reader sees the error.
            self.report(Part::Turn, &cause);
        }
        drop(state);
        if failed {
            self.log_failure(&cause, failure);
        }
        self.added.notify_waiters();
    }

    fn fail_state(&self, mut state: MutexGuard<'_, State>, error: Error) {
        if state.phase.is_final() {
            return;
        }
        // Under the lock, so that the report is there before a reader sees the end.
        self.report(Part::Turn, cause_of(&error));
        let failure = failure_of(&error);
        if let Some(apology) = self.apology(&error) {
            state.apologize(apology);
            state.complete(Some(failure));
            drop(state);
            self.log_apology(&error);
        } else {
            let text = error.to_string();
            state.fail(error.logged(), failure);
            drop(state);
            self.log_failure(&text, failure);
        }
        self.added.notify_waiters();
    }

    /// Returns the apology, if the caller hears it for this error.
    fn apology(&self, error: &Error) -> Option<&str> {
        match self.kind() {
            ReplyKind::Greeting | ReplyKind::Turn => self.adapter.apology(error),
            // The caller talks to another person, who must not hear it.
            ReplyKind::AfterTransfer => None,
        }
    }

    /// Logs the error of a turn, which the platform does not get.
    fn log_apology(&self, error: &Error) {
        let (call, turn, platform) = (self.call(), self.turn(), self.adapter.platform);
        let error = error.to_string();
        let error = Printable::whole(&error);
        tracing::error!(
            %platform, %call, %turn,
            "a turn failed, so the caller hears the apology: {error}"
        );
    }

    /// Logs why a turn failed. The server that sends the failure knows neither call nor turn, so it does not
    /// log it again.
    fn log_failure(&self, error: &str, failure: TurnFailure) {
        let (call, turn, platform) = (self.call(), self.turn(), self.adapter.platform);
        let error = Printable::whole(error);
        match failure {
            // A bot may do so for any caller, who must not flood the log of errors.
            TurnFailure::Rejected => {
                tracing::warn!(%platform, %call, %turn, "the bot rejected a turn: {error}");
            }
            _ => tracing::error!(%platform, %call, %turn, "a turn failed: {error}"),
        }
    }
}

/// Returns the answer to a turn during a shutdown.
fn shutting_down() -> Error {
    Error::public("the server is shutting down").status(503)
}

/// The task of the turn.
impl Outbox {
    pub(in crate::bot) fn set_lease(&self, lease: Option<Arc<Lease>>) {
        self.lock().lease = lease;
    }

    /// Marks that the call has begun in this turn, which the store does not know yet.
    pub(in crate::bot) fn set_begun(&self) {
        self.lock().begun = true;
    }

    pub(in crate::bot) fn has_begun(&self) -> bool {
        self.lock().begun
    }

    pub(in crate::bot) fn lease(&self) -> Option<Arc<Lease>> {
        self.lock().lease.clone()
    }

    /// Registers the waker of the turn's task, and returns what the task does next.
    pub(in crate::bot) fn next_step(&self, waker: &Waker) -> Step {
        let mut state = self.lock();
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        let released = state.holds.take_release();
        match state.phase.cause() {
            None if released => Step::Release,
            Some(_) if state.holds.until().is_none() => Step::Stop,
            _ => Step::Run,
        }
    }

    /// Returns until when the turn holds, if it does.
    pub(in crate::bot) fn holds_until(&self) -> Option<Instant> {
        self.lock().holds.until()
    }

    /// Ends a hold whose time is up. If the reply was not cut, the work goes on without protection, which
    /// is reported.
    pub(in crate::bot) fn expire_hold(&self) {
        let mut state = self.lock();
        if state.holds.expire(Instant::now()) && state.phase.cause().is_none() {
            self.report_hold(state, Dropped::Hold);
        }
    }

    /// Reports that the work of a hold is dropped before it is complete, if there is any.
    pub(in crate::bot) fn report_held_work(&self) {
        let state = self.lock();
        if state.holds.is_held() {
            self.report_hold(state, Dropped::HeldWork);
        }
    }

    fn report_hold(&self, state: MutexGuard<'_, State>, what: Dropped) {
        let longer_than = state.holds.outlived();
        // A notice runs code of the bot.
        drop(state);
        let (call, turn, platform) = (self.call(), self.turn(), self.adapter.platform);
        let outcome = match what {
            Dropped::HeldWork => "its work was dropped before it was complete",
            _ => "its work goes on, but the next barge-in or turn of the caller drops it",
        };
        match longer_than {
            Some(time) => {
                tracing::error!(%platform, %call, %turn, "a hold was longer than {time:?}: {outcome}");
            }
            None => tracing::error!(%platform, %call, %turn, "a hold did not end: {outcome}"),
        }
        let dropped = what == Dropped::HeldWork;
        let broken = HoldBroken { platform, call, turn, after: longer_than, dropped };
        self.adapter.observers.emit(&Event::HoldBroken(&broken));
        self.notice(what);
    }

    /// Marks the end of the task. Readers of a reply without an outcome get an error.
    pub(in crate::bot) fn end_task(&self) {
        self.flush();
        let mut state = self.lock();
        state.task_ended = true;
        if !state.phase.is_final() {
            state.fail(Error::from(Fault::internal()).logged(), TurnFailure::Internal);
        }
        drop(state);
        self.ended.notify_waiters();
        self.added.notify_waiters();
    }

    /// Waits until the task has ended.
    pub(in crate::bot) async fn until_task_ended(&self) {
        loop {
            // Created before the state is read, so no notification is lost in between.
            let ended = self.ended.notified();
            if self.lock().task_ended {
                return;
            }
            ended.await;
        }
    }
}
