//! A request as it is seen from outside: when it arrived, its span and its trace, and how it ended.

use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use http::header::HOST;
use http::Uri;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::{Empty, display};

use super::watch::{self, Part, SharedWatch};
use super::{Fault, FaultKind, Rules, Server};
use crate::observe::{Event, Observers, Refused, RefusalReason, TraceContext, propagator};
use crate::wire::{Operation, Printable};

/// The arrival of a request.
pub(super) struct Arrival {
    pub at: Instant,
    /// The deadline of the handler.
    pub until: Option<Instant>,
    pub operation: &'static Operation,
    pub platform: &'static str,
    /// The span of the request. It covers the body of the answer, too.
    pub span: Span,
    /// The trace that the request is a part of, as the handler passes it on.
    pub context: Option<TraceContext>,
    pub watch: Option<SharedWatch>,
    observers: Observers,
}

impl Arrival {
    pub(super) fn new<A, R: Rules>(
        server: &Server<A, R>,
        operation: &'static Operation,
        request: &Request,
    ) -> Self {
        let at = Instant::now();
        let platform = R::platform(operation);
        let span = span(platform, operation, request);
        Self {
            at,
            until: server.until(at),
            operation,
            platform,
            context: trace(&span, request),
            span,
            watch: watch::current(),
            observers: server.observers.clone(),
        }
    }

    /// Reports why the handler failed.
    pub(super) fn failed(&self, cause: &str) {
        if let Some(watch) = &self.watch {
            watch.failed(Part::Handler, cause);
        }
    }

    /// Reports that the request was refused before its handler ran.
    pub(super) fn refused<E>(&self, refusal: Refusal, echo: E) -> (Fault, E) {
        let Refusal { reason, fault } = refusal;
        let Fault { status, message, .. } = &fault;
        let (operation, platform, message) =
            (self.operation.id, self.platform, Printable::whole(message));
        tracing::warn!(operation, platform, status, reason = reason.as_str(), "refused: {message}");
        self.observe_refusal(&fault, reason);
        (fault, echo)
    }

    /// Reports the failure of the handler to the observers, if it counts as a refusal, and to the span.
    pub(super) fn rejected(&self, fault: &Fault) {
        match reason(fault) {
            Some(reason) => self.observe_refusal(fault, reason),
            None => self.erroneous(match fault.kind {
                FaultKind::Deadline => "deadline",
                FaultKind::Internal => "internal",
                _ => "handler",
            }),
        }
    }

    fn observe_refusal(&self, fault: &Fault, reason: RefusalReason) {
        self.erroneous(reason.as_str());
        observe_refusal(&self.observers, self.platform, Some(self.operation), fault.status, reason);
    }

    /// Notes in the span that the request failed.
    pub(super) fn erroneous(&self, kind: &'static str) {
        self.span.record("error.type", kind);
    }

    /// Notes the status of the answer in the span.
    pub(super) fn answered(&self, response: &Response) {
        let status = response.status();
        self.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// Reports a refused request to the observers.
pub(crate) fn observe_refusal(
    observers: &Observers,
    platform: &'static str,
    operation: Option<&'static Operation>,
    status: u16,
    reason: RefusalReason,
) {
    if !observers.is_empty() {
        let operation = operation.map(|operation| operation.id);
        observers.emit(&Event::Refused(&Refused { platform, operation, status, reason }));
    }
}

/// A refused request: what the platform gets, and why in a word.
pub(super) struct Refusal {
    pub reason: RefusalReason,
    pub fault: Fault,
}

impl Refusal {
    pub(super) fn new(reason: RefusalReason, fault: Fault) -> Self {
        Self { reason, fault }
    }
}

/// Returns the reason for which a handler has refused a request. `None` if it failed.
fn reason(fault: &Fault) -> Option<RefusalReason> {
    match (fault.kind, fault.status) {
        (FaultKind::Unauthorized | FaultKind::Forbidden, _) => Some(RefusalReason::Token),
        (FaultKind::Request, _) => Some(RefusalReason::Body),
        (FaultKind::TooLarge, _) => Some(RefusalReason::TooLarge),
        (FaultKind::MediaType, _) => Some(RefusalReason::MediaType),
        (FaultKind::Public, 501) => Some(RefusalReason::Unsupported),
        (FaultKind::Public, 503) => Some(RefusalReason::Unavailable),
        (FaultKind::Public, ..=499) => Some(RefusalReason::Handler),
        _ => None,
    }
}

/// Returns the span of a request. Without a subscriber that wants it, nothing is written.
fn span(platform: &'static str, operation: &'static Operation, request: &Request) -> Span {
    // A nested router sees only its part of the path.
    let uri = || request.extensions().get().map_or(request.uri(), |OriginalUri(uri)| uri);
    tracing::debug_span!(
        target: "callbot::request",
        "request",
        otel.name = display(format_args!("{} {}", request.method(), route(operation, uri()))),
        otel.kind = "server",
        operation = operation.id,
        platform,
        http.request.method = request.method().as_str(),
        http.route = display(route(operation, uri())),
        url.path = display(Printable::cut(uri().path())),
        server.address = host(request),
        http.response.status_code = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        trace_id = Empty,
        parent_id = Empty,
        span_id = Empty,
    )
}

/// Returns the path that the operation is served at, with names in place of parameters.
fn route<'a>(operation: &'static Operation, uri: &'a Uri) -> Printable<'a> {
    let path = if operation.path.contains('{') { operation.path } else { uri.path() };
    Printable::cut(path)
}

/// Returns the name under which the peer has called this server, without the port.
fn host(request: &Request) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let authority: http::uri::Authority = host.parse().ok()?;
    Some(Printable::cut(authority.host()).to_string())
}

/// Returns the trace that a request is a part of, as its handler passes it on: with the id of the
/// request's own span.
fn trace(span: &Span, request: &Request) -> Option<TraceContext> {
    let remote = TraceContext::from_headers(request.headers())?;
    if let Some(propagator) = propagator() {
        // The ids in the span would not be those that are passed on.
        propagator.received(span, &remote);
        return Some(remote);
    }
    let own = remote.child();
    span.record("trace_id", display(remote.trace_id_text()));
    span.record("parent_id", display(remote.span_id_text()));
    span.record("span_id", display(own.span_id_text()));
    Some(own)
}
