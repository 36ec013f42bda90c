//! The guard of a hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::buffer::Outbox;
use crate::bot::error::ReplyError;

/// The longest hold: one day, which keeps `Instant` arithmetic far from overflow.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps the turn running until it is dropped; see [`Call::hold`](crate::bot::Call::hold).
///
/// Bots never see this guard. They pass the work to `hold`, so they can't drop the guard too early, as
/// `let _ = …` would.
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub(in crate::bot) struct Hold(Arc<Outbox>);

impl Hold {
    /// Holds the turn for at most `time`. Also returns the time for the store, which is longer if a hold
    /// around this one lasts longer.
    ///
    /// # Errors
    /// Returns [`ReplyError::Over`] if the reply was cut.
    pub(in crate::bot) fn new(
        outbox: &Arc<Outbox>,
        time: Duration,
    ) -> Result<(Self, Duration), ReplyError> {
        let mut state = outbox.lock();
        state.check_not_cut()?;
        let now = Instant::now();
        let until = state.holds.add(now, now + time.min(LONGEST_HOLD));
        drop(state);
        Ok((Self(outbox.clone()), until - now))
    }
}

// A drop can't wait for the store. So it notes the release in the outbox and wakes the turn's task,
// and `drive` tells the store before it polls the bot again. The bot may take the next hold right
// after this drop. If the store learned of the release later than that, it would end the new hold
// while the bot believes that it holds. If the task has been dropped, nothing tells the store:
// whatever closes the lease releases the hold, too.
impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let waker = if state.holds.remove() { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
