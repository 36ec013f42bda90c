//! Sends requests: the place to sign, record or replace them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::{Request, Response};

use crate::auth::Signer;

/// Sends a request and returns the head of its response, whose body is still to be read.
///
/// [`reqwest::Client`] and [`InMemoryTransport`](super::InMemoryTransport) implement it. Wrap one
/// transport in another to count, record or change requests. A wrapper sees every attempt of every
/// call.
///
/// ```
/// # #[cfg(feature = "duix")] {
/// use std::sync::{Arc, Mutex};
/// use callbot::client::{Transport, TransportError};
/// use futures_util::future::BoxFuture;
/// use reqwest::{Request, Response};
///
/// /// Records the URLs of all requests, and sends none.
/// #[derive(Clone, Default)]
/// struct Recorder(Arc<Mutex<Vec<String>>>);
///
/// impl Transport for Recorder {
///     fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
///         self.0.lock().unwrap().push(request.url().to_string());
///         Box::pin(async { Err(TransportError::connect("offline")) })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let recorder = Recorder::default();
/// let client = callbot::duix::Client::builder("app-1", "key").transport(recorder.clone()).build()?;
/// assert!(client.concurrency().await.unwrap_err().is_retryable());
/// assert!(recorder.0.lock().unwrap().len() > 1, "the call was retried");
/// # Ok::<_, callbot::client::Error>(())
/// # }).unwrap();
/// # }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and returns the head of its response.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

impl Transport for reqwest::Client {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async { self.execute(request).await.map_err(TransportError::from) })
    }
}

/// Signs each request before it is sent.
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

/// The error of a request that was not sent, or whose response did not arrive.
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

    /// Wraps an error of a custom transport that could not connect, so that the call can be
    /// retried.
    pub fn connect(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { connect: true, ..Self::new(error) }
    }

    /// Whether the transport could not connect, so that the peer never saw the request.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.connect
    }

    pub(super) fn timed_out(self, timeout: bool) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn is_timeout(&self) -> bool {
        self.timeout
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        // The URL may contain secrets.
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
