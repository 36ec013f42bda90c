//! The reply of a turn, as a handler sees it.

use std::fmt;
use std::pin::pin;

use futures_util::{Stream, StreamExt};

use super::frame_queue::FrameQueue;
use super::{Error, Frame, PacketKind, WritePackets};
use crate::wire::Violations;

/// The reply of a turn. It is lent to the handler for the turn and sends each event as one packet,
/// at once.
///
/// A handler that returns has ended its reply; the packet that tells the platform so is written by
/// the server.
pub struct Sink<T> {
    writer: T,
    queue: FrameQueue,
    trace_content: bool,
}

impl<T: WritePackets> Sink<T> {
    pub(super) fn new(writer: T, queue: FrameQueue, trace_content: bool) -> Self {
        Self { writer, queue, trace_content }
    }

    /// Sends an event. Waits while the peer is slow to read, so that it slows the bot.
    ///
    /// # Errors
    /// A [`SendError`] when the event breaks a rule of the platform: nothing was sent, and the reply
    /// can go on. [`Error::downcast_ref`] gives it back.
    pub async fn send(&mut self, event: impl Into<T::Event>) -> Result<(), Error> {
        Ok(self.put(event.into(), PacketKind::Next).await?)
    }

    /// Sends the last event: its packet ends the reply, and no packet follows. The connection stays
    /// open until the handler returns, so what takes long is better done before.
    ///
    /// # Errors
    /// As [`send`](Self::send). After success every further event is [`SendError::Finished`].
    pub async fn finish(&mut self, event: impl Into<T::Event>) -> Result<(), Error> {
        Ok(self.put(event.into(), PacketKind::Last).await?)
    }

    /// Sends all events of a stream, such as the answer of a language model.
    ///
    /// # Errors
    /// The first error of the stream, or the first event that breaks a rule. A handler that gives
    /// it back with `?` ends the turn with a failure.
    ///
    /// ```
    /// # use callbot::digital_employee::{Event, Reply};
    /// use futures_util::stream;
    ///
    /// async fn answer(reply: &mut Reply) -> Result<(), callbot::server::Error> {
    ///     let words = ["Your balance is ", "42 euros."];
    ///     reply.send_all(stream::iter(words.map(Ok::<_, std::io::Error>))).await
    /// }
    /// ```
    pub async fn send_all<S, I, E>(&mut self, events: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<I, E>>,
        I: Into<T::Event>,
        E: Into<Error>,
    {
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            self.send(event.map_err(Into::into)?).await?;
        }
        Ok(())
    }

    async fn put(&mut self, event: T::Event, kind: PacketKind) -> Result<(), SendError> {
        // Wait for room first, so that a packet is dated when it leaves.
        self.queue.room().await;
        let packet = self.writer.packet(event, kind)?;
        self.write(packet, kind);
        Ok(())
    }

    /// Ends the stream well.
    pub(super) async fn end(&mut self) {
        let packet = self.writer.end();
        self.close(packet).await;
    }

    /// Ends the stream with a failure.
    pub(super) async fn fail(&mut self, fault: &super::Fault) {
        let packet = self.writer.fail(fault);
        self.close(packet).await;
    }

    async fn close(&mut self, packet: Option<Frame>) {
        if let Some(packet) = packet {
            self.queue.room().await;
            self.write(packet, PacketKind::Last);
        }
    }

    fn write(&self, packet: Frame, kind: PacketKind) {
        if self.trace_content {
            tracing::trace!(packet = packet.text().trim_end(), "packet");
        }
        self.queue.put(packet, kind);
    }
}

impl<T> fmt::Debug for Sink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

/// Why an event was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// Values are not what the spec allows.
    Invalid(Violations),
    /// The platform takes this control in the first packet only, and that has left.
    TooLate(&'static str),
    /// The platform's document says that this is not supported; a setting of the server allows it.
    NotAllowed(String),
    /// The reply has ended.
    Finished,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => violations.fmt(f),
            Self::TooLate(control) => {
                write!(f, "{control} goes into the first packet only, which has left")
            }
            Self::NotAllowed(what) => write!(f, "{what} is not supported by the platform"),
            Self::Finished => f.write_str("the reply has ended"),
        }
    }
}

impl std::error::Error for SendError {}

impl From<Violations> for SendError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}
