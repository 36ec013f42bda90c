//! Prepares the text of a model for a voice.

use crate::text::Speakable;

/// Prepares the text of an answer for a voice, piece by piece.
#[derive(Debug)]
pub(super) enum Voice {
    /// The text stays as the model writes it.
    Plain,
    Speakable(Box<Speakable>),
}

impl Voice {
    pub(super) fn new(speakable: bool) -> Self {
        if speakable { Self::Speakable(Box::default()) } else { Self::Plain }
    }

    /// Adds a piece of text. Returns what can be spoken now.
    pub(super) fn push(&mut self, piece: &str) -> String {
        match self {
            Self::Plain => piece.to_owned(),
            Self::Speakable(text) => text.push(piece),
        }
    }

    /// Returns the rest of the text.
    pub(super) fn finish(&mut self) -> String {
        match self {
            Self::Plain => String::new(),
            Self::Speakable(text) => text.finish(),
        }
    }
}
