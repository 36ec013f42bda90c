//! Server-sent events: the rules of the WHATWG algorithm one by one, then random streams in random
//! chunks against a plain reference implementation.

use std::time::Duration;

use callbot::sse::{
    DEFAULT_EVENT_LIMIT, Decoder, HEARTBEAT, TooLarge, is_event_stream, write_event,
};
use fastrand::Rng;

/// Event type, data, last event id.
type Seen = (String, String, String);

fn seen(event_type: &str, data: &str, id: &str) -> Seen {
    (event_type.into(), data.into(), id.into())
}

/// Feeds one chunk, adding its events to `events`.
fn feed(decoder: &mut Decoder, mut chunk: &[u8], events: &mut Vec<Seen>) -> Result<(), TooLarge> {
    while let Some(event) = decoder.next(&mut chunk)? {
        events.push(seen(event.event_type(), &event.data_text(), event.id()));
    }
    assert!(chunk.is_empty(), "None means that the chunk is used up");
    Ok(())
}

/// Returns the events of a stream, which must be the same in one chunk and byte by byte.
fn decode(stream: impl AsRef<[u8]>) -> Vec<Seen> {
    let stream = stream.as_ref();
    let (mut whole, mut bytewise) = (Vec::new(), Vec::new());
    feed(&mut Decoder::default(), stream, &mut whole).unwrap();
    let mut decoder = Decoder::default();
    for byte in stream.chunks(1) {
        feed(&mut decoder, byte, &mut bytewise).unwrap();
    }
    assert_eq!(whole, bytewise);
    whole
}

/// Returns the data of each event of a stream.
fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    decode(stream).into_iter().map(|(_, data, _)| data).collect()
}

fn retry_after(stream: &str) -> Option<Duration> {
    let mut decoder = Decoder::default();
    feed(&mut decoder, stream.as_bytes(), &mut Vec::new()).unwrap();
    decoder.retry()
}

#[test]
fn an_event_has_the_default_type_and_no_id() {
    assert_eq!(decode("data: hello\n\n"), [seen("message", "hello", "")]);
}

#[test]
fn lines_end_in_lf_cr_or_crlf() {
    for stream in [
        "data:a\ndata:b\n\ndata:c\n\n",
        "data:a\rdata:b\r\rdata:c\r\r",
        "data:a\r\ndata:b\r\n\r\ndata:c\r\n\r\n",
        "data:a\r\ndata:b\n\rdata:c\r\r\n",
    ] {
        assert_eq!(data(stream), ["a\nb", "c"], "{stream:?}");
    }
}

#[test]
fn a_crlf_split_over_chunks_is_one_line_end() {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    for chunk in ["data:a\r", "", "\ndata:b\r", "\n\r", "\n"] {
        feed(&mut decoder, chunk.as_bytes(), &mut events).unwrap();
    }
    assert_eq!(events, [seen("message", "a\nb", "")]);
}

#[test]
fn an_event_that_ends_in_cr_does_not_wait_for_an_lf() {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    feed(&mut decoder, b"data:a\r\n\r", &mut events).unwrap();
    assert_eq!(events, [seen("message", "a", "")]);
    feed(&mut decoder, b"\ndata:b\r\n\r", &mut events).unwrap();
    assert_eq!(events.len(), 2);
}

#[test]
fn one_leading_byte_order_mark_is_stripped() {
    assert_eq!(data("\u{FEFF}data:a\n\n"), ["a"]);
    assert_eq!(data("\u{FEFF}\ndata:a\n\n"), ["a"]);
    assert_eq!(data("\u{FEFF}\u{FEFF}data:a\n\ndata:b\n\n"), ["b"]);
}

#[test]
fn a_byte_order_mark_split_over_chunks_is_stripped() {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    for chunk in [&b"\xEF"[..], b"\xBB", b"\xBFda", b"ta:a\n\n"] {
        feed(&mut decoder, chunk, &mut events).unwrap();
    }
    assert_eq!(events, [seen("message", "a", "")]);
}

#[test]
fn a_byte_order_mark_elsewhere_is_kept() {
    assert_eq!(data("data:\u{FEFF}a\n\n"), ["\u{FEFF}a"]);
    assert_eq!(data("\n\u{FEFF}data:a\n\n"), [""; 0]);
    assert_eq!(data(b"\xEF\xBBdata:a\n\n"), [""; 0]);
}

#[test]
fn comments_are_ignored() {
    assert_eq!(data(":\n\n:data:x\ndata:a\n: data:x\n\n"), ["a"]);
    assert_eq!(data(HEARTBEAT), [""; 0]);
}

#[test]
fn one_space_after_the_colon_is_dropped() {
    assert_eq!(
        data("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: a \n\n"),
        ["a", "a", " a", "\ta", "a "]
    );
}

#[test]
fn only_the_first_colon_separates() {
    assert_eq!(data("data:a:b\n\ndata::b\n\n"), ["a:b", ":b"]);
}

#[test]
fn a_field_without_a_colon_has_an_empty_value() {
    assert_eq!(
        decode("id:1\nevent:e\nid\nevent\ndata\n\ndata\ndata\n\n"),
        [seen("message", "", ""), seen("message", "\n", "")]
    );
}

#[test]
fn data_lines_are_joined_by_lf() {
    assert_eq!(data("data:a\ndata\ndata:b\ndata:\n\n"), ["a\n\nb\n"]);
}

#[test]
fn empty_first_data_lines_count() {
    assert_eq!(data("data:\ndata:a\n\n"), ["\na"]);
}

#[test]
fn unknown_fields_are_ignored_and_names_are_exact() {
    let stream = "foo:1\nDATA:x\n data:x\ndata :x\ndat\ndataa:x\ndata:a\n\n";
    assert_eq!(data(stream), ["a"]);
}

#[test]
fn the_event_type_is_for_one_event_and_the_last_one_counts() {
    assert_eq!(
        decode("event:x\nevent: y\ndata:a\n\ndata:b\n\nevent:z\nevent:\ndata:c\n\n"),
        [seen("y", "a", ""), seen("message", "b", ""), seen("message", "c", "")]
    );
}

#[test]
fn a_block_without_data_dispatches_nothing_and_resets_the_event_type() {
    assert_eq!(decode("event:x\n\ndata:a\n\n\n\n"), [seen("message", "a", "")]);
}

#[test]
fn the_last_event_id_is_inherited() {
    assert_eq!(
        decode("data:a\nid: 1\n\ndata:b\n\nid:2\n\ndata:c\n\nid\ndata:d\n\n"),
        [
            seen("message", "a", "1"),
            seen("message", "b", "1"),
            seen("message", "c", "2"),
            seen("message", "d", "")
        ]
    );
}

#[test]
fn an_id_with_nul_is_ignored() {
    assert_eq!(decode("id:1\nid:2\0\ndata:a\0\n\n"), [seen("message", "a\0", "1")]);
}

#[test]
fn retry_accepts_only_digits() {
    let millis = Duration::from_millis;
    assert_eq!(retry_after("data:a\n\n"), None);
    assert_eq!(retry_after("retry: 0150\n"), Some(millis(150)));
    assert_eq!(retry_after("retry:1\n\nretry:2\n\n"), Some(millis(2)));
    for bad in ["", " ", "+1", "-1", "1.5", "1s", " 1 ", "  1", "１"] {
        let stream = format!("retry:7\nretry:{bad}\n\n");
        assert_eq!(retry_after(&stream), Some(millis(7)), "{bad:?}");
    }
    assert_eq!(retry_after("retry:7\nretry\n"), Some(millis(7)));
}

#[test]
fn a_huge_retry_saturates() {
    let stream = format!("retry:1{}\n", "0".repeat(40));
    assert_eq!(retry_after(&stream), Some(Duration::from_millis(u64::MAX)));
}

#[test]
fn an_unfinished_last_block_is_discarded() {
    for tail in ["data:b", "data:b\n", "data:b\r\n", "data:b\nid:1"] {
        assert_eq!(data(format!("data:a\n\n{tail}")), ["a"], "{tail:?}");
    }
}

#[test]
fn invalid_utf8_is_replaced_in_text_and_kept_in_bytes() {
    let stream = b"event:e\xFF\nid:\xE6\x97\ndata:a\xC0\xAFb\ndata:\xE6\n\n";
    assert_eq!(decode(stream), [seen("e\u{FFFD}", "a\u{FFFD}\u{FFFD}b\n\u{FFFD}", "\u{FFFD}")]);
    let mut decoder = Decoder::default();
    let event = decoder.next(&mut &stream[..]).unwrap().unwrap();
    assert_eq!(event.data(), b"a\xC0\xAFb\n\xE6");
}

#[test]
fn data_within_one_chunk_on_one_line_is_not_copied() {
    let stream = b":x\nid:1\ndata: {\"a\":1}\nevent:e\n\ndata:b\n\n".to_vec();
    let mut decoder = Decoder::default();
    let mut chunk = &stream[..];
    let mut count = 0;
    while let Some(event) = decoder.next(&mut chunk).unwrap() {
        assert!(stream.as_ptr_range().contains(&event.data().as_ptr()));
        count += 1;
    }
    assert_eq!(count, 2);
}

#[test]
fn an_event_may_be_as_large_as_the_limit_and_no_larger() {
    let stream = b"data:0123456789\n\n";
    for size in 1..=stream.len() {
        for (limit, fits) in [(15, true), (14, false)] {
            let (mut decoder, mut events) = (Decoder::new(limit), Vec::new());
            let result =
                stream.chunks(size).try_for_each(|chunk| feed(&mut decoder, chunk, &mut events));
            assert_eq!(result.is_ok(), fits, "limit {limit}, chunks of {size}");
            assert_eq!(events.len(), usize::from(fits));
        }
    }
}

#[test]
fn the_limit_is_for_each_event_not_for_the_stream() {
    let (mut decoder, mut events) = (Decoder::new(20), Vec::new());
    for _ in 0..1000 {
        feed(&mut decoder, b"event:e\ndata:012345\n\n", &mut events).unwrap();
        feed(&mut decoder, HEARTBEAT, &mut events).unwrap();
    }
    assert_eq!(events.len(), 1000);
}

#[test]
fn endless_lines_and_endless_data_exceed_the_limit() {
    for (start, more) in [("", "x"), (":", "x"), ("data:", "x"), ("id:", "x"), ("", "data\n")] {
        let mut decoder = Decoder::new(1000);
        let mut result = feed(&mut decoder, start.as_bytes(), &mut Vec::new());
        let mut fed = 0;
        while result.is_ok() && fed < 10_000 {
            result = feed(&mut decoder, more.as_bytes(), &mut Vec::new());
            fed += 1;
        }
        let error = result.unwrap_err();
        assert_eq!(error.limit(), 1000, "{start:?} {more:?}");
    }
}

#[test]
fn after_too_large_the_decoder_keeps_that_error() {
    let mut decoder = Decoder::new(10);
    let error = decoder.next(&mut &b"data:0123456789\n\n"[..]).unwrap_err();
    assert_eq!(error.to_string(), "server-sent event larger than 10 bytes");
    for later in [&b""[..], b"\n", b"\n\n", b"data:a\n\n"] {
        assert_eq!(decoder.next(&mut &*later), Err(error), "{later:?}");
    }
}

#[test]
fn the_default_limit_is_one_mebibyte() {
    assert_eq!(DEFAULT_EVENT_LIMIT, 1 << 20);
    let line = vec![b'x'; DEFAULT_EVENT_LIMIT + 1];
    let error = Decoder::default().next(&mut &line[..]).unwrap_err();
    assert_eq!(error.limit(), DEFAULT_EVENT_LIMIT);
    assert_eq!(Decoder::default().next(&mut &line[1..]), Ok(None));
}

#[test]
fn event_streams_are_recognized_by_their_media_type() {
    for yes in [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream;charset=UTF-8",
        " text/event-stream ; charset=utf-8",
    ] {
        assert!(is_event_stream(yes), "{yes:?}");
    }
    for no in [
        "",
        ";",
        "text/plain",
        "text/event-streams",
        "text/event",
        "application/json; x=text/event-stream",
    ] {
        assert!(!is_event_stream(no), "{no:?}");
    }
}

#[test]
fn events_are_written_line_by_line_without_a_space() {
    for (text, written) in [
        ("", "data:\n\n"),
        ("a", "data:a\n\n"),
        ("a\nb\rc\r\nd", "data:a\ndata:b\ndata:c\ndata:d\n\n"),
        ("\r\n", "data:\ndata:\n\n"),
        ("\n\r", "data:\ndata:\ndata:\n\n"),
        (" a\n  b", "data:  a\ndata:   b\n\n"),
    ] {
        let mut out = b"before".to_vec();
        write_event(text, &mut out);
        assert_eq!(out, format!("before{written}").into_bytes(), "{text:?}");
    }
}

/// The WHATWG algorithm on a whole stream, step by step as in the standard.
fn reference(stream: &[u8]) -> (Vec<Seen>, Option<Duration>) {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // has no line end

    let mut events = Vec::new();
    let mut retry = None;
    let (mut data, mut event_type, mut last_id) = (String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            if !data.is_empty() {
                assert_eq!(data.pop(), Some('\n'));
                let kind = if event_type.is_empty() { "message" } else { &event_type };
                events.push(seen(kind, &data, &last_id));
            }
            data = String::new();
            event_type = String::new();
            continue;
        }
        if line.starts_with(':') {
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        if field == "event" {
            event_type = value.to_string();
        } else if field == "data" {
            data += value;
            data += "\n";
        } else if field == "id" {
            if !value.contains('\0') {
                last_id = value.to_string();
            }
        } else if field == "retry" {
            let digits = value.chars().all(|c| c.is_ascii_digit());
            if let (true, Ok(millis)) = (digits, value.parse()) {
                retry = Some(Duration::from_millis(millis));
            }
        }
    }
    (events, retry)
}

const FRAGMENTS: &[&[u8]] = &[
    b"\xEF\xBB\xBF",
    b"\xEF",
    b"\xBB",
    b"\xBF",
    b"\r",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\r\n\r\n",
    b":",
    b":",
    b" ",
    b"  ",
    b"data",
    b"data:",
    b"data: ",
    b"\ndata:",
    b"\rdata: ",
    b"event",
    b"event:",
    b"\nevent: ",
    b"id",
    b"id:",
    b"\nid: ",
    b"retry",
    b"retry:",
    b"\nretry: ",
    b"\nevent:x\r",
    b"\nid: 17\r\n",
    b"\nretry:17\n",
    b"foo",
    "日本語".as_bytes(),
    "中".as_bytes(),
    b"\xE6",
    b"\xE6\x97",
    b"\xFF",
    b"\xF0\x9F\x92",
    b"\0",
    b"0",
    b"17",
    b"x",
    b"{\"a\":[1]}",
];

fn random_stream(rng: &mut Rng) -> Vec<u8> {
    let mut stream = Vec::new();
    if rng.u8(..4) == 0 {
        stream.extend_from_slice("\u{FEFF}".as_bytes());
    }
    for _ in 0..rng.usize(..48) {
        stream.extend_from_slice(FRAGMENTS[rng.usize(..FRAGMENTS.len())]);
    }
    stream
}

/// Feeds `stream` in random chunks of 1 to 7 bytes.
fn feed_cut(
    rng: &mut Rng,
    decoder: &mut Decoder,
    mut stream: &[u8],
    events: &mut Vec<Seen>,
) -> Result<(), TooLarge> {
    while !stream.is_empty() {
        let (chunk, rest) = stream.split_at(rng.usize(1..=7).min(stream.len()));
        feed(decoder, chunk, events)?;
        stream = rest;
    }
    Ok(())
}

#[test]
fn random_streams_in_random_chunks_give_the_events_of_the_reference() {
    let mut rng = Rng::with_seed(0x5353_4531);
    let (mut events_seen, mut types, mut ids, mut retries) = (0, 0, 0, 0);
    for round in 0..40_000 {
        let stream = random_stream(&mut rng);
        let shown = stream.escape_ascii();
        let (expected, retry) = reference(&stream);

        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        feed_cut(&mut rng, &mut decoder, &stream, &mut events).unwrap();
        assert_eq!(events, expected, "cut, round {round}: {shown}");
        assert_eq!(decoder.retry(), retry, "cut, round {round}: {shown}");

        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        feed(&mut decoder, &stream, &mut events).unwrap();
        assert_eq!(events, expected, "whole, round {round}: {shown}");
        assert_eq!(decoder.retry(), retry, "whole, round {round}: {shown}");

        events_seen += expected.len();
        types += expected.iter().filter(|e| e.0 != "message").count();
        ids += expected.iter().filter(|e| !e.2.is_empty()).count();
        retries += usize::from(retry.is_some());
    }
    // The comparison means something only if the streams are rich enough.
    for (what, count) in
        [("events", events_seen / 10), ("types", types), ("ids", ids), ("retries", retries)]
    {
        assert!(count > 2_000, "{what}: {count}");
    }
}

#[test]
fn the_limit_does_not_depend_on_the_chunks() {
    let mut rng = Rng::with_seed(0x5353_4532);
    let mut failures = 0;
    for round in 0..20_000 {
        let stream = random_stream(&mut rng);
        let limit = rng.usize(..64);
        let (mut decoder, mut whole) = (Decoder::new(limit), Vec::new());
        let result = feed(&mut decoder, &stream, &mut whole);

        let (mut decoder, mut cut) = (Decoder::new(limit), Vec::new());
        let cut_result = feed_cut(&mut rng, &mut decoder, &stream, &mut cut);
        let shown = stream.escape_ascii();
        assert_eq!(cut_result, result, "round {round}, limit {limit}: {shown}");
        assert_eq!(cut, whole, "round {round}, limit {limit}: {shown}");
        failures += usize::from(result.is_err());
    }
    assert!((4_000..16_000).contains(&failures), "{failures}");
}

#[test]
fn written_events_are_read_back_with_line_ends_as_lf() {
    const PIECES: &[&str] =
        &["\r", "\n", "\r\n", " ", ":", "data:", "id: 1", "\u{FEFF}", "\0", "日本語", "🙂", "x"];
    let mut rng = Rng::with_seed(0x5353_4533);
    for _ in 0..5_000 {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..rng.usize(1..4) {
            let text: String =
                (0..rng.usize(..12)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
            write_event(&text, &mut stream);
            stream.extend_from_slice(HEARTBEAT);
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            expected.push(seen("message", &text, ""));
        }
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        feed_cut(&mut rng, &mut decoder, &stream, &mut events).unwrap();
        assert_eq!(events, expected, "{}", stream.escape_ascii());
    }
}
