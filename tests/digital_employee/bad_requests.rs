//! Details of the requests of Digital Employee: which nested place a refusal names, and what is read
//! although it differs from the document. `tests/server/bad_requests.rs` has what holds on every
//! platform.

use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, DialogueRequest, EndSessionRequest, Reply,
    Server,
};
use callbot::server::Error;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::digital_employee::*;
use crate::support::json::{arrays, with_json};

/// A text that no answer may hold.
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

/// A peer of a server whose handlers only note what they get, and their notes.
struct Bench {
    peer: Peer,
    heard: UnboundedReceiver<Value>,
}

impl Bench {
    async fn new() -> Self {
        let (told, heard) = unbounded_channel();
        let address = start(Server::new(Recorder(told))).await;
        Self { peer: Peer::connect(address).await, heard }
    }

    /// Sends a request that must be served. Returns what the handler understood. The id of the request is
    /// echoed as it was understood, unless it is too long.
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
        let understood = heard["requestId"].as_str().unwrap();
        assert_eq!(id, if understood.len() <= 256 { understood } else { "" });
        heard
    }

    /// Sends a request that must be refused: the handler is not called. Returns the envelope.
    async fn refuses(&mut self, path: &str, post: &Post) -> Value {
        let answer = self.peer.ask(post).await;
        assert!(self.heard.try_recv().is_err(), "the handler was called: {post:?}");
        let envelope = if SPOKEN.contains(&path) {
            let mut packets = answer.packets();
            assert_eq!(packets.len(), 1, "{answer:?}");
            packets.remove(0)
        } else {
            answer.json()
        };
        assert_eq!(envelope["httpStatusCode"], 400, "{post:?}: {envelope}");
        assert_eq!(envelope["requestId"], "r-1", "{envelope}");
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
        envelope
    }

    /// Sends a request that must be refused with a message about this place.
    async fn refuses_place(&mut self, path: &str, post: &Post, pointer: &str) -> Value {
        let envelope = self.refuses(path, post).await;
        let message = envelope["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{pointer}: ")), "{pointer} is wrong: {message}");
        envelope
    }
}

#[tokio::test]
async fn a_nested_value_of_the_wrong_type_is_named_and_not_shown() {
    let mut bench = Bench::new().await;
    let keys = |value: Value| json!([{"dataType": "DTMF", "dtmf": value}]);
    for (path, place, value, pointer) in [
        (DIALOGUE, "/utterance", json!([SECRET]), "/utterance"),
        (DIALOGUE, "/extras", json!(SECRET), "/extras"),
        (DIALOGUE, "/extras", json!([{}, SECRET]), "/extras/1"),
        (DIALOGUE, "/extras", keys(json!([SECRET])), "/extras/0/dtmf"),
        (DIALOGUE, "/extras", json!([{}, {"dataType": [SECRET]}]), "/extras/1/dataType"),
        (DIALOGUE, "/extras", keys(json!([SECRET])).to_string().into(), "/extras/0/dtmf"),
        (DIALOGUE, "/extras", json!({"dtmf": [SECRET]}), "/extras/dtmf"),
        (DIALOGUE, "/extras", json!(4711), "/extras"),
        (DIALOGUE, "/sessionId", json!([SECRET]), "/sessionId"),
        (END, "/sessionId", json!({ SECRET: 1 }), "/sessionId"),
        (ABORT, "/streamId", json!(true), "/streamId"),
    ] {
        let body = changed(path, [(place, Some(value.clone()))]);
        let envelope = bench.refuses_place(path, &Post::json(path, &body), pointer).await;
        let message = envelope["message"].as_str().unwrap();
        assert!(!message.contains("4711") && !message.contains("18446"), "{message}");
        if let Some(data) = envelope.get("data").filter(|_| place != "/sessionId") {
            assert_eq!((&data["sessionId"], &data["streamId"]), (&json!("s-1"), &json!("t-1")));
        }
    }
}

#[tokio::test]
async fn deep_nesting_within_a_field_is_refused_and_never_followed() {
    let mut bench = Bench::new().await;
    let deep = |path, place| Post::new(path, with_json(&valid(path), place, &arrays(200_000)));
    for place in ["/vendorParams/callingNumber", "/vendorParams/vip", "/tenantId"] {
        let envelope = bench.refuses(BEGIN, &deep(BEGIN, place)).await;
        let message = envelope["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{place}/0")) && message.len() < 110, "{message}");
    }
    let envelope = bench.refuses(DIALOGUE, &deep(DIALOGUE, "/extras")).await;
    assert!(envelope["message"].as_str().unwrap().starts_with("/extras/0"), "{envelope}");
}

#[tokio::test]
async fn requests_that_differ_from_the_document_are_read() {
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
    let keys = |keys: &str| json!({"dataType": "DTMF", "dtmf": keys});
    let cases = [
        // The value that is sent, and the value that the handler gets.
        (DIALOGUE, "/utterance", None, Some("".into())),
        (DIALOGUE, "/utterance", null(), Some("".into())),
        (DIALOGUE, "/extras", null(), None),
        (DIALOGUE, "/extras", Some(json!([])), None),
        (DIALOGUE, "/extras", Some(json!([null])), None),
        (DIALOGUE, "/extras", Some(" ".into()), None),
        (DIALOGUE, "/extras", Some("null".into()), None),
        (DIALOGUE, "/extras", Some("[]".into()), None),
        (DIALOGUE, "/extras", Some(keys("1")), Some(json!([keys("1")]))),
        (DIALOGUE, "/extras", Some(keys("1").to_string().into()), Some(json!([keys("1")]))),
        (
            DIALOGUE,
            "/extras",
            Some(json!([keys("1"), null, keys("2")]).to_string().into()),
            Some(json!([keys("1"), keys("2")])),
        ),
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

#[tokio::test]
async fn a_tenant_that_is_not_a_number_is_none() {
    let mut bench = Bench::new().await;
    for tenant in [json!(SECRET), json!(4711.5), json!(u64::MAX), json!(""), json!("1e400")] {
        let post = Post::json(END, &changed(END, [("/tenantId", Some(tenant))]));
        assert_eq!(bench.accepts(END, &post).await, changed(END, [("/tenantId", None)]));
    }
}

#[tokio::test]
async fn a_request_id_over_256_bytes_is_not_repeated() {
    let mut bench = Bench::new().await;
    for path in ALL {
        for length in [256, 257, 100_000] {
            // Bytes count, not characters.
            let id = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let body = changed(path, [("/requestId", Some(id.clone().into()))]);
            let heard = bench.accepts(path, &Post::json(path, &body)).await;
            assert_eq!(heard["requestId"], id, "the handler gets all of it");
            // Neither is it repeated if the rest of the body can't be read.
            let broken = Post::new(path, body.to_string().replace('}', ""));
            let answer = bench.peer.ask(&broken).await;
            assert_eq!(answer.body.contains(&id), length == 256);
            assert!(bench.heard.try_recv().is_err());
        }
    }
}
