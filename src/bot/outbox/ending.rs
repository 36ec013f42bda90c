//! The end of a reply, and the task of its turn.

use std::pin::pin;
use std::sync::MutexGuard;
use std::task::Waker;

use tokio::time::Instant;

use super::buffer::{Outbox, ReplyKind};
use super::draft::{Packet, Remainder};
use super::phase::{CutAnswer, Phase};
use super::state::State;
use crate::bot::budget::BudgetError;
use crate::bot::error::{Dropped, ReplyError, cause_of};
use crate::bot::input::Cause;
use crate::bot::store::Lease;
use crate::server::watch::Part;
use crate::server::{Error, Fault};

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

    /// Fails the reply because the server shuts down: what was said so far must not look complete.
    /// Returns whether this call cut it.
    pub(in crate::bot) fn fail_shutdown(&self) -> bool {
        let error = Error::public("the server is shutting down").status(503);
        let failure = cause_of(&error);
        self.cut_state(self.lock(), Cause::CallOver, CutAnswer::Fail(Some(error)), Some(failure))
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
        let failure = Some(missed.to_string());
        let apology = self.apology(&error).filter(|_| state.phase.is_open());
        let Some(apology) = apology else {
            return self.cut_state(state, Cause::Deadline, CutAnswer::Fail(Some(error)), failure);
        };
        state.apologize(apology);
        let cut = self.cut_state(state, Cause::Deadline, CutAnswer::Deliver, failure);
        self.log_apology(&error);
        cut
    }

    /// Ends a greeting at its deadline with the text so far. Returns whether this call cut it.
    pub(in crate::bot) fn end_greeting(&self, missed: BudgetError) -> bool {
        let mut state = self.lock();
        if state.phase.is_open() && !state.draft.unsent().is_empty() {
            let packet = state.next_packet();
            state.packets.push(packet);
        }
        let cut =
            self.cut_state(state, Cause::Deadline, CutAnswer::Deliver, Some(missed.to_string()));
        if cut {
            self.notice(Dropped::RestOfGreeting(missed));
        }
        cut
    }

    /// Cuts the reply. `failure` goes to the test that watches the turn.
    fn cut_state(
        &self,
        mut state: MutexGuard<'_, State>,
        cause: Cause,
        answer: CutAnswer,
        failure: Option<String>,
    ) -> bool {
        if !state.phase.cut(cause, answer) {
            return false;
        }
        // Under the lock, so that the report is there before a reader sees the end.
        if let Some(failure) = failure {
            self.report(Part::Turn, failure);
        }
        let waker = state.waker.take();
        drop(state);
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
        if !state.phase.complete() {
            return;
        }
        let packet = state.next_packet();
        let packet = state.draft.close(packet, remainder);
        state.packets.push(packet);
        drop(state);
        self.added.notify_waiters();
    }

    /// Completes the reply with an answer that was given before, unless it has ended.
    pub(in crate::bot) fn replay(&self, packet: Packet) {
        let mut state = self.lock();
        if state.phase.complete() {
            state.packets.push(Packet { last: true, ..packet });
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
    pub(in crate::bot) fn refuse(&self, error: Error) {
        let cause = cause_of(&error);
        let mut state = self.lock();
        if state.phase.fail(error) {
            // Under the lock, so that the report is there before a reader sees the error.
            self.report(Part::Turn, cause);
        }
        drop(state);
        self.added.notify_waiters();
    }

    fn fail_state(&self, mut state: MutexGuard<'_, State>, error: Error) {
        if state.phase.is_final() {
            return;
        }
        // Under the lock, so that the report is there before a reader sees the end.
        self.report(Part::Turn, cause_of(&error));
        if let Some(apology) = self.apology(&error) {
            state.apologize(apology);
            state.phase.complete();
            drop(state);
            self.log_apology(&error);
        } else {
            state.phase.fail(error);
            drop(state);
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
        tracing::error!(%call, %turn, %platform, "a turn failed, so the caller hears the apology: {error}");
    }
}

/// The task of the turn.
impl Outbox {
    pub(in crate::bot) fn set_lease(&self, lease: Option<Lease>) {
        self.lock().lease = lease;
    }

    pub(in crate::bot) fn lease(&self) -> Option<Lease> {
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
                tracing::error!(%call, %turn, %platform, "a hold was longer than {time:?}: {outcome}");
            }
            None => tracing::error!(%call, %turn, %platform, "a hold did not end: {outcome}"),
        }
        self.notice(what);
    }

    /// Marks the end of the task. Readers of a reply without an outcome get an error.
    pub(in crate::bot) fn end_task(&self) {
        self.flush();
        let mut state = self.lock();
        state.task_ended = true;
        state.phase.fail(Error::from(Fault::internal()));
        drop(state);
        self.ended.notify_waiters();
        self.added.notify_waiters();
    }

    /// Waits until the task has ended.
    pub(in crate::bot) async fn until_task_ended(&self) {
        loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.lock().task_ended {
                return;
            }
            ended.await;
        }
    }
}
