//! The bodies of a request and of its response, which report how far they are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::probe::Probe;
use super::progress::Progress;
use super::unread::Unread;
use crate::sse::HEARTBEAT;

/// The body of a request. It fails if it does not arrive in time.
///
/// The request is whole once the body has been read, and also if it is dropped before: the handler goes on
/// without the rest.
#[derive(Debug)]
pub(super) struct RequestBody {
    /// Only `None` while this is dropped.
    body: Option<Incoming>,
    progress: Arc<Progress>,
    until: Instant,
    /// Until when the next piece must arrive. Only a body that is waited for has a timer.
    timer: Option<Pin<Box<Sleep>>>,
    is_late: bool,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        if body.is_end_stream() {
            progress.request_is_whole();
        }
        let until = Instant::now() + progress.limits.body;
        Self { body: Some(body), progress, until, timer: None, is_late: false }
    }

    /// Completes when the next piece is late.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let (until, piece) = (self.until, self.progress.limits.body_piece);
        let timer = self.timer.get_or_insert_with(|| {
            let next = Instant::now() + piece;
            Box::pin(sleep_until(next.min(until)))
        });
        ready!(timer.as_mut().poll(context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the body did not arrive in time"))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) else {
            if self.progress.body_is_awaited() {
                context.waker().wake_by_ref();
            }
            return self.poll_late(context).map(|error| {
                self.is_late = true;
                Some(Err(error.into()))
            });
        };
        let is_end = frame.is_none() || body.is_end_stream();
        self.timer = None;
        if is_end {
            self.progress.request_is_whole();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            let rest = if self.is_late { Unread::Late } else { Unread::Rest(body) };
            self.progress.body_is_dropped(rest);
        }
    }
}

/// The body of a response, with which its request ends.
#[derive(Debug)]
pub(super) struct ResponseBody<B> {
    body: B,
    progress: Arc<Progress>,
    /// Sends comments to a client that seems to be gone, if this is an event stream.
    probe: Option<Probe>,
    /// Whether a comment may stand here: not inside an event.
    is_between_events: bool,
}

impl<B> ResponseBody<B> {
    pub(super) fn new(body: B, progress: Arc<Progress>, is_event_stream: bool) -> Self {
        let probe = is_event_stream.then(Probe::default);
        Self { body, progress, probe, is_between_events: true }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                let data = frame.data_ref().filter(|data| !data.is_empty());
                this.is_between_events =
                    data.map_or(this.is_between_events, |data| data.ends_with(b"\n\n"));
            }
            return Poll::Ready(frame);
        }
        if let Some(probe) = &mut this.probe
            && this.is_between_events
            && this.progress.is_half_closed()
        {
            ready!(probe.poll_due(context));
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(HEARTBEAT)))));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for ResponseBody<B> {
    fn drop(&mut self) {
        self.progress.response_ended();
    }
}
