//! Answers as streams: every framing, the end, and streams that break off.

use callbot::duix::dialogue::Delta;
use futures_util::StreamExt;
use serde_json::json;

use super::{FAILURE, LAST, client, cut, deltas, frame, request, stream_error, streaming, text};
use crate::support::script::{STREAM_HEAD, Step, Stub, event, pause, send};

#[tokio::test]
async fn the_pieces_of_a_stream_are_unchanged_and_add_up_to_the_text() {
    let pieces = ["Let me think. ", "", "我是", "演示机器人。\r\n", "data: {}\n\n", "The end."];
    let mut body = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        body += &event(frame(piece, number == pieces.len() - 1));
    }
    let (client, _stub) = streaming(&body).await;
    let read = deltas(&client).await.unwrap();
    let expected: Vec<_> = pieces.iter().map(|piece| Delta::new(*piece, false)).collect();
    assert_eq!(read[..5], expected[..5]);
    assert_eq!(read[5..], [Delta::new("The end.", true)]);
    assert_eq!(text(&client).await.unwrap(), pieces.concat());
    for size in 1..=9 {
        assert_eq!(text(&cut(body.as_bytes(), size)).await.unwrap(), pieces.concat(), "{size}");
    }
    let stream = client.dialogue_stream(&request()).await.unwrap();
    assert_eq!(
        (stream.status().as_u16(), stream.headers()["x-bot"].as_bytes()),
        (200, &b"parrot"[..])
    );
}

#[tokio::test]
async fn every_framing_gives_the_same_pieces() {
    let (one, two) = (frame("One", false), frame(" 二", true));
    let pretty = serde_json::to_string_pretty(&one).unwrap();
    let lines: String = pretty.lines().map(|line| format!("data: {line}\n")).collect();
    for (framing, body) in [
        ("as documented", format!("data: {one}\n\ndata: {two}\n\n")),
        ("no space", format!("data:{one}\n\ndata:{two}\n\n")),
        ("CRLF", format!("data: {one}\r\n\r\ndata: {two}\r\n\r\n")),
        ("CR", format!("data: {one}\r\rdata: {two}\r\r\n")),
        ("a byte order mark", format!("\u{FEFF}data: {one}\n\ndata: {two}\n\n")),
        ("comments", format!(":\n\n: hi\ndata: {one}\n:x\n\n:\n\ndata: {two}\n\n")),
        ("names and ids", format!("event: message\nid: 1\ndata: {one}\n\nid: 2\ndata: {two}\n\n")),
        ("[DONE]", format!("data:\n\ndata: {one}\n\ndata: [DONE]\n\ndata: {two}\n\n")),
        (
            "blank data and a byte order mark in data",
            format!(
                "data:  \t\n\ndata: \ndata:\n\ndata:\u{FEFF}{one}\n\ndata: [DONE] \n\ndata: {two}\n\n"
            ),
        ),
        ("many data lines", format!("{lines}\ndata: {two}\n\n")),
    ] {
        let (client, _stub) = streaming(&body).await;
        let expected = [Delta::new("One", false), Delta::new(" 二", true)];
        assert_eq!(deltas(&client).await.unwrap(), expected, "{framing}");
        for size in 1..=5 {
            let client = cut(body.as_bytes(), size);
            assert_eq!(deltas(&client).await.unwrap(), expected, "{framing} by {size}");
        }
    }
}

#[tokio::test]
async fn bytes_after_the_last_piece_are_dropped_and_the_connection_is_released() {
    let last = event(LAST.trim());
    for after in [String::new(), event(frame("late", true)), event(FAILURE.trim()), event("{")] {
        let body = crate::support::script::stream(format!("{last}{after}"));
        let stub = Stub::new(vec![vec![send(body), Step::Hold]]).await;
        let mut deltas = client(&stub).dialogue_stream(&request()).await.unwrap();
        assert!(deltas.next().await.unwrap().unwrap().is_end);
        // The stream is still there, and so is the server's side of the connection.
        stub.released().await;
        assert!(deltas.next().await.is_none(), "{after}");
        assert!(deltas.next().await.is_none(), "{after}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_its_last_piece_is_cut() {
    let one = event(frame("One", false));
    let half = &one[..one.len() - 9];
    let chunked = STREAM_HEAD.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("{chunked}{:x}\r\n{one}\r\n", one.len());
    let whole = |body: &str| send(crate::support::script::stream(body));
    let scripts = [
        ("closed at once", vec![whole("")]),
        ("closed after a piece", vec![whole(&one)]),
        ("closed after [DONE]", vec![whole(&format!("{one}data: [DONE]\n\n"))]),
        ("closed within a piece", vec![whole(&format!("{one}{half}"))]),
        // An event without its blank line is incomplete.
        ("closed within the end", vec![whole(event(LAST.trim()).trim_end())]),
        ("chunked, ended well", vec![send(format!("{chunk}0\r\n\r\n"))]),
        ("chunked, closed", vec![send(chunk)]),
        ("reset at once", vec![whole(""), pause(30), Step::Reset]),
        ("reset after a piece", vec![whole(&one), pause(30), Step::Reset]),
    ];
    for (how, script) in scripts {
        let stub = Stub::new(vec![script]).await;
        let error = stream_error(&client(&stub)).await;
        assert!(error.is_cut(), "{how}: {error:?}");
        assert!(!error.is_timeout() && !error.is_retryable() && error.failure().is_none());
        assert_eq!(error.status().unwrap(), 200, "{how}");
        let shown = error.to_string();
        assert_eq!(shown, "dialogueStream: the stream ended before its last packet", "{how}");
        // Half a text is not returned.
        let error = text(&client(&stub)).await.unwrap_err();
        assert!(error.is_cut(), "{how}: {error:?}");
    }
}

#[tokio::test]
async fn an_unreadable_piece_is_named_by_its_pointer() {
    for (body, pointer, message) in [
        (json!({"answer": "4711"}).to_string(), "/isEnd", "must be there"),
        (json!({"isEnd": true}).to_string(), "/answer", "must be there"),
        (json!({"answer": null, "isEnd": true}).to_string(), "/answer", "must be there"),
        (json!({"answer": "4711", "isEnd": null}).to_string(), "/isEnd", "must be there"),
        (json!({"answer": 4711, "isEnd": true}).to_string(), "/answer", "invalid type: integer"),
        (json!({"answer": "", "isEnd": "4711"}).to_string(), "/isEnd", "invalid type: string"),
        (json!({"answer": "", "isEnd": 1}).to_string(), "/isEnd", "invalid type: integer"),
        (json!(["4711"]).to_string(), "", "invalid type: sequence"),
        ("(4711)".into(), "", "not JSON: "),
        ("{\"answer\":\"4711\",".into(), "", "not JSON: "),
        (format!("{LAST} 4711").replace('\n', ""), "", "not JSON: trailing characters"),
    ] {
        let first = event(frame("One", false));
        let (client, _stub) = streaming(first + &event(&body)).await;
        let error = stream_error(&client).await;
        let found = error.decode_error().unwrap_or_else(|| panic!("{body}: {error:?}"));
        assert_eq!(found.pointer(), pointer, "{body}: {error}");
        assert!(found.message().starts_with(message), "{body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("4711"), "the value shows: {shown}");
    }
}
