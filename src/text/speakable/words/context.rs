//! What the sentence said before: its language, and its last words.

use super::is_han;
use crate::text::speakable::Language;
use crate::text::speakable::cursor::{Cursor, Look};

/// How much of the sentence is remembered, in bytes.
const MAX_RECENT: usize = 96;
/// How far ahead the language of a sentence without letters is looked for, in characters.
const MAX_AHEAD: usize = 24;

#[derive(Debug, Clone)]
pub(super) struct Context {
    setting: Language,
    /// The words and the characters of each script in this sentence.
    latin: usize,
    han: usize,
    other: usize,
    /// The language of the sentence before.
    last: Language,
    /// The character before. `None` at the start of the text.
    before: Option<char>,
    /// The end of the sentence so far, in lower case.
    recent: String,
    /// The last word began with a capital, and was not the first one.
    after_name: bool,
}

impl Context {
    pub(super) fn new(setting: Language) -> Self {
        Self {
            setting,
            latin: 0,
            han: 0,
            other: 0,
            last: Language::English,
            before: None,
            recent: String::new(),
            after_name: false,
        }
    }

    /// Reads text that is done.
    pub(super) fn read(&mut self, text: &str) {
        for c in text.chars() {
            let before = self.before.unwrap_or(' ');
            if matches!(c, '\n' | '。' | '！' | '？') || ".!?".contains(before) && c.is_whitespace()
            {
                self.last = self.so_far().unwrap_or(self.last);
                (self.latin, self.han, self.other) = (0, 0, 0);
                self.recent.clear();
                self.after_name = false;
            }
            if is_han(c) {
                self.han += 1;
            } else if is_latin(c) {
                if !is_latin(before) {
                    self.after_name = c.is_uppercase() && self.latin > 0;
                    self.latin += 1;
                }
            } else if c.is_alphabetic() {
                self.other += 1;
            }
            self.recent.push(c.to_ascii_lowercase());
            self.before = Some(c);
        }
        let cut = self.recent.len().saturating_sub(MAX_RECENT);
        let cut = (cut..self.recent.len()).find(|at| self.recent.is_char_boundary(*at));
        if let Some(cut) = cut.filter(|_| self.recent.len() > 2 * MAX_RECENT) {
            self.recent.drain(..cut);
        }
    }

    /// Returns the character before. `' '` at the start of the text.
    pub(super) fn before(&self) -> char {
        self.before.unwrap_or(' ')
    }

    /// Returns whether the last word is a name, since it began with a capital within the sentence.
    pub(super) fn after_name(&self) -> bool {
        self.after_name
    }

    /// Returns the end of the sentence so far, in lower case.
    pub(super) fn recent(&self) -> &str {
        &self.recent
    }

    /// Returns the last word of the sentence so far, in lower case.
    pub(super) fn last_word(&self) -> &str {
        let text = self.recent.trim_end_matches([' ', ':', '#', '.']);
        let start = text.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |at| {
            at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        text.get(start..).unwrap_or_default()
    }

    fn so_far(&self) -> Option<Language> {
        if self.other > self.han + self.latin || self.other > self.han && self.han > 0 {
            Some(Language::Other)
        } else if self.han > 0 && self.han >= self.latin {
            Some(Language::Chinese)
        } else {
            (self.latin > 0).then_some(Language::English)
        }
    }

    /// Returns the language of the sentence, of which `ahead` is the rest.
    pub(super) fn language(&self, mut ahead: Cursor<'_>) -> Look<Language> {
        if self.setting != Language::Auto {
            return Ok(self.setting);
        }
        let so_far = self.so_far();
        let few = self.latin <= 2 && self.last == Language::Chinese;
        let unsure = self.han == 0 && self.other == 0 && (self.latin == 0 || few);
        if let Some(language) = so_far.filter(|_| !unsure) {
            return Ok(language);
        }
        // Few letters may be those of a unit: Chinese may follow.
        let mut letters = 0;
        for _ in 0..MAX_AHEAD {
            let Some(c) = ahead.next()? else { break };
            let dot = c == '.' && ahead.sees(char::is_whitespace)?;
            if is_han(c) {
                return Ok(Language::Chinese);
            } else if is_latin(c) {
                letters += 1;
            } else if c.is_alphabetic() {
                return Ok(Language::Other);
            } else if "\n!?。！？".contains(c) || dot || letters > 0 && c.is_whitespace() {
                break;
            }
            if letters > 4 {
                break;
            }
        }
        let found = (letters > 0).then_some(Language::English);
        Ok(so_far.or(found).unwrap_or(self.last))
    }
}

pub(super) fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') && c.is_alphabetic()
}
