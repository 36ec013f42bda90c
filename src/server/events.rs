//! The body of an event stream: it drives the handler itself, so it ends the handler by its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

/// Runs a turn and yields its packets. Dropped with the connection, it drops the handler at once:
/// there is no task that would have to be told.
pub(super) struct Events<F> {
    turn: Option<Pin<Box<F>>>,
    packets: mpsc::Receiver<Bytes>,
    heartbeat: Option<Interval>,
    /// Whether the last packet has been sent: nothing may follow it, no comment either.
    over: Arc<AtomicBool>,
}

impl<F: Future<Output = ()>> Events<F> {
    pub(super) fn new(
        turn: F,
        packets: mpsc::Receiver<Bytes>,
        heartbeat: Option<Duration>,
        over: Arc<AtomicBool>,
    ) -> Self {
        let heartbeat = heartbeat.map(|every| {
            let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self { turn: Some(Box::pin(turn)), packets, heartbeat, over }
    }

    fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let packet = self.packets.poll_recv(cx);
        if packet.is_ready()
            && let Some(ticks) = &mut self.heartbeat
        {
            ticks.reset();
        }
        packet
    }
}

impl<F: Future<Output = ()>> Stream for Events<F> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(packet) = self.poll_packet(cx) {
            return Poll::Ready(packet.map(Ok));
        }
        if let Some(turn) = &mut self.turn
            && turn.as_mut().poll(cx).is_ready()
        {
            // Its end of the line goes with it, and the packets end behind the last one.
            self.turn = None;
        }
        // The handler may have sent something just now.
        if let Poll::Ready(packet) = self.poll_packet(cx) {
            return Poll::Ready(packet.map(Ok));
        }
        if !self.over.load(Ordering::Relaxed)
            && let Some(ticks) = &mut self.heartbeat
            && ticks.poll_tick(cx).is_ready()
        {
            return Poll::Ready(Some(Ok(Bytes::from_static(crate::sse::HEARTBEAT))));
        }
        Poll::Pending
    }
}
