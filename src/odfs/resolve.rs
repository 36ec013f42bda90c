//! From a recognition id to the text.

#[cfg(feature = "redis")]
mod redis;

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, ready};
use std::hash::BuildHasher;

#[cfg(feature = "redis")]
pub use self::redis::RedisRecognitions;
use super::RecognitionId;

/// The store of what was recognised.
///
/// Implemented by `RedisRecognitions` (feature `redis`), and by a map from key to text, for tests.
///
/// ```
/// use std::collections::HashMap;
///
/// use callbot::odfs::{RecognitionId, Recognitions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::odfs::ResolveError> {
/// let texts = HashMap::from([("asr:4711".to_owned(), "My bill, please.".to_owned())]);
/// let id = RecognitionId::new("asr:4711", "0").expect("both parts are there");
/// assert_eq!(texts.text(&id).await?.as_deref(), Some("My bill, please."));
/// # Ok(())
/// # }
/// ```
pub trait Recognitions: Send + Sync {
    /// The text of what was recognised; `None` when there is none, or not any more.
    fn text(
        &self,
        id: &RecognitionId,
    ) -> impl Future<Output = Result<Option<String>, ResolveError>> + Send;
}

impl<S: BuildHasher + Send + Sync> Recognitions for HashMap<String, String, S> {
    fn text(
        &self,
        id: &RecognitionId,
    ) -> impl Future<Output = Result<Option<String>, ResolveError>> + Send {
        ready(Ok(self.get(id.key()).cloned()))
    }
}

/// Why a text could not be looked up. It holds no key, no text and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveError(String);

impl ResolveError {
    /// An error of a store of one's own.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ResolveError {}
