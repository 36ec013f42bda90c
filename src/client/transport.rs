//! How a request travels: the one seam for signing, recording and stand-ins.

use std::error::Error as StdError;
use std::fmt;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::{Request, Response};

use crate::auth::Signer;

/// Sends a request and returns the answer's head, with a body to be read.
///
/// Wrap one in another to sign, count or record; a wrapper sees every attempt of every call.
/// [`reqwest::Client`] is one, and so is [`InMemory`](super::InMemory).
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

/// Why a request did not travel.
#[derive(Debug)]
pub struct TransportError {
    source: Box<dyn StdError + Send + Sync>,
    connect: bool,
    timeout: bool,
}

impl TransportError {
    /// An error of a transport of one's own.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: error.into(), connect: false, timeout: false }
    }

    /// An error of a transport of one's own that made no connection: the call may be made again.
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
        write!(f, "{}", self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
