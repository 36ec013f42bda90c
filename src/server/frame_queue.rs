//! The queue from a handler to the body of its response. It has room for one packet.

use std::future::poll_fn;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

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
#[derive(Debug, Clone, Default)]
pub(super) struct FrameQueue(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    packet: Option<Frame>,
    /// Wakes the handler, which waits for room.
    waiting: Option<Waker>,
    /// Wakes the body, which waits for a packet.
    reading: Option<Waker>,
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
        slot.over = kind == PacketKind::Last;
        slot.started = true;
        if let Some(reading) = slot.reading.take() {
            reading.wake();
        }
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
        if let Some(waiting) = slot.waiting.take() {
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
