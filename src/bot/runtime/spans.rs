//! The spans of calls, turns and hooks.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::trigger::Trigger;
use crate::bot::capabilities::Platform;
use crate::bot::hash::HashMap;
use crate::bot::input::CallKey;
use crate::bot::outbox::Outbox;
use crate::lock::Mutex;
use crate::observe::{CALL, InputKind, TURN};

/// The spans of the calls that have begun in this process, if a subscriber wants them.
///
/// Each turn is a trace of its own: a call may last for an hour, and a viewer would not show so long a trace
/// as complete. So that a turn leads to its call, it follows from a span that opens when the call begins, and
/// lives until the call ends. A subscriber knows a span only as long as that is open, so the span
/// of the first turn would not do. Nor can the span of the call be a child of the first turn: a span stays open
/// as long as its children.
#[derive(Default)]
pub(super) struct Spans(Mutex<HashMap<CallKey, CallSpan>>);

struct CallSpan {
    span: Span,
    /// When the last turn of the call started.
    used: Instant,
}

impl Spans {
    /// Opens the span of a call, a root, in the turn with which it begins.
    pub(super) fn begin(&self, platform: Platform, call: &CallKey) {
        let span = tracing::info_span!(target: CALL, parent: None, "call", %platform, %call);
        if !span.is_disabled() {
            Span::current().follows_from(&span);
            let opened = CallSpan { span, used: Instant::now() };
            let former = self.0.lock().insert(call.clone(), opened);
            // Closing a span runs the subscriber, so it is done without the lock.
            drop(former);
        }
    }

    /// Returns the span of a call that ends.
    pub(super) fn end(&self, call: &CallKey) -> Option<Span> {
        self.0.lock().remove(call).map(|known| known.span)
    }

    /// Links the span of a turn or a hook to that of its call.
    fn link(&self, span: &Span, call: &CallKey) {
        if span.is_disabled() {
            return;
        }
        let known = self.0.lock().get_mut(call).map(|known| {
            known.used = Instant::now();
            known.span.clone()
        });
        if let Some(known) = known {
            span.follows_from(&known);
        }
    }

    /// Closes the spans of calls without a turn for this long: they have ended in another process.
    pub(super) fn close_idle(&self, idle: Duration) {
        let closed: Vec<_> =
            self.0.lock().extract_if(|_, known| known.used.elapsed() > idle).collect();
        drop(closed);
    }

    /// Returns the span of a turn, the root of a trace. It follows from that of the request, too, which ends
    /// with the request: the turn may go on.
    pub(super) fn turn(&self, outbox: &Outbox, trigger: &Trigger) -> Span {
        let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), outbox.turn());
        let span = tracing::info_span!(
            target: TURN,
            parent: None,
            "turn",
            %platform,
            %call,
            %turn,
            input = InputKind::of(trigger.as_input()).as_str(),
            outcome = Empty,
            cause = Empty,
            failure = Empty,
            first_by = Empty,
            first_packet_ms = Empty,
            duration_ms = Empty,
            trace_id = Empty,
            parent_id = Empty,
            span_id = Empty,
        );
        if !span.is_disabled() {
            span.follows_from(Span::current());
            self.link(&span, call);
        }
        span
    }

    /// Returns the span of a hook between turns, the root of a trace.
    pub(super) fn hook(&self, platform: Platform, call: &CallKey, hook: &'static str) -> Span {
        let span = hook_span(platform, call, hook);
        self.link(&span, call);
        span
    }
}

/// Returns the span of a hook outside of turns, the root of a trace.
pub(super) fn hook_span(platform: Platform, call: &CallKey, hook: &'static str) -> Span {
    tracing::info_span!(target: TURN, parent: None, "hook", %platform, %call, hook)
}
