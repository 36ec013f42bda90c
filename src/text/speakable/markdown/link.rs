//! Links, images, footnotes and URLs.

use super::{Hidden, Markdown};
use crate::text::speakable::cursor::{Cursor, Look};

const SCHEMES: &[&str] = &["https://", "http://", "ftp://"];

impl Markdown {
    /// Reads a bracket at the start of a line: the definition of a link, or of a footnote, whose text stays.
    pub(super) fn definition(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        let label = end.run(is_label)?;
        if label.is_empty() || label.len() > 100 || !end.eat_str("]:")? {
            return Ok(false);
        }
        end.run(|c| c == ' ')?;
        if label.starts_with('^') {
            self.plain.remove_indent();
        } else if end.sees(|c| "h<#/w.".contains(c))? {
            self.hidden = Some(Hidden::Line);
        } else {
            return Ok(false);
        }
        *ahead = end;
        Ok(true)
    }

    pub(super) fn opens_bracket(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        if self.after_bullet {
            let mut task = end;
            task.eat_if(|c| matches!(c, ' ' | 'x' | 'X'))?;
            if task.eat(']')? && task.sees(char::is_whitespace)? {
                self.plain.remove(false);
                *ahead = task;
                return Ok(true);
            }
        }
        if self.reference(&mut end)? {
            self.plain.remove(false);
            *ahead = end;
            return Ok(true);
        }
        self.brackets += 1;
        ahead.next()?;
        Ok(true)
    }

    /// Passes the mark of a footnote or of a source: "^1]", "1]", "1, 2]".
    fn reference(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let label = match ahead.eat('^')? {
            true => ahead.run(|c| c.is_alphanumeric() || c == '-' || c == '_')?,
            // After a space, several numbers are more often an interval.
            false if self.before.is_none_or(char::is_whitespace) => {
                ahead.run(|c| c.is_ascii_digit())?
            }
            false => ahead.run(|c| c.is_ascii_digit() || ", -–".contains(c))?,
        };
        let is_label = !label.is_empty() && label.len() <= 30 && !label.starts_with('0');
        Ok(is_label && ahead.eat(']')? && !ahead.sees(|c| c == '(')?)
    }

    pub(super) fn closes_bracket(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        if self.brackets == 0 {
            return Ok(false);
        }
        let mut end = *ahead;
        end.next()?;
        if !target(&mut end)? {
            end = *ahead;
            end.next()?;
        }
        self.brackets -= 1;
        *ahead = end;
        Ok(true)
    }

    /// Passes the mark of a source such as "【3†source】".
    pub(super) fn source_mark(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        end.run(|c| c.is_ascii_digit() || c == ':')?;
        if !end.eat('†')? {
            return Ok(false);
        }
        let short = end.run(|c| c != '】' && c != '\n')?.len() < 200;
        let is_mark = short && end.eat('】')?;
        if is_mark {
            self.plain.remove(false);
            *ahead = end;
        }
        Ok(is_mark)
    }

    pub(super) fn image(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        if !end.eat('[')? {
            return Ok(false);
        }
        let alt = end.run(|c| c != ']' && c != '\n')?;
        let is_image = alt.len() <= 300 && end.eat(']')? && target(&mut end)?;
        if is_image {
            self.plain.remove(true);
            *ahead = end;
        }
        Ok(is_image)
    }

    /// Reads a URL, of which the host stays.
    pub(super) fn url(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        if self.before.is_some_and(|c| c.is_ascii_alphanumeric() || "._-@/".contains(c)) {
            return Ok(false);
        }
        let start = *ahead;
        let mut end = *ahead;
        let mut found = false;
        for scheme in SCHEMES {
            found = found || end.eat_word(scheme)?;
        }
        let www = end.eat_word("www.")?;
        if !found && !www {
            return Ok(false);
        }
        let url = end;
        end.run(is_url)?;
        let text = end.since(url.at());
        // What ends the sentence is not part of the URL.
        let text = text.trim_end_matches(|c| ".,;:!?*_~`'\"".contains(c));
        let closing = text.matches(')').count() > text.matches('(').count();
        let text = if closing { text.trim_end_matches(')') } else { text };
        let host = text.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default().trim_matches('.');
        if host.is_empty() {
            return Ok(false);
        }
        self.plain.text(host, out);
        *ahead = start.after(url.at() - start.at() + text.len());
        if ahead.is_end() {
            self.hidden = Some(Hidden::Url);
        }
        Ok(true)
    }
}

/// Passes the target of a link: "(url)", "(url "title")" or "[label]".
fn target(ahead: &mut Cursor<'_>) -> Look<bool> {
    if ahead.eat('[')? {
        let label = ahead.run(is_label)?;
        return Ok(label.len() <= 100 && ahead.eat(']')?);
    }
    if !ahead.eat('(')? {
        return Ok(false);
    }
    ahead.run(|c| c == ' ')?;
    // A URL may have brackets of its own.
    for _ in 0..8 {
        ahead.run(|c| is_url(c) && c != '(' && c != ')' || c == '<' || c == '>' || is_letter(c))?;
        if !ahead.eat('(')? {
            break;
        }
        ahead.run(|c| is_url(c) && c != '(' && c != ')' || is_letter(c))?;
        ahead.eat(')')?;
    }
    ahead.run(|c| c == ' ')?;
    let title: Option<fn(char) -> bool> = match ahead.peek()? {
        Some('"') => Some(|c| c != '"' && c != '\n'),
        Some('\'') => Some(|c| c != '\'' && c != '\n'),
        _ => None,
    };
    if let Some(title) = title {
        ahead.next()?;
        ahead.run(title)?;
        ahead.next()?;
        ahead.run(|c| c == ' ')?;
    }
    ahead.eat(')')
}

fn is_label(c: char) -> bool {
    c != ']' && c != '[' && c != '\n'
}

fn is_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic()
}

/// Whether a URL may have this character.
pub(super) fn is_url(c: char) -> bool {
    c.is_ascii_graphic() && !"<>\"`{}|\\^[]".contains(c)
}
