//! The built-in HTTP client: HTTP/1.1 with its own TLS, without proxies, redirects and compression.
//!
//! It stands on hyper and not on `reqwest::Client`, for two reasons. The features of reqwest are those of
//! the whole program: what another crate switches on, such as decompression, must not change how this
//! client works. And TLS in this client must not switch on TLS in reqwest, because that would come without
//! a provider, and `reqwest::Client::new()` would panic in programs that never asked for it.

use std::error::Error as StdError;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::{Body, Request, Response};
use tower_service::Service;

use super::{Error, Transport, TransportError};

type BoxError = Box<dyn StdError + Send + Sync>;

#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
type Connector = HttpConnector;

/// The transport of clients that get no other.
pub(super) struct HttpClient {
    inner: legacy::Client<Bounded<Connector>, Body>,
}

impl HttpClient {
    pub(super) fn new(connect_deadline: Duration) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(connect_deadline));
        tcp.set_nodelay(true);
        // A connection whose peer has vanished must not stay in the pool.
        tcp.set_keepalive(Some(Duration::from_secs(15)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(15)));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(Duration::from_secs(30)));
        let connector = Bounded { inner: connector(tcp)?, limit: connect_deadline };
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { inner })
    }
}

impl Transport for HttpClient {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async {
            #[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
            if request.url().scheme() == "https" {
                let feature = "https needs the feature `rustls` or `rustls-aws-lc-rs` of callbot";
                return Err(TransportError::new(feature));
            }
            let request = http::Request::try_from(request)?;
            let response = self.inner.request(request).await.map_err(failed)?;
            Ok(response.map(Body::wrap).into())
        })
    }
}

fn failed(error: legacy::Error) -> TransportError {
    let mut timeout = false;
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        timeout |= error.is::<TimedOut>();
        timeout |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut);
        cause = error.source();
    }
    match error.is_connect() {
        true => TransportError::connect(error).timed_out(timeout),
        false => TransportError::new(error).timed_out(timeout),
    }
}

#[cfg(not(any(feature = "rustls", feature = "rustls-aws-lc-rs")))]
fn connector(tcp: HttpConnector) -> Result<Connector, Error> {
    Ok(tcp)
}

#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
fn connector(mut tcp: HttpConnector) -> Result<Connector, Error> {
    let tls = crate::tls::client_config()
        .map_err(|error| Error::settings_caused("TLS can't be set up", error))?;
    tcp.enforce_http(false);
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls);
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

/// A connector whose work has a limit: looking up the name, connecting, and the handshake of TLS.
#[derive(Clone)]
struct Bounded<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri>,
    C::Response: Send,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(to), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(TimedOut.into()),
            }
        })
    }
}

#[derive(Debug)]
struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connecting took too long")
    }
}

impl StdError for TimedOut {}
