//! A typed stream of events.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::Span;

use super::core::deadline;
use super::error::Kind;
use super::observed::{Attempt, Observed};
use super::{CallOptions, Deadline, Error, Outcome, Reported, Step, TransportError};
use crate::error::chain;
use crate::observe::UpstreamOutcome;
use crate::sse::Decoder;
use crate::wire::{Operation, decode, without_bom};

/// A stream of typed events: the packets as they are on the wire.
///
/// The stream ends after the packet that is the last one by the platform's rules, or at the event that
/// ends its streams ([`Operation::ends_with`]); later bytes are dropped. It yields an error if the body
/// ends earlier ([`Error::is_cut`]), if a deadline passes, if an event can't be read or is too large,
/// and if the peer reports a failure. An error ends the stream. Comments and blank events are skipped,
/// and so is a `[DONE]` that does not end the stream.
///
/// ```
/// # #[cfg(all(feature = "digital-employee", feature = "server"))] {
/// # use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply};
/// use callbot::client::InMemoryTransport;
/// use callbot::digital_employee::{Client, DialogueRequestFields, router};
/// use futures_util::StreamExt;
/// # use callbot::server::Error;
/// # struct Parrot;
/// # impl Api for Parrot {
/// #     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
/// #         reply.finish("Welcome.").await
/// #     }
/// #     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
/// #         reply.send(request.utterance).await
/// #     }
/// # }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let transport = InMemoryTransport::new(router(Parrot));
/// let client = Client::builder("http://bot").transport(transport).build()?;
/// let request = DialogueRequest::new(DialogueRequestFields {
///     request_id: "r-1",
///     tenant_id: 378210,
///     instance_id: "n1",
///     script_id: "sc-1",
///     session_id: "s-1",
///     stream_id: "t-1",
///     utterance: "Hello?",
/// });
/// let mut packets = client.dialogue(&request).await?;
/// while let Some(packet) = packets.next().await {
///     assert_eq!(packet?.http_status_code, 200);
/// }
/// # Ok::<_, callbot::client::Error>(())
/// # }).unwrap();
/// # }
/// ```
pub struct EventStream<T> {
    operation: &'static Operation,
    status: StatusCode,
    headers: HeaderMap,
    body: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    chunk: Bytes,
    decoder: Decoder,
    gap: Duration,
    alarm: Pin<Box<Sleep>>,
    /// Whether the next event has been polled for: the gap counts from the first such poll.
    asked: bool,
    limit: (Deadline, Duration),
    /// Whether the stream may end here.
    complete: bool,
    observed: Observed,
    attempt: Attempt,
    event: PhantomData<fn() -> T>,
}

impl<T> EventStream<T> {
    pub(super) fn new(
        operation: &'static Operation,
        mut response: Response,
        options: &CallOptions,
        first: Instant,
        (observed, attempt): (Observed, Attempt),
    ) -> Self {
        Self {
            operation,
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Some(Box::pin(response.bytes_stream())),
            chunk: Bytes::new(),
            decoder: Decoder::new(options.body_limit),
            gap: options.gap_deadline,
            alarm: Box::pin(sleep_until(first)),
            asked: true,
            limit: (Deadline::FirstEvent, options.first_event_deadline),
            complete: false,
            observed,
            attempt,
            event: PhantomData,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Starts the timer of the next event at the first poll that finds none. An event that has
    /// arrived already needs no timer.
    fn set_alarm(&mut self) {
        if !std::mem::replace(&mut self.asked, true) {
            self.limit = (Deadline::Gap, self.gap);
            self.alarm.as_mut().reset(deadline(self.gap));
        }
    }

    /// Ends the stream after its last packet. If the end of the body has arrived, too, reading it
    /// lets the connection be used again.
    fn finish(&mut self, cx: &mut Context<'_>) {
        if let Some(body) = &mut self.body {
            for _ in 0..CHUNKS_AT_ONCE {
                if !matches!(body.as_mut().poll_next(cx), Poll::Ready(Some(Ok(_)))) {
                    break;
                }
            }
        }
        self.end(UpstreamOutcome::Ok);
    }

    /// Ends the stream and drops its connection.
    fn end(&mut self, outcome: UpstreamOutcome) {
        self.body = None;
        self.chunk = Bytes::new();
        self.attempt.end(outcome);
        // A stream that has ended may be kept, and its span must not last as long.
        self.attempt.span = Span::none();
        self.observed.end(outcome);
    }

    fn fail<V>(&mut self, kind: Kind, body: Bytes) -> Poll<Option<Result<V, Error>>> {
        let error = Error::with_status(self.operation, kind, Some(self.status));
        self.end(error.outcome());
        Poll::Ready(Some(Err(error.with_body(body))))
    }
}

impl<T> Drop for EventStream<T> {
    fn drop(&mut self) {
        // What could still follow is not a part of the answer.
        if self.complete {
            self.end(UpstreamOutcome::Ok);
        }
    }
}

/// The maximum number of chunks without an event that are read in one poll.
const CHUNKS_AT_ONCE: usize = 64;

impl<T: DeserializeOwned + Outcome> EventStream<T> {
    /// Returns the next event of the bytes that have arrived. An event that can't be read, or that
    /// reports a failure, is an error with its data.
    fn next_event(&mut self) -> Result<Next<T>, (Kind, Bytes)> {
        let whole = std::mem::take(&mut self.chunk);
        let mut rest: &[u8] = &whole;
        while let Some(event) = self
            .decoder
            .next(&mut rest)
            .map_err(|error| (Kind::TooLarge(error.limit()), Bytes::new()))?
        {
            let data = without_bom(event.data()).trim_ascii();
            if self.operation.ends_with.is_some_and(|end| data == end.as_bytes()) {
                return Ok(Next::End);
            }
            // Some peers send their comments as data. No JSON starts with a colon.
            if data.is_empty() || data == b"[DONE]" || data.starts_with(b":") {
                continue;
            }
            let kind = match decode::<T>(data) {
                Ok(value) => match value.failure() {
                    Some(failure) => Kind::Failure(failure),
                    None => {
                        self.chunk = whole.slice_ref(rest);
                        return Ok(Next::Event(value));
                    }
                },
                Err(error) => Kind::Decode(error),
            };
            return Err((kind, Bytes::copy_from_slice(data)));
        }
        Ok(Next::Nothing)
    }
}

/// What the bytes that have arrived contain.
enum Next<T> {
    /// No whole event.
    Nothing,
    Event(T),
    /// The event that ends the stream.
    End,
}

impl<T: DeserializeOwned + Reported> Stream for EventStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let span = this.attempt.span.clone();
        let _inside = span.enter();
        // A body that is always ready must not keep others from running.
        for _ in 0..CHUNKS_AT_ONCE {
            if this.body.is_none() {
                return Poll::Ready(None);
            }
            match this.next_event() {
                Ok(Next::Nothing) => {}
                Ok(Next::Event(event)) => {
                    this.asked = false;
                    match event.step() {
                        Step::Next => {}
                        Step::Complete => this.complete = true,
                        Step::Last => this.finish(cx),
                    }
                    return Poll::Ready(Some(Ok(event)));
                }
                Ok(Next::End) => {
                    this.finish(cx);
                    return Poll::Ready(None);
                }
                Err((kind, data)) => return this.fail(kind, data),
            }
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            match body.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => this.chunk = chunk,
                Poll::Ready(Some(Err(error))) => {
                    let error = TransportError::from(error);
                    let (operation, status) = (this.operation.id, this.status.as_u16());
                    tracing::debug!(operation, status, "stream cut: {}", chain(&error));
                    return this.fail(Kind::Cut(Some(error)), Bytes::new());
                }
                Poll::Ready(None) if this.complete => {
                    this.end(UpstreamOutcome::Ok);
                    return Poll::Ready(None);
                }
                Poll::Ready(None) => return this.fail(Kind::Cut(None), Bytes::new()),
                Poll::Pending => {
                    this.set_alarm();
                    ready!(this.alarm.as_mut().poll(cx));
                    let (deadline, limit) = this.limit;
                    return this.fail(Kind::Deadline(deadline, limit), Bytes::new());
                }
            }
        }
        this.set_alarm();
        if this.alarm.deadline() <= Instant::now() {
            let (deadline, limit) = this.limit;
            return this.fail(Kind::Deadline(deadline, limit), Bytes::new());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("operation", &self.operation.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
