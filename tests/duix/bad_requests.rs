//! What a DUIX dialogue bot reads, how it refuses what it can't read, and whom it lets in.

#![cfg(all(feature = "duix", feature = "server"))]

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

/// No refusal may hold it.
const SECRET: &str = "SECRET-4711";

/// The fields that must be there.
const REQUIRED: [&str; 4] = ["sid", "dh-code", "dh-question", "dh-conversation-id"];

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

/// A server whose handlers only note, a peer of it, and what they noted.
struct Bench {
    peer: Peer,
    heard: UnboundedReceiver<Value>,
}

impl Bench {
    async fn with(settings: impl FnOnce(Server<Recorder>) -> Server<Recorder>) -> Self {
        let (told, heard) = unbounded_channel();
        // The fallback is for handlers, and none of a refusal's business.
        let server = Server::new(Recorder(told)).fallback("FALLBACK");
        let address = start(settings(server)).await;
        Self { peer: Peer::connect(address).await, heard }
    }

    async fn new() -> Self {
        Self::with(|server| server).await
    }

    /// The request is served as JSON or as a stream, whichever this is; what the handler understood.
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

    /// The request is refused with this status: the handler is not called, and the answer is one
    /// JSON body, on the path of the stream as well. Returns the text of the failure.
    async fn refuses(&mut self, post: &Post, status: u16) -> String {
        let answer = self.peer.ask(post).await;
        assert!(self.heard.try_recv().is_err(), "the handler was called: {post:?}");
        let (code, message) = answer.envelope(status);
        assert_eq!(code, status.to_string(), "{answer:?}");
        assert_ne!(message, "", "{answer:?}");
        assert!(!answer.body.contains(SECRET) && !answer.body.contains("FALLBACK"), "{answer:?}");
        message
    }

    /// The request is refused with status 400 and a message about the place.
    async fn refuses_place(&mut self, post: &Post, pointer: &str) -> String {
        let message = self.refuses(post, 400).await;
        assert!(message.starts_with(&format!("{pointer}: ")), "{pointer} is wrong: {message}");
        message
    }
}

/// The example with one more field, or another one, whose value is this JSON.
fn with_json(key: &str, json: &str) -> String {
    changed(key, Some("here".into())).to_string().replace("\"here\"", json)
}

fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[tokio::test]
async fn a_missing_or_null_field_is_named() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for field in REQUIRED {
            for value in [None, Some(Value::Null)] {
                let post = Post::json(path, &changed(field, value));
                let message = bench.refuses_place(&post, &format!("/{field}")).await;
                assert_eq!(message, format!("/{field}: must be there"));
            }
        }
        for body in ["{}", "{\"dh-context\":\"{}\"}", "{\"DH-QUESTION\":\"who are you?\"}"] {
            bench.refuses_place(&Post::new(path, body), "/sid").await;
        }
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_named_and_not_shown() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for field in REQUIRED {
            for value in [json!({ SECRET: SECRET }), json!([SECRET]), json!(true), json!([])] {
                let post = Post::json(path, &changed(field, Some(value)));
                let message = bench.refuses_place(&post, &format!("/{field}")).await;
                assert!(message.contains("invalid type"), "{message}");
            }
        }
        // A question is no id.
        for number in [json!(47114711), json!(47.11), json!(-4711)] {
            let post = Post::json(path, &changed("dh-question", Some(number)));
            let message = bench.refuses_place(&post, "/dh-question").await;
            assert!(!message.contains("47"), "{message}");
        }
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        let whole = changed("sid", Some(SECRET.into())).to_string();
        let mut bodies = vec![
            String::new(),
            " \n".into(),
            "[]".into(),
            format!("[{whole}]"),
            format!("{whole}{whole}"),
            "null".into(),
            "4711".into(),
            format!("\"{SECRET}\""),
            Value::from(whole.as_str()).to_string(),
            format!("{{\"sid\": \"{SECRET}"),
            whole.replace(':', "="),
            whole.replace('"', "'"),
            format!("\u{FEFF}{whole}"),
            "sid=100003&dh-question=who".into(),
            format!("data: {whole}\n\n"),
        ];
        bodies.extend((1..whole.len()).step_by(7).map(|end| whole[..end].to_owned()));
        for body in bodies {
            bench.refuses(&Post::new(path, body), 400).await;
        }
        let mut not_utf8 = whole.clone().into_bytes();
        not_utf8[10] = 0xFF;
        bench.refuses(&Post::new(path, not_utf8), 400).await;
        // A body that is not there at all may well come without a type.
        bench.refuses(&Post::new(path, "").content_type(None), 400).await;
        bench.refuses(&Post::new(path, "").content_type(Some("text/plain")), 400).await;
        // The same bytes, whole, are read.
        bench.accepts(path, &Post::new(path, whole)).await;
    }
}

#[tokio::test]
async fn deep_nesting_is_refused_or_passed_over_and_never_followed() {
    let mut bench = Bench::new().await;
    let deep = arrays(200_000);
    for path in BOTH {
        for body in [deep.clone(), "[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            bench.refuses(&Post::new(path, body), 400).await;
        }
        for field in REQUIRED {
            let post = Post::new(path, with_json(field, &deep));
            bench.refuses_place(&post, &format!("/{field}")).await;
        }
        // An unknown field is passed over, whatever it holds; the context would be kept.
        bench.accepts(path, &Post::new(path, with_json("unknown", &deep))).await;
        let post = Post::new(path, with_json("dh-context", &deep));
        let message = bench.refuses(&post, 400).await;
        assert!(message.starts_with("/dh-context") && message.len() < 100, "{message}");
    }
}

#[tokio::test]
async fn only_json_content_types_are_accepted() {
    let mut bench = Bench::new().await;
    let accepted = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/json ;charset=utf-8",
        "application/vnd.duix+json",
    ];
    let refused = [
        "text/plain",
        "text/plain; type=application/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json-seq",
        "multipart/form-data; boundary=json",
        "text/event-stream",
        "json",
        "",
        "\u{FC}/json",
    ];
    for path in BOTH {
        let post = Post::question(path);
        for content_type in accepted {
            bench.accepts(path, &post.clone().content_type(Some(content_type))).await;
        }
        bench.accepts(path, &post.clone().content_type(None)).await;
        for content_type in refused {
            // The document has no status 415.
            let message = bench.refuses(&post.clone().content_type(Some(content_type)), 400).await;
            assert!(message.contains("application/json"), "{message}");
        }
    }
}

/// A valid body of exactly this length.
fn sized(length: usize) -> String {
    let pad = |pad: usize| changed("unknown", Some("x".repeat(pad).into())).to_string();
    let body = pad(length - pad(0).len());
    assert_eq!(body.len(), length);
    body
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
    const MIB: usize = 1024 * 1024;
    for limit in [None, Some(500), Some(3 * MIB)] {
        let settings = |server: Server<Recorder>| match limit {
            Some(limit) => server.body_limit(limit),
            None => server,
        };
        let limit = limit.unwrap_or(MIB);
        for path in BOTH {
            let mut bench = Bench::with(settings).await;
            bench.accepts(path, &Post::new(path, sized(limit))).await;
            // Nor has it 413.
            let message = bench.refuses(&Post::new(path, sized(limit + 1)), 400).await;
            assert!(message.contains(&limit.to_string()), "{message}");
        }
    }
}

#[tokio::test]
async fn a_body_far_above_the_limit_is_still_answered() {
    for path in BOTH {
        let mut bench = Bench::new().await;
        bench.refuses(&Post::new(path, sized(8 * 1024 * 1024)), 400).await;
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_never_reaches_the_handler() {
    let head = |path: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
        )
    };
    let body = valid().to_string();
    let length = body.len();
    let announced = format!("Content-Length: {}", length + 1);
    let chunked = "Transfer-Encoding: chunked";
    let chunk = format!("{length:x}\r\n{body}\r\n");
    for path in BOTH {
        // The body itself is whole in each case, but for its end.
        for bytes in [
            format!("{}{body}", head(path, &announced)),
            format!("{}{chunk}", head(path, chunked)),
            format!("{}{chunk}5\r\nab", head(path, chunked)),
            format!("{}{}", head(path, chunked), chunk.trim_end()),
        ] {
            let mut bench = Bench::new().await;
            bench.peer.write(bytes.as_bytes()).await;
            bench.peer.half_close().await;
            let answer = bench.peer.answer().await;
            assert!(bench.heard.try_recv().is_err(), "the handler was called: {bytes}");
            assert_eq!(answer.envelope(400), ("400".into(), "the body ended too early".into()));
        }
        // Chunks that are none.
        for broken in ["x\r\nab\r\n0\r\n\r\n", "2\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n"] {
            let mut bench = Bench::new().await;
            bench.peer.write(format!("{}{broken}", head(path, chunked)).as_bytes()).await;
            let answer = bench.peer.answer().await;
            assert!(bench.heard.try_recv().is_err(), "the handler was called: {broken}");
            assert_eq!(answer.envelope(400).0, "400", "{broken}");
        }
        // Whole chunks are a body like any other.
        let mut bench = Bench::new().await;
        let (first, second) = body.split_at(length / 2);
        let chunks = [first, second, ""].map(|part| format!("{:x}\r\n{part}\r\n", part.len()));
        bench.peer.write((head(path, chunked) + &chunks.concat()).as_bytes()).await;
        assert_eq!(bench.peer.answer().await.status, 200);
        assert_eq!(bench.heard.try_recv().unwrap(), valid());
    }
}

#[tokio::test]
async fn another_method_or_an_unknown_path_is_refused_without_an_envelope() {
    let mut bench = Bench::new().await;
    for path in BOTH {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answer = bench.peer.ask(&Post::question(path).method(method)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
            assert_eq!(answer.body, "");
        }
    }
    for path in ["/", "/duix", "/duix/dialogue/", "/duix/dialogue/streams", "/DUIX/dialogue"] {
        let answer = bench.peer.ask(&Post::question(path)).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    assert!(bench.heard.try_recv().is_err());
    // The URL may have a query: the operator chooses it.
    for path in BOTH {
        bench.accepts(path, &Post::question(&format!("{path}?token=a&b=%20"))).await;
    }
}

#[tokio::test]
async fn fields_of_other_versions_and_odd_spellings_are_read() {
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
                // Beyond 2^53, where a floating point number would be another one.
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
async fn the_context_is_the_text_that_came_or_the_text_of_the_json_that_came() {
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
fn a_context_that_does_not_fit_is_an_error_with_its_place_and_without_its_values() {
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
async fn both_paths_are_free() {
    let moved = |server: Server<Recorder>| {
        let server = server.path(&operations::DIALOGUE, "/bots/7/ask").unwrap();
        server.path(&operations::DIALOGUE_STREAM, "/bots/7/say").unwrap()
    };
    let mut bench = Bench::with(moved).await;
    bench.accepts_as(false, &Post::question("/bots/7/ask")).await;
    bench.accepts_as(true, &Post::question("/bots/7/say")).await;
    for path in ["/bots/7/ask", "/bots/7/say"] {
        bench.refuses_place(&Post::json(path, &changed("sid", None)), "/sid").await;
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
fn a_path_that_can_not_be_served_is_an_error() {
    let server = || Server::new(Recorder(unbounded_channel().0));
    for path in ["", "say", "/{id}", "/a b", "/a?b", "/:a", "/*a", "/é", "http://bot/a", STREAMED]
    {
        assert!(server().path(&operations::DIALOGUE, path).is_err(), "{path:?}");
    }
    assert!(server().path(&operations::DIALOGUE_STREAM, ANSWERED).is_err());
    // Its own path is not taken by another operation.
    assert!(server().path(&operations::DIALOGUE, ANSWERED).is_ok());
}

const HEADER: &str = "x-callbot-secret";

async fn locked(secret: &str) -> Bench {
    let secret = secret.to_owned();
    Bench::with(|server| server.secret(HeaderName::from_static(HEADER), secret)).await
}

#[tokio::test]
async fn a_secret_lets_in_who_knows_it() {
    let mut bench = locked(SECRET).await;
    for path in BOTH {
        for name in [HEADER, "X-Callbot-Secret", "X-CALLBOT-SECRET"] {
            bench.accepts(path, &Post::question(path).header(name, SECRET)).await;
        }
        // Space around a value is none of it.
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
        // It counts for bad requests as well, and comes first.
        for post in [Post::new(path, "{"), Post::question(path).content_type(Some("text/plain"))] {
            bench.refuses(&post, 401).await;
            bench.refuses(&post.clone().header(HEADER, "x"), 403).await;
            bench.refuses(&post.clone().header(HEADER, SECRET), 400).await;
        }
    }
}

#[tokio::test]
async fn odd_bytes_in_the_header_are_a_wrong_secret() {
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
        // Two values are one too many; which one is right does not matter.
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
async fn an_empty_secret_opens_to_nobody() {
    let mut bench = locked("").await;
    for path in BOTH {
        bench.refuses(&Post::question(path), 401).await;
        bench.refuses(&Post::question(path).header(HEADER, "x"), 403).await;
        bench.refuses(&Post::question(path).header(HEADER, ""), 403).await;
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_answered_whatever_the_size_of_the_body() {
    for path in BOTH {
        let post = Post::new(path, sized(8 * 1024 * 1024));
        locked(SECRET).await.refuses(&post, 401).await;
        locked(SECRET).await.refuses(&post.header(HEADER, "x"), 403).await;
    }
}

#[tokio::test]
async fn a_secret_holds_on_free_paths_and_other_methods_reach_no_handler() {
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
async fn a_secret_shows_in_no_answer_no_debug_and_no_trace() {
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
    // All of it was traced: who was not let in, what was said and what was wrong.
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
async fn what_is_said_is_traced_on_request_only() {
    for on in [None, Some(false), Some(true)] {
        let (traces, _guard) = traced();
        let settings = |server: Server<Recorder>| match on {
            Some(on) => server.trace_content(on),
            None => server,
        };
        let mut bench = Bench::with(settings).await;
        for path in BOTH {
            bench.accepts(path, &Post::asking(path, SECRET)).await;
            let body = changed("sid", None).to_string().replace("who are you?", SECRET);
            bench.refuses_place(&Post::new(path, body), "/sid").await;
        }
        let on = on == Some(true);
        assert_eq!(!traces.with(&[SECRET]).is_empty(), on, "{:#?}", traces.lines());
        assert_eq!(!traces.with(&["TRACE", "heard"]).is_empty(), on, "{:#?}", traces.lines());
        assert_eq!(traces.with(&["WARN", "/sid: must be there"]).len(), 2);
    }
}

#[test]
fn the_debug_of_a_request_shows_nothing_that_is_said() {
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
