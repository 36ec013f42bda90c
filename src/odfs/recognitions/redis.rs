//! The store that the platform uses: Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::time::timeout;

use super::{RecognitionError, RecognitionId, Recognitions};
use crate::redis_link::{Address, Link, LinkError};

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
    link: Link,
    timeout: Duration,
    prefix: String,
}

impl RedisRecognitions {
    /// Creates a store for the Redis at `url`. It connects at the first lookup.
    ///
    /// The URL is `redis://[<user>][:<password>@]<host>[:<port>][/<database>]` or
    /// `redis+unix:///<path>[?db=<database>&user=<user>&pass=<password>]`. With `rediss`, which needs the
    /// feature `rustls` or `rustls-aws-lc-rs`, the connection is TLS, and trusts what the system trusts.
    ///
    /// # Errors
    /// If the URL has another form. The error does not contain the URL.
    pub fn open(url: &str) -> Result<Self, RecognitionError> {
        let address = Address::parse(url, None).map_err(RecognitionError::new)?;
        let link = Link::new(Arc::new(address), None);
        Ok(Self { link, timeout: TIMEOUT, prefix: String::new() })
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

    /// Stores the number of the connection in `used`, so that a timeout can mark it as broken.
    async fn get(&self, key: &str, used: &mut u64) -> Result<Value, LinkError> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        let mut again = true;
        loop {
            let (number, _, mut connection) = self.link.connection().await?;
            *used = number;
            match connection.command(&command).await {
                Err(error) if error.is_broken() => {
                    self.link.mark_broken(number);
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
            self.link.mark_broken(used);
            RecognitionError::new(LinkError::late(self.timeout))
        })?;
        match found.map_err(RecognitionError::new)? {
            Value::Nil => Ok(None),
            Value::BulkString(text) => String::from_utf8(text)
                .map(Some)
                .map_err(|_| RecognitionError::new("Redis: the text is not UTF-8")),
            _ => Err(RecognitionError::new("Redis: the answer is not a text")),
        }
    }
}

impl fmt::Debug for RedisRecognitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRecognitions").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
