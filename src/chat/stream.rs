//! The answer of a language model as a stream.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::poll_fn;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};
use tokio::time::{Sleep, sleep};

use super::completion::Collector;
use super::{ChatChunk, Completion};
use crate::client::{Error, EventStream};
use crate::wire::Secret;

/// How long the stream waits for the next chunk, such as that with the usage, or for its end once it has the
/// reason for the end.
const GRACE: Duration = Duration::from_secs(1);

/// The answer of a language model as a stream of chunks.
///
/// The chunks are as the server sends them, except that a role or a reason of `""` is missing. While you read
/// them, the stream puts the answer together: [`completion`](Self::completion) returns it with its tool
/// calls. Dropping the stream closes the connection.
///
/// A stream ends with `[DONE]`. After the reason for the end, the end of the body is enough, and the stream
/// waits for it, or for the next chunk, for 1 s only. Without that reason, the end of the body is an error
/// ([`Error::is_cut`]). An error ends the stream.
pub struct ChatStream {
    events: Option<EventStream<ChatChunk>>,
    status: StatusCode,
    headers: HeaderMap,
    collector: Collector,
    /// Runs since the last chunk, once the reason for the end has arrived.
    grace: Option<Pin<Box<Sleep>>>,
    /// The key of the request, which no error shows.
    key: Option<Secret>,
}

impl ChatStream {
    pub(super) fn new(events: EventStream<ChatChunk>, key: Option<Secret>) -> Self {
        Self {
            status: events.status(),
            headers: events.headers().clone(),
            events: Some(events),
            collector: Collector::default(),
            grace: None,
            key,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the text of the answer, piece by piece, without the reasoning. If the model gives several
    /// answers, it is the first one that the stream has, as in [`completion`](Self::completion).
    ///
    /// You can pass it to [`sentences`](crate::text::sentences), and ask the stream for the tool calls when
    /// it has ended.
    pub fn texts(&mut self) -> impl Stream<Item = Result<String, Error>> + Send + Unpin + '_ {
        poll_fn(|cx| {
            while let Some(chunk) = ready!(self.poll_next_unpin(cx)) {
                let text = chunk.map(|chunk| self.collector.text(&chunk));
                if !text.as_ref().is_ok_and(String::is_empty) {
                    return Poll::Ready(Some(text));
                }
            }
            Poll::Ready(None)
        })
    }

    /// Reads the rest of the stream and returns the whole answer, including what you have read before.
    ///
    /// # Errors
    /// Returns the first error of the rest.
    pub async fn completion(mut self) -> Result<Completion, Error> {
        while let Some(chunk) = self.next().await {
            chunk?;
        }
        Ok(self.collector.completion())
    }

    /// Returns the new text that a chunk of this stream has for the answer.
    #[cfg(feature = "llm")]
    pub(crate) fn text_of(&self, chunk: &ChatChunk) -> String {
        self.collector.text(chunk)
    }

    /// Returns the answer as far as it was read, and drops the connection.
    #[cfg(feature = "llm")]
    pub(crate) fn so_far(self) -> Completion {
        self.collector.completion()
    }

    /// Ends the stream and drops its connection.
    fn end(&mut self) -> Poll<Option<Result<ChatChunk, Error>>> {
        self.events = None;
        Poll::Ready(None)
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatChunk, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(events) = &mut this.events else { return Poll::Ready(None) };
        let event = match events.poll_next_unpin(cx) {
            Poll::Ready(event) => event,
            Poll::Pending => {
                let Some(grace) = &mut this.grace else { return Poll::Pending };
                ready!(grace.as_mut().poll(cx));
                return this.end();
            }
        };
        match event {
            Some(Ok(chunk)) => {
                let chunk = chunk.without_blanks();
                this.collector.add(&chunk);
                if this.collector.is_finished() {
                    this.grace = Some(Box::pin(sleep(GRACE)));
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            // Everything but the usage has arrived.
            Some(Err(error))
                if this.collector.is_finished() && (error.is_cut() || error.is_timeout()) =>
            {
                this.end()
            }
            Some(Err(error)) => {
                this.events = None;
                let error = match &this.key {
                    Some(key) => error.hide(key),
                    None => error,
                };
                Poll::Ready(Some(Err(error)))
            }
            None => this.end(),
        }
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream").field("status", &self.status).finish_non_exhaustive()
    }
}

impl ChatChunk {
    /// Returns the new part of the text of the first answer, that with the index 0. Empty if the chunk has
    /// none. [`ChatStream::texts`] also reads a stream whose only answer has another index.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        let first = self.choices.iter().find(|choice| choice.index == 0);
        first
            .and_then(|choice| choice.delta.as_ref())
            .map_or_else(Default::default, |delta| delta.text())
    }
}
