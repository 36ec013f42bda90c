//! The end of a reply, and the task of its turn.

use std::pin::pin;
use std::sync::MutexGuard;
use std::task::Waker;

use tokio::time::Instant;

use super::buffer::Outbox;
use super::draft::{Packet, Remainder};
use super::phase::{CutAnswer, Phase};
use super::state::State;
use crate::bot::error::{Dropped, ReplyError};
use crate::bot::input::Cause;
use crate::bot::store::Lease;
use crate::server::{Error, Fault};

/// What the task of a turn does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Step {
    /// Continues.
    Run,
    /// Tells the store that the turn no longer holds, and continues.
    Release,
    /// Continues until this time although the reply was cut, because the bot holds.
    HeldUntil(Instant),
    /// Ends, because the reply was cut.
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
        self.cut_state(self.lock(), cause, CutAnswer::Discard)
    }

    /// Fails the reply because the server shuts down: what was said so far must not look complete.
    /// Returns whether this call cut it.
    pub(in crate::bot) fn fail_shutdown(&self) -> bool {
        let error = Error::public("the server is shutting down").status(503);
        self.cut_state(self.lock(), Cause::CallOver, CutAnswer::Fail(Some(error)))
    }

    /// Fails the reply because its deadline has passed. Returns whether this call cut it.
    pub(in crate::bot) fn fail_deadline(&self) -> bool {
        let mut state = self.lock();
        let error = Error::from(Fault::deadline());
        // A commit continues, but a platform that has received nothing must not wait for it.
        if matches!(state.phase, Phase::Committing) {
            if state.packets.is_empty() && state.phase.fail(error) {
                drop(state);
                self.added.notify_waiters();
            }
            return false;
        }
        self.cut_state(state, Cause::Deadline, CutAnswer::Fail(Some(error)))
    }

    /// Ends a greeting at its deadline with the text so far. Returns whether this call cut it.
    pub(in crate::bot) fn end_greeting(&self) -> bool {
        let mut state = self.lock();
        if state.phase.is_open() && !state.draft.unsent().is_empty() {
            let packet = state.next_packet();
            state.packets.push(packet);
        }
        let cut = self.cut_state(state, Cause::Deadline, CutAnswer::Deliver);
        if cut {
            self.notice(Dropped::RestOfGreeting);
        }
        cut
    }

    fn cut_state(&self, mut state: MutexGuard<'_, State>, cause: Cause, answer: CutAnswer) -> bool {
        if !state.phase.cut(cause, answer) {
            return false;
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
        self.lock().phase.commit()
    }

    /// Reopens a reply whose commit failed.
    pub(in crate::bot) fn reopen(&self) {
        self.lock().phase.reopen();
    }

    /// Cuts the reply even if it is committing, because another turn owns its call.
    pub(in crate::bot) fn revoke(&self, cause: Cause) {
        let mut state = self.lock();
        state.phase.reopen();
        self.cut_state(state, cause, CutAnswer::Discard);
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

    /// Fails the turn, unless it has ended. The text so far is still sent.
    ///
    /// The platform is told that a reply is too long: that is not a secret of the bot, and the limit is
    /// a setting.
    pub(in crate::bot) fn fail(&self, error: Error) {
        let error = match error.downcast_ref::<ReplyError>() {
            Some(too_long @ ReplyError::TooLong { .. }) => Error::public(too_long.to_string()),
            _ => error,
        };
        self.flush();
        self.lock().phase.fail(error);
        self.added.notify_waiters();
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
        if state.phase.cause().is_none() {
            return if released { Step::Release } else { Step::Run };
        }
        state.holds.until(Instant::now()).map_or(Step::Stop, Step::HeldUntil)
    }

    /// Marks the end of the task. Readers of a reply without an outcome get an error.
    pub(in crate::bot) fn end_task(&self) {
        self.lock().task_ended = true;
        self.ended.notify_waiters();
        self.fail(Error::from(Fault::internal()));
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
