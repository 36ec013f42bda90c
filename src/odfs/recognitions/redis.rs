//! The store that the platform uses.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{RecognitionError, RecognitionId, Recognitions};

/// The time that a lookup may take unless another one is set.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What was recognised, from Redis: the text is the value of the key, as a plain string.
///
/// All lookups share one connection. The first one opens it, and one that finds it broken opens it
/// anew and asks once more, so that a restart of Redis costs nobody a text. It must be used within
/// a tokio runtime.
pub struct RedisRecognitions {
    client: Client,
    timeout: Duration,
    link: Mutex<Link>,
    /// The connections up to this one are broken.
    broken: AtomicU64,
}

/// The connection, and which one it is, counted from 1.
#[derive(Default)]
struct Link {
    number: u64,
    connection: Option<MultiplexedConnection>,
}

impl RedisRecognitions {
    /// Uses the Redis at a URL: `redis://[<user>][:<password>@]<host>[:<port>][/<database>]`, or
    /// `redis+unix:///<path>[?db=<database>&user=<user>&pass=<password>]`. Connects when the first
    /// text is looked up.
    ///
    /// For `rediss`, which is TLS, switch on a TLS feature of the crate `redis`, version 1.
    ///
    /// # Errors
    /// When the URL is none of these. The error does not repeat it.
    pub fn open(url: &str) -> Result<Self, RecognitionError> {
        let client = Client::open(url).map_err(|error| failed(&error))?;
        Ok(Self { client, timeout: TIMEOUT, link: Mutex::default(), broken: AtomicU64::new(0) })
    }

    /// The time that a lookup may take, connecting included. Default: 1 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut link = self.link.lock().await;
        let connection = match &link.connection {
            Some(connection) if link.number > self.broken.load(Relaxed) => connection.clone(),
            _ => {
                // The whole lookup has a timeout.
                let settings = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                let new = self.client.get_multiplexed_async_connection_with_config(&settings);
                let new = new.await?;
                link.number += 1;
                link.connection.insert(new).clone()
            }
        };
        Ok((link.number, connection))
    }

    /// Notes which connection it uses, for the caller whose patience ends.
    async fn get(&self, key: &str, used: &mut u64) -> Result<Option<Vec<u8>>, RedisError> {
        let mut again = true;
        loop {
            let (number, mut connection) = self.connection().await?;
            *used = number;
            match redis::cmd("GET").arg(key).query_async(&mut connection).await {
                Err(error) if error.is_unrecoverable_error() => {
                    self.broken.fetch_max(number, Relaxed);
                    if !again {
                        return Err(error);
                    }
                    again = false;
                }
                answer => return answer,
            }
        }
    }
}

impl Recognitions for RedisRecognitions {
    async fn text(&self, id: &RecognitionId) -> Result<Option<String>, RecognitionError> {
        let mut used = 0;
        let found = timeout(self.timeout, self.get(id.key(), &mut used)).await.map_err(|_| {
            // A peer that is gone without a word looks like a slow one.
            self.broken.fetch_max(used, Relaxed);
            RecognitionError::new(format!("Redis: no answer within {:?}", self.timeout))
        })?;
        match found.map_err(|error| failed(&error))? {
            Some(text) => String::from_utf8(text)
                .map(Some)
                .map_err(|_| RecognitionError::new("Redis: the text is not UTF-8")),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for RedisRecognitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRecognitions").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// What went wrong, without the words of the server, which may repeat a key or the name of a user.
fn failed(error: &RedisError) -> RecognitionError {
    RecognitionError::new(match error.code() {
        Some(code) => format!("Redis: {code}"),
        None if error.is_io_error() => format!("Redis: {error}"),
        None => format!("Redis: {}", error.category()),
    })
}
