//! Serves one connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::bodies::{RequestBody, ResponseBody};
use super::limits::Limits;
use super::probes::Probes;
use super::progress::Progress;
use super::room::Room;
use super::running::Running;
use super::watched::Watched;

/// How much of a head, a body or a response is held for a connection, in bytes. A larger head is refused.
const BUFFER: usize = 64 * 1024;

/// What all connections of a server share.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub router: Router,
    pub probes: Probes,
    pub running: Running,
    pub limits: Arc<Limits>,
    pub room: Arc<Room>,
}

impl Door {
    /// Not an `async fn`: hyper reads on before it polls the result, and the progress must be known then.
    fn answer(
        mut self,
        request: Request<Incoming>,
        progress: Arc<Progress>,
    ) -> impl Future<Output = Result<Response<ResponseBody<Body>>, Infallible>> {
        progress.request(request.version());
        // Such a client sends its body only if it is asked to.
        let waits_to_send = request.headers().contains_key(EXPECT);
        let request = request.map(|body| RequestBody::new(body, progress.clone()));
        async move {
            let mut response = match self.probes.answer(&request) {
                Some(response) => response,
                None => self.router.call(request).await?,
            };
            // hyper closes the connection if the rest of the body is missing. A client that is not told sends its
            // next request on it, and gets no answer.
            if let Some(rest) = progress.take_unread()
                && (waits_to_send || !rest.read().await)
            {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            let is_event_stream = response
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
            Ok(response.map(|body| ResponseBody::new(body, progress, is_event_stream)))
        }
    }
}

/// Serves a connection until it ends, is too slow, or has to make room, or until `closing` is true and
/// what runs on it has ended.
pub(super) async fn connection<T>(stream: T, door: Door, mut closing: watch::Receiver<bool>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, room) = (door.limits.clone(), door.room.clone());
    let progress = Arc::new(Progress::new(limits, room, door.running.clone()));
    let stream = TokioIo::new(Watched::new(stream, progress.clone()));
    let service = service_fn(|request| door.clone().answer(request, progress.clone()));
    let connection = http1::Builder::new().max_buf_size(BUFFER).serve_connection(stream, service);
    let mut connection = pin!(connection.with_upgrades());
    let mut closing = pin!(async {
        // An error says that the server is gone, which drops this task.
        _ = closing.wait_for(|closing| *closing).await;
    });
    let mut is_closing = false;
    let mut close = pin!(progress.close.notified());
    let mut timer = pin!(sleep_until(Instant::now()));

    poll_fn(|context| {
        if !is_closing && closing.as_mut().poll(context).is_ready() {
            is_closing = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            if let Err(error) = ended {
                tracing::trace!("connection ended: {error}");
            }
            return Poll::Ready(());
        }
        // From here on the progress is that of what has arrived and been written.
        if is_closing && progress.is_incomplete() {
            return Poll::Ready(());
        }
        while close.as_mut().poll(context).is_ready() {
            if progress.is_waiting() {
                tracing::debug!("closed a connection without a request, to make room");
                return Poll::Ready(());
            }
            // A request came at the same moment. It is served.
            close.set(progress.close.notified());
        }
        let Some(deadline) = progress.deadline() else { return Poll::Pending };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer
            .as_mut()
            .poll(context)
            .map(|()| tracing::debug!("closed a connection: its peer is too slow"))
    })
    .await;
    progress.ended();
}
