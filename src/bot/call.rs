//! A call, as a bot sees it.

use std::fmt;
use std::sync::{Arc, MutexGuard};

use serde::Serialize;
use serde_json::{Map, Value};

use super::capabilities::Platform;
use super::error::{ReplyError, Result};
use super::history::History;
use super::input::{CallKey, Cause, Cut};
use super::limits::Limits;
use super::memory;
use super::outbox::{Hold, Outbox};
use super::store::{AnyStore, Change, Lease, StoreError};
use crate::lock::Mutex;
use crate::wire::Hidden;

/// A call, as a bot sees it.
///
/// ```
/// use callbot::bot::{Bot, Call, Input, Reply, Result};
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
/// ```
#[non_exhaustive]
pub struct Call<M> {
    /// What the bot remembers of this call. `Ok` keeps it; an error, a panic or a reply that was cut
    /// short puts it back to the last [`save`](Self::save) or the end of the turn before.
    pub memory: M,
    /// What the platform says about the call.
    pub info: CallInfo,
    /// What was said so far, this turn excepted, and what of it was heard.
    pub history: History,
    /// In the first turn after a reply was cut short: what was cut.
    pub cut: Option<Cut>,
    pub(super) turn: TurnHandle,
}

/// What a call's turn can do with the store.
pub(super) struct TurnHandle {
    pub outbox: Arc<Outbox>,
    pub store: Arc<dyn AnyStore>,
    pub limits: Arc<Limits>,
    /// Of the memory.
    pub version: u32,
    /// `None` when the call is over: nothing is stored then.
    pub lease: Option<Lease>,
    /// What was saved last, for what comes after a hook that failed.
    pub saved: Mutex<Option<Vec<u8>>>,
}

impl TurnHandle {
    pub(super) fn saved(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.saved.lock()
    }
}

impl<M: Serialize> Call<M> {
    /// Keeps the memory as it is now, whatever becomes of the turn.
    ///
    /// # Errors
    /// A [`StoreError`] when the memory is too large or is not JSON, when another turn has taken over
    /// the call, or when the store fails.
    pub async fn save(&self) -> Result
    where
        M: Sync,
    {
        let Some(lease) = &self.turn.lease else { return Ok(()) };
        let memory = memory::encode(self.turn.version, &self.memory, &self.turn.limits)?;
        let change = Change { memory: Some(memory.clone()), ..Change::default() };
        let written = self.turn.store.write(lease, change).await;
        if written == Err(StoreError::Fenced) {
            self.turn.outbox.cut(Cause::NewTurn);
        }
        written?;
        *self.turn.saved() = Some(memory);
        Ok(())
    }
}

impl<M> Call<M> {
    /// Protects what must not be cut in half, such as an order: until the guard is dropped this turn
    /// goes on, whatever the caller does, and the next turn waits, in any process. But not for longer
    /// than [`Limits::hold_timeout`]. Make it, do it, [`save`](Self::save), drop it.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when the turn is over already, so that nothing that can't be undone begins
    /// after the caller has barged in. [`ReplyError::Store`] when the store fails.
    ///
    /// ```
    /// # use callbot::bot::{Call, Result};
    /// # async fn pay() -> Result<u64> { Ok(1) }
    /// async fn order(call: &mut Call<Vec<u64>>) -> Result {
    ///     let _hold = call.hold().await?;
    ///     let receipt = pay().await?;
    ///     call.memory.push(receipt);
    ///     call.save().await
    /// }
    /// ```
    pub async fn hold(&self) -> Result<Hold>
    where
        M: Sync,
    {
        let TurnHandle { outbox, store, limits, lease, .. } = &self.turn;
        let Some(lease) = lease else { return Ok(Hold::detached()) };
        // Counted before the store is asked, so that the end of a former hold does not end this one.
        let hold = Hold::new(outbox, limits.hold_timeout)?;
        match store.hold(lease, Some(limits.hold_timeout)).await {
            Ok(()) => {
                outbox.check_not_cut()?;
                Ok(hold)
            }
            Err(StoreError::Fenced) => {
                outbox.cut(Cause::NewTurn);
                Err(ReplyError::Over(outbox.cause().unwrap_or(Cause::NewTurn)).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Its key in the store.
    #[must_use]
    pub fn key(&self) -> CallKey {
        CallKey::new(self.info.platform, &*self.info.id)
    }
}

// What the bot remembers may be private, and so is what was said.
impl<M> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("info", &self.info)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// What the platform says about a call. Numbers and extras do not show in `Debug`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CallInfo {
    /// The platform.
    pub platform: Platform,
    /// The id of the call there: `sessionId`, `dh-conversation-id` or `userid`.
    pub id: Arc<str>,
    /// The number of the caller, or the id of the user; `None` when the platform did not tell, as DUIX
    /// never does.
    pub caller: Option<String>,
    /// The number that was called, the access code, or the code of the avatar.
    pub called: Option<String>,
    /// What else came with this request and with the beginning of the call: custom context, ids of the
    /// tenant and the like, by the platform's own names.
    pub extras: Map<String, Value>,
}

impl CallInfo {
    pub(super) fn new(platform: Platform, id: &str) -> Self {
        Self { platform, id: id.into(), caller: None, called: None, extras: Map::new() }
    }
}

impl fmt::Debug for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallInfo")
            .field("platform", &self.platform)
            .field("id", &self.id)
            .field("caller", &self.caller.as_ref().map(|_| Hidden))
            .field("called", &self.called.as_ref().map(|_| Hidden))
            .finish_non_exhaustive()
    }
}
