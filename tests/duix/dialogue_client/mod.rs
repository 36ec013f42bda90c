//! The client that asks a DUIX dialogue bot: what it sends, the forms of an answer that it reads, and
//! which error it returns for which failure.

mod answers;
mod both_sides;
mod compatibility;
mod streams;

use callbot::client::Error;
use callbot::duix::dialogue::{Client, Delta, DialogueAnswer, DialogueRequest};
use callbot::wire::decode;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use crate::support::script::{Fake, Stub, json_answer};

pub(super) const REQUEST: &str = include_str!("../../fixtures/duix-dialogue/request.json");
pub(super) const OBJECT: &str = include_str!("../../fixtures/duix-dialogue/answer-object.json");
pub(super) const JSON_TEXT: &str =
    include_str!("../../fixtures/duix-dialogue/answer-json-text.json");
pub(super) const TEXT: &str = include_str!("../../fixtures/duix-dialogue/answer-text.json");
pub(super) const FAILURE: &str = include_str!("../../fixtures/duix-dialogue/failure.json");
pub(super) const DELTA: &str = include_str!("../../fixtures/duix-dialogue/delta.json");
pub(super) const LAST: &str = include_str!("../../fixtures/duix-dialogue/delta-last.json");

pub(super) fn request() -> DialogueRequest {
    decode(REQUEST.as_bytes()).unwrap()
}

pub(super) fn client(stub: &Stub) -> Client {
    Client::new(&stub.url).unwrap()
}

/// Reads this body with the client.
pub(super) async fn read(body: impl ToString) -> Result<DialogueAnswer, Error> {
    let stub = Stub::answering(json_answer("200 OK", &body.to_string())).await;
    client(&stub).dialogue(&request()).await.map(callbot::client::Answer::into_inner)
}

/// A client that reads this stream from a socket for every question.
pub(super) async fn streaming(body: impl AsRef<[u8]>) -> (Client, Stub) {
    let stub = Stub::answering(crate::support::script::stream(body)).await;
    (client(&stub), stub)
}

/// A client that reads this stream in chunks of `size` bytes for every question, without a socket that
/// could join them.
pub(super) fn cut(body: &[u8], size: usize) -> Client {
    let chunks: Vec<_> = body.chunks(size).map(<[u8]>::to_vec).collect();
    let transport = Fake::new(move |_| {
        let chunks = stream::iter(chunks.clone().into_iter().map(Ok::<_, std::io::Error>));
        let mut response = http::Response::new(reqwest::Body::wrap_stream(chunks));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        std::future::ready(response)
    });
    Client::builder("http://bot").transport(transport).build().unwrap()
}

pub(super) async fn deltas(client: &Client) -> Result<Vec<Delta>, Error> {
    client.dialogue_stream(&request()).await?.try_collect().await
}

pub(super) async fn text(client: &Client) -> Result<String, Error> {
    client.dialogue_stream(&request()).await?.text().await
}

/// The error of a stream, from before the stream or from within it.
pub(super) async fn stream_error(client: &Client) -> Error {
    let mut deltas = match client.dialogue_stream(&request()).await {
        Ok(deltas) => deltas,
        Err(error) => return error,
    };
    loop {
        match deltas.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                assert!(deltas.next().await.is_none(), "the stream goes on after {error}");
                return error;
            }
            None => panic!("the stream went well"),
        }
    }
}

/// A successful envelope around this answer.
pub(super) fn enveloped(answer: impl Into<Value>) -> Value {
    json!({"code": "200", "success": true,
        "data": {"conversationId": "c-1", "answer": answer.into()}})
}

pub(super) fn frame(text: &str, end: bool) -> Value {
    json!({"answer": text, "isEnd": end})
}
