//! Tests of a history and of cuts in it.

use serde_json::json;

use super::*;
use crate::bot::store::Edit;

fn id(id: &str) -> TurnId {
    TurnId::new(id)
}

fn up_to(text: &str) -> Heard {
    Heard::UpTo(text.to_owned())
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

fn kept(entries: impl IntoIterator<Item = Entry>) -> KeptTurns {
    entries.into_iter().collect()
}

fn history(entries: impl IntoIterator<Item = Entry>) -> History {
    entries.into_iter().collect()
}

/// Cuts a reply, and checks the result and the text that remains.
#[track_caller]
fn check(filler: &str, said: &str, heard: Option<&str>, expected: Heard, rest: &str) {
    let filler = (!filler.is_empty()).then_some(filler);
    let mut kept = kept([entry("t", filler, said)]);
    assert_eq!(kept.cut(&id("t"), heard), Some(expected.clone()));
    let entry = kept.get(&id("t")).unwrap();
    assert_eq!((entry.said.as_str(), entry.heard.as_ref()), (rest, Some(&expected)));
}

/// Checks a reply without a filler that is cut to `rest`.
#[track_caller]
fn check_up_to(said: &str, heard: &str, rest: &str) {
    check("", said, Some(heard), up_to(rest), rest);
}

#[track_caller]
fn check_mismatch(said: &str, heard: &str) {
    let kept = &heard[..char_end_before(heard, MAX_HEARD_BYTES)];
    check("", said, Some(heard), mismatch(kept), said);
}

#[test]
fn an_exact_prefix_is_what_was_heard() {
    check_up_to("Hello, my friend.", "Hello", "Hello");
    check_up_to("Hello, my friend.", "Hello,", "Hello,");
    check_up_to("Hello, my friend.", "Hello, ", "Hello, ");
    check_up_to("Hello, my friend.", "Hello, m", "Hello, m");
}

#[test]
fn the_whole_reply_can_be_heard() {
    check_up_to("Hello, my friend.", "Hello, my friend.", "Hello, my friend.");
    check_up_to("Hello, my friend.", "Hello, my friend", "Hello, my friend.");
    check_up_to("Hello, my friend. \u{3000}…!", "hello my FRIEND", "Hello, my friend. \u{3000}…!");
    check("Well, ", "yes!", Some("Well, yes"), up_to("yes!"), "yes!");
    check("", "...", Some("."), up_to("..."), "...");
}

#[test]
fn a_blank_text_means_nothing_and_no_text_means_unknown() {
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
    check_up_to("Hello, my friend.", "hello my", "Hello, my");
    check_up_to("Hello, my friend.", "  HELLO   MY ", "Hello, my");
    check_up_to("Hello, my friend.", "Hello my,", "Hello, my");
    check_up_to("It's 10:30 now, right?", "its 1030 now", "It's 10:30 now");
    check_up_to("ＡＢＣ１２３，好的", "abc 123", "ＡＢＣ１２３");
    check_up_to("abc 123, ok", "ＡＢＣ\u{3000}１２３", "abc 123");
    check_up_to("ΟΔΥΣΣΕΥΣ και", "οδυσσευς", "ΟΔΥΣΣΕΥΣ");
    check_up_to("İstanbul is far", "i\u{307}stanbul", "İstanbul");
    check_up_to("Straße und mehr", "STRAßE", "Straße");
}

#[test]
fn chinese_punctuation_is_ignored() {
    let said = "您好，欢迎致电。请问有什么可以帮您？";
    check_up_to(said, "您好", "您好");
    check_up_to(said, "您好，", "您好，");
    check_up_to(said, "您好,欢迎", "您好，欢迎");
    check_up_to(said, "您好欢迎致电", "您好，欢迎致电");
    check_up_to(said, "您好 欢迎致电。请问", "您好，欢迎致电。请问");
    check_up_to(said, "欢迎致电请", "您好，欢迎致电。请");
    check_up_to(said, "您好欢迎致电请问有什么可以帮您", said);
    check_mismatch(said, "再见");
}

#[test]
fn a_reply_is_cut_between_chars() {
    check_up_to("é😀日本語", "É", "é");
    check_up_to("日本語", "日", "日");
    check_up_to("a日😀b語c", "日b", "a日😀b");
    // Every prefix, exact and folded, in a text of chars of all lengths.
    let said = "aé日𝟘ß、Ｚ😀ÿ。Ω𐐀x";
    for (end, c) in said.char_indices().map(|(at, c)| (at + c.len_utf8(), c)) {
        let (prefix, rest) = said.split_at(end);
        check_up_to(said, prefix, if rest.is_empty() { said } else { prefix });
        if c.is_alphanumeric() {
            check_up_to(said, &format!(" {prefix}"), prefix);
            check_up_to(said, &prefix.to_lowercase(), prefix);
        }
    }
}

#[test]
fn a_phrase_that_occurs_twice_is_a_mismatch_unless_the_reply_starts_with_it() {
    // A prefix, exact or not, wins over a later occurrence.
    check_up_to("yes no yes no yes", "yes no", "yes no");
    check_up_to("Yes, no. Yes, no.", "yes no", "Yes, no");
    // One occurrence inside the reply: cut at its end.
    check_up_to("One two. Three four. Five six.", "three, four", "One two. Three four");
    check_up_to("One two. Three four. Five six.", "Three four.", "One two. Three four");
    // Two occurrences inside the reply, even overlapping ones.
    check_mismatch("Well. Yes, no. Yes, no.", "yes no");
    check_mismatch("x aaa", "aa");
    check_mismatch("x 好好好", "好好");
    check_up_to("x aa y", "aa", "x aa");
}

#[test]
fn a_text_that_is_not_in_the_reply_is_a_mismatch() {
    check_mismatch("Hello, my friend.", "Goodbye");
    check_mismatch("Hello", "Hello, my friend.");
    check("Well, ", "Hello.", Some("Bye"), mismatch("Bye"), "Hello.");
    // Punctuation only.
    check_mismatch("Hello, my friend.", ",");
    check_mismatch("Hello.", "。");
    check_up_to("…and so on", "…", "…");
}

#[test]
fn the_filler_is_not_part_of_what_was_said() {
    for heard in ["W", "Well", "Well,", "Well, ", "well let", "let", "Well, let me see. "] {
        check("Well, let me see. ", "It is open.", Some(heard), Heard::Nothing, "");
    }
    let over = |heard, rest| check("Well, ", "it is open.", Some(heard), up_to(rest), rest);
    over("Well, it", "it");
    over("well IT is", "it is");
    over("is", "it is");
    over("Well, it is ", "it is ");
    over("well it is open", "it is open.");
    // The heard text may start in the filler and end in the reply.
    check("嗯，让我", "看看。好的。", Some("让我看看"), up_to("看看"), "看看");
    // Only a space of the reply was heard.
    check("Well,", " it is open.", Some("Well, "), Heard::Nothing, "");
    check("Well.", "", Some("well"), Heard::Nothing, "");
    // In both the filler and the reply: it occurs twice, unless it is at the start.
    check("One moment. ", "A moment.", Some("moment"), mismatch("moment"), "A moment.");
    check("Hello. ", "Hello you.", Some("hello"), Heard::Nothing, "");
}

#[test]
fn a_second_cut_only_shortens_the_reply() {
    let mut kept = kept([entry("t", Some("Well, "), "it is open until six.")]);
    let mut cut = |heard: Option<&str>, expected: Heard, rest: &str| {
        assert!(kept.cut(&id("t"), heard) == Some(expected.clone()), "{heard:?}");
        let entry = kept.get(&id("t")).unwrap();
        assert_eq!(entry.said, rest);
        assert!(entry.heard == Some(expected), "{heard:?}");
    };
    let whole = "it is open until six.";
    cut(None, Heard::Unknown, whole);
    cut(Some("nonsense"), mismatch("nonsense"), whole);
    cut(None, mismatch("nonsense"), whole);
    cut(Some("rubbish"), mismatch("rubbish"), whole);
    cut(Some("well it is open"), up_to("it is open"), "it is open");
    // The same report again, and reports of text that was cut off.
    cut(Some("well it is open"), up_to("it is open"), "it is open");
    cut(Some("Well, it is open until"), up_to("it is open"), "it is open");
    cut(Some("nonsense"), up_to("it is open"), "it is open");
    cut(None, up_to("it is open"), "it is open");
    // Reports of less than before.
    cut(Some("Well, it is"), up_to("it is"), "it is");
    cut(Some("well"), Heard::Nothing, "");
    cut(Some("Well, it is"), Heard::Nothing, "");
    cut(Some(" "), Heard::Nothing, "");
    cut(None, Heard::Nothing, "");
}

#[test]
fn a_cut_changes_only_its_own_turn() {
    let before = kept([
        entry("1", None, "Hello one."),
        entry("2", None, "Hello two."),
        entry("3", None, "Hello three."),
    ]);
    let mut after = before.clone();
    for heard in [None, Some(""), Some("Hello"), Some("Bye")] {
        assert_eq!(after.cut(&id("4"), heard), None);
        assert!(after.history() == before.history());
    }
    // The text of another turn is a mismatch.
    assert!(after.cut(&id("2"), Some("Hello one")) == Some(mismatch("Hello one")));
    assert!(after.cut(&id("2"), Some("hello")) == Some(up_to("Hello")));
    assert!(after.get(&id("1")) == before.get(&id("1")));
    assert!(after.get(&id("3")) == before.get(&id("3")));
    assert_eq!(after.get(&id("2")).unwrap().said, "Hello");
}

#[test]
fn a_pushed_turn_replaces_the_one_with_the_same_id() {
    let mut kept = KeptTurns::default();
    assert!(kept.history().is_empty() && kept.history().last().is_none());
    for (id, said) in [("1", "a"), ("2", "b"), ("1", "c")] {
        kept.push(&entry(id, None, said));
    }
    let history = kept.history();
    let turns: Vec<_> = history.iter().map(|e| (e.turn.as_str(), e.said.as_str())).collect();
    assert_eq!(turns, [("1", "c"), ("2", "b")]);
    assert_eq!((history.len(), history.is_empty()), (2, false));
    assert_eq!(history.last().unwrap().turn, id("2"));
    assert_eq!(history.get(&id("1")).unwrap().said, "c");
    assert!(history.get(&id("3")).is_none());
}

#[test]
fn the_oldest_turns_are_trimmed_but_never_the_newest() {
    // 2 bytes of input, 1 of the filler and 7 of the reply: 10 each.
    let all = || kept((0..5).map(|n| entry(&n.to_string(), Some("f"), "1234567")));
    let rest = |entries, bytes| {
        let mut kept = all();
        kept.trim(entries, bytes);
        kept.history().iter().map(|entry| entry.turn.to_string()).collect::<String>()
    };
    assert_eq!(rest(5, 50), "01234");
    assert_eq!(rest(9, usize::MAX), "01234");
    assert_eq!(rest(5, 49), "1234");
    assert_eq!(rest(5, 40), "1234");
    assert_eq!(rest(3, 50), "234");
    assert_eq!(rest(3, 20), "34");
    assert_eq!(rest(5, 19), "4");
    assert_eq!(rest(5, 0), "4");
    assert_eq!(rest(0, 0), "4");
    KeptTurns::default().trim(0, 0);
}

#[test]
fn bytes_counts_the_text_of_every_input() {
    let bytes = |input| Entry::new(id("long-id"), input).bytes();
    assert_eq!(bytes(None), 0);
    assert_eq!(bytes(Some(Input::Speech("您好".to_owned()))), 6);
    assert_eq!(bytes(Some(Input::Dtmf("12#".to_owned()))), 3);
    assert_eq!(bytes(Some(Input::Silence)), 0);
    let failed = TransferOutcome::Failed("busy".to_owned());
    assert_eq!(bytes(Some(Input::Transferred(failed))), 4);
    let value = json!({"a": [1, 2.5, "您\"好"], "b": null});
    assert_eq!(bytes(Some(Input::Other(value.clone()))), value.to_string().len());
}

#[test]
fn a_history_is_written_as_json_and_read_back() {
    let mut all = kept([
        Entry::new(id("0"), None),
        entry("1", Some("Well, "), "Hello, my friend."),
        entry("2", None, "Bye."),
        Entry::new(id("3"), Some(Input::Other(json!({"k": [1]})))),
    ]);
    all.cut(&id("1"), Some("well hello"));
    all.cut(&id("2"), None);
    let all = all.history();
    let written = serde_json::to_value(&all).unwrap();
    let expected = json!([
        {"turn": "0"},
        {"turn": "1", "input": {"speech": "hm"}, "said": "Hello", "filler": "Well, ",
         "heard": {"up_to": "Hello"}},
        {"turn": "2", "input": {"speech": "hm"}, "said": "Bye.", "heard": "unknown"},
        {"turn": "3", "input": {"other": {"k": [1]}}},
    ]);
    assert_eq!(written, expected);
    assert!(serde_json::from_value::<History>(written).unwrap() == all);
    let read: History = serde_json::from_value(json!([{"turn": "5", "more": 1}])).unwrap();
    assert!(read == history([Entry::new(id("5"), None)]));
}

#[test]
fn debug_hides_the_texts() {
    let mut all = kept([
        entry("t-1", Some("private one"), "private two"),
        entry("t-2", None, "private three"),
        entry("t-3", None, "private four"),
        Entry::new(id("t-4"), Some(Input::Dtmf("private five".to_owned()))),
        Entry::new(id("t-5"), Some(Input::Other(json!({"private": "six"})))),
    ]);
    all.cut(&id("t-2"), Some("private"));
    all.cut(&id("t-3"), Some("private seven"));
    let all = all.history();
    for text in [format!("{all:?}"), format!("{all:#?}")] {
        assert!(!text.contains("private") && !text.contains("hm"), "{text}");
        for shown in ["t-1", "t-5", "UpTo", "Mismatch", "Dtmf"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
    }
}

#[test]
fn hostile_texts_do_not_hang_the_matching() {
    let n = 64 * 1024;
    let many = "a".repeat(n);
    // A text that almost matches everywhere, that matches nowhere, and that matches at the very end.
    check_mismatch(&format!("x{many}"), &"A".repeat(n / 2));
    check_mismatch(&many, &format!("{}b", "A".repeat(n / 2)));
    let last = format!("{}b", "A".repeat(n / 2));
    check_up_to(&format!("{many}b"), &last, &format!("{many}b"));
    check_mismatch(&"ab, ".repeat(n / 4), &"ba".repeat(n / 8));
    check_mismatch(&many, &"，".repeat(n));
}

/// Checks what is hidden in a whole text, and in one that was cut.
#[track_caller]
fn check_hidden(secret: &str, text: &str, whole: &str, cut: &str) {
    for (ending, expected) in [(Ending::Whole, whole), (Ending::Cut, cut)] {
        let shown = hidden(text, secret, ending);
        assert_eq!(shown.as_deref().unwrap_or(text), expected, "{ending:?}");
        assert_eq!(shown.is_some(), text != expected, "{ending:?}");
    }
}

#[test]
fn what_repeats_a_secret_is_hidden() {
    let same = |secret: &str, text: &str, hidden: &str| check_hidden(secret, text, hidden, hidden);
    same("1234", "Your PIN is 1234, right?", "Your PIN is [secret], right?");
    same("1234", "1 2 3 4. 1-2-3-4! １２３４。", "[secret]. [secret]! [secret]。");
    same("1234", "It is 123 or 234.", "It is 123 or 234.");
    check_hidden("1212", "121212.", "[secret]12.", "[secret][secret].");
    same("open sesame", "You said: Open, Sesame!", "You said: [secret]!");
    same("芝麻开门", "您说的是芝麻开门。", "您说的是[secret]。");
    // A match that fails continues from its longest end that is also a start.
    same("aabaaa", "aabaabaaa.", "aab[secret].");
    same("İ123", "i̇123 and İ123.", "[secret] and [secret].");
    same("*#", "You pressed *#.", "You pressed [secret].");
    same("", "Nothing.", "Nothing.");
}

#[test]
fn a_short_secret_is_hidden_as_a_word_only() {
    let same = |secret: &str, text: &str, hidden: &str| check_hidden(secret, text, hidden, hidden);
    same("1", "Press 1 or 12, not 21.", "Press [secret] or 12, not 21.");
    same("no", "No, I know nothing. no!", "[secret], I know nothing. [secret]!");
    same("密码", "您的密码。", "您的[secret]。");
}

#[test]
fn a_secret_may_be_cut_in_half() {
    check_hidden("1234", "You entered 12", "You entered 12", "You entered [secret]");
    check_hidden("1234", "1234 and 1 2", "[secret] and 1 2", "[secret] and [secret]");
    check_hidden("1234", "You entered ", "You entered ", "You entered ");
}

#[test]
fn hiding_takes_linear_time() {
    let secret = format!("{}b", "a".repeat(30_000));
    let text = "a".repeat(64_000);
    assert_eq!(hidden(&text, &secret, Ending::Whole), None);
}

#[test]
fn a_hidden_input_of_any_kind_is_a_placeholder() {
    let secret = Input::Other(json!({"code": "1234"}));
    let mut entry = Entry::new(id("t"), Some(secret.clone()));
    entry.hide_input(&secret, Ending::Whole);
    assert!(entry.secret && entry.input == Some(Input::Other("[secret]".into())));
    // What has no content has nothing to hide.
    for input in [Some(Input::Silence), Some(Input::NoMatch), None] {
        let mut entry = Entry::new(id("t"), input.clone());
        entry.hide_input(&Input::Silence, Ending::Whole);
        assert!(!entry.secret && entry.input == input);
    }
}

#[test]
fn the_running_total_and_the_edits_of_kept_turns_are_right_after_any_changes() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut kept = KeptTurns::default();
    let mut stored = StoredTurns::default();
    for step in 0..2000_u64 {
        let turn = random.u64(0..30).to_string();
        let text = "word ".repeat(random.usize(1..6));
        match random.u8(0..10) {
            0..5 => {
                let mut entry = entry(&turn, Some("f"), &text);
                entry.epoch = step / 7;
                if random.bool() {
                    entry.epoch = entry.epoch.saturating_sub(random.u64(0..3));
                    let mut both = kept.clone();
                    both.push(&entry);
                    both.trim(20, 300);
                    kept.push_within(&entry, 20, 300);
                    assert_eq!(kept.history(), both.history(), "step {step}");
                } else {
                    kept.push(&entry);
                }
            }
            5 => kept.forget(&id(&turn)),
            6 => drop(kept.cut(&id(&turn), Some("word"))),
            7 => drop(kept.cut(&id(&turn), Some("nonsense"))),
            8 => kept.trim(20, 300),
            _ if random.u8(0..20) == 0 => kept.clear(),
            _ => {}
        }
        let history = kept.history();
        assert_eq!(kept.bytes(), history.iter().map(Entry::bytes).sum::<usize>(), "step {step}");
        assert!(history.iter().is_sorted_by_key(|entry| entry.epoch), "step {step}");
        // The store makes the same changes.
        stored.apply(kept.take_edits());
        let same = History::new(stored.clone());
        assert_eq!(same, history, "step {step}");
        assert_eq!(same.last(), same.iter().last(), "step {step}");
        let mut copy = StoredTurns::default();
        copy.apply(kept.all());
        assert_eq!(History::new(copy), history, "step {step}");
    }
}

#[test]
fn a_history_parses_only_what_is_looked_at() {
    let kept = kept((0..5).map(|n| entry(&n.to_string(), None, "text")));
    let history = kept.history();
    assert_eq!(history.len(), 5);
    assert!(history.get(&id("5")).is_none());
    assert_eq!(history.last().unwrap().turn, id("4"));
    assert_eq!(history.get(&id("4")).unwrap().turn, id("4"));
    assert!(history.parsed.get().is_none());
    assert_eq!(history.get(&id("3")).unwrap().turn, id("3"));
    assert_eq!(history.parsed.get().map(Vec::len), Some(5));
    assert!(history.clone().parsed.get().is_none());
}

#[test]
fn a_stored_turn_that_can_not_be_read_has_no_texts_and_hides_no_other() {
    let mut turns = StoredTurns::default();
    let unreadable = StoredTurn::new(id("1"), 1, 0, b"{".to_vec());
    let good = StoredTurn::new(id("2"), 2, 0, br#"{"said":"Yes."}"#.to_vec());
    turns.apply([unreadable, good].map(|turn| Edit::Put(turn.into())).into());
    let history = History::new(turns.clone());
    let said: Vec<_> = history.iter().map(|turn| (turn.turn.as_str(), &*turn.said)).collect();
    assert_eq!(said, [("1", ""), ("2", "Yes.")]);
    // What is there stays as it is.
    let mut kept = KeptTurns::load(turns, 4);
    assert_eq!(kept.cut(&id("1"), Some("")), None);
    assert_eq!(kept.take_edits(), []);
}
