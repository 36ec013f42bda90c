//! The queue from a handler to the body of its response. It has room for one packet.

use std::future::poll_fn;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Fault, Frame, PacketKind};
use crate::lock::Mutex;

/// The queue between a reply, which puts packets in, and the body, which takes them out. It holds
/// one packet: the next one is prepared while this one is being written.
///
/// The bound makes a slow peer slow down the handler. hyper polls the body only when it can write.
/// Until then the packet stays, `room` is pending, and the handler waits in `send`.
///
/// Both sides run in one task when there is no deadline, and in two when there is one. Each side
/// therefore leaves its waker before it waits, and the other side wakes it. A waker is stored under
/// the same lock under which the slot was seen full or empty, so no wake-up is lost in between.
#[derive(Clone, Default)]
pub(super) struct FrameQueue(Arc<Mutex<Slot>>);

/// A writer that may hold events back.
pub(super) trait Held: Send + Sync {
    /// Returns the packet of the events that are held, if there are any.
    fn flush(&self) -> Option<Frame>;
}

#[derive(Default)]
struct Slot {
    packet: Option<Frame>,
    /// Wakes the handler, which waits for room.
    waiting: Option<Waker>,
    /// Wakes the body, which waits for a packet.
    reading: Option<Waker>,
    /// When to flush what the writer holds, if it holds something.
    held: Option<(Instant, Arc<dyn Held>)>,
    /// The last packet is in the queue: nothing may follow it, not even a comment.
    over: bool,
    /// Whether there has been a packet.
    started: bool,
    /// Why the handler failed before its first packet.
    fault: Option<Fault>,
}

impl FrameQueue {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock()
    }

    /// Waits for room. It yields to other tasks now and then even when there is room: a handler
    /// that only sends must not starve them, nor delay its own deadline.
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

    /// Puts a packet into the queue.
    pub(super) fn put(&self, packet: Frame, kind: PacketKind) {
        let mut slot = self.slot();
        slot.packet = Some(packet);
        // The packet includes what was held.
        slot.held = None;
        slot.over = kind == PacketKind::Last;
        slot.started = true;
        if let Some(reading) = slot.reading.take() {
            reading.wake();
        }
    }

    /// Makes the body flush the writer at a time, unless it does so earlier or a packet is put in before.
    pub(super) fn hold<H: Held + 'static>(&self, until: Instant, writer: impl FnOnce() -> Arc<H>) {
        let mut slot = self.slot();
        if slot.held.is_none() {
            slot.held = Some((until, writer()));
            // The body has to set its timer.
            if let Some(reading) = slot.reading.take() {
                reading.wake();
            }
        }
    }

    /// Returns when the body must [flush](Self::flush) the writer.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.slot().held.as_ref().map(|(until, _)| *until)
    }

    /// Returns the packet of what the writer holds.
    pub(super) fn flush(&self) -> Option<Bytes> {
        // A block of its own, since the writer must not be called under this lock.
        let held = {
            let mut slot = self.slot();
            let held = slot.held.take();
            slot.started |= held.is_some();
            held
        };
        let (_, writer) = held?;
        Some(writer.flush()?.into())
    }

    /// Returns the length of the packet in the queue.
    pub(super) fn packet_len(&self) -> Option<usize> {
        self.slot().packet.as_ref().map(Frame::len)
    }

    /// Takes the packet, or stores the waker to be woken when there is one.
    pub(super) fn take(&self, cx: &Context<'_>) -> Option<Bytes> {
        let mut slot = self.slot();
        let Some(packet) = slot.packet.take() else {
            if !slot.reading.as_ref().is_some_and(|reading| reading.will_wake(cx.waker())) {
                slot.reading = Some(cx.waker().clone());
            }
            return None;
        };
        // In one task with the body, the handler is polled again when the body is.
        if let Some(waiting) = slot.waiting.take()
            && !waiting.will_wake(cx.waker())
        {
            waiting.wake();
        }
        Some(packet.into())
    }

    /// Keeps why the handler failed, unless there has been a packet. Returns whether it is kept.
    pub(super) fn refuse(&self, fault: &Fault) -> bool {
        let mut slot = self.slot();
        if !slot.started {
            slot.fault = Some(fault.clone());
        }
        !slot.started
    }

    /// Returns why the handler failed before its first packet.
    pub(super) fn refusal(&self) -> Option<Fault> {
        self.slot().fault.take()
    }

    pub(super) fn is_over(&self) -> bool {
        self.slot().over
    }
}
