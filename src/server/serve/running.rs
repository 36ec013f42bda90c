//! Counts the requests that run, so that a shutdown knows what it waits for and what it cuts.
//!
//! A request counts from the end of its body to the end of its response. One that has not arrived whole
//! does not count: nothing runs for it, and a peer that stalls must not make a shutdown look like a cut.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;

/// The number of requests that run.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    count: Arc<watch::Sender<usize>>,
}

impl Running {
    /// Starts a request, whose body has not arrived yet.
    pub(super) fn request(&self) -> Arc<RunningRequest> {
        Arc::new(RunningRequest { running: self.clone(), whole: AtomicBool::new(false) })
    }

    /// Returns whether no request runs.
    pub(super) fn is_idle(&self) -> bool {
        *self.count.borrow() == 0
    }

    /// Waits until no request runs.
    pub(super) async fn until_idle(&self) {
        self.wait_for(|count| count == 0).await;
    }

    /// Waits until a request runs.
    pub(super) async fn until_busy(&self) {
        self.wait_for(|count| count > 0).await;
    }

    async fn wait_for(&self, mut reached: impl FnMut(usize) -> bool) {
        // The sender is in `self`, so that this can't fail.
        _ = self.count.subscribe().wait_for(|count| reached(*count)).await;
    }
}

/// A request, from its head to the end of its response.
#[derive(Debug)]
pub(super) struct RunningRequest {
    running: Running,
    whole: AtomicBool,
}

impl RunningRequest {
    /// Counts the request from now on: it has arrived whole.
    pub(super) fn whole(&self) {
        if !self.whole.swap(true, Ordering::Relaxed) {
            self.running.count.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        if *self.whole.get_mut() {
            self.running.count.send_modify(|count| *count = count.saturating_sub(1));
        }
    }
}

/// The body of a request, which counts the request once it has been read. A body that is dropped before
/// counts too: the handler goes on without the rest.
#[derive(Debug)]
pub(super) struct RequestBody<B> {
    pub body: B,
    pub request: Arc<RunningRequest>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.request.whole();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        self.request.whole();
    }
}

/// The body of a response, with which its request ends.
#[derive(Debug)]
pub(super) struct ResponseBody<B> {
    pub body: B,
    pub _request: Arc<RunningRequest>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
