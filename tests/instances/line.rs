//! A phone line of Digital Employee to an instance.

use std::time::Duration;

use callbot::client::{CallOptions, Error, EventStream};
use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, Client, DialogueRequest,
    DialogueRequestFields, EndSessionRequest, EndSessionRequestFields, Packet,
};
use futures_util::StreamExt;
use tokio::time::timeout;

/// How long a test waits for what has to happen. Nothing takes that long unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Line {
    client: Client,
}

/// How a turn was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With this text. A reply that was cut ends like any other.
    Text(String),
    /// With a failure that says this.
    Failure(String),
}

impl Outcome {
    /// Returns the text of a reply that succeeded.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what a failure says.
    pub(crate) fn failure(self) -> String {
        match self {
            Self::Failure(message) => message,
            other => panic!("{other:?}"),
        }
    }
}

impl Line {
    pub(crate) fn new(url: &str) -> Self {
        // A server that hangs must show as one, not as a client that gives up.
        let options = CallOptions::new().call_deadline(LONG).first_event_deadline(LONG);
        let client = Client::builder(url).options(options.gap_deadline(LONG));
        Self { client: client.build().unwrap() }
    }

    /// Sends a turn, and returns its reply, which goes on.
    pub(crate) async fn start(&self, call: &str, turn: &str, words: &str) -> Reply {
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: call,
            stream_id: turn,
            utterance: words,
        });
        let stream = self.client.dialogue(&request).await;
        let (stream, failure) = match stream {
            Ok(stream) => (Some(stream), None),
            Err(error) => (None, Some(described(&error))),
        };
        Reply { stream, text: String::new(), ended: false, failure }
    }

    /// Sends a turn, and returns how it was answered.
    pub(crate) async fn say(&self, call: &str, turn: &str, words: &str) -> Outcome {
        self.start(call, turn, words).await.rest().await
    }

    /// Sends a turn that succeeds, and returns its text.
    pub(crate) async fn text(&self, call: &str, turn: &str, words: &str) -> String {
        self.say(call, turn, words).await.text()
    }

    /// Tells that the caller has interrupted a turn. `Err` with what a failure says.
    pub(crate) async fn abort(&self, call: &str, turn: &str, heard: &str) -> Result<(), String> {
        let mut request = AbortDialogueRequest::new(AbortDialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            session_id: call,
            stream_id: turn,
            type_: AbortType::Interrupted,
        });
        request.answer = Some(heard.to_owned());
        let aborted = self.client.abort_dialogue(&request).await;
        aborted.map(drop).map_err(|error| described(&error))
    }

    /// Ends a call. `Err` with what a failure says.
    pub(crate) async fn end(&self, call: &str) -> Result<(), String> {
        let request = EndSessionRequest::new(EndSessionRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: call,
        });
        let ended = self.client.end_session(&request).await;
        ended.map(drop).map_err(|error| described(&error))
    }
}

fn described(error: &Error) -> String {
    match error.failure() {
        Some(failure) => failure.message().unwrap_or_default().to_owned(),
        None => format!("no failure: {error}"),
    }
}

/// A reply that is being read.
pub(crate) struct Reply {
    stream: Option<EventStream<Packet>>,
    pub(crate) text: String,
    ended: bool,
    failure: Option<String>,
}

impl Reply {
    /// Reads a packet. Returns `false` if the reply is over.
    async fn next(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let packet = timeout(LONG, stream.next()).await.expect("the reply hangs");
        match packet {
            None => {
                self.stream = None;
                false
            }
            Some(Ok(packet)) => {
                let data = packet.data.unwrap();
                if let Some(answer) = data.answer {
                    self.text = answer;
                }
                self.ended = data.stream_end;
                true
            }
            Some(Err(error)) => {
                self.failure = Some(described(&error));
                self.stream = None;
                false
            }
        }
    }

    /// Reads packets until the text contains `part`.
    pub(crate) async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            let text = &self.text;
            let over = format!("the reply is over, with {text:?} and {:?}", self.failure);
            assert!(self.next().await, "{over}");
        }
    }

    /// Reads all remaining packets.
    pub(crate) async fn rest(mut self) -> Outcome {
        while self.next().await {}
        let text = self.text.trim().to_owned();
        match self.failure {
            Some(failure) => Outcome::Failure(failure),
            None => {
                assert!(self.ended, "the stream broke off after {text:?}");
                Outcome::Text(text)
            }
        }
    }
}
