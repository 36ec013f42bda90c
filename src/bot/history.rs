//! What was said in a call, by turn, and what of it was heard.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::{Heard, Input, Transferred, TurnId};
use crate::wire::Hidden;

/// What was said in a call, the oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    entries: VecDeque<Entry>,
}

impl History {
    /// The turns, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The newest turn.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }

    /// How many turns are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no turn is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The turn with this id.
    #[must_use]
    pub fn get(&self, turn: &TurnId) -> Option<&Entry> {
        // Whoever asks mostly asks for one of the newest.
        self.entries.iter().rev().find(|entry| entry.turn == *turn)
    }

    /// Takes in a turn, in place of the one with the same id if there is one, and before those that
    /// came after it.
    pub(super) fn push(&mut self, entry: Entry) {
        if let Some(known) = self.get_mut(&entry.turn) {
            *known = entry;
            return;
        }
        let after = self.entries.iter().rev().take_while(|later| later.epoch > entry.epoch).count();
        self.entries.insert(self.entries.len() - after, entry);
    }

    /// Forgets a turn, which is asked for again.
    pub(super) fn forget(&mut self, turn: &TurnId) {
        self.entries.retain(|entry| entry.turn != *turn);
    }

    /// Drops the oldest turns until there are at most so many, with at most so many bytes of text.
    /// The newest one stays in any case.
    pub(super) fn trim(&mut self, entries: usize, bytes: usize) {
        let mut total = self.entries.iter().map(Entry::bytes).fold(0, usize::saturating_add);
        while self.entries.len() > 1 && (self.entries.len() > entries || total > bytes) {
            if let Some(oldest) = self.entries.pop_front() {
                total = total.saturating_sub(oldest.bytes());
            }
        }
    }

    /// The platform tells what the caller heard of the reply of a turn, or that it does not know.
    /// `None` when there is no such turn; nothing changes then.
    pub(super) fn cut(&mut self, turn: &TurnId, heard: Option<&str>) -> Option<Heard> {
        self.get_mut(turn).map(|entry| entry.cut(heard))
    }

    fn get_mut(&mut self, turn: &TurnId) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.turn == *turn)
    }
}

/// A turn of a call: what the caller did, and what the bot said.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The turn.
    pub turn: TurnId,
    /// What the caller did; `None` at the begin of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// What the bot said: all of it, or, where that is known, as much as the caller heard.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// The filler that went out before, which is no part of `said`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filler: Option<String>,
    /// What the caller heard, if the reply was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Heard>,
    /// Of the lease that it was said under: the order of turns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) epoch: u64,
}

// serde wants a reference.
fn is_zero(epoch: &u64) -> bool {
    *epoch == 0
}

// What was said does not show.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("turn", &self.turn)
            .field("input", &self.input)
            .field("said", &Hidden)
            .field("filler", &self.filler.as_ref().map(Hidden::of))
            .field("heard", &self.heard)
            .finish()
    }
}

impl Entry {
    /// A turn in which nothing has been said yet.
    pub(crate) fn new(turn: TurnId, input: Option<Input>) -> Self {
        Self { turn, input, said: String::new(), filler: None, heard: None, epoch: 0 }
    }

    /// The bytes of its texts.
    fn bytes(&self) -> usize {
        let input = match &self.input {
            Some(Input::Speech(text) | Input::Keys(text)) => text.len(),
            Some(Input::Transferred(Transferred::Failed(reason))) => reason.len(),
            Some(Input::Other(value)) => {
                let mut length = Length(0);
                // What can't be written has no length, and is no reason to stop.
                let _ = serde_json::to_writer(&mut length, value);
                length.0
            }
            _ => 0,
        };
        let filler = self.filler.as_ref().map_or(0, String::len);
        // What was heard is a part of `said`, or a text of its own.
        let heard = match &self.heard {
            Some(Heard::Mismatch(text)) => text.len(),
            _ => 0,
        };
        [filler, input, heard].into_iter().fold(self.said.len(), usize::saturating_add)
    }

    fn cut(&mut self, heard: Option<&str>) -> Heard {
        let found = match heard {
            None => match self.heard.take() {
                Some(known) => known,
                None => Heard::Unknown,
            },
            Some(text) => match self.kept(text) {
                Some(0) => {
                    self.said.clear();
                    Heard::Nothing
                }
                Some(end) => {
                    self.said.truncate(end);
                    Heard::Upto(self.said.clone())
                }
                // What has been cut off can't come back: a text that is longer than what is left,
                // or is not in it, changes nothing any more.
                None => match self.heard.take() {
                    Some(known @ (Heard::Upto(_) | Heard::Nothing)) => known,
                    _ => Heard::Mismatch(text.to_owned()),
                },
            },
        };
        self.heard = Some(found.clone());
        found
    }

    /// How many bytes of `said` the caller heard; `None` when the text is not in the reply.
    fn kept(&self, heard: &str) -> Option<usize> {
        if heard.trim().is_empty() {
            return Some(0);
        }
        let filler = self.filler.as_deref().unwrap_or_default();
        let end = end_of(heard, &[filler, &self.said].concat())?;
        // Within the filler, none of the bot's words was heard.
        let end = end.saturating_sub(filler.len());
        let (words, rest) = self.said.split_at_checked(end)?;
        if words.trim().is_empty() {
            return Some(0);
        }
        // A full stop that is left over makes no sound.
        Some(if rest.contains(char::is_alphanumeric) { end } else { self.said.len() })
    }
}

/// Where in what was sent the text ends that was heard: its begin, or a part that is there once.
fn end_of(heard: &str, sent: &str) -> Option<usize> {
    if sent.starts_with(heard) {
        return Some(heard.len());
    }
    let heard: String = folded(heard).map(|(_, c)| c).collect();
    let first = heard.chars().next()?;
    let text: String = folded(sent).map(|(_, c)| c).collect();
    let begin = text.find(&heard)?;
    // Two that overlap are two.
    let next = text.get(begin + first.len_utf8()..)?;
    if begin > 0 && next.contains(&heard) {
        return None;
    }
    let mut left = begin + heard.len();
    folded(sent).find_map(|(end, c)| {
        left = left.saturating_sub(c.len_utf8());
        (left == 0).then_some(end)
    })
}

/// The letters and digits of a text, alike in width and case, and where each of them ends in it.
fn folded(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().flat_map(|(at, c)| {
        let end = at + c.len_utf8();
        let narrow = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            // A sigma at the end of a word has a letter of its own, in lower case only.
            'ς' => 'σ',
            // The space of full width is left out with all other white space.
            c => c,
        };
        let lower = narrow.to_lowercase().filter(|c| c.is_alphanumeric());
        lower.map(move |c| (end, c))
    })
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;

    fn id(id: &str) -> TurnId {
        TurnId::new(id)
    }

    fn upto(text: &str) -> Heard {
        Heard::Upto(text.to_owned())
    }

    fn mismatch(text: &str) -> Heard {
        Heard::Mismatch(text.to_owned())
    }

    fn entry(turn: &str, filler: Option<&str>, said: &str) -> Entry {
        let mut entry = Entry::new(id(turn), Some(Input::Speech("hm".to_owned())));
        entry.filler = filler.map(str::to_owned);
        entry.said = said.to_owned();
        entry
    }

    fn history(entries: impl IntoIterator<Item = Entry>) -> History {
        let mut history = History::default();
        entries.into_iter().for_each(|entry| history.push(entry));
        history
    }

    /// What comes of a reply, and what is left of it.
    #[track_caller]
    fn check(filler: &str, said: &str, heard: Option<&str>, expected: Heard, left: &str) {
        let filler = (!filler.is_empty()).then_some(filler);
        let mut history = history([entry("t", filler, said)]);
        assert_eq!(history.cut(&id("t"), heard), Some(expected.clone()));
        let entry = history.last().unwrap();
        assert_eq!((entry.said.as_str(), entry.heard.as_ref()), (left, Some(&expected)));
        // The texts themselves, since `Debug` hides them.
        assert!(entry.heard == Some(expected));
    }

    /// A reply without a filler, of which this much was heard.
    #[track_caller]
    fn check_upto(said: &str, heard: &str, left: &str) {
        check("", said, Some(heard), upto(left), left);
    }

    #[track_caller]
    fn check_mismatch(said: &str, heard: &str) {
        check("", said, Some(heard), mismatch(heard), said);
    }

    #[test]
    fn an_exact_prefix() {
        check_upto("Hello, my friend.", "Hello", "Hello");
        check_upto("Hello, my friend.", "Hello,", "Hello,");
        check_upto("Hello, my friend.", "Hello, ", "Hello, ");
        check_upto("Hello, my friend.", "Hello, m", "Hello, m");
    }

    #[test]
    fn everything() {
        check_upto("Hello, my friend.", "Hello, my friend.", "Hello, my friend.");
        check_upto("Hello, my friend.", "Hello, my friend", "Hello, my friend.");
        check_upto(
            "Hello, my friend. \u{3000}…!",
            "hello my FRIEND",
            "Hello, my friend. \u{3000}…!",
        );
        check("Well, ", "yes!", Some("Well, yes"), upto("yes!"), "yes!");
        check("", "...", Some("."), upto("..."), "...");
    }

    #[test]
    fn nothing_and_unknown() {
        for blank in ["", " ", "\n\t", "\u{3000}"] {
            check("", "Hello.", Some(blank), Heard::Nothing, "");
            check("Well, ", "Hello.", Some(blank), Heard::Nothing, "");
        }
        check("", "Hello.", None, Heard::Unknown, "Hello.");
        check("Well, ", "Hello.", None, Heard::Unknown, "Hello.");
        check("", "", Some(""), Heard::Nothing, "");
        check("", "", Some("x"), mismatch("x"), "");
    }

    #[test]
    fn case_width_and_punctuation_are_ignored() {
        check_upto("Hello, my friend.", "hello my", "Hello, my");
        check_upto("Hello, my friend.", "  HELLO   MY ", "Hello, my");
        check_upto("Hello, my friend.", "Hello my,", "Hello, my");
        check_upto("It's 10:30 now, right?", "its 1030 now", "It's 10:30 now");
        check_upto("ＡＢＣ１２３，好的", "abc 123", "ＡＢＣ１２３");
        check_upto("abc 123, ok", "ＡＢＣ\u{3000}１２３", "abc 123");
        check_upto("ΟΔΥΣΣΕΥΣ και", "οδυσσευς", "ΟΔΥΣΣΕΥΣ");
        check_upto("İstanbul is far", "i\u{307}stanbul", "İstanbul");
        check_upto("Straße und mehr", "STRAßE", "Straße");
    }

    #[test]
    fn chinese() {
        let said = "您好，欢迎致电。请问有什么可以帮您？";
        check_upto(said, "您好", "您好");
        check_upto(said, "您好，", "您好，");
        check_upto(said, "您好,欢迎", "您好，欢迎");
        check_upto(said, "您好欢迎致电", "您好，欢迎致电");
        check_upto(said, "您好 欢迎致电。请问", "您好，欢迎致电。请问");
        check_upto(said, "欢迎致电请", "您好，欢迎致电。请");
        check_upto(said, "您好欢迎致电请问有什么可以帮您", said);
        check_mismatch(said, "再见");
    }

    #[test]
    fn positions_are_between_chars() {
        check_upto("é😀日本語", "É", "é");
        check_upto("日本語", "日", "日");
        check_upto("a日😀b語c", "日b", "a日😀b");
        // Every prefix, exact and folded, in a text of chars of all lengths.
        let said = "aé日𝟘ß、Ｚ😀ÿ。Ω𐐀x";
        for (end, c) in said.char_indices().map(|(at, c)| (at + c.len_utf8(), c)) {
            let (prefix, rest) = said.split_at(end);
            check_upto(said, prefix, if rest.is_empty() { said } else { prefix });
            if c.is_alphanumeric() {
                check_upto(said, &format!(" {prefix}"), prefix);
                check_upto(said, &prefix.to_lowercase(), prefix);
            }
        }
    }

    #[test]
    fn repeated_phrases() {
        // The prefix wins, exact or not, over the same text further back.
        check_upto("yes no yes no yes", "yes no", "yes no");
        check_upto("Yes, no. Yes, no.", "yes no", "Yes, no");
        // Once within: up to its end.
        check_upto("One two. Three four. Five six.", "three, four", "One two. Three four");
        check_upto("One two. Three four. Five six.", "Three four.", "One two. Three four");
        // Twice within, also when the two overlap.
        check_mismatch("Well. Yes, no. Yes, no.", "yes no");
        check_mismatch("x aaa", "aa");
        check_mismatch("x 好好好", "好好");
        check_upto("x aa y", "aa", "x aa");
    }

    #[test]
    fn what_is_not_in_the_reply() {
        check_mismatch("Hello, my friend.", "Goodbye");
        check_mismatch("Hello", "Hello, my friend.");
        check("Well, ", "Hello.", Some("Bye"), mismatch("Bye"), "Hello.");
        // Punctuation only.
        check_mismatch("Hello, my friend.", ",");
        check_mismatch("Hello.", "。");
        check_upto("…and so on", "…", "…");
    }

    #[test]
    fn the_filler_is_no_part_of_what_was_said() {
        for heard in ["W", "Well", "Well,", "Well, ", "well let", "let", "Well, let me see. "] {
            check("Well, let me see. ", "It is open.", Some(heard), Heard::Nothing, "");
        }
        let over = |heard, left| check("Well, ", "it is open.", Some(heard), upto(left), left);
        over("Well, it", "it");
        over("well IT is", "it is");
        over("is", "it is");
        over("Well, it is ", "it is ");
        over("well it is open", "it is open.");
        // Directly followed: a word may begin in the one and end in the other.
        check("嗯，让我", "看看。好的。", Some("让我看看"), upto("看看"), "看看");
        // Only a space of what was said.
        check("Well,", " it is open.", Some("Well, "), Heard::Nothing, "");
        check("Well.", "", Some("well"), Heard::Nothing, "");
        // In both: it is there twice, unless it is the begin.
        check("One moment. ", "A moment.", Some("moment"), mismatch("moment"), "A moment.");
        check("Hello. ", "Hello you.", Some("hello"), Heard::Nothing, "");
    }

    #[test]
    fn cut_again() {
        let mut history = history([entry("t", Some("Well, "), "it is open until six.")]);
        let mut cut = |heard: Option<&str>, expected: Heard, left: &str| {
            assert!(history.cut(&id("t"), heard) == Some(expected.clone()), "{heard:?}");
            assert_eq!(history.last().unwrap().said, left);
            assert!(history.last().unwrap().heard == Some(expected), "{heard:?}");
        };
        let whole = "it is open until six.";
        cut(None, Heard::Unknown, whole);
        cut(Some("nonsense"), mismatch("nonsense"), whole);
        cut(None, mismatch("nonsense"), whole);
        cut(Some("rubbish"), mismatch("rubbish"), whole);
        cut(Some("well it is open"), upto("it is open"), "it is open");
        // The same again, and what can't come back.
        cut(Some("well it is open"), upto("it is open"), "it is open");
        cut(Some("Well, it is open until"), upto("it is open"), "it is open");
        cut(Some("nonsense"), upto("it is open"), "it is open");
        cut(None, upto("it is open"), "it is open");
        // Less than before.
        cut(Some("Well, it is"), upto("it is"), "it is");
        cut(Some("well"), Heard::Nothing, "");
        cut(Some("Well, it is"), Heard::Nothing, "");
        cut(Some(" "), Heard::Nothing, "");
        cut(None, Heard::Nothing, "");
    }

    #[test]
    fn only_the_turn_itself_changes() {
        let before = history([
            entry("1", None, "Hello one."),
            entry("2", None, "Hello two."),
            entry("3", None, "Hello three."),
        ]);
        let mut after = before.clone();
        for heard in [None, Some(""), Some("Hello"), Some("Bye")] {
            assert_eq!(after.cut(&id("4"), heard), None);
            assert!(after == before);
        }
        // The text of another turn is not looked for there.
        assert!(after.cut(&id("2"), Some("Hello one")) == Some(mismatch("Hello one")));
        assert!(after.cut(&id("2"), Some("hello")) == Some(upto("Hello")));
        assert!(after.get(&id("1")) == before.get(&id("1")));
        assert!(after.get(&id("3")) == before.get(&id("3")));
        assert_eq!(after.get(&id("2")).unwrap().said, "Hello");
    }

    #[test]
    fn push_and_look() {
        let mut history = History::default();
        assert!(history.is_empty() && history.last().is_none());
        history.push(entry("1", None, "a"));
        history.push(entry("2", None, "b"));
        history.push(entry("1", None, "c"));
        let turns: Vec<_> = history.iter().map(|e| (e.turn.as_str(), e.said.as_str())).collect();
        assert_eq!(turns, [("1", "c"), ("2", "b")]);
        assert_eq!((history.len(), history.is_empty()), (2, false));
        assert_eq!(history.last().unwrap().turn, id("2"));
        assert_eq!(history.get(&id("1")).unwrap().said, "c");
        assert!(history.get(&id("3")).is_none());
    }

    #[test]
    fn trimmed() {
        // 2 bytes of speech, 1 of the filler and 7 of what was said: 10 each.
        let all = || history((0..5).map(|n| entry(&n.to_string(), Some("f"), "1234567")));
        let left = |entries, bytes| {
            let mut history = all();
            history.trim(entries, bytes);
            history.iter().map(|entry| entry.turn.to_string()).collect::<String>()
        };
        assert_eq!(left(5, 50), "01234");
        assert_eq!(left(9, usize::MAX), "01234");
        assert_eq!(left(5, 49), "1234");
        assert_eq!(left(5, 40), "1234");
        assert_eq!(left(3, 50), "234");
        assert_eq!(left(3, 20), "34");
        assert_eq!(left(5, 19), "4");
        assert_eq!(left(5, 0), "4");
        assert_eq!(left(0, 0), "4");
        History::default().trim(0, 0);
    }

    #[test]
    fn what_counts_as_text() {
        let bytes = |input| Entry::new(id("long-id"), input).bytes();
        assert_eq!(bytes(None), 0);
        assert_eq!(bytes(Some(Input::Speech("您好".to_owned()))), 6);
        assert_eq!(bytes(Some(Input::Keys("12#".to_owned()))), 3);
        assert_eq!(bytes(Some(Input::Silence)), 0);
        let failed = Transferred::Failed("busy".to_owned());
        assert_eq!(bytes(Some(Input::Transferred(failed))), 4);
        let value = json!({"a": [1, 2.5, "您\"好"], "b": null});
        assert_eq!(bytes(Some(Input::Other(value.clone()))), value.to_string().len());
    }

    #[test]
    fn json() {
        let mut all = history([
            Entry::new(id("0"), None),
            entry("1", Some("Well, "), "Hello, my friend."),
            entry("2", None, "Bye."),
        ]);
        all.push(Entry::new(id("3"), Some(Input::Other(json!({"k": [1]})))));
        all.cut(&id("1"), Some("well hello"));
        all.cut(&id("2"), None);
        let written = serde_json::to_value(&all).unwrap();
        let expected = json!([
            {"turn": "0"},
            {"turn": "1", "input": {"speech": "hm"}, "said": "Hello", "filler": "Well, ",
             "heard": {"upto": "Hello"}},
            {"turn": "2", "input": {"speech": "hm"}, "said": "Bye.", "heard": "unknown"},
            {"turn": "3", "input": {"other": {"k": [1]}}},
        ]);
        assert_eq!(written, expected);
        assert!(serde_json::from_value::<History>(written).unwrap() == all);
        let read: History = serde_json::from_value(json!([{"turn": "5", "more": 1}])).unwrap();
        assert!(read == history([Entry::new(id("5"), None)]));
    }

    #[test]
    fn debug_hides_what_was_said() {
        let mut all = history([
            entry("t-1", Some("secret one"), "secret two"),
            entry("t-2", None, "secret three"),
            entry("t-3", None, "secret four"),
        ]);
        all.push(Entry::new(id("t-4"), Some(Input::Keys("secret five".to_owned()))));
        all.push(Entry::new(id("t-5"), Some(Input::Other(json!({"secret": "six"})))));
        all.cut(&id("t-2"), Some("secret"));
        all.cut(&id("t-3"), Some("secret seven"));
        for text in [format!("{all:?}"), format!("{all:#?}")] {
            assert!(!text.contains("secret") && !text.contains("hm"), "{text}");
            for shown in ["t-1", "t-5", "Upto", "Mismatch", "Keys"] {
                assert!(text.contains(shown), "{shown}: {text}");
            }
        }
    }

    #[test]
    fn hostile_texts_come_to_an_end() {
        let n = 64 * 1024;
        let many = "a".repeat(n);
        // Almost everywhere, nowhere, and at the very end.
        check_mismatch(&format!("x{many}"), &"A".repeat(n / 2));
        check_mismatch(&many, &format!("{}b", "A".repeat(n / 2)));
        let last = format!("{}b", "A".repeat(n / 2));
        check_upto(&format!("{many}b"), &last, &format!("{many}b"));
        check_mismatch(&"ab, ".repeat(n / 4), &"ba".repeat(n / 8));
        check_mismatch(&many, &"，".repeat(n));
    }
}
