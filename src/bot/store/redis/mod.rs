//! A store in Redis.
//!
//! A call is a hash, with its history in a second one and its notes in a list. One hash tag keeps them
//! together in a cluster. Each operation is one script, so it is one step. `call.lua` describes the fields.
//!
//! Every operation can be repeated without harm, since an answer may be lost: openings and notes have
//! nonces, writes and holds have numbers. [`client`] repeats them.

mod answers;
mod builder;
mod claims;
mod client;
mod keys;
mod nonces;
mod scripts;
mod signals;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use redis::{Cmd, Pipeline};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use self::answers::{FIELDS, FORMAT, Parts, record, stored};
pub use self::builder::RedisStoreBuilder;
use self::client::{Client, unexpected};
use self::keys::{Keys, Names, turn_name};
pub use self::nonces::RedisNonces;
use self::scripts::Script;
use super::contract::Store;
use super::error::StoreError;
use super::records::{
    Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing, Then,
};
use super::turns::Edit;
use crate::bot::input::{CallKey, TurnId};

/// The longest hold.
const LONGEST_HOLD: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How many leases are checked with one message.
const CHECKED: usize = 64;

/// Keeps calls in Redis, where several processes share them.
///
/// A turn that was overtaken or aborted in another process is told so within a few milliseconds, and can no
/// longer write. A process that dies leaves its calls to the others.
///
/// It needs Redis 6 or later; version 7 was tested. It keeps two connections, for commands and for messages.
/// While Redis can't be reached, operations fail within [`timeout`](RedisStoreBuilder::timeout), and
/// the store connects again by itself. A cluster works only if one node answers for all keys: redirections
/// are not followed. Set the `maxmemory-policy` of Redis to `noeviction`: a full Redis then refuses writes
/// instead of dropping running calls. `connect` warns if it is not set.
///
/// The keys and channels of a store begin with its prefix and a colon. Bots with the same prefix share their
/// calls, and end the idle ones of each other, so different bots need different prefixes.
///
/// ```no_run
/// use callbot::bot::store::{RedisStore, StoreError};
///
/// # async fn connect() -> Result<(), StoreError> {
/// let store = RedisStore::connect("redis://127.0.0.1", "order-bot").await?;
/// # Ok(())
/// # }
/// ```
pub struct RedisStore {
    client: Arc<Client>,
    names: Names,
    /// The lifetime of unused keys, in ms.
    ttl: String,
    /// The id of this process, which ends its channel.
    instance: String,
    /// Counts operations. A later one has a higher number.
    counter: AtomicU64,
    signals: broadcast::Sender<Signal>,
    listener: AbortHandle,
}

impl RedisStore {
    /// Connects to the Redis at `url`, and keeps calls under keys that begin with `prefix`. See
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    /// See [`RedisStoreBuilder::connect`].
    pub async fn connect(
        url: impl Into<String>,
        prefix: impl Into<String>,
    ) -> Result<Self, StoreError> {
        Self::builder(url, prefix).connect().await
    }

    /// Creates the settings of a store.
    ///
    /// The URL is `redis://[<user>][:<password>@]<host>[:<port>][/<database>]` or
    /// `redis+unix:///<path>[?db=<database>&user=<user>&pass=<password>]`. With `rediss`, which needs the
    /// feature `rustls` or `rustls-aws-lc-rs`, the connections are TLS. It is never logged.
    ///
    /// The prefix has 1 to 64 bytes, without braces and control characters.
    pub fn builder(url: impl Into<String>, prefix: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url.into(), prefix.into())
    }

    /// Returns the next number of an operation.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Relaxed)
    }

    fn nonce(&self) -> String {
        format!("{}:{}", self.instance, self.number())
    }

    /// Returns the command that runs a script about a call. The arguments of the script follow.
    fn script(&self, script: Script, keys: &Keys) -> Cmd {
        let mut command = self.client.hashes.run(script);
        command.arg(5).arg(&keys.hash).arg(keys.history()).arg(keys.notes());
        command.arg(keys.aside()).arg(keys.ended());
        command.arg(FORMAT).arg(&self.ttl).arg(self.names.channels());
        command.arg(&self.instance).arg(&keys.name);
        command
    }

    async fn read_at(&self, keys: &Keys) -> Result<Option<(Record, Option<Bytes>)>, StoreError> {
        let mut commands = redis::pipe();
        commands.atomic();
        add_read(&mut commands, keys);
        record(self.client.ask(&commands).await?)
    }

    /// Returns the record that was set aside under this epoch.
    async fn record_aside(
        &self,
        keys: &Keys,
        epoch: u64,
    ) -> Result<(Record, Option<Bytes>), StoreError> {
        // If it is not there, Redis has lost it in the meantime.
        self.read_at(&keys.set_aside(epoch)).await?.ok_or(StoreError::Gone)
    }
}

impl Store for RedisStore {
    fn shared(&self) -> bool {
        true
    }

    async fn open(&self, call: &CallKey, opening: &Opening) -> Result<Opened, StoreError> {
        let keys = self.names.keys(call);
        let mut command = self.script(Script::Open, &keys);
        let mut open = |kind: &str, turn: Option<&TurnId>, told: Option<u64>, overtake: bool| {
            command.arg(kind).arg(self.nonce()).arg(turn.map(turn_name).unwrap_or_default());
            command.arg(told.map(|told| told.to_string()).unwrap_or_default());
            command.arg(u8::from(overtake));
        };
        let mut commands = redis::pipe();
        commands.atomic();
        match opening {
            Opening::Turn { turn, told, overtake, fresh } => {
                open("turn", Some(turn), *told, *overtake);
                command.arg(&*fresh.get().to_json()).arg("").arg("");
            }
            Opening::IfFree => {
                open("free", None, None, false);
                command.arg("").arg("").arg("");
            }
            Opening::Restore { turn, fresh } => {
                open("restore", Some(turn), None, false);
                command.arg(&*fresh.get().to_json()).arg("").arg("");
            }
            Opening::End { told, why, again } => {
                self.index_end(call, &keys.name, *again).await?;
                open("end", None, *told, true);
                command.arg("").arg(&**why).arg(millis(*again));
            }
        }
        commands.add_command(command);
        add_read(&mut commands, &keys);
        let mut answers = self.client.ask(&commands).await?.into_iter();
        let mut answer = Parts::of(answers.next().ok_or_else(unexpected)?)?;
        match answer.outcome()?.as_str() {
            "run" => {
                let (epoch, unsettled) = (answer.number()?, answer.time()?);
                if answer.text()? == "1" {
                    self.enter(call, &keys, epoch);
                }
                let turn = match opening {
                    Opening::Turn { turn, .. } | Opening::Restore { turn, .. } => {
                        Some(turn.clone())
                    }
                    Opening::IfFree | Opening::End { .. } => None,
                };
                let record = match opening {
                    Opening::End { .. } => self.record_aside(&keys, epoch).await?.0,
                    _ => record(answers)?.ok_or_else(unexpected)?.0,
                };
                Ok(Opened::Run { lease: Lease::new(call.clone(), turn, epoch), record, unsettled })
            }
            "repeated" => Ok(Opened::Repeated(record(answers)?.ok_or_else(unexpected)?.0)),
            "held" => {
                let left = answer.time()?;
                Ok(Opened::Held { left, epoch: answer.number()? })
            }
            "busy" => Ok(Opened::Busy),
            _ => Err(unexpected()),
        }
    }

    async fn hold(&self, lease: &Lease, time: Option<Duration>) -> Result<(), StoreError> {
        let mut command = self.script(Script::Hold, &self.names.keys(&lease.call));
        command.arg(lease.epoch).arg(self.number());
        command.arg(time.map_or("-1".to_owned(), |time| millis(time.min(LONGEST_HOLD))));
        match run(&self.client, command).await?.outcome()?.as_str() {
            "done" => Ok(()),
            "gone" => Err(StoreError::Gone),
            _ => Err(unexpected()),
        }
    }

    async fn write(&self, lease: &Lease, change: Change) -> Result<(), StoreError> {
        let keys = self.names.keys(&lease.call);
        let Change { memory, state, history, notes_read, then, .. } = change;
        let mut command = self.script(Script::Write, &keys);
        command.arg(lease.epoch).arg(self.number()).arg(after(then)).arg(notes_read);
        match &memory {
            Some((version, memory)) => command.arg(version).arg(&**memory),
            None => command.arg("").arg(""),
        };
        match &state {
            Some(state) => command.arg("1").arg(&*state.to_json()),
            None => command.arg("0").arg(""),
        };
        for edit in &history {
            match edit {
                Edit::Put(turn) => command.arg(turn_name(&turn.turn)).arg(stored(turn)),
                Edit::Remove(turn) => command.arg(turn_name(turn)).arg(""),
            };
        }
        match run(&self.client, command).await?.outcome()?.as_str() {
            "done" => Ok(()),
            "due" => self.index_end(&lease.call, &keys.name, Duration::ZERO).await,
            "gone" => Err(StoreError::Gone),
            _ => Err(unexpected()),
        }
    }

    async fn leave(
        &self,
        call: &CallKey,
        lease: Option<&Lease>,
        note: Bytes,
        then: Then,
    ) -> Result<bool, StoreError> {
        let keys = self.names.keys(call);
        let mut command = self.script(Script::Leave, &keys);
        command.arg(lease.map(|lease| lease.epoch.to_string()).unwrap_or_default());
        command.arg(&*note).arg(self.nonce()).arg(after(then));
        let mut answer = run(&self.client, command).await?;
        let outcome = answer.outcome()?;
        if outcome == "gone" {
            return Ok(false);
        }
        warn_of_dropped(call, answer.number()?);
        if outcome == "due" {
            self.index_end(call, &keys.name, Duration::ZERO).await?;
        }
        Ok(true)
    }

    async fn abort(&self, call: &CallKey, turn: &TurnId, note: Bytes) -> Result<bool, StoreError> {
        let mut command = self.script(Script::Abort, &self.names.keys(call));
        command.arg(turn_name(turn)).arg(&*note).arg(self.nonce());
        let mut answer = run(&self.client, command).await?;
        if answer.outcome()? == "gone" {
            return Ok(false);
        }
        warn_of_dropped(call, answer.number()?);
        Ok(true)
    }

    async fn read(&self, call: &CallKey) -> Result<Option<Record>, StoreError> {
        Ok(self.read_at(&self.names.keys(call)).await?.map(|(record, _)| record))
    }

    async fn read_aside(&self, lease: &Lease) -> Result<Option<Record>, StoreError> {
        let keys = self.names.keys(&lease.call).set_aside(lease.epoch);
        Ok(self.read_at(&keys).await?.map(|(record, _)| record))
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, StoreError> {
        let mut claimed = Vec::new();
        for kind in ["ended", "idle"] {
            match self.claim_kind(kind, claim, &mut claimed).await {
                Ok(()) => {}
                // What was claimed already is not claimed again for a while.
                Err(error) if !claimed.is_empty() => {
                    tracing::warn!(%error, "the store failed while calls were claimed");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(claimed)
    }

    async fn remove(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut command = self.script(Script::Remove, &self.names.keys(&lease.call));
        command.arg(lease.epoch);
        run(&self.client, command).await.map(drop)
    }

    async fn check(&self, leases: &[Lease]) -> Result<Vec<Standing>, StoreError> {
        let mut standings = Vec::with_capacity(leases.len());
        for leases in leases.chunks(CHECKED) {
            let mut commands = redis::pipe();
            for lease in leases {
                let mut command = self.script(Script::Check, &self.names.keys(&lease.call));
                command.arg(lease.epoch);
                commands.add_command(command);
            }
            for answer in self.client.ask(&commands).await? {
                standings.push(match Parts::of(answer)?.outcome()?.as_str() {
                    "held" => Standing::Held,
                    "overtaken" => Standing::Overtaken,
                    "aborted" => Standing::Aborted,
                    "gone" => Standing::Gone,
                    _ => return Err(unexpected()),
                });
            }
        }
        Ok(standings)
    }

    fn signals(&self) -> impl Stream<Item = Signal> + Send + 'static {
        unfold(self.signals.subscribe(), |mut receiver| async move {
            let signal = match receiver.recv().await {
                Ok(signal) => signal,
                Err(broadcast::error::RecvError::Lagged(_)) => Signal::Lost,
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((signal, receiver))
        })
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("redis", &self.client.address)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Runs one script. It has to be safe to repeat, as in [`Client::ask`].
async fn run(client: &Client, command: Cmd) -> Result<Parts, StoreError> {
    let mut commands = redis::pipe();
    commands.add_command(command);
    let answers = client.ask(&commands).await?;
    Parts::of(answers.into_iter().next().ok_or_else(unexpected)?)
}

/// Adds the commands whose answers [`record`] reads.
fn add_read(commands: &mut Pipeline, keys: &Keys) {
    commands.cmd("HMGET").arg(&keys.hash).arg(&FIELDS);
    commands.cmd("HGETALL").arg(keys.history());
    commands.cmd("LRANGE").arg(keys.notes()).arg(0).arg(-1);
}

/// Returns a time in milliseconds, rounded up, so that a short one does not become none.
fn millis(time: Duration) -> String {
    time.as_nanos().div_ceil(1_000_000).to_string()
}

fn after(then: Then) -> &'static str {
    match then {
        Then::Keep => "keep",
        Then::Close => "close",
        Then::CloseUnanswered => "again",
    }
}

fn warn_of_dropped(call: &CallKey, dropped: u64) {
    if dropped > 0 {
        let platform = call.platform();
        tracing::warn!(%platform, %call, dropped, "too many unread notes: dropped the oldest");
    }
}
