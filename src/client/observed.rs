//! A call as it is seen from outside: the event at its end, and a span for each attempt.

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use http::HeaderMap;
use reqwest::Request;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::Error;
use crate::observe::{
    ATTEMPT, Event, Observers, TraceContext, UpstreamOutcome, UpstreamRequest, propagator,
};
use crate::wire::{Operation, Printable};

/// A call whose end is reported to the observers, at the latest when this is dropped.
pub(super) struct Observed {
    operation: &'static Operation,
    observers: Observers,
    /// `None` once the end has been reported, and without observers.
    start: Option<Instant>,
    attempts: AtomicU32,
    /// The status of the last response; 0 without one.
    status: AtomicU16,
}

impl Observed {
    pub(super) fn new(operation: &'static Operation, observers: &Observers) -> Self {
        Self {
            operation,
            observers: observers.clone(),
            start: (!observers.is_empty()).then(Instant::now),
            attempts: AtomicU32::new(0),
            status: AtomicU16::new(0),
        }
    }

    /// Starts an attempt, whose number is counted from 0, and passes the trace on with its request.
    pub(super) fn attempt(&self, number: u32, request: &mut Request) -> Attempt {
        self.attempts.store(number.saturating_add(1), Ordering::Relaxed);
        let span = span(self.operation, number, request);
        pass_on(&span, request.headers_mut());
        Attempt { span, over: false }
    }

    /// Notes the status of a response.
    pub(super) fn has_status(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Reports how the call ended.
    pub(super) fn ended<T>(&mut self, ended: &Result<T, Error>) {
        self.end(ended.as_ref().map_or_else(Error::outcome, |_| UpstreamOutcome::Ok));
    }

    /// Reports the end of the call, unless it is reported already.
    pub(super) fn end(&mut self, outcome: UpstreamOutcome) {
        let Some(start) = self.start.take() else { return };
        let status = *self.status.get_mut();
        self.observers.emit(&Event::UpstreamRequest(&UpstreamRequest {
            operation: self.operation.id,
            status: Some(status).filter(|status| *status != 0),
            outcome,
            attempts: *self.attempts.get_mut(),
            duration: start.elapsed(),
        }));
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.end(UpstreamOutcome::Dropped);
    }
}

/// An attempt with its span, which covers the whole response: also a stream of events.
pub(super) struct Attempt {
    pub span: Span,
    over: bool,
}

impl Attempt {
    /// Notes in the span how the attempt ended.
    pub(super) fn end(&mut self, outcome: UpstreamOutcome) {
        if std::mem::replace(&mut self.over, true) || outcome == UpstreamOutcome::Ok {
            return;
        }
        self.span.record("error.type", outcome.as_str());
        // A bot drops its request to a language model when the caller barges in. That is not a failure.
        if outcome != UpstreamOutcome::Dropped {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end(UpstreamOutcome::Dropped);
    }
}

/// Returns the span of an attempt. Without a subscriber that wants it, nothing is written.
fn span(operation: &'static Operation, number: u32, request: &Request) -> Span {
    let (method, url) = (request.method(), request.url());
    tracing::debug_span!(
        target: ATTEMPT,
        "attempt",
        // The path of the spec, which has names in place of parameters.
        otel.name = display(format_args!("{method} {}", operation.path)),
        otel.kind = "client",
        operation = operation.id,
        http.request.method = method.as_str(),
        http.request.resend_count = (number > 0).then_some(number),
        url.path = display(Printable::cut(url.path())),
        server.address = url.host_str(),
        server.port = url.port_or_known_default(),
        http.response.status_code = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        trace_id = Empty,
        parent_id = Empty,
        span_id = Empty,
    )
}

/// Passes the current trace on with the request of an attempt, unless the call has set a trace itself.
fn pass_on(span: &Span, headers: &mut HeaderMap) {
    if headers.contains_key("traceparent") {
        return;
    }
    if let Some(propagator) = propagator() {
        // The work that makes the call has a span even if attempts have none.
        let around = span.is_disabled().then(Span::current);
        if let Some(context) = propagator.current(around.as_ref().unwrap_or(span)) {
            return context.insert_into(headers);
        }
    }
    let Some(parent) = TraceContext::local() else { return };
    let own = parent.child();
    own.record(&parent, span);
    own.insert_into(headers);
}
