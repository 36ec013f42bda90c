//! Removes what a model thinks from the text of its answer.

/// Removes `<think>…</think>` and `<thinking>…</thinking>` from text that arrives in pieces.
///
/// Some servers send the reasoning of a model within its text. White space after it is removed, too.
#[derive(Debug, Default)]
pub(super) struct Think {
    /// The text that may be the start of a tag.
    held: String,
    /// The end that the text is searched for, while the model thinks.
    until: Option<&'static str>,
    /// Whether white space is removed, since a thought has just ended.
    trims: bool,
}

const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];

impl Think {
    /// Adds a piece of text. Returns what is not a thought.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let mut spoken = String::new();
        loop {
            match self.until {
                Some(end) => match self.held.find(end) {
                    Some(at) => {
                        self.held.drain(..at + end.len());
                        (self.until, self.trims) = (None, true);
                    }
                    None => {
                        let keep = partial(&self.held, end);
                        self.held.drain(..self.held.len() - keep);
                        return spoken;
                    }
                },
                None => {
                    let found = TAGS
                        .iter()
                        .filter_map(|tag| Some((self.held.find(tag.0)?, tag)))
                        .min_by_key(|(at, _)| *at);
                    match found {
                        Some((at, (start, end))) => {
                            self.speak(at, &mut spoken);
                            self.held.drain(..start.len());
                            self.until = Some(end);
                        }
                        None => {
                            let keep = TAGS.map(|(start, _)| partial(&self.held, start));
                            let keep = keep.into_iter().max().unwrap_or(0);
                            self.speak(self.held.len() - keep, &mut spoken);
                            return spoken;
                        }
                    }
                }
            }
        }
    }

    /// Returns the rest of the text: the start of a tag that was none.
    pub(super) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        if self.until.is_some() { String::new() } else { rest }
    }

    /// Moves the first `end` bytes of the held text to `spoken`.
    fn speak(&mut self, end: usize, spoken: &mut String) {
        let text: String = self.held.drain(..end).collect();
        let text = if self.trims { text.trim_start() } else { &text };
        self.trims &= text.is_empty();
        spoken.push_str(text);
    }
}

/// Returns the length of the longest end of `text` that `tag` starts with.
fn partial(text: &str, tag: &str) -> usize {
    let longest = text.len().min(tag.len().saturating_sub(1));
    let fits = |len: &usize| {
        let end = text.as_bytes().get(text.len() - len..).unwrap_or_default();
        tag.as_bytes().starts_with(end)
    };
    (1..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_removed_wherever_the_text_is_cut() {
        for (text, expected) in [
            ("Hello.", "Hello."),
            ("<think>He asks.</think>\n\nHello.", "Hello."),
            ("<thinking>He asks.</thinking> Hello.", "Hello."),
            ("<think></think>a<think>b < c</think> d", "ad"),
            ("1 < 2 and <thin air", "1 < 2 and <thin air"),
            ("<think>for ever", ""),
            ("你好<think>嗯</think>，再见<", "你好，再见<"),
            ("<th<think>x</think>ink>", "<think>"),
        ] {
            for size in 1..=text.chars().count() {
                let chars: Vec<char> = text.chars().collect();
                let mut think = Think::default();
                let mut spoken = String::new();
                for piece in chars.chunks(size) {
                    spoken += &think.push(&piece.iter().collect::<String>());
                }
                spoken += &think.finish();
                assert_eq!(spoken, expected, "{text:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn text_is_held_only_while_it_may_be_a_tag() {
        let mut think = Think::default();
        assert_eq!(think.push("Hello <"), "Hello ");
        assert_eq!(think.push("b"), "<b");
        assert_eq!(think.push("<thin"), "");
        assert_eq!(think.push("g"), "<thing");
    }
}
