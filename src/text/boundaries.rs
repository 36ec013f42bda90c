//! The sentence boundaries of UAX #29, one character at a time.

use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

/// Finds where sentences end by [UAX #29], in one pass over the text.
///
/// `unicode-segmentation` finds the same boundaries, but only in a text that it has as a whole. It reads a
/// text that grows from the start each time, and after each dot it reads on to the next letter. A long text
/// in small pieces would take time that is quadratic in its length. This machine keeps what the rules need
/// to know of the text before, so that each character is examined once. The classes of the characters still
/// come from that crate.
///
/// `M` marks a place in the text.
///
/// [UAX #29]: https://www.unicode.org/reports/tr29/#Sentence_Boundaries
#[derive(Debug, Clone)]
pub(super) struct Boundaries<M> {
    before: Before,
    /// A sentence ends here unless the next letter is in lower case (SB8).
    undecided: Option<M>,
}

impl<M> Default for Boundaries<M> {
    fn default() -> Self {
        Self { before: Before::Other, undecided: None }
    }
}

/// The text before the next character, as far as the rules look at it.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// The start of the text, or anything that the rules do not look at.
    Other,
    /// A letter in upper or lower case.
    Cased,
    CarriageReturn,
    /// A paragraph separator that is complete.
    Separator,
    /// A dot, and what may follow it in its sentence.
    Dot {
        after_cased: bool,
        tail: Tail,
    },
    /// Another mark that ends sentences, and what may follow it.
    Mark(Tail),
}

/// What follows the mark that ends a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Nothing,
    /// Quotes and brackets.
    Closing,
    /// White space, after quotes and brackets if there are any.
    Space,
}

impl<M: Copy> Boundaries<M> {
    /// Reads the next character, which is `here`. Returns the place before which it shows that a sentence
    /// ends.
    ///
    /// A sentence that ends with a paragraph separator is returned with the character after that.
    pub(super) fn read(&mut self, c: char, here: M) -> Option<M> {
        use Before::{CarriageReturn, Cased, Dot, Mark, Other, Separator};

        let class = Class::of(c);
        let before = self.before;
        // SB3 to SB5.
        let ends = match (before, class) {
            (CarriageReturn, Class::LineFeed) => false,
            (CarriageReturn | Separator, _) => true,
            (_, Class::Ignored) => return None,
            _ => false,
        };
        let tail = match before {
            Dot { tail, .. } | Mark(tail) => Some(tail),
            Other | Cased | CarriageReturn | Separator => None,
        };
        self.before = match (class, tail) {
            // SB9 and SB10.
            (Class::Close, Some(Tail::Nothing | Tail::Closing)) => before.with(Tail::Closing),
            (Class::Space, Some(_)) => before.with(Tail::Space),
            (Class::Upper | Class::Lower, _) => Cased,
            (Class::CarriageReturn, _) => CarriageReturn,
            (Class::LineFeed | Class::Separator, _) => Separator,
            (Class::Dot, _) => Dot { after_cased: matches!(before, Cased), tail: Tail::Nothing },
            (Class::Mark, _) => Mark(Tail::Nothing),
            _ => Other,
        };
        if ends {
            return Some(here);
        }
        if let Some(end) = self.undecided {
            return match class.decides() {
                Some(ends) => {
                    self.undecided = None;
                    ends.then_some(end)
                }
                None => None,
            };
        }
        let goes_on = match (before, class) {
            (Dot { .. } | Mark(_), _) if matches!(self.before, Dot { .. } | Mark(_)) => true,
            // SB8a and SB10.
            (
                Dot { .. } | Mark(_),
                Class::Continue | Class::CarriageReturn | Class::LineFeed | Class::Separator,
            )
            // SB6.
            | (Dot { tail: Tail::Nothing, .. }, Class::Numeric)
            // SB7.
            | (Dot { tail: Tail::Nothing, after_cased: true }, Class::Upper) => true,
            (Dot { .. }, _) => match class.decides() {
                // SB8.
                Some(ends) => !ends,
                None => {
                    self.undecided = Some(here);
                    true
                }
            },
            // SB11.
            (Mark(_), _) => false,
            // SB998.
            _ => true,
        };
        (!goes_on).then_some(here)
    }

    /// Returns where a sentence ends unless a letter in lower case is the first one to follow.
    pub(super) fn undecided(&self) -> Option<M> {
        self.undecided
    }

    /// Returns whether a sentence ends after the text so far, if a capital follows, and white space precedes
    /// that.
    pub(super) fn may_end_here(&self) -> bool {
        !matches!(self.before, Before::Other | Before::Cased)
    }
}

impl Before {
    fn with(self, tail: Tail) -> Self {
        match self {
            Self::Dot { after_cased, .. } => Self::Dot { after_cased, tail },
            Self::Mark(_) => Self::Mark(tail),
            other => other,
        }
    }
}

/// The class of a character: its property `Sentence_Break`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    CarriageReturn,
    LineFeed,
    Separator,
    /// Extend and Format.
    Ignored,
    Space,
    Lower,
    Upper,
    /// `OLetter`: letters without case.
    Letter,
    Numeric,
    /// `ATerm`.
    Dot,
    /// `STerm`.
    Mark,
    Close,
    /// `SContinue`.
    Continue,
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        /// The classes of ASCII.
        static ASCII: LazyLock<[Class; 128]> = LazyLock::new(|| {
            std::array::from_fn(|c| u8::try_from(c).map_or(Class::Other, |c| Class::find(c.into())))
        });

        match c {
            // UAX #29 ignores an ellipsis, which is three dots.
            '…' | '⋯' => Self::Dot,
            '\u{4e00}'..='\u{9fff}' => Self::Letter,
            c => ASCII.get(c as usize).copied().unwrap_or_else(|| Self::find(c)),
        }
    }

    /// Finds the class of a character from where texts with it are split, since `unicode-segmentation` does
    /// not name it.
    fn find(c: char) -> Self {
        // Whether a sentence ends within this text.
        let splits = |before: &str, after: &str| {
            let text = [before, c.encode_utf8(&mut [0; 4]), after].concat();
            text.split_sentence_bounds().nth(1).is_some()
        };
        match c {
            '\r' => Self::CarriageReturn,
            '\n' => Self::LineFeed,
            '\u{85}' | '\u{2028}' | '\u{2029}' => Self::Separator,
            _ if splits(". ", "") => {
                if splits(". ", "a") {
                    if splits("A.", "") { Self::Letter } else { Self::Upper }
                } else if !splits("!", "") {
                    Self::Close
                } else if splits(".", "") {
                    Self::Other
                } else {
                    Self::Numeric
                }
            }
            _ if splits("! ", "") => Self::Lower,
            _ if !splits("!", "一") => Self::Continue,
            _ if splits("", "一") => {
                if splits("", "a") {
                    Self::Mark
                } else {
                    Self::Dot
                }
            }
            _ if splits("!", ")") => Self::Space,
            _ => Self::Ignored,
        }
    }

    /// Returns whether a sentence ends before this character or before what precedes it, where only a letter
    /// in lower case speaks against that. Returns `None` if a character after it decides (SB8).
    fn decides(self) -> Option<bool> {
        match self {
            Self::Lower => Some(false),
            Self::Letter
            | Self::Upper
            | Self::CarriageReturn
            | Self::LineFeed
            | Self::Separator
            | Self::Dot
            | Self::Mark => Some(true),
            Self::Ignored
            | Self::Space
            | Self::Numeric
            | Self::Close
            | Self::Continue
            | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends within a text, and the one at its end if the text is then over.
    fn ends(text: &str) -> Vec<usize> {
        let mut boundaries = Boundaries::default();
        let mut ends: Vec<usize> =
            text.char_indices().filter_map(|(at, c)| boundaries.read(c, at)).collect();
        ends.extend(boundaries.undecided());
        ends.extend((!text.is_empty()).then_some(text.len()));
        ends
    }

    fn by_the_crate(text: &str) -> Vec<usize> {
        let mut end = 0;
        let sentences = text.split_sentence_bounds().map(|sentence| {
            end += sentence.len();
            end
        });
        sentences.collect()
    }

    /// At least one character of each class, and rare ones of each.
    const CHARS: &[char] = &[
        '\r', '\n', '\u{85}', '\u{2028}', '\u{301}', '\u{ad}', '\u{600}', '\u{200d}', ' ', '\t',
        '\u{a0}', '\u{3000}', 'a', 'ж', 'ª', 'A', 'Ж', 'ǅ', '一', 'の', 'א', 'ำ', '1', '٣', '.',
        '․', '．', '!', '?', '。', '।', '"', '(', ')', '”', '」', ',', ';', ':', '、', '—', '-',
        '+', '%', '😊', '🇩', '€',
    ];

    #[test]
    fn sentences_end_where_unicode_segmentation_ends_them() {
        let mut random = fastrand::Rng::with_seed(29);
        for _ in 0..50_000 {
            let text: String =
                (0..random.usize(0..12)).filter_map(|_| random.choice(CHARS)).collect();
            assert_eq!(ends(&text), by_the_crate(&text), "{text:?}");
        }
    }

    #[test]
    fn each_character_has_the_class_that_unicode_segmentation_gives_it() {
        // Without the thousands of ideographs and Hangul syllables.
        let chars =
            ('\0'..='\u{4e10}').chain('\u{9ff0}'..='\u{ac10}').chain('\u{d7a0}'..='\u{ffff}');
        for c in chars.filter(|c| !"…⋯".contains(*c) && !('\u{3400}'..'\u{4dff}').contains(c)) {
            for [before, after] in [["A. ", "1a"], ["!", "\u{3000})"], ["b.) 1", "A"], ["", ".A"]] {
                let text = [before, c.encode_utf8(&mut [0; 4]), after].concat();
                assert_eq!(ends(&text), by_the_crate(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn an_ellipsis_is_read_as_a_dot() {
        assert_eq!(ends("Wait… What⋯ what"), by_the_crate("Wait․ What․ what"));
    }
}
