//! Prepares the text of a model for a voice.

/// Prepares the text of an answer for a voice, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Voice;

impl Voice {
    pub(super) fn new(_speakable: bool) -> Self {
        Self
    }

    /// Adds a piece of text. Returns what can be spoken now.
    pub(super) fn push(&mut self, piece: &str) -> String {
        piece.to_owned()
    }

    /// Returns the rest of the text.
    pub(super) fn finish(&mut self) -> String {
        String::new()
    }
}
