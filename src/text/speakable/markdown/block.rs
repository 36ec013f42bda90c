//! What stands at the start of a line: headings, list marks, quotes, rules, fences.

use super::{Hidden, Markdown};
use crate::text::speakable::cursor::{Cursor, Look};
use crate::text::speakable::emoji::{AS_PICTURE, ON_KEY};
use crate::text::speakable::words::is_han;

/// Marks of list items that need no white space after them.
const BULLETS: &str = "•◦▪‣●○■□";
/// Languages of fences that are read: they have text, not code.
const TEXT: &[&str] = &["markdown", "md", "text", "txt", "plaintext"];

impl Markdown {
    /// Reads a mark at the start of a line. Returns whether there is one.
    pub(super) fn block(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let Some(c) = ahead.available() else { return Ok(true) };
        if !matches!(c, ' ' | '\t' | '|') {
            self.columns = None;
        }
        match c {
            ' ' | '\t' => {
                ahead.next()?;
                self.plain.space(c, out);
                return Ok(true);
            }
            '>' => {
                ahead.next()?;
                self.plain.remove_indent();
                return Ok(true);
            }
            '#' => return self.heading(ahead),
            '|' => return self.row(ahead, out),
            '`' | '~' => return self.fence(ahead, c),
            '[' => return self.definition(ahead),
            '0'..='9' => return self.number(ahead, out),
            _ => {}
        }
        if let Some(run) = rule(c)
            && is_rule(ahead, c, run)?
        {
            self.plain.remove_indent();
            return Ok(true);
        }
        self.bullet(ahead, c)
    }

    fn heading(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        let len = end.run(|c| c == '#')?.len();
        if len > 6 || !end.sees(char::is_whitespace)? {
            return Ok(false);
        }
        *ahead = end;
        self.plain.remove_indent();
        self.plain.end_with_pause();
        Ok(true)
    }

    fn bullet(&mut self, ahead: &mut Cursor<'_>, c: char) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        let is_bullet = match c {
            '-' | '*' | '+' => end.sees(char::is_whitespace)?,
            c => BULLETS.contains(c),
        };
        if is_bullet {
            *ahead = end;
            self.plain.remove_indent();
            self.plain.end_with_pause();
            self.after_bullet = true;
            self.in_item = true;
        }
        Ok(is_bullet)
    }

    /// Reads the number of a list item, which stays, and the marks after it.
    fn number(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        let digits = end.run(|c| c.is_ascii_digit())?;
        if digits.len() > 3 {
            return Ok(false);
        }
        let key = digits.len() == 1 && {
            end.eat(AS_PICTURE)?;
            end.eat(ON_KEY)?
        };
        let Some(mark) = (if key { Some('.') } else { end.next()? }) else { return Ok(false) };
        let spaced = end.sees(char::is_whitespace)?;
        if !(".)、．".contains(mark) && (spaced || key || end.sees(is_han)?)) && mark != '、' {
            return Ok(false);
        }
        end.run(|c| c == ' ' || c == '\t')?;
        // The language is that of what follows.
        let mut text = end;
        text.run(|c| "*_`[ ~".contains(c))?;
        let chinese = text.peek()?.map_or(self.plain.is_chinese(), is_han);
        self.plain.end_with_pause();
        self.plain.remove_indent();
        self.plain.text(digits, out);
        self.plain.text(if chinese { "、" } else { ". " }, out);
        self.after_bullet = true;
        self.in_item = true;
        self.at_line_start = false;
        *ahead = end;
        Ok(true)
    }

    fn fence(&mut self, ahead: &mut Cursor<'_>, mark: char) -> Look<bool> {
        let mut end = *ahead;
        let len = end.run(if mark == '`' { |c| c == '`' } else { |c| c == '~' })?.len();
        if len < 3 {
            return Ok(false);
        }
        let name = end.run(|c| c != '\n' && c != '`')?.trim();
        if end.peek()? == Some('`') {
            // Inline code in many marks.
            return Ok(false);
        }
        end.eat('\n')?;
        let closes = self.text_fence && name.is_empty();
        let text = TEXT.iter().any(|text| name.eq_ignore_ascii_case(text));
        self.text_fence = text && !closes;
        if !text && !closes {
            self.hidden = Some(Hidden::Fence { mark, len });
        }
        self.plain.remove_indent();
        *ahead = end;
        Ok(true)
    }
}

/// The characters of a rule with this mark.
fn rule(mark: char) -> Option<fn(char) -> bool> {
    Some(match mark {
        '-' => |c| c == '-' || c == ' ',
        '*' => |c| c == '*' || c == ' ',
        '_' => |c| c == '_' || c == ' ',
        '=' => |c| c == '=' || c == ' ',
        _ => return None,
    })
}

fn is_rule(ahead: &mut Cursor<'_>, mark: char, run: fn(char) -> bool) -> Look<bool> {
    let mut end = *ahead;
    let len = end.run(run)?.matches(mark).count();
    let is_rule = len >= 3 && end.peek()?.is_none_or(|c| c == '\n' || c == '\r');
    if is_rule {
        *ahead = end;
    }
    Ok(is_rule)
}

/// Passes the line that ends code.
pub(super) fn closes_fence(ahead: &mut Cursor<'_>, mark: char, len: usize) -> Look<bool> {
    let mut end = *ahead;
    end.run(|c| c == ' ')?;
    let marks = end.run(if mark == '`' { |c| c == '`' } else { |c| c == '~' })?.len();
    end.run(|c| c == ' ')?;
    let closes = marks >= len && end.peek()?.is_none_or(|c| c == '\n' || c == '\r');
    if closes {
        *ahead = end;
    }
    Ok(closes)
}
