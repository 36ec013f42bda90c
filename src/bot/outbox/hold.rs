//! A hold, as a bot has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::buffer::Outbox;
use crate::bot::error::ReplyError;

/// The longest hold: a day, far from where the clock ends.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps the turn going until it is dropped; see [`Call::hold`](crate::bot::Call::hold).
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub struct Hold(Option<Arc<Outbox>>);

impl Hold {
    /// Returns a guard that holds nothing, for a call that is over.
    pub(in crate::bot) fn detached() -> Self {
        Self(None)
    }

    /// Holds the turn for `time` at most.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when the reply was cut.
    pub(in crate::bot) fn new(outbox: &Arc<Outbox>, time: Duration) -> Result<Self, ReplyError> {
        let mut state = outbox.lock();
        state.check_not_cut()?;
        state.holds.add(Instant::now().checked_add(time.min(LONGEST_HOLD)));
        drop(state);
        Ok(Self(Some(outbox.clone())))
    }
}

// A drop can't wait for the store. So it leaves word of the release in the outbox and wakes the task
// of the turn, and `drive` tells the store before it polls the bot again. The bot may take the next
// hold right after this drop; were its release told later than that, it would end the new hold in the
// store while the bot believes that it holds. When the task has been dropped nobody tells the store:
// what closes the lease releases the hold, too.
impl Drop for Hold {
    fn drop(&mut self) {
        let Some(outbox) = &self.0 else { return };
        let mut state = outbox.lock();
        let waker = if state.holds.remove() { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
