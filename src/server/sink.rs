//! The reply of a turn, as the handler sees it.

use std::fmt;
use std::pin::pin;

use futures_util::{Stream, StreamExt};

use super::content::CONTENT;
use super::frame_queue::FrameQueue;
use super::{Error, Frame, PacketKind, WritePackets};
use crate::wire::Violations;

/// The reply of a turn. The handler borrows it for the turn. Each event is sent immediately, as one
/// packet.
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
    queue: FrameQueue,
    trace_content: bool,
}

impl<T: WritePackets> Sink<T> {
    pub(super) fn new(writer: T, queue: FrameQueue, trace_content: bool) -> Self {
        Self { writer, queue, trace_content }
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
        // Waits for room first, so that the packet contains the time at which it is sent.
        self.queue.room().await;
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
        if let Some(packet) = packet {
            self.queue.room().await;
            self.write(packet, PacketKind::Last);
        }
    }

    fn write(&self, packet: Frame, kind: PacketKind) {
        if self.trace_content {
            tracing::trace!(target: CONTENT, packet = packet.text().trim_end(), "packet");
        }
        self.queue.put(packet, kind);
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
