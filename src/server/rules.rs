//! The rules of a platform that no schema can express.

use std::time::Duration;

use http::request::Parts;
use serde::Serialize;
use tokio::time::Instant;

use super::{Fault, FaultKind, Frame, SendError};
use crate::clock::SharedClock;
use crate::wire::{Operation, Validate};

/// The maximum length of the id of a call or a turn, in bytes. The platforms' ids have 36 or 64
/// characters, and servers keep them in memory.
// Depending on its features, no platform may use it, nor the two functions below.
#[allow(dead_code)]
pub(crate) const MAX_ID_BYTES: usize = 256;

/// Refuses an input with an id that is longer than [`MAX_ID_BYTES`]. `ids` are JSON pointers and ids.
#[allow(dead_code)]
pub(crate) fn check_ids<const N: usize>(ids: [(&str, &str); N]) -> Result<(), Fault> {
    match ids.iter().find(|(_, id)| id.len() > MAX_ID_BYTES) {
        Some((pointer, _)) => {
            let message = format!("{pointer}: longer than {MAX_ID_BYTES} bytes");
            Err(Fault::new(FaultKind::Request, message))
        }
        None => Ok(()),
    }
}

/// Returns an id unless it is too long to be repeated in an answer, or in every packet of one.
#[allow(dead_code)]
pub(crate) fn short_id(id: Option<String>) -> Option<String> {
    id.filter(|id| id.len() <= MAX_ID_BYTES)
}

/// The rules of a platform: which fields a response echoes and how a failure looks. They also
/// contain the platform's settings.
pub trait Rules: Send + Sync + 'static {
    /// The fields of a request that its response echoes.
    type Echo: Clone + Default + Send + 'static;

    /// The default deadline of a handler, counted from the arrival of the request; `None` for no
    /// deadline. [`Server::deadline`](super::Server::deadline) changes it.
    const DEADLINE: Option<Duration> = None;

    /// The headers of a response to a refused or failed request outside a stream, besides its type.
    const REFUSAL_HEADERS: &'static [(&'static str, &'static str)] = &[];

    /// Returns the name of the platform of an operation, for logs and events.
    fn platform(operation: &Operation) -> &'static str;

    /// Returns the bases below which an operation is served. An empty one is the root.
    ///
    /// Default: those of its spec, or the root if that names none.
    fn bases<'a>(&'a self, operation: &'a Operation) -> Vec<&'a str> {
        match operation.bases {
            [] => vec![""],
            bases => bases.to_vec(),
        }
    }

    /// Returns further paths of an operation, which are below no base. Default: none.
    fn also_at(&self, _operation: &Operation) -> &[String] {
        &[]
    }

    /// Called when the routes of a server are made, to warn about its settings.
    fn mounted(&self) {}

    /// Decides from the head of a request whether to serve it.
    ///
    /// # Errors
    /// The reason for refusing it.
    fn admit(&self, _head: &mut Parts) -> Result<(), Fault> {
        Ok(())
    }

    /// Reads the fields to echo from a body that is an invalid request, or not JSON at all.
    fn salvage(&self, body: &[u8]) -> Self::Echo;

    /// Returns the response to a refused or failed request outside a stream: HTTP status and JSON.
    fn refuse(
        &self,
        operation: &Operation,
        echo: Self::Echo,
        fault: &Fault,
    ) -> (http::StatusCode, String);
}

/// Rules that know which fields of an input to echo.
pub trait Reads<I>: Rules {
    /// Returns the fields of `input` that its response echoes.
    fn echo(&self, input: &I) -> Self::Echo;

    /// Checks an input before its handler runs.
    ///
    /// # Errors
    /// The reason for refusing it.
    fn check(&self, _input: &I) -> Result<(), Fault> {
        Ok(())
    }
}

/// Rules that wrap the output of a handler in the platform's envelope.
pub trait Answers<O>: Rules {
    /// The envelope.
    type Answer: Serialize + Validate + Send;

    /// Returns the response to a successful request.
    fn answer(&self, echo: &Self::Echo, output: O) -> Self::Answer;
}

/// The rules of a platform whose responses contain times, so that its server has a clock.
pub trait Dates: Rules {}

/// The rules of a platform that expects event streams.
pub trait Speaks: Rules {
    /// Writes the packets of one reply.
    type Writer: WritePackets;

    /// Whether a request that is refused before its handler runs gets a stream as its response,
    /// too, or a single JSON response.
    const REFUSES_IN_STREAM: bool = true;

    /// Whether a handler that fails before its first packet gets a single JSON response, too. The
    /// head of a stream is then sent with its first packet, not before.
    const FAILS_WITH_STATUS: bool = false;

    /// Starts a reply.
    fn writer(&self, echo: Self::Echo, clock: &SharedClock) -> Self::Writer;
}

/// Whether a packet ends its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// More packets may follow.
    Next,
    /// The last packet, which ends the stream.
    Last,
}

/// What a writer makes of an event.
#[derive(Debug)]
pub enum Delivery {
    /// A packet, which is sent immediately. It includes the events that were held before.
    Packet(Frame),
    /// Nothing yet: the event is part of a later packet. Unless the handler causes that packet before, it is
    /// [flushed](WritePackets::flush) at this time.
    Held(Instant),
}

impl From<Frame> for Delivery {
    fn from(frame: Frame) -> Self {
        Self::Packet(frame)
    }
}

/// Writes the packets of one reply: turns the events of the handler into packets and enforces the
/// platform's rules about their order.
pub trait WritePackets: Send + 'static {
    /// The event that a handler sends.
    type Event: Send + 'static;

    /// Writes an event. One of [`PacketKind::Last`] is a packet that ends the stream.
    ///
    /// # Errors
    /// If the event breaks a rule. The writer is then unchanged.
    fn packet(&mut self, event: Self::Event, kind: PacketKind) -> Result<Delivery, SendError>;

    /// Returns the packet of the events that are [held](Delivery::Held), if there are any.
    fn flush(&mut self) -> Option<Frame> {
        None
    }

    /// Takes an event for an answer that is not a stream, as [`packet`](Self::packet) does for one that
    /// is. [`FoldPackets::answer`] then has all events.
    ///
    /// # Errors
    /// If the event breaks a rule. The writer is then unchanged.
    fn fold(&mut self, event: Self::Event, kind: PacketKind) -> Result<(), SendError> {
        self.packet(event, kind).map(drop)
    }

    /// Returns the packet that ends the stream; `None` if the stream has ended already.
    fn end(&mut self) -> Option<Frame>;

    /// Returns the packet that ends the stream with a failure; `None` if the stream has ended
    /// already. Events that are held have been flushed before.
    fn fail(&mut self, fault: &Fault) -> Option<Frame>;
}

/// Writes a reply as one answer, too, for a platform whose requests say which of the two they want.
pub trait FoldPackets: WritePackets {
    /// The answer.
    type Answer: Serialize + Validate + Send;

    /// Returns the answer with all events that [`fold`](WritePackets::fold) took. Called once, at the end.
    fn answer(&mut self) -> Self::Answer;
}
