//! Chat completions: the request says whether the answer is a stream of chunks or one body.

use axum::Router;
use callbot::chat::{Api, ChatRequest, CreateChatCompletionParameters, Reply, Server};
use callbot::server::Error;
use serde_json::{Value, json};

use super::{
    Cause, Dispensable, Failure, Operation, PIECE, Script, Settings, Streams, Subject, observed,
    with_settings,
};
use crate::support::chat::{PATH, choice, event, events, valid};
use crate::support::peer::Answer;

#[derive(Default)]
pub(crate) struct Chat;

struct Scripted(Script);

impl Api for Scripted {
    fn create_chat_completion(
        &self,
        _: CreateChatCompletionParameters,
        asked: ChatRequest,
        reply: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.0.run(asked, reply)
    }
}

/// The message of an error object with all its keys, and its code.
fn error_in(answer: &Value) -> (String, String) {
    let error = answer["error"].as_object().unwrap_or_else(|| panic!("no error: {answer}"));
    let keys: Vec<_> = error.keys().map(String::as_str).collect();
    assert_eq!(keys, ["message", "type", "param", "code"], "{answer}");
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    assert!(text("type").ends_with("_error"), "{answer}");
    (text("message"), text("code"))
}

impl Subject for Chat {
    const CALL: &'static [&'static str] = &["/extendData/instanceId"];
    const IDS: &'static [&'static str] = &["/extendData/instanceId", "/extendData/sentenceId"];
    const KEEPS_UNKNOWN_FIELDS: bool = true;

    fn platform(_: &Operation) -> &'static str {
        "chat"
    }

    fn operations(&self) -> Vec<Operation> {
        let optional = [
            "/temperature",
            "/extendData/instanceId",
            "/extendData/sentenceId",
            "/extendData/callerNumber",
        ];
        let mut dispensable: Vec<_> = optional.map(Dispensable::optional).into();
        dispensable.push(Dispensable::new("/model", None));
        dispensable.push(Dispensable { object: true, ..Dispensable::optional("/extendData") });
        let operation = |path: &str, stream| Operation {
            path: path.into(),
            name: "createChatCompletion",
            body: valid(stream),
            streams: stream,
            handled: true,
            // A list of messages is read in many forms; its own tests have them.
            required: Vec::new(),
            dispensable: dispensable.clone(),
            text: "/user",
            echo: None,
        };
        let below = |base: &str| format!("{base}/chat/completions");
        let mut all = vec![operation(PATH, true), operation(PATH, false)];
        all.extend(["", &below(""), &below("/v1")].map(|base| operation(&below(base), false)));
        all
    }

    fn router(&self, script: Script, settings: Settings) -> Router {
        let server = observed!(Server::new(Scripted(script.clone())), script, settings);
        with_settings!(server, settings, heartbeat).router()
    }

    fn assert_served(&self, operation: &Operation, answer: &Answer) {
        if operation.streams {
            let events = events(answer);
            assert!(events.iter().all(|event| event["id"] == events[0]["id"]), "{answer:?}");
            events.iter().for_each(|event| {
                choice(event);
            });
            return;
        }
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["object"]),
            (200, &json!("chat.completion")),
            "{answer:?}"
        );
        assert_eq!(json["choices"][0]["message"]["role"], "assistant", "{answer:?}");
    }

    fn refusal(&self, _: &Operation, answer: &Answer) -> Failure {
        assert_eq!(answer.header("x-should-retry"), "false", "{answer:?}");
        let (message, code) = error_in(&answer.json());
        Failure { status: answer.status, code, message, id: None }
    }

    fn failure(&self, operation: &Operation, answer: &Answer, pieces: usize) -> Option<Failure> {
        if !operation.streams || pieces == 0 {
            return Some(self.refusal(operation, answer));
        }
        // The head has left with status 200, and an error object has no status.
        let mut events = events(answer);
        error_in(&events.pop().unwrap());
        let texts: Vec<_> = events.iter().map(|event| &choice(event)["delta"]["content"]).collect();
        let mut expected = vec![PIECE; pieces];
        expected.insert(0, "");
        assert_eq!(texts, expected, "{answer:?}");
        None
    }

    fn shown(&self, _: &Operation, cause: Cause) -> (u16, String) {
        match cause {
            Cause::Refused(status) => (status, String::new()),
            Cause::Failed(status, code) => (status, code.unwrap_or_default().into()),
            Cause::Internal => (500, String::new()),
        }
    }
}

impl Streams for Chat {
    const ENDS_APART: bool = true;
    const HEAD_WAITS: bool = true;

    fn packet(block: &str) -> (String, bool) {
        let (events, last) = match block.strip_suffix("data: [DONE]\n\n") {
            Some(events) => (events, true),
            None => (block, false),
        };
        let mut text = String::new();
        for event in events.split_inclusive("\n\n").map(event) {
            if event.get("error").is_some() {
                error_in(&event);
                continue;
            }
            let choice = choice(&event);
            assert_eq!(
                choice["finish_reason"].is_null(),
                !last || choice["delta"]["role"] == "assistant"
            );
            text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        }
        (text, last)
    }

    /// The role comes before the first text, and the reason before the mark.
    fn goes_on(block: &str) -> bool {
        if block.ends_with("data: [DONE]\n\n") || block.starts_with(':') {
            return false;
        }
        let Some(last) = block.split_inclusive("\n\n").last() else { return false };
        let event = event(last);
        let choice = &event["choices"][0];
        event.get("error").is_some()
            || !choice["finish_reason"].is_null()
            || choice["delta"].get("role").is_some()
    }
}
