//! Rewrites the text of a language model so that a voice reads it well.

mod cursor;
mod emoji;
mod markdown;
mod stream;
mod words;

use std::fmt;

use cursor::Window;
use markdown::Markdown;
pub use stream::{SpeakableStream, speakable};
use words::Words;

/// The language of a text, as far as [`Speakable`] knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Language {
    /// Finds the language of each sentence by its script: [`Chinese`](Self::Chinese) for ideographs,
    /// [`English`](Self::English) for Latin letters, else [`Other`](Self::Other).
    #[default]
    Auto,
    /// English.
    English,
    /// Chinese, with simplified characters.
    Chinese,
    /// Any other language: marks are removed, and nothing else is rewritten.
    Other,
}

/// How far rules look ahead in what the model writes, in bytes: to the end of a URL or of a row of a table.
const SOURCE_LIMIT: usize = 2048;
/// How far rules look ahead for numbers and abbreviations, in bytes.
const WORDS_LIMIT: usize = 256;

/// Rewrites text that arrives in pieces so that a voice reads it well, without I/O.
///
/// Language models write for the eye: with Markdown, symbols and numbers in digits. A voice reads the marks
/// aloud, or the numbers wrong. `Speakable` writes what a person would say:
///
/// ```
/// use callbot::text::Speakable;
///
/// let mut text = Speakable::new();
/// assert_eq!(text.push("## Your **order** 📦\n"), "Your order.\n");
/// assert_eq!(text.push("It costs $1"), "It costs ");
/// assert_eq!(text.push("2.50 and arrives 2024-05-01"), "12 dollars and 50 cents and arrives ");
/// assert_eq!(text.push(". [Track it](https://example.com/t?id=1)!"), "May 1, 2024. Track ");
/// assert_eq!(text.finish(), "it!");
///
/// assert_eq!(Speakable::new().rewrite("请在14:30前拨打95588，优惠5%😊"), "请在14点半前拨打九五五八八，优惠百分之5");
/// ```
///
/// The rewritten text does not depend on how the text was cut into pieces. As little as possible waits for
/// more text: a word waits until the next one or a mark follows it, a number until it is clear what it
/// counts. At most 2 KiB wait: what is not decided by then stays as it is.
///
/// # What is removed
///
/// - The marks of Markdown: headings, emphasis, quotes, rules, list marks, checkboxes, inline code, escapes.
///   Headings and list items end with a sentence end, so that the voice pauses. The numbers of a list stay.
/// - Code between fences, except in a fence that is named `markdown`, `md`, `text`, `txt` or `plaintext`.
/// - Links: the text stays, the URL goes. Of a bare URL, the host stays: "example.com". Images go.
/// - Footnote marks and the marks of sources: "\[1]", "\[^1]", "【3†source】".
/// - Emoji and ornaments. Between two ideographs, an emoji becomes a comma. Of a digit on a key, the digit
///   stays.
/// - HTML tags and comments; entities become characters. The content of `think`, `thinking`, `script` and
///   `style` goes.
/// - The marks of LaTeX. Simple fractions, roots and symbols are said in words.
///
/// A row of a table becomes a sentence. Its first cell is the subject, and the others follow the names of
/// their columns: "Basic: Price 5 dollars, Calls 100."
///
/// # What is rewritten
///
/// | | English | Chinese |
/// |---|---|---|
/// | 1,234,567 | 1 million 234 thousand 567 | 123万4567 |
/// | 5%, 3-5 | 5 percent, 3 to 5 | 百分之5, 3到5 |
/// | -5, 1/2, x² | minus 5, one half, x squared | 负5, 二分之一, x的平方 |
/// | 2024-05-01 | May 1, 2024 | 二〇二四年5月1日 |
/// | 9:00am, 14:30 | 9 AM, 14:30 | 上午9点, 14点半 |
/// | $12.50, €5, ¥20 | 12 dollars and 50 cents, 5 euros, 20 yuan | 12.5美元, 5欧元, 20元 |
/// | 138-1234-5678 | 1 3 8, 1 2 3 4, 5 6 7 8 | 幺三八，幺二三四，五六七八 |
/// | 5 km, 20°C | 5 kilometers, 20 degrees Celsius | 5公里, 20摄氏度 |
/// | j.d@example.com | j dot d at example dot com | j点d艾特example点com |
/// | e.g., Dr. Wang, No. 5 | for example, Doctor Wang, number 5 | as it is |
/// | &, +, =, ~5 | and, plus, equals, about 5 | 和, 加, 等于, 约5 |
///
/// A number of 12 and more digits is read digit by digit, and so is a shorter one after a word such as "order
/// number", "code", "验证码" or "尾号".
///
/// What is not certain stays as it is, since a wrong word is worse than an odd one:
///
/// - words that contain digits: "B2B", "COVID-19", "v2.0.1", "5G网络";
/// - dates whose day and month may be exchanged: "5/1/2024". "25/12/2024" is read, and "01.05.2024" is the
///   first of May;
/// - numbers with decimal commas, scores, ratios, and years in English.
///
/// "¥" is the yuan, as on the platforms of this crate. Write "JPY" for yen.
#[derive(Clone)]
pub struct Speakable {
    language: Language,
    markdown: Markdown,
    source: Window,
    words: Words,
    plain: Window,
}

impl Speakable {
    /// Rewrites text of which each sentence is English or Chinese.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Language::Auto)
    }

    fn of(language: Language) -> Self {
        Self {
            language,
            markdown: Markdown::new(language),
            source: Window::new(SOURCE_LIMIT),
            words: Words::new(language),
            plain: Window::new(WORDS_LIMIT),
        }
    }

    /// Sets the language of the text. Set it before the first piece. Default: [`Language::Auto`].
    #[must_use]
    pub fn language(self, language: Language) -> Self {
        Self::of(language)
    }

    /// Adds a piece of text. Returns what can be spoken now, which may be empty.
    #[must_use = "the returned text is not returned again"]
    pub fn push(&mut self, piece: &str) -> String {
        self.source.push(piece);
        self.advance(false)
    }

    /// Returns the rest of the text. Text that is pushed afterwards is a new one.
    #[must_use = "the returned text is not returned again"]
    pub fn finish(&mut self) -> String {
        let rest = self.advance(true);
        *self = Self::of(self.language);
        rest
    }

    /// Rewrites a whole text.
    #[must_use]
    pub fn rewrite(self, text: &str) -> String {
        let mut speakable = Self::of(self.language);
        let mut spoken = speakable.push(text);
        spoken.push_str(&speakable.finish());
        spoken
    }

    fn advance(&mut self, over: bool) -> String {
        let Self { markdown, source, words, plain, .. } = self;
        let (mut text, mut spoken) = (String::new(), String::new());
        source.advance(over, |ahead| markdown.step(ahead, &mut text));
        if over {
            markdown.end(&mut text);
        }
        plain.push(&text);
        plain.advance(over, |ahead| words.step(ahead, &mut spoken));
        spoken
    }
}

impl Default for Speakable {
    fn default() -> Self {
        Self::new()
    }
}

// The text is private.
impl fmt::Debug for Speakable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speakable")
            .field("language", &self.language)
            .field("waiting_bytes", &(self.source.waiting() + self.plain.waiting()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNS: &[&str] = &[
        "a",
        "word ",
        "1",
        "1 ",
        "1,",
        "1.",
        "1-",
        "1/",
        "1:30-",
        "1,000,",
        "10 000 ",
        "+1 ",
        "555 ",
        "$",
        "$1,",
        "9am-",
        "2024-01-",
        "a.",
        "a@",
        "a-",
        "ab_",
        "e.g",
        "Mon-",
        "w/",
        "一",
        "好，",
        "的1",
        "*",
        "**",
        "*_",
        "`",
        "`a",
        "~",
        "#",
        "# ",
        "[",
        "[a](",
        "](",
        "(",
        "[a](b(",
        "![",
        "[1, ",
        "【3†",
        "<",
        "<a ",
        "<a b=\"",
        "<!--",
        "-->",
        "<think>",
        "&",
        "&a",
        "\\",
        "\\frac{",
        "$$",
        "|",
        "|a",
        "|-",
        "\n|a|b|\n",
        "- ",
        "-",
        "\n- ",
        "1. ",
        "> ",
        "\n",
        " ",
        "```\n",
        "https://a",
        "www.a",
        "=",
        "= ",
        "😊",
        "👨\u{200d}",
        "1\u{fe0f}",
        "²",
        "½",
        "é",
        "\u{301}",
        "Hello. World. ",
        "好的。再见！",
    ];

    /// Pushes a text in pieces of one character. Returns how many characters were examined, and how much
    /// text waited at most.
    fn cost(text: &str) -> (usize, usize) {
        cursor::EXAMINED.set(0);
        let mut speakable = Speakable::new();
        let mut most = 0;
        for piece in text.split_inclusive(|_| true) {
            let _ = speakable.push(piece);
            most = most.max(speakable.source.waiting() + speakable.plain.waiting());
        }
        let _ = speakable.finish();
        (cursor::EXAMINED.get(), most)
    }

    #[test]
    fn the_work_grows_with_the_text_and_the_waiting_text_does_not() {
        for run in RUNS {
            for lead in ["", "["] {
                let text = |times: usize| lead.to_owned() + &run.repeat(times * (2560 / run.len()));
                // The first part may be one long token, which waits until it is too long.
                let [(first, _), (second, _), (third, most)] = [1, 2, 3].map(|it| cost(&text(it)));
                let (before, after) = (second - first, third - second);
                assert!(
                    after <= before + before / 4 + 4096,
                    "{run:?} after {lead:?}: {before}, {after}"
                );
                assert!(most <= SOURCE_LIMIT + WORDS_LIMIT, "{run:?} after {lead:?}: {most}");
            }
        }
    }
}
