//! The client against servers that play scripted bytes: what it sends, how it puts an answer together, what
//! it reads from servers that are not quite right, and which error it returns for which failure.

use std::time::Duration;

use bytes::Bytes;
use callbot::chat::{
    ChatRequest, ChatStream, Client, Completion, ErrorAnswer, FinishReason, Message, Role,
    StreamOptions, Usage,
};
use callbot::client::{CallOptions, Deadline, Error, Retries};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::script::{
    Fake, STREAM_HEAD, Step, Stub, answer, json_answer, send, stream as event_stream,
};

const WHOLE: &str = include_str!("../fixtures/chat-completions/completion.json");
const TOOL_CALL: &str = include_str!("../fixtures/chat-completions/completion-tool-call.json");
const ERROR: &str = include_str!("../fixtures/chat-completions/error.json");
const DONE: &str = "data: [DONE]\n\n";

fn request() -> ChatRequest {
    ChatRequest::new("large", [Message::user("What is my balance?")])
}

fn client(stub: &Stub) -> Client {
    Client::builder(&format!("{}/v1", stub.url)).key("key-4711").build().unwrap()
}

fn event(packet: impl std::fmt::Display) -> String {
    format!("data: {packet}\n\n")
}

/// A chunk with one choice of these fields.
fn chunk(choice: Value) -> Value {
    json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "large",
        "choices": [choice]})
}

/// A chunk with this delta.
fn delta(delta: Value) -> String {
    event(chunk(json!({"index": 0, "delta": delta, "finish_reason": null})))
}

/// A chunk with this part of the text.
fn text(text: &str) -> String {
    delta(json!({"content": text}))
}

/// A chunk with this reason for the end.
fn finish(reason: &str) -> String {
    event(chunk(json!({"index": 0, "delta": {}, "finish_reason": reason})))
}

/// A chunk with a fragment of a tool call.
fn fragment(fragment: Value) -> String {
    delta(json!({"tool_calls": [fragment]}))
}

/// Opens a stream with this body.
async fn streamed(body: impl AsRef<[u8]>) -> Result<ChatStream, Error> {
    let stub = Stub::answering(event_stream(body)).await;
    client(&stub).stream(&request()).await
}

/// Reads a stream with this body to its end.
async fn collected(body: impl AsRef<[u8]>) -> Result<Completion, Error> {
    streamed(body).await?.completion().await
}

/// Reads the tool calls of a stream with these fragments: their ids, names and arguments.
async fn calls(fragments: &[Value]) -> Vec<(String, String, String)> {
    let body: String = fragments.iter().cloned().map(fragment).collect();
    let completion = collected(body + &finish("tool_calls") + DONE).await.unwrap();
    assert_eq!(completion.finish_reason, Some(FinishReason::ToolCalls));
    let calls = completion.tool_calls.into_iter();
    calls.map(|call| (call.id, call.function.name, call.function.arguments)).collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.into(), name.into(), arguments.into())
}

#[tokio::test]
async fn a_request_has_its_path_its_key_and_what_it_asks_for() {
    let stub = Stub::playing(|seen, _| {
        let stream = seen.json()["stream"] == true;
        let body = text("Hi") + &finish("stop") + DONE;
        vec![send(if stream { event_stream(body) } else { json_answer("200 OK", WHOLE).into() })]
    })
    .await;
    let urls = [
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/api/v3/", "/api/v3/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/chat/completions", "/chat/completions"),
    ];
    for (base, _) in urls {
        let url = format!("{}{base}", stub.url);
        let client = Client::builder(&url).key("key-4711").build().unwrap();
        // Neither is taken from the request.
        client.complete(&request().with_stream(true)).await.unwrap();
        let stream = client.stream(&request().with_stream(false)).await.unwrap();
        stream.completion().await.unwrap();
    }
    let seen = stub.seen();
    assert_eq!(seen.len(), 2 * urls.len());
    for (pair, (base, path)) in seen.chunks(2).zip(urls) {
        for (seen, stream) in pair.iter().zip([false, true]) {
            assert_eq!(seen.line, format!("POST {path} HTTP/1.1"), "{base}");
            let accept = if stream { "text/event-stream" } else { "application/json" };
            assert_eq!(seen.header("accept"), Some(accept));
            assert_eq!(seen.header("authorization"), Some("Bearer key-4711"));
            assert_eq!(
                seen.json(),
                json!({"model": "large", "stream": stream,
                    "messages": [{"role": "user", "content": "What is my balance?"}]})
            );
        }
    }
}

#[tokio::test]
async fn without_a_key_or_with_an_empty_one_no_authorization_is_sent() {
    let stub = Stub::answering(json_answer("200 OK", WHOLE)).await;
    Client::new(&stub.url).unwrap().complete(&request()).await.unwrap();
    let empty = Client::builder(&stub.url).key("").build().unwrap();
    empty.complete(&request()).await.unwrap();
    let seen: Vec<_> =
        stub.seen().iter().map(|seen| seen.header("authorization").is_some()).collect();
    assert_eq!(seen, [false, false]);
}

#[tokio::test]
async fn the_key_is_never_shown() {
    let stub = Stub::answering(answer("401 Unauthorized", "", "who are you?")).await;
    let builder = Client::builder(&stub.url).key("key-4711");
    assert!(!format!("{builder:?} {builder:#?}").contains("4711"));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?} {client:#?}").contains("4711"));
    let error = client.complete(&request()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("4711"));

    let error = Client::builder(&stub.url).key("key\n4711").build().unwrap_err();
    assert!(!format!("{error:?}").contains("4711"));
    let text = "the client can't be built: the key has a character that a header can't contain";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_hidden() {
    let object = json!({"error": {
        "message": "key key-4711 is wrong", "type": "auth", "code": "no key-4711", "param": "key-4711",
    }});
    let in_a_stream = event_stream(text("One ") + &event(&object));
    for answer in [json_answer("401 Unauthorized", &object.to_string()).into(), in_a_stream] {
        let stub = Stub::answering(answer).await;
        let client = client(&stub);
        let streamed = async { client.stream(&request()).await?.completion().await };
        for error in [streamed.await.unwrap_err(), client.complete(&request()).await.unwrap_err()] {
            let text = "createChatCompletion: failure no [hidden]: key [hidden] is wrong";
            assert_eq!(error.to_string(), text);
            let body = String::from_utf8_lossy(error.body()).into_owned();
            assert!(body.contains("[hidden]"), "{body}");
            assert!(!format!("{error:?}{body}").contains("4711"), "{error:?} {body}");
        }
    }
}

#[tokio::test]
async fn a_placeholder_in_place_of_a_key_is_not_hidden() {
    let stub =
        Stub::answering(json_answer("404 No", r#"{"error": "try ollama pull large"}"#)).await;
    let client = Client::builder(&stub.url).key("ollama").build().unwrap();
    let error = client.complete(&request()).await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), Some("try ollama pull large"));
}

#[tokio::test]
async fn a_request_without_messages_is_not_sent() {
    let stub = Stub::answering(json_answer("200 OK", WHOLE)).await;
    let empty = ChatRequest::new("large", []);
    let error = client(&stub).complete(&empty).await.unwrap_err();
    assert!(error.violations().is_some(), "{error}");
    let error = client(&stub).stream(&empty).await.unwrap_err();
    assert!(error.violations().is_some(), "{error}");
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn one_body_and_a_stream_give_the_same_completion() {
    let stub = Stub::answering(json_answer("200 OK", WHOLE)).await;
    let answer = client(&stub).complete(&request()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let whole = Completion::from(answer.into_inner());

    let usage: Value = serde_json::from_str::<Value>(WHOLE).unwrap()["usage"].take();
    let mut last = chunk(json!({}));
    last["choices"] = json!([]);
    last["usage"] = usage;
    let body = [
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning_content": "The tool "})),
        delta(json!({"reasoning_content": "says ten."})),
        text("Your balance "),
        text("is ten euros."),
        finish("stop"),
        event(last),
        DONE.into(),
    ];
    let stream = collected(body.concat()).await.unwrap();
    assert_eq!(stream, whole);
    assert_eq!(stream.text, "Your balance is ten euros.");
    assert_eq!(stream.reasoning, "The tool says ten.");
    assert_eq!(stream.finish_reason, Some(FinishReason::Stop));
    assert_eq!(stream.usage.as_ref().map(|usage| usage.total_tokens), Some(28));
    assert_eq!((stream.id.as_str(), stream.model.as_str()), ("c-1", "large"));
    let shown = format!("{stream:?}");
    assert!(!shown.contains("euros") && !shown.contains("says"), "{shown}");
    assert_eq!(stream.message(), Message::assistant("Your balance is ten euros."));
}

#[tokio::test]
async fn the_texts_of_a_stream_are_read_without_the_reasoning_and_the_rest_is_kept() {
    let end_call = json!({"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "end_call", "arguments": "{}"}});
    let body = [
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning": "The caller says goodbye."})),
        text("Good"),
        text("bye."),
        fragment(end_call),
        finish("tool_calls"),
        DONE.into(),
    ];
    let mut stream = streamed(body.concat()).await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["x-bot"], "parrot");
    let texts: Vec<_> = stream.texts().try_collect().await.unwrap();
    assert_eq!(texts, ["Good", "bye."]);
    assert!(stream.next().await.is_none());
    let completion = stream.completion().await.unwrap();
    assert_eq!(completion.text, "Goodbye.");
    assert_eq!(completion.reasoning, "The caller says goodbye.");
    let expected = json!({"role": "assistant", "content": "Goodbye.", "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "end_call", "arguments": "{}"}}
    ]});
    assert_eq!(serde_json::to_value(completion.message()).unwrap(), expected);
}

#[tokio::test]
async fn tool_calls_are_put_together_from_their_fragments() {
    let begin = |index: u32, id: &str, name: &str| {
        json!({"index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": ""}})
    };
    let more = |index: u32, text: &str| json!({"index": index, "function": {"arguments": text}});
    let found = calls(&[
        begin(0, "call_1", "balance"),
        more(0, "{\"account\":"),
        begin(1, "call_2", "end_call"),
        more(0, "\"4711\"}"),
        more(1, "{}"),
    ])
    .await;
    let expected =
        [call("call_1", "balance", "{\"account\":\"4711\"}"), call("call_2", "end_call", "{}")];
    assert_eq!(found, expected);
}

/// A fragment with what is given.
fn piece(index: Option<u32>, id: Option<&str>, name: Option<&str>, arguments: &str) -> Value {
    let mut piece = json!({"type": "function", "function": {"arguments": arguments}});
    if let Some(index) = index {
        piece["index"] = index.into();
    }
    if let Some(id) = id {
        piece["id"] = id.into();
    }
    if let Some(name) = name {
        piece["function"]["name"] = name.into();
    }
    piece
}

#[tokio::test]
async fn a_tool_call_of_a_server_that_repeats_or_omits_something_is_put_together() {
    let whole = json!({"index": 0, "id": "a",
        "function": {"name": "end_call", "arguments": {"reason": 1}}});
    let first = || piece(Some(0), Some("a"), Some("end_call"), "{\"re");
    let rest = "ason\":1}";
    let cases = [
        ("all repeated", vec![first(), piece(Some(0), Some("a"), Some("end_call"), rest)]),
        ("blanks later", vec![first(), piece(Some(0), Some(""), Some(""), rest)]),
        ("another id in every fragment", vec![first(), piece(Some(0), Some("x"), None, rest)]),
        (
            "the name after the id",
            vec![
                piece(Some(0), Some("a"), None, ""),
                piece(Some(0), None, Some("end_call"), "{\"reason\":1}"),
            ],
        ),
        (
            "no index, and later no id",
            vec![piece(None, Some("a"), Some("end_call"), "{\"re"), piece(None, None, None, rest)],
        ),
        ("the arguments as an object", vec![whole]),
    ];
    for (what, fragments) in cases {
        assert_eq!(calls(&fragments).await, [call("a", "end_call", "{\"reason\":1}")], "{what}");
    }
}

#[tokio::test]
async fn tool_calls_without_their_own_index_are_told_apart() {
    let two = [call("a", "balance", "{}"), call("b", "end_call", "{}")];
    let cases = [
        (
            "whole calls that all have the index 0",
            vec![
                piece(Some(0), Some("a"), Some("balance"), "{}"),
                piece(Some(0), Some("b"), Some("end_call"), "{}"),
            ],
        ),
        (
            "whole calls without an index",
            vec![
                piece(None, Some("a"), Some("balance"), "{}"),
                piece(None, Some("b"), Some("end_call"), "{}"),
            ],
        ),
        (
            "fragments told apart by their ids",
            vec![
                piece(None, Some("a"), Some("balance"), "{"),
                piece(None, Some("b"), Some("end_call"), "{"),
                piece(None, Some("a"), None, "}"),
                piece(None, Some("b"), None, "}"),
            ],
        ),
    ];
    for (what, fragments) in cases {
        assert_eq!(calls(&fragments).await, two, "{what}");
    }
    // Without an id, the name and the arguments tell calls apart, also if all have the index 0.
    for index in [None, Some(0)] {
        let without_id = |name: &str, arguments: &str| piece(index, None, Some(name), arguments);
        let found = calls(&[
            without_id("end_call", "{"),
            without_id("end_call", "}"),
            without_id("end_call", "{}"),
            without_id("balance", "{}"),
        ])
        .await;
        let expected =
            [call("", "end_call", "{}"), call("", "end_call", "{}"), call("", "balance", "{}")];
        assert_eq!(found, expected, "{index:?}");
        // An id that comes with the second call only.
        for name in ["balance", "end_call"] {
            let first = piece(index, None, Some("end_call"), "{}");
            let found = calls(&[first, piece(index, Some("b"), Some(name), "{}")]).await;
            assert_eq!(found, [call("", "end_call", "{}"), call("b", name, "{}")], "{index:?}");
        }
    }
}

#[tokio::test]
async fn the_first_of_several_answers_is_collected() {
    let choice = |index: u32, text: &str| {
        let delta = json!({"content": text});
        json!({"index": index, "delta": delta, "finish_reason": null})
    };
    let mut both = chunk(choice(0, "One"));
    both["choices"] = json!([choice(1, "Uno"), choice(0, "One")]);
    let body = event(chunk(choice(0, "And: "))) + &event(both.clone()) + &finish("stop") + DONE;
    let stop =
        |index: u32| event(chunk(json!({"index": index, "delta": {}, "finish_reason": "stop"})));
    // A server may count from 1, and its only answer is then the first one.
    let from_one = event(chunk(choice(1, "Uno "))) + &event(both) + &stop(1) + DONE;
    for (body, pieces) in [(body, ["And: ", "One"]), (from_one, ["Uno ", "Uno"])] {
        assert_eq!(collected(&body).await.unwrap().text, pieces.concat());
        let mut stream = streamed(&body).await.unwrap();
        let texts: Vec<_> = stream.texts().try_collect().await.unwrap();
        assert_eq!(texts, pieces);
        assert_eq!(stream.completion().await.unwrap().text, pieces.concat());
    }
}

// Servers that are not quite right. Each has been seen in public.

#[tokio::test]
async fn a_stream_without_a_role_is_read() {
    let completion = collected(text("Hello.") + &finish("stop") + DONE).await.unwrap();
    assert_eq!(completion.text, "Hello.");
}

#[tokio::test]
async fn a_role_that_is_repeated_null_or_blank_is_read() {
    let body = [
        delta(json!({"role": "assistant", "content": null})),
        delta(json!({"role": "assistant", "content": "He"})),
        delta(json!({"role": null, "content": "llo"})),
        delta(json!({"role": "", "content": "."})),
        finish("stop"),
        DONE.into(),
    ];
    let chunks: Vec<_> = streamed(body.concat()).await.unwrap().try_collect().await.unwrap();
    let roles: Vec<_> = chunks
        .iter()
        .map(|chunk| chunk.choices[0].delta.as_ref().and_then(|delta| delta.role.clone()))
        .collect();
    assert_eq!(roles, [Some(Role::Assistant), Some(Role::Assistant), None, None, None]);
    let texts: Vec<_> = chunks.iter().map(|chunk| chunk.text()).collect();
    assert_eq!(texts, ["", "He", "llo", ".", ""]);
}

#[tokio::test]
async fn a_finish_reason_that_is_missing_or_blank_does_not_end_a_stream() {
    let missing = event(chunk(json!({"index": 0, "delta": {"content": "One "}})));
    let blank = |text: &str| {
        event(chunk(json!({"index": 0, "delta": {"content": text}, "finish_reason": ""})))
    };
    for (what, body) in [
        ("missing until the end", missing.clone() + &text("two.") + &finish("stop") + DONE),
        ("blank until the end", blank("One ") + &blank("two.") + &finish("stop") + DONE),
    ] {
        let completion = collected(&body).await.unwrap();
        assert_eq!(completion.text, "One two.", "{what}");
        assert_eq!(completion.finish_reason, Some(FinishReason::Stop), "{what}");
    }
    let completion = collected(blank("One ") + &blank("two.") + DONE).await.unwrap();
    assert_eq!((completion.text.as_str(), completion.finish_reason), ("One two.", None));

    let body = WHOLE.replace("\"finish_reason\": \"stop\"", "\"finish_reason\": \"\"");
    assert_ne!(body, WHOLE);
    let stub = Stub::answering(json_answer("200 OK", &body)).await;
    let answer = client(&stub).complete(&request()).await.unwrap();
    assert_eq!(Completion::from(answer.into_inner()).finish_reason, None);
}

#[tokio::test]
async fn a_usage_chunk_is_read_with_empty_and_with_missing_choices() {
    let usage = json!({"prompt_tokens": 21, "completion_tokens": 2, "total_tokens": 23});
    for choices in [Some(json!([])), Some(json!(null)), None] {
        let mut last = json!({"id": "c-1", "usage": usage});
        if let Some(choices) = &choices {
            last["choices"] = choices.clone();
        }
        let body = text("Hi") + &finish("stop") + &event(last) + DONE;
        let completion = collected(body).await.unwrap();
        assert_eq!(completion.usage, Some(Usage::new(21, 2, 23)), "{choices:?}");
        assert_eq!(completion.text, "Hi");
    }
}

#[tokio::test]
async fn comments_and_events_without_data_are_skipped() {
    let between = [": keepalive\n\n", ":\n\n", "data:\n\n", "data: \n\n", "data: : keepalive\n\n"];
    for between in between {
        let body = format!(
            "{between}{}{between}{}{between}{}{between}{DONE}",
            text("Hel"),
            text("lo."),
            finish("stop"),
        );
        assert_eq!(collected(&body).await.unwrap().text, "Hello.", "{between:?}");
    }
    let named = "event: message\nid: 1\nretry: 9\n".to_owned() + &text("Hello.");
    assert_eq!(collected(named + &finish("stop") + DONE).await.unwrap().text, "Hello.");
}

#[tokio::test]
async fn a_first_event_that_is_no_chunk_of_the_answer_is_passed_over() {
    let metadata = json!({"object": "chat.completion.custom_metadata", "choices": [],
        "metadata": {"interruptable": true}});
    let body = event(metadata) + &text("Hello.") + &finish("stop") + DONE;
    assert_eq!(collected(body).await.unwrap().text, "Hello.");
}

#[tokio::test]
async fn content_in_parts_keeps_the_text() {
    let parts = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo."},
        "odd",
    ]);
    let body = delta(json!({"content": parts})) + &finish("stop") + DONE;
    assert_eq!(collected(body).await.unwrap().text, "Hello.");
}

#[tokio::test]
async fn a_stream_without_its_end_mark_needs_a_reason_for_its_end() {
    let completion = collected(text("Hello.") + &finish("stop")).await.unwrap();
    assert_eq!(completion.text, "Hello.");
    let reset = vec![
        send(event_stream(text("Hello.") + &finish("stop"))),
        Step::Pause(Duration::from_millis(30)),
        Step::Reset,
    ];
    let stub = Stub::new(vec![reset]).await;
    let stream = client(&stub).stream(&request()).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text, "Hello.");

    let error = collected(text("Hello.")).await.unwrap_err();
    assert!(error.is_cut(), "{error}");
    let error = collected("").await.unwrap_err();
    assert!(error.is_cut(), "{error}");
    // The mark alone is enough.
    assert_eq!(collected(text("Hello.") + DONE).await.unwrap().finish_reason, None);
}

#[tokio::test]
async fn what_follows_the_end_mark_is_dropped() {
    let body = text("Hello.") + &finish("stop") + DONE + &text("More.");
    assert_eq!(collected(body).await.unwrap().text, "Hello.");
}

#[tokio::test]
async fn one_body_in_place_of_a_stream_is_read() {
    for kind in ["application/json", "application/json; charset=utf-8", "text/plain"] {
        for (body, text, calls) in [(WHOLE, "Your balance is ten euros.", 0), (TOOL_CALL, "", 1)] {
            let body = answer("200 OK", &format!("content-type: {kind}\r\n"), body);
            let stub = Stub::answering(body).await;
            let stream = client(&stub).stream(&request()).await.unwrap();
            let completion = stream.completion().await.unwrap();
            assert_eq!(completion.text, text, "{kind}");
            assert_eq!(completion.tool_calls.len(), calls, "{kind}");
            assert!(completion.finish_reason.is_some(), "{kind}");
        }
    }
    // A sample server of Vapi sends the message as `delta`.
    let body = WHOLE.replace("\"message\"", "\"delta\"");
    let stub = Stub::answering(json_answer("200 OK", &body)).await;
    let stream = client(&stub).stream(&request()).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text, "Your balance is ten euros.");

    let stub = Stub::answering(answer("200 OK", "content-type: text/html\r\n", "<p>Hi</p>")).await;
    let error = client(&stub).stream(&request()).await.unwrap_err();
    let text = "createChatCompletion: expected an event stream, got text/html";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn a_stream_in_place_of_one_body_is_read() {
    let begin = json!({"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "end_call", "arguments": "{}"}});
    let body = text("Good") + &text("bye.") + &fragment(begin) + &finish("tool_calls") + DONE;
    let stub = Stub::answering(event_stream(&body)).await;
    let answer = client(&stub).complete(&request()).await.unwrap();
    assert_eq!(answer.headers()["x-bot"], "parrot");
    let completion = Completion::from(answer.into_inner());
    assert_eq!(completion, collected(body).await.unwrap());
    assert_eq!(completion.tool_calls.len(), 1);

    // A part of an answer is not an answer.
    let stub = Stub::answering(event_stream(text("Good"))).await;
    assert!(client(&stub).complete(&request()).await.is_err());
    // Neither is an error.
    let stub = Stub::answering(event_stream(text("Good") + &event(ERROR.replace('\n', "")))).await;
    is_wrong_key(&client(&stub).complete(&request()).await.unwrap_err(), 200);
}

// Failures.

/// Checks the failure of an error, and its typed body.
#[track_caller]
fn is_wrong_key(error: &Error, status: u16) {
    let failure = error.failure().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!((failure.code(), failure.message()), ("invalid_api_key", Some("the key is wrong")));
    assert_eq!(error.status().unwrap(), status);
    let text = "createChatCompletion: failure invalid_api_key: the key is wrong";
    assert_eq!(error.to_string(), text);
    let body: ErrorAnswer = error.body_as().unwrap();
    assert_eq!(body.error.type_.as_deref(), Some("authentication_error"));
    assert_eq!(serde_json::to_value(&body).unwrap(), ERROR.parse::<Value>().unwrap());
}

#[tokio::test]
async fn a_failure_has_its_code_its_message_and_its_typed_body() {
    for status in [400, 401, 404, 429, 500, 503] {
        let stub = Stub::answering(json_answer(&format!("{status} Sorry"), ERROR)).await;
        is_wrong_key(&client(&stub).complete(&request()).await.unwrap_err(), status);
        is_wrong_key(&client(&stub).stream(&request()).await.unwrap_err(), status);
    }
}

#[tokio::test]
async fn an_error_object_with_status_200_is_a_failure() {
    let stub = Stub::answering(json_answer("200 OK", ERROR)).await;
    is_wrong_key(&client(&stub).complete(&request()).await.unwrap_err(), 200);
    is_wrong_key(&client(&stub).stream(&request()).await.unwrap_err(), 200);

    let mut both: Value = WHOLE.parse().unwrap();
    both["error"] = ERROR.parse::<Value>().unwrap()["error"].take();
    let stub = Stub::answering(json_answer("200 OK", &both.to_string())).await;
    is_wrong_key(&client(&stub).complete(&request()).await.unwrap_err(), 200);
}

#[tokio::test]
async fn an_error_object_in_a_stream_ends_it() {
    let error = event(ERROR.replace('\n', ""));
    let body = text("One ") + &error + &text("two") + DONE;
    let mut stream = streamed(body).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().text(), "One ");
    is_wrong_key(&stream.next().await.unwrap().unwrap_err(), 200);
    assert!(stream.next().await.is_none());

    is_wrong_key(&collected(error.clone() + DONE).await.unwrap_err(), 200);
    // Also after the reason for the end.
    is_wrong_key(&collected(text("One") + &finish("stop") + &error).await.unwrap_err(), 200);
}

#[tokio::test]
async fn errors_of_other_forms_are_failures() {
    let cases = [
        (json!({"error": "overloaded"}), "", Some("overloaded")),
        (json!({"error": {"message": "slow down", "code": 429}}), "429", Some("slow down")),
        (json!({"error": {"message": "no", "type": "bad"}}), "bad", Some("no")),
        (json!({"error": {"type": "bad"}}), "bad", None),
        (json!({"error": {}}), "", None),
        (json!({"object": "error", "message": "no model", "code": 404}), "404", Some("no model")),
    ];
    for (body, code, message) in cases {
        let stub = Stub::answering(json_answer("400 Bad Request", &body.to_string())).await;
        for error in [
            client(&stub).complete(&request()).await.unwrap_err(),
            client(&stub).stream(&request()).await.unwrap_err(),
        ] {
            let failure = error.failure().unwrap_or_else(|| panic!("{body}: {error:?}"));
            assert_eq!((failure.code(), failure.message()), (code, message), "{body}");
        }
        // The same as an event of a stream, which is also read in place of one body.
        let stub = Stub::answering(event_stream(text("One ") + &event(&body) + DONE)).await;
        let stream = client(&stub).stream(&request()).await.unwrap();
        for error in [
            stream.completion().await.unwrap_err(),
            client(&stub).complete(&request()).await.unwrap_err(),
        ] {
            let failure = error.failure().unwrap_or_else(|| panic!("{body}: {error:?}"));
            assert_eq!((failure.code(), failure.message()), (code, message), "{body}");
        }
    }
    for body in ["<p>Bad gateway</p>", "{\"detail\":\"x\"}", ""] {
        let stub = Stub::answering(json_answer("502 Bad Gateway", body)).await;
        let error = client(&stub).complete(&request()).await.unwrap_err();
        assert!(error.failure().is_none() && error.status().unwrap() == 502, "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_without_choices_is_not_an_answer() {
    let stub = Stub::answering(json_answer("200 OK", "{\"id\":\"c-1\",\"model\":\"large\"}")).await;
    let error = client(&stub).complete(&request()).await.unwrap_err();
    assert_eq!(error.decode_error().map(|error| error.pointer()), Some("/choices"));
}

// Connections, deadlines, retries.

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let stub = Stub::new(vec![vec![send(event_stream(text("One"))), Step::Hold]]).await;
    let mut stream = client(&stub).stream(&request()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    stub.released().await;
}

/// A client of a server that sends these pieces of a stream and then nothing more, without a socket.
fn stalled(pieces: &[String], options: CallOptions) -> (Client, Fake) {
    paced(pieces, Duration::ZERO, options)
}

/// The same, with a pause before each piece.
fn paced(pieces: &[String], pause: Duration, options: CallOptions) -> (Client, Fake) {
    let pieces = pieces.to_vec();
    let fake = Fake::new(move |_| {
        let body = stream::iter(pieces.clone()).then(move |piece| async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            Ok::<_, std::io::Error>(Bytes::from(piece))
        });
        let body = body.chain(stream::pending());
        let mut response = http::Response::new(reqwest::Body::wrap_stream(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        std::future::ready(response)
    });
    let client = Client::builder("http://model").transport(fake.clone()).options(options);
    (client.build().unwrap(), fake)
}

#[tokio::test(start_paused = true)]
async fn the_first_event_and_the_gap_have_their_deadlines() {
    let options = CallOptions::new()
        .first_event_deadline(Duration::from_secs(2))
        .gap_deadline(Duration::from_secs(7));
    let (client, _) = stalled(&[": still there\n\n".into()], options.clone());
    let start = Instant::now();
    let error = client.stream(&request()).await.unwrap().completion().await.unwrap_err();
    assert_eq!(error.deadline(), Some(Deadline::FirstEvent));
    assert_eq!(start.elapsed(), Duration::from_secs(2));

    let (client, _) = stalled(&[text("One")], options);
    let start = Instant::now();
    let error = client.stream(&request()).await.unwrap().completion().await.unwrap_err();
    assert_eq!(error.deadline(), Some(Deadline::Gap));
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_close_is_left_one_second_after_the_reason_for_the_end() {
    let (client, _) = stalled(&[text("One"), finish("stop")], CallOptions::new());
    let start = Instant::now();
    let completion = client.stream(&request()).await.unwrap().completion().await.unwrap();
    assert_eq!(completion.text, "One");
    assert_eq!(start.elapsed(), Duration::from_secs(1));

    // Each chunk behind the reason gives another second.
    let mut late = chunk(json!({}));
    late["choices"] = json!([]);
    let mut usage = late.clone();
    usage["usage"] = json!({"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28});
    let pieces = [text("One"), finish("stop"), event(late), event(usage)];
    let (client, _) = paced(&pieces, Duration::from_millis(800), CallOptions::new());
    let start = Instant::now();
    let completion = client.stream(&request()).await.unwrap().completion().await.unwrap();
    assert_eq!(completion.usage, Some(Usage::new(21, 7, 28)));
    assert_eq!(start.elapsed(), Duration::from_millis(4 * 800 + 1000));
}

#[tokio::test]
async fn nothing_is_retried_unless_the_options_say_so_and_never_a_stream_that_has_begun() {
    let busy = json_answer("503 Service Unavailable", ERROR);
    let stub = Stub::answering(busy.clone()).await;
    client(&stub).complete(&request()).await.unwrap_err();
    client(&stub).stream(&request()).await.unwrap_err();
    assert_eq!(stub.connections(), 2);

    let retries = Retries::up_to(2).initial_backoff(Duration::from_millis(1));
    let options = CallOptions::new().retries(retries);
    let good = event_stream(text("Hi") + &finish("stop") + DONE);
    let stub = Stub::new(vec![vec![send(busy)], vec![send(good)]]).await;
    let stream = client(&stub).with_options(options.clone()).stream(&request()).await.unwrap();
    assert_eq!(stream.completion().await.unwrap().text, "Hi");
    assert_eq!(stub.connections(), 2);

    let begun = [
        vec![send(event_stream(text("One"))), Step::Pause(Duration::from_millis(30)), Step::Reset],
        vec![send(event_stream(text("One") + &event(ERROR.replace('\n', ""))))],
        vec![send(STREAM_HEAD)],
    ];
    for script in begun {
        let stub = Stub::new(vec![script]).await;
        let stream = client(&stub).with_options(options.clone()).stream(&request()).await.unwrap();
        stream.completion().await.unwrap_err();
        assert_eq!(stub.connections(), 1);
    }
}

#[tokio::test]
async fn the_usage_of_a_stream_is_asked_for_by_the_request() {
    let stub = Stub::answering(event_stream(text("Hi") + &finish("stop") + DONE)).await;
    let usage = StreamOptions::new().with_include_usage(true);
    let request = request().with_stream_options(usage);
    client(&stub).stream(&request).await.unwrap();
    // OpenAI refuses the options without a stream.
    client(&stub).complete(&request).await.unwrap();
    let seen: Vec<_> =
        stub.seen().iter().map(|seen| seen.json().get("stream_options").cloned()).collect();
    assert_eq!(seen, [Some(json!({"include_usage": true})), None]);
}
