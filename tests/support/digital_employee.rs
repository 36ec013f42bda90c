//! Shared by the tests of Digital Employee servers: a bot on a socket, its requests and its packets.

use std::net::SocketAddr;

use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply, Server};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::json;
pub(crate) use super::peer::*;

pub(crate) const BEGIN: &str = "/proxy/beginSession";
pub(crate) const DIALOGUE: &str = "/proxy/dialogue";
pub(crate) const ABORT: &str = "/proxy/abortDialogue";
pub(crate) const END: &str = "/proxy/endSession";

/// The operations that are answered with packets.
pub(crate) const SPOKEN: [&str; 2] = [BEGIN, DIALOGUE];
/// The operations that are answered with one JSON body.
pub(crate) const ANSWERED: [&str; 2] = [ABORT, END];
pub(crate) const ALL: [&str; 4] = [BEGIN, DIALOGUE, ABORT, END];

/// A body that the operation at the path accepts.
pub(crate) fn valid(path: &str) -> Value {
    let mut body = json!({
        "requestId": "r-1", "tenantId": 378210, "instanceId": "n1", "scriptId": "sc-1",
        "sessionId": "s-1",
    });
    if path != END {
        body["streamId"] = "t-1".into();
    }
    match path {
        BEGIN => {
            body["vendorParams"] =
                json!({"callingNumber": "13500000001", "calledNumber": "4000000000"});
        }
        DIALOGUE => body["utterance"] = "Hello!".into(),
        ABORT => body["type"] = "Interrupted".into(),
        _ => {}
    }
    body
}

/// The valid body with other values at some JSON pointers; `None` removes the key.
pub(crate) fn changed<const N: usize>(path: &str, changes: [(&str, Option<Value>); N]) -> Value {
    json::changed(&valid(path), changes)
}

/// A bot that replies to every request in the same way.
pub(crate) struct Bot<F>(F);

/// How a [`Bot`] replies in a turn.
pub(crate) trait Speak:
    for<'a> Fn(&'a mut Reply) -> BoxFuture<'a, Result<(), Error>> + Send + Sync + 'static
{
}

impl<F> Speak for F where
    F: for<'a> Fn(&'a mut Reply) -> BoxFuture<'a, Result<(), Error>> + Send + Sync + 'static
{
}

impl<F: Speak> Api for Bot<F> {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        (self.0)(reply).await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        (self.0)(reply).await
    }
}

/// A server of such a bot, with the default settings.
pub(crate) fn bot<F: Speak>(speak: F) -> Server<Bot<F>> {
    Server::new(Bot(speak))
}

/// Serves until the test is over.
pub(crate) async fn start<A: Api>(server: Server<A>) -> SocketAddr {
    start_router(server.router()).await
}

impl Post {
    pub(crate) fn valid(path: &'static str) -> Self {
        Self::json(path, &valid(path))
    }
}

impl Answer {
    /// The packets of an event stream, whose form must be the documented one.
    pub(crate) fn packets(&self) -> Vec<Value> {
        assert_eq!((self.status, self.header("content-type")), (200, "text/event-stream"));
        let blocks = self.body.strip_suffix("\n\n").expect("the stream ends with a blank line");
        let packets: Vec<_> = blocks.split("\n\n").map(packet).collect();
        let ends: Vec<_> = packets.iter().map(|packet| &packet["data"]["streamEnd"]).collect();
        let mut expected = vec![false; packets.len() - 1];
        expected.push(true);
        assert_eq!(json!(ends), json!(expected), "one end, and nothing behind it: {}", self.body);
        packets
    }

    /// The packets of a turn without a failure.
    pub(crate) fn good_packets(&self) -> Vec<Value> {
        let packets = self.packets();
        for packet in &packets {
            assert_eq!((&packet["httpStatusCode"], &packet["code"]), (&json!(200), &json!("OK")));
        }
        packets
    }
}

/// The JSON of a block of an event stream.
pub(crate) fn packet(block: &str) -> Value {
    let data = block.trim_end().strip_prefix("data:").unwrap_or_else(|| panic!("no data: {block}"));
    assert!(data.starts_with('{') && !data.contains(['\r', '\n']), "one line of JSON: {block}");
    serde_json::from_str(data).unwrap()
}

/// The values of a field of `data`.
pub(crate) fn each<'a>(packets: &'a [Value], field: &str) -> Vec<&'a Value> {
    packets.iter().map(|packet| &packet["data"][field]).collect()
}

impl Peer {
    /// The next packet of a stream without comments.
    pub(crate) async fn packet(&mut self) -> Value {
        packet(&self.block().await.expect("a packet").0)
    }
}

/// One turn of a bot with these settings, over a new connection.
pub(crate) async fn turn_with<F: Speak>(
    settings: impl FnOnce(Server<Bot<F>>) -> Server<Bot<F>>,
    speak: F,
) -> Answer {
    let address = start(settings(bot(speak))).await;
    Peer::connect(address).await.ask(&Post::valid(DIALOGUE)).await
}

/// One turn of a bot with the default settings.
pub(crate) async fn turn(speak: impl Speak) -> Answer {
    turn_with(|server| server, speak).await
}
