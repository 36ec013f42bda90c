//! The sentences of a stream, in time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Stream, TryStream};
use tokio::time::{Instant, Sleep, sleep_until};

use super::sentences::Sentences;

/// The default maximum time that text waits in [`sentences`]: 1 s.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(1);

/// Cuts a stream of text pieces into whole sentences, as [`Sentences`] does, and limits how long
/// text waits for the end of its sentence.
///
/// In a turn of a [`Bot`](crate::bot::Bot), the first text is also yielded when the first packet is due, so
/// that the turn does not fail because a sentence is not over. This needs no setting, and works wherever the
/// turn polls the stream. Elsewhere, use [`first_by`](SentenceStream::first_by).
///
/// The remaining text is yielded at the end of the stream and before an error. Before an error,
/// mere white space is kept instead. Errors pass through and do not end the stream: the text after
/// one starts a new sentence.
///
/// ```
/// use std::time::Duration;
/// use callbot::text::sentences;
/// use futures_util::{StreamExt, TryStreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let model = stream::iter(["Your balance, ", "as of today, ", "is 42 euros."]);
/// let sentences = sentences(model.map(Ok::<_, std::io::Error>))
///     .max_chars(30)
///     .max_wait(Duration::from_millis(500));
///
/// let chunks: Vec<String> = sentences.try_collect().await?;
/// assert_eq!(chunks, ["Your balance, as of today, ", "is 42 euros."]);
/// # Ok(())
/// # }
/// ```
pub fn sentences<S>(stream: S) -> SentenceStream<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    SentenceStream {
        stream: Box::pin(stream),
        sentences: Sentences::default(),
        max_wait: DEFAULT_MAX_WAIT,
        first_by: None,
        arrivals: VecDeque::new(),
        sleep: None,
        releasing: false,
        error: None,
        ended: false,
    }
}

thread_local! {
    /// See [`release_by`].
    static RELEASE_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Calls `poll`. Streams of [`sentences`] that are polled in it yield their waiting text at `at`, even if
/// it may wait longer.
///
/// So a reply that must begin by then does not fail because a sentence is not over. The time is passed on in
/// a variable of the thread, since the stream may be anywhere inside the polled future, behind other streams
/// that don't know of it. It applies to this poll only, since it may have changed at the next one.
#[cfg(feature = "bot")]
pub(crate) fn release_by<T>(at: Option<Instant>, poll: impl FnOnce() -> T) -> T {
    struct Restore(Option<Instant>);

    impl Drop for Restore {
        fn drop(&mut self) {
            RELEASE_AT.set(self.0);
        }
    }

    let _restore = Restore(RELEASE_AT.replace(at));
    poll()
}

/// The stream that [`sentences`] returns.
///
/// It is cancel safe: dropping the future of an item loses no text. It needs a Tokio runtime with a
/// timer, unless the waiting time is unlimited.
#[must_use = "streams do nothing unless polled"]
pub struct SentenceStream<S: TryStream> {
    stream: Pin<Box<S>>,
    sentences: Sentences,
    max_wait: Duration,
    /// When the first text must be yielded, until it is.
    first_by: Option<Instant>,
    /// The pieces of the waiting text: their lengths in bytes, and when they arrived. White space is part of
    /// the piece before it, so that at most the first one is blank.
    arrivals: VecDeque<(usize, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// All waiting text is being yielded.
    releasing: bool,
    /// Yielded after the text that arrived before it.
    error: Option<S::Error>,
    ended: bool,
}

// Only the box is pinned.
impl<S: TryStream> Unpin for SentenceStream<S> {}

impl<S: TryStream> SentenceStream<S> {
    /// Sets the maximum length of a chunk, in characters (Unicode scalar values). Minimum: 1.
    /// Default: [`DEFAULT_MAX_CHARS`](super::DEFAULT_MAX_CHARS).
    pub fn max_chars(mut self, max: usize) -> Self {
        self.sentences = self.sentences.max_chars(max);
        self
    }

    /// Sets how long text may wait for the end of its sentence, counted from the arrival of its
    /// first character that is not white space. After that, all waiting text is yielded. With zero,
    /// no text waits; with [`Duration::MAX`], it waits without limit. Default:
    /// [`DEFAULT_MAX_WAIT`].
    pub fn max_wait(mut self, max: Duration) -> Self {
        self.max_wait = max;
        self
    }

    /// Sets when the first text must be yielded, whether or not its sentence is over. If no text has arrived
    /// by then, the next one is yielded when it arrives. Default: no such time, except in a turn of a
    /// [`Bot`](crate::bot::Bot).
    ///
    /// ```
    /// use std::time::Duration;
    /// use callbot::text::sentences;
    /// use futures_util::{StreamExt, TryStreamExt, stream};
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::io::Error> {
    /// let model = stream::iter(["Your ", "balance "]).chain(stream::pending());
    /// let due = Instant::now() + Duration::from_millis(20);
    /// let mut texts = sentences(model.map(Ok::<_, std::io::Error>)).first_by(due);
    ///
    /// assert_eq!(texts.try_next().await?.as_deref(), Some("Your balance "));
    /// assert!(Instant::now() >= due);
    /// # Ok(())
    /// # }
    /// ```
    pub fn first_by(mut self, at: Instant) -> Self {
        self.first_by = Some(at);
        self
    }

    fn push(&mut self, piece: &str) {
        self.sentences.push(piece);
        match self.arrivals.back_mut() {
            Some((bytes, _)) if piece.trim_start().is_empty() => *bytes += piece.len(),
            _ if piece.is_empty() => {}
            _ => self.arrivals.push_back((piece.len(), Instant::now())),
        }
    }

    fn next_chunk(&mut self) -> Option<String> {
        // White space waits on, unless no text can follow.
        self.releasing &= self.ended || !self.sentences.is_blank();
        let chunk = match self.releasing {
            true => self.sentences.finish(),
            false => self.sentences.next_chunk(),
        }?;
        self.first_by = None;
        let mut taken = chunk.len();
        while let Some((bytes, _)) = self.arrivals.front_mut() {
            if *bytes > taken {
                *bytes -= taken;
                break;
            }
            taken -= *bytes;
            self.arrivals.pop_front();
        }
        Some(chunk)
    }

    /// Returns when the waiting text must be yielded. `None` if no text waits, or without a limit.
    fn deadline(&self) -> Option<Instant> {
        if self.sentences.is_blank() {
            return None;
        }
        let mut before = self.sentences.blank_len();
        let first = self.arrivals.iter().find(|(bytes, _)| match before.checked_sub(*bytes) {
            Some(rest) => {
                before = rest;
                false
            }
            None => true,
        });
        let waited = first.and_then(|(_, at)| at.checked_add(self.max_wait));
        [waited, self.first_by, RELEASE_AT.get()].into_iter().flatten().min()
    }

    /// Waits until `deadline`. If it has not passed, the task is woken when it does.
    fn poll_deadline(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }
}

impl<S> Stream for SentenceStream<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    type Item = Result<String, S::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = this.next_chunk() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            if let Some(error) = this.error.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let deadline = this.deadline();
            // Checks the clock, since a stream that is always ready would never let the timer run.
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                this.releasing = true;
                continue;
            }
            match this.stream.as_mut().try_poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) => this.push(piece.as_ref()),
                Poll::Ready(Some(Err(error))) => {
                    this.error = Some(error);
                    this.releasing = true;
                }
                Poll::Ready(None) => {
                    this.ended = true;
                    this.releasing = true;
                }
                Poll::Pending => {
                    let Some(deadline) = deadline else { return Poll::Pending };
                    ready!(this.poll_deadline(deadline, cx));
                    this.releasing = true;
                }
            }
        }
    }
}

impl<S: TryStream> fmt::Debug for SentenceStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceStream")
            .field("sentences", &self.sentences)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[test]
    fn white_space_is_kept_with_the_piece_before_it() {
        let none = stream::empty::<Result<String, std::io::Error>>();
        let mut texts = sentences(none).max_chars(usize::MAX);
        for piece in [" ", "\n", "", " ", "Hello", " ", "\t", "world"] {
            texts.push(piece);
        }
        let bytes: Vec<usize> = texts.arrivals.iter().map(|(bytes, _)| *bytes).collect();
        assert_eq!(bytes, [3, 7, 5]);
    }
}
