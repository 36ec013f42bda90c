//! Text that a voice reads well: a table of cases for each language, then any text in any pieces.

use std::fmt::Write as _;
use std::io;

use callbot::text::{Language, Speakable, sentences, speakable};
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt, stream};

const ENGLISH: &str = include_str!("speakable/english.txt");
const CHINESE: &str = include_str!("speakable/chinese.txt");

/// Returns the texts of a table, and what is spoken.
fn cases(table: &str) -> impl Iterator<Item = (String, String)> {
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    rows.map(|row| {
        let (text, spoken) = row.split_once(" => ").unwrap_or_else(|| panic!("no arrow: {row}"));
        let spoken = if spoken == "=" { text } else { spoken };
        (text.replace("\\n", "\n"), spoken.replace("\\n", "\n"))
    })
}

/// Rewrites a text that arrives in these pieces.
fn rewrite<'p>(language: Language, pieces: impl IntoIterator<Item = &'p str>) -> String {
    let mut text = Speakable::new().language(language);
    let mut spoken: String = pieces.into_iter().map(|piece| text.push(piece)).collect();
    spoken.push_str(&text.finish());
    spoken
}

/// Splits a text into its characters.
fn chars(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|_| true)
}

#[track_caller]
fn check(table: &str, languages: &[Language]) {
    let mut wrong = String::new();
    for (text, expected) in cases(table) {
        for language in languages {
            let spoken = rewrite(*language, [&*text]);
            if spoken != expected {
                writeln!(wrong, "{language:?}: {text:?} is {spoken:?}, not {expected:?}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn english_is_said_as_in_the_table() {
    check(ENGLISH, &[Language::Auto, Language::English]);
}

#[test]
fn chinese_is_said_as_in_the_table() {
    check(CHINESE, &[Language::Auto, Language::Chinese]);
}

#[test]
fn sentences_of_both_languages_are_each_said_in_their_own() {
    let text = "It is 5%. 现在涨了5%。Now 5%. 共$5。";
    let spoken = "It is 5 percent. 现在涨了百分之5。Now 5 percent. 共5美元。";
    assert_eq!(rewrite(Language::Auto, [text]), spoken);
}

#[test]
fn other_languages_lose_their_marks_only() {
    let text = "**Das** kostet 5,50 € und 10 % am 2024-05-01 😊, z.B. [hier](https://example.com).";
    let spoken = "Das kostet 5,50 € und 10 % am 2024-05-01, z.B. hier.";
    assert_eq!(rewrite(Language::Other, [text]), spoken);
    for text in ["Цена 5% и $5.", "5%の割引", "가격 $5"] {
        assert_eq!(rewrite(Language::Auto, [text]), text);
    }
}

#[test]
fn the_pieces_of_a_text_do_not_change_what_is_said() {
    let mut rng = Rng::with_seed(20);
    let texts: Vec<String> = cases(ENGLISH).chain(cases(CHINESE)).map(|(text, _)| text).collect();
    let marks: Vec<&str> = "- |* |**|_|`|\n```\n|~~|# |[|](|)|![|https://|<b>|<think>|</think>|&|\\|$|\
        $$|€|%|km| pm|/|:|.|,| |\n|1|12|2024|，|。|年|😊|1️⃣|½|Dr. |+1 |(555) |\n| a | b |\n|1. |\n---\n|é|の"
        .split('|')
        .collect();
    for _ in 0..4000 {
        let mut text = String::new();
        for _ in 0..rng.usize(1..8) {
            match rng.bool() {
                true => text.push_str(rng.choice(&texts).unwrap()),
                false => text.push_str(rng.choice(&marks).unwrap()),
            }
        }
        let language = *rng.choice(&[Language::Auto, Language::Auto, Language::Chinese]).unwrap();
        let whole = rewrite(language, [&*text]);
        assert_eq!(rewrite(language, chars(&text)), whole, "char by char: {text:?}");
        let mut pieces = Vec::new();
        let mut rest = &*text;
        while !rest.is_empty() {
            let at = rest.char_indices().nth(rng.usize(..20)).map_or(rest.len(), |(at, _)| at);
            let (piece, tail) = rest.split_at(at);
            pieces.push(piece);
            rest = tail;
        }
        assert_eq!(rewrite(language, pieces.iter().copied()), whole, "{pieces:?}");
    }
}

#[test]
fn what_is_said_has_nothing_left_to_rewrite() {
    for table in [ENGLISH, CHINESE] {
        for (text, spoken) in cases(table) {
            // What was escaped, or code, is a mark when it is read again.
            if !text.contains(['\\', '`']) {
                assert_eq!(rewrite(Language::Auto, [&*spoken]), spoken, "{text:?}");
            }
        }
    }
}

#[test]
fn text_goes_out_as_soon_as_it_is_settled() {
    // The text so far, and what of it has been said.
    for (text, said) in [
        ("Hello", ""),
        ("Hello y", "Hello "),
        ("Hello, y", "Hello, "),
        ("Hello. Y", "Hello. "),
        ("好", "好"),
        ("好的。", "好的。"),
        ("**Hello** wo", "Hello "),
        ("See [our s", "See our "),
        ("See [our site](https://exam", "See our "),
        ("See [our site](https://example.com)", "See our "),
        ("See [our site](https://example.com),", "See our "),
        ("It is $5", "It is "),
        ("It is $5 m", "It is "),
        ("It is $5 more", "It is "),
        ("It is $5 more t", "It is 5 dollars more "),
        ("It is 5 ap", "It is 5 "),
        ("5. Y", "5. "),
        ("- One", ""),
        ("- One two", "One "),
        ("# Plans\n", "Plans.\n"),
        ("- One\n", ""),
        ("- One\n- ", "One.\n"),
        ("```\nlet x = 1;\n", ""),
        ("共5", "共"),
        ("共5元。", "共5元。"),
    ] {
        let mut speakable = Speakable::new();
        assert_eq!(speakable.push(text), said, "{text:?}");
    }
}

#[test]
fn text_may_follow_after_the_end() {
    let mut text = Speakable::new().language(Language::Chinese);
    assert_eq!(text.push("**5"), "");
    assert_eq!(text.finish(), "5");
    assert_eq!(text.push("# 5%"), "");
    assert_eq!(text.finish(), "百分之5。");
    assert_eq!(text.finish(), "");
}

#[test]
fn what_waits_is_not_shown() {
    let mut text = Speakable::new();
    assert_eq!(text.push("secret"), "");
    assert_eq!(format!("{text:?}"), "Speakable { language: Auto, waiting_bytes: 6, .. }");
}

#[derive(Debug, PartialEq)]
struct Broken;

#[tokio::test]
async fn the_rest_of_the_text_is_yielded_at_the_end_and_before_an_error() {
    let items = [Ok("It is **$"), Ok("5"), Err(Broken), Ok("*"), Ok("Hi* 5"), Ok("%")];
    let texts: Vec<_> = speakable(stream::iter(items)).collect().await;
    let ok = |text: &str| Ok(text.to_owned());
    let expected = [ok("It "), ok("is "), ok("5 dollars"), Err(Broken), ok("Hi "), ok("5 percent")];
    assert_eq!(texts, expected);
    let items = stream::iter([Ok::<_, Broken>("共5%")]);
    let texts = speakable(items).language(Language::Other);
    assert_eq!(texts.try_collect::<Vec<_>>().await, Ok(vec!["共5%".to_owned()]));
}

#[tokio::test]
async fn lists_and_headings_are_cut_into_sentences() {
    let model = ["# Plans\n\n- *", "*Basic**: $5\n- Pro: $1", "0\n\nWhich one?"];
    let model = stream::iter(model.map(Ok::<_, io::Error>));
    let chunks: Vec<String> = sentences(speakable(model)).try_collect().await.unwrap();
    assert_eq!(chunks, ["Plans.\n", "\nBasic: 5 dollars.\n", "Pro: 10 dollars.\n", "\nWhich one?"]);
}
