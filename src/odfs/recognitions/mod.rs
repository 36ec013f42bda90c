//! Looks up the text of a recognition id.

#[cfg(feature = "redis")]
mod redis;

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::future::{Future, ready};
use std::hash::BuildHasher;

#[cfg(feature = "redis")]
pub use self::redis::RedisRecognitions;
use super::RecognitionId;

/// A store of recognised speech.
///
/// Implemented by `RedisRecognitions` (feature `redis`) and, for tests, by a map from key to text.
///
/// ```
/// use std::collections::HashMap;
///
/// use callbot::odfs::{RecognitionId, Recognitions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::odfs::RecognitionError> {
/// let texts = HashMap::from([("asr:4711".to_owned(), "My bill, please.".to_owned())]);
/// let id = RecognitionId::new("asr:4711", "0").expect("both parts are there");
/// assert_eq!(texts.text(&id).await?.as_deref(), Some("My bill, please."));
/// # Ok(())
/// # }
/// ```
pub trait Recognitions: Send + Sync {
    /// Returns the text that was recognised, or `None` if the store does not have it or no longer has
    /// it.
    fn text(
        &self,
        id: &RecognitionId,
    ) -> impl Future<Output = Result<Option<String>, RecognitionError>> + Send;
}

impl<S: BuildHasher + Send + Sync> Recognitions for HashMap<String, String, S> {
    fn text(
        &self,
        id: &RecognitionId,
    ) -> impl Future<Output = Result<Option<String>, RecognitionError>> + Send {
        ready(Ok(self.get(id.key()).cloned()))
    }
}

/// Why a text could not be looked up.
///
/// The error is logged. Errors of `RedisRecognitions` contain no keys, texts or secrets, and those of
/// your store must not contain them either.
#[derive(Debug)]
pub struct RecognitionError(Box<dyn Error + Send + Sync>);

impl RecognitionError {
    /// Creates an error of your store from its error, or from a message.
    ///
    /// It displays as that error does and has the same [`source`](Error::source).
    #[must_use]
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// Returns the error that this one was made from, if it is a `T`.
    #[must_use]
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for RecognitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for RecognitionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
