//! Events as metrics.

use std::fmt;

#[cfg(feature = "bot")]
use std::collections::BTreeMap;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};
#[cfg(feature = "bot")]
use metrics::{gauge, histogram};

#[cfg(feature = "bot")]
use super::{
    CallBegun, CallEnded, FirstBy, HoldBroken, StoreOperation, TurnCut, TurnEnded, TurnStarted,
};
use super::{Event, Observer};
#[cfg(feature = "bot")]
use crate::lock::Mutex;

/// Upper bounds of buckets, in seconds, for the histograms of [`Metrics`].
///
/// The limits of the platforms are bounds: 200 ms and 600 ms on Digital Employee, 20 s on DUIX, 30 s on ODFS. A
/// turn that misses its limit is cut before it, at the limit less the margin, so count such turns with
/// `callbot_turn_failures_total{failure="deadline"}`. The first bounds are for a store in memory, the last ones
/// for whole calls.
pub const BUCKETS_SECONDS: [f64; 25] = [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0,
    2.0, 5.0, 8.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 1200.0,
];

/// An observer that counts and measures through the facade of the crate
/// [`metrics`](https://docs.rs/metrics), for the exporter that your program installs.
///
/// ```
/// # #[cfg(feature = "bot")]
/// # {
/// use callbot::bot::Host;
/// use callbot::observe::{BUCKETS_SECONDS, Metrics};
/// use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Parrot;
/// # impl Bot for Parrot {
/// #     type Memory = ();
/// #     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
/// #         reply.say("Hello!").await
/// #     }
/// # }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exporter = PrometheusBuilder::new()
///     .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS_SECONDS)?
///     .install_recorder()?;
/// Metrics::describe();
/// let host = Host::builder(Parrot).observer(Metrics::new()).build();
/// // At `/metrics`: `exporter.render()`. Every few seconds: `exporter.run_upkeep()`.
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
///
/// Use one observer for all hosts, servers and clients of a process: clones share the state of the gauges.
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `callbot_turns_total` | counter | `platform`, `outcome` | turns that have ended |
/// | `callbot_turns_running` | gauge | `platform` | turns that run now |
/// | `callbot_turn_inputs_total` | counter | `platform`, `input` | turns that have started, by the kind of input |
/// | `callbot_turn_failures_total` | counter | `platform`, `failure` | turns that failed, whether the caller got an apology or the failure answer |
/// | `callbot_turn_seconds` | histogram | `platform` | from the request to the end of the reply |
/// | `callbot_first_packet_seconds` | histogram | `platform` | from the request to the first packet |
/// | `callbot_turn_store_seconds` | histogram | `platform` | the time of a turn that went to the store |
/// | `callbot_hold_wait_seconds` | histogram | `platform` | the time of a turn that went to waiting for another turn's hold; turns that did not wait are left out |
/// | `callbot_fillers_total` | counter | `platform` | turns whose first packet was a filler |
/// | `callbot_repeats_total` | counter | `platform` | requests that repeated one of a running or answered turn |
/// | `callbot_packets_total` | counter | `platform` | packets of replies |
/// | `callbot_reply_bytes_total` | counter | `platform` | bytes of text in these packets |
/// | `callbot_cuts_total` | counter | `platform`, `cause` | turns that were cut |
/// | `callbot_cancel_seconds` | histogram | | from a cut until the bot has stopped |
/// | `callbot_holds_broken_total` | counter | `platform`, `dropped` | holds that ended before their work, by what became of it: with `dropped` `false` it goes on, with `true` it was dropped |
/// | `callbot_calls` | gauge | `platform` | calls that have begun and not ended |
/// | `callbot_calls_ended_total` | counter | `platform`, `why` | calls that have ended |
/// | `callbot_call_seconds` | histogram | `platform` | from the first turn to the end of the call |
/// | `callbot_model_tokens_total` | counter | `platform`, `kind` | tokens of an assistant's models, added when its call ends; `kind` is `prompt` or `completion` |
/// | `callbot_model_fallbacks_total` | counter | `platform` | how often a fallback of an assistant took over, added when its call ends |
/// | `callbot_tool_calls_total` | counter | `platform` | tool calls of an assistant, added when its call ends |
/// | `callbot_store_seconds` | histogram | `operation`, `outcome` | an operation of the store |
/// | `callbot_refused_total` | counter | `platform`, `reason` | requests that a server refused |
/// | `callbot_agents_started_total` | counter | `operation` | agents that the app server started |
/// | `callbot_agents_stopped_total` | counter | `operation` | agents that the app server stopped |
/// | `callbot_upstream_requests_total` | counter | `operation`, `outcome` | requests of clients |
/// | `callbot_upstream_attempts_total` | counter | `operation` | attempts of these requests |
/// | `callbot_upstream_seconds` | histogram | `operation` | a request of a client, with all its attempts |
///
/// [The module](super#events) lists the values of the labels. Their number is limited: no label is an id or a
/// text. The metrics of calls (`callbot_calls…`, `callbot_call_seconds`) and of assistants have the platform
/// of the call's key, in which `duix` is both kinds of DUIX.
///
/// A gauge is set to what the observer has counted, so it is right even if the exporter is installed late.
/// With a [`Store`](crate::bot::Store) that several processes share, a call may begin in one process and end
/// in another, where `callbot_calls` may become negative. Their sum is right until a process crashes, or a turn
/// is cut while such a store creates its call.
#[derive(Clone, Default)]
pub struct Metrics {
    #[cfg(feature = "bot")]
    levels: std::sync::Arc<Levels>,
}

/// What the gauges show.
#[cfg(feature = "bot")]
#[derive(Default)]
struct Levels {
    turns: Level,
    calls: Level,
}

/// What a gauge shows, by platform.
///
/// It counts here and sets the gauge, rather than to add to it: without an exporter an addition is lost, and
/// the gauge would be off for ever. The lock is held while the gauge is set, so that the gauge gets the
/// numbers in the order in which they were counted.
#[cfg(feature = "bot")]
#[derive(Default)]
struct Level(Mutex<BTreeMap<&'static str, i64>>);

#[cfg(feature = "bot")]
impl Level {
    fn add(&self, name: &'static str, platform: &'static str, change: i64) {
        let mut levels = self.0.lock();
        let level = levels.entry(platform).or_default();
        *level = level.saturating_add(change);
        gauge!(name, "platform" => platform).set(*level as f64);
    }
}

impl Metrics {
    /// Creates the observer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the installed exporter the unit and a description of each metric. Exporters that show them want
    /// that before the first event.
    pub fn describe() {
        for (name, unit, text) in COUNTERS {
            describe_counter!(name, unit, text);
        }
        for (name, text) in GAUGES {
            describe_gauge!(name, Unit::Count, text);
        }
        for (name, text) in HISTOGRAMS {
            describe_histogram!(name, Unit::Seconds, text);
        }
    }
}

const TURNS: &str = "callbot_turns_total";
const TURN_INPUTS: &str = "callbot_turn_inputs_total";
const TURN_FAILURES: &str = "callbot_turn_failures_total";
const FILLERS: &str = "callbot_fillers_total";
const REPEATS: &str = "callbot_repeats_total";
const PACKETS: &str = "callbot_packets_total";
const REPLY_BYTES: &str = "callbot_reply_bytes_total";
const CUTS: &str = "callbot_cuts_total";
const HOLDS_BROKEN: &str = "callbot_holds_broken_total";
const CALLS_ENDED: &str = "callbot_calls_ended_total";
const MODEL_TOKENS: &str = "callbot_model_tokens_total";
const MODEL_FALLBACKS: &str = "callbot_model_fallbacks_total";
const TOOL_CALLS: &str = "callbot_tool_calls_total";
const REFUSED: &str = "callbot_refused_total";
const AGENTS_STARTED: &str = "callbot_agents_started_total";
const AGENTS_STOPPED: &str = "callbot_agents_stopped_total";
const UPSTREAM_REQUESTS: &str = "callbot_upstream_requests_total";
const UPSTREAM_ATTEMPTS: &str = "callbot_upstream_attempts_total";

const COUNTERS: [(&str, Unit, &str); 18] = [
    (TURNS, Unit::Count, "Turns that have ended."),
    (TURN_INPUTS, Unit::Count, "Turns that have started, by the kind of input."),
    (TURN_FAILURES, Unit::Count, "Turns that failed."),
    (FILLERS, Unit::Count, "Turns whose first packet was a filler."),
    (REPEATS, Unit::Count, "Requests that repeated one of a running or answered turn."),
    (PACKETS, Unit::Count, "Packets of replies."),
    (REPLY_BYTES, Unit::Bytes, "Text in the packets of replies."),
    (CUTS, Unit::Count, "Turns that were cut."),
    (HOLDS_BROKEN, Unit::Count, "Holds that ended before their work, by what became of it."),
    (CALLS_ENDED, Unit::Count, "Calls that have ended."),
    (MODEL_TOKENS, Unit::Count, "Tokens of the models of assistants."),
    (MODEL_FALLBACKS, Unit::Count, "How often the fallback of an assistant took over."),
    (TOOL_CALLS, Unit::Count, "Tool calls of assistants."),
    (REFUSED, Unit::Count, "Requests that a server refused."),
    (AGENTS_STARTED, Unit::Count, "Agents that the app server started."),
    (AGENTS_STOPPED, Unit::Count, "Agents that the app server stopped."),
    (UPSTREAM_REQUESTS, Unit::Count, "Requests of clients."),
    (UPSTREAM_ATTEMPTS, Unit::Count, "Attempts of the requests of clients."),
];

const TURNS_RUNNING: &str = "callbot_turns_running";
const CALLS: &str = "callbot_calls";

const GAUGES: [(&str, &str); 2] =
    [(TURNS_RUNNING, "Turns that run now."), (CALLS, "Calls that have begun and not ended.")];

const TURN_SECONDS: &str = "callbot_turn_seconds";
const FIRST_PACKET_SECONDS: &str = "callbot_first_packet_seconds";
const TURN_STORE_SECONDS: &str = "callbot_turn_store_seconds";
const HOLD_WAIT_SECONDS: &str = "callbot_hold_wait_seconds";
const CANCEL_SECONDS: &str = "callbot_cancel_seconds";
const CALL_SECONDS: &str = "callbot_call_seconds";
const STORE_SECONDS: &str = "callbot_store_seconds";
const UPSTREAM_SECONDS: &str = "callbot_upstream_seconds";

const HISTOGRAMS: [(&str, &str); 8] = [
    (TURN_SECONDS, "From the request of a turn to the end of its reply."),
    (FIRST_PACKET_SECONDS, "From the request of a turn to its first packet."),
    (TURN_STORE_SECONDS, "The time of a turn that went to the store."),
    (HOLD_WAIT_SECONDS, "The time of a turn that went to waiting for another turn's hold."),
    (CANCEL_SECONDS, "From a cut until the bot has stopped."),
    (CALL_SECONDS, "From the first turn of a call to its end."),
    (STORE_SECONDS, "An operation of the store."),
    (UPSTREAM_SECONDS, "A request of a client, with all its attempts."),
];

impl Observer for Metrics {
    fn observe(&self, event: &Event<'_>) {
        match event {
            #[cfg(feature = "bot")]
            Event::TurnStarted(event) => self.turn_started(event),
            #[cfg(feature = "bot")]
            Event::TurnEnded(event) => self.turn_ended(event),
            #[cfg(feature = "bot")]
            Event::CallBegun(event) => self.call_begun(event),
            #[cfg(feature = "bot")]
            Event::CallEnded(event) => self.call_ended(event),
            #[cfg(feature = "llm")]
            Event::CallSummary(event) => call_summary(event),
            #[cfg(feature = "bot")]
            Event::TurnCut(event) => turn_cut(event),
            #[cfg(feature = "bot")]
            Event::StoreOperation(event) => store_operation(event),
            #[cfg(feature = "bot")]
            Event::HoldBroken(event) => hold_broken(event),
            #[cfg(feature = "server")]
            Event::Refused(event) => {
                let reason = event.reason.as_str();
                counter!(REFUSED, "platform" => event.platform, "reason" => reason).increment(1);
            }
            #[cfg(all(feature = "aui", feature = "server"))]
            Event::AgentStarted(event) => {
                counter!(AGENTS_STARTED, "operation" => event.operation).increment(1);
            }
            #[cfg(all(feature = "aui", feature = "server"))]
            Event::AgentStopped(event) => {
                counter!(AGENTS_STOPPED, "operation" => event.operation).increment(1);
            }
            #[cfg(feature = "client")]
            Event::UpstreamRequest(event) => {
                let (operation, outcome) = (event.operation, event.outcome.as_str());
                counter!(UPSTREAM_REQUESTS, "operation" => operation, "outcome" => outcome)
                    .increment(1);
                counter!(UPSTREAM_ATTEMPTS, "operation" => operation)
                    .increment(event.attempts.into());
                metrics::histogram!(UPSTREAM_SECONDS, "operation" => operation)
                    .record(event.duration);
            }
        }
    }
}

#[cfg(feature = "bot")]
impl Metrics {
    fn turn_started(&self, event: &TurnStarted<'_>) {
        let platform = event.platform.label();
        self.levels.turns.add(TURNS_RUNNING, platform, 1);
        counter!(TURN_INPUTS, "platform" => platform, "input" => event.input.as_str()).increment(1);
    }

    fn turn_ended(&self, event: &TurnEnded<'_>) {
        let platform = event.platform.label();
        self.levels.turns.add(TURNS_RUNNING, platform, -1);
        counter!(TURNS, "platform" => platform, "outcome" => event.outcome.as_str()).increment(1);
        if let Some(failure) = event.failure {
            counter!(TURN_FAILURES, "platform" => platform, "failure" => failure.as_str())
                .increment(1);
        }
        histogram!(TURN_SECONDS, "platform" => platform).record(event.duration);
        if let Some(time) = event.first_packet {
            histogram!(FIRST_PACKET_SECONDS, "platform" => platform).record(time);
        }
        histogram!(TURN_STORE_SECONDS, "platform" => platform).record(event.store_time);
        if !event.hold_wait.is_zero() {
            histogram!(HOLD_WAIT_SECONDS, "platform" => platform).record(event.hold_wait);
        }
        if event.first_by == Some(FirstBy::Filler) {
            counter!(FILLERS, "platform" => platform).increment(1);
        }
        // The first request of a turn is a repeat only if the turn had been answered before.
        let repeats = event.requests.saturating_sub(1) + usize::from(event.repeated);
        if repeats > 0 {
            counter!(REPEATS, "platform" => platform).increment(repeats as u64);
        }
        counter!(PACKETS, "platform" => platform).increment(event.packets as u64);
        counter!(REPLY_BYTES, "platform" => platform).increment(event.bytes as u64);
    }

    fn call_begun(&self, event: &CallBegun<'_>) {
        // The key's platform, not that of the event: what begins a call as one kind of DUIX may end as the
        // other, and the gauge must come back to where it was.
        self.levels.calls.add(CALLS, event.call.platform().label(), 1);
    }

    fn call_ended(&self, event: &CallEnded<'_>) {
        let platform = event.call.platform().label();
        self.levels.calls.add(CALLS, platform, -1);
        counter!(CALLS_ENDED, "platform" => platform, "why" => event.why.as_str()).increment(1);
        if let Some(duration) = event.duration {
            histogram!(CALL_SECONDS, "platform" => platform).record(duration);
        }
    }
}

#[cfg(feature = "llm")]
fn call_summary(event: &super::CallSummary<'_>) {
    let platform = event.call.platform().label();
    for (kind, tokens) in [("prompt", event.prompt_tokens), ("completion", event.completion_tokens)]
    {
        counter!(MODEL_TOKENS, "platform" => platform, "kind" => kind).increment(tokens);
    }
    counter!(MODEL_FALLBACKS, "platform" => platform).increment(event.fallbacks);
    counter!(TOOL_CALLS, "platform" => platform).increment(event.tool_calls);
}

#[cfg(feature = "bot")]
fn turn_cut(event: &TurnCut<'_>) {
    let (platform, cause) = (event.platform.label(), event.cause.as_str());
    counter!(CUTS, "platform" => platform, "cause" => cause).increment(1);
    histogram!(CANCEL_SECONDS).record(event.latency);
}

#[cfg(feature = "bot")]
fn store_operation(event: &StoreOperation) {
    let (operation, outcome) = (event.operation.as_str(), event.outcome.as_str());
    histogram!(STORE_SECONDS, "operation" => operation, "outcome" => outcome)
        .record(event.duration);
}

#[cfg(feature = "bot")]
fn hold_broken(event: &HoldBroken<'_>) {
    let dropped = if event.dropped { "true" } else { "false" };
    counter!(HOLDS_BROKEN, "platform" => event.platform.label(), "dropped" => dropped).increment(1);
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "bot", feature = "aui", feature = "client"))]
mod tests;
