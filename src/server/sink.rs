//! The reply of a turn, as the handler sees it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};

use super::frame_queue::{FrameQueue, Held};
use super::{Delivery, Error, FoldPackets, Frame, PacketKind, WritePackets};
use crate::lock::Mutex;
use crate::wire::Violations;

/// The reply of a turn. The handler borrows it for the turn. Each event is sent immediately, as one
/// packet. Only where each packet repeats the text before it, long replies in tiny pieces are an exception:
/// see [`AnswerMode::Cumulative`](crate::digital_employee::AnswerMode::Cumulative). Where a request wants one
/// answer, events are collected.
///
/// The reply ends when the handler returns; the server then writes the packet that ends the stream.
///
/// ```
/// # #[cfg(feature = "digital-employee")] {
/// use callbot::digital_employee::{DialogueRequest, Reply};
/// use callbot::server::{Error, SendError};
///
/// async fn dialogue(request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
///     reply.send("One moment.").await?;
///     let balance = balance(&request).await?;
///     reply.finish(format!("Your balance is {balance} euros.")).await?;
///
///     // The reply has ended, so nothing more can be sent.
///     let error = reply.send("Bye.").await.unwrap_err();
///     assert_eq!(error.downcast_ref(), Some(&SendError::Finished));
///     Ok(())
/// }
/// # async fn balance(_: &DialogueRequest) -> Result<u64, std::io::Error> { Ok(42) }
/// # }
/// ```
pub struct Sink<T> {
    writer: Arc<Writer<T>>,
    /// The queue to the stream; `None` for an answer that is not a stream.
    queue: Option<FrameQueue>,
    /// The data of the event after the last packet.
    end: Option<&'static str>,
}

/// The writer of a reply. The body of the response also has it, to flush what is held.
struct Writer<T> {
    packets: Mutex<T>,
    trace_content: bool,
}

impl<T> Writer<T> {
    fn trace(&self, packet: &Frame) {
        if self.trace_content && !packet.is_nothing() {
            tracing::trace!(packet = packet.text().trim_end(), "packet");
        }
    }
}

impl<T: WritePackets> Held for Writer<T> {
    fn flush(&self) -> Option<Frame> {
        let packet = self.packets.lock().flush()?;
        self.trace(&packet);
        Some(packet)
    }
}

impl<T: WritePackets> Sink<T> {
    pub(super) fn new(
        writer: T,
        queue: FrameQueue,
        trace_content: bool,
        end: Option<&'static str>,
    ) -> Self {
        let writer = Arc::new(Writer { packets: Mutex::new(writer), trace_content });
        Self { writer, queue: Some(queue), end }
    }

    /// Creates the reply of a request that wants one answer.
    pub(super) fn folding(writer: T) -> Self {
        let writer = Arc::new(Writer { packets: Mutex::new(writer), trace_content: false });
        Self { writer, queue: None, end: None }
    }

    /// Returns the answer with all events.
    pub(super) fn answer(&self) -> T::Answer
    where
        T: FoldPackets,
    {
        self.writer.packets.lock().answer()
    }

    /// Sends an event. Waits while the peer reads slowly, so that a slow peer slows the handler.
    ///
    /// # Errors
    /// A [`SendError`] if the event breaks a rule of the platform. Nothing was sent then, and the
    /// reply can go on. [`Error::downcast_ref`] returns it.
    pub async fn send(&mut self, event: impl Into<T::Event>) -> Result<(), Error> {
        Ok(self.put(event.into(), PacketKind::Next).await?)
    }

    /// Sends the last event. Its packet ends the reply, and no packet follows. The connection stays
    /// open until the handler returns, so do slow work before this call.
    ///
    /// # Errors
    /// As [`send`](Self::send). Afterwards every further event fails with [`SendError::Finished`].
    pub async fn finish(&mut self, event: impl Into<T::Event>) -> Result<(), Error> {
        Ok(self.put(event.into(), PacketKind::Last).await?)
    }

    /// Sends all events of a stream, such as the answer of a language model.
    ///
    /// # Errors
    /// The first error of the stream, or that of the first event that breaks a rule. A handler that
    /// returns it with `?` ends the turn with a failure.
    ///
    /// ```
    /// # use callbot::digital_employee::{Event, Reply};
    /// use futures_util::stream;
    ///
    /// async fn answer(reply: &mut Reply) -> Result<(), callbot::server::Error> {
    ///     let pieces = ["Your balance is ", "42 euros."];
    ///     reply.send_all(stream::iter(pieces.map(Ok::<_, std::io::Error>))).await
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
        let Some(queue) = &self.queue else {
            // As `room` does: a handler that only sends must not starve others.
            tokio::task::coop::consume_budget().await;
            return self.writer.packets.lock().fold(event, kind);
        };
        // Waits for room first, so that the packet contains the time at which it is sent.
        queue.room().await;
        let delivery = self.writer.packets.lock().packet(event, kind)?;
        match delivery {
            Delivery::Packet(packet) => self.write(packet, kind),
            Delivery::Held(until) => queue.hold(until, || self.writer.clone()),
        }
        Ok(())
    }

    /// Ends the stream without a failure.
    pub(super) async fn end(&mut self) {
        let packet = self.writer.packets.lock().end();
        self.close(packet).await;
    }

    /// Ends the stream with a failure.
    pub(super) async fn fail(&mut self, fault: &super::Fault) {
        let Some(queue) = &self.queue else { return };
        // Room first, as in `put`.
        queue.room().await;
        let held = self.writer.packets.lock().flush();
        if let Some(packet) = held {
            self.write(packet, PacketKind::Next);
        }
        let packet = self.writer.packets.lock().fail(fault);
        self.close(packet).await;
    }

    async fn close(&mut self, packet: Option<Frame>) {
        if let (Some(packet), Some(queue)) = (packet, &self.queue) {
            queue.room().await;
            self.write(packet, PacketKind::Last);
        }
    }

    fn write(&self, mut packet: Frame, kind: PacketKind) {
        if let (PacketKind::Last, Some(end)) = (kind, self.end) {
            packet.end_with(end);
        }
        self.writer.trace(&packet);
        if packet.is_nothing() && kind == PacketKind::Next {
            return;
        }
        if let Some(queue) = &self.queue {
            queue.put(packet, kind);
        }
    }
}

impl<T> fmt::Debug for Sink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

/// The error of an event that was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The event contains values that the spec does not allow.
    Invalid(Violations),
    /// The platform accepts this control in the first packet only, and that was sent already.
    TooLate(&'static str),
    /// The platform's document says that this is not supported. A setting of the server allows it.
    NotAllowed(String),
    /// The reply has ended.
    Finished,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => violations.fmt(f),
            Self::TooLate(control) => {
                write!(f, "{control} is allowed in the first packet only, which was sent already")
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
