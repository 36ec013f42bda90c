//! A reply as new text and controls, whatever mode the bot speaks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};

use super::{AnswerMode, Event, Packet};
use crate::client::{Error, EventStream};

/// The events of a reply: what the bot's author sent, read back from the packets.
///
/// Packets that bring neither new text nor a control are passed over.
#[derive(Debug)]
pub struct Events<S = EventStream<Packet>> {
    packets: S,
    text: CumulativeText,
}

impl EventStream<Packet> {
    /// Reads the reply as events with the new text only. `mode` is what the bot's packets hold.
    #[must_use]
    pub fn into_events(self, mode: AnswerMode) -> Events {
        Events { packets: self, text: CumulativeText::new(mode) }
    }
}

impl Events {
    /// The whole text of the reply.
    ///
    /// # Errors
    /// The first error of the stream.
    pub async fn text(mut self) -> Result<String, Error> {
        let mut text = String::new();
        while let Some(event) = self.next().await {
            text.push_str(&event?.text);
        }
        Ok(text)
    }
}

impl<S: Stream<Item = Result<Packet, Error>> + Unpin> Stream for Events<S> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let packet = match ready!(self.packets.poll_next_unpin(cx)) {
                Some(Ok(packet)) => packet,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            let Some(data) = packet.data else { continue };
            let text = self.text.new_part(data.answer.unwrap_or_default());
            if !text.is_empty() || !data.controls.is_empty() {
                let mut event = Event::text(text);
                event.controls = data.controls;
                return Poll::Ready(Some(Ok(event)));
            }
        }
    }
}

/// Finds the new part of an answer.
#[derive(Debug)]
pub(super) struct CumulativeText {
    mode: AnswerMode,
    so_far: String,
}

impl CumulativeText {
    pub(super) fn new(mode: AnswerMode) -> Self {
        Self { mode, so_far: String::new() }
    }

    /// The part of `answer` that was not there before. A bot that goes back on its words has its
    /// answer read from where it differs: what was spoken can't be taken back.
    pub(super) fn new_part(&mut self, answer: String) -> String {
        if self.mode == AnswerMode::Delta || answer.is_empty() {
            return answer;
        }
        let common: usize = self
            .so_far
            .chars()
            .zip(answer.chars())
            .take_while(|(old, new)| old == new)
            .map(|(same, _)| same.len_utf8())
            .sum();
        let new = answer.get(common..).unwrap_or_default().to_owned();
        self.so_far = answer;
        new
    }
}
