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

use super::core::deadline;
use super::error::Kind;
use super::{CallOptions, Deadline, Error, Reported, Step, TransportError};
use crate::error::chain;
use crate::sse::Decoder;
use crate::wire::{Operation, decode};

/// The events of a stream, as types: packets as they are on the wire.
///
/// The stream ends behind the packet that is the last one by the platform's rules; what comes after
/// it is dropped. Before that, its end is an error ([`Error::is_cut`]), and so are a deadline that
/// passes, an event that can't be read and a failure that the peer reports. After an error the
/// stream has ended. Comments, empty events and `[DONE]` are passed over.
pub struct EventStream<T> {
    operation: &'static Operation,
    status: StatusCode,
    headers: HeaderMap,
    body: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    chunk: Bytes,
    decoder: Decoder,
    gap: Duration,
    alarm: Pin<Box<Sleep>>,
    /// Whether the next event has been asked for: the gap is not that between two questions.
    asked: bool,
    limit: (Deadline, Duration),
    event: PhantomData<fn() -> T>,
}

impl<T> EventStream<T> {
    pub(super) fn new(
        operation: &'static Operation,
        mut response: Response,
        options: &CallOptions,
        first: Instant,
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
            event: PhantomData,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Sets the alarm for an event that has just been asked for and is not there yet; one that is
    /// there needs none.
    fn set_alarm(&mut self) {
        if !std::mem::replace(&mut self.asked, true) {
            self.limit = (Deadline::Gap, self.gap);
            self.alarm.as_mut().reset(deadline(self.gap));
        }
    }

    /// Ends the stream behind its last packet. When the end of the body is there, too, as it is with
    /// a peer that has nothing more to do, the connection can be used again.
    fn finish(&mut self, cx: &mut Context<'_>) {
        if let Some(body) = &mut self.body {
            for _ in 0..CHUNKS_AT_ONCE {
                if !matches!(body.as_mut().poll_next(cx), Poll::Ready(Some(Ok(_)))) {
                    break;
                }
            }
        }
        self.end();
    }

    /// Ends the stream, and with it the connection.
    fn end(&mut self) {
        self.body = None;
        self.chunk = Bytes::new();
    }

    fn fail<V>(&mut self, kind: Kind) -> Poll<Option<Result<V, Error>>> {
        self.end();
        Poll::Ready(Some(Err(Error::with_status(self.operation, kind, Some(self.status)))))
    }
}

/// How many chunks without an event are read in one go.
const CHUNKS_AT_ONCE: usize = 64;

impl<T: DeserializeOwned> EventStream<T> {
    /// The next event of what has arrived.
    fn next_event(&mut self) -> Result<Option<T>, Kind> {
        let whole = std::mem::take(&mut self.chunk);
        let mut rest: &[u8] = &whole;
        while let Some(event) =
            self.decoder.next(&mut rest).map_err(|error| Kind::TooLarge(error.limit()))?
        {
            let data = event.data();
            if data.is_empty() || data == b"[DONE]" {
                continue;
            }
            let value = decode(data).map_err(Kind::Decode)?;
            self.chunk = whole.slice_ref(rest);
            return Ok(Some(value));
        }
        Ok(None)
    }
}

impl<T: DeserializeOwned + Reported> Stream for EventStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        // A body that is always ready must not keep others from running.
        for _ in 0..CHUNKS_AT_ONCE {
            if this.body.is_none() {
                return Poll::Ready(None);
            }
            match this.next_event() {
                Ok(None) => {}
                Ok(Some(event)) => {
                    this.asked = false;
                    if let Some(failure) = event.failure() {
                        return this.fail(Kind::Failure(failure));
                    }
                    if event.step() == Step::Last {
                        this.finish(cx);
                    }
                    return Poll::Ready(Some(Ok(event)));
                }
                Err(kind) => return this.fail(kind),
            }
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            match body.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => this.chunk = chunk,
                Poll::Ready(Some(Err(error))) => {
                    let error = TransportError::from(error);
                    tracing::debug!(operation = this.operation.id, "cut: {}", chain(&error));
                    return this.fail(Kind::Cut(Some(error)));
                }
                Poll::Ready(None) => return this.fail(Kind::Cut(None)),
                Poll::Pending => {
                    this.set_alarm();
                    ready!(this.alarm.as_mut().poll(cx));
                    let (deadline, limit) = this.limit;
                    return this.fail(Kind::Deadline(deadline, limit));
                }
            }
        }
        this.set_alarm();
        if this.alarm.deadline() <= Instant::now() {
            let (deadline, limit) = this.limit;
            return this.fail(Kind::Deadline(deadline, limit));
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
