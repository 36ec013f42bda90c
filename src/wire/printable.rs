//! Shows text of peers where people read it: in logs and in error messages.

use std::fmt;

/// The most bytes of a peer's text that a log line or an error message contains.
const LONGEST: usize = 256;

/// A text of a peer, with control characters escaped.
///
/// A peer chooses its ids and its keys. Shown as they are, a line feed in one forges a line of a log, an escape
/// sequence changes what a terminal shows, and a long one fills the disk. So line ends, other control
/// characters and marks of the writing direction are shown as Rust writes them: `\n`, `\u{1b}`.
#[derive(Clone, Copy)]
pub(crate) struct Printable<'a> {
    text: &'a str,
    /// Whether something was cut off.
    cut: bool,
}

impl<'a> Printable<'a> {
    /// Shows the whole text, which has a limit already.
    #[allow(dead_code)] // Without servers and clients there is nothing to log.
    pub(crate) fn whole(text: &'a str) -> Self {
        Self { text, cut: false }
    }

    /// Shows the first 256 bytes, and `…` if there are more.
    pub(crate) fn cut(text: &'a str) -> Self {
        Self::within(text, LONGEST)
    }

    /// Shows the first `max` bytes, and `…` if there are more.
    pub(crate) fn within(text: &'a str, max: usize) -> Self {
        let mut end = max.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self { text: text.get(..end).unwrap_or_default(), cut: end < text.len() }
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            let (shown, from) = rest.split_at(at);
            write!(f, "{shown}{}", hidden.escape_default())?;
            rest = from.get(hidden.len_utf8()..).unwrap_or_default();
        }
        f.write_str(rest)?;
        f.write_str(if self.cut { "…" } else { "" })
    }
}

/// Whether a character is not shown as itself, or changes how others are shown.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_a_line_of_a_log_is_escaped() {
        let text = "a\nb\r\u{1b}[2Jc\u{85}\u{2028}\u{202e}\u{feff}\t\u{0}d";
        let expected = r"a\nb\r\u{1b}[2Jc\u{85}\u{2028}\u{202e}\u{feff}\t\u{0}d";
        assert_eq!(Printable::whole(text).to_string(), expected);
        for plain in ["", "call-1", "编号 \"1\" 'a\\n' \u{1F600}"] {
            assert_eq!(Printable::cut(plain).to_string(), plain);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Printable::cut(&"x".repeat(256)).to_string(), "x".repeat(256));
        assert_eq!(Printable::cut(&"x".repeat(257)).to_string(), "x".repeat(256) + "…");
        assert_eq!(Printable::cut(&"编".repeat(100_000)).to_string(), "编".repeat(85) + "…");
    }
}
