//! A call, as a bot sees it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::line::{Hold, Line};
use super::store::{AnyStore, Change, Lease};
use super::{CallKey, Cause, Cut, History, Limits, Platform, ReplyError, Result, StoreError};
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
    /// What the platform told about the call.
    pub facts: Facts,
    /// What was said so far, this turn excepted, and what of it was heard.
    pub history: History,
    /// In the first turn after a reply was cut short: what was cut.
    pub cut: Option<Cut>,
    pub(super) turn: Handle,
}

/// What a call's turn can do with the store.
pub(super) struct Handle {
    pub line: Arc<Line>,
    pub store: Arc<dyn AnyStore>,
    pub limits: Arc<Limits>,
    /// Of the memory.
    pub version: u32,
    /// `None` when the call is over: nothing is kept then.
    pub lease: Option<Lease>,
    /// What was saved last, for what comes after a hook that failed.
    pub saved: Mutex<Option<Vec<u8>>>,
}

impl Handle {
    pub(super) fn saved(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
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
        let memory = bytes(self.turn.version, &self.memory, &self.turn.limits)?;
        let change = Change { memory: Some(memory.clone()), ..Change::default() };
        let written = self.turn.store.write(lease, change).await;
        if written == Err(StoreError::Fenced) {
            self.turn.line.cut(Cause::NewTurn);
        }
        written?;
        *self.turn.saved() = Some(memory);
        Ok(())
    }
}

impl<M> Call<M> {
    /// Protects what must not be cut in half, such as an order: until the guard is dropped this turn
    /// goes on, whatever the caller does, and the next turn waits, in any process. But not for longer
    /// than [`Limits::hold`]. Make it, do it, [`save`](Self::save), drop it.
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
        let Handle { line, store, limits, lease, .. } = &self.turn;
        let Some(lease) = lease else { return Ok(Hold::of_nothing()) };
        // Counted before the store is asked, so that the end of a former hold does not end this one.
        let hold = Hold::of(line, limits.hold)?;
        match store.hold(lease, Some(limits.hold)).await {
            Ok(()) => {
                line.open()?;
                Ok(hold)
            }
            Err(StoreError::Fenced) => {
                line.cut(Cause::NewTurn);
                Err(ReplyError::Over(line.cause().unwrap_or(Cause::NewTurn)).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Its key in the store.
    #[must_use]
    pub fn key(&self) -> CallKey {
        CallKey::new(self.facts.platform, &*self.facts.id)
    }
}

// What the bot remembers may be private, and so is what was said.
impl<M> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("facts", &self.facts)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// The memory as it is kept: its version, a colon, its JSON.
pub(super) fn bytes<M: Serialize>(
    version: u32,
    memory: &M,
    limits: &Limits,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = format!("{version}:").into_bytes();
    // Without the text of the error, which is the author's and may hold anything.
    serde_json::to_writer(&mut bytes, memory)
        .map_err(|_| StoreError::Memory("can't be written as JSON".into()))?;
    if bytes.len() > limits.memory {
        return Err(StoreError::TooLarge { bytes: bytes.len(), most: limits.memory });
    }
    Ok(bytes)
}

/// What the platform told about a call. Numbers and extras do not show in `Debug`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// The platform.
    pub platform: Platform,
    /// The id of the call there: `sessionId`, `dh-conversation-id` or `userid`.
    pub id: Arc<str>,
    /// The number of the caller, or the id of the user; `None` when the platform did not tell, as DUIX
    /// never does.
    pub caller: Option<String>,
    /// The number that was called, the access code, or the code of the avatar.
    pub called: Option<String>,
    /// What else came with this request and with the begin of the call: custom context, ids of the
    /// tenant and the like, by the platform's own names.
    pub extras: Map<String, Value>,
}

impl Facts {
    pub(super) fn new(platform: Platform, id: &str) -> Self {
        Self { platform, id: id.into(), caller: None, called: None, extras: Map::new() }
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("platform", &self.platform)
            .field("id", &self.id)
            .field("caller", &self.caller.as_ref().map(|_| Hidden))
            .field("called", &self.called.as_ref().map(|_| Hidden))
            .finish_non_exhaustive()
    }
}

/// What of [`Facts`] is kept: the rest comes with each request.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct KeptFacts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    called: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    extras: Map<String, Value>,
}

/// The longest extras that are kept, in bytes of JSON.
const LONGEST: usize = 16 * 1024;
/// The longest number that is kept, in bytes.
const LONGEST_NUMBER: usize = 256;

impl KeptFacts {
    pub(super) fn of(facts: &Facts) -> Self {
        let Facts { caller, called, extras, .. } = facts.clone();
        let short = |number: &String| number.len() <= LONGEST_NUMBER;
        let mut kept = Self { caller: caller.filter(short), called: called.filter(short), extras };
        let bytes = serde_json::to_vec(&kept.extras).map_or(usize::MAX, |json| json.len());
        if bytes > LONGEST {
            tracing::warn!(call = %facts.id, bytes, "the extras of a call are too long to be kept");
            kept.extras.clear();
        }
        kept
    }

    /// The numbers are those that were told first, extras those that were told last.
    pub(super) fn complete(&self, mut facts: Facts) -> Facts {
        let Self { caller, called, mut extras } = self.clone();
        facts.caller = caller.or(facts.caller);
        facts.called = called.or(facts.called);
        extras.extend(std::mem::take(&mut facts.extras));
        facts.extras = extras;
        facts
    }
}
