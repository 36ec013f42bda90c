//! Events of bots, servers and clients, for metrics and alerts.
//!
//! An [`Observer`] gets an [`Event`] for each thing that matters. Set it with
//! [`HostBuilder::observer`](crate::bot::HostBuilder::observer), which also covers the servers of the host.
//! Events have no text of callers or bots. They count what can't be seen from outside a host: fillers, late
//! answers, repeated requests, failures of the store.
//!
//! ```
//! # #[cfg(all(feature = "bot", feature = "client", feature = "odfs"))]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use callbot::bot::{Host, Platform};
//! use callbot::observe::{Event, Observer, TurnOutcome};
//! # use callbot::bot::testing::TestCall;
//! # use callbot::bot::{Bot, Call, Input, Reply, Result};
//! # struct Parrot;
//! # impl Bot for Parrot {
//! #     type Memory = ();
//! #     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
//! #         reply.say("Hello!").await
//! #     }
//! # }
//!
//! /// Counts the turns that were not answered.
//! #[derive(Default)]
//! struct Unanswered(AtomicU64);
//!
//! impl Observer for Unanswered {
//!     fn observe(&self, event: &Event<'_>) {
//!         if let Event::TurnEnded(turn) = event
//!             && turn.outcome != TurnOutcome::Answered
//!         {
//!             self.0.fetch_add(1, Ordering::Relaxed);
//!         }
//!     }
//! }
//!
//! let unanswered = Arc::new(Unanswered::default());
//! let host = Host::builder(Parrot).observer(unanswered.clone()).build();
//!
//! let mut call = TestCall::on(Platform::Odfs, host);
//! call.say("Is anybody there?").await.expect_text("Hello!");
//! assert_eq!(unanswered.0.load(Ordering::Relaxed), 0);
//! # }
//! # #[cfg(not(all(feature = "bot", feature = "client", feature = "odfs")))]
//! # fn main() {}
//! ```
//!
//! # Events
//!
//! A label is one of a few names, which do not change; `as_str` of its type returns it. Platforms are labels
//! as [`Platform`](crate::bot::Platform) displays them: `digital-employee`, `duix`, `duix-stream`, `odfs`,
//! `aicall`, `chat`. The other fields are measurements, or ids, which are too many for labels of metrics.
//!
//! | Event | When | Labels | Measurements and ids |
//! |---|---|---|---|
//! | `TurnStarted` | the task of a turn starts | `platform`, `input` | `call`, `turn` |
//! | `TurnEnded` | its reply is over, and the bot has stopped | `platform`, `input`, `outcome`, `cause`, `failure`, `first_by`, `repeated` | `call`, `turn`, `first_packet`, `duration`, `packets`, `bytes`, `budget`, `store_time`, `hold_wait`, `requests` |
//! | `CallBegun` | the first turn of a call has created it in the store | `platform` | `call` |
//! | `CallEnded` | a call has ended, and the bot has been notified | `platform`, `why` | `call`, `turns`, `duration` |
//! | `CallSummary` | a call that an [`Assistant`](crate::llm::Assistant) has answered ends | `platform`, `why` | `call`, `turns`, `cuts`, `apologies`, `first_packets`, `requests`, `fallbacks`, `tool_calls`, `prompt_tokens`, `completion_tokens` |
//! | `TurnCut` | a turn that was cut has stopped | `platform`, `cause` | `call`, `turn`, `latency` |
//! | `StoreOperation` | the store has answered, or the runtime no longer waits for it | `operation`, `outcome` | `duration` |
//! | `HoldBroken` | a hold ended before its work was complete; once more if that is dropped later | `platform`, `dropped` | `call`, `turn`, `after` |
//! | `Refused` | a server has refused a request, or its handler has, with a status below 500, 501 or 503 | `platform`, `operation`, `status`, `reason` | |
//! | `AgentStarted`, `AgentStopped` | the app server has started or stopped an agent | `operation` | `instance` |
//! | `UpstreamRequest` | a client has ended a request, with all attempts | `operation`, `status`, `outcome` | `attempts`, `duration` |
//!
//! | Label | Values |
//! |---|---|
//! | `input` | `begin`, `speech`, `dtmf`, `silence`, `no_match`, `transferred`, `transfer_failed`, `other` |
//! | `outcome` of a turn | `answered`, `shortened` (a greeting at its deadline), `apology`, `failed`, `cut` |
//! | `cause` | `barge_in`, `new_turn`, `peer_gone`, `deadline`, `call_over` |
//! | `failure` | `bot`, `rejected`, `panic`, `deadline`, `memory`, `store`, `full`, `shutdown`, `internal` |
//! | `first_by` | `bot`, `filler`, `apology` |
//! | `why` | `by_bot`, `by_caller`, `transferred`, `expired`, `evicted`, `shutdown`, `unknown` |
//! | `operation` of a store | `open`, `hold`, `write`, `leave`, `abort`, `read`, `evict`, `claim`, `remove`, `check` |
//! | `outcome` of a store | `ok`, `full`, `fenced`, `gone` (the store did not have the call), `failed`, `dropped` |
//! | `reason` | `signature`, `token`, `method`, `media_type`, `cross_site`, `encoding`, `too_large`, `late_body`, `incomplete`, `json`, `body`, `unsupported`, `unavailable`, `handler` |
//! | `outcome` of a client | `ok`, `failure`, `status`, `decode`, `deadline`, `transport`, `cut`, `dropped` |
//!
//! With a [store that several processes share](crate::bot::Store::shared), `CallSummary` and `CallEnded` may come
//! more than once for a call, as [`Bot::ended`](crate::bot::Bot::ended) may.
//!
//! Without an observer, and without a subscriber that wants the span of a turn, nothing is measured.
//!
//! # Traces
//!
//! Each turn of a bot has a `tracing` span. It contains the events of the bot and the requests of its clients.
//! It stays open until the turn ends, also if the platform has gone and the bot
//! [holds](crate::bot::Call::hold).
//!
//! | Span | Level | Target | Fields |
//! |---|---|---|---|
//! | `turn` | `INFO` | `callbot::turn` | `platform`, `call`, `turn`, `input`; at its end `outcome`, `cause`, `failure`, `first_by`, `first_packet_ms`, `duration_ms` |
//! | `call` | `INFO` | `callbot::call` | `platform`, `call` |
//! | `model` | `DEBUG` | `callbot::model` | `otel.name`, `otel.kind` (`client`), `gen_ai.operation.name` (`chat`), `gen_ai.request.model`; at its end `gen_ai.usage.input_tokens`, `gen_ai.usage.output_tokens` |
//! | `tool` | `DEBUG` | `callbot::model` | `otel.name`, `gen_ai.operation.name` (`execute_tool`), `gen_ai.tool.name` |
//! | `hook` | `INFO` | `callbot::turn` | `platform`, `call`, `hook`: `interrupted` or `ended`, between turns |
//!
//! `model` and `tool` are spans of an [`Assistant`](crate::llm::Assistant): one for each request to a model,
//! which contains the attempts of its client, and one for each tool call. Their fields have the names of
//! OpenTelemetry's semantic conventions for generative AI.
//!
//! A call may last for an hour, so each turn is a trace of its own. The span `call` opens when the call begins,
//! and lives until the call ends. It is a root, and so are the spans of turns and hooks. They *follow from* it,
//! which OpenTelemetry calls a link. The span of a turn also follows from that of its request. A call that has
//! begun in another process has no span here.
//!
//! | Event | Level | Target | Fields |
//! |---|---|---|---|
//! | a turn ended | `DEBUG` | `callbot::turn` | those of the span, `packets`, `bytes`, `requests`, `repeated`, `store_ms`, `hold_wait_ms` |
//! | a call began, a call ended | `DEBUG` | `callbot::call` | `platform`, `call`; at the end `why`, `turns` |
//! | the summary of a call | `DEBUG` | `callbot::call` | `platform`, `call`, `why`, `turns`, `cuts`, `apologies`, `requests`, `fallbacks`, `tool_calls`, `prompt_tokens`, `completion_tokens` |
//! | a turn failed, with its error | `ERROR` | | `platform`, `call`, `turn` |
//! | what was said in a turn | `TRACE` | `callbot::content` | `platform`, `call`, `turn`, `input`, `filler`, `said`, `apology` |
//!
//! **`callbot::content` is personal data.** Nothing goes there unless you ask for it with
//! [`HostBuilder::trace_content`](crate::bot::HostBuilder::trace_content), for single calls. Secret inputs are
//! never shown. callbot itself puts what callers and bots say into no other target.
//!
//! # Traces of servers and clients
//!
//! Each request at a server and each attempt of a client has a span, which contains the events of the handler
//! and of the transport. That of a stream lasts until the end of its body. A request with another method than
//! that of its path has only the event `Refused`. The fields have the names of OpenTelemetry's semantic
//! conventions, where these have one. `operation` is the
//! `operationId` of the spec, and `platform` is as in the events.
//!
//! | Span | Level | Target | Fields |
//! |---|---|---|---|
//! | `request` | `DEBUG` | `callbot::request` | `otel.name`, `otel.kind` (`server`), `operation`, `platform`, `http.request.method`, `http.route`, `url.path`, `server.address`; later `http.response.status_code`, `error.type`, `otel.status_code` |
//! | `attempt` | `DEBUG` | `callbot::attempt` | `otel.name`, `otel.kind` (`client`), `operation`, `http.request.method`, `http.request.resend_count` (from the first retry on), `url.path`, `server.address`, `server.port`; later `http.response.status_code`, `error.type`, `otel.status_code` |
//!
//! `error.type` of a `request` is the `reason` of a refusal, or `handler`, `deadline`, `internal` or
//! `peer_gone`. That of an `attempt` is the `outcome` of a client. `otel.status_code` is `ERROR` for a
//! status from 500 on, and for an attempt that failed, but not for one that was dropped. In a stream or an
//! envelope a failure may have status 200.
//!
//! | Event | Level | Target | Fields |
//! |---|---|---|---|
//! | a request was refused | `WARN` | | `operation`, `platform`, `status`, `reason` |
//! | a handler rejected a request: a status below 500 | `WARN` | | `operation`, `platform`, `status` |
//! | a handler failed, panicked or missed its deadline, or its response is invalid | `ERROR` | | `operation`, `platform`, `status` if it failed |
//! | a [`VerifyLayer`](crate::auth::VerifyLayer) refused a request | `WARN` | | `status`, `reason` |
//! | an attempt got a response, or none | `DEBUG` | | `operation`, `status`, `elapsed` |
//! | an attempt is repeated | `DEBUG` | | `operation`, `attempt`, `status`, `pause` |
//! | a request or a response | `TRACE` | `callbot::content` | `operation`, `platform`, and `request` or `answer` |
//! | a packet of a stream | `TRACE` | `callbot::content` | `packet`, in the span of its request |
//! | a request that can't be read | `TRACE` | `callbot::content` | `operation`, `platform`, `reason`, `request` |
//!
//! The content is personal data too, and only there if
//! [`Server::trace_content`](crate::server::Server::trace_content) or
//! [`Server::trace_content_if`](crate::server::Server::trace_content_if) asks for it. An event without a
//! target here has that of its module, which begins with `callbot::`.
//!
//! # Distributed traces
//!
//! A server takes in `traceparent` and `tracestate` of the W3C's Trace Context. [`TraceContext::current`]
//! returns them to a handler and to a bot, and the clients of this crate pass them on, each attempt with an
//! id of its own. A request without `traceparent` starts no trace, and nothing is passed on.
//!
//! The ids are in the fields `trace_id`, `parent_id` and `span_id` of the spans `request`, `turn` and
//! `attempt`, so the lines of a log can be found by the id of a trace. A library such as OpenTelemetry
//! makes ids of its own: connect it with a [`Propagator`]. Request and turn then are children of the
//! platform's span. Export the spans with the filter `callbot=debug`.

#[cfg(feature = "bot")]
mod bot;
#[cfg(feature = "client")]
mod client;
mod context;
mod label;
#[cfg(feature = "metrics")]
mod metrics;
mod observers;
#[cfg(feature = "server")]
mod server;

use std::sync::Arc;

/// The target of the spans of turns, and of the line at the end of each.
#[cfg(feature = "bot")]
pub(crate) const TURN: &str = "callbot::turn";
/// The target of the spans of calls, and of the lines at their start and end.
#[cfg(feature = "bot")]
pub(crate) const CALL: &str = "callbot::call";
/// The target of the spans of an assistant's models and tools.
#[cfg(feature = "llm")]
pub(crate) const MODEL: &str = "callbot::model";
/// The target of the spans of requests at servers.
#[cfg(feature = "server")]
pub(crate) const REQUEST: &str = "callbot::request";
/// The target of the spans of attempts of clients.
#[cfg(feature = "client")]
pub(crate) const ATTEMPT: &str = "callbot::attempt";
/// The target of what callers and bots say.
#[cfg(feature = "server")]
pub(crate) const CONTENT: &str = "callbot::content";

#[cfg(feature = "metrics")]
pub use self::metrics::{BUCKETS_SECONDS, Metrics};
#[cfg(feature = "bot")]
pub use bot::{
    CallBegun, CallEnded, FirstBy, HoldBroken, InputKind, StoreOperation, StoreOperationKind,
    StoreOutcome, TurnCut, TurnEnded, TurnFailure, TurnOutcome, TurnStarted,
};
#[cfg(feature = "llm")]
pub use bot::{CallSummary, FirstPackets};
#[cfg(feature = "client")]
pub use client::{UpstreamOutcome, UpstreamRequest};
pub use context::{Propagator, PropagatorError, TraceContext, set_propagator};
#[allow(unused_imports, reason = "servers and clients use a part each")]
pub(crate) use context::{carried, continued, poll_in, propagator};
pub(crate) use observers::Observers;
#[cfg(all(feature = "aui", feature = "server"))]
pub use server::{AgentStarted, AgentStopped};
#[cfg(feature = "server")]
pub use server::{RefusalReason, Refused};

/// Gets the events of a host, a server or a client; see [the module](self) for a table of them.
///
/// It is called in the task of the turn or the request, so it must return quickly: what it waits for, the
/// caller waits for. Count, or pass the event on through a channel that never blocks. A panic is logged and
/// goes no further.
pub trait Observer: Send + Sync + 'static {
    /// Called for each event. Pass over those that you do not know: more may come.
    fn observe(&self, event: &Event<'_>);
}

/// For an observer that you keep, such as to read what it has counted.
impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}

/// An event.
///
/// Each variant has a struct of its own. More variants and more fields may come.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A turn has started.
    #[cfg(feature = "bot")]
    TurnStarted(&'a TurnStarted<'a>),
    /// A turn has ended.
    #[cfg(feature = "bot")]
    TurnEnded(&'a TurnEnded<'a>),
    /// A call has begun.
    #[cfg(feature = "bot")]
    CallBegun(&'a CallBegun<'a>),
    /// A call has ended.
    #[cfg(feature = "bot")]
    CallEnded(&'a CallEnded<'a>),
    /// A call that an assistant has answered ends.
    #[cfg(feature = "llm")]
    CallSummary(&'a CallSummary<'a>),
    /// A turn that was cut has stopped.
    #[cfg(feature = "bot")]
    TurnCut(&'a TurnCut<'a>),
    /// An operation of the store has ended.
    #[cfg(feature = "bot")]
    StoreOperation(&'a StoreOperation),
    /// The time of a hold was up before its work was complete.
    #[cfg(feature = "bot")]
    HoldBroken(&'a HoldBroken<'a>),
    /// A server has refused a request.
    #[cfg(feature = "server")]
    Refused(&'a Refused),
    /// The app server has started an agent.
    #[cfg(all(feature = "aui", feature = "server"))]
    AgentStarted(&'a AgentStarted<'a>),
    /// The app server has stopped an agent.
    #[cfg(all(feature = "aui", feature = "server"))]
    AgentStopped(&'a AgentStopped<'a>),
    /// A client has ended a request.
    #[cfg(feature = "client")]
    UpstreamRequest(&'a UpstreamRequest),
}

impl Event<'_> {
    /// Returns the name of the event in `snake_case`, which does not change.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "bot")]
            Self::TurnStarted(_) => "turn_started",
            #[cfg(feature = "bot")]
            Self::TurnEnded(_) => "turn_ended",
            #[cfg(feature = "bot")]
            Self::CallBegun(_) => "call_begun",
            #[cfg(feature = "bot")]
            Self::CallEnded(_) => "call_ended",
            #[cfg(feature = "llm")]
            Self::CallSummary(_) => "call_summary",
            #[cfg(feature = "bot")]
            Self::TurnCut(_) => "turn_cut",
            #[cfg(feature = "bot")]
            Self::StoreOperation(_) => "store_operation",
            #[cfg(feature = "bot")]
            Self::HoldBroken(_) => "hold_broken",
            #[cfg(feature = "server")]
            Self::Refused(_) => "refused",
            #[cfg(all(feature = "aui", feature = "server"))]
            Self::AgentStarted(_) => "agent_started",
            #[cfg(all(feature = "aui", feature = "server"))]
            Self::AgentStopped(_) => "agent_stopped",
            #[cfg(feature = "client")]
            Self::UpstreamRequest(_) => "upstream_request",
        }
    }
}
