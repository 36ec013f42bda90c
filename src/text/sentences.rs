//! Where sentences end, without a stream or a clock.

use std::fmt;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::boundaries::Boundaries;

/// The default maximum length of a chunk of [`Sentences`] and [`sentences`](super::sentences()), in characters: 100.
pub const DEFAULT_MAX_CHARS: usize = 100;

/// Cuts text that arrives in pieces into sentences, without I/O.
///
/// All chunks together are the text, character by character. They do not depend on how the text was
/// cut into pieces. White space stays at the end of the sentence before it.
///
/// # Where a sentence ends
///
/// A sentence ends where [UAX #29][uax] ends it, once the following text shows that it is over:
/// "3." may continue with "14", and a closing quote may follow "。". A line feed shows it
/// immediately. There are these additional rules:
///
/// - "…" counts as "...": it ends a sentence unless a lower-case letter follows.
/// - An opening bracket or quote directly after a sentence, without white space between them,
///   starts the next one, as in Chinese.
/// - The dot does not end the sentence in these cases:
///   - after Mr, Mrs, Ms, Mx, Messrs, Dr, Prof, Rev, Fr, Hon, Gov, Pres, Sen, Rep, Gen, Col, Maj,
///     Capt, Cmdr, Lt, Sgt, Adm, Supt, Jr, Sr, St, Mt, Ft, Hr, Frl, Mme, Mlle, Sra and Dra, with a
///     capital;
///   - after vs, cf, approx, ca and bzw;
///   - before a number, after no, nos, nr, art, ch, eq, ext, fig, figs, p, pp, par, sec, tel, vol
///     and the short names of months;
///   - after a single letter, where a letter of a script with capitals follows ("J. Smith", "z.B.
///     Hunde"), except in "a.m." and "p.m." and after the word "I";
///   - after up to three digits or a letter at the start of a chunk, which number a list ("1. First").
///
/// # Where a chunk ends
///
/// A chunk ends after each sentence. A sentence longer than the maximum is cut at the best place
/// within it: after the last clause mark (comma, semicolon, colon, "、", "…" or dash, but not as in
/// "1,000" or "12:30"), else after the last white space, else at the last place that is not inside
/// a grapheme (what readers see as one character). Only a grapheme longer than the maximum is cut
/// itself.
///
/// White space is not a chunk by itself: at the start of the text, or where it does not fit after
/// its sentence, it starts the next chunk. It is a separate chunk only from [`finish`](Self::finish),
/// or if none of the following text fits after it.
///
/// ```
/// let mut text = callbot::text::Sentences::default();
/// text.push("Hello. How are");
/// assert_eq!(text.next_chunk().as_deref(), Some("Hello. "));
/// assert_eq!(text.next_chunk(), None);
/// text.push(" you?");
/// assert_eq!(text.next_chunk(), None);
/// assert_eq!(text.finish().as_deref(), Some("How are you?"));
/// assert_eq!(text.finish(), None);
/// ```
///
/// [uax]: https://www.unicode.org/reports/tr29/#Sentence_Boundaries
#[derive(Clone)]
pub struct Sentences {
    max_chars: usize,
    text: String,
    /// The start of the next chunk in `text`, in bytes. All other positions count from there.
    start: usize,
    /// How far the waiting text is white space.
    blank: usize,
    /// The next chunk starts inside straight quotes.
    quoted: bool,
    /// How far the text has been examined: at most one character past the maximum.
    seen: Place,
    seen_chars: usize,
    boundaries: Boundaries<Place>,
    /// How many characters have been examined, repetitions included.
    #[cfg(test)]
    examined: std::cell::Cell<usize>,
}

/// A place in the waiting text.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Its position, in bytes.
    at: usize,
    /// The number of straight quotes before it is odd.
    odd_quotes: bool,
}

impl Sentences {
    /// Sets the maximum length of a chunk, in characters (Unicode scalar values). Minimum: 1.
    /// Default: [`DEFAULT_MAX_CHARS`].
    #[must_use]
    pub fn max_chars(mut self, max: usize) -> Self {
        self.max_chars = max.max(1);
        self.look_afresh();
        self
    }

    /// Adds a piece of text.
    pub fn push(&mut self, piece: &str) {
        if self.is_blank() {
            self.blank += blank_len(piece);
        }
        self.text.push_str(piece);
    }

    /// Takes the next complete chunk. `None` means that more text is needed.
    pub fn next_chunk(&mut self) -> Option<String> {
        while self.seen_chars <= self.max_chars {
            let c = self.waiting().get(self.seen.at..)?.chars().next()?;
            if let Some(end) = self.look_at(c) {
                return Some(self.take(end));
            }
        }
        Some(self.take(self.best_cut()))
    }

    /// Takes the next chunk of the remaining text, complete or not. `None` means that no text is
    /// left. Text that is pushed afterwards starts a new sentence.
    pub fn finish(&mut self) -> Option<String> {
        let chunk = self.next_chunk();
        let len = self.waiting().len();
        if chunk.is_some() || len == 0 {
            return chunk;
        }
        let end = self.boundaries.undecided().and_then(|end| self.accept(end));
        Some(self.take(end.unwrap_or(len)))
    }

    /// Returns the text that was pushed and not yet taken.
    #[must_use]
    pub fn waiting(&self) -> &str {
        self.text.get(self.start..).unwrap_or_default()
    }

    /// Returns the length of the white space at the start of the waiting text, in bytes.
    pub(super) fn blank_len(&self) -> usize {
        self.blank
    }

    /// Returns whether only white space waits, if anything.
    pub(super) fn is_blank(&self) -> bool {
        self.blank == self.waiting().len()
    }

    /// Examines the next character. Returns the end of the first sentence, if it is an end whatever text
    /// follows.
    fn look_at(&mut self, c: char) -> Option<usize> {
        self.count(1);
        let end = self.boundaries.read(c, self.seen);
        self.seen.at += c.len_utf8();
        self.seen.odd_quotes ^= c == '"';
        self.seen_chars += 1;
        if let Some(end) = end.and_then(|end| self.accept(end)) {
            return Some(end);
        }
        let at_once = LINE_FEEDS.contains(&c) && self.seen_chars <= self.max_chars;
        at_once.then(|| self.accept(self.seen))?
    }

    fn look_afresh(&mut self) {
        self.seen = Place::default();
        self.seen_chars = 0;
        self.boundaries = Boundaries::default();
    }

    /// Returns the text that has been examined.
    fn window(&self) -> &str {
        self.waiting().get(..self.seen.at).unwrap_or_default()
    }

    /// Corrects the end of a sentence that UAX #29 found; `None` if the sentence does not end
    /// there.
    fn accept(&self, end: Place) -> Option<usize> {
        let window = self.window();
        if end.at <= self.blank {
            return None;
        }
        let sentence = window.get(..end.at)?;
        if sentence.ends_with(LINE_ENDS) {
            return Some(end.at);
        }
        let end = before_opening(sentence, self.quoted ^ end.odd_quotes);
        self.count(sentence.get(end..)?.chars().count());
        let (sentence, rest) = window.split_at_checked(end)?;
        let over = !is_abbreviated(sentence.trim_end(), self.blank, rest.chars().next())
            && GraphemeCursor::new(end, window.len(), true).is_boundary(window, 0) == Ok(true);
        over.then_some(end)
    }

    /// Returns where to cut a window that is one character longer than the maximum.
    fn best_cut(&self) -> usize {
        let window = self.window();
        self.count(self.seen_chars);
        let Some((fits, last)) = window.grapheme_indices(true).next_back() else { return 0 };
        // An end that may still change is the best place. If only white space exceeds the maximum,
        // the sentence itself fits.
        let fitting = is_blank(last) && self.boundaries.may_end_here();
        let end = self.boundaries.undecided().or_else(|| fitting.then_some(self.seen));
        if let Some(end) = end.and_then(|end| self.accept(end)) {
            return end.min(fits);
        }

        let (mut clause, mut space, mut any) = (None, None, None);
        let (mut after_mark, mut after_space) = (false, false);
        let mut before = None;
        let mut graphemes = window.grapheme_indices(true).peekable();
        while let Some((at, grapheme)) = graphemes.next() {
            let Some(c) = grapheme.chars().next() else { continue };
            let next = graphemes.peek().and_then(|(_, next)| next.chars().next());
            let mark = is_clause_mark(before, c, next);
            let closes = is_closing(c, next);
            let may_break = c.is_whitespace() && !NO_BREAK.contains(&c);
            // White space before all text must not become a chunk by itself.
            if before.is_some() {
                any = Some(at);
                clause = if after_mark && !mark && !closes { any } else { clause };
                space = if after_space || may_break { any } else { space };
            }
            after_mark = mark || after_mark && (closes || c.is_whitespace());
            after_space = may_break;
            if before.is_some() || !c.is_whitespace() {
                before = Some(c);
            }
        }
        // A grapheme that fills the window is cut.
        let max = window.char_indices().next_back().map_or(0, |(at, _)| at);
        clause.or(space).or(any).unwrap_or(if fits > 0 { fits } else { max })
    }

    /// Takes a chunk of `end` bytes.
    fn take(&mut self, end: usize) -> String {
        let chunk = self.waiting().get(..end).unwrap_or_default().to_owned();
        let blank = self.blank.checked_sub(end);
        self.quoted = !chunk.ends_with(LINE_ENDS) && (self.quoted ^ has_odd_quotes(&chunk));
        self.start += end;
        // The remaining text is moved only when it is shorter than the taken text.
        if self.start > self.text.len() / 2 {
            self.text.drain(..self.start);
            self.start = 0;
        }
        self.blank = blank.unwrap_or_else(|| blank_len(self.waiting()));
        self.look_afresh();
        chunk
    }

    /// Counts characters that are examined.
    fn count(&self, _chars: usize) {
        #[cfg(test)]
        self.examined.set(self.examined.get() + _chars);
    }
}

impl Default for Sentences {
    /// Cuts chunks of up to [`DEFAULT_MAX_CHARS`] characters.
    fn default() -> Self {
        Self {
            max_chars: DEFAULT_MAX_CHARS,
            text: String::new(),
            start: 0,
            blank: 0,
            quoted: false,
            seen: Place::default(),
            seen_chars: 0,
            boundaries: Boundaries::default(),
            #[cfg(test)]
            examined: std::cell::Cell::default(),
        }
    }
}

// The text is private.
impl fmt::Debug for Sentences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentences")
            .field("max_chars", &self.max_chars)
            .field("waiting_bytes", &self.waiting().len())
            .finish()
    }
}

/// Line ends that are complete: a line feed may follow a carriage return.
const LINE_FEEDS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];
const LINE_ENDS: [char; 5] = ['\n', '\u{85}', '\u{2028}', '\u{2029}', '\r'];
/// White space at which lines must not be broken.
const NO_BREAK: [char; 3] = ['\u{a0}', '\u{2007}', '\u{202f}'];
const OPENING: &str = "([{（［｛「『｢〈《【〔〖〘〚“‘«‹";
const CLOSING: &str = ")]}）］｝」』｣〉》】〕〗〙〛”’»›";

/// Abbreviations that are followed by a name and start with a capital.
const BEFORE_NAME: &[&str] = &[
    "Mr", "Mrs", "Ms", "Mx", "Messrs", "Dr", "Prof", "Rev", "Fr", "Hon", "Gov", "Pres", "Sen",
    "Rep", "Gen", "Col", "Maj", "Capt", "Cmdr", "Lt", "Sgt", "Adm", "Supt", "Jr", "Sr", "St", "Mt",
    "Ft", "Hr", "Frl", "Mme", "Mlle", "Sra", "Dra",
];
const BEFORE_ANYTHING: &[&str] = &["vs", "cf", "approx", "ca", "bzw"];
const BEFORE_NUMBER: &[&str] = &[
    "no", "nos", "nr", "art", "ch", "eq", "ext", "fig", "figs", "p", "pp", "par", "sec", "tel",
    "vol", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Whether the dot at the end of `text` belongs to an abbreviation or to a number in a list. The first
/// `blank` bytes of the text are white space.
fn is_abbreviated(text: &str, blank: usize, next: Option<char>) -> bool {
    let Some(text) = text.strip_suffix('.') else { return false };
    // Chinese characters are not cased, so they are not part of the word.
    let in_word = |c: char| is_cased(c) || c.is_numeric();
    let lead = text.trim_end_matches(in_word);
    let word = text.get(lead.len()..).unwrap_or_default();
    let is_in = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));

    let mut chars = word.chars();
    let letter = matches!((chars.next(), chars.next()), (Some(c), None) if is_cased(c));
    let digits = (1..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    if (letter || digits) && lead.len() <= blank {
        return true;
    }
    if letter && next.is_some_and(is_cased) {
        let pronoun = word == "I" && !lead.ends_with('.');
        let tail = text.get(text.len().saturating_sub(3)..).unwrap_or_default();
        let hour = tail.eq_ignore_ascii_case("a.m") || tail.eq_ignore_ascii_case("p.m");
        return !pronoun && !hour;
    }
    is_in(BEFORE_ANYTHING)
        || word.starts_with(char::is_uppercase) && is_in(BEFORE_NAME)
        || next.is_some_and(char::is_numeric) && is_in(BEFORE_NUMBER)
}

/// Returns the end of `sentence` without the brackets and quotes that open at its end. `quoted` is whether
/// the sentence ends inside straight quotes.
fn before_opening(sentence: &str, mut quoted: bool) -> usize {
    let mut opens = |(_, c): &(usize, char)| match c {
        '"' => {
            quoted = !quoted;
            !quoted
        }
        c => OPENING.contains(*c),
    };
    let opening = sentence.char_indices().rev().take_while(&mut opens).last();
    opening.map_or(sentence.len(), |(at, _)| at)
}

fn has_odd_quotes(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

fn blank_len(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Whether a sentence may be cut after `c`.
fn is_clause_mark(before: Option<char>, c: char, next: Option<char>) -> bool {
    let between = |is: fn(char) -> bool| before.is_some_and(is) && next.is_some_and(is);
    match c {
        '，' | '、' | '；' | '：' | '،' | '؛' | '—' | '―' | '…' | '⋯' => {
            !between(char::is_numeric)
        }
        ',' | ';' | ':' | '–' => {
            !between(|c| c.is_ascii_alphanumeric()) && !matches!(next, Some('/'))
        }
        '-' => between(char::is_whitespace),
        _ => false,
    }
}

fn is_closing(c: char, next: Option<char>) -> bool {
    match c {
        '"' | '\'' => next.is_none_or(char::is_whitespace),
        c => CLOSING.contains(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many characters are examined while a text arrives in pieces of one character.
    fn examined(max: usize, text: &str) -> usize {
        let mut sentences = Sentences::default().max_chars(max);
        let mut chunks = String::new();
        for piece in text.split_inclusive(|_| true) {
            sentences.push(piece);
            chunks.extend(std::iter::from_fn(|| sentences.next_chunk()));
        }
        chunks.extend(std::iter::from_fn(|| sentences.finish()));
        assert_eq!(chunks, text);
        sentences.examined.get()
    }

    #[test]
    fn each_character_is_examined_a_few_times_only() {
        let runs = [
            "a",
            "word ",
            "1",
            "1 ",
            "一",
            "好，",
            "…",
            "……一",
            ".",
            ". ",
            "。",
            "。」",
            "!(",
            "(",
            "\"",
            "\n",
            " ",
            "e\u{301}",
            "\u{301}",
            "😊",
            "vs.\" ",
            "Dr. A",
            "1. ",
            "a. 1 ",
            "\u{600}",
            ".\u{600}1",
            "Hello. World. ",
            "好的。再见！",
            "a, b",
            "\u{200d}",
        ];
        for run in runs {
            for lead in ["", "Hello. 1 ", "    "] {
                for max in [100, 500, usize::MAX] {
                    let text = lead.to_owned() + &run.repeat(2500);
                    let (examined, chars) = (examined(max, &text), text.chars().count());
                    assert!(examined <= 4 * chars, "{run:?} after {lead:?}, {max}: {examined}");
                }
            }
        }
    }
}
