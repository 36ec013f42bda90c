//! The entry point of the runtime: what adapters and the host call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Span;

use super::between::housekeeping;
use super::failure::store_failed;
use super::note::Note;
use super::report::TurnReport;
use super::shared::{END_PATIENCE, Setup, Shared, wait_for_end};
use super::trigger::TurnRequest;
use super::turn::Turn;
use crate::bot::adapter::Adapter;
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::input::{CallKey, Cause, Ended, TurnId};
use crate::bot::outbox::{Outbox, Reader};
use crate::bot::store::{Meter, Record, StoreError};
use crate::boxed::boxed;
use crate::observe::{TraceContext, continued};
use crate::server::Error;

/// How long the answer to an abort waits until the bot has been notified.
const ABORT_PATIENCE: Duration = Duration::from_millis(200);

/// The calls of a bot, on all its platforms.
pub(in crate::bot) struct Calls<B: Bot> {
    shared: Arc<Shared<B>>,
}

impl<B: Bot> Calls<B> {
    pub(in crate::bot) fn new(setup: Setup<B>) -> Self {
        Self { shared: Arc::new(Shared::new(setup)) }
    }

    pub(in crate::bot) fn setup(&self) -> &Setup<B> {
        &self.shared.setup
    }

    /// Starts a turn. A request for a turn that is already running reads the same reply.
    pub(in crate::bot) fn ask(
        &self,
        adapter: &Arc<Adapter>,
        request: TurnRequest,
    ) -> Result<Reader, Error> {
        self.start();
        let shared = &self.shared;
        let TurnRequest { turn, trigger, info, history } = request;
        let call = info.key();
        let mut running = shared.running();
        let outboxes = running.entry(call.clone()).or_default();
        let mut same = outboxes.iter().filter(|outbox| *outbox.turn() == turn);
        if let Some(reader) = same.find_map(Reader::new) {
            return Ok(reader);
        }
        let arrived = crate::server::arrived();
        let (limits, kind) = (&shared.setup.limits, trigger.reply_kind());
        let outbox = Arc::new(Outbox::new(call, turn, adapter.clone(), limits, arrived, kind));
        let Some(reader) = Reader::new(&outbox) else {
            return Err(StoreError::Fenced.into());
        };
        if shared.is_closing() {
            if outboxes.is_empty() {
                running.remove(outbox.call());
            }
            drop(running);
            let report = TurnReport::start(shared, &outbox, &trigger, Span::none());
            outbox.refuse_shutdown();
            drop(report);
            return Ok(reader);
        }
        let waiting: Vec<_> = outboxes.iter().filter(|other| other.lease().is_none()).collect();
        let waiting: Vec<_> = waiting.into_iter().cloned().collect();
        outboxes.push(outbox.clone());
        drop(running);
        if adapter.capabilities.newest_wins {
            // They wait for the call, and must not get it after this turn.
            for other in waiting {
                other.cut(Cause::NewTurn);
            }
        }
        let meter = outbox.is_timed().then(Arc::default);
        let span = shared.spans.turn(&outbox, &trigger);
        let context = TraceContext::local().map(|parent| continued(&span, parent));
        let info = Arc::new(info);
        let turn = Turn { shared: shared.clone(), outbox, trigger, history };
        // Boxed before anything else: each future around it would hold a copy of it.
        shared.start_turn(context, Meter::scope(meter, boxed(|| turn.run(info, span))));
        Ok(reader)
    }

    /// Cuts a turn because the caller barged in. `heard` is the part of the reply that the caller
    /// heard.
    pub(in crate::bot) async fn abort(
        &self,
        call: CallKey,
        turn: TurnId,
        heard: Option<String>,
    ) -> Result<(), Error> {
        self.start();
        let Setup { store, limits, .. } = self.setup();
        let mut outboxes = self.shared.outboxes(&call);
        outboxes.retain(|outbox| *outbox.turn() == turn);
        for outbox in &outboxes {
            outbox.cut(Cause::BargeIn);
        }
        // No reply is longer, so a longer text can't be a part of one.
        let mut heard = heard.filter(|heard| heard.len() <= 2 * limits.max_reply_bytes);
        if heard.is_some() && self.shared.repeats_secret(&call, &turn).await {
            heard = None;
        }
        let note = Note::Aborted { turn: turn.clone(), heard }.to_bytes();
        let is_known = store.abort(&call, &turn, note).await.map_err(store_failed)?;
        self.shared.spawn_few_ends(call.platform());
        if !is_known {
            // The call is over or unknown: there is nothing to cut.
            return Ok(());
        }
        let shared = self.shared.clone();
        let reported = self.shared.spawn(async move {
            wait_for_end(&outboxes).await;
            shared.report_cuts(call).await;
        });
        // The bot is notified now if possible, otherwise before its next turn.
        let _ = timeout(ABORT_PATIENCE, reported).await;
        Ok(())
    }

    /// Returns whether a call expects or had a secret input; `None` if the call is unknown. If the store can't
    /// tell, it had.
    #[cfg(feature = "chat")]
    pub(in crate::bot) async fn has_secrets(&self, call: &CallKey) -> Option<bool> {
        if self.shared.is_secret(call, None).await {
            return Some(true);
        }
        let Ok(record) = self.shared.stored(call).await else { return Some(true) };
        record.map(|record| record.state.had_secret)
    }

    /// Returns the caller's number and the start of a call, as far as they are stored.
    #[cfg(feature = "odfs")]
    pub(in crate::bot) async fn origin(
        &self,
        call: &CallKey,
    ) -> Result<(Option<String>, Option<std::time::SystemTime>), StoreError> {
        let record = self.shared.stored(call).await?;
        Ok(record.map_or((None, None), |record| {
            let begun = record.begun_at();
            (record.state.info.caller.as_deref().map(str::to_owned), begun)
        }))
    }

    /// Returns whether the next input of a call, or the input of its turn `turn`, is secret.
    pub(in crate::bot) async fn is_secret(&self, call: &CallKey, turn: Option<&TurnId>) -> bool {
        self.shared.is_secret(call, turn).await
    }

    /// Ends a call. `why` is the reason that the platform gives, if any.
    pub(in crate::bot) async fn end(&self, call: CallKey, why: Option<Ended>) -> Result<(), Error> {
        self.start();
        let shared = self.shared.clone();
        // In a task: the bot is notified even if the platform disconnects.
        let ended = self.shared.spawn(async move {
            shared.cut_call(&call).await;
            let ended = shared.set_aside(&call, why).await.map_err(store_failed)?;
            shared.spawn_few_ends(call.platform());
            if let Some(aside) = ended {
                shared.finish_ended(aside, why).await;
            }
            Ok(())
        });
        ended.await.unwrap_or_else(|error| Err(error.into()))
    }

    /// Returns the stored record of a call.
    pub(in crate::bot) async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        self.shared.store().read(call).await
    }

    /// Refuses new turns, waits for running ones, and then ends the calls that can't continue
    /// elsewhere. Returns whether it cut a turn.
    pub(in crate::bot) async fn shutdown(&self, within: Duration) -> bool {
        // Keeps `Instant` arithmetic far from overflow.
        const MAX: Duration = Duration::from_secs(24 * 60 * 60);
        let within = within.min(MAX);
        let shared = &self.shared;
        shared.close();
        let start = Instant::now();
        let outboxes: Vec<_> = shared.running().values().flatten().cloned().collect();
        let all = || join_all(outboxes.iter().map(|outbox| outbox.until_task_ended()));
        let _ = timeout_at(start + within * 3 / 4, all()).await;
        let mut cut = false;
        for outbox in &outboxes {
            cut |= outbox.fail_shutdown();
        }
        // A turn that holds keeps running.
        let until = start + within.max(END_PATIENCE);
        let _ = timeout_at(until, all()).await;
        if shared.store().shared() {
            return cut;
        }
        let ended = Platform::by_name()
            .map(|platform| shared.end_idle(platform, Duration::ZERO, Ended::Shutdown));
        if timeout_at(until, join_all(ended)).await.is_err() {
            tracing::error!(
                "the deadline passed before the bot was notified of the end of every call"
            );
        }
        cut
    }

    /// Starts the housekeeping before the first request if the store is shared: a dead process may have left
    /// calls there.
    pub(in crate::bot) fn start_early(&self) {
        if self.shared.store().shared() {
            self.start();
        }
    }

    /// Starts the housekeeping at the first request.
    fn start(&self) {
        if self.shared.start() {
            let Setup { store, limits, .. } = self.setup();
            let weak = Arc::downgrade(&self.shared);
            // Subscribed before the first call is opened, so that no message about it is lost.
            let housekeeping = housekeeping(weak, store.signals(), limits.clone());
            drop(self.shared.spawn_unwatched(housekeeping));
        }
    }
}

impl<B: Bot> Clone for Calls<B> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<B: Bot> fmt::Debug for Calls<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
