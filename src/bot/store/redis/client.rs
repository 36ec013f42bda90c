//! Sends commands to Redis, and repeats them where that may help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::super::error::StoreError;
use super::scripts::Hashes;
use crate::redis_link::{Address, Link, LinkError};

/// The time of one attempt.
const ATTEMPT: Duration = Duration::from_millis(500);
/// The time of an attempt on a connection that was not used for [`IDLE`]. It may have died in silence: a frozen
/// instance, as Function Compute has them, does not see how its peers close their connections. A short
/// first attempt leaves time for another one within the budget of a turn.
const PROBE: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(2);
/// The pauses between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Codes of errors that pass: Redis starts, or another node becomes the one to ask. Nothing was done.
const PASSING: [&str; 6] = ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"];

pub(super) struct Client {
    pub address: Arc<Address>,
    link: Link,
    /// The time of all attempts of an operation.
    timeout: Duration,
    pub hashes: Hashes,
    created: Instant,
    /// When the connection was last used, in ms since `created`.
    used: AtomicU64,
    down: AtomicBool,
    /// Notified when an attempt had no answer: other connections may be dead, too.
    pub trouble: Notify,
}

impl Client {
    pub(super) fn new(address: Arc<Address>, timeout: Duration) -> Self {
        Self {
            link: Link::new(address.clone(), Some(Handle::current())),
            address,
            timeout,
            hashes: Hashes::default(),
            created: Instant::now(),
            used: AtomicU64::new(0),
            down: AtomicBool::new(false),
            trouble: Notify::new(),
        }
    }

    /// Runs commands. They have to be safe to repeat, since an answer may be lost.
    pub(super) async fn ask(&self, commands: &Pipeline) -> Result<Vec<Value>, StoreError> {
        let deadline = Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        // Whether an attempt that had no answer may have been carried out.
        let mut unknown = false;
        let (mut loaded, mut is_repeated) = (false, false);
        loop {
            let error = match self.attempt(commands, deadline).await {
                Ok(answers) => {
                    if self.down.swap(false, Relaxed) {
                        tracing::info!(redis = %self.address, "Redis answers again");
                    }
                    return Ok(answers);
                }
                Err(error) => error,
            };
            match error.code() {
                Some("NOSCRIPT") if !loaded => {
                    let answers = self.attempt(&Hashes::load(), deadline).await;
                    loaded = answers.is_ok_and(|answers| self.hashes.keep(answers));
                    if loaded {
                        continue;
                    }
                }
                Some(code) if PASSING.contains(&code) => {}
                None if error.is_broken() => unknown |= !error.is_connecting(),
                _ => return Err(StoreError::failed(error)),
            }
            let is_last = deadline.saturating_duration_since(Instant::now()) <= pause;
            // A connection that had to be replaced is not worth a line.
            if (is_last || is_repeated) && !self.down.swap(true, Relaxed) {
                tracing::warn!(redis = %self.address, %error, "Redis does not serve");
            }
            if is_last {
                let error = error.within(self.timeout);
                return Err(match unknown {
                    true => StoreError::unknown(error),
                    false => StoreError::unreachable(error),
                });
            }
            is_repeated = true;
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(
        &self,
        commands: &Pipeline,
        deadline: Instant,
    ) -> Result<Vec<Value>, LinkError> {
        let left = || deadline.saturating_duration_since(Instant::now()).min(ATTEMPT);
        let limit = left();
        let connecting = timeout(limit, self.link.connection()).await;
        let (number, is_new, mut connection) =
            connecting.map_err(|_| LinkError::late(limit).connecting())??;
        let idle = Duration::from_millis(self.now().saturating_sub(self.used.load(Relaxed)));
        let limit = if idle >= IDLE && !is_new { left().min(PROBE) } else { left() };
        let answers = timeout(limit, connection.commands(commands)).await;
        let answers = answers.unwrap_or_else(|_| Err(LinkError::late(limit)));
        match &answers {
            Err(error) if error.is_broken() => {
                self.link.mark_broken(number);
                self.trouble.notify_one();
            }
            // Another node is to be asked now: the one that the name of the server leads to.
            Err(error) if error.code() == Some("READONLY") => self.link.mark_broken(number),
            _ => self.used.store(self.now(), Relaxed),
        }
        answers
    }

    fn now(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Returns the error of a setting.
pub(super) fn settings_error(message: impl Into<String>) -> StoreError {
    StoreError::failed(LinkError::settings(message))
}

/// Returns the error of an answer that no script gives.
pub(super) fn unexpected() -> StoreError {
    StoreError::failed(LinkError::settings("unexpected answer"))
}
