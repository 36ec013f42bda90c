//! The server, byte for byte: the chunks of a stream, the one answer, failures, keys and paths. What it has
//! in common with other platforms is in `tests/server`.

use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use callbot::chat::{
    Api, ChatRequest, CreateChatCompletionParameters, Event, FinishReason, FunctionCall,
    FunctionDelta, Reply, Server, ToolCall, ToolCallDelta, Usage, operations, router,
};
use callbot::server::{Error, SendError, query};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower_service::Service;

use crate::support::chat::{PATH, choice, event, valid};
use crate::support::errors::typed;
use crate::support::traces::traced;

type Handler = for<'a> fn(ChatRequest, &'a mut Reply) -> BoxFuture<'a, Result<(), Error>>;

/// A server whose handler is a function.
struct Says(Handler);

impl Api for Says {
    async fn create_chat_completion(
        &self,
        _: CreateChatCompletionParameters,
        request: ChatRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        (self.0)(request, reply).await
    }
}

/// A whole answer, without a connection.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// The error object of a failure with a status.
    fn error(&self) -> Value {
        assert_eq!(self.headers["x-should-retry"], "false", "{self:?}");
        self.json()["error"].clone()
    }

    /// The events of a stream, without the mark at its end.
    fn events(&self) -> Vec<Value> {
        assert_eq!(self.headers["content-type"], "text/event-stream", "{self:?}");
        assert!(!self.headers.contains_key("x-should-retry"), "{self:?}");
        let events = self.body.strip_suffix("data: [DONE]\n\n").expect("the mark");
        events.split_inclusive("\n\n").map(event).collect()
    }
}

async fn ask_at(mut router: Router, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (head, body) = router.call(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

async fn ask(handler: Handler, body: &Value) -> Answer {
    let server = Server::new(Says(handler)).clock(UNIX_EPOCH + Duration::from_secs(1_735_787_045));
    ask_at(server.router(), PATH, &[], &body.to_string()).await
}

/// The same answer with a known id.
fn with_id(answer: &Answer) -> String {
    let event: Value = match answer.body.strip_prefix("data: ") {
        Some(events) => serde_json::from_str(events.lines().next().unwrap()).unwrap(),
        None => serde_json::from_str(&answer.body).unwrap(),
    };
    let id = event["id"].as_str().unwrap();
    assert!(id.starts_with("chatcmpl-") && id.len() == 33, "{id}");
    answer.body.replace(id, "c-1")
}

const BALANCE: Handler = |_, reply| {
    Box::pin(async move {
        reply.send("Your balance ").await?;
        reply.finish("is ten euros.").await
    })
};

/// A chunk with one choice.
fn chunk(delta: &str, reason: &str) -> String {
    format!(
        r#"data: {{"id":"c-1","object":"chat.completion.chunk","created":1735787045,"model":"bot","choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}"#
    ) + "\n\n"
}

#[tokio::test]
async fn a_stream_has_the_chunks_of_openai_and_nothing_else() {
    let answer = ask(BALANCE, &valid(true)).await;
    let expected = [
        chunk(r#"{"role":"assistant","content":""}"#, "null"),
        chunk(r#"{"content":"Your balance "}"#, "null"),
        chunk(r#"{"content":"is ten euros."}"#, "null"),
        chunk("{}", r#""stop""#),
        "data: [DONE]\n\n".into(),
    ];
    assert_eq!(with_id(&answer), expected.concat());
    assert_eq!(answer.headers["cache-control"], "no-cache");
    // A handler that only returns sends the end.
    let silent = ask(|_, _| Box::pin(async { Ok(()) }), &valid(true)).await;
    let expected = [&*expected[0], &expected[3], &expected[4]].concat();
    assert_eq!(with_id(&silent), expected);
    // And one that sends no text begins early.
    let early = ask(|_, reply| Box::pin(async move { reply.send("").await }), &valid(true)).await;
    assert_eq!(with_id(&early), expected);
}

#[tokio::test]
async fn one_answer_has_what_the_stream_would_have() {
    let answer = ask(BALANCE, &valid(false)).await;
    assert_eq!(
        with_id(&answer),
        r#"{"id":"c-1","object":"chat.completion","created":1735787045,"model":"bot","choices":[{"index":0,"message":{"role":"assistant","content":"Your balance is ten euros."},"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#
    );
    let mut plain = valid(false);
    plain.as_object_mut().unwrap().remove("stream");
    assert_eq!(with_id(&ask(BALANCE, &plain).await), with_id(&answer));
    let silent = ask(|_, _| Box::pin(async { Ok(()) }), &plain).await.json();
    assert_eq!(silent["choices"][0]["message"], json!({"role": "assistant", "content": ""}));
}

#[tokio::test]
async fn the_usage_is_a_chunk_of_its_own_if_the_request_asks_for_it() {
    let counts: Handler = |_, reply| {
        Box::pin(async move {
            reply.send(Usage::new(21, 7, 28)).await?;
            reply.send("Hello.").await
        })
    };
    for (options, numbers) in [
        (json!({"include_usage": true}), true),
        (json!({"include_usage": "true"}), true),
        (json!({"include_usage": false}), false),
        (json!({}), false),
        (json!(null), false),
    ] {
        let mut request = valid(true);
        request["stream_options"] = options;
        for (handler, usage) in [(counts, [21, 7, 28]), (BALANCE, [0, 0, 0])] {
            let answer = ask(handler, &request).await;
            let mut events = answer.events();
            if numbers {
                let last = events.pop().unwrap();
                assert_eq!(last["choices"], json!([]), "{answer:?}");
                let [prompt, completion, total] = usage;
                let usage = json!({
                    "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
                });
                assert_eq!(last["usage"], usage);
            }
            assert_eq!(choice(events.last().unwrap())["finish_reason"], "stop");
            assert!(events.iter().all(|event| event.get("usage").is_none()), "{answer:?}");
        }
    }
    assert_eq!(ask(counts, &valid(false)).await.json()["usage"]["total_tokens"], 28);
}

fn call(id: &str) -> ToolCall {
    ToolCall::new(id, FunctionCall::new("end_call", r#"{"reason":"done"}"#))
}

fn fragment(index: i32, function: FunctionDelta) -> ToolCallDelta {
    ToolCallDelta::new(index).with_function(function)
}

const CALLS: Handler = |_, reply| {
    Box::pin(async move {
        reply.send(call("call_1")).await?;
        reply
            .send(fragment(4, FunctionDelta::new().with_name("transfer").with_arguments("{")))
            .await?;
        reply.send(fragment(4, FunctionDelta::new().with_arguments("}"))).await?;
        reply.send(call("")).await?;
        reply.send("Goodbye.").await
    })
};

#[tokio::test]
async fn tool_calls_are_sent_whole_or_in_fragments() {
    let answer = ask(CALLS, &valid(true)).await;
    let events = answer.events();
    let calls: Vec<_> =
        events.iter().filter_map(|event| choice(event)["delta"].get("tool_calls")).collect();
    let end = json!({"name": "end_call", "arguments": r#"{"reason":"done"}"#});
    let whole = json!([{"index": 0, "id": "call_1", "type": "function", "function": end}]);
    assert_eq!(*calls[0], whole);
    let (second, last) = (&calls[1][0], &calls[3][0]);
    assert_eq!((&second["index"], &second["type"]), (&json!(4), &json!("function")));
    assert_eq!(second["function"], json!({"name": "transfer", "arguments": "{"}));
    assert_eq!(*calls[2], json!([{"index": 4, "function": {"arguments": "}"}}]));
    assert_eq!((&last["index"], &last["function"]), (&json!(5), &end));
    for call in [second, last] {
        let id = call["id"].as_str().unwrap();
        assert!(id.starts_with("call_") && id.len() == 29, "{id}");
    }
    assert_eq!(choice(events.last().unwrap())["finish_reason"], "tool_calls");

    let folded = ask(CALLS, &valid(false)).await.json();
    let [only] = folded["choices"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(only["finish_reason"], "tool_calls");
    assert_eq!(only["message"]["content"], "Goodbye.");
    let calls = only["message"]["tool_calls"].as_array().unwrap();
    let names: Vec<_> = calls.iter().map(|call| &call["function"]).collect();
    assert_eq!(names, [&end, &json!({"name": "transfer", "arguments": "{}"}), &end]);
    assert!(calls.iter().all(|call| call["type"] == "function" && call["id"] != ""), "{folded}");

    // A message that only calls a tool has no text.
    let only = ask(|_, reply| Box::pin(reply.send(call("call_1"))), &valid(false)).await.json();
    assert_eq!(only["choices"][0]["message"].get("content"), None, "{only}");
}

#[tokio::test]
async fn a_fragment_that_no_reader_could_place_is_refused() {
    let handler: Handler = |_, reply| {
        Box::pin(async move {
            for (function, says) in [
                (
                    FunctionDelta::new(),
                    "name: missing, required in the first fragment of a tool call",
                ),
                (
                    FunctionDelta::new().with_name(""),
                    "name: missing, required in the first fragment",
                ),
            ] {
                let refused = typed(reply.send(fragment(0, function)).await).unwrap_err();
                assert!(
                    matches!(refused, SendError::Invalid(_)) && refused.to_string().contains(says)
                );
            }
            let mut nowhere = fragment(0, FunctionDelta::new().with_name("end_call"));
            nowhere.index = None;
            let refused: SendError = typed(reply.send(nowhere).await).unwrap_err();
            assert!(
                refused.to_string().contains("/tool_calls/0/index: missing, required"),
                "{refused}"
            );
            reply.send("checked").await
        })
    };
    for stream in [true, false] {
        let answer = ask(handler, &valid(stream)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            answer.body.contains("checked") && !answer.body.contains("tool_calls"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_reason_for_the_end_lets_only_the_usage_follow() {
    let handler: Handler = |_, reply| {
        Box::pin(async move {
            reply.send(Event::Reasoning("The caller is in a hurry.".into())).await?;
            reply.send("Ten eu").await?;
            reply.send(FinishReason::Length).await?;
            for event in [Event::from("ros"), FinishReason::Stop.into(), call("call_1").into()] {
                assert_eq!(typed(reply.send(event).await), Err(SendError::Finished));
            }
            reply.finish(Usage::new(1, 2, 3)).await
        })
    };
    let mut request = valid(true);
    request["stream_options"] = json!({"include_usage": true});
    let events = ask(handler, &request).await.events();
    let deltas: Vec<_> = events[..4].iter().map(|event| choice(event)["delta"].clone()).collect();
    assert_eq!(deltas[1], json!({"reasoning_content": "The caller is in a hurry."}));
    assert_eq!((&deltas[2], &deltas[3]), (&json!({"content": "Ten eu"}), &json!({})));
    assert_eq!(events[3]["choices"][0]["finish_reason"], "length");
    assert_eq!((events.len(), &events[4]["usage"]["total_tokens"]), (5, &json!(3)));

    let folded = ask(handler, &valid(false)).await.json();
    let message = json!({
        "role": "assistant", "content": "Ten eu",
        "reasoning_content": "The caller is in a hurry.",
    });
    assert_eq!(folded["choices"][0]["message"], message);
    assert_eq!(folded["choices"][0]["finish_reason"], "length");
    assert_eq!(folded["usage"]["total_tokens"], 3);
}

#[tokio::test]
async fn the_model_is_repeated_and_a_request_without_one_is_served() {
    let long = "m".repeat(257);
    for (model, repeated) in [
        (json!("bank-7"), "bank-7"),
        (json!(7), "7"),
        (json!(null), "bot"),
        (json!(""), "bot"),
        (json!({"name": "x"}), "bot"),
        (json!(long), "bot"),
    ] {
        for stream in [true, false] {
            let mut request = valid(stream);
            request["model"] = model.clone();
            let answer = ask(BALANCE, &request).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.body.contains(&format!(r#""model":"{repeated}""#)), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_messages_is_refused_by_the_name_of_the_field() {
    for (body, message, param) in [
        (json!({"model": "bot"}), "/messages: must be there", json!("messages")),
        (json!({"messages": null}), "/messages: must be there", json!("messages")),
        (json!({"messages": []}), "/messages: must have at least one message", json!("messages")),
        (
            json!({"messages": [{"role": "user", "content": "a"}, 7]}),
            "/messages/1: invalid type: integer, expected an object",
            json!("messages[1]"),
        ),
        (
            json!({"messages": [{"role": "user", "tool_calls": 7}], "stream": true}),
            "/messages/0/tool_calls: ",
            json!("messages[0].tool_calls"),
        ),
        (json!([]), "invalid type: sequence, expected an object", json!(null)),
    ] {
        let answer = ask(BALANCE, &body).await;
        let error = answer.error();
        assert_eq!(
            (answer.status, &error["type"]),
            (400, &json!("invalid_request_error")),
            "{body}"
        );
        assert!(error["message"].as_str().unwrap().starts_with(message), "{error}");
        assert_eq!((&error["param"], &error["code"]), (&param, &json!(null)), "{error}");
    }
}

#[tokio::test]
async fn a_failure_before_the_first_event_has_a_status_and_one_behind_it_an_event() {
    let early: Handler = |_, reply| {
        Box::pin(async move {
            // It is not sent yet, so it begins nothing.
            reply.send(Usage::new(1, 1, 2)).await?;
            Err(Error::public("the line is busy").status(429).code("busy"))
        })
    };
    let late: Handler = |_, reply| {
        Box::pin(async move {
            reply.send("One moment").await?;
            Err(Error::public("the line is busy").status(429).code("busy"))
        })
    };
    let object = json!({
        "message": "the line is busy", "type": "rate_limit_error", "param": null, "code": "busy",
    });
    for (handler, stream) in [(early, true), (early, false), (late, false)] {
        let answer = ask(handler, &valid(stream)).await;
        assert_eq!((answer.status, answer.error()), (429, object.clone()), "{answer:?}");
    }
    let answer = ask(late, &valid(true)).await;
    let events = answer.events();
    assert_eq!(answer.status, 200);
    assert_eq!(choice(&events[1])["delta"]["content"], "One moment");
    assert_eq!(events[2..], [json!({"error": object})]);
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "invalid_request_error"),
        (503, "server_error"),
    ] {
        let handler: Handler = |request, _| {
            let status = request.max_tokens.unwrap().try_into().unwrap();
            Box::pin(async move { Err(Error::public("no").status(status)) })
        };
        let mut request = valid(true);
        request["max_tokens"] = status.into();
        let answer = ask(handler, &request).await;
        assert_eq!((answer.status, &answer.error()["type"]), (status, &json!(kind)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_missed_deadline_has_a_status_until_the_stream_has_begun() {
    let never: Handler = |_, _| Box::pin(std::future::pending());
    let begun: Handler = |_, reply| {
        Box::pin(async move {
            reply.send("One moment").await?;
            std::future::pending().await
        })
    };
    let ask = |handler, stream| async move {
        let server = Server::new(Says(handler)).deadline(Some(Duration::from_secs(8)));
        ask_at(server.router(), PATH, &[], &valid(stream).to_string()).await
    };
    for (handler, stream) in [(never, true), (never, false), (begun, false)] {
        let answer = ask(handler, stream).await;
        assert_eq!((answer.status, &answer.error()["message"]), (500, &json!("no answer in time")));
    }
    let events = ask(begun, true).await.events();
    assert_eq!(events.last().unwrap()["error"]["type"], "server_error");
}

#[tokio::test]
async fn a_key_is_needed_with_or_without_bearer() {
    let server = || Server::new(Says(BALANCE)).key("key-one").key("key-two").key("");
    for (given, opens) in [
        ("Bearer key-one", true),
        ("Bearer key-two", true),
        ("bearer  key-one ", true),
        ("key-two", true),
        ("Bearer key-three", false),
        ("Bearer key-on", false),
        ("Bearer key-one key-two", false),
        ("Basic key-one", false),
        ("Bearer", false),
        ("Bearer ", false),
        ("", false),
    ] {
        let body = valid(false).to_string();
        let answer = ask_at(server().router(), PATH, &[("authorization", given)], &body).await;
        if opens {
            assert_eq!(answer.status, 200, "{given:?}: {answer:?}");
            continue;
        }
        let error = answer.error();
        assert_eq!((answer.status, &error["code"]), (401, &json!("invalid_api_key")), "{given:?}");
        let expected = (&json!("the key is wrong"), &json!("authentication_error"));
        assert_eq!((&error["message"], &error["type"]), expected, "{given:?}");
    }
    // The body is not read, whatever it is.
    let small = server().body_limit(8).router();
    let answer = ask_at(small, PATH, &[], "not JSON, and too long").await;
    let missing = json!("the header Authorization is missing");
    assert_eq!((answer.status, &answer.error()["message"]), (401, &missing));
}

#[test]
fn a_server_without_a_key_warns_in_the_log() {
    let says = "chat completions are served to anybody who reaches this server";
    let (traces, _guard) = traced();
    let _: Router = Server::new(Says(BALANCE)).key("key").router();
    assert_eq!(traces.with(&[says]), [""; 0]);
    let _: Router = router(Says(BALANCE));
    assert_eq!(traces.with(&["WARN", says]).len(), 1, "{}", traces.text());
}

#[test]
fn no_key_is_shown() {
    let server = Server::new(()).key("key-4711");
    assert!(!format!("{server:?}").contains("4711"));
}

/// Returns which of some paths a server answers at.
async fn served(router: &Router) -> Vec<&'static str> {
    let mut found = Vec::new();
    for path in [
        "/chat/completions",
        "/chat/completions/chat/completions",
        "/v1/chat/completions",
        "/v1/chat/completions/chat/completions",
        "/v1",
        "/bot/chat/completions",
        "/bot/chat/completions/chat/completions",
        "/bot",
        "/",
    ] {
        let answer = ask_at(router.clone(), path, &[], &valid(true).to_string()).await;
        match answer.status {
            200 => found.push(path),
            404 => {}
            _ => panic!("{path}: {answer:?}"),
        }
    }
    found
}

#[tokio::test]
async fn the_path_may_be_doubled_and_bases_and_whole_urls_are_settings() {
    let server = || Server::new(Says(BALANCE));
    let below = [
        "/chat/completions",
        "/chat/completions/chat/completions",
        "/v1/chat/completions",
        "/v1/chat/completions/chat/completions",
    ];
    assert_eq!(served(&router(Says(BALANCE))).await, below);
    let whole = server().whole_url("/v1").unwrap().whole_url("/").unwrap();
    assert_eq!(served(&whole.router()).await, [&below[..], &["/v1", "/"]].concat());
    let bot = ["/bot/chat/completions", "/bot/chat/completions/chat/completions"];
    for base in ["/bot", "/bot/"] {
        assert_eq!(served(&server().base(base).unwrap().router()).await, bot);
    }
    let both = server().base("").unwrap().base("/bot").unwrap().base("/bot").unwrap();
    assert_eq!(served(&both.router()).await, [&below[..2], &bot].concat());
    // A base that ends with the path itself.
    let doubled = server().base("/bot").unwrap().base("/bot/chat/completions").unwrap();
    assert_eq!(served(&doubled.router()).await, bot);
    let only = server().path(&operations::CREATE_CHAT_COMPLETION, "/bot").unwrap();
    assert_eq!(served(&only.router()).await, ["/bot"]);
}

#[test]
fn a_base_or_a_url_that_no_router_matches_is_an_error() {
    for path in ["bot", "/{tenant}", "/:tenant", "/a b", "/?x"] {
        let error = Server::new(Says(BALANCE)).base(path).err().unwrap().to_string();
        let says = format!("createChatCompletion can't be served at {path:?}: ");
        assert!(error.starts_with(&says), "{error}");
        let error = Server::new(Says(BALANCE)).whole_url(path).err().unwrap().to_string();
        assert!(error.starts_with(&says), "{error}");
    }
    assert!(Server::new(Says(BALANCE)).whole_url("").is_err());
}

#[tokio::test]
async fn a_handler_sees_the_query_of_its_request() {
    let handler: Handler = |_, reply| {
        Box::pin(async move {
            let before = query();
            reply.send("One moment").await?;
            tokio::task::yield_now().await;
            assert_eq!(query(), before);
            reply.finish(before.as_deref().unwrap_or("none")).await
        })
    };
    for (path, expected) in [("?line=north%20&key=1", "line=north%20&key=1"), ("", "none")] {
        for stream in [true, false] {
            let path = format!("{PATH}{path}");
            let server = Server::new(Says(handler)).deadline(Some(Duration::from_secs(60)));
            let answer = ask_at(server.router(), &path, &[], &valid(stream).to_string()).await;
            assert!(answer.body.contains(expected), "{answer:?}");
        }
    }
    assert_eq!(query(), None);
}

#[test]
fn an_event_does_not_show_what_is_said() {
    let events = [
        Event::from("SECRET"),
        String::from("SECRET").into(),
        Event::Reasoning("SECRET".into()),
        ToolCall::new("call_1", FunctionCall::new("end_call", "SECRET")).into(),
        fragment(0, FunctionDelta::new().with_arguments("SECRET")).into(),
        FinishReason::Stop.into(),
        Usage::new(1, 2, 3).into(),
    ];
    for event in events {
        assert!(!format!("{event:?}").contains("SECRET"), "{event:?}");
    }
}
