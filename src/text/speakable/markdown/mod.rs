//! Takes the marks out of what a model writes: Markdown, HTML, LaTeX, URLs, emoji.
//!
//! `block` reads what stands at the start of a line, `inline` the rest of it. Both look ahead only as far as
//! a mark goes, so plain text passes immediately.

mod block;
mod html;
mod inline;
mod latex;
mod link;
mod plain;
mod table;

use super::Language;
use super::cursor::{Cursor, Look};
use plain::Plain;

/// The state of the text between two steps.
#[derive(Debug, Clone)]
pub(super) struct Markdown {
    language: Language,
    plain: Plain,
    /// What is left out, and how it ends.
    hidden: Option<Hidden>,
    /// Only marks and white space have been read of this line.
    at_line_start: bool,
    /// The line is a list item, and no more than its mark has been read.
    after_bullet: bool,
    /// The line belongs to a list item, which the next line may continue.
    in_item: bool,
    /// The line begins with bold text.
    bold_line: bool,
    /// The last marks were those of bold text.
    after_bold: bool,
    /// How many backticks started the code that is being read. 0: none.
    code: usize,
    /// How many brackets are open.
    brackets: usize,
    /// A URL or an address is between "<" and ">".
    in_angles: bool,
    /// The text is between dollar signs.
    math: bool,
    /// The columns of the table that is being read.
    columns: Option<Vec<String>>,
    /// A fence of text, not of code, is open.
    text_fence: bool,
    /// The character before.
    before: Option<char>,
}

/// Text that is not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    /// The rest of a line.
    Line,
    /// The rest of a URL that is longer than the rules look ahead.
    Url,
    /// Code, until a line with at least as many of the same marks.
    Fence {
        mark: char,
        len: usize,
    },
    Comment,
    /// The content of an HTML element.
    Element(&'static str),
}

impl Markdown {
    pub(super) fn new(language: Language) -> Self {
        Self {
            language,
            plain: Plain::new(language),
            hidden: None,
            at_line_start: true,
            after_bullet: false,
            in_item: false,
            bold_line: false,
            after_bold: false,
            code: 0,
            brackets: 0,
            in_angles: false,
            math: false,
            columns: None,
            text_fence: false,
            before: None,
        }
    }

    /// Removes the marks within a part of a line.
    fn inline_text(&self, text: &str) -> String {
        let mut inner = Self::new(self.language);
        inner.at_line_start = false;
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let done = inner.step(Cursor::new(rest, true), &mut plain).unwrap_or(0);
            rest = rest.get(done.max(first.len_utf8())..).unwrap_or_default();
        }
        plain
    }

    /// Reads the next text. Returns how much of it is done.
    pub(super) fn step(&mut self, ahead: Cursor<'_>, out: &mut String) -> Look<usize> {
        let mut end = ahead;
        if let Some(hidden) = self.hidden {
            self.skip(hidden, &mut end, out)?;
        } else if !self.at_line_start || !self.block(&mut end, out)? {
            self.at_line_start = false;
            self.inline(&mut end, out)?;
            self.after_bullet &= self.at_line_start;
        }
        self.before = end.since(ahead.at()).chars().next_back();
        Ok(end.at())
    }

    /// Ends the text.
    pub(super) fn end(&mut self, out: &mut String) {
        self.finish_line(out);
        self.plain.end(out);
    }

    fn finish_line(&mut self, out: &mut String) {
        if self.bold_line && self.after_bold {
            self.plain.end_with_pause();
        }
        self.plain.pause(out);
    }

    /// Starts the next line.
    fn next_line(&mut self, feed: char, out: &mut String) {
        self.finish_line(out);
        self.plain.line(feed, out);
        self.at_line_start = true;
        self.after_bullet = false;
        self.in_item = false;
        self.bold_line = false;
        self.after_bold = false;
        self.brackets = 0;
        self.code = 0;
        self.math = false;
    }

    /// Passes text that is not spoken.
    fn skip(&mut self, hidden: Hidden, ahead: &mut Cursor<'_>, out: &mut String) -> Look<()> {
        match hidden {
            Hidden::Line => {
                ahead.available_run(|c| c != '\n');
                if ahead.available() == Some('\n') {
                    ahead.next()?;
                    self.hidden = None;
                    self.plain.remove(false);
                    self.next_line('\n', out);
                }
            }
            Hidden::Url => {
                ahead.available_run(link::is_url);
                if ahead.available().is_some() {
                    self.hidden = None;
                }
            }
            Hidden::Fence { mark, len } => {
                if self.at_line_start && block::closes_fence(ahead, mark, len)? {
                    self.hidden = None;
                    self.plain.remove(false);
                    return Ok(());
                }
                ahead.available_run(|c| c != '\n');
                self.at_line_start = ahead.available() == Some('\n');
                if self.at_line_start {
                    ahead.next()?;
                }
            }
            Hidden::Comment => {
                ahead.available_run(|c| c != '-');
                let mut end = *ahead;
                if ahead.available().is_some() {
                    if end.eat_str("-->")? {
                        *ahead = end;
                        self.hidden = None;
                    } else {
                        ahead.next()?;
                    }
                }
            }
            Hidden::Element(name) => {
                ahead.available_run(|c| c != '<');
                if ahead.available().is_some() && html::closes(ahead, name)? {
                    self.hidden = None;
                }
            }
        }
        Ok(())
    }
}
