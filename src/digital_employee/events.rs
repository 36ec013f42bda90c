//! A reply read back as new text and controls, from packets of either [`AnswerMode`].

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};

use super::{AnswerMode, Event, Packet};
use crate::client::{Error, EventStream};
use crate::text::Cumulative;

/// The events of a reply, as the bot sent them, read back from the packets.
///
/// Packets without new text and controls are skipped.
#[derive(Debug)]
pub struct Events<S = EventStream<Packet>> {
    packets: S,
    text: NewText,
}

impl EventStream<Packet> {
    /// Reads the reply as events with the new text only. `mode` is the mode of the bot's packets.
    #[must_use]
    pub fn into_events(self, mode: AnswerMode) -> Events {
        Events { packets: self, text: NewText::new(mode) }
    }
}

impl Events {
    /// Returns the whole text of the reply.
    ///
    /// # Errors
    /// Returns the first error of the stream.
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
            let text = self.text.of(data.answer.unwrap_or_default());
            if !text.is_empty() || !data.controls.is_empty() {
                let mut event = Event::text(text);
                event.controls = data.controls;
                return Poll::Ready(Some(Ok(event)));
            }
        }
    }
}

/// Extracts the new part of each answer.
#[derive(Debug)]
pub(super) struct NewText {
    mode: AnswerMode,
    whole: Cumulative,
}

impl NewText {
    pub(super) fn new(mode: AnswerMode) -> Self {
        Self { mode, whole: Cumulative::default() }
    }

    pub(super) fn of(&mut self, answer: String) -> String {
        match self.mode {
            AnswerMode::Delta => answer,
            AnswerMode::Cumulative => self.whole.new_part(&answer).to_owned(),
        }
    }
}
