//! A call, as the bot sees it.

use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::capabilities::Platform;
use super::error::{ReplyError, Result};
use super::history::History;
use super::input::{CallKey, Cause, Cut, TurnId};
use super::limits::Limits;
use super::memory;
use super::outbox::{Hold, Outbox};
use super::store::{Change, Lease, StoreError, StoreHandle};
use crate::lock::Mutex;
#[cfg(feature = "llm")]
use crate::observe::Observers;
use crate::wire::Hidden;

/// A call, as the bot sees it.
///
/// ```
/// # #[cfg(all(feature = "client", feature = "duix"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use callbot::bot::testing::TestCall; // needs the feature `client`
/// use callbot::bot::{Bot, Call, Input, Platform, Reply, Result};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Seen {
///     turns: u32,
/// }
///
/// struct Counter;
///
/// impl Bot for Counter {
///     type Memory = Seen;
///
///     async fn turn(&self, call: &mut Call<Seen>, _: Input, reply: &mut Reply) -> Result {
///         call.memory.turns += 1;
///         reply.say(format!("This is turn {}.", call.memory.turns)).await
///     }
/// }
///
/// let mut call = TestCall::on(Platform::Duix, Counter);
/// call.say("Hello").await.expect_text("This is turn 1.");
/// call.say("Again").await.expect_text("This is turn 2.");
/// assert_eq!(call.memory().await.turns, 2);
/// # }
/// # #[cfg(not(all(feature = "client", feature = "duix")))]
/// # fn main() {}
/// ```
#[non_exhaustive]
pub struct Call<M> {
    /// The bot's memory of this call. A turn that returns `Ok` stores it. An error, a panic or a reply
    /// that was cut short rolls it back to the last [`save`](Self::save), or to the end of the turn
    /// before.
    pub memory: M,
    /// The platform's information about the call.
    pub info: CallInfo,
    /// The turns before this one: what was said and what the caller heard.
    pub history: History,
    /// The last cut, in the first turn after a reply was cut short; otherwise `None`.
    pub cut: Option<Cut>,
    pub(super) turn: TurnHandle,
}

/// The access of a turn to the store.
pub(super) struct TurnHandle {
    pub outbox: Arc<Outbox>,
    pub store: StoreHandle,
    pub limits: Arc<Limits>,
    /// The version of the memory.
    pub version: u32,
    /// `None` when the call is over: nothing is stored then.
    pub lease: Option<Arc<Lease>>,
    /// The memory that was saved last. If the hook fails, the runtime goes on with it.
    pub saved: Mutex<Option<Bytes>>,
}

impl TurnHandle {
    pub(super) fn saved(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.saved.lock()
    }
}

impl<M: Serialize> Call<M> {
    /// Stores the memory as it is now, even if the turn fails or is cut later.
    ///
    /// # Errors
    /// Returns a [`StoreError`] when the memory is too large or can't be written as JSON, when another
    /// turn has taken over the call, or when the store fails.
    pub async fn save(&self) -> Result
    where
        M: Sync,
    {
        let Some(lease) = &self.turn.lease else { return Ok(()) };
        let memory = memory::encode(&self.memory, &self.turn.limits)?;
        self.store_memory(lease, memory).await
    }

    async fn store_memory(&self, lease: &Arc<Lease>, memory: Bytes) -> Result
    where
        M: Sync,
    {
        let versioned = (self.turn.version, memory.clone());
        let change = Change { memory: Some(versioned), ..Change::default() };
        let written = self.turn.store.write(lease, change).await;
        if written == Err(StoreError::Fenced) {
            self.turn.outbox.cut(Cause::NewTurn);
        }
        written?;
        *self.turn.saved() = Some(memory);
        Ok(())
    }

    /// Runs `work` protected, then stores the memory, as [`save`](Self::save) does. For work that must not
    /// be cut in half, such as an order.
    ///
    /// Until `work` ends, this turn goes on even if the caller barges in, and the next turn waits, in
    /// any process. The protection lasts [`Limits::hold_timeout`], 2 s by default; for longer work use
    /// [`hold_for`](Self::hold_for). If `work` returns an error, the memory is not stored.
    ///
    /// A hold whose time is up is logged as an error, and [`Bot::notice`](super::Bot::notice) gets
    /// [`Dropped::Hold`](super::Dropped::Hold), or [`Dropped::HeldWork`](super::Dropped::HeldWork) if
    /// the reply has been cut and the work is dropped.
    ///
    /// # Errors
    /// Returns [`ReplyError::Over`] when the turn is already over, so that nothing irreversible starts
    /// after a barge-in. Returns a [`StoreError`] when the store fails, the error of `work`, or the
    /// error of `save`.
    ///
    /// ```
    /// # use callbot::bot::{Call, Result};
    /// # async fn pay() -> Result<u64> { Ok(1) }
    /// async fn order(call: &mut Call<Vec<u64>>) -> Result<u64> {
    ///     call.hold(async |call| {
    ///         let receipt = pay().await?;
    ///         call.memory.push(receipt);
    ///         Ok(receipt)
    ///     })
    ///     .await
    /// }
    /// ```
    pub async fn hold<T>(&mut self, work: impl AsyncFnOnce(&mut Self) -> Result<T>) -> Result<T>
    where
        M: Sync,
    {
        self.held(self.turn.limits.hold_timeout, work).await
    }

    /// Runs `work` protected for at most `time`; otherwise as [`hold`](Self::hold).
    ///
    /// Choose a `time` that `work` never exceeds: limit its requests by shorter timeouts. A hold ends with
    /// its work, so a long `time` costs nothing. The wait counts against the budget of the next turn.
    ///
    /// # Errors
    /// Returns the errors of [`hold`](Self::hold), and [`ReplyError::Invalid`] when `time` exceeds
    /// [`Limits::max_hold`], 60 s by default. `work` does not start then.
    ///
    /// ```
    /// # use callbot::bot::{Call, Result};
    /// # async fn bake() -> Result<u64> { Ok(1) }
    /// use std::time::Duration;
    ///
    /// async fn order(call: &mut Call<Vec<u64>>) -> Result {
    ///     call.hold_for(Duration::from_secs(10), async |call| {
    ///         call.memory.push(bake().await?);
    ///         Ok(())
    ///     })
    ///     .await
    /// }
    /// ```
    pub async fn hold_for<T>(
        &mut self,
        time: Duration,
        work: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Result<T>
    where
        M: Sync,
    {
        let max = self.turn.limits.longest_hold();
        if time > max {
            let allowed = format!("at most {max:?}, see `Limits::max_hold`");
            return Err(ReplyError::invalid("/hold_for", format!("{time:?}"), &allowed).into());
        }
        self.held(time, work).await
    }

    async fn held<T>(
        &mut self,
        time: Duration,
        work: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Result<T>
    where
        M: Sync,
    {
        let Some(lease) = self.turn.lease.clone() else { return work(self).await };
        let _hold = self.take_hold(&lease, time).await?;
        let output = work(self).await?;
        let memory = memory::encode(&self.memory, &self.turn.limits)?;
        // The work may have saved it.
        if self.turn.saved().as_ref() != Some(&memory) {
            self.store_memory(&lease, memory).await?;
        }
        Ok(output)
    }

    async fn take_hold(&self, lease: &Arc<Lease>, time: Duration) -> Result<Hold>
    where
        M: Sync,
    {
        let TurnHandle { outbox, store, .. } = &self.turn;
        // Registered before the store is asked, so that the release of an earlier hold can't end
        // this one.
        let (hold, time) = Hold::new(outbox, time)?;
        match store.hold(lease, Some(time)).await {
            Ok(()) => {
                outbox.check_not_cut()?;
                Ok(hold)
            }
            Err(StoreError::Fenced) => {
                outbox.cut(Cause::NewTurn);
                Err(ReplyError::Over(outbox.cause().unwrap_or(Cause::NewTurn)).into())
            }
            // Nothing irreversible starts in a call that has ended.
            Err(error) => match outbox.cause() {
                Some(cause) => Err(ReplyError::Over(cause).into()),
                None => Err(error.into()),
            },
        }
    }
}

impl<M> Call<M> {
    /// Returns the id of this turn, for logs and as an idempotency key: a request that the platform
    /// repeats has the same id on Digital Employee, AICall and other chat completions. The other platforms
    /// have no ids of turns, so it is random there. It is unique together with the [`key`](Self::key) of the
    /// call.
    ///
    /// In [`Bot::interrupted`](super::Bot::interrupted) and [`Bot::ended`](super::Bot::ended), which are
    /// not turns, it is empty or the id of the turn that follows.
    #[must_use]
    pub fn turn(&self) -> &TurnId {
        self.turn.outbox.turn()
    }

    /// Returns whether the input of this turn is secret.
    #[cfg(feature = "llm")]
    pub(crate) fn input_is_secret(&self) -> bool {
        self.turn.outbox.has_secret()
    }

    /// Returns the longest time that a hold may last.
    #[cfg(feature = "llm")]
    pub(crate) fn longest_hold(&self) -> Duration {
        self.turn.limits.longest_hold()
    }

    /// Returns the observers of the host.
    #[cfg(feature = "llm")]
    pub(crate) fn observers(&self) -> &Observers {
        &self.turn.outbox.adapter().observers
    }

    /// Returns the key of the call in the store.
    #[must_use]
    pub fn key(&self) -> CallKey {
        self.info.key()
    }
}

// The memory may be private, and so is the history.
impl<M> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("info", &self.info)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// The platform's information about a call. `Debug` hides the numbers and the extras.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CallInfo {
    /// The platform.
    pub platform: Platform,
    /// The platform's id of the call: `sessionId`, `dh-conversation-id`, `userid` or `instanceId`. A chat
    /// completion that names no call has a random one.
    pub id: Arc<str>,
    /// The account that the call belongs to, if the server tells accounts apart: on ODFS the app key of
    /// its token.
    pub account: Option<Arc<str>>,
    /// The number of the caller, or the id of the user; `None` if the platform did not send it, as on
    /// DUIX.
    pub caller: Option<String>,
    /// The number that was called, the access code, or the code of the avatar.
    pub called: Option<String>,
    /// Other data from this request and from the start of the call, such as custom context and tenant
    /// ids, under the platform's own names.
    pub extras: Map<String, Value>,
}

impl CallInfo {
    pub(super) fn new(platform: Platform, id: &str) -> Self {
        let (caller, called) = (None, None);
        Self { platform, id: id.into(), account: None, caller, called, extras: Map::new() }
    }

    /// Returns what the key of a call says. `platform` has the kind, too.
    pub(super) fn of(platform: Platform, call: &CallKey) -> Self {
        Self { account: call.account.clone(), ..Self::new(platform, &call.id) }
    }

    /// Returns the key of the call.
    pub(super) fn key(&self) -> CallKey {
        let (platform, id) = (self.platform.name().into(), self.id.clone());
        CallKey { platform, id, account: self.account.clone() }
    }
}

impl fmt::Debug for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallInfo")
            .field("platform", &self.platform)
            .field("id", &self.id)
            .field("account", &self.account)
            .field("caller", &self.caller.as_ref().map(|_| Hidden))
            .field("called", &self.called.as_ref().map(|_| Hidden))
            .finish_non_exhaustive()
    }
}
