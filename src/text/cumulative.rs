//! The new parts of a text that grows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, TryStream};

/// Finds the new parts of a growing text.
///
/// ```
/// let mut answer = callbot::text::Cumulative::default();
/// assert_eq!(answer.new_part("One"), "One");
/// assert_eq!(answer.new_part("One moment"), " moment");
/// ```
#[derive(Clone, Default)]
pub struct Cumulative {
    so_far: String,
}

impl Cumulative {
    /// Returns the part of `whole` that is new since the last call.
    ///
    /// A text that differs from the one before is read from the first different character on, since
    /// spoken text can't be taken back. An empty text is skipped: the next one is compared with the
    /// text before it.
    pub fn new_part<'w>(&mut self, whole: &'w str) -> &'w str {
        if whole.is_empty() {
            return whole;
        }
        if let Some(new) = whole.strip_prefix(self.so_far.as_str()) {
            self.so_far.push_str(new);
            return new;
        }
        let pairs = self.so_far.bytes().zip(whole.bytes());
        let mut common = pairs.take_while(|(old, new)| old == new).count();
        // Characters that differ may begin with the same bytes.
        while !whole.is_char_boundary(common) {
            common -= 1;
        }
        let new = whole.get(common..).unwrap_or_default();
        self.so_far.truncate(common);
        self.so_far.push_str(new);
        new
    }

    /// Returns the whole text as it was last given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.so_far
    }
}

// The text is private.
impl fmt::Debug for Cumulative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cumulative").field("bytes", &self.so_far.len()).finish()
    }
}

/// Yields the new parts of a stream that repeats its text: each item is the whole text so far.
///
/// Items without new text are skipped. [`Cumulative`] describes which part is new. Errors pass
/// through and do not end the stream.
pub fn deltas<S>(stream: S) -> Deltas<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    Deltas { stream: Box::pin(stream), text: Cumulative::default() }
}

/// The stream that [`deltas`] returns.
#[must_use = "streams do nothing unless polled"]
pub struct Deltas<S> {
    stream: Pin<Box<S>>,
    text: Cumulative,
}

impl<S> Stream for Deltas<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    type Item = Result<String, S::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let whole = match ready!(self.stream.as_mut().try_poll_next(cx)) {
                Some(Ok(whole)) => whole,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            let new = self.text.new_part(whole.as_ref());
            if !new.is_empty() {
                return Poll::Ready(Some(Ok(new.to_owned())));
            }
        }
    }
}

impl<S> fmt::Debug for Deltas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deltas").field("text", &self.text).finish_non_exhaustive()
    }
}
