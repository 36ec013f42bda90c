//! The body of an event stream. The body itself drives the handler, so dropping the body drops the
//! handler. With a deadline, it drives a task that runs the handler, and aborts that task.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep_until};
use tracing::Instrument;

use super::frame_queue::FrameQueue;

/// Runs a turn and yields its packets. When the connection closes, hyper drops this, and with it
/// the handler: no task is left that would have to be notified.
pub(super) struct Events<F> {
    turn: Option<Pin<Box<F>>>,
    queue: FrameQueue,
    heartbeat: Option<Interval>,
    /// Waits for the time at which held events are due.
    held: Option<Pin<Box<Sleep>>>,
}

/// A turn in its own task, which is aborted when this is dropped. hyper does not poll a body while
/// the peer does not read, so a turn with a deadline must not depend on that poll to notice the
/// deadline.
pub(super) struct SpawnedTurn(JoinHandle<()>);

impl SpawnedTurn {
    pub(super) fn new(turn: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(turn.in_current_span()))
    }
}

impl Future for SpawnedTurn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Panics of the handler are caught inside the task.
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Drop for SpawnedTurn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<F: Future<Output = ()>> Events<F> {
    pub(super) fn new(turn: F, queue: FrameQueue, heartbeat: Option<Duration>) -> Self {
        let heartbeat = heartbeat.map(|every| {
            let mut ticks = interval_at(Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self { turn: Some(Box::pin(turn)), queue, heartbeat, held: None }
    }

    fn packet(&mut self, cx: &Context<'_>) -> Option<Bytes> {
        let packet = self.queue.take(cx)?;
        self.reset_heartbeat();
        Some(packet)
    }

    /// Returns the packet of held events when they are due.
    fn held_packet(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        let until = self.queue.held_until()?;
        let sleep = self.held.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        if sleep.as_mut().poll(cx).is_pending() {
            return None;
        }
        let packet = self.queue.flush()?;
        self.reset_heartbeat();
        Some(packet)
    }

    fn reset_heartbeat(&mut self) {
        if let Some(ticks) = &mut self.heartbeat {
            ticks.reset();
        }
    }
}

impl<F: Future<Output = ()>> Stream for Events<F> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(turn) = &mut self.turn else { return Poll::Ready(None) };
        if turn.as_mut().poll(cx).is_ready() {
            // The turn left its last packet in the queue, or had ended the stream before.
            self.turn = None;
            return Poll::Ready(self.packet(cx).map(Ok));
        }
        if let Some(packet) = self.packet(cx) {
            return Poll::Ready(Some(Ok(packet)));
        }
        if let Some(packet) = self.held_packet(cx) {
            return Poll::Ready(Some(Ok(packet)));
        }
        if !self.queue.is_over()
            && let Some(ticks) = &mut self.heartbeat
            && ticks.poll_tick(cx).is_ready()
        {
            return Poll::Ready(Some(Ok(Bytes::from_static(crate::sse::HEARTBEAT))));
        }
        Poll::Pending
    }
}
