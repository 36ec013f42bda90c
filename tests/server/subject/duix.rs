//! The DUIX dialogue: one operation is answered with one body, the other one streams frames.

use axum::Router;
use callbot::duix::dialogue::{Answer as Spoken, Api, DialogueRequest, Reply, Server};
use callbot::server::Error;

use super::{Cause, Dispensable, FALLBACK, Failure, Mute, Operation, PIECE, Script, Settings};
use super::{Streams, Subject, observed, with_settings};
use crate::support::duix::{ANSWERED, BOTH, CONVERSATION, STREAMED, frame, said, valid};
use crate::support::peer::Answer;

#[derive(Default)]
pub(crate) struct Duix;

struct Scripted(Script);

impl Api for Scripted {
    fn dialogue(
        &self,
        asked: DialogueRequest,
    ) -> impl Future<Output = Result<Spoken, Error>> + Send {
        let handling = self.0.run(asked, Mute::line());
        async move { handling.await.map(|()| "heard".into()) }
    }

    fn dialogue_stream(
        &self,
        asked: DialogueRequest,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, reply)
    }
}

/// The status that the document has in place of this one.
fn documented(status: u16) -> u16 {
    match status {
        401 | 403 => status,
        400..=499 => 400,
        _ => 500,
    }
}

impl Subject for Duix {
    const CALL: &'static [&'static str] = &["/dh-conversation-id"];
    const IDS: &'static [&'static str] = &["/dh-conversation-id"];
    const KEEPS_UNKNOWN_FIELDS: bool = false;

    fn operations(&self) -> Vec<Operation> {
        let required = ["/dh-question", "/dh-conversation-id"];
        let dispensable =
            ["/sid", "/dh-code"].map(|field| Dispensable::new(field, Some("".into())));
        let operation = |path: &str| Operation {
            path: path.into(),
            name: if path == STREAMED { "dialogueStream" } else { "dialogue" },
            body: valid(),
            streams: path == STREAMED,
            handled: true,
            required: required.map(Into::into).into(),
            dispensable: dispensable.clone().into(),
            text: "/sid",
            echo: None,
        };
        BOTH.map(operation).into()
    }

    fn router(&self, script: Script, settings: Settings) -> Router {
        let server = observed!(Server::new(Scripted(script.clone())), script, settings);
        let server = if settings.fallback { server.fallback(FALLBACK) } else { server };
        with_settings!(server, settings, heartbeat).router()
    }

    fn platform(operation: &Operation) -> &'static str {
        if operation.streams { "duix-stream" } else { "duix" }
    }

    fn assert_served(&self, operation: &Operation, answer: &Answer) {
        if operation.streams {
            answer.frames();
        } else {
            let mut expected = said(serde_json::json!({"answer": "heard"}));
            expected["data"]["conversationId"] = CONVERSATION.into();
            assert_eq!((answer.status, answer.json()), (200, expected), "{}", ANSWERED);
        }
    }

    // On the path of the stream as well.
    fn refusal(&self, _: &Operation, answer: &Answer) -> Failure {
        let (code, message) = answer.envelope(answer.status);
        Failure { status: answer.status, code, message, id: None }
    }

    fn failure(&self, operation: &Operation, answer: &Answer, pieces: usize) -> Option<Failure> {
        if !operation.streams {
            return Some(self.refusal(operation, answer));
        }
        // The head has left with status 200, and a frame has no place for an error.
        let mut expected = vec![PIECE; pieces];
        expected.push("");
        assert_eq!(answer.frames(), expected);
        None
    }

    fn shown(&self, _: &Operation, cause: Cause) -> (u16, String) {
        let (status, code) = match cause {
            Cause::Refused(status) => (documented(status), None),
            Cause::Failed(status, code) => (documented(status), code),
            Cause::Internal => (500, None),
        };
        (status, code.map_or_else(|| status.to_string(), Into::into))
    }
}

impl Streams for Duix {
    fn packet(block: &str) -> (String, bool) {
        frame(block)
    }
}
