//! What a platform demands and no schema can say.

use std::time::Duration;

use http::request::Parts;
use serde::Serialize;

use super::{Fault, Frame, SendError};
use crate::clock::SharedClock;
use crate::wire::{Operation, Validate};

/// The rules of a platform: what is echoed, and how a failure looks. It is also where the
/// platform's settings live.
pub trait Rules: Send + Sync + 'static {
    /// The fields of a request that its response echoes.
    type Echo: Clone + Default + Send + 'static;

    /// How long a handler may take, from the arrival of the request; `None` for as long as it likes.
    /// [`Server::deadline`](super::Server::deadline) changes it.
    const DEADLINE: Option<Duration> = None;

    /// Of the bases that an operation has, the one that is served here; `None` for all of them.
    fn base(&self) -> Option<&str> {
        None
    }

    /// Whether a request may come in, by its head alone.
    ///
    /// # Errors
    /// Why it may not.
    fn admit(&self, _head: &mut Parts) -> Result<(), Fault> {
        Ok(())
    }

    /// What can still be echoed of a body that is no valid request, or no JSON at all.
    fn salvage(&self, body: &[u8]) -> Self::Echo;

    /// The answer to a request that was refused or failed, outside a stream: HTTP status and JSON.
    fn refuse(
        &self,
        operation: &Operation,
        echo: Self::Echo,
        fault: &Fault,
    ) -> (http::StatusCode, String);
}

/// Rules that know what to echo of an input.
pub trait Reads<I>: Rules {
    /// The fields of this input that its response echoes.
    fn echo(&self, input: &I) -> Self::Echo;
}

/// Rules that put what a handler gives into the platform's envelope.
pub trait Answers<O>: Rules {
    /// The envelope.
    type Answer: Serialize + Validate + Send;

    /// The answer to a request that went well.
    fn answer(&self, echo: &Self::Echo, output: O) -> Self::Answer;
}

/// Rules of a platform whose responses have times, so that its server has a clock.
pub trait Dates: Rules {}

/// Rules of a platform that is answered in streams.
pub trait Speaks: Rules {
    /// What writes the packets of one reply.
    type Writer: WritePackets;

    /// Whether a request that is refused before its handler runs is answered with a stream, too, or
    /// as one without a stream.
    const REFUSES_IN_STREAM: bool = true;

    /// Starts a reply.
    fn writer(&self, echo: Self::Echo, clock: &SharedClock) -> Self::Writer;
}

/// Whether a packet ends its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// Other packets may follow.
    Next,
    /// No packet follows: this one ends the stream.
    Last,
}

/// Writes the packets of one reply: it turns the handler's events into packets and keeps the
/// platform's rules about their order.
pub trait WritePackets: Send + 'static {
    /// What a handler yields.
    type Event: Send + 'static;

    /// Returns the packet of an event. One of [`PacketKind::Last`] ends the stream.
    ///
    /// # Errors
    /// When the event breaks a rule. The writer is then as it was before.
    fn packet(&mut self, event: Self::Event, kind: PacketKind) -> Result<Frame, SendError>;

    /// The packet that ends the stream; `None` when it has ended already.
    fn end(&mut self) -> Option<Frame>;

    /// The packet that ends the stream with a failure; `None` when it has ended already.
    fn fail(&mut self, fault: &Fault) -> Option<Frame>;
}
