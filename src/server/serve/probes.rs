//! The routes that tell an orchestrator how the server is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

/// The paths of the probes, and what they answer.
#[derive(Debug, Clone)]
pub(super) struct Probes {
    pub readiness: Option<String>,
    pub liveness: Option<String>,
    stopping: Arc<AtomicBool>,
}

impl Default for Probes {
    fn default() -> Self {
        Self {
            readiness: Some("/readyz".to_owned()),
            liveness: Some("/healthz".to_owned()),
            stopping: Arc::default(),
        }
    }
}

impl Probes {
    /// Answers the readiness probe with status 503 from now on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Returns the answer to a request, if it is a probe.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = Some(request.uri().path());
        let (status, text) = if path == self.readiness.as_deref() {
            if self.stopping.load(Ordering::Relaxed) {
                (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
            } else {
                (StatusCode::OK, "ready\n")
            }
        } else if path == self.liveness.as_deref() {
            (StatusCode::OK, "ok\n")
        } else {
            return None;
        };
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(response)
    }
}
