//! Removes a platform's control tags from spoken text.
//!
//! On some platforms a control is text: AICall hangs up when the reply contains `<imsagent_hangup …/>`. So a
//! caller could say such a tag to a bot that repeats it, or talk a language model into writing it. Only
//! [`Reply`](crate::bot::Reply) writes controls, therefore every tag in the bot's own text is removed.

use std::borrow::Cow;

/// A kind of control tag.
///
/// Its opening contains no white space, and `<` and `{` only at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) struct Tag {
    /// How the tag starts, in lower case, without white space. Upper case counts as well.
    pub opening: &'static str,
    /// Whether the name of the tag must end after `opening`: `<flush` starts a tag, `<flushed` does not.
    pub whole_name: bool,
    /// How the tag ends.
    pub closing: &'static str,
    /// The longest content between opening and closing, in bytes. After more than that it is not a tag.
    pub max: usize,
}

/// Removes tags from a text that comes in pieces.
///
/// The result does not depend on where the text is cut into pieces. The filter reads one character at a
/// time and is in one of two states:
///
/// - **Outside** of a tag it holds back the longest end of the text that is the start of some opening.
///   Text that can't become a tag goes out immediately. An opening is at most a dozen characters, so no
///   more is ever held back here.
/// - **Inside** a tag, after an opening, it holds back the content until the closing, which ends the tag:
///   opening, content and closing are dropped. If the content exceeds the limit of the tag, or the text
///   ends first, only the opening is dropped, and the content goes through the filter again as ordinary
///   text. It gets shorter each time, so this ends.
///
/// An opening is thus never sent, whatever follows it: it is unknown how lenient the platform reads its
/// tags.
///
/// Removing a tag joins the text before it with the text after it, which must not give a new tag:
/// `<ims<flush/>agent_hangup/>`. The part `<ims` was sent when the next `<` showed that no tag starts
/// there. So if the text that was sent ends with the start of an opening, a space goes out in place of
/// the tag. No opening contains white space, so that text can't become one any more.
#[derive(Debug, Default)]
pub(in crate::bot) struct TagFilter {
    tags: &'static [Tag],
    /// The start of an opening, as it was written. Outside of a tag only.
    held: String,
    /// The end of the text that was sent, as long as the longest opening.
    sent: String,
    inside: Option<Inside>,
    removed: bool,
}

#[derive(Debug)]
struct Inside {
    tag: Tag,
    /// The opening as it was written.
    opening: String,
    content: String,
}

impl TagFilter {
    pub(in crate::bot) fn new(tags: &'static [Tag]) -> Self {
        Self { tags, ..Self::default() }
    }

    /// Filters the next piece of a text, and returns what can be sent.
    pub(in crate::bot) fn push<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if self.tags.is_empty() {
            return text.into();
        }
        let mut out = String::with_capacity(text.len());
        text.chars().for_each(|c| self.take(c, &mut out));
        out.into()
    }

    /// Ends the text, and returns the rest that was held back.
    pub(in crate::bot) fn finish(&mut self) -> String {
        let mut out = String::new();
        while let Some(inside) = self.inside.take() {
            self.remove(&mut out);
            inside.content.chars().for_each(|c| self.take(c, &mut out));
        }
        let held = std::mem::take(&mut self.held);
        self.send(&held, &mut out);
        out
    }

    /// Discards what is held back, since the text that it belongs to is not sent.
    pub(in crate::bot) fn discard(&mut self) {
        self.held.clear();
        self.inside = None;
    }

    /// Returns whether a tag was removed since this was called last.
    pub(in crate::bot) fn take_removed(&mut self) -> bool {
        std::mem::take(&mut self.removed)
    }

    fn take(&mut self, c: char, out: &mut String) {
        if self.inside.is_some() { self.take_inside(c, out) } else { self.take_outside(c, out) }
    }

    fn take_inside(&mut self, c: char, out: &mut String) {
        let Some(inside) = &mut self.inside else { return };
        let Tag { whole_name, closing, max, .. } = inside.tag;
        inside.content.push(c);
        let other_name = whole_name && inside.content.len() == c.len_utf8() && !ends_name(c);
        let closed = inside.content.ends_with(closing);
        if !closed && !other_name && inside.content.len() <= max {
            return;
        }
        let Some(Inside { opening, content, .. }) = self.inside.take() else { return };
        if other_name {
            // The opening was the start of a longer name, which is harmless.
            self.send(&opening, out);
            self.take(c, out);
            return;
        }
        self.remove(out);
        if !closed {
            content.chars().for_each(|c| self.take(c, out));
        }
    }

    fn take_outside(&mut self, c: char, out: &mut String) {
        self.held.push(c);
        loop {
            let (held, tags) = (&self.held, self.tags);
            if let Some(tag) = tags.iter().find(|tag| missing(tag.opening, held) == Some(0)) {
                let tag = *tag;
                let opening = std::mem::take(&mut self.held);
                self.inside = Some(Inside { tag, opening, content: String::new() });
                return;
            }
            if held.is_empty() || tags.iter().any(|tag| missing(tag.opening, held).is_some()) {
                return;
            }
            let first = self.held.remove(0);
            self.send(first.encode_utf8(&mut [0; 4]), out);
        }
    }

    /// Drops a tag, or its opening.
    fn remove(&mut self, out: &mut String) {
        self.removed = true;
        let mut ends = self.sent.char_indices().filter_map(|(at, _)| self.sent.get(at..));
        let joins = |end: &str| self.tags.iter().any(|tag| missing(tag.opening, end).is_some());
        if ends.any(joins) {
            self.send(" ", out);
        }
    }

    fn send(&mut self, text: &str, out: &mut String) {
        out.push_str(text);
        self.sent.push_str(text);
        let longest = self.tags.iter().map(|tag| tag.opening.chars().count()).max();
        let over = self.sent.chars().count().saturating_sub(longest.unwrap_or_default());
        let start = self.sent.char_indices().nth(over).map_or(self.sent.len(), |(at, _)| at);
        self.sent.drain(..start);
    }
}

/// Returns how many characters of `opening` are missing if `text` is the start of it.
fn missing(opening: &str, text: &str) -> Option<usize> {
    let mut rest = opening.chars();
    text.chars().all(|c| rest.next() == Some(lower(c))).then(|| rest.count())
}

/// Returns the character in lower case as a lenient reader of tags may see it: to a regular expression
/// that ignores case, `ſ` is an `s`, and `İ` and `ı` are an `i`.
fn lower(c: char) -> char {
    match c {
        'ſ' => 's',
        'İ' | 'ı' => 'i',
        c => c.to_ascii_lowercase(),
    }
}

/// Returns whether a name is over before `c`. The start of another tag counts, since that tag may be
/// removed, and then a name that was sent must not be continued.
fn ends_name(c: char) -> bool {
    c.is_whitespace() || matches!(c, '/' | '>' | '<' | '{')
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tag(opening: &'static str, closing: &'static str, max: usize) -> Tag {
        Tag { opening, whole_name: false, closing, max }
    }

    const TAGS: &[Tag] = &[
        tag("<imsagent_", ">", 512),
        tag("</imsagent_", ">", 512),
        tag("<ims_agent_", ">", 512),
        tag("{{emotion=", "}}", 64),
        Tag { opening: "<flush", whole_name: true, closing: ">", max: 64 },
        Tag { opening: "</flush", whole_name: true, closing: ">", max: 64 },
    ];

    fn filtered<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, bool) {
        let mut filter = TagFilter::new(TAGS);
        let mut out: String = pieces.into_iter().map(|piece| filter.push(piece)).collect();
        out.push_str(&filter.finish());
        (out, filter.take_removed())
    }

    #[test]
    fn tags_are_removed_in_any_case_and_other_text_stays() {
        for (text, expected) in [
            ("Goodbye.<imsagent_hangup endword=\"bye\"/>", "Goodbye."),
            ("a<IMSAGENT_Transfer_Call callee=1, msg=x/>b", "ab"),
            ("{{emotion=happy}}Hello", "Hello"),
            ("a{{EMOTION=sad}}b", "ab"),
            ("one<flush />two<flush/>three<FLUSH>", "onetwothree"),
            ("up to here<ims_agent_interrupted>", "up to here"),
            ("<im\u{17f}agent_hangup/>x<\u{131}msagent_hangup/>", "x"),
            // Without an end.
            ("<imsagent_hangup", "hangup"),
            ("a <imsagent_", "a "),
            ("{{emotion=glad", "glad"),
            // A tag in what looks like one.
            ("<imsagent_<imsagent_hangup/>", ""),
            ("<flush <flush <imsagent_", "  "),
        ] {
            assert_eq!(filtered([text]), (expected.to_owned(), true), "{text}");
        }
        for text in [
            "",
            "if a < b && c > d { e }",
            "<imsagents>",
            "<ims",
            "{{name}} {{emotion}}",
            "<flushed> <FlushX/> <flush-it>",
            "<<<{{{",
            "\u{4f60}\u{597d}<\u{4f60}",
        ] {
            assert_eq!(filtered([text]), (text.to_owned(), false), "{text}");
        }
    }

    #[test]
    fn what_remains_is_never_joined_to_a_tag() {
        for (text, expected) in [
            ("<ims<flush/>agent_hangup/>", "<ims agent_hangup/>"),
            ("<<flush/>imsagent_hangup/>", "< imsagent_hangup/>"),
            ("{{{emotion=sad}}{emotion=happy}}", "{ {emotion=happy}}"),
            ("{<flush/>{emotion=happy}}", "{ {emotion=happy}}"),
            ("<IMS<flush/><flush/>agent_hangup/>", "<IMS agent_hangup/>"),
            ("<ims<imsagent_agent_hangup", "<ims agent_hangup"),
        ] {
            assert_eq!(filtered([text]), (expected.to_owned(), true), "{text}");
        }
    }

    #[test]
    fn harmless_text_is_not_held_back() {
        let mut filter = TagFilter::new(TAGS);
        for (piece, expected) in [
            ("a <", "a "),
            ("b", "<b"),
            ("<imsage", ""),
            ("x", "<imsagex"),
            ("{", ""),
            ("x", "{x"),
            ("<flush", ""),
            ("es", "<flushes"),
        ] {
            assert_eq!(filter.push(piece), expected, "{piece}");
        }
        assert_eq!(filter.finish(), "");
        // No more is held back than a tag may contain.
        for tag in TAGS {
            let mut filter = TagFilter::new(TAGS);
            assert_eq!(filter.push(tag.opening), "");
            let content = " ".repeat(tag.max);
            assert_eq!(filter.push(&content), "");
            assert_eq!(filter.push(" "), content + " ");
        }
    }

    #[test]
    fn text_that_is_not_sent_is_not_sent_later() {
        let mut filter = TagFilter::new(TAGS);
        assert_eq!(filter.push("a <ims"), "a ");
        filter.discard();
        assert_eq!(filter.push("b <flush "), "b ");
        filter.discard();
        assert_eq!(filter.finish(), "");
    }

    #[test]
    fn any_cutting_of_any_text_gives_the_same_result_without_a_tag() {
        const PARTS: &[&str] = &[
            "<",
            "{",
            "{{",
            "}}",
            "/>",
            ">",
            " ",
            "a",
            "i",
            "ims",
            "agent",
            "_",
            "hangup",
            "flush",
            "emotion=",
            "<ims",
            "<imsagent_",
            "</imsagent_",
            "<ims_agent_",
            "interrupted",
            "<FLU",
            "<flush",
            "<flush/>",
            "{{emotion=",
            "{{emo",
            "sad}}",
            "\u{17f}",
            "\u{4f60}",
            "/",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..4_000 {
            let parts = random.usize(1..24);
            let text: String = (0..parts).map(|_| PARTS[random.usize(..PARTS.len())]).collect();
            let text = match random.usize(..20) {
                0 => text.replacen(' ', &" ".repeat(600), 1),
                _ => text,
            };
            let (whole, removed) = filtered([&*text]);
            let mut pieces = Vec::new();
            let mut rest = &*text;
            while !rest.is_empty() {
                let ends: Vec<_> = rest.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
                let (piece, after) = rest.split_at(ends[random.usize(..ends.len().min(9))]);
                pieces.push(piece);
                rest = after;
            }
            assert_eq!(filtered(pieces.iter().copied()), (whole.clone(), removed), "{text:?}");
            assert_eq!(removed, whole != text, "{text:?}");
            let plain: String = whole.chars().map(lower).collect();
            for tag in TAGS {
                for (at, _) in plain.match_indices(tag.opening) {
                    let next = plain[at + tag.opening.len()..].chars().next();
                    let harmless = tag.whole_name && next.is_some_and(|c| !ends_name(c));
                    assert!(harmless, "{text:?} gives {whole:?}");
                }
            }
            assert_eq!(filtered([&*whole]), (whole.clone(), false), "{text:?}");
        }
    }
}
