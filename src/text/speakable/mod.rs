//! Rewrites the text of a language model so that a voice reads it well.

mod cursor;
mod emoji;
mod markdown;
mod stream;
mod words;

use std::fmt;

use cursor::Window;
use markdown::Markdown;
pub use stream::{SpeakableStream, speakable};
use words::Words;

/// The language of a text, as far as [`Speakable`] knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// Finds the language of each sentence by its script: [`Chinese`](Self::Chinese) for ideographs,
    /// [`English`](Self::English) for Latin letters, else [`Other`](Self::Other).
    #[default]
    Auto,
    /// English.
    English,
    /// Chinese, with simplified characters.
    Chinese,
    /// Any other language: marks are removed, and nothing else is rewritten.
    Other,
}

/// How far rules look ahead in what the model writes, in bytes: to the end of a URL or of a row of a table.
const SOURCE_LIMIT: usize = 2048;
/// How far rules look ahead for numbers and abbreviations, in bytes.
const WORDS_LIMIT: usize = 256;

/// Rewrites text that arrives in pieces so that a voice reads it well, without I/O.
///
/// The rewritten text does not depend on how the text was cut into pieces. As little as possible is held
/// back: a word until the next character arrives, a number until it is clear what it counts.
#[derive(Clone)]
pub struct Speakable {
    language: Language,
    markdown: Markdown,
    source: Window,
    words: Words,
    plain: Window,
}

impl Speakable {
    /// Rewrites text of which each sentence is English or Chinese.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Language::Auto)
    }

    fn of(language: Language) -> Self {
        Self {
            language,
            markdown: Markdown::new(language),
            source: Window::new(SOURCE_LIMIT),
            words: Words::new(language),
            plain: Window::new(WORDS_LIMIT),
        }
    }

    /// Sets the language of the text. Set it before the first piece. Default: [`Language::Auto`].
    #[must_use]
    pub fn language(self, language: Language) -> Self {
        Self::of(language)
    }

    /// Adds a piece of text. Returns what can be spoken now, which may be empty.
    #[must_use = "the returned text is not returned again"]
    pub fn push(&mut self, piece: &str) -> String {
        self.source.push(piece);
        self.advance(false)
    }

    /// Returns the rest of the text. Text that is pushed afterwards is a new one.
    #[must_use = "the returned text is not returned again"]
    pub fn finish(&mut self) -> String {
        let rest = self.advance(true);
        *self = Self::of(self.language);
        rest
    }

    /// Rewrites a whole text.
    #[must_use]
    pub fn rewrite(self, text: &str) -> String {
        let mut speakable = Self::of(self.language);
        let mut spoken = speakable.push(text);
        spoken.push_str(&speakable.finish());
        spoken
    }

    fn advance(&mut self, over: bool) -> String {
        let Self { markdown, source, words, plain, .. } = self;
        let (mut text, mut spoken) = (String::new(), String::new());
        source.advance(over, |ahead| markdown.step(ahead, &mut text));
        if over {
            markdown.end(&mut text);
        }
        plain.push(&text);
        plain.advance(over, |ahead| words.step(ahead, &mut spoken));
        spoken
    }
}

impl Default for Speakable {
    fn default() -> Self {
        Self::new()
    }
}

// The text is private.
impl fmt::Debug for Speakable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speakable")
            .field("language", &self.language)
            .field("waiting_bytes", &(self.source.waiting() + self.plain.waiting()))
            .finish_non_exhaustive()
    }
}
