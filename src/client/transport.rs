//! How a request travels: the one seam for signing, recording and stand-ins.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::{Request, Response};

use crate::auth::Signer;

/// Sends a request and returns the head of its response, with a body to be read.
///
/// Wrap one in another to count or record requests; a wrapper sees every attempt of every call.
/// [`reqwest::Client`] is one, and so is [`InMemoryTransport`](super::InMemoryTransport).
pub trait Transport: Send + Sync + 'static {
    /// Sends a request.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

impl Transport for reqwest::Client {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async { self.execute(request).await.map_err(TransportError::from) })
    }
}

/// Signs what travels.
pub(super) struct Signed {
    pub signer: Signer,
    pub inner: Arc<dyn Transport>,
}

impl Transport for Signed {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let uri: http::Uri = request.url().as_str().parse().map_err(TransportError::new)?;
            let method = request.method().clone();
            let body = request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::to_vec);
            let body = body.unwrap_or_default();
            self.signer
                .sign(&method, &uri, request.headers_mut(), &body)
                .map_err(TransportError::new)?;
            self.inner.send(request).await
        })
    }
}

/// Why a request was not sent, or its response not received.
///
/// [`source`](StdError::source) returns the error of the transport itself.
#[derive(Debug)]
pub struct TransportError {
    source: Box<dyn StdError + Send + Sync>,
    connect: bool,
    timeout: bool,
}

impl TransportError {
    /// Wraps an error of a custom transport.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: error.into(), connect: false, timeout: false }
    }

    /// Wraps an error of a custom transport that made no connection, so that the call can be
    /// retried.
    pub fn connect(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { connect: true, ..Self::new(error) }
    }

    /// Whether no connection was made, so that the peer knows nothing of the request.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.connect
    }

    pub(super) fn is_timeout(&self) -> bool {
        self.timeout
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        // The URL may hold what must not show.
        let error = error.without_url();
        Self { connect: error.is_connect(), timeout: error.is_timeout(), source: error.into() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self { connect: true, .. } => "can't connect",
            Self { timeout: true, .. } => "the transport timed out",
            _ => "the transport failed",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
