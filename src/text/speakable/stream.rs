//! The same for a stream of pieces.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, TryStream};

use super::{Language, Speakable};

/// Rewrites a stream of text pieces so that a voice reads it well, as [`Speakable`] does.
///
/// Pass its stream on to [`sentences`](crate::text::sentences()). The rest of the text is yielded at the end
/// of the stream and before an error. Errors pass through and do not end the stream: the text after one is a
/// new one.
///
/// ```
/// use callbot::text::{sentences, speakable};
/// use futures_util::{TryStreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::io::Error> {
/// let model = ["**Sure", "!** 😊 It", " costs $1", "2.50 a mo", "nth."];
/// let model = stream::iter(model.map(Ok::<_, std::io::Error>));
///
/// let chunks: Vec<String> = sentences(speakable(model)).try_collect().await?;
/// assert_eq!(chunks, ["Sure! ", "It costs 12 dollars and 50 cents a month."]);
/// # Ok(())
/// # }
/// ```
pub fn speakable<S>(stream: S) -> SpeakableStream<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    SpeakableStream { stream: Box::pin(stream), text: Speakable::new(), error: None, ended: false }
}

/// The stream that [`speakable`] returns.
///
/// It is cancel safe: dropping the future of an item loses no text.
#[must_use = "streams do nothing unless polled"]
pub struct SpeakableStream<S: TryStream> {
    stream: Pin<Box<S>>,
    text: Speakable,
    /// Yielded after the text that arrived before it.
    error: Option<S::Error>,
    ended: bool,
}

// Only the box is pinned.
impl<S: TryStream> Unpin for SpeakableStream<S> {}

impl<S: TryStream> SpeakableStream<S> {
    /// Sets the language of the text. Default: [`Language::Auto`].
    pub fn language(mut self, language: Language) -> Self {
        self.text = self.text.language(language);
        self
    }
}

impl<S> Stream for SpeakableStream<S>
where
    S: TryStream,
    S::Ok: AsRef<str>,
{
    type Item = Result<String, S::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(error) = this.error.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            let text = match ready!(this.stream.as_mut().try_poll_next(cx)) {
                Some(Ok(piece)) => this.text.push(piece.as_ref()),
                Some(Err(error)) => {
                    this.error = Some(error);
                    this.text.finish()
                }
                None => {
                    this.ended = true;
                    this.text.finish()
                }
            };
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(text)));
            }
        }
    }
}

impl<S: TryStream> fmt::Debug for SpeakableStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpeakableStream").field("text", &self.text).finish_non_exhaustive()
    }
}
