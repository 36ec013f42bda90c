//! The verifier as a tower layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::AUTHORIZATION;
use tower_layer::Layer;
use tower_service::Service;

use super::{Keys, Verified, Verifier, VerifyError};
use crate::body::read_body;
use crate::error::chain;
use crate::observe::{Observer, Observers, RefusalReason};
use crate::server::observe_refusal;

/// A layer around a router that lets only signed requests pass. All others get the same 403; the
/// reason is traced. It checks the path as it was sent, even if the router is nested in another
/// one. If the [nonces](super::Nonces) can't be checked, a signed request gets a 503 and does not pass.
///
/// An accepted request carries a [`Verified`] in its extensions.
///
/// ```
/// # #[cfg(feature = "digital-employee")]
/// # fn bot<A: callbot::digital_employee::Api>(api: A) -> axum::Router {
/// use callbot::auth::{Credentials, Verified, Verifier, VerifyLayer};
/// use callbot::digital_employee::router;
/// use axum::Extension;
/// use axum::routing::get;
///
/// let keys = Credentials::new("key-1", "secret");
/// router(api)
///     // Which key signed this request?
///     .route("/whoami", get(|Extension(signed): Extension<Verified>| async { signed.key_id }))
///     .layer(VerifyLayer::new(Verifier::new(keys)))
/// # }
/// ```
#[derive(Debug)]
pub struct VerifyLayer<K> {
    verifier: Arc<Verifier<K>>,
    body_limit: usize,
    observers: Observers,
}

impl<K> VerifyLayer<K> {
    /// Creates a layer that checks requests with `verifier`.
    #[must_use]
    pub fn new(verifier: Verifier<K>) -> Self {
        Self {
            verifier: Arc::new(verifier),
            body_limit: 1024 * 1024,
            observers: Observers::default(),
        }
    }

    /// Sets the maximum size of a body that is read to check its hash, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Adds an observer, which gets an [event](crate::observe::Event::Refused) for each request that the
    /// layer refuses. Default: none.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
        self
    }
}

impl<K> Clone for VerifyLayer<K> {
    fn clone(&self) -> Self {
        let Self { verifier, body_limit, observers } = self;
        let (verifier, observers) = (verifier.clone(), observers.clone());
        Self { verifier, body_limit: *body_limit, observers }
    }
}

impl<K, S> Layer<S> for VerifyLayer<K> {
    type Service = Verify<K, S>;

    fn layer(&self, inner: S) -> Verify<K, S> {
        Verify { layer: self.clone(), inner }
    }
}

/// The service that [`VerifyLayer`] creates.
#[derive(Debug)]
pub struct Verify<K, S> {
    layer: VerifyLayer<K>,
    inner: S,
}

impl<K, S: Clone> Clone for Verify<K, S> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone(), inner: self.inner.clone() }
    }
}

impl<K, S> Service<Request> for Verify<K, S>
where
    K: Keys,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let layer = self.layer.clone();
        // The service that is ready takes the call, and a fresh clone stays.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            match layer.check(request).await {
                Ok(request) => inner.call(request).await,
                Err(refusal) => {
                    let (status, reason, text) = match refusal.is_failure() {
                        true => {
                            let status = StatusCode::SERVICE_UNAVAILABLE;
                            (status, RefusalReason::Unavailable, "unavailable\n")
                        }
                        false => (StatusCode::FORBIDDEN, RefusalReason::Signature, "forbidden\n"),
                    };
                    tracing::warn!(
                        status = status.as_u16(),
                        reason = reason.as_str(),
                        "refused: {}",
                        chain(&refusal)
                    );
                    observe_refusal(&layer.observers, "unknown", None, status.as_u16(), reason);
                    let mut response = Response::new(Body::from(text));
                    *response.status_mut() = status;
                    Ok(response)
                }
            }
        })
    }
}

impl<K: Keys> VerifyLayer<K> {
    async fn check(&self, request: Request) -> Result<Request, VerifyError> {
        let (mut parts, body) = request.into_parts();
        // A nested router sees only its part of the path.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0).clone();
        let signed = self.verifier.verify_head(&parts.method, &uri, &parts.headers).await?;
        let (bytes, body) = if signed.needs_body() {
            let read = read_body(body, self.body_limit).await;
            let bytes = read.map_err(|_| VerifyError::Body)?;
            (bytes.clone(), Body::from(bytes))
        } else {
            (bytes::Bytes::new(), body)
        };
        let verified: Verified = self.verifier.verify_body(signed, &bytes).await?;
        // Code that prints the headers from here on must not print these.
        for name in [AUTHORIZATION.as_str(), super::canonical::TOKEN, super::canonical::FC_TOKEN] {
            if let Some(value) = parts.headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
        parts.extensions.insert(verified);
        Ok(Request::from_parts(parts, body))
    }
}
