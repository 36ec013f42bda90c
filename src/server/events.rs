//! The body of an event stream. The body itself drives the handler, so dropping the body drops the
//! handler. With a deadline, a handler that waits runs in a task, which the body aborts.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::{Instrument, Span};

use super::frame_queue::FrameQueue;

/// Runs a turn and yields its packets. When the connection closes, hyper drops this, and with it
/// the handler: no task is left that would have to be notified.
pub(super) struct Events<F> {
    turn: Option<F>,
    queue: FrameQueue,
    heartbeat: Option<Heartbeat>,
    /// Waits for the time at which held events are due.
    held: Option<Pin<Box<Sleep>>>,
}

/// A turn with a deadline. It runs in a task of its own, which is aborted when this is dropped: hyper does not
/// poll a body while the peer does not read, so a turn with a deadline must not depend on that poll to notice
/// the deadline.
///
/// The task starts when the turn waits for something. Until then, the body drives the turn: a reply that is said
/// without waiting leaves in one write with the head, since hyper writes nothing before the body is pending. A
/// turn that waits only for room is polled again as soon as the packet has been taken. That is soon while the
/// packets are few and small: then hyper, which buffers at least eight times as much, asks for the next one.
pub(super) struct TurnWithDeadline<F> {
    /// The turn, until its task starts.
    here: Option<F>,
    task: Option<JoinHandle<()>>,
    queue: FrameQueue,
    /// How many packets the body may take before the task starts.
    left: u32,
}

/// How many packets the body takes before the turn must have a task.
const MAX_PACKETS_HERE: u32 = 8;

/// The maximum size of such a packet, in bytes.
const MAX_PACKET_HERE: usize = 1024;

impl<F: Future<Output = ()> + Send + 'static> TurnWithDeadline<F> {
    pub(super) fn new(turn: F, queue: FrameQueue) -> Self {
        Self { here: Some(turn), task: None, queue, left: MAX_PACKETS_HERE }
    }
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Future for TurnWithDeadline<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(mut turn) = self.here.take() {
            if Pin::new(&mut turn).poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let packet = self.queue.packet_len();
            if self.left > 0 && packet.is_some_and(|length| length <= MAX_PACKET_HERE) {
                self.left -= 1;
                self.here = Some(turn);
                return Poll::Pending;
            }
            // The turn is polled there in any case, so no wake-up is lost.
            self.task = Some(tokio::spawn(turn.in_current_span()));
        }
        match &mut self.task {
            // Panics of the handler are caught inside the task.
            Some(task) => Pin::new(task).poll(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for TurnWithDeadline<F> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// When the next comment is due. A timer starts, or is set anew, only when the stream waits: most packets of a
/// stream follow each other, and setting a timer for each of them takes longer than to write it.
struct Heartbeat {
    every: Duration,
    /// `None` until the stream waits: most streams never do, and need not read the clock.
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Heartbeat {
    fn new(every: Duration) -> Self {
        Self { every, due: None, timer: None }
    }

    fn reset(&mut self) {
        self.due = None;
    }

    /// Completes when the comment is due. The next one is due after the same time.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.every);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        ready!(timer.as_mut().poll(cx));
        self.reset();
        Poll::Ready(())
    }
}

impl<F: Future<Output = ()> + Unpin> Events<F> {
    pub(super) fn new(turn: F, queue: FrameQueue, heartbeat: Option<Duration>) -> Self {
        let heartbeat = heartbeat.map(Heartbeat::new);
        Self { turn: Some(turn), queue, heartbeat, held: None }
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
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.reset();
        }
    }
}

impl<F: Future<Output = ()> + Unpin> Stream for Events<F> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(turn) = &mut self.turn else { return Poll::Ready(None) };
        if Pin::new(turn).poll(cx).is_ready() {
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
            && let Some(heartbeat) = &mut self.heartbeat
            && heartbeat.poll_due(cx).is_ready()
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
    queue: FrameQueue,
    ended: bool,
}

impl<S> InSpan<S> {
    pub(super) fn new(body: S, span: Span, queue: FrameQueue) -> Self {
        Self { body, span, queue, ended: false }
    }
}

impl<S: Stream + Unpin> Stream for InSpan<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { body, span, ended, .. } = self.get_mut();
        let _inside = span.enter();
        let polled = Pin::new(body).poll_next(cx);
        *ended = matches!(polled, Poll::Ready(None));
        polled
    }
}

impl<S> Drop for InSpan<S> {
    fn drop(&mut self) {
        // A peer may leave once it has the last packet.
        if !self.ended && !self.queue.is_over() {
            self.span.record("error.type", "peer_gone");
        }
    }
}
