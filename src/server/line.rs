//! From a handler to the body of its answer: room for one packet, within one task.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use serde::Serialize;

/// A packet as one event of the stream.
#[derive(Clone)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// A packet of JSON. It is written straight into the event: JSON has no line ends of its own.
    #[must_use]
    pub fn json(packet: &impl Serialize) -> Self {
        Self::write(b"data:", packet)
    }

    /// The same, with a space behind the colon: readers have to take both, and some platforms show
    /// only this one.
    #[must_use]
    pub fn spaced_json(packet: &impl Serialize) -> Self {
        Self::write(b"data: ", packet)
    }

    fn write(field: &[u8], packet: &impl Serialize) -> Self {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(field);
        if serde_json::to_writer(&mut out, packet).is_err() {
            // Only what is no JSON at all gets here, such as a map whose keys are no texts.
            out.truncate(field.len());
            out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"\n\n");
        Self(out)
    }

    /// The event as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

// What it holds may be private.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.0.len())
    }
}

/// Where a reply puts its packets, and the body takes them. The next one is made when this one is
/// being written.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    packet: Option<Frame>,
    /// Who waits for room. Only the handler's task sends, but it may have wakers of its own within.
    waiting: Option<Waker>,
    /// Who waits for a packet.
    reading: Option<Waker>,
    /// The last packet has been put in: nothing may follow it, no comment either.
    over: bool,
}

impl Line {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room. Now and then it lets other tasks run, room or not: a handler that only ever
    /// sends must not keep them, nor its own end, waiting.
    pub(super) async fn room(&self) {
        tokio::task::coop::consume_budget().await;
        poll_fn(|cx| self.poll_room(cx)).await;
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.slot();
        if slot.packet.is_none() {
            return Poll::Ready(());
        }
        slot.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Puts a packet in.
    pub(super) fn put(&self, packet: Frame, last: bool) {
        let mut slot = self.slot();
        slot.packet = Some(packet);
        slot.over = last;
        if let Some(reading) = slot.reading.take() {
            reading.wake();
        }
    }

    /// Takes the packet that is there, or is woken when there is one.
    pub(super) fn take(&self, cx: &Context<'_>) -> Option<Bytes> {
        let mut slot = self.slot();
        let Some(packet) = slot.packet.take() else {
            if !slot.reading.as_ref().is_some_and(|reading| reading.will_wake(cx.waker())) {
                slot.reading = Some(cx.waker().clone());
            }
            return None;
        };
        if let Some(waiting) = slot.waiting.take() {
            waiting.wake();
        }
        Some(packet.0.into())
    }

    pub(super) fn is_over(&self) -> bool {
        self.slot().over
    }
}
