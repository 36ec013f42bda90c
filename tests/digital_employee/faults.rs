//! What the platform gets to see of a Digital Employee bot's errors and panics: one well-formed
//! failure, and nothing of the reason unless the bot's author says so.

#![cfg(all(feature = "digital-employee", feature = "server"))]

use std::io;

use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, DialogueRequest, EndSessionRequest, Event,
    HangUp, Reply, Server,
};
use callbot::server::Error;
use futures_util::{FutureExt, StreamExt, future, stream};
use serde_json::{Value, json};

use crate::support::digital_employee::*;

/// No answer may hold it.
const SECRET: &str = "SECRET-4711";

/// The ways to fail without a word to the platform.
const SILENT: [&str; 4] = ["io", "parse", "panic", "panic with a value"];

/// Fails in the way that the id of the call names.
fn fail(how: &str) -> Result<(), Error> {
    match how {
        "wire" => Err(Error::public("no such account").status(404).code("NoAccount")),
        "plain wire" => Err(Error::public("try again")),
        "false wire" => Err(Error::public("all is well?").status(200).code("OK")),
        "unsupported" => Err(Error::unsupported()),
        "io" => Err(io::Error::other(SECRET).into()),
        "parse" => Ok(SECRET.parse::<u8>().map(|_| ())?),
        "panic" => panic!("{SECRET}"),
        "panic with a value" => std::panic::panic_any(vec![SECRET]),
        _ => Ok(()),
    }
}

/// Fails as it is told to, after as many packets as the id of the turn says.
struct Faulty;

impl Faulty {
    async fn speak(session: &str, stream: &str, reply: &mut Reply) -> Result<(), Error> {
        for _ in 0..stream.parse().unwrap_or(0) {
            reply.send(Event::text("word ").with(HangUp::new())).await?;
        }
        tokio::task::yield_now().await;
        fail(session)
    }
}

impl Api for Faulty {
    async fn begin_session(
        &self,
        asked: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        Self::speak(&asked.session_id, &asked.stream_id, reply).await
    }

    async fn dialogue(&self, asked: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        Self::speak(&asked.session_id, &asked.stream_id, reply).await
    }

    async fn abort_dialogue(&self, asked: AbortDialogueRequest) -> Result<(), Error> {
        fail(&asked.session_id)
    }

    async fn end_session(&self, asked: EndSessionRequest) -> Result<(), Error> {
        tokio::task::yield_now().await;
        fail(&asked.session_id)
    }
}

/// Panics before there is a future.
struct Abrupt;

impl Api for Abrupt {
    fn begin_session(
        &self,
        asked: BeginSessionRequest,
        _: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        future::ready(fail(&asked.session_id))
    }

    fn dialogue(
        &self,
        asked: DialogueRequest,
        _: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        future::ready(fail(&asked.session_id))
    }

    fn abort_dialogue(
        &self,
        asked: AbortDialogueRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        future::ready(fail(&asked.session_id))
    }

    fn end_session(
        &self,
        asked: EndSessionRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        future::ready(fail(&asked.session_id))
    }
}

fn post(path: &'static str, how: &str, packets: usize) -> Post {
    let mut body = valid(path);
    body["sessionId"] = how.into();
    if path != END {
        body["streamId"] = packets.to_string().into();
    }
    Post::json(path, &body)
}

/// The failure at the end of an answer that has so many good packets before it.
fn failure(path: &str, answer: &Answer, packets: usize) -> Value {
    assert!(!answer.body.contains(SECRET), "{}", answer.body);
    if !SPOKEN.contains(&path) {
        let envelope = answer.json();
        assert_eq!(envelope["httpStatusCode"], answer.status);
        assert_eq!((&envelope["requestId"], envelope.get("data")), (&json!("r-1"), None));
        return envelope;
    }
    let mut all = answer.packets();
    let last = all.pop().unwrap();
    assert_eq!(all.len(), packets);
    for packet in all {
        assert_eq!((&packet["httpStatusCode"], &packet["code"]), (&json!(200), &json!("OK")));
    }
    assert_eq!((&last["requestId"], &last["data"]["streamEnd"]), (&json!("r-1"), &json!(true)));
    assert!(last["data"]["sessionId"].is_string() && last["data"]["streamId"].is_string());
    assert!(last["data"]["updatedTime"].is_i64());
    for field in ["answer", "controlParamsList"] {
        assert_eq!(last["data"].get(field), None, "a failure says nothing: {last}");
    }
    last
}

fn assert_failure(envelope: &Value, status: u16, code: &str, message: &str) {
    let seen = (&envelope["httpStatusCode"], &envelope["code"], &envelope["message"]);
    assert_eq!(seen, (&json!(status), &json!(code), &json!(message)));
}

fn assert_good(path: &str, answer: &Answer) {
    if SPOKEN.contains(&path) {
        answer.good_packets();
    } else {
        assert_eq!((answer.status, &answer.json()["code"]), (200, &json!("OK")));
    }
}

#[tokio::test]
async fn a_wire_error_shows_its_text_status_and_code() {
    let mut peer = Peer::connect(start(Server::new(Faulty)).await).await;
    let shown = [
        ("wire", 404, "NoAccount", "no such account"),
        ("plain wire", 500, "Exception", "try again"),
        // A failure can't look like a success.
        ("false wire", 500, "Exception", "all is well?"),
        ("unsupported", 501, "Exception", "the operation is not supported"),
    ];
    for path in ALL {
        for (how, status, code, message) in shown {
            for packets in [0, 2] {
                let answer = peer.ask(&post(path, how, packets)).await;
                assert_failure(&failure(path, &answer, packets), status, code, message);
            }
        }
    }
}

#[tokio::test]
async fn no_other_error_and_no_panic_shows_its_text_and_the_server_goes_on() {
    let address = start(Server::new(Faulty)).await;
    let mut peer = Peer::connect(address).await;
    for path in ALL {
        for how in SILENT {
            for packets in [0, 1, 3] {
                let answer = peer.ask(&post(path, how, packets)).await;
                assert_failure(
                    &failure(path, &answer, packets),
                    500,
                    "Exception",
                    "internal error",
                );
                let fine = post(path, "fine", packets);
                assert_good(path, &peer.ask(&fine).await);
                assert_good(path, &Peer::connect(address).await.ask(&fine).await);
            }
        }
    }
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_a_failure_like_any_other() {
    let address = start(Server::new(Abrupt)).await;
    let mut peer = Peer::connect(address).await;
    for path in ALL {
        for how in SILENT {
            let answer = peer.ask(&post(path, how, 0)).await;
            assert_failure(&failure(path, &answer, 0), 500, "Exception", "internal error");
            let fine = post(path, "fine", 0);
            assert_good(path, &peer.ask(&fine).await);
            assert_good(path, &Peer::connect(address).await.ask(&fine).await);
        }
    }
}

#[tokio::test]
async fn what_fails_behind_the_last_packet_adds_none() {
    for how in ["wire", "io", "panic"] {
        let answer = turn(move |reply| {
            Box::pin(async move {
                reply.finish("Bye.").await?;
                fail(how)
            })
        })
        .await;
        assert_eq!(each(&answer.good_packets(), "answer"), ["Bye."]);
    }
}

#[tokio::test]
async fn an_invalid_item_of_send_all_ends_the_turn_with_a_failure_and_is_traced() {
    let (traces, _guard) = traced();
    let answer = turn(|reply| {
        Box::pin(async move {
            let late = Event::text(SECRET).with(HangUp::new().with_delay(11));
            let items = [Event::text("good"), late, Event::text("never")];
            reply.send_all(stream::iter(items.map(Ok::<_, Error>))).await
        })
    })
    .await;
    assert_eq!(each(&answer.packets(), "answer")[0], "good");
    assert_failure(&failure(DIALOGUE, &answer, 1), 500, "Exception", "internal error");
    let place = "/data/controlParamsList/0/delay: 11, allowed: 0 to 10";
    assert_eq!(traces.with(&["ERROR", "dialogue", place]).len(), 1, "{:?}", traces.lines());
}

#[tokio::test]
async fn a_stream_that_fails_or_panics_within_send_all_ends_the_turn_with_a_failure() {
    for how in SILENT {
        let answer = turn(move |reply| {
            let items = stream::iter([Ok("good")])
                .chain(stream::once(async move { fail(how).map(|()| "not reached") }))
                .boxed();
            async move { reply.send_all(items).await }.boxed()
        })
        .await;
        assert_failure(&failure(DIALOGUE, &answer, 1), 500, "Exception", "internal error");
    }
}

#[tokio::test]
async fn an_error_is_traced_with_its_reason_and_a_panic_without() {
    for (how, level, reason) in [
        ("io", "ERROR", SECRET),
        // Of what a caller asks for and does not get, the log of errors must not fill.
        ("wire", "WARN", "no such account"),
        ("panic", "ERROR", "panicked"),
    ] {
        for path in ALL {
            let (traces, _guard) = traced();
            let mut peer = Peer::connect(start(Server::new(Faulty)).await).await;
            peer.ask(&post(path, how, 0)).await;
            let operation = path.rsplit('/').next().unwrap();
            let lines = traces.with(&[level, operation, reason]);
            assert_eq!(lines.len(), 1, "{:?}", traces.lines());
            assert_eq!(traces.with(&[SECRET]).len(), usize::from(how == "io"));
        }
    }
}
