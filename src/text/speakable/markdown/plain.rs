//! The text without its marks, and the white space where they were.

use crate::text::speakable::Language;
use crate::text::speakable::words::is_han;

/// White space is kept until the next character: whether it stays depends on what was removed beside it.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    language: Language,
    spaces: String,
    /// Something was removed since the last character.
    removed: bool,
    /// What was removed was a picture, which separates what is beside it.
    separates: bool,
    /// The last character of the text.
    last: Option<char>,
    /// The last letter was Chinese.
    chinese: bool,
    /// The line has text.
    has_text: bool,
    /// Something of the line was removed.
    had_marks: bool,
    /// The line ends a sentence.
    pauses: bool,
}

impl Plain {
    pub(super) fn new(language: Language) -> Self {
        Self {
            language,
            spaces: String::new(),
            removed: false,
            separates: false,
            last: None,
            chinese: language == Language::Chinese,
            has_text: false,
            had_marks: false,
            pauses: false,
        }
    }

    /// Notes that something was removed here.
    pub(super) fn remove(&mut self, separates: bool) {
        self.removed = true;
        self.separates |= separates;
        self.had_marks = true;
    }

    /// Notes that marks at the start of the line were removed, with the white space before them.
    pub(super) fn remove_indent(&mut self) {
        self.spaces.clear();
        self.remove(false);
    }

    /// Lets the line end with a sentence end.
    pub(super) fn end_with_pause(&mut self) {
        self.pauses = true;
    }

    pub(super) fn is_pausing(&self) -> bool {
        self.pauses
    }

    /// Returns whether the line has no text yet.
    pub(super) fn is_empty_line(&self) -> bool {
        !self.has_text
    }

    pub(super) fn is_chinese(&self) -> bool {
        self.chinese
    }

    /// Adds white space within a line.
    ///
    /// A space after the end of a sentence stays in any case: without it the sentence would wait for the start
    /// of the next one, which a slow model writes much later.
    pub(super) fn space(&mut self, c: char, out: &mut String) {
        let ends = self.last.is_some_and(|last| ENDS.contains(last));
        if c == ' ' && ends && !self.removed && self.spaces.is_empty() {
            out.push(c);
            self.last = Some(c);
            return;
        }
        // More is not worth keeping.
        if self.spaces.len() < 64 {
            self.spaces.push(c);
        }
    }

    pub(super) fn text(&mut self, text: &str, out: &mut String) {
        for c in text.chars() {
            if c.is_whitespace() { self.space(c, out) } else { self.push(c, out) }
        }
    }

    /// Adds a character that is not white space.
    pub(super) fn push(&mut self, c: char, out: &mut String) {
        let spaces = std::mem::take(&mut self.spaces);
        if !self.removed {
            out.push_str(&spaces);
        } else if self.has_text && !follows_directly(c) {
            let before = self.last.unwrap_or('.');
            let between = |is: fn(char) -> bool| is(before) && is(c);
            if self.separates && between(is_han) {
                out.push('，');
            } else if before != ' ' && !spaces.is_empty()
                || self.separates && between(char::is_alphanumeric)
            {
                out.push(' ');
            }
        }
        out.push(c);
        self.removed = false;
        self.separates = false;
        self.has_text = true;
        self.last = Some(c);
        if self.language == Language::Auto && c.is_alphabetic() {
            self.chinese = is_han(c);
        }
    }

    /// Ends a line that ends a sentence.
    pub(super) fn pause(&mut self, out: &mut String) {
        if !std::mem::take(&mut self.pauses) || !self.has_text {
            return;
        }
        self.spaces.clear();
        let last = self.last.unwrap_or('.');
        let open = last.is_alphanumeric() || CLOSING.contains(last) || SYMBOLS.contains(last);
        if open {
            let end = if self.chinese { '。' } else { '.' };
            out.push(end);
            self.last = Some(end);
        }
    }

    /// Starts the next line. A line of which nothing is left goes without a trace.
    pub(super) fn line(&mut self, feed: char, out: &mut String) {
        if !self.removed {
            out.push_str(&self.spaces);
        }
        if self.has_text || !self.had_marks {
            out.push(feed);
            self.last = Some(feed);
        }
        self.spaces.clear();
        self.removed = false;
        self.separates = false;
        self.has_text = false;
        self.had_marks = false;
        self.pauses = false;
    }

    pub(super) fn end(&mut self, out: &mut String) {
        if !self.removed {
            out.push_str(&self.spaces);
        }
        self.spaces.clear();
    }
}

/// The ends of sentences that a space follows.
const ENDS: &str = ".!?…";
const CLOSING: &str = ")]}）］｝」』｣〉》】〕”’»›\"'";
/// Symbols after which a sentence is not over.
const SYMBOLS: &str = "%％‰°℃℉$€£¥￥+*&=@#_²³½¼¾";

/// Whether no white space precedes this character.
fn follows_directly(c: char) -> bool {
    ".,;:!?)]}%".contains(c) || "，。、；：！？）】」』》”’…".contains(c)
}
