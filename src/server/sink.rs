//! The reply of a turn, as the handler sees it.

use std::fmt;
use std::pin::pin;

use futures_util::{Stream, StreamExt};

use super::frame_queue::FrameQueue;
use super::{Error, Frame, PacketKind, WritePackets};
use crate::wire::Violations;

/// The reply of a turn. The handler borrows it for the turn. Each event is sent immediately, as one
/// packet, or collected where the request wants one answer.
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
    writer: T,
    /// The queue to the stream; `None` for an answer that is not a stream.
    queue: Option<FrameQueue>,
    trace_content: bool,
    /// The data of the event after the last packet.
    end: Option<&'static str>,
}

impl<T: WritePackets> Sink<T> {
    pub(super) fn new(
        writer: T,
        queue: FrameQueue,
        trace_content: bool,
        end: Option<&'static str>,
    ) -> Self {
        Self { writer, queue: Some(queue), trace_content, end }
    }

    /// Creates the reply of a request that wants one answer.
    pub(super) fn folding(writer: T) -> Self {
        Self { writer, queue: None, trace_content: false, end: None }
    }

    /// Returns the writer, which has taken all events.
    pub(super) fn into_writer(self) -> T {
        self.writer
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
            return self.writer.fold(event, kind);
        };
        // Waits for room first, so that the packet contains the time at which it is sent.
        queue.room().await;
        let packet = self.writer.packet(event, kind)?;
        self.write(packet, kind);
        Ok(())
    }

    /// Ends the stream without a failure.
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
        if let (Some(packet), Some(queue)) = (packet, &self.queue) {
            queue.room().await;
            self.write(packet, PacketKind::Last);
        }
    }

    fn write(&self, mut packet: Frame, kind: PacketKind) {
        if let (PacketKind::Last, Some(end)) = (kind, self.end) {
            packet.end_with(end);
        }
        if self.trace_content && !packet.is_nothing() {
            tracing::trace!(packet = packet.text().trim_end(), "packet");
        }
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
