//! The platform's side of a reply.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::buffer::Outbox;
use super::draft::Packet;
use crate::bot::input::Cause;
use crate::server::Error;

/// Reads a reply for a request of the platform. Dropping the last reader before the end cuts the
/// reply.
#[derive(Debug)]
pub(in crate::bot) struct Reader {
    outbox: Arc<Outbox>,
    /// How many packets this reader has taken.
    at: usize,
}

impl Reader {
    /// Returns a reader that starts at the first packet, or `None` if the reply was cut. A repeated
    /// request can't share its answer then.
    pub(in crate::bot) fn new(outbox: &Arc<Outbox>) -> Option<Self> {
        let mut state = outbox.lock();
        if state.phase.cause().is_some() {
            return None;
        }
        state.readers += 1;
        state.marks.requests += 1;
        drop(state);
        Some(Self { outbox: outbox.clone(), at: 0 })
    }

    /// Returns the next packet, or `None` at the end.
    pub(in crate::bot) async fn next(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            // Created before the state is read, so no notification is lost in between.
            let added = self.outbox.added.notified();
            let outcome = {
                let mut state = self.outbox.lock();
                if !state.phase.discards()
                    && let Some(packet) = state.packets.get(self.at).cloned()
                {
                    self.at += 1;
                    state.read = state.read.max(self.at);
                    drop(state);
                    self.outbox.taken.notify_waiters();
                    return Ok(Some(packet));
                }
                state.phase.outcome()
            };
            if let Some(outcome) = outcome {
                self.settle().await;
                return outcome.map(|()| None);
            }
            added.await;
        }
    }

    /// Waits until the store has the last words of the turn, if the process is frozen after the answer.
    async fn settle(&self) {
        /// A turn that holds goes on for longer, and a store may hang.
        const LONGEST: Duration = Duration::from_millis(100);
        if self.outbox.adapter.freezes {
            let _ = timeout(LONGEST, self.outbox.until_task_ended()).await;
        }
    }

    /// Returns the whole reply as one packet, for platforms that are answered at once.
    pub(in crate::bot) async fn whole(mut self) -> Result<Option<Packet>, Error> {
        let mut whole: Option<Packet> = None;
        while let Some(packet) = self.next().await? {
            whole = Some(match whole {
                None => packet,
                Some(mut whole) => {
                    whole.text.push_str(&packet.text);
                    whole.gather = packet.gather.or(whole.gather);
                    whole.native = packet.native.or(whole.native);
                    whole.closing = packet.closing.or(whole.closing);
                    whole
                }
            });
        }
        if self.outbox.cause() == Some(Cause::CallOver) {
            // An empty answer would look like a reply without text.
            let Outbox { call, turn, adapter, .. } = &*self.outbox;
            let platform = adapter.platform;
            tracing::warn!(%platform, %call, %turn, "the call ended before its turn was answered");
            return Err(Error::public("the call is over").status(503).logged());
        }
        Ok(whole)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.outbox.lock();
        state.readers = state.readers.saturating_sub(1);
        let gone = state.readers == 0 && !state.phase.is_final();
        drop(state);
        if gone {
            // A server with the same deadline drops the reader when it has passed.
            let late = self.outbox.is_overdue();
            self.outbox.cut(if late { Cause::Deadline } else { Cause::PeerGone });
        }
    }
}
