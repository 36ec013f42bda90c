//! HTML: tags, comments, entities.

use super::link::is_url;
use super::{Hidden, Markdown};
use crate::text::speakable::cursor::{Cursor, Look};

/// Elements whose content is not spoken. Models put their reasoning in `think`.
const HIDDEN: &[&str] = &["think", "thinking", "script", "style"];
/// Elements that begin and end lines.
const LINES: &[&str] = &[
    "br",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "blockquote",
    "pre",
    "dt",
    "dd",
    "section",
    "details",
    "summary",
];
/// Other elements.
const WITHIN: &[&str] = &[
    "a", "abbr", "audio", "b", "body", "button", "center", "cite", "code", "del", "dl", "em",
    "font", "figure", "head", "html", "i", "img", "input", "ins", "kbd", "label", "mark", "meta",
    "q", "s", "small", "span", "strike", "strong", "sub", "sup", "tbody", "td", "tfoot", "th",
    "thead", "title", "u", "var", "video", "wbr",
];
const ENTITIES: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("hellip", "…"),
    ("mdash", "—"),
    ("ndash", "–"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("copy", "©"),
    ("deg", "°"),
    ("euro", "€"),
    ("pound", "£"),
    ("yen", "¥"),
    ("times", "×"),
    ("divide", "÷"),
    ("plusmn", "±"),
    ("middot", "·"),
];

impl Markdown {
    pub(super) fn tag(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        if end.eat_str("!--")? {
            self.plain.remove(false);
            self.hidden = Some(Hidden::Comment);
            *ahead = end;
            return Ok(true);
        }
        if is_address(end)? {
            end.eat_word("mailto:")?;
            self.in_angles = true;
            *ahead = end;
            return Ok(true);
        }
        let closes = end.eat('/')?;
        let name = end.run(|c| c.is_ascii_alphanumeric())?.to_ascii_lowercase();
        let is_in = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        let hides = is_in(HIDDEN);
        let line = is_in(LINES).is_some();
        if hides.is_none() && !line && is_in(WITHIN).is_none() {
            return Ok(false);
        }
        if end.sees(|c| c == ' ' || c == '/' || c == '\t')? {
            let attributes = end.run(|c| c != '>' && c != '<' && c != '\n')?;
            if attributes.len() > 1000 {
                return Ok(false);
            }
        }
        if !end.eat('>')? {
            return Ok(false);
        }
        *ahead = end;
        self.plain.remove(false);
        if line && !self.plain.is_empty_line() {
            self.next_line('\n', out);
            self.plain.remove_indent();
        }
        if line && matches!(&*name, "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6") && !closes {
            self.plain.end_with_pause();
            self.in_item = name == "li";
        }
        self.hidden = hides.filter(|_| !closes).map(Hidden::Element);
        Ok(true)
    }

    pub(super) fn entity(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        let number = end.eat('#')?;
        let name = end.run(|c| c.is_ascii_alphanumeric())?;
        if name.is_empty() || name.len() > 8 || !end.eat(';')? {
            return Ok(false);
        }
        let code = match name.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => name.parse().ok(),
        };
        let code = code.and_then(char::from_u32).filter(|c| number && !c.is_control());
        if let Some(c) = code {
            self.plain.text(c.encode_utf8(&mut [0; 4]), out);
        } else if let Some((_, text)) = ENTITIES.iter().find(|(known, _)| !number && *known == name)
        {
            self.plain.text(text, out);
        } else {
            return Ok(false);
        }
        *ahead = end;
        Ok(true)
    }
}

/// Passes a "<", and the rest of the tag if it closes this element.
pub(super) fn closes(ahead: &mut Cursor<'_>, name: &str) -> Look<bool> {
    let mut end = *ahead;
    let closes = end.eat_str("</")? && end.eat_word(name)? && end.eat('>')?;
    if closes {
        *ahead = end;
    } else {
        ahead.next()?;
    }
    Ok(closes)
}

/// Returns whether a URL or an e-mail address and a ">" follow.
fn is_address(mut ahead: Cursor<'_>) -> Look<bool> {
    let text = ahead.run(is_url)?;
    let is_address = text.contains("://") || text.contains('@');
    Ok(is_address && ahead.eat('>')?)
}
