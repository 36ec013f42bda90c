//! Text for voices: where sentences and chunks end, case by case, then random text in random pieces,
//! then the streams, on a paused clock.

use std::fmt::Write as _;
use std::io;
use std::task::Poll;
use std::time::Duration;

use callbot::text::{
    Cumulative, DEFAULT_MAX_CHARS, DEFAULT_MAX_WAIT, Sentences, deltas, sentences,
};
use fastrand::Rng;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep, timeout};
use unicode_segmentation::UnicodeSegmentation;

/// Returns the chunks of a text that arrives in these pieces.
fn chunks<'p>(max: usize, pieces: impl IntoIterator<Item = &'p str>) -> Vec<String> {
    let mut text = Sentences::default().max_chars(max);
    let mut chunks = Vec::new();
    for piece in pieces {
        text.push(piece);
        chunks.extend(std::iter::from_fn(|| text.next_chunk()));
    }
    chunks.extend(std::iter::from_fn(|| text.finish()));
    assert_eq!(text.waiting(), "");
    chunks
}

/// Splits a text into its characters.
fn chars(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|_| true)
}

/// Checks cases in which "|" marks the cuts. It is not part of the text.
#[track_caller]
fn check(max: usize, cases: &[&str]) {
    let mut wrong = String::new();
    for case in cases {
        let text = case.replace('|', "");
        for (how, chunks) in
            [("whole", chunks(max, [&*text])), ("chars", chunks(max, chars(&text)))]
        {
            let cut = chunks.join("|");
            if cut != *case {
                writeln!(wrong, "{how}: {cut:?} is not {case:?}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn sentences_end_as_uax_29_says() {
    check(
        100,
        &[
            "",
            "no punctuation at all",
            "Hello. |World.",
            "Really?! |Yes!!! |Oh.",
            "Hello.  \t |World",
            "Is it? |he asks",
            "Is it, he asks? |Yes",
            "e.g. this and i.e. that. |Next",
            "It costs 3.14 euros. |Pay 1.000,50 now.",
            "Version 1.2.3 is out. |Get it.",
            "See example.com/Path.html now. |Thanks",
            "He said \"Hi.\" |Then he left.",
            "He said “Hi.” |“Oh.” |Then",
            "(One.) |[Two.] |Three",
            "“Stop!”, he said. |“Why?” |she said.",
            "Cafe\u{301}. |E\u{301}te\u{301}.\u{301} |Next",
            "Great! |😊 Yes. |👨‍👩‍👧 Family. |🇩🇪",
            "क्या? |हाँ। |ठीक",
            "Что? |Да. |Нет.",
            "Wait... what. |Wait... |What",
            "One.\u{a0}|Two.",
        ],
    );
}

#[test]
fn chinese_sentences_end() {
    check(
        100,
        &[
            "好的。|我看看。",
            "真的吗？|真的！|好。",
            "真的吗？！|天哪！！！|好",
            "我有3.5元。|好的。|你呢",
            "他说：“好的。”|然后走了。",
            "（好的。）|（坏的！）|「是？」|『否。』|完",
            "好的。”）|完",
            "好的。 |我看看。\u{3000}|完",
            "用iPhone 15吗？|OK. |好的。|Yes. |No",
            "OK.|好的。|VIP用户",
            "甲，乙、丙；丁：戊——己。|庚",
            "好的｡|完．|是",
            "👍好的！|😊我来。",
        ],
    );
}

#[test]
fn a_line_feed_ends_a_sentence() {
    check(
        100,
        &[
            "One\n|two\n|three",
            "One\r\n|two\r|three",
            "One.\n|\n\n two\n|three\n",
            "Mr.\n|Smith",
            "One. \r\n|Two",
            "一\u{2028}|二\u{85}|三\u{2029}|四",
        ],
    );
}

#[test]
fn an_ellipsis_is_like_three_dots() {
    check(
        100,
        &[
            "等等……|我想想。",
            "等等⋯⋯|我想想。",
            "“等等……”|他说。",
            "Wait… what. |Wait… |What… |\"Oh.\"",
            "等等……？|好",
        ],
    );
}

#[test]
fn an_opening_mark_right_after_a_sentence_begins_the_next() {
    check(
        100,
        &[
            "好的。|“嗯。”|“哦。”|完",
            "好的。|（笑）【注】完。|【注】「是。」|『否。』|《书》",
            "他说：“好。”|（“嗯。”）|完",
            "他说：\"好。|坏。\"|\"嗯。\"|完",
            "He left.|(Then he came.) |[Oh.]",
            "„Ja.“ |Dann „Nein.“ |Ende",
            "»Ja.« |Dann",
            "好的。|\"是\"。\n|\"完\"",
            // Straight quotes pair up within a line.
            "5\" wide.\n|好。|\"是\"",
        ],
    );
}

#[test]
fn abbreviations_do_not_end_a_sentence() {
    check(
        100,
        &[
            "Mr. Smith met Mrs. Jones. |They left.",
            "Ask Dr. Wang. |He knows.",
            "请问Dr. Wang在吗？|请问Dr. 王在吗？",
            "Prof. Lee vs. Sen. Kim at St. Mary. |End",
            "MR. SMITH. |END",
            "See No. 5. |See no. 5, Fig. 3, p. 7 and Jan. 1. |I said no. |Oh",
            "J. Smith and J. R. R. Tolkien and J.F. Kennedy. |End",
            "So z.B. Hunde, z. B. Katzen, d. h. Tiere. |Ende",
            "The U.S. Army and the U.S. 5 are e.g. Army. |End",
            "Open at 5 p.m. |Closed at 9 A.M. |Bye",
            "So am I. |You too.",
            "It is I.B. Smith and J.I. Smith.",
            "Section 3. |Next. |选B. |好",
            "1. First",
            "1. First.\n|22. Second\n|A. 苹果。|B. 梨",
            "1.第一\n|2.第二",
            "2024. |Next",
            "选A.|好的。",
            "Use etc. |Then the gen. |Then",
            "Wait for it.. |Mr.. |Next",
        ],
    );
}

#[test]
fn a_long_sentence_is_cut_after_its_last_clause_mark() {
    check(
        10,
        &[
            "a, b, |cdefghijkl",
            "ab cd, |ef ghijk",
            "abc, |defgh ijk",
            "一，二、三；四：|五六七八九十甲",
            "一，二——|三四五六七八九",
            "一二，”|三四五六七八九",
            "\"Well,\" |he said.",
            "ab cd – |efg",
            "ab - |cd efghijk",
            "他说，|\"一二三四五六七\"",
            "abc, efgh,| ijk",
            // Neither between two marks nor before a closing mark.
            "一二，|三四五六七八——九",
            "一二，|三四五六七八，”九",
            "等，等…… |eins zwei",
            "a, b; c: |d e f g",
            // Not inside numbers, names and words.
            "in |1,000,000",
            "by |12:30hours",
            "我在12：30分到了|家",
            "a |http://x.y|z",
            "ab mo–fr |cd",
            "ab co-op |cd",
            // A sentence of exactly the maximum is not cut.
            "abc, efgh.| Next one",
            "abcd, fgh.|\r\n\nNext",
            "Hi, worl\r\n|Next",
            "Hi, world.|\r\nNext",
            // The end of a sentence is better, even if it is not settled.
            "a, b. |12345678",
        ],
    );
}

#[test]
fn without_clause_marks_it_is_cut_at_white_space_or_between_graphemes() {
    check(
        10,
        &[
            "hello my |world",
            "hello     |   world",
            "abcd efghi| jk",
            "abcd efghi|\njk",
            // A no-break space holds together.
            "so |10\u{a0}000\u{202f}m",
            "一二三四五六七八九十|甲",
            "abcdefghi|e\u{301}f",
            "abcdefgh|👨‍👩‍👧",
            "abcdefghi|🇩🇪🇫🇷",
        ],
    );
    check(3, &["a\u{301}\u{301}|\u{301}\u{301}b", "👨‍👩|‍👧", "e\u{301}|e\u{301}"]);
    check(1, &["a|b|\r|\n|c", "好|。|“|是"]);
    check(0, &["a|b"]);
}

#[test]
fn white_space_opens_the_next_chunk() {
    check(
        5,
        &["  a.\n|\n\n b.", "     |  abc", "    |a\u{301}\u{301}bc", "\n\n\n", " ", "ab\n| \n "],
    );
    check(100, &[" \n \n Hello. |World. \n|\n"]);
}

#[test]
fn the_default_maximum_applies() {
    let text = "一".repeat(DEFAULT_MAX_CHARS + 1);
    let mut sentences = Sentences::default();
    sentences.push(&text);
    assert_eq!(sentences.next_chunk().unwrap().chars().count(), 100);
    assert_eq!(sentences.waiting(), "一");
}

#[test]
fn a_chunk_is_returned_as_soon_as_it_is_settled() {
    // The text so far, and its first chunk.
    for (text, chunk) in [
        ("Hello", None),
        ("Hello.", None),
        ("Hello. ", None),
        ("Hello. W", Some("Hello. ")),
        ("Hello. 1", None),
        ("Hello. 1 (", None),
        ("Hello. 1 (W", Some("Hello. ")),
        ("Hello.\r", None),
        ("Hello.\r\n", Some("Hello.\r\n")),
        ("Hello\n", Some("Hello\n")),
        ("\n", None),
        ("3.", None),
        ("Is it 3.1", None),
        ("好。", None),
        ("好。”", None),
        ("好。“", None),
        ("好。“是", Some("好。")),
        ("好。是", Some("好。")),
        ("好。。", None),
        ("Dr. W", None),
    ] {
        let mut sentences = Sentences::default();
        sentences.push(text);
        assert_eq!(sentences.next_chunk().as_deref(), chunk, "{text:?}");
        assert_eq!(sentences.waiting(), &text[chunk.map_or(0, str::len)..]);
    }
    let mut full = Sentences::default().max_chars(5);
    full.push("abcde");
    assert_eq!(full.next_chunk(), None, "a full stop may follow");
    full.push("f");
    assert_eq!(full.next_chunk().as_deref(), Some("abcde"));
}

#[test]
fn text_may_follow_after_finish() {
    let mut text = Sentences::default();
    text.push("Hello. 42");
    assert_eq!(text.finish().as_deref(), Some("Hello. "));
    assert_eq!(text.finish().as_deref(), Some("42"));
    assert_eq!(text.finish(), None);
    text.push("One. Two");
    assert_eq!(text.next_chunk().as_deref(), Some("One. "));
}

#[test]
fn a_new_maximum_applies_to_the_waiting_text() {
    let mut text = Sentences::default();
    text.push("one two three");
    assert_eq!(text.next_chunk(), None);
    let mut text = text.max_chars(5);
    assert_eq!(text.next_chunk().as_deref(), Some("one "));
    assert_eq!(text.next_chunk().as_deref(), Some("two "));
    assert_eq!(text.next_chunk(), None);
}

/// The pieces of random text.
const PARTS: &[&str] = &[
    "a",
    "B",
    "word",
    "Word",
    "I",
    "é",
    "e\u{301}",
    "\u{301}",
    "3",
    "14",
    "5000",
    "好",
    "我们",
    "の",
    "한국",
    "क्",
    "षि",
    "ำ",
    "\u{102b}",
    "\u{345}",
    "Ж",
    "😊",
    "👨‍👩‍👧",
    "🇩🇪",
    "🇫",
    "\u{200d}",
    "\u{fe0f}",
    "\u{600}",
    "\u{ad}",
    " ",
    " ",
    " ",
    "  ",
    "\u{a0}",
    "\u{3000}",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\u{2028}",
    ".",
    ".",
    ".",
    "...",
    "…",
    "……",
    "⋯",
    "。",
    "。",
    "！",
    "？",
    "!",
    "?",
    "।",
    "．",
    ",",
    "，",
    "、",
    "；",
    ":",
    "：",
    "—",
    "——",
    "–",
    "-",
    "/",
    "\"",
    "'",
    "“",
    "”",
    "‘",
    "’",
    "„",
    "«",
    "»",
    "(",
    ")",
    "（",
    "）",
    "「",
    "」",
    "Mr.",
    "Dr. ",
    "No. ",
    "z.B. ",
    "p.m. ",
    "1. ",
    "\u{7f}",
];

fn random_text(rng: &mut Rng, parts: &[&str], max: usize) -> String {
    (0..rng.usize(..max)).map(|_| rng.choice(parts).unwrap()).copied().collect()
}

/// Cuts a text into pieces, some of them empty.
fn random_pieces<'t>(rng: &mut Rng, text: &'t str) -> Vec<&'t str> {
    let longest = rng.usize(1..30);
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.char_indices().nth(rng.usize(..=longest)).map_or(rest.len(), |(at, _)| at);
        let (piece, tail) = rest.split_at(at);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

#[test]
fn random_text_is_cut_the_same_in_all_pieces_and_nothing_is_lost() {
    let mut rng = Rng::with_seed(7);
    for _ in 0..1500 {
        let text = random_text(&mut rng, PARTS, 120);
        let max = *rng.choice(&[1, 2, 3, 5, 10, 20, 40, 100, usize::MAX]).unwrap();
        let whole = chunks(max, [&*text]);
        assert_eq!(whole.concat(), text);
        assert_eq!(chunks(max, chars(&text)), whole, "char by char: {max} {text:?}");
        let pieces = random_pieces(&mut rng, &text);
        assert_eq!(chunks(max, pieces.iter().copied()), whole, "{max} {pieces:?}");

        let mut rest = &*text;
        for chunk in &whole {
            let len = chunk.chars().count();
            assert!((1..=max).contains(&len), "{max} {chunk:?}");
            let mut ends = rest.grapheme_indices(true).map(|(at, part)| at + part.len());
            let first = rest.graphemes(true).next().unwrap();
            assert!(
                ends.any(|end| end == chunk.len()) || first.chars().count() > max && len == max,
                "{max} {chunk:?} of {rest:?} ends inside a grapheme"
            );
            rest = &rest[chunk.len()..];
            let next = rest.graphemes(true).next().map(|next| next.chars().count());
            assert!(
                !chunk.trim().is_empty() || next.is_none_or(|next| len + next > max),
                "{max} {chunk:?} before {rest:?} is white space alone"
            );
        }
    }
}

#[test]
fn random_text_is_cut_as_uax_29_says() {
    // Characters to which only the rules of UAX #29 apply.
    let parts = [
        "word",
        "Word",
        "é",
        "e\u{301}",
        "5000",
        "我们",
        "한국",
        "हाँ",
        "Ж",
        "😊",
        " ",
        "  ",
        "\n",
        "\r\n",
        "Oh. ",
        "oh. ",
        "oh...",
        "好。",
        "!",
        "?",
        "।",
        ", ",
        "：",
        "”",
        ")",
        "』",
        " (",
        " “",
    ];
    let mut rng = Rng::with_seed(8);
    for _ in 0..2000 {
        let text = format!("Begin {}", random_text(&mut rng, &parts, 60));
        let mut expected = Vec::new();
        let mut blank = String::new();
        for sentence in text.split_sentence_bounds() {
            blank.push_str(sentence);
            if !blank.trim().is_empty() {
                expected.push(std::mem::take(&mut blank));
            }
        }
        expected.extend((!blank.is_empty()).then_some(blank));
        assert_eq!(chunks(usize::MAX, random_pieces(&mut rng, &text)), expected);
    }
}

#[test]
fn a_growing_text_gives_its_new_parts() {
    let mut text = Cumulative::default();
    for (whole, new) in [
        ("", ""),
        ("One", "One"),
        ("One moment", " moment"),
        ("One moment", ""),
        ("", ""),
        ("One moment, please", ", please"),
        // The text changes what was there.
        ("One minute", "inute"),
        ("One", ""),
        ("One day", " day"),
        ("Two", "Two"),
        // é and è start with the same byte, 好 and 奾 with the same two.
        ("Twé", "é"),
        ("Twè", "è"),
        ("好", "好"),
        ("奾的", "奾的"),
    ] {
        assert_eq!(text.new_part(whole), new, "{whole:?}");
        if !whole.is_empty() {
            assert_eq!(text.text(), whole);
        }
    }
}

#[test]
fn random_growing_text_is_read_from_the_first_difference() {
    let mut rng = Rng::with_seed(9);
    let mut text = Cumulative::default();
    let mut so_far = String::new();
    for _ in 0..5000 {
        let keep = rng.usize(..=so_far.chars().count());
        let whole: String = match rng.u8(..4) {
            0 => so_far.chars().take(keep).chain(random_text(&mut rng, PARTS, 3).chars()).collect(),
            _ => so_far.clone() + &random_text(&mut rng, PARTS, 3),
        };
        let common = so_far.chars().zip(whole.chars()).take_while(|(old, new)| old == new).count();
        let expected: String = whole.chars().skip(common).collect();
        assert_eq!(text.new_part(&whole), expected);
        so_far = if whole.is_empty() { so_far } else { whole };
        assert_eq!(text.text(), so_far);
        if so_far.len() > 200 {
            (text, so_far) = Default::default();
        }
    }
}

#[derive(Debug, PartialEq)]
struct Broken;

/// A stream that waits for the given milliseconds before each item, and for `end` before its end.
fn script(
    items: impl IntoIterator<Item = (u64, Result<&'static str, Broken>)>,
    end: u64,
) -> impl Stream<Item = Result<&'static str, Broken>> {
    let items: Vec<_> = items.into_iter().map(|(wait, item)| (wait, Some(item))).collect();
    stream::iter(items.into_iter().chain([(end, None)]))
        .then(|(wait, item)| sleep(Duration::from_millis(wait)).map(|()| item))
        .filter_map(std::future::ready)
}

/// Returns the items of a stream, with their times of arrival in milliseconds.
async fn timed<T>(mut stream: impl Stream<Item = T> + Unpin) -> Vec<(u64, T)> {
    let start = Instant::now();
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push((u64::try_from(start.elapsed().as_millis()).unwrap(), item));
    }
    assert!(stream.next().await.is_none(), "the end is the end");
    items
}

fn ok(text: &str) -> Result<String, Broken> {
    Ok(text.to_owned())
}

#[tokio::test(start_paused = true)]
async fn deltas_leave_out_the_text_that_was_there() {
    let items = [Ok("One"), Ok("One"), Ok(""), Err(Broken), Ok("One moment"), Ok("Two")];
    let parts: Vec<_> = deltas(stream::iter(items)).collect().await;
    assert_eq!(parts, [ok("One"), Err(Broken), ok(" moment"), ok("Two")]);

    let owned = stream::iter(["a", "ab"].map(ok));
    assert_eq!(deltas(owned).collect::<Vec<_>>().await, [ok("a"), ok("b")]);
}

#[tokio::test(start_paused = true)]
async fn adapters_can_be_chained() {
    let items = ["Hel", "Hello. W", "Hello. World."].map(Ok::<_, Broken>);
    let chunks: Vec<_> = sentences(deltas(stream::iter(items))).try_collect().await.unwrap();
    assert_eq!(chunks, ["Hello. ", "World."]);
}

#[tokio::test(start_paused = true)]
async fn waiting_text_is_sent_at_the_end() {
    let items = script([(10, Ok("Hello. ")), (10, Ok("World. 42")), (10, Ok("\n\n"))], 10);
    let expected = [(20, ok("Hello. ")), (30, ok("World. ")), (30, ok("42\n")), (40, ok("\n"))];
    assert_eq!(timed(sentences(items)).await, expected);
    assert_eq!(timed(sentences(script([], 5))).await, []);
}

#[tokio::test(start_paused = true)]
async fn waiting_text_is_sent_before_an_error() {
    let items = script(
        [
            (10, Ok("Hello. 1")),
            (10, Err(Broken)),
            (10, Err(Broken)),
            (10, Ok(" ")),
            (10, Err(Broken)),
            (10, Ok("go on")),
        ],
        10,
    );
    let expected = [
        (20, ok("Hello. ")),
        (20, ok("1")),
        (20, Err(Broken)),
        (30, Err(Broken)),
        (50, Err(Broken)),
        (70, ok(" go on")),
    ];
    assert_eq!(timed(sentences(items)).await, expected);
}

#[tokio::test(start_paused = true)]
async fn text_waits_no_longer_than_the_limit() {
    let items = || {
        let (a, b, c) = ("One moment", ", please", " wait. And");
        script([(100, Ok(a)), (400, Ok(b)), (900, Ok(c)), (300, Ok(" then."))], 5000)
    };
    let ms = Duration::from_millis;
    // Counted from the first character, not from the last.
    let expected =
        [(1100, ok("One moment, please")), (1400, ok(" wait. ")), (2400, ok("And then."))];
    assert_eq!(timed(sentences(items())).await, expected);
    assert_eq!(DEFAULT_MAX_WAIT, ms(1000));
    let expected =
        [(600, ok("One moment, please")), (1400, ok(" wait. ")), (1900, ok("And then."))];
    assert_eq!(timed(sentences(items()).max_wait(ms(500))).await, expected);
    let expected = [(1400, ok("One moment, please wait. ")), (6700, ok("And then."))];
    assert_eq!(timed(sentences(items()).max_wait(Duration::MAX)).await, expected);
    let expected = [
        (100, ok("One moment")),
        (500, ok(", please")),
        (1400, ok(" wait. ")),
        (1400, ok("And")),
        (1700, ok(" then.")),
    ];
    assert_eq!(timed(sentences(items()).max_wait(Duration::ZERO)).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_first_text_is_yielded_by_its_time() {
    let items = || script([(400, Ok("One mo")), (40, Ok("ment, ")), (400, Ok("please. "))], 5000);
    for (by, expected) in [
        (410, vec![(410, ok("One mo")), (1440, ok("ment, please. "))]),
        (550, vec![(550, ok("One moment, ")), (1840, ok("please. "))]),
        // No text is there yet.
        (300, vec![(400, ok("One mo")), (1440, ok("ment, please. "))]),
        // The limit for every text is shorter.
        (2000, vec![(1400, ok("One moment, please. "))]),
    ] {
        let by = Instant::now() + Duration::from_millis(by);
        assert_eq!(timed(sentences(items()).first_by(by)).await, expected);
    }
    // White space alone is not a text.
    let items = script([(100, Ok(" ")), (400, Ok("One. "))], 0);
    let by = Instant::now() + Duration::from_millis(200);
    assert_eq!(timed(sentences(items).first_by(by)).await, [(500, ok(" One. "))]);
    // A sentence that is over comes first.
    let items = script([(100, Ok("One. Two")), (900, Ok(" three."))], 0);
    let by = Instant::now() + Duration::from_millis(200);
    let expected = [(100, ok("One. ")), (1000, ok("Two three."))];
    assert_eq!(timed(sentences(items).first_by(by)).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_chunk_has_waited_since_it_arrived() {
    // "cd" arrives at 200. It is left over when "gh" shows at 600 that the text is too long.
    let items = [(100, Ok("ab, ")), (100, Ok("cd")), (400, Ok("ef gh")), (9000, Ok("i"))];
    let expected = [(600, ok("ab, ")), (1200, ok("cdef gh")), (9600, ok("i"))];
    assert_eq!(timed(sentences(script(items, 0)).max_chars(10)).await, expected);

    let items = [(100, Ok("One. Two")), (500, Ok(". Three"))];
    let expected = [(100, ok("One. ")), (600, ok("Two. ")), (1600, ok("Three"))];
    assert_eq!(timed(sentences(script(items, 5000))).await, expected);
}

#[tokio::test(start_paused = true)]
async fn all_waiting_text_is_sent_sentence_by_sentence() {
    let items = [(0, Ok("Hello. 42")), (3000, Ok("Bye"))];
    let expected = [(1000, ok("Hello. ")), (1000, ok("42")), (3000, ok("Bye"))];
    assert_eq!(timed(sentences(script(items, 0))).await, expected);
}

#[tokio::test(start_paused = true)]
async fn white_space_waits_for_text() {
    let items = [(100, Ok("Hi.\n")), (100, Ok(" \n")), (5000, Ok("\n Then")), (5000, Ok(" "))];
    let expected = [(100, ok("Hi.\n")), (6200, ok(" \n\n Then")), (10_300, ok(" "))];
    assert_eq!(timed(sentences(script(items, 100))).await, expected);

    let items = [(100, Ok("  ")), (100, Ok("  ")), (100, Ok("a"))];
    assert_eq!(timed(sentences(script(items, 5000))).await, [(1300, ok("    a"))]);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_pending_next_loses_nothing() {
    let items = [(100, Ok("One")), (400, Ok(" two. Th")), (700, Ok("ree. 4")), (4000, Err(Broken))];
    let mut stream = sentences(script(items, 100));
    let start = Instant::now();
    let mut seen = Vec::new();
    loop {
        match timeout(Duration::from_millis(30), stream.next()).await {
            Ok(Some(item)) => seen.push((start.elapsed().as_millis(), item)),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    let expected =
        [(500, ok("One two. ")), (1500, ok("Three. ")), (1500, ok("4")), (5200, Err(Broken))];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_limit_passes_even_if_the_stream_is_always_ready() {
    let start = std::time::Instant::now();
    let mut ended = false;
    let ready = stream::poll_fn(|_| {
        ended = start.elapsed() > Duration::from_secs(5);
        Poll::Ready((!ended).then_some(Ok::<_, Broken>("x")))
    });
    let mut stream = sentences(ready).max_chars(usize::MAX).max_wait(Duration::from_millis(20));
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    assert!(!ended, "the text came when the stream was over");
}

#[tokio::test]
async fn ready_chunks_are_sent_before_new_text_is_read() {
    let mut polls = 0;
    let inner = stream::poll_fn(|_| {
        polls += 1;
        Poll::Ready(Some(Ok::<_, Broken>("One. Two. Three")))
    });
    let mut stream = sentences(inner);
    assert_eq!(stream.next().await, Some(ok("One. ")));
    assert_eq!(stream.next().await, Some(ok("Two. ")));
    drop(stream);
    assert_eq!(polls, 1);
}

#[tokio::test]
async fn an_ended_stream_is_not_polled_again() {
    let mut polls = 0;
    let mut stream = sentences(stream::poll_fn(|_| {
        polls += 1;
        Poll::Ready((polls == 1).then_some(Ok::<_, Broken>("Hi")))
    }));
    assert_eq!(stream.next().await, Some(ok("Hi")));
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.next().await, None);
    drop(stream);
    assert_eq!(polls, 2);
}

#[test]
fn without_a_limit_no_runtime_is_needed() {
    let inner = stream::iter([Ok::<_, Broken>("Hi")]).chain(stream::pending());
    let mut stream = sentences(inner).max_wait(Duration::MAX);
    assert_eq!(stream.next().now_or_never(), None);
}

#[test]
fn spoken_text_does_not_show_in_debug() {
    let mut text = Sentences::default().max_chars(7);
    text.push("secret");
    assert_eq!(format!("{text:?}"), "Sentences { max_chars: 7, waiting_bytes: 6 }");
    let mut text = Cumulative::default();
    text.new_part("secret");
    assert_eq!(format!("{text:?}"), "Cumulative { bytes: 6 }");

    let inner = || stream::iter([Ok::<_, io::Error>("secret"), Ok("secrets")]);
    let mut stream = deltas(inner());
    assert!(stream.next().now_or_never().is_some());
    assert_eq!(format!("{stream:?}"), "Deltas { text: Cumulative { bytes: 6 }, .. }");
    let mut stream = sentences(inner().chain(stream::pending())).max_wait(Duration::MAX);
    assert!(stream.next().now_or_never().is_none());
    assert_eq!(
        format!("{stream:?}"),
        "SentenceStream { sentences: Sentences { max_chars: 100, waiting_bytes: 13 }, \
         max_wait: 18446744073709551615.999999999s, .. }"
    );
}
