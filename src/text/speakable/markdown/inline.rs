//! Marks within a line: emphasis, code, brackets, escapes, emoji.

use super::Markdown;
use crate::text::speakable::cursor::{Cursor, Look};
use crate::text::speakable::emoji::{AS_PICTURE, ON_KEY, is_emoji};
use crate::text::speakable::words::is_han;

/// Passes the white space at the start of a line that goes on with a list item.
fn continues_item(ahead: &mut Cursor<'_>) -> Look<bool> {
    let mut end = *ahead;
    let indented = !end.run(|c| c == ' ')?.is_empty();
    let continues = indented && end.sees(char::is_alphabetic)?;
    if continues {
        *ahead = end;
    }
    Ok(continues)
}

/// The ends of lines.
const FEEDS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

impl Markdown {
    /// Reads the next part of a line.
    pub(super) fn inline(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<()> {
        let Some(c) = ahead.available() else { return Ok(()) };
        if FEEDS.contains(&c) {
            ahead.next()?;
            if self.in_item && continues_item(ahead)? {
                self.plain.space(' ', out);
                return Ok(());
            }
            self.next_line(c, out);
            return Ok(());
        }
        if c.is_whitespace() {
            ahead.next()?;
            self.plain.space(c, out);
            return Ok(());
        }
        let done = match c {
            '`' => self.backticks(ahead, out)?,
            _ if self.code > 0 => false,
            '*' => self.stars(ahead, out)?,
            '_' => self.underscores(ahead)?,
            '~' => self.tildes(ahead)?,
            '#' => self.closing_heading(ahead)?,
            '[' => self.opens_bracket(ahead)?,
            ']' => self.closes_bracket(ahead)?,
            '【' => self.source_mark(ahead)?,
            '!' => self.image(ahead)?,
            '<' => self.tag(ahead, out)?,
            '>' if self.in_angles => {
                ahead.next()?;
                self.in_angles = false;
                true
            }
            '&' => self.entity(ahead, out)?,
            '\\' => self.backslash(ahead, out)?,
            '$' => self.dollar(ahead)?,
            'h' | 'H' | 'w' | 'W' | 'f' | 'F' => self.url(ahead, out)?,
            '0'..='9' => self.key(ahead, out)?,
            '¹' | '⁰' | '⁴'..='⁹' => self.footnote(ahead)?,
            c if is_emoji(c, self.before) => {
                ahead.next()?;
                self.plain.remove(true);
                true
            }
            _ => false,
        };
        self.after_bold &= done && c == '*';
        if !done {
            self.plain.push(c, out);
            ahead.next()?;
            // No mark begins within a word, but a URL may begin after an ideograph.
            let run = match c {
                c if c.is_ascii_alphabetic() => ahead.available_run(|c| c.is_ascii_alphabetic()),
                c if is_han(c) => ahead.available_run(is_han),
                _ => "",
            };
            self.plain.text(run, out);
        }
        Ok(())
    }

    fn backticks(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let marks = ahead.run(|c| c == '`')?;
        match self.code {
            0 => self.code = marks.len(),
            code if code == marks.len() => self.code = 0,
            _ => self.plain.text(marks, out),
        }
        Ok(true)
    }

    fn stars(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        let len = end.run(|c| c == '*')?.len();
        let next = end.peek()?;
        if len == 1 && next == Some('键') {
            // The key of a telephone.
            self.plain.text("星号", out);
            *ahead = end;
            return Ok(true);
        }
        let (before, after) = (self.before.unwrap_or(' '), next.unwrap_or(' '));
        let between = |is: fn(char) -> bool| is(before) && is(after);
        let multiplies = between(|c| c.is_ascii_digit())
            || len == 1 && between(|c| c.is_ascii_alphanumeric() || ")(".contains(c));
        if multiplies || len == 1 && between(char::is_whitespace) {
            return Ok(false);
        }
        if between(char::is_whitespace) {
            self.plain.remove(false);
        }
        self.bold_line |= len >= 2 && self.plain.is_empty_line();
        self.after_bold = len >= 2;
        *ahead = end;
        Ok(true)
    }

    fn underscores(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        let len = end.run(|c| c == '_')?.len();
        let (before, after) = (self.before.unwrap_or(' '), end.peek()?.unwrap_or(' '));
        let between = |is: fn(char) -> bool| is(before) && is(after);
        let in_word = between(|c| c.is_alphanumeric() && !is_han(c));
        if in_word || len == 1 && between(char::is_whitespace) {
            return Ok(false);
        }
        *ahead = end;
        Ok(true)
    }

    fn tildes(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        let is_mark = end.run(|c| c == '~')?.len() >= 2;
        if is_mark {
            *ahead = end;
        }
        Ok(is_mark)
    }

    /// Passes the marks that close a heading.
    fn closing_heading(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        if !self.plain.is_pausing() || self.before != Some(' ') {
            return Ok(false);
        }
        let mut end = *ahead;
        end.run(|c| c == '#')?;
        let closes = end.peek()?.is_none_or(|c| c == '\n');
        if closes {
            *ahead = end;
        }
        Ok(closes)
    }

    /// Reads a digit on a key, which is an emoji.
    fn key(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        let Some(digit) = end.next()? else { return Ok(false) };
        if !end.eat(AS_PICTURE)? && !end.sees(|c| c == ON_KEY)? {
            return Ok(false);
        }
        end.eat(ON_KEY)?;
        self.plain.push(digit, out);
        *ahead = end;
        Ok(true)
    }

    /// Passes the small numbers of a footnote.
    fn footnote(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let is_mark = self.before.is_some_and(|c| c.is_alphabetic() || c.is_ascii_punctuation());
        if is_mark {
            // All of them, however they arrive: after one of them, the next looks like no footnote.
            ahead.run(|c| matches!(c, '¹' | '²' | '³' | '⁰' | '⁴'..='⁹'))?;
            self.plain.remove(false);
        }
        Ok(is_mark)
    }
}
