//! The client that asks a DUIX dialogue bot, against a server that plays scripted bytes and against
//! our own server: what it sends, the forms of an answer that it reads, and which error stands for
//! which failure.

#![cfg(all(feature = "duix", feature = "client", feature = "server"))]

use callbot::client::{CallOptions, Error, InMemoryTransport};
use callbot::duix::Flag;
use callbot::duix::dialogue::{
    Answer, AnswerForm, Api, Client, Delta, DialogueAnswer, DialogueData, DialogueRequest,
    DialogueRequestFields, Operations, Reply, Server, SpokenAnswer, TipPhrases, operations,
};
use callbot::server::serve;
use callbot::wire::{DecodeError, decode, decode_value};
use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::samples::{Reader, each_object, fixtures, read_as};
use crate::support::script::{
    Fake, STREAM_HEAD, Step, Stub, answer, event, json_answer, pause, send,
};

const REQUEST: &str = include_str!("../fixtures/duix-dialogue/request.json");
const OBJECT: &str = include_str!("../fixtures/duix-dialogue/answer-object.json");
const JSON_TEXT: &str = include_str!("../fixtures/duix-dialogue/answer-json-text.json");
const TEXT: &str = include_str!("../fixtures/duix-dialogue/answer-text.json");
const FAILURE: &str = include_str!("../fixtures/duix-dialogue/failure.json");
const DELTA: &str = include_str!("../fixtures/duix-dialogue/delta.json");
const LAST: &str = include_str!("../fixtures/duix-dialogue/delta-last.json");

fn request() -> DialogueRequest {
    decode(REQUEST.as_bytes()).unwrap()
}

fn client(stub: &Stub) -> Client {
    Client::new(&stub.url).unwrap()
}

/// What the client makes of this body.
async fn read(body: impl ToString) -> Result<DialogueAnswer, Error> {
    let stub = Stub::answering(json_answer("200 OK", &body.to_string())).await;
    client(&stub).dialogue(&request()).await.map(callbot::client::Answer::into_inner)
}

/// A client whose every question is answered with this stream, from a socket.
async fn streaming(body: impl AsRef<[u8]>) -> (Client, Stub) {
    let stub = Stub::answering(crate::support::script::stream(body)).await;
    (client(&stub), stub)
}

/// A client whose every question is answered with this stream in chunks of so many bytes, without a
/// socket that could join them.
fn cut(body: &[u8], size: usize) -> Client {
    let chunks: Vec<_> = body.chunks(size).map(<[u8]>::to_vec).collect();
    let transport = Fake::new(move |_| {
        let chunks = stream::iter(chunks.clone().into_iter().map(Ok::<_, std::io::Error>));
        let mut response = http::Response::new(reqwest::Body::wrap_stream(chunks));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        std::future::ready(response)
    });
    Client::builder("http://bot").transport(transport).build().unwrap()
}

async fn deltas(client: &Client) -> Result<Vec<Delta>, Error> {
    client.dialogue_stream(&request()).await?.try_collect().await
}

async fn text(client: &Client) -> Result<String, Error> {
    client.dialogue_stream(&request()).await?.text().await
}

/// The error of a stream, whether it comes before the stream or within it.
async fn stream_error(client: &Client) -> Error {
    let mut deltas = match client.dialogue_stream(&request()).await {
        Ok(deltas) => deltas,
        Err(error) => return error,
    };
    loop {
        match deltas.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                assert!(deltas.next().await.is_none(), "the stream goes on after {error}");
                return error;
            }
            None => panic!("the stream went well"),
        }
    }
}

/// A good envelope around this answer.
fn enveloped(answer: impl Into<Value>) -> Value {
    json!({"code": "200", "success": true,
        "data": {"conversationId": "c-1", "answer": answer.into()}})
}

fn frame(text: &str, end: bool) -> Value {
    json!({"answer": text, "isEnd": end})
}

#[tokio::test]
async fn each_operation_sends_its_path_its_headers_and_its_body() {
    let stub = Stub::new(vec![
        vec![send(json_answer("200 OK", OBJECT))],
        vec![send(crate::support::script::stream(event(LAST.trim())))],
    ])
    .await;
    // A base URL may have a path, and a slash at its end.
    let client = Client::new(&format!("{}/bots/7/", stub.url)).unwrap();
    let secret = HeaderName::from_static("x-callbot-secret");
    let options = CallOptions::new().header(secret, HeaderValue::from_static("secret-1"));
    client.with_options(options.clone()).dialogue(&request()).await.unwrap();
    client.with_options(options).dialogue_stream(&request()).await.unwrap();

    let expected = [
        ("/bots/7/duix/dialogue", "application/json"),
        ("/bots/7/duix/dialogue/stream", "text/event-stream"),
    ];
    let seen = stub.seen();
    assert_eq!(seen.len(), expected.len());
    for (seen, (path, accept)) in seen.iter().zip(expected) {
        assert_eq!(seen.line, format!("POST {path} HTTP/1.1"));
        assert_eq!(seen.header("accept"), Some(accept), "{path}");
        assert_eq!(seen.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(seen.header("x-callbot-secret"), Some("secret-1"), "{path}");
        for absent in ["accept-encoding", "token", "authorization", "cookie", "user-agent"] {
            assert_eq!(seen.header(absent), None, "{path}: {absent}");
        }
        assert_eq!(seen.json(), REQUEST.parse::<Value>().unwrap(), "{path}");
    }
}

#[tokio::test]
async fn a_request_without_a_context_has_none_and_ids_are_texts() {
    let stub = Stub::answering(json_answer("200 OK", TEXT)).await;
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "1",
        avatar_code: "2",
        question: "",
        conversation_id: "4",
    });
    client(&stub).dialogue(&request).await.unwrap();
    let expected =
        json!({"sid": "1", "dh-code": "2", "dh-question": "", "dh-conversation-id": "4"});
    assert_eq!(stub.seen()[0].json(), expected);
}

#[tokio::test]
async fn an_operation_is_called_at_another_path_when_it_is_moved() {
    let stub = Stub::new(vec![
        vec![send(json_answer("200 OK", OBJECT))],
        vec![send(crate::support::script::stream(event(LAST.trim())))],
    ])
    .await;
    let client = Client::builder(&format!("{}/below", stub.url))
        .path(&operations::DIALOGUE, "/ask")
        .path(&operations::DIALOGUE_STREAM, "/say")
        .build()
        .unwrap();
    client.dialogue(&request()).await.unwrap();
    client.dialogue_stream(&request()).await.unwrap();
    let lines: Vec<_> = stub.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["POST /below/ask HTTP/1.1", "POST /below/say HTTP/1.1"]);
}

#[tokio::test]
async fn the_example_of_the_document_is_read_whole() {
    let answer = read(OBJECT).await.unwrap();
    assert_eq!((answer.code.as_str(), answer.msg.as_deref()), ("200", Some("SUCCESS")));
    assert!(answer.success);
    let data = answer.data.clone().unwrap();
    assert_eq!(data.conversation_id, "0513e935-041f-48e0-9330-652ef4194511");
    assert_eq!(data.question.as_deref(), Some("who are you?"));
    assert_eq!(data.intent.as_deref(), Some("introduce"));
    assert_eq!(data.error_message.as_deref(), Some(""));
    assert_eq!(data.extra.as_deref(), Some("{}"));
    assert_eq!(data.answer.text, "This is the demo bot.");
    let operations = data.answer.operations.unwrap();
    assert_eq!(operations.tip_phrases.unwrap().phrases, ["yes", "no"]);
    assert!(operations.can_show_text.unwrap().is_on());
    assert_eq!(serde_json::to_value(answer).unwrap(), OBJECT.parse::<Value>().unwrap());
}

#[tokio::test]
async fn all_three_forms_of_an_answer_are_read_alike() {
    for body in
        [JSON_TEXT, TEXT, &enveloped(json!({"answer": "This is the demo bot."})).to_string()]
    {
        let data = read(body).await.unwrap().data.unwrap();
        assert_eq!(data, DialogueData::new("c-1", SpokenAnswer::new("This is the demo bot.")));
    }
    // With a screen, in a string as in an object.
    let object = OBJECT.parse::<Value>().unwrap();
    let spoken = object["data"]["answer"].clone();
    let pretty = serde_json::to_string_pretty(&spoken).unwrap();
    for text in [spoken.to_string(), pretty, format!(" \r\n{spoken}\t")] {
        let mut body = object.clone();
        body["data"]["answer"] = text.into();
        assert_eq!(read(body).await.unwrap(), read(OBJECT).await.unwrap());
    }
}

#[tokio::test]
async fn a_text_that_is_no_json_object_is_the_words_themselves() {
    for words in [
        "",
        " ",
        "This is the demo bot.",
        "我是演示机器人。",
        "null",
        "true",
        "42",
        "\"quoted\"",
        "[]",
        "[{\"answer\":\"x\"}]",
        "{",
        "{}{}",
        "{not json}",
        "{'answer':'x'}",
        "{answer: x}",
        "{\"answer\":\"cut off",
        "{\"answer\":\"x\",}",
        "{\"answer\":\"x\"} and more",
        "say {\"answer\":\"x\"}",
        "\u{FEFF}{\"answer\":\"x\"}",
        "{\"answer\":\"x\"}{\"answer\":\"y\"}",
        "line one\r\nline two\u{0}",
    ] {
        let data = read(enveloped(words)).await.unwrap().data.unwrap();
        assert_eq!(data.answer, SpokenAnswer::new(words), "{words:?}");
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_an_error_with_its_path_in_either_form() {
    let must = "must be there";
    let cases = [
        (json!({}), "/answer", must),
        (json!({"operations": {"canShowText": 1}}), "/answer", must),
        (json!({"answer": null}), "/answer", must),
        (json!({"Answer": "x"}), "/answer", must),
        (json!({"answer": 4711}), "/answer", "invalid type: integer"),
        (json!({"answer": ["4711"]}), "/answer", "invalid type: sequence"),
        (json!({"answer": {"answer": "4711"}}), "/answer", "invalid type: map"),
        (json!({"answer": "x", "operations": "4711"}), "/operations", "invalid type: string"),
        (json!({"answer": "x", "operations": [4711]}), "/operations", "invalid type: sequence"),
        (
            json!({"answer": "x", "operations": {"tipPhrases": {"more": 4711}}}),
            "/operations/tipPhrases/phrases",
            must,
        ),
        (
            json!({"answer": "x", "operations": {"tipPhrases": {"phrases": ["a", 4711]}}}),
            "/operations/tipPhrases/phrases/1",
            "invalid type: integer",
        ),
        (
            json!({"answer": "x", "operations": {"canShowText": "4711 times"}}),
            "/operations/canShowText",
            "invalid value: string",
        ),
    ];
    for (answer, pointer, message) in cases {
        for answer in [answer.to_string().into(), answer] {
            let error = read(enveloped(answer.clone())).await.unwrap_err();
            let found = error.decode_error().unwrap_or_else(|| panic!("{answer}: {error:?}"));
            assert_eq!(found.pointer(), format!("/data/answer{pointer}"), "{answer}: {error}");
            assert!(found.message().starts_with(message), "{answer}: {error}");
            assert_eq!(error.status().unwrap(), 200);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("4711"), "the value shows: {shown}");
        }
    }
    for (answer, message) in [
        (json!(4711), "invalid type: integer"),
        (json!(true), "invalid type: boolean"),
        (json!(["4711"]), "invalid type: sequence"),
        (Value::Null, must),
    ] {
        let error = read(enveloped(answer)).await.unwrap_err();
        let found = error.decode_error().unwrap();
        assert_eq!(found.pointer(), "/data/answer", "{error}");
        assert!(found.message().starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn what_else_can_not_be_read_is_named_by_its_pointer() {
    for (pointer, value, message) in [
        ("/code", Value::Null, "must be there"),
        ("/code", json!({"4711": 1}), "invalid type: map"),
        ("/success", Value::Null, "must be there"),
        ("/success", json!("4711"), "invalid type: string"),
        ("/msg", json!(["4711"]), "invalid type: sequence"),
        ("/data", json!("4711"), "invalid type: string"),
        ("/data/conversationId", Value::Null, "must be there"),
        ("/data/conversationId", json!(["4711"]), "invalid type: sequence"),
        ("/data/question", json!(4711), "invalid type: integer"),
        ("/data/intent", json!({"4711": 1}), "invalid type: map"),
    ] {
        let mut body = OBJECT.parse::<Value>().unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        let error = read(&body).await.unwrap_err();
        let found = error.decode_error().unwrap_or_else(|| panic!("{body}: {error:?}"));
        assert_eq!(found.pointer(), pointer, "{body}: {error}");
        assert!(found.message().starts_with(message), "{body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("4711"), "the value shows: {shown}");
    }
}

#[tokio::test]
async fn what_a_screen_shows_is_read_in_all_its_forms_and_keys_of_the_future_are_kept() {
    let show = |value: Value| json!({"answer": "x", "operations": {"canShowText": value}});
    for (value, code) in [
        (json!(0), Some(0)),
        (json!(1), Some(1)),
        (json!("1"), Some(1)),
        (json!(7), Some(7)),
        (Value::Null, None),
    ] {
        for answer in [show(value.clone()), show(value.clone()).to_string().into()] {
            let data = read(enveloped(answer)).await.unwrap().data.unwrap();
            let flag = data.answer.operations.unwrap().can_show_text;
            assert_eq!(flag.map(Flag::code), code, "{value}");
            assert_eq!(flag.is_some_and(Flag::is_on), code == Some(1));
        }
    }
    let future = json!({"answer": "x", "operations": {
        "tipPhrases": {"phrases": ["a"], "style": {"bold": true}},
        "showPicture": ["/a.png", null, 1.5],
        "": 0,
    }});
    for answer in [future.clone(), future.to_string().into()] {
        let data = read(enveloped(answer)).await.unwrap().data.unwrap();
        let operations = data.answer.operations.clone().unwrap();
        assert_eq!(operations.extra["showPicture"], json!(["/a.png", null, 1.5]));
        assert_eq!(operations.tip_phrases.unwrap().extra["style"], json!({"bold": true}));
        assert_eq!(serde_json::to_value(data.answer).unwrap(), future);
    }
}

/// The failures that a bot may report: status, body, and the code and message in it.
fn failures() -> Vec<(&'static str, String, &'static str, Option<&'static str>)> {
    let said = Some("no such bot");
    let with = |more: Value| {
        let mut body = json!({"code": "500", "success": false});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let data = || OBJECT.parse::<Value>().unwrap()["data"].take();
    vec![
        ("500 Internal Server Error", FAILURE.into(), "500", Some("the model did not answer")),
        ("200 OK", FAILURE.into(), "500", Some("the model did not answer")),
        ("400 Bad Request", with(json!({"code": "400", "msg": "no such bot"})), "400", said),
        ("401 Unauthorized", with(json!({"code": "1005", "msg": "no such bot"})), "1005", said),
        ("403 Forbidden", with(json!({"code": 1006, "msg": "no such bot"})), "1006", said),
        // Success is told by `success` alone.
        ("200 OK", with(json!({"code": "200", "msg": "no such bot"})), "200", said),
        ("200 OK", with(json!({"code": "0"})), "0", None),
        ("200 OK", with(json!({"code": "", "msg": null})), "", None),
        ("500 Internal Server Error", with(json!({"message": "no such bot"})), "500", said),
        ("200 OK", with(json!({"msg": "", "message": "no such bot"})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "message": "x"})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "message": null})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "data": null})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "data": data()})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "unknown": [{}]})), "500", said),
    ]
}

/// It is told as a failure by both operations.
async fn assert_failure(status: &str, body: &str, code: &str, message: Option<&str>) {
    let stub = Stub::answering(json_answer(status, body)).await;
    let errors = [
        client(&stub).dialogue(&request()).await.unwrap_err(),
        client(&stub).dialogue_stream(&request()).await.unwrap_err(),
    ];
    for (error, operation) in errors.into_iter().zip(["dialogue", "dialogueStream"]) {
        let failure = error.failure().unwrap_or_else(|| panic!("{status} {body}: {error:?}"));
        assert_eq!((failure.code(), failure.message()), (code, message), "{status} {body}");
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert!(!error.is_cut() && !error.is_timeout() && error.decode_error().is_none());
        let text = error.to_string();
        assert!(text.starts_with(&format!("{operation}: failure")), "{text}");
        assert!(text.ends_with(message.unwrap_or("")), "{text}");
    }
}

#[tokio::test]
async fn a_failure_is_an_error_with_its_code_and_words_whatever_the_http_status() {
    for (status, body, code, message) in failures() {
        assert_failure(status, &body, code, message).await;
    }
}

#[tokio::test]
async fn a_failure_whose_data_are_of_another_kind_is_a_failure_all_the_same() {
    let mut wrong = Vec::new();
    for data in [
        json!(""),
        json!({}),
        json!([]),
        json!({"errorMsg": "x"}),
        json!({"conversationId": "c-1", "errorMsg": "x"}),
        json!({"conversationId": "c-1", "answer": null}),
        json!({"conversationId": "c-1", "answer": {}}),
    ] {
        for status in ["200 OK", "500 Internal Server Error"] {
            let body = json!({"code": "500", "msg": "no such bot", "success": false, "data": data});
            let stub = Stub::answering(json_answer(status, &body.to_string())).await;
            for error in [
                client(&stub).dialogue(&request()).await.unwrap_err(),
                client(&stub).dialogue_stream(&request()).await.unwrap_err(),
            ] {
                if error.failure().map(|failure| failure.code()) != Some("500") {
                    wrong.push((status, data.clone(), error.to_string()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_success_without_data_is_read_as_one() {
    for body in [
        json!({"code": "200", "success": true}),
        json!({"code": "0", "success": true, "data": null, "msg": null}),
        json!({"code": "500", "success": true, "message": "odd"}),
    ] {
        let answer = read(&body).await.unwrap();
        assert!(answer.success && answer.data.is_none(), "{body}");
        assert_eq!(answer.msg.as_deref(), body["message"].as_str());
    }
}

#[tokio::test]
async fn what_a_gateway_answers_is_an_error_with_its_status() {
    for (status, body, decodes) in [
        ("403 Forbidden", "the signature does not match", true),
        ("502 Bad Gateway", "<html>", true),
        ("404 Not Found", "", true),
        ("500 Internal Server Error", TEXT, true),
        ("302 Found", "", true),
        ("200 OK", "<html>", false),
        ("200 OK", "", false),
        ("200 OK", "{\"code\":\"200\"}", false),
    ] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let error = client(&stub).dialogue(&request()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert_eq!(error.decode_error().is_none(), decodes, "{status} {body}: {error:?}");
        assert!(error.failure().is_none() && !error.to_string().contains("signature"), "{error}");
        let error = client(&stub).dialogue_stream(&request()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert!(error.failure().is_none() && !error.is_cut(), "{error:?}");
        assert!(error.decode_error().is_none() && !error.to_string().contains("signature"));
        assert_eq!(stub.connections(), 2, "{status}");
    }
    let body = event(LAST.trim());
    for (status, headers, shown) in [
        ("200 OK", "content-type: text/html\r\n", "expected an event stream, got text/html"),
        (
            "200 OK",
            "content-type: application/json\r\n",
            "expected an event stream, got application/json",
        ),
        ("200 OK", "", "expected an event stream, got untyped"),
        ("500 Internal Server Error", "content-type: text/event-stream\r\n", "HTTP 500"),
    ] {
        let stub = Stub::answering(answer(status, headers, &body)).await;
        let error = client(&stub).dialogue_stream(&request()).await.unwrap_err().to_string();
        assert!(error.starts_with("dialogueStream: ") && error.contains(shown), "{error}");
    }
}

#[tokio::test]
async fn the_pieces_of_a_stream_come_as_they_are_and_together_they_are_the_text() {
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
async fn what_follows_the_last_piece_is_dropped_and_the_connection_released() {
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
        // Without its blank line an event is not complete.
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
        assert_eq!(shown, "dialogueStream: the stream was cut before its last packet", "{how}");
        // Half a text is none.
        let error = text(&client(&stub)).await.unwrap_err();
        assert!(error.is_cut(), "{how}: {error:?}");
    }
}

#[tokio::test]
async fn a_piece_that_can_not_be_read_is_named_by_its_pointer() {
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

#[test]
fn nothing_that_is_said_shows_in_debug() {
    let secret = "SECRET-4711";
    let data = DialogueData::new("c-1", secret.into()).with_question(secret);
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "1",
        avatar_code: "2",
        question: secret,
        conversation_id: "c-1",
    })
    .with_context(secret);
    let answer = DialogueAnswer::new("200", true).with_data(data);
    let shown =
        format!("{request:?} {answer:?} {:?} {:?}", Delta::new(secret, true), Answer::text(secret));
    assert!(shown.contains("c-1") && !shown.contains(secret), "{shown}");
}

/// Answers with the question, and shows what the context says.
struct Mirror;

impl Api for Mirror {
    async fn dialogue(&self, asked: DialogueRequest) -> Result<Answer, callbot::server::Error> {
        let mut answer = Answer::text(&asked.question);
        answer.spoken.operations = asked.context_as::<Operations>()?;
        Ok(answer.with_intent(asked.user_id).with_extra(asked.avatar_code))
    }

    async fn dialogue_stream(
        &self,
        asked: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), callbot::server::Error> {
        for word in asked.question.split_inclusive(' ') {
            reply.send(word).await?;
        }
        Ok(())
    }
}

fn in_memory(server: Server<Mirror>) -> Client {
    let transport = InMemoryTransport::new(server.router());
    Client::builder("http://bot").transport(transport).build().unwrap()
}

/// Serves until the test is over.
async fn on_socket(server: Server<Mirror>) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, server.router()).into_future());
    Client::new(&url).unwrap()
}

#[tokio::test]
async fn client_and_server_understand_each_other_in_every_form() {
    let shown = Operations::new()
        .with_can_show_text(Flag::No)
        .with_tip_phrases(TipPhrases::new(["yes", "是"]).with_extra("style", 2))
        .with_extra("showPicture", json!({"url": "/a.png"}));
    for form in [AnswerForm::Object, AnswerForm::JsonText] {
        let server = || Server::new(Mirror).answer_form(form);
        for client in [in_memory(server()), on_socket(server()).await] {
            for question in ["who are you?", "", "{\"answer\":\"x\"}", "a\r\nb \u{0}余额 🙂 end"]
            {
                let request = DialogueRequest::new(DialogueRequestFields {
                    user_id: "100003",
                    avatar_code: "1872654850",
                    question,
                    conversation_id: "c-1",
                })
                .with_context(serde_json::to_string(&shown).unwrap());
                let answer = client.dialogue(&request).await.unwrap();
                let spoken = SpokenAnswer::new(question).with_operations(shown.clone());
                let data = DialogueData::new("c-1", spoken)
                    .with_question(question)
                    .with_intent("100003")
                    .with_extra("\"1872654850\"");
                let expected = DialogueAnswer::new("200", true).with_msg("SUCCESS").with_data(data);
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.into_inner(), expected, "{form:?}");

                let stream = client.dialogue_stream(&request).await.unwrap();
                let mut read: Vec<Delta> = stream.try_collect().await.unwrap();
                assert_eq!(read.pop(), Some(Delta::new("", true)));
                let words = question.split_inclusive(' ').map(|word| Delta::new(word, false));
                assert_eq!(read, words.collect::<Vec<_>>());
                let stream = client.dialogue_stream(&request).await.unwrap();
                assert_eq!(stream.text().await.unwrap(), question);
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_of_our_server_is_a_failure_of_our_client() {
    let name = HeaderName::from_static("x-callbot-secret");
    let given = |value| {
        let value = HeaderValue::from_static(value);
        CallOptions::new().header(HeaderName::from_static("x-callbot-secret"), value)
    };
    let locked = || Server::new(Mirror).secret(name.clone(), "secret-1");
    for client in [in_memory(locked()), on_socket(locked()).await] {
        for (options, status, message) in [
            (CallOptions::new(), 401, "the header x-callbot-secret is missing"),
            (given("secret-2"), 403, "the header x-callbot-secret is wrong"),
        ] {
            let client = client.with_options(options);
            for error in [
                client.dialogue(&request()).await.unwrap_err(),
                client.dialogue_stream(&request()).await.unwrap_err(),
            ] {
                assert_eq!(error.status().unwrap(), status);
                let failure = error.failure().unwrap();
                assert_eq!(failure.code(), status.to_string());
                assert_eq!(failure.message(), Some(message));
                assert!(!error.is_retryable());
            }
        }
        let client = client.with_options(given("secret-1"));
        client.dialogue(&request()).await.unwrap();
        assert_eq!(text(&client).await.unwrap(), "who are you?");
    }

    let small = || Server::new(Mirror).body_limit(10);
    for client in [in_memory(small()), on_socket(small()).await] {
        for error in [
            client.dialogue(&request()).await.unwrap_err(),
            client.dialogue_stream(&request()).await.unwrap_err(),
        ] {
            assert_eq!(error.status().unwrap(), 400);
            let failure = error.failure().unwrap();
            let said = (failure.code(), failure.message());
            assert_eq!(said, ("400", Some("the body is larger than 10 bytes")));
        }
    }
}

/// A documented sample, what it is written back as, and where its optional fields are: pointer of an
/// object, names.
struct Sample {
    text: &'static str,
    written: &'static str,
    read: Reader,
    optional: &'static [(&'static str, &'static [&'static str])],
}

const SCREEN: &[(&str, &[&str])] = &[
    ("", &["msg", "data"]),
    ("/data", &["question", "intent", "errorMsg", "extra"]),
    ("/data/answer", &["operations"]),
    ("/data/answer/operations", &["tipPhrases", "canShowText"]),
];
const PLAIN: &[(&str, &[&str])] =
    &[("", &["msg", "data"]), ("/data", &["question", "intent", "errorMsg", "extra"])];
const AS_OBJECT: &str = r#"{"code":"200","success":true,"data":{"conversationId":"c-1",
    "answer":{"answer":"This is the demo bot."}}}"#;

fn samples() -> [Sample; 7] {
    let answer = |text, written, optional| {
        let read = read_as::<DialogueAnswer> as Reader;
        Sample { text, written, read, optional }
    };
    let delta = |text| Sample { text, written: text, read: read_as::<Delta>, optional: &[] };
    [
        Sample {
            text: REQUEST,
            written: REQUEST,
            read: read_as::<DialogueRequest>,
            optional: &[("", &["dh-context"])],
        },
        answer(OBJECT, OBJECT, SCREEN),
        answer(JSON_TEXT, AS_OBJECT, PLAIN),
        answer(TEXT, AS_OBJECT, PLAIN),
        answer(FAILURE, FAILURE, &[("", &["msg", "data"])]),
        delta(DELTA),
        delta(LAST),
    ]
}

impl Sample {
    fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    fn read(&self, document: &Value) -> Value {
        (self.read)(document).unwrap_or_else(|error| panic!("{error}: {document}"))
    }
}

fn object<'v>(document: &'v mut Value, pointer: &str) -> &'v mut serde_json::Map<String, Value> {
    document.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap()
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    let files = fixtures("duix-dialogue");
    let read = |file: &String| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/duix-dialogue");
        std::fs::read_to_string(format!("{folder}/{file}")).unwrap()
    };
    let files: Vec<_> = files.iter().map(read).collect();
    assert_eq!(files.len(), samples().len());
    assert!(files.iter().all(|text| samples().iter().any(|sample| sample.text == text)));
}

#[test]
fn every_sample_is_written_back_as_it_came_its_answer_as_an_object() {
    for sample in samples() {
        assert_eq!(sample.read(&sample.json()), sample.written.parse::<Value>().unwrap());
    }
}

#[test]
fn unknown_fields_in_every_place_change_nothing_and_those_of_a_screen_are_kept() {
    let unknown = [json!("x"), json!(null), json!(7), json!([1, {"a": []}]), json!({"answer": 1})];
    for sample in samples() {
        for unknown in &unknown {
            let (mut document, mut kept) = (sample.json(), Vec::new());
            each_object(&mut document, |at| at == "/data/answer", &mut |at, object| {
                object["unknownField"] = unknown.clone();
                if at.contains("/operations") {
                    kept.push(at.to_owned());
                }
            });
            assert_ne!(document, sample.json());
            let mut expected = sample.read(&sample.json());
            for at in &kept {
                object(&mut expected, at).insert("unknownField".into(), unknown.clone());
            }
            assert_eq!(kept.len(), if sample.text == OBJECT { 2 } else { 0 });
            assert_eq!(sample.read(&document), expected, "{document}");
        }
    }
}

#[test]
fn null_reads_as_absent_for_every_optional_field() {
    for sample in samples() {
        let mut all = sample.json();
        for (pointer, names) in sample.optional.iter().rev() {
            for name in *names {
                let mut null = sample.json();
                object(&mut null, pointer).insert((*name).into(), Value::Null);
                let mut absent = null.clone();
                object(&mut absent, pointer).remove(*name);
                assert_eq!(sample.read(&null), sample.read(&absent), "{pointer}/{name}");
                let written = sample.read(&absent).pointer(&format!("{pointer}/{name}")).cloned();
                assert_eq!(written, None, "{pointer}/{name}");
                object(&mut all, pointer).insert((*name).into(), Value::Null);
                sample.read(&all);
            }
        }
    }
}

#[test]
fn a_missing_or_null_required_field_is_named() {
    for (text, pointers) in [
        (REQUEST, &["/sid", "/dh-code", "/dh-question", "/dh-conversation-id"][..]),
        (
            OBJECT,
            &[
                "/code",
                "/success",
                "/data/conversationId",
                "/data/answer",
                "/data/answer/answer",
                "/data/answer/operations/tipPhrases/phrases",
            ],
        ),
        (TEXT, &["/code", "/success", "/data/conversationId", "/data/answer"]),
        (FAILURE, &["/code", "/success"]),
        (DELTA, &["/answer", "/isEnd"]),
    ] {
        let sample = samples().into_iter().find(|sample| sample.text == text).unwrap();
        for pointer in pointers {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let mut null = sample.json();
            *null.pointer_mut(pointer).unwrap() = Value::Null;
            let mut absent = sample.json();
            object(&mut absent, parent).remove(key).unwrap();
            for document in [null, absent] {
                let error = (sample.read)(&document).unwrap_err();
                assert_eq!((error.pointer(), error.message()), (*pointer, "must be there"));
            }
        }
    }
}

#[test]
fn ids_are_read_from_numbers_and_further_information_from_json() {
    let id = 1_872_654_850_191_564_817_u64;
    for sample in samples() {
        let mut document = sample.json();
        each_object(&mut document, |at| at == "/data/answer", &mut |_, object| {
            for key in ["sid", "dh-code", "dh-conversation-id", "conversationId"] {
                if let Some(value) = object.get_mut(key) {
                    *value = id.into();
                }
            }
            for key in ["extra", "dh-context"] {
                if let Some(value) = object.get_mut(key) {
                    *value = json!({"a": [1, null]});
                }
            }
        });
        let written = sample.read(&document).to_string();
        assert!(!written.contains(&format!(":{id}")), "{written}");
        let ids = |text: String| text.matches(&id.to_string()).count();
        assert_eq!(ids(written.clone()), ids(document.to_string()));
        let kept = r#""{\"a\":[1,null]}""#;
        assert_eq!(written.contains(kept), document.to_string().contains(r#"{"a":[1,null]}"#));
    }
}

/// Random texts.
fn random_text(rng: &mut Rng) -> String {
    const PIECES: [&str; 18] = [
        "",
        " ",
        "a",
        "\"",
        "\\",
        "\n",
        "\r\n",
        "\u{0}",
        "余额",
        "🙂",
        "{",
        "}",
        "{}",
        "[",
        ":",
        "\"answer\"",
        ",",
        "\u{FEFF}",
    ];
    (0..rng.usize(..8)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect()
}

#[test]
fn random_answers_are_read_alike_from_an_object_and_from_a_string() {
    let mut rng = Rng::with_seed(0x4455_4958);
    for _ in 0..5_000 {
        let mut spoken = SpokenAnswer::new(random_text(&mut rng));
        if rng.bool() {
            let mut operations = Operations::new();
            if rng.bool() {
                operations.can_show_text = Some(Flag::from_code(rng.i64(-1..3)));
            }
            if rng.bool() {
                let phrases = (0..rng.usize(..3)).map(|_| random_text(&mut rng));
                operations.tip_phrases = Some(TipPhrases::new(phrases.collect::<Vec<_>>()));
            }
            if rng.bool() {
                let key = format!("key{}", random_text(&mut rng));
                operations = operations.with_extra(key, random_text(&mut rng));
            }
            spoken = spoken.with_operations(operations);
        }
        let answer = DialogueAnswer::new("200", true).with_data(DialogueData::new("c-1", spoken));
        let object = serde_json::to_value(&answer).unwrap();
        let mut text = object.clone();
        text["data"]["answer"] = object["data"]["answer"].to_string().into();
        for document in [object, text] {
            assert_eq!(decode_value::<DialogueAnswer>(&document).as_ref(), Ok(&answer));
            let bytes = document.to_string();
            assert_eq!(decode::<DialogueAnswer>(bytes.as_bytes()).as_ref(), Ok(&answer));
        }
    }
}

#[test]
fn random_texts_are_words_unless_they_are_a_json_object() {
    let mut rng = Rng::with_seed(0x4455_4959);
    let (mut words, mut objects) = (0, 0);
    for _ in 0..20_000 {
        let text = random_text(&mut rng);
        let read = decode_value::<DialogueAnswer>(&enveloped(text.as_str()));
        if matches!(text.parse(), Ok(Value::Object(_))) {
            assert_eq!(read.unwrap_err().pointer(), "/data/answer/answer", "{text:?}");
            objects += 1;
        } else {
            assert_eq!(read.unwrap().data.unwrap().answer, SpokenAnswer::new(text));
            words += 1;
        }
    }
    assert!(words > 10_000 && objects > 100, "{words} {objects}");
}
