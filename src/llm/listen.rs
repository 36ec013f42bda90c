//! Listens to the answer of a model: its text as it is spoken, within the deadlines.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

use super::model::{Deadlines, ModelDeadline, ModelError};
use super::think::Think;
use super::voice::Voice;
use crate::chat::{ChatChunk, ChatStream};
use crate::lock::Mutex;

/// The text of an answer as it is spoken, piece by piece, until the model gives the reason for its end.
///
/// A failure ends the stream like the end of the answer. It is [kept](Failure) apart, because the sentences
/// that are made of this stream yield the text that waits in them before an error: text that must not be
/// spoken if another model can still answer.
pub(super) struct Listen<'a> {
    stream: &'a mut ChatStream,
    think: Think,
    voice: Voice,
    clock: Clock,
    failure: Failure,
    /// The failure, while the text that was held back goes out before it.
    failing: Option<ModelError>,
    ended: bool,
}

/// Why the model did not answer to the end; `None` as long as it does.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<ModelError>>>);

impl Failure {
    /// Returns whether the model has failed.
    pub(super) fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Takes the error.
    pub(super) fn take(&self) -> Option<ModelError> {
        self.0.lock().take()
    }

    fn set(&self, error: ModelError) {
        *self.0.lock() = Some(error);
    }
}

/// When the answer is late.
pub(super) struct Clock {
    deadlines: Deadlines,
    first: Option<Instant>,
    whole: Option<Instant>,
    /// Whether the model has begun to answer.
    begun: bool,
    /// Runs while the stream waits, until the next deadline.
    sleep: Option<(Pin<Box<Sleep>>, ModelDeadline)>,
}

impl Clock {
    /// Starts with the request.
    pub(super) fn start(deadlines: Deadlines) -> Self {
        let after = |time| Instant::now().checked_add(time);
        let (first, whole) = (after(deadlines.first), after(deadlines.whole));
        Self { deadlines, first, whole, begun: false, sleep: None }
    }

    /// Returns when the answer must have begun, at the latest.
    pub(super) fn first(&self) -> Option<Instant> {
        [self.first, self.whole].into_iter().flatten().min()
    }

    /// Returns the error of having missed [`first`](Self::first).
    pub(super) fn late(&self) -> ModelError {
        match self.first.is_some() && self.first() == self.first {
            true => self.error(ModelDeadline::First),
            false => self.error(ModelDeadline::Whole),
        }
    }

    fn error(&self, deadline: ModelDeadline) -> ModelError {
        let time = match deadline {
            ModelDeadline::First => self.deadlines.first,
            ModelDeadline::Stall => self.deadlines.stall,
            ModelDeadline::Whole => self.deadlines.whole,
        };
        ModelError::Deadline(deadline, time)
    }

    /// Notes that something arrived. A `useful` piece is text or a part of a tool call.
    fn arrived(&mut self, useful: bool) {
        if useful {
            self.begun = true;
            self.sleep = None;
        }
    }

    /// Waits for the next deadline. A pause counts from the first time that nothing is there, so the time
    /// that a slow platform takes does not count against the model.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<ModelError> {
        if self.sleep.is_none() {
            let next = match self.begun {
                true => (Instant::now().checked_add(self.deadlines.stall), ModelDeadline::Stall),
                false => (self.first, ModelDeadline::First),
            };
            let all = [next, (self.whole, ModelDeadline::Whole)];
            let next = all.into_iter().filter_map(|(at, deadline)| Some((at?, deadline)));
            let Some((at, deadline)) = next.min_by_key(|(at, _)| *at) else { return Poll::Pending };
            self.sleep = Some((Box::pin(sleep_until(at)), deadline));
        }
        let Some((sleep, deadline)) = &mut self.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(cx));
        let deadline = *deadline;
        Poll::Ready(self.error(deadline))
    }

    /// Returns whether the time of the whole answer is up, for a model that never pauses.
    fn is_over(&self) -> bool {
        self.whole.is_some_and(|whole| whole <= Instant::now())
    }
}

impl<'a> Listen<'a> {
    pub(super) fn new(
        stream: &'a mut ChatStream,
        clock: Clock,
        voice: Voice,
        failure: Failure,
    ) -> Self {
        Self { stream, think: Think::default(), voice, clock, failure, failing: None, ended: false }
    }

    /// Returns the text of a chunk as it is spoken.
    fn hear(&mut self, chunk: &ChatChunk) -> String {
        let text = self.think.push(&self.stream.text_of(chunk));
        let mut fragments = chunk.choices.iter().filter_map(|choice| choice.delta.as_ref());
        let calls = fragments.any(|delta| !delta.tool_calls.is_empty());
        self.clock.arrived(calls || !text.trim().is_empty());
        self.voice.push(&text)
    }

    /// Ends the stream, and returns the text that was held back.
    fn end(&mut self) -> String {
        self.ended = true;
        self.rest()
    }

    fn rest(&mut self) -> String {
        let rest = self.think.finish();
        self.voice.push(&rest) + &self.voice.finish()
    }

    /// Fails after the text that was held back, which is returned: it may show that a sentence before it is
    /// over, and such a sentence is spoken.
    fn fail(&mut self, error: ModelError) -> String {
        self.failing = Some(error);
        self.rest()
    }
}

impl Stream for Listen<'_> {
    type Item = Result<String, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.ended {
            if let Some(error) = this.failing.take() {
                this.ended = true;
                this.failure.set(error);
                break;
            }
            let mut text = match this.stream.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    let text = this.hear(&chunk);
                    let mut reasons = chunk.choices.iter().map(|choice| &choice.finish_reason);
                    // What follows is about the answer, such as the number of tokens.
                    match reasons.any(Option::is_some) {
                        true => text + &this.end(),
                        false => text,
                    }
                }
                Poll::Ready(Some(Err(error))) => this.fail(error.into()),
                Poll::Ready(None) => this.end(),
                Poll::Pending => match this.clock.poll_late(cx) {
                    Poll::Ready(late) => this.fail(late),
                    Poll::Pending => return Poll::Pending,
                },
            };
            if this.clock.is_over() && !this.ended && this.failing.is_none() {
                let late = this.clock.error(ModelDeadline::Whole);
                text += &this.fail(late);
            }
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(text)));
            }
        }
        Poll::Ready(None)
    }
}
