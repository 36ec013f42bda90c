//! Digital Employee: two operations stream packets, two are answered with one body.

use axum::Router;
use callbot::digital_employee::{
    AbortDialogueRequest, AnswerMode, Api, BeginSessionRequest, DialogueRequest, EndSessionRequest,
    Reply, Server,
};
use callbot::server::Error;
use serde_json::{Value, json};

use super::{
    Cause, Dispensable, Failure, Mute, Operation, PIECE, Script, Settings, Streams, Subject,
    observed, with_settings,
};
use crate::support::digital_employee::{ABORT, ALL, BEGIN, SPOKEN, packet, valid};
use crate::support::peer::Answer;

#[derive(Default)]
pub(crate) struct DigitalEmployee;

struct Scripted(Script);

impl Api for Scripted {
    fn begin_session(
        &self,
        asked: BeginSessionRequest,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, reply)
    }

    fn dialogue(
        &self,
        asked: DialogueRequest,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, reply)
    }

    fn abort_dialogue(
        &self,
        asked: AbortDialogueRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, Mute::line())
    }

    fn end_session(
        &self,
        asked: EndSessionRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, Mute::line())
    }
}

/// The failure that an envelope reports.
fn failure_in(envelope: &Value) -> Failure {
    let text = |key: &str| envelope[key].as_str().expect("a text").to_owned();
    Failure {
        status: envelope["httpStatusCode"].as_u64().unwrap().try_into().unwrap(),
        code: text("code"),
        message: text("message"),
        id: envelope.get("requestId").and_then(Value::as_str).map(Into::into),
    }
}

/// The packet at the end of a stream that failed behind this number of packets.
fn failed_packet(answer: &Answer, pieces: usize) -> Value {
    let mut packets = answer.packets();
    let last = packets.pop().unwrap();
    assert_good(&packets);
    let texts: Vec<_> = packets.iter().map(|packet| &packet["data"]["answer"]).collect();
    assert_eq!(texts, vec![PIECE; pieces], "{answer:?}");
    assert!(last["data"]["updatedTime"].is_i64(), "{last}");
    for field in ["answer", "controlParamsList"] {
        assert_eq!(last["data"].get(field), None, "a failure says nothing: {last}");
    }
    last
}

fn dispensable(path: &str) -> Vec<Dispensable> {
    let empty = || Some(json!(""));
    let mut fields = vec![
        Dispensable::new("/requestId", empty()),
        Dispensable::new("/tenantId", None),
        Dispensable::new("/instanceId", empty()),
    ];
    let numbers = json!({});
    fields.extend(match path {
        ABORT => vec![
            Dispensable::new("/type", None),
            Dispensable::optional("/scriptId"),
            Dispensable::optional("/answer"),
        ],
        BEGIN => vec![
            Dispensable::new("/scriptId", empty()),
            Dispensable { object: true, ..Dispensable::new("/vendorParams", Some(numbers)) },
            Dispensable::new("/vendorParams/callingNumber", None),
            Dispensable::new("/vendorParams/calledNumber", None),
        ],
        _ => vec![Dispensable::new("/scriptId", empty())],
    });
    fields
}

fn assert_good(packets: &[Value]) {
    for packet in packets {
        assert_eq!((&packet["httpStatusCode"], &packet["code"]), (&json!(200), &json!("OK")));
    }
}

impl Subject for DigitalEmployee {
    const CALL: &'static [&'static str] = &["/sessionId"];
    const IDS: &'static [&'static str] = &["/sessionId", "/streamId"];
    const KEEPS_UNKNOWN_FIELDS: bool = false;

    fn operations(&self) -> Vec<Operation> {
        let operation = |path: &'static str| {
            let body = valid(path);
            // What names the call and the turn.
            let needed = |key: &str| ["sessionId", "streamId"].contains(&key);
            let keys = body.as_object().unwrap().keys().filter(|key| needed(key));
            Operation {
                path: path.into(),
                name: path.rsplit('/').next().unwrap(),
                streams: SPOKEN.contains(&path),
                handled: true,
                required: keys.map(|key| format!("/{key}")).collect(),
                dispensable: dispensable(path),
                text: "/instanceId",
                echo: Some(("/requestId", "r-1".into())),
                body,
            }
        };
        ALL.map(operation).into()
    }

    // In the other mode a thousand packets would repeat all that was said.
    fn router(&self, script: Script, settings: Settings) -> Router {
        let server = Server::new(Scripted(script.clone())).answers(AnswerMode::Delta);
        let server = observed!(server, script, settings);
        with_settings!(server, settings, heartbeat).router()
    }

    fn platform(_: &Operation) -> &'static str {
        "digital-employee"
    }

    fn assert_served(&self, operation: &Operation, answer: &Answer) {
        let id = if operation.streams {
            let packets = answer.packets();
            assert_good(&packets);
            packets[0]["requestId"].clone()
        } else {
            assert_eq!((answer.status, &answer.json()["code"]), (200, &json!("OK")), "{answer:?}");
            answer.json()["requestId"].clone()
        };
        assert!(id == "r-1" || id == "", "the id is echoed: {id}");
    }

    // A refusal has those ids that could be read, a failure has all of them.
    fn refusal(&self, operation: &Operation, answer: &Answer) -> Failure {
        if operation.streams {
            return failure_in(&failed_packet(answer, 0));
        }
        let envelope = answer.json();
        assert_eq!(envelope["httpStatusCode"], answer.status);
        assert_eq!(envelope.get("data"), None);
        failure_in(&envelope)
    }

    fn failure(&self, operation: &Operation, answer: &Answer, pieces: usize) -> Option<Failure> {
        if !operation.streams {
            return Some(self.refusal(operation, answer));
        }
        let last = failed_packet(answer, pieces);
        let data = &last["data"];
        assert_eq!((&data["sessionId"], &data["streamId"]), (&json!("s-1"), &json!("t-1")));
        Some(failure_in(&last))
    }

    fn shown(&self, _: &Operation, cause: Cause) -> (u16, String) {
        match cause {
            Cause::Refused(status) => (status, "Error".into()),
            Cause::Failed(status, code) => (status, code.unwrap_or("Exception").into()),
            Cause::Internal => (500, "Exception".into()),
        }
    }
}

impl Streams for DigitalEmployee {
    fn packet(block: &str) -> (String, bool) {
        let packet = packet(block);
        let data = &packet["data"];
        let text = data.get("answer").and_then(Value::as_str).unwrap_or_default();
        (text.into(), data["streamEnd"].as_bool().expect("a boolean"))
    }
}
