//! Finds out whether a client that has sent its last byte still reads.
//!
//! The end of what a client sends has two meanings that can't be told apart: the client has closed the
//! connection, or only its half of it, and waits for the response. hyper can take it for either.
//! `half_close(false)` drops the request, so a client that closes its half gets no answer. `half_close(true)`
//! runs the turn to its end for nobody, since hyper then looks for the end of the connection only when it
//! writes.
//!
//! Only writing tells: a system answers bytes to a closed connection with a reset, and the next write fails.
//! So a client that has sent its last byte gets bytes that mean nothing: an interim response before the
//! response, and comments in an event stream. Then a client that is gone ends its turn within a round trip
//! and the time to the second probe, and one that has closed its half is answered.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// When the client is probed, counted from the first time. The first probe provokes the reset, the later ones
/// find it. A client that has not reset the connection by the last one reads the response.
const TIMES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(200), Duration::from_secs(1)];

/// The probes of one response.
#[derive(Debug, Default)]
pub(super) struct Probe {
    begin: Option<Instant>,
    sent: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Probe {
    /// Completes when the next probe has to be sent, which the caller then does.
    pub(super) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(after) = TIMES.get(self.sent) else { return Poll::Pending };
        let at = *self.begin.get_or_insert_with(Instant::now) + *after;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        let due = timer.as_mut().poll(context);
        if due.is_ready() {
            self.sent += 1;
        }
        due
    }
}
