//! What a Digital Employee bot reads, and how it refuses what it can't read.

#![cfg(all(feature = "digital-employee", feature = "server"))]

use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, DialogueRequest, EndSessionRequest, Reply,
    Server,
};
use callbot::server::Error;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::digital_employee::*;

/// No answer may hold it.
const SECRET: &str = "SECRET-4711";

/// Notes each request that reaches a handler, as it was understood.
struct Recorder(UnboundedSender<Value>);

impl Recorder {
    fn note(&self, request: impl serde::Serialize) -> Result<(), Error> {
        Ok(self.0.send(serde_json::to_value(request)?)?)
    }
}

impl Api for Recorder {
    async fn begin_session(&self, asked: BeginSessionRequest, _: &mut Reply) -> Result<(), Error> {
        self.note(asked)
    }

    async fn dialogue(&self, asked: DialogueRequest, _: &mut Reply) -> Result<(), Error> {
        self.note(asked)
    }

    async fn abort_dialogue(&self, asked: AbortDialogueRequest) -> Result<(), Error> {
        self.note(asked)
    }

    async fn end_session(&self, asked: EndSessionRequest) -> Result<(), Error> {
        self.note(asked)
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
        let address = start(settings(Server::new(Recorder(told)))).await;
        Self { peer: Peer::connect(address).await, heard }
    }

    async fn new() -> Self {
        Self::with(|server| server).await
    }

    /// The request is served; what the handler understood.
    async fn accepts(&mut self, path: &str, post: &Post) -> Value {
        let answer = self.peer.ask(post).await;
        let heard = self.heard.try_recv();
        let heard = heard.unwrap_or_else(|_| panic!("not accepted: {post:?}: {answer:?}"));
        let id = if SPOKEN.contains(&path) {
            answer.good_packets()[0]["requestId"].clone()
        } else {
            assert_eq!(answer.status, 200);
            answer.json()["requestId"].clone()
        };
        assert_eq!(id, heard["requestId"], "the id is echoed as it was understood");
        heard
    }

    /// The request is refused with this status: the handler is not called, and the answer is well
    /// formed. Returns the envelope.
    async fn refuses(&mut self, path: &str, post: &Post, status: u16) -> Value {
        let answer = self.peer.ask(post).await;
        assert!(self.heard.try_recv().is_err(), "the handler was called: {post:?}");
        let envelope = if SPOKEN.contains(&path) {
            let mut packets = answer.packets();
            assert_eq!(packets.len(), 1, "{answer:?}");
            packets.remove(0)
        } else {
            assert_eq!(answer.status, status, "{post:?}: {answer:?}");
            assert_eq!(answer.json().get("data"), None);
            answer.json()
        };
        assert_eq!(envelope["httpStatusCode"], status, "{post:?}: {envelope}");
        assert_eq!(envelope["code"], "Error", "{envelope}");
        assert_ne!(envelope["message"].as_str().unwrap_or_default(), "", "{envelope}");
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
        envelope
    }

    /// The request is refused with status 400 and a message about the place.
    async fn refuses_place(&mut self, path: &str, post: &Post, pointer: &str) -> Value {
        let envelope = self.refuses(path, post, 400).await;
        let message = envelope["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{pointer}: ")), "{pointer} is wrong: {message}");
        envelope
    }
}

/// The fields that must be there.
fn required(path: &str) -> Vec<String> {
    let body = valid(path);
    let keys = body.as_object().unwrap().keys().cloned();
    // A missing utterance reads as an empty one, and an abort needs no scenario.
    let optional = |key: &String| key == "utterance" || (path == ABORT && key == "scriptId");
    keys.filter(|key| !optional(key)).collect()
}

fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// A body with one more field, whose value is this JSON.
fn and(path: &str, pointer: &str, json: &str) -> String {
    changed(path, [(pointer, Some("here".into()))]).to_string().replace("\"here\"", json)
}

#[tokio::test]
async fn a_missing_or_null_field_is_named() {
    let mut bench = Bench::new().await;
    for path in ALL {
        for field in required(path) {
            let pointer = format!("/{field}");
            for value in [None, Some(Value::Null)] {
                let body = changed(path, [(&pointer, value)]);
                let envelope = bench.refuses_place(path, &Post::json(path, &body), &pointer).await;
                let id =
                    if field == "requestId" { &Value::Null } else { &valid(path)["requestId"] };
                assert_eq!(&envelope["requestId"], id);
            }
        }
    }
    for pointer in ["/vendorParams/callingNumber", "/vendorParams/calledNumber"] {
        let body = changed(BEGIN, [(pointer, None)]);
        bench.refuses_place(BEGIN, &Post::json(BEGIN, &body), pointer).await;
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_named_and_not_shown() {
    let mut bench = Bench::new().await;
    for path in ALL {
        for field in required(path) {
            let pointer = format!("/{field}");
            let body = changed(path, [(&pointer, Some(json!({ SECRET: SECRET })))]);
            let within = bench.refuses(path, &Post::json(path, &body), 400).await;
            let message = within["message"].as_str().unwrap();
            assert!(message.starts_with(&pointer), "{pointer} is wrong: {message}");
            for value in [json!([SECRET]), json!(true)] {
                let body = changed(path, [(&pointer, Some(value))]);
                let envelope = bench.refuses_place(path, &Post::json(path, &body), &pointer).await;
                if field != "requestId" {
                    assert_eq!(envelope["requestId"], "r-1");
                }
            }
        }
    }
    let keys = |value: Value| json!([{"dataType": "DTMF", "dtmf": value}]);
    let nested = [
        (BEGIN, "/vendorParams", json!(SECRET), "/vendorParams"),
        (BEGIN, "/vendorParams/callingNumber", json!([SECRET]), "/vendorParams/callingNumber"),
        (DIALOGUE, "/tenantId", json!(SECRET), "/tenantId"),
        (DIALOGUE, "/tenantId", json!(4711.4711), "/tenantId"),
        (DIALOGUE, "/tenantId", json!(u64::MAX), "/tenantId"),
        (DIALOGUE, "/utterance", json!([SECRET]), "/utterance"),
        (DIALOGUE, "/extras", json!(SECRET), "/extras"),
        (DIALOGUE, "/extras", json!([{}, SECRET]), "/extras/1"),
        (DIALOGUE, "/extras", keys(json!([SECRET])), "/extras/0/dtmf"),
        (DIALOGUE, "/extras", json!([{}, {"dataType": [SECRET]}]), "/extras/1/dataType"),
        (ABORT, "/answer", json!([SECRET]), "/answer"),
        (ABORT, "/scriptId", json!([SECRET]), "/scriptId"),
    ];
    for (path, place, value, pointer) in nested {
        let body = changed(path, [(place, Some(value.clone()))]);
        let envelope = bench.refuses_place(path, &Post::json(path, &body), pointer).await;
        let message = envelope["message"].as_str().unwrap();
        assert!(!message.contains("4711") && !message.contains("18446"), "{message}");
        if let Some(data) = envelope.get("data") {
            assert_eq!((&data["sessionId"], &data["streamId"]), (&json!("s-1"), &json!("t-1")));
        }
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let mut bench = Bench::new().await;
    for path in ALL {
        let whole = changed(path, [("/instanceId", Some(SECRET.into()))]).to_string();
        let mut bodies = vec![
            String::new(),
            " \n".into(),
            "[]".into(),
            format!("[{whole}]"),
            format!("{whole}{whole}"),
            "null".into(),
            "4711".into(),
            format!("\"{SECRET}\""),
            format!("{{\"requestId\": \"{SECRET}"),
            whole.replace(':', "="),
            whole.replace('"', "'"),
            format!("\u{FEFF}{whole}"),
        ];
        bodies.extend((1..whole.len()).step_by(7).map(|end| whole[..end].to_owned()));
        for body in bodies {
            let envelope = bench.refuses(path, &Post::new(path, body), 400).await;
            // The id is echoed where it could be read before the body broke off.
            let id = envelope.get("requestId").unwrap_or(&Value::Null);
            assert!(*id == Value::Null || id == "r-1", "{envelope}");
        }
        let mut not_utf8 = whole.into_bytes();
        not_utf8[20] = 0xFF;
        bench.refuses(path, &Post::new(path, not_utf8), 400).await;
        // A body that is not there at all may well come without a type.
        bench.refuses(path, &Post::new(path, "").content_type(None), 400).await;
    }
}

#[tokio::test]
async fn deep_nesting_is_refused_or_passed_over_and_never_followed() {
    let mut bench = Bench::new().await;
    let deep = arrays(200_000);
    for path in ALL {
        for body in [deep.clone(), "[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            bench.refuses(path, &Post::new(path, body), 400).await;
        }
        let first = format!("/{}", required(path)[0]);
        bench.refuses_place(path, &Post::new(path, and(path, &first, &deep)), &first).await;
        // An unknown field is passed over, whatever it holds.
        bench.accepts(path, &Post::new(path, and(path, "/unknown", &deep))).await;
    }
    for place in ["/vendorParams", "/vendorParams/callingNumber"] {
        let post = Post::new(BEGIN, and(BEGIN, place, &deep));
        let envelope = bench.refuses_place(BEGIN, &post, place).await;
        assert_eq!(envelope["requestId"], "r-1", "the id before it is echoed");
    }
    let post = Post::new(BEGIN, and(BEGIN, "/vendorParams/vip", &deep));
    let envelope = bench.refuses(BEGIN, &post, 400).await;
    let message = envelope["message"].as_str().unwrap();
    assert!(message.starts_with("/vendorParams/vip/0") && message.len() < 100, "{message}");
    let post = Post::new(DIALOGUE, and(DIALOGUE, "/extras", &deep));
    let envelope = bench.refuses(DIALOGUE, &post, 400).await;
    assert!(envelope["message"].as_str().unwrap().starts_with("/extras/0"), "{envelope}");
}

#[tokio::test]
async fn only_json_content_types_are_accepted() {
    let mut bench = Bench::new().await;
    let accepted = [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
        "application/json ;charset=utf-8",
        "application/vnd.alibaba.call+json",
        "application/problem+json; charset=utf-8",
    ];
    let refused = [
        "text/plain",
        "text/plain; type=application/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json-seq",
        "multipart/form-data; boundary=json",
        "json",
        "",
        "\u{FC}/json",
    ];
    for path in ALL {
        let post = Post::valid(path);
        for content_type in accepted {
            bench.accepts(path, &post.clone().content_type(Some(content_type))).await;
        }
        bench.accepts(path, &post.clone().content_type(None)).await;
        for content_type in refused {
            let post = post.clone().content_type(Some(content_type));
            let envelope = bench.refuses(path, &post, 415).await;
            assert_eq!(envelope["requestId"], "r-1");
            let message = envelope["message"].as_str().unwrap();
            assert!(message.contains("application/json"), "{message}");
        }
    }
}

/// A valid body of exactly this length.
fn sized(path: &str, length: usize) -> String {
    let pad = |pad: usize| changed(path, [("/unknown", Some("x".repeat(pad).into()))]).to_string();
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
        for path in ALL {
            let mut bench = Bench::with(settings).await;
            bench.accepts(path, &Post::new(path, sized(path, limit))).await;
            let post = Post::new(path, sized(path, limit + 1));
            let envelope = bench.refuses(path, &post, 413).await;
            let message = envelope["message"].as_str().unwrap();
            assert!(message.contains(&limit.to_string()), "{message}");
        }
    }
}

#[tokio::test]
async fn a_body_far_above_the_limit_is_still_answered() {
    for path in ALL {
        let mut bench = Bench::new().await;
        let post = Post::new(path, sized(path, 8 * 1024 * 1024));
        bench.refuses(path, &post, 413).await;
    }
}

#[tokio::test]
async fn what_platforms_send_instead_of_the_documented_form_is_read() {
    let mut bench = Bench::new().await;
    for path in ALL {
        // Ids as numbers, the tenant as a string, fields of other versions.
        let mut sent = valid(path);
        let mut expected = valid(path);
        for id in ["requestId", "instanceId", "scriptId", "sessionId", "streamId"] {
            if sent.get(id).is_some() {
                sent[id] = json!(1_234_567_890_123_u64);
                expected[id] = json!("1234567890123");
            }
        }
        sent["tenantId"] = "378210".into();
        sent["unknown"] = json!({"deep": [null, {"x": 1.5}]});
        let heard = bench.accepts(path, &Post::json(path, &sent)).await;
        assert_eq!(heard, expected);
    }

    let null = || Some(Value::Null);
    let cases = [
        // What is sent, and what the handler gets.
        (DIALOGUE, "/utterance", None, Some("".into())),
        (DIALOGUE, "/utterance", null(), Some("".into())),
        (DIALOGUE, "/extras", null(), None),
        (DIALOGUE, "/extras", Some(json!([])), None),
        (
            DIALOGUE,
            "/extras",
            Some(json!([{"dataType": "DTMF", "dtmf": 12}, {"dataType": "Wink", "dtmf": null}])),
            Some(json!([{"dataType": "DTMF", "dtmf": "12"}, {"dataType": "Wink"}])),
        ),
        (ABORT, "/scriptId", null(), None),
        (ABORT, "/scriptId", None, None),
        (ABORT, "/answer", null(), None),
        (ABORT, "/answer", Some("Your bal".into()), Some("Your bal".into())),
        (ABORT, "/type", Some("Bored".into()), Some("Bored".into())),
        (END, "/streamId", Some("t-1".into()), None),
        (BEGIN, "/vendorParams/callingNumber", Some(json!(135)), Some("135".into())),
        (BEGIN, "/vendorParams/vip", Some("gold".into()), Some("gold".into())),
        (BEGIN, "/vendorParams/vip", Some(json!(7)), Some("7".into())),
        (BEGIN, "/vendorParams/vip", Some(json!({"a": [1]})), Some("{\"a\":[1]}".into())),
        (BEGIN, "/vendorParams/vip", null(), None),
    ];
    for (path, place, sent, expected) in cases {
        let post = Post::json(path, &changed(path, [(place, sent)]));
        let mut heard = bench.accepts(path, &post).await;
        if place == "/extras" && heard["extras"] == json!([]) {
            heard.as_object_mut().unwrap().remove("extras");
        }
        assert_eq!(heard, changed(path, [(place, expected)]));
    }
}
