//! A client and a server in one process, without a socket.

use std::fmt;

use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use reqwest::{Request, Response};
use tower_service::Service;

use super::{Transport, TransportError};

/// A [`Transport`] that passes requests straight to a router.
///
/// Client and server run as they do over a socket, and share one runtime, so a test can pause time.
///
/// ```
/// # use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply};
/// use callbot::client::InMemoryTransport;
/// use callbot::digital_employee::{AnswerMode, Client, DialogueRequestFields, router};
/// # use callbot::digital_employee::VendorParams;
/// # use callbot::server::Error;
/// # struct Echo;
/// # impl Api for Echo {
/// #     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
/// #         reply.finish("Welcome.").await
/// #     }
/// #     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
/// #         reply.send(request.utterance).await
/// #     }
/// # }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let client = Client::builder("http://bot").transport(InMemoryTransport::new(router(Echo))).build()?;
/// let request = DialogueRequest::new(DialogueRequestFields {
///     request_id: "r-1",
///     tenant_id: 378210,
///     instance_id: "n1",
///     script_id: "sc-1",
///     session_id: "s-1",
///     stream_id: "t-1",
///     utterance: "Hello?",
/// });
/// let reply = client.dialogue(&request).await?.into_events(AnswerMode::Cumulative);
/// assert_eq!(reply.text().await?, "Hello?");
/// # Ok::<_, callbot::client::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct InMemoryTransport(Router);

impl InMemoryTransport {
    /// Creates a transport that sends to `router`.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self(router)
    }
}

impl fmt::Debug for InMemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemoryTransport")
    }
}

impl Transport for InMemoryTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut router = self.0.clone();
        Box::pin(async move {
            let mut request: http::Request<reqwest::Body> = request.try_into()?;
            // A router matches the path alone; a server would get the URI without scheme and host.
            let path = request.uri().path_and_query().cloned();
            *request.uri_mut() = path.map_or_else(Default::default, Into::into);
            let response = match router.call(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok(response.map(|body| reqwest::Body::wrap_stream(body.into_data_stream())).into())
        })
    }
}
