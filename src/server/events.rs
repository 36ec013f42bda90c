//! The body of an event stream. The body itself drives the handler, so dropping the body drops the
//! handler. With a deadline, it drives a task that runs the handler, and aborts that task.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tracing::{Instrument, Span};

use super::frame_queue::FrameQueue;

/// Runs a turn and yields its packets. When the connection closes, hyper drops this, and with it
/// the handler: no task is left that would have to be notified.
pub(super) struct Events<F> {
    turn: Option<Pin<Box<F>>>,
    queue: FrameQueue,
    heartbeat: Option<Interval>,
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
        Self { turn: Some(Box::pin(turn)), queue, heartbeat }
    }

    fn packet(&mut self, cx: &Context<'_>) -> Option<Bytes> {
        let packet = self.queue.take(cx)?;
        if let Some(ticks) = &mut self.heartbeat {
            ticks.reset();
        }
        Some(packet)
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
        if !self.queue.is_over()
            && let Some(ticks) = &mut self.heartbeat
            && ticks.poll_tick(cx).is_ready()
        {
            return Poll::Ready(Some(Ok(Bytes::from_static(crate::sse::HEARTBEAT))));
        }
        Poll::Pending
    }
}

/// A body in the span of its request, which it keeps open until its end.
pub(super) struct InSpan<S> {
    body: S,
    span: Span,
    ended: bool,
}

impl<S> InSpan<S> {
    pub(super) fn new(body: S, span: Span) -> Self {
        Self { body, span, ended: false }
    }
}

impl<S: Stream + Unpin> Stream for InSpan<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { body, span, ended } = self.get_mut();
        let _inside = span.enter();
        let polled = Pin::new(body).poll_next(cx);
        *ended = matches!(polled, Poll::Ready(None));
        polled
    }
}

impl<S> Drop for InSpan<S> {
    fn drop(&mut self) {
        if !self.ended {
            self.span.record("error.type", "peer_gone");
        }
    }
}
