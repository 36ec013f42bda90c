//! Reports turns and calls: to the observers, in the log, and in the span of the turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::{Level, Span};

use super::shared::Shared;
use super::trigger::Trigger;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Ended, Input};
use crate::bot::outbox::{Measured, Outbox};
use crate::bot::store::Meter;
use crate::observe::{
    CALL, CONTENT, CallBegun, CallEnded, Event, InputKind, TURN, TurnCut, TurnEnded, TurnFailure,
    TurnStarted,
};

/// Reports the start of a turn when it is created, and its end when it is dropped: also the end of a turn
/// whose task is dropped.
///
/// It must be dropped after the [`TurnGuard`](super::shared::TurnGuard), which ends the reply.
pub(super) struct TurnReport<'a, B: Bot> {
    shared: &'a Shared<B>,
    outbox: &'a Outbox,
    trigger: &'a Trigger,
    span: Span,
    /// When the bot's future was dropped or had ended.
    stopped: Option<Instant>,
}

impl<'a, B: Bot> TurnReport<'a, B> {
    pub(super) fn start(
        shared: &'a Shared<B>,
        outbox: &'a Outbox,
        trigger: &'a Trigger,
        span: Span,
    ) -> Self {
        let report = Self { shared, outbox, trigger, span, stopped: None };
        let observers = &shared.setup.observers;
        if !observers.is_empty() {
            let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), outbox.turn());
            let started = TurnStarted { platform, call, turn, input: report.input() };
            observers.emit(&Event::TurnStarted(&started));
        }
        report
    }

    /// Marks that the bot no longer works on the turn.
    pub(super) fn stop(&mut self) {
        self.stopped = self.outbox.is_timed().then(Instant::now);
    }

    fn input(&self) -> InputKind {
        InputKind::of(self.trigger.as_input())
    }

    fn emit(&self, measured: &Measured) {
        let observers = &self.shared.setup.observers;
        if observers.is_empty() {
            return;
        }
        let adapter = self.outbox.adapter();
        let (platform, call, turn) = (adapter.platform, self.outbox.call(), self.outbox.turn());
        if let Some(cause) = measured.cause {
            let stopped = self.stopped.unwrap_or_else(Instant::now);
            let latency = stopped.saturating_duration_since(measured.ended);
            let cut = TurnCut { platform, call, turn, cause, latency };
            observers.emit(&Event::TurnCut(&cut));
        }
        let [store_time, hold_wait] = waits();
        let ended = TurnEnded {
            platform,
            call,
            turn,
            input: self.input(),
            outcome: measured.outcome,
            cause: measured.cause,
            failure: measured.failure,
            first_packet: measured.first_packet,
            first_by: measured.first_by,
            duration: measured.duration,
            packets: measured.packets,
            bytes: measured.bytes,
            budget: adapter.budget,
            store_time,
            hold_wait,
            repeated: measured.repeated,
            requests: measured.requests,
        };
        observers.emit(&Event::TurnEnded(&ended));
    }

    /// Writes the line of a turn. What went wrong has a line of its own, at a higher level, when it happened.
    fn log(&self, measured: &Measured) {
        let Measured { outcome, packets, bytes, requests, .. } = measured;
        let (platform, call, turn) =
            (self.outbox.adapter().platform, self.outbox.call(), self.outbox.turn());
        let (fields, [store_time, hold_wait]) = (Fields::of(measured), waits());
        tracing::debug!(
            target: TURN,
            %platform,
            %call,
            %turn,
            input = self.input().as_str(),
            outcome = outcome.as_str(),
            cause = fields.cause,
            failure = fields.failure,
            first_by = fields.first_by,
            first_packet_ms = fields.first_packet_ms,
            duration_ms = fields.duration_ms,
            packets,
            bytes,
            requests,
            repeated = measured.repeated,
            store_ms = ms(store_time),
            hold_wait_ms = ms(hold_wait),
            "a turn ended"
        );
        let span = &self.span;
        span.record("outcome", outcome.as_str());
        span.record("cause", fields.cause);
        span.record("failure", fields.failure);
        span.record("first_by", fields.first_by);
        span.record("first_packet_ms", fields.first_packet_ms);
        span.record("duration_ms", fields.duration_ms);
    }

    /// Traces what was said, if the call is chosen for it.
    fn trace_content(&self) {
        let Some(chooses) = &self.shared.setup.content else { return };
        let call = self.outbox.call();
        if !tracing::enabled!(target: CONTENT, Level::TRACE)
            || !catch_unwind(AssertUnwindSafe(|| chooses(call))).unwrap_or_default()
        {
            return;
        }
        let (platform, turn) = (self.outbox.adapter().platform, self.outbox.turn());
        let entry = self.outbox.shown_entry(self.trigger.input());
        let input = match &entry.input {
            Some(Input::Other(json)) => Some(json.to_string()),
            Some(input) => input.text().map(str::to_owned),
            None => None,
        };
        tracing::trace!(
            target: CONTENT,
            %platform,
            %call,
            %turn,
            input = input.as_deref(),
            filler = entry.filler.as_deref(),
            said = entry.said.as_str(),
            apology = entry.apology.as_deref(),
            "what was said in a turn"
        );
    }
}

impl<B: Bot> Drop for TurnReport<'_, B> {
    fn drop(&mut self) {
        let outbox = self.outbox;
        if outbox.failure() == Some(TurnFailure::Internal) {
            let (platform, call, turn) = (outbox.adapter().platform, outbox.call(), outbox.turn());
            tracing::error!(%platform, %call, %turn, "a turn failed: its task was dropped");
        }
        if outbox.is_timed() {
            let measured = outbox.measured();
            self.emit(&measured);
            self.log(&measured);
        }
        self.trace_content();
    }
}

/// Returns how long the current turn has waited for the store, and for the hold of another turn.
fn waits() -> [Duration; 2] {
    Meter::current().map_or_else(Default::default, |meter| [meter.store_time(), meter.hold_wait()])
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What was measured of a turn, as fields of a line and of a span.
struct Fields {
    cause: Option<&'static str>,
    failure: Option<&'static str>,
    first_by: Option<&'static str>,
    first_packet_ms: Option<u64>,
    duration_ms: u64,
}

impl Fields {
    fn of(measured: &Measured) -> Self {
        Self {
            cause: measured.cause.map(|cause| cause.as_str()),
            failure: measured.failure.map(TurnFailure::as_str),
            first_by: measured.first_by.map(|by| by.as_str()),
            first_packet_ms: measured.first_packet.map(ms),
            duration_ms: ms(measured.duration),
        }
    }
}

/// Reports the end of a call when it is dropped: also if the hook of the bot panics, takes too long, or is
/// dropped at the end of the process.
pub(super) struct EndReport<'a, B: Bot> {
    shared: &'a Shared<B>,
    platform: Platform,
    call: &'a CallKey,
    pub why: Ended,
    /// The number of its turns, and when it began, if that is known.
    begun: (u64, Option<SystemTime>),
    /// The span of the call, which ends after its last hook.
    span: Option<Span>,
}

impl<'a, B: Bot> EndReport<'a, B> {
    pub(super) fn new(
        shared: &'a Shared<B>,
        platform: Platform,
        call: &'a CallKey,
        begun: (u64, Option<SystemTime>),
        span: Option<Span>,
    ) -> Self {
        Self { shared, platform, call, why: Ended::Unknown, begun, span }
    }
}

impl<B: Bot> Drop for EndReport<'_, B> {
    fn drop(&mut self) {
        let Self { shared, platform, call, why, begun: (turns, begun), .. } = *self;
        let duration = begun.and_then(|begun| begun.elapsed().ok());
        tracing::debug!(target: CALL, %platform, %call, why = why.as_str(), turns, "a call ended");
        let ended = CallEnded { platform, call, why, turns, duration };
        shared.setup.observers.emit(&Event::CallEnded(&ended));
        drop(self.span.take());
    }
}

impl<B: Bot> Shared<B> {
    /// Reports that a call has begun. Called in its first turn, when that has created it in the store.
    pub(super) fn report_begun(&self, platform: Platform, call: &CallKey) {
        self.spans.begin(platform, call);
        tracing::debug!(target: CALL, %platform, %call, "a call began");
        self.setup.observers.emit(&Event::CallBegun(&CallBegun { platform, call }));
    }
}
