//! Details of the requests of the DUIX dialogue: ids, the context, moved paths, and the secret header.
//! `tests/server/bad_requests.rs` has what holds on every platform.

use std::collections::BTreeMap;

use callbot::duix::dialogue::{
    Answer, Api, DialogueRequest, DialogueRequestFields, Reply, Server, operations,
};
use callbot::server::Error;
use http::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::duix::*;
use crate::support::json::{arrays, with_json as with_json_at};

/// A text that no refusal may hold.
const SECRET: &str = "SECRET-4711";

/// Notes each request that reaches a handler, as it was understood.
#[derive(Debug)]
struct Recorder(UnboundedSender<Value>);

impl Recorder {
    fn note(&self, request: &DialogueRequest) -> Result<(), Error> {
        Ok(self.0.send(serde_json::to_value(request)?)?)
    }
}

impl Api for Recorder {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        self.note(&request)?;
        Ok("heard".into())
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        self.note(&request)?;
        reply.finish("heard").await
    }
}

/// A peer of a server whose handlers only note what they get, and their notes.
struct Bench {
    peer: Peer,
    heard: UnboundedReceiver<Value>,
}

impl Bench {
    async fn with(settings: impl FnOnce(Server<Recorder>) -> Server<Recorder>) -> Self {
        let (told, heard) = unbounded_channel();
        // The fallback is for handlers: a refusal must not say it.
        let server = Server::new(Recorder(told)).fallback("FALLBACK");
        let address = start(settings(server)).await;
        Self { peer: Peer::connect(address).await, heard }
    }

    async fn new() -> Self {
        Self::with(|server| server).await
    }

    /// Sends a request that must be served, as a stream or as JSON. Returns what the handler understood.
    async fn accepts_as(&mut self, streamed: bool, post: &Post) -> Value {
        let answer = self.peer.ask(post).await;
        let heard = self.heard.try_recv();
        let heard = heard.unwrap_or_else(|_| panic!("not accepted: {post:?}: {answer:?}"));
        if streamed {
            assert_eq!(answer.frames(), ["heard"]);
        } else {
            let body = answer.json();
            assert_eq!((answer.status, &body["success"]), (200, &json!(true)), "{answer:?}");
            assert_eq!(body["data"]["conversationId"], heard["dh-conversation-id"]);
            assert_eq!(body["data"]["question"], heard["dh-question"]);
        }
        heard
    }

    async fn accepts(&mut self, path: &str, post: &Post) -> Value {
        self.accepts_as(path == STREAMED, post).await
    }

    /// Sends a request that must be refused with this status: the handler is not called, and the answer is
    /// one JSON body, also on the path of the stream. Returns the text of the failure.
    async fn refuses(&mut self, post: &Post, status: u16) -> String {
        let answer = self.peer.ask(post).await;
        assert!(self.heard.try_recv().is_err(), "the handler was called: {post:?}");
        let (code, message) = answer.envelope(status);
        assert_eq!(code, status.to_string(), "{answer:?}");
        assert_ne!(message, "", "{answer:?}");
        assert!(!answer.body.contains(SECRET) && !answer.body.contains("FALLBACK"), "{answer:?}");
        message
    }

    /// Sends a request that must be refused with status 400 and a message about this place.
    async fn refuses_place(&mut self, post: &Post, pointer: &str) -> String {
        let message = self.refuses(post, 400).await;
        assert!(message.starts_with(&format!("{pointer}: ")), "{pointer} is wrong: {message}");
        message
    }
}

/// The example with this JSON as the value of a field.
fn with_json(key: &str, json: &str) -> String {
    with_json_at(&valid(), &format!("/{key}"), json)
}

/// A valid body of exactly this length.
fn sized(length: usize) -> String {
    let pad = |pad: usize| changed("unknown", Some("x".repeat(pad).into())).to_string();
    let body = pad(length - pad(0).len());
    assert_eq!(body.len(), length);
    body
}

#[tokio::test]
async fn the_first_missing_field_is_named() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for body in ["{}", "{\"dh-context\":\"{}\"}", "{\"DH-QUESTION\":\"who are you?\"}"] {
            bench.refuses_place(&Post::new(path, body), "/dh-question").await;
        }
    }
}

#[tokio::test]
async fn a_question_is_not_read_from_a_number() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for number in [json!(47114711), json!(47.11), json!(-4711)] {
            let post = Post::json(path, &changed("dh-question", Some(number)));
            let message = bench.refuses_place(&post, "/dh-question").await;
            assert!(message.contains("invalid type"), "{message}");
            assert!(!message.contains("47"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_context_that_is_nested_too_deeply_is_refused() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        let post = Post::new(path, with_json("dh-context", &arrays(200_000)));
        let message = bench.refuses(&post, 400).await;
        assert!(message.starts_with("/dh-context") && message.len() < 100, "{message}");
    }
}

#[tokio::test]
async fn paths_that_resemble_those_of_the_document_are_not_served() {
    let mut bench = Bench::new().await;
    for path in ["/duix", "/duix/dialogue/", "/duix/dialogue/streams", "/DUIX/dialogue"] {
        let answer = bench.peer.ask(&Post::question(path)).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    assert!(bench.heard.try_recv().is_err());
}

#[tokio::test]
async fn unknown_fields_and_unusual_spellings_are_read() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        let deep = json!({"deep": [null, {"x": 1.5}], "dh-question": 7});
        let heard = bench.accepts(path, &Post::json(path, &changed("unknown", Some(deep)))).await;
        assert_eq!(heard, valid());
        let escaped = valid().to_string().replace("dh-question", "dh\\u002dquestion");
        assert_eq!(bench.accepts(path, &Post::new(path, escaped)).await, valid());
        let pretty = serde_json::to_string_pretty(&valid()).unwrap().replace('\n', "\r\n\t");
        assert_eq!(bench.accepts(path, &Post::new(path, pretty)).await, valid());
        for text in ["", "\u{0}\r\n", "余额？🙂", "{\"a\":1}"] {
            let heard = bench.accepts(path, &Post::asking(path, text)).await;
            assert_eq!(heard["dh-question"], text);
        }
    }
}

#[tokio::test]
async fn ids_are_read_from_numbers_without_loss() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for field in ["sid", "dh-code", "dh-conversation-id"] {
            for number in [
                "0",
                "7",
                "-7",
                "100003",
                // Above 2^53, where a double would be another number.
                "9007199254740993",
                "187265485019156481",
                "1872654850191564817",
                "9223372036854775807",
                "-9223372036854775808",
                "18446744073709551615",
            ] {
                let heard = bench.accepts(path, &Post::new(path, with_json(field, number))).await;
                assert_eq!(heard, changed(field, Some(number.into())));
            }
        }
    }
}

#[tokio::test]
async fn an_id_beyond_64_bits_is_read_without_loss_or_refused() {
    for path in BOTH {
        let mut bench = Bench::new().await;
        for number in ["18446744073709551617", "123456789012345678901234", "-9223372036854775809"] {
            let body = with_json("dh-conversation-id", number);
            bench.peer.ask(&Post::new(path, body)).await;
            if let Ok(heard) = bench.heard.try_recv() {
                assert_eq!(heard["dh-conversation-id"], number);
            }
        }
    }
}

#[tokio::test]
async fn the_context_is_a_text_or_the_text_of_the_json() {
    let mut bench = Bench::new().await;
    let cases = [
        (r#""{}""#, Some("{}")),
        (r#""{\"a\": [1, 2]}""#, Some("{\"a\": [1, 2]}")),
        (r#""""#, Some("")),
        (r#"" no json ""#, Some(" no json ")),
        (r#"{"a": [1, {"b": null}], "c": "\u00e9"}"#, Some(r#"{"a":[1,{"b":null}],"c":"é"}"#)),
        ("{}", Some("{}")),
        ("[1, \"x\"]", Some("[1,\"x\"]")),
        ("1872654850191564817", Some("1872654850191564817")),
        ("true", Some("true")),
        ("null", None),
    ];
    for path in BOTH {
        for (json, expected) in cases {
            let heard = bench.accepts(path, &Post::new(path, with_json("dh-context", json))).await;
            assert_eq!(heard, changed("dh-context", expected.map(Into::into)), "{json}");
        }
        let heard = bench.accepts(path, &Post::json(path, &changed("dh-context", None))).await;
        assert_eq!(heard, changed("dh-context", None));
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Context {
    turns: u32,
    #[serde(default)]
    notes: Vec<String>,
}

fn with_context(context: Option<&str>) -> DialogueRequest {
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "100003",
        avatar_code: "1",
        question: "who are you?",
        conversation_id: "c-1",
    });
    match context {
        Some(context) => request.with_context(context),
        None => request,
    }
}

#[test]
fn a_context_is_read_as_a_type() {
    let context = Context { turns: 2, notes: vec!["a".into()] };
    for (text, expected) in [
        (None, None),
        (Some(""), None),
        (Some(" \r\n\t"), None),
        (Some(r#"{"turns":2,"notes":["a"],"more":null}"#), Some(context)),
        (Some(" {\"turns\": 7}\n"), Some(Context { turns: 7, notes: Vec::new() })),
    ] {
        assert_eq!(with_context(text).context_as::<Context>(), Ok(expected), "{text:?}");
    }
    let any = with_context(Some("{}")).context_as::<BTreeMap<String, Value>>();
    assert_eq!(any, Ok(Some(BTreeMap::new())));
    assert_eq!(with_context(Some("[1]")).context_as::<Value>(), Ok(Some(json!([1]))));
}

#[test]
fn a_context_of_another_type_is_an_error_with_its_place_and_without_its_values() {
    for (text, pointer, message) in [
        ("{}", "/dh-context/turns", "must be there"),
        (r#"{"turns":"SECRET-4711"}"#, "/dh-context/turns", "invalid type: string"),
        (r#"{"turns":-4711}"#, "/dh-context/turns", "invalid value: integer"),
        (r#"{"turns":1,"notes":["a",4711]}"#, "/dh-context/notes/1", "invalid type: integer"),
        (r#"{"turns":1,"notes":"SECRET-4711"}"#, "/dh-context/notes", "invalid type: string"),
        ("47114711", "/dh-context", "invalid type: integer"),
        ("SECRET-4711", "/dh-context", "not JSON: "),
        (r#"{"turns":1"#, "/dh-context", "not JSON: "),
        (r#"{"turns":1} 4711"#, "/dh-context", "not JSON: trailing"),
    ] {
        let error = with_context(Some(text)).context_as::<Context>().unwrap_err();
        assert_eq!(error.pointer(), pointer, "{text}: {error}");
        assert!(error.message().starts_with(message), "{text}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("4711"), "{shown}");
    }
}

#[tokio::test]
async fn both_operations_can_be_served_at_any_path() {
    let moved = |server: Server<Recorder>| {
        let server = server.path(&operations::DIALOGUE, "/bots/7/ask").unwrap();
        server.path(&operations::DIALOGUE_STREAM, "/bots/7/say").unwrap()
    };
    let mut bench = Bench::with(moved).await;
    bench.accepts_as(false, &Post::question("/bots/7/ask")).await;
    bench.accepts_as(true, &Post::question("/bots/7/say")).await;
    for path in ["/bots/7/ask", "/bots/7/say"] {
        let post = Post::json(path, &changed("dh-question", None));
        bench.refuses_place(&post, "/dh-question").await;
    }
    for path in BOTH {
        assert_eq!(bench.peer.ask(&Post::question(path)).await.status, 404);
    }

    let one = |server: Server<Recorder>| server.path(&operations::DIALOGUE_STREAM, "/").unwrap();
    let mut bench = Bench::with(one).await;
    bench.accepts_as(false, &Post::question(ANSWERED)).await;
    bench.accepts_as(true, &Post::question("/")).await;
    assert_eq!(bench.peer.ask(&Post::question(STREAMED)).await.status, 404);

    let swapped = |server: Server<Recorder>| {
        let server = server.path(&operations::DIALOGUE, "/elsewhere").unwrap();
        let server = server.path(&operations::DIALOGUE_STREAM, ANSWERED).unwrap();
        server.path(&operations::DIALOGUE, STREAMED).unwrap()
    };
    let mut bench = Bench::with(swapped).await;
    bench.accepts_as(false, &Post::question(STREAMED)).await;
    bench.accepts_as(true, &Post::question(ANSWERED)).await;
}

#[test]
fn a_path_that_cannot_be_served_is_an_error() {
    let server = || Server::new(Recorder(unbounded_channel().0));
    for path in ["", "say", "/{id}", "/a b", "/a?b", "/:a", "/*a", "/é", "http://bot/a", STREAMED]
    {
        assert!(server().path(&operations::DIALOGUE, path).is_err(), "{path:?}");
    }
    assert!(server().path(&operations::DIALOGUE_STREAM, ANSWERED).is_err());
    // An operation can move to its own path.
    assert!(server().path(&operations::DIALOGUE, ANSWERED).is_ok());
}

const HEADER: &str = "x-callbot-secret";

async fn locked(secret: &str) -> Bench {
    let secret = secret.to_owned();
    Bench::with(|server| server.secret(HeaderName::from_static(HEADER), secret)).await
}

#[tokio::test]
async fn only_requests_with_the_secret_are_served() {
    let mut bench = locked(SECRET).await;
    for path in BOTH {
        for name in [HEADER, "X-Callbot-Secret", "X-CALLBOT-SECRET"] {
            bench.accepts(path, &Post::question(path).header(name, SECRET)).await;
        }
        // Space around a header value is not a part of it.
        bench.accepts(path, &Post::question(path).header(HEADER, format!(" \t{SECRET} "))).await;
        let message = bench.refuses(&Post::question(path), 401).await;
        assert!(message.contains(HEADER), "{message}");
        bench.refuses(&Post::question(path).header("authorization", SECRET), 401).await;
        for wrong in [
            "",
            "x",
            "SECRET-471",
            "SECRET-47111",
            "secret-4711",
            "ECRET-4711",
            "SECRET-4711, SECRET-4711",
            "\"SECRET-4711\"",
            "Bearer SECRET-4711",
        ] {
            let message = bench.refuses(&Post::question(path).header(HEADER, wrong), 403).await;
            assert!(message.contains(HEADER), "{message}");
        }
        // It is needed for bad requests, too, and is checked first.
        for post in [Post::new(path, "{"), Post::question(path).content_type(Some("text/plain"))] {
            bench.refuses(&post, 401).await;
            bench.refuses(&post.clone().header(HEADER, "x"), 403).await;
            bench.refuses(&post.clone().header(HEADER, SECRET), 400).await;
        }
    }
}

#[tokio::test]
async fn unusual_bytes_in_the_header_are_a_wrong_secret() {
    let mut bench = locked(SECRET).await;
    for path in BOTH {
        for wrong in [
            b"\xFF\xFE".to_vec(),
            b"SECRET-4711\xFF".to_vec(),
            b"\x80SECRET-4711".to_vec(),
            b"SECRET-\xC0\xB44711".to_vec(),
            "ＳECRET-4711".into(),
            b"SECRET\t-4711".to_vec(),
            vec![b'x'; 16 * 1024],
        ] {
            bench.refuses(&Post::question(path).header(HEADER, wrong), 403).await;
        }
        // Two values are refused even if one is right.
        let twice = Post::question(path).header(HEADER, "x").header(HEADER, SECRET);
        bench.refuses(&twice, 403).await;
    }
    for secret in ["schlüssel-键", "a b\tc", "~!@#$%^&*()_+{}|:\"<>?`-=[]\\;',./", "x"] {
        let mut bench = locked(secret).await;
        for path in BOTH {
            bench.accepts(path, &Post::question(path).header(HEADER, secret)).await;
            let latin: Vec<u8> = secret.chars().map(|c| c as u32 as u8).collect();
            if latin != secret.as_bytes() {
                bench.refuses(&Post::question(path).header(HEADER, latin), 403).await;
            }
        }
    }
}

#[tokio::test]
async fn an_empty_secret_never_matches() {
    let mut bench = locked("").await;
    for path in BOTH {
        bench.refuses(&Post::question(path), 401).await;
        bench.refuses(&Post::question(path).header(HEADER, "x"), 403).await;
        bench.refuses(&Post::question(path).header(HEADER, ""), 403).await;
    }
}

#[tokio::test]
async fn a_request_without_the_secret_is_answered_whatever_the_size_of_its_body() {
    for path in BOTH {
        let post = Post::new(path, sized(8 * 1024 * 1024));
        locked(SECRET).await.refuses(&post, 401).await;
        locked(SECRET).await.refuses(&post.header(HEADER, "x"), 403).await;
    }
}

#[tokio::test]
async fn the_secret_is_needed_at_a_moved_path_too() {
    let settings = |server: Server<Recorder>| {
        let server = server.secret(HeaderName::from_static("authorization"), SECRET);
        server.path(&operations::DIALOGUE_STREAM, "/say").unwrap()
    };
    let mut bench = Bench::with(settings).await;
    bench.refuses(&Post::question("/say"), 401).await;
    bench.accepts_as(true, &Post::question("/say").header("Authorization", SECRET)).await;
    let answer = bench.peer.ask(&Post::question("/say").method("GET")).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn the_secret_shows_in_no_answer_no_debug_and_no_trace() {
    const GIVEN: &str = "given-0815";
    let (traces, _guard) = traced();
    let (told, mut heard) = unbounded_channel();
    let server = Server::new(Recorder(told))
        .secret(HeaderName::from_static(HEADER), SECRET)
        .trace_content(true);
    let shown = format!("{server:?} {server:#?}");
    assert!(shown.contains(HEADER) && !shown.contains(SECRET), "{shown}");

    let mut peer = Peer::connect(start(server).await).await;
    let mut bodies = String::new();
    for path in BOTH {
        for post in [
            Post::question(path),
            Post::question(path).header(HEADER, GIVEN),
            Post::question(path).header(HEADER, SECRET),
            Post::new(path, "{").header(HEADER, SECRET),
        ] {
            bodies += &peer.ask(&post).await.body;
        }
    }
    assert_eq!((heard.recv().await, heard.recv().await), (Some(valid()), Some(valid())));
    assert!(!bodies.contains(SECRET) && !bodies.contains(GIVEN), "{bodies}");
    assert_eq!(traces.with(&[SECRET]), [""; 0]);
    assert_eq!(traces.with(&[GIVEN]), [""; 0]);
    // All requests were traced: those without the secret, their content, and bad ones.
    for parts in [
        ["WARN", "status=401", "\"dialogue\""],
        ["WARN", "status=403", "\"dialogue\""],
        ["WARN", "status=400", "\"dialogue\""],
        ["TRACE", "who are you?", "\"dialogue\""],
        ["WARN", "status=401", "\"dialogueStream\""],
        ["WARN", "status=403", "\"dialogueStream\""],
        ["TRACE", "who are you?", "\"dialogueStream\""],
    ] {
        assert!(!traces.with(&parts).is_empty(), "{parts:?}: {:#?}", traces.lines());
    }
}

#[tokio::test]
async fn content_is_traced_only_when_set() {
    for on in [None, Some(false), Some(true)] {
        let (traces, _guard) = traced();
        let settings = |server: Server<Recorder>| match on {
            Some(on) => server.trace_content(on),
            None => server,
        };
        let mut bench = Bench::with(settings).await;
        for path in BOTH {
            bench.accepts(path, &Post::asking(path, SECRET)).await;
            let body = changed("dh-conversation-id", None).to_string();
            let body = body.replace("who are you?", SECRET);
            bench.refuses_place(&Post::new(path, body), "/dh-conversation-id").await;
        }
        let on = on == Some(true);
        assert_eq!(!traces.with(&[SECRET]).is_empty(), on, "{:#?}", traces.lines());
        assert_eq!(!traces.with(&["TRACE", "heard"]).is_empty(), on, "{:#?}", traces.lines());
        assert_eq!(traces.with(&["WARN", "/dh-conversation-id: must be there"]).len(), 2);
    }
}

#[test]
fn debug_of_a_request_shows_nothing_that_was_said() {
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "100003",
        avatar_code: "1",
        question: SECRET,
        conversation_id: "c-1",
    })
    .with_context(SECRET);
    let shown = format!("{request:?}");
    assert!(shown.contains("c-1") && !shown.contains(SECRET), "{shown}");
}
