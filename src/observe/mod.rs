//! Events of bots, servers and clients, for metrics and alerts.
//!
//! An [`Observer`] gets an [`Event`] for each thing that matters. Set it with
//! [`HostBuilder::observer`](crate::bot::HostBuilder::observer), which also covers the servers of the host.
//! Events have no text of callers or bots. What they count and measure can't be seen from outside a host:
//! fillers, late answers, repeated requests, failures of the store.
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
//! as [`Platform`](crate::bot::Platform) displays them: `digital-employee`, `duix`, `duix-stream`, `odfs`.
//! The other fields are measurements, or ids, which are too many for labels of metrics.
//!
//! | Event | When | Labels | Measurements and ids |
//! |---|---|---|---|
//! | `TurnStarted` | the task of a turn starts | `platform`, `input` | `call`, `turn` |
//! | `TurnEnded` | its reply is over, and the bot has stopped | `platform`, `input`, `outcome`, `cause`, `failure`, `first_by`, `repeated` | `call`, `turn`, `first_packet`, `duration`, `packets`, `bytes`, `budget`, `store_time`, `hold_wait`, `requests` |
//! | `CallBegun` | the first turn of a call is in the store | `platform` | `call` |
//! | `CallEnded` | a call has left the store | `platform`, `why` | `call`, `turns`, `duration` |
//! | `TurnCut` | a turn that was cut has stopped | `platform`, `cause` | `call`, `turn`, `latency` |
//! | `StoreOperation` | the store has answered | `operation`, `outcome` | `duration` |
//! | `HoldBroken` | the time of a hold was up before its work was complete | `platform`, `dropped` | `call`, `turn`, `after` |
//! | `Refused` | a server has refused a request, or its handler has with a status below 500 | `platform`, `operation`, `status`, `reason` | |
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
//! | `operation` of a store | `open`, `hold`, `write`, `note`, `read`, `end`, `evict`, `claim_idle` |
//! | `outcome` of a store | `ok`, `full`, `fenced`, `failed`, `dropped` |
//! | `reason` | `signature`, `token`, `method`, `media_type`, `cross_site`, `encoding`, `too_large`, `late_body`, `incomplete`, `json`, `body`, `unsupported`, `unavailable`, `handler` |
//! | `outcome` of a client | `ok`, `failure`, `status`, `decode`, `deadline`, `transport`, `cut`, `invalid`, `dropped` |
//!
//! Without an observer nothing is measured.

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

#[cfg(feature = "metrics")]
pub use self::metrics::{BUCKETS_SECONDS, Metrics};
#[cfg(feature = "bot")]
pub use bot::{
    CallBegun, CallEnded, FirstBy, HoldBroken, InputKind, StoreOperation, StoreOperationKind,
    StoreOutcome, TurnCut, TurnEnded, TurnFailure, TurnOutcome, TurnStarted,
};
#[cfg(feature = "client")]
pub use client::{UpstreamOutcome, UpstreamRequest};
pub use context::{Propagator, PropagatorError, TraceContext, set_propagator};
pub(crate) use context::{carried, poll_in, propagator};
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
