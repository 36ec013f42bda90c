//! Shared by the tests of DUIX dialogue servers: a bot on a socket, its requests and its frames.

use std::net::SocketAddr;

use callbot::duix::dialogue::{Answer, Api, DialogueRequest, Reply, Server};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::json;
pub(crate) use super::peer::*;

/// The operation that is answered with one JSON body.
pub(crate) const ANSWERED: &str = "/duix/dialogue";
/// The operation that is answered with frames.
pub(crate) const STREAMED: &str = "/duix/dialogue/stream";
pub(crate) const BOTH: [&str; 2] = [ANSWERED, STREAMED];

/// The id in the document's example of a request.
pub(crate) const CONVERSATION: &str = "0513e935-041f-48e0-9330-652ef4194511";

/// The document's example of a request.
pub(crate) fn valid() -> Value {
    json!({
        "sid": "100003",
        "dh-code": "187265485019156480",
        "dh-question": "who are you?",
        "dh-conversation-id": CONVERSATION,
        "dh-context": "{}",
    })
}

/// The example with another value for a key; `None` removes the key.
pub(crate) fn changed(key: &str, value: Option<Value>) -> Value {
    json::changed(&valid(), [(&format!("/{key}"), value)])
}

/// The example with another question.
pub(crate) fn asking(question: &str) -> Value {
    changed("dh-question", Some(question.into()))
}

/// The answer to the document's question if the bot says this.
pub(crate) fn said(answer: impl Into<Value>) -> Value {
    json!({
        "code": "200",
        "msg": "SUCCESS",
        "success": true,
        "data": {
            "conversationId": CONVERSATION,
            "question": "who are you?",
            "answer": answer.into(),
        },
    })
}

type Answering = dyn Fn(DialogueRequest) -> BoxFuture<'static, Result<Answer, Error>> + Send + Sync;
type Speaking = dyn for<'a> Fn(&'a mut Reply) -> BoxFuture<'a, Result<(), Error>> + Send + Sync;

/// A bot that serves one of the two operations.
pub(crate) enum Bot {
    Answering(Box<Answering>),
    Speaking(Box<Speaking>),
}

impl Api for Bot {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        match self {
            Self::Answering(answer) => answer(request).await,
            Self::Speaking(_) => Err(Error::unsupported()),
        }
    }

    async fn dialogue_stream(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        match self {
            Self::Speaking(speak) => speak(reply).await,
            Self::Answering(_) => Err(Error::unsupported()),
        }
    }
}

/// A server that answers in one piece, with the default settings.
pub(crate) fn answering<F>(
    answer: impl Fn(DialogueRequest) -> F + Send + Sync + 'static,
) -> Server<Bot>
where
    F: Future<Output = Result<Answer, Error>> + Send + 'static,
{
    Server::new(Bot::Answering(Box::new(move |request| Box::pin(answer(request)))))
}

/// A server that answers in a stream, with the default settings.
pub(crate) fn speaking(
    speak: impl for<'a> Fn(&'a mut Reply) -> BoxFuture<'a, Result<(), Error>> + Send + Sync + 'static,
) -> Server<Bot> {
    Server::new(Bot::Speaking(Box::new(speak)))
}

/// Serves until the test is over.
pub(crate) async fn start<A: Api>(server: Server<A>) -> SocketAddr {
    start_router(server.router()).await
}

/// Asks a new server the document's question.
pub(crate) async fn ask<A: Api>(path: &str, server: Server<A>) -> super::peer::Answer {
    Peer::connect(start(server).await).await.ask(&Post::question(path)).await
}

impl Post {
    /// The document's example of a request.
    pub(crate) fn question(path: &str) -> Self {
        Self::json(path, &valid())
    }

    /// The example with another question.
    pub(crate) fn asking(path: &str, question: &str) -> Self {
        Self::json(path, &asking(question))
    }
}

impl super::peer::Answer {
    /// The texts of the frames of a stream, whose form must be the documented one: the last frame and no
    /// other one says that it is the last.
    pub(crate) fn frames(&self) -> Vec<String> {
        self.assert_stream();
        let blocks = self.body.strip_suffix("\n\n").expect("the stream ends with a blank line");
        let (texts, ends): (Vec<_>, Vec<_>) = blocks.split("\n\n").map(frame).unzip();
        let mut expected = vec![false; texts.len() - 1];
        expected.push(true);
        assert_eq!(ends, expected, "one end, and nothing behind it: {}", self.body);
        texts
    }

    /// Checks that the head is that of a stream.
    pub(crate) fn assert_stream(&self) {
        assert_eq!((self.status, self.header("content-type")), (200, "text/event-stream"));
        assert_eq!(self.header("cache-control"), "no-cache");
    }

    /// The code and the text of a failure with this status, in the form of the document.
    pub(crate) fn envelope(&self, status: u16) -> (String, String) {
        assert_eq!(self.status, status, "{self:?}");
        let envelope = self.json();
        let object = envelope.as_object().expect("an object");
        assert!(object.keys().all(|key| ["code", "msg", "success"].contains(&&**key)), "{self:?}");
        assert_eq!(envelope["success"], false, "{self:?}");
        let text = |key: &str| envelope[key].as_str().expect("a string").to_owned();
        (text("code"), text("msg"))
    }
}

/// The text of a frame, and whether the frame says that it is the last one.
pub(crate) fn frame(block: &str) -> (String, bool) {
    let data = block.trim_end_matches('\n').strip_prefix("data: ");
    let data = data.unwrap_or_else(|| panic!("no data: {block:?}"));
    assert!(!data.contains(['\r', '\n']), "one line: {block:?}");
    let frame: Value = serde_json::from_str(data).unwrap();
    let object = frame.as_object().expect("an object");
    assert!(object.keys().eq(["answer", "isEnd"]), "{block:?}");
    (frame["answer"].as_str().unwrap().to_owned(), frame["isEnd"].as_bool().unwrap())
}

impl Peer {
    /// The next frame of a stream without comments.
    pub(crate) async fn frame(&mut self) -> (String, bool) {
        frame(&self.block().await.expect("a frame").0)
    }
}
