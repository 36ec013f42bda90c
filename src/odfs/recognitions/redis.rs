//! The store that the platform uses: Redis.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{RecognitionError, RecognitionId, Recognitions};

/// The default timeout of a lookup.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Recognised speech in Redis: the text is the value of the key, as a plain string.
///
/// All lookups share one connection. The first lookup opens it. A lookup that finds it broken opens a
/// new one and asks once more, so that a restart of Redis loses no text. Use it within a tokio
/// runtime.
///
/// ```no_run
/// use callbot::odfs::{Input, Interacted, RecognitionError, Recognitions, RedisRecognitions};
///
/// async fn said(
///     request: &Interacted,
///     texts: &RedisRecognitions,
/// ) -> Result<Option<String>, RecognitionError> {
///     match request.inparams.meaning() {
///         Input::Text(text) => Ok(Some(text.to_owned())),
///         Input::Recognition(id) => texts.text(&id).await,
///         _ => Ok(None),
///     }
/// }
///
/// # fn main() -> Result<(), RecognitionError> {
/// let texts = RedisRecognitions::open("redis://127.0.0.1")?;
/// # Ok(())
/// # }
/// ```
pub struct RedisRecognitions {
    client: Client,
    timeout: Duration,
    prefix: String,
    link: Mutex<Link>,
    /// Connections with this number or a lower one are broken.
    broken: AtomicU64,
}

/// The connection and its number, counted from 1.
#[derive(Default)]
struct Link {
    number: u64,
    connection: Option<MultiplexedConnection>,
}

impl RedisRecognitions {
    /// Creates a store for the Redis at `url`. It connects at the first lookup.
    ///
    /// The URL is `redis://[<user>][:<password>@]<host>[:<port>][/<database>]` or
    /// `redis+unix:///<path>[?db=<database>&user=<user>&pass=<password>]`. For `rediss`, which is TLS,
    /// enable a TLS feature of the crate `redis`, version 1.
    ///
    /// # Errors
    /// If the URL has another form. The error does not contain the URL.
    pub fn open(url: &str) -> Result<Self, RecognitionError> {
        let client = Client::open(url).map_err(|error| failed(&error))?;
        Ok(Self {
            client,
            timeout: TIMEOUT,
            prefix: String::new(),
            link: Mutex::default(),
            broken: AtomicU64::new(0),
        })
    }

    /// Sets the timeout of a lookup, including the connection. Default: 1 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how the keys of texts begin. Other keys are not looked up, and have no text.
    ///
    /// Text that a caller types in a chat may look like the key of a text. Without a prefix, such a caller can
    /// read any text of this Redis database. Default: empty, so every key is looked up.
    #[must_use]
    pub fn with_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut link = self.link.lock().await;
        let connection = match &link.connection {
            Some(connection) if link.number > self.broken.load(Relaxed) => connection.clone(),
            _ => {
                // The timeout of the whole lookup applies instead.
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

    /// Stores the number of the connection in `used`, so that a timeout can mark it as broken.
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
        if !id.key().starts_with(&self.prefix) {
            tracing::warn!(
                "a key of a text does not begin with the prefix that is set, and is not looked up"
            );
            return Ok(None);
        }
        let mut used = 0;
        let found = timeout(self.timeout, self.get(id.key(), &mut used)).await.map_err(|_| {
            // A peer that vanished without closing the connection looks like a slow one.
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

/// Describes an error without the server's message, which may contain a key or the name of a user.
fn failed(error: &RedisError) -> RecognitionError {
    RecognitionError::new(match error.code() {
        Some(code) => format!("Redis: {code}"),
        None if error.is_io_error() => format!("Redis: {error}"),
        None => format!("Redis: {}", error.category()),
    })
}
