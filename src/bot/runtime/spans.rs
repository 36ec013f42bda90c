//! The spans of calls, turns and hooks.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use super::trigger::Trigger;
use crate::bot::capabilities::Platform;
use crate::bot::input::CallKey;
use crate::bot::outbox::Outbox;
use crate::lock::Mutex;
use crate::observe::{CALL, InputKind, TURN};

/// The spans of the calls that have begun in this process, if a subscriber wants them.
///
/// Each turn is a trace of its own: a call may last for an hour, and a trace that long is never complete
/// where it is looked at. So that a turn leads to its call, it follows from the span of the call. That span is
/// a child of the turn with which the call began, and lives until the call ends: a subscriber knows a span
/// only as long as that is open, so the span of the first turn would not do.
#[derive(Default)]
pub(super) struct Spans(Mutex<HashMap<CallKey, CallSpan>>);

struct CallSpan {
    span: Span,
    /// When the last turn of the call started.
    used: Instant,
}

impl Spans {
    /// Opens the span of a call in the turn with which it begins.
    pub(super) fn begin(&self, platform: Platform, call: &CallKey) {
        let span = tracing::info_span!(target: CALL, "call", %platform, %call);
        if !span.is_disabled() {
            self.0.lock().insert(call.clone(), CallSpan { span, used: Instant::now() });
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
        if let Some(known) = self.0.lock().get_mut(call) {
            known.used = Instant::now();
            span.follows_from(&known.span);
        }
    }

    /// Closes the spans of calls without a turn for this long: they have ended in another process.
    pub(super) fn close_idle(&self, idle: Duration) {
        self.0.lock().retain(|_, known| known.used.elapsed() <= idle);
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
