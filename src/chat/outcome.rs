//! Reads from a body or a chunk whether the request succeeded.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::completion::Collector;
use super::{ChatChunk, ChatCompletion, ChatCompletionFields, Choice, Completion, operations};
use crate::client::{Failure, Outcome, Reported, Step};
use crate::sse::{Decoder, write_event};
use crate::wire::{decode, without_bom};

impl Outcome for ChatCompletion {
    fn failure(&self) -> Option<Failure> {
        failure_beside(&self.extra)
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        failure_in(body)
    }

    /// Puts the chunks of a stream together.
    fn from_events(body: &[u8]) -> Option<Result<Self, (Failure, Bytes)>> {
        let mut decoder = Decoder::new(body.len());
        let (mut rest, mut collector, mut done) = (body, Collector::default(), false);
        let (mut created, mut read) = (0, false);
        while let Some(event) = decoder.next(&mut rest).ok()? {
            let data = without_bom(event.data()).trim_ascii();
            if END.is_some_and(|end| data == end.as_bytes()) {
                done = true;
                break;
            }
            if data.is_empty() || data.starts_with(b":") {
                continue;
            }
            let chunk: ChatChunk = decode(data).ok()?;
            if let Some(failure) = chunk.failure() {
                return Some(Err((failure, Bytes::copy_from_slice(data))));
            }
            (created, read) = (chunk.created, true);
            collector.add(&chunk.without_blanks());
        }
        // What ends before is a part of an answer.
        (read && (done || collector.is_finished()))
            .then(|| Ok(collector.completion().whole(created)))
    }
}

impl Outcome for ChatChunk {
    // Every field of a chunk may be missing, so that an error object reads as a chunk.
    fn failure(&self) -> Option<Failure> {
        let bare = self.object.as_deref() == Some(BARE);
        failure_beside(&self.extra).or_else(|| bare.then(|| failure_of(|key| self.extra.get(key))))
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        failure_in(body)
    }

    /// A chunk reads a whole message in place of its delta.
    fn as_events(body: &[u8]) -> Option<Vec<u8>> {
        decode::<ChatCompletion>(body).ok()?;
        let mut events = Vec::new();
        write_event(std::str::from_utf8(body).ok()?, &mut events);
        write_event(END?, &mut events);
        Some(events)
    }
}

impl Reported for ChatChunk {
    fn step(&self) -> Step {
        let reasons = self.choices.iter().filter_map(|choice| choice.finish_reason.as_ref());
        match reasons.filter(|reason| !reason.as_str().is_empty()).count() {
            0 => Step::Next,
            _ => Step::Complete,
        }
    }
}

impl Completion {
    /// Returns the answer as one body.
    fn whole(self, created: i64) -> ChatCompletion {
        let mut message = self.message();
        message.reasoning_content = Some(self.reasoning).filter(|text| !text.is_empty());
        let mut choice = Choice::new(0, message);
        choice.finish_reason = self.finish_reason;
        let (id, model) = (self.id.as_str(), self.model.as_str());
        let fields = ChatCompletionFields { id, created, model, choices: vec![choice] };
        let mut whole = ChatCompletion::new(fields);
        whole.usage = self.usage;
        whole
    }
}

/// The data of the last event of a stream.
const END: Option<&str> = operations::CREATE_CHAT_COMPLETION.ends_with;

/// The `object` of an error object without a key around it.
const BARE: &str = "error";

/// Returns the failure that a body reports which is not an answer. Some servers send the error object without
/// a key around it.
fn failure_in(body: &[u8]) -> Option<Failure> {
    let body: Map<String, Value> = decode(body).ok()?;
    let bare = || body.get("object").is_some_and(|object| object == BARE);
    failure_beside(&body).or_else(|| bare().then(|| failure_of(|key| body.get(key))))
}

/// Returns the failure that is beside the fields of an answer.
fn failure_beside<'a>(keys: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Option<Failure> {
    match keys.into_iter().find(|(key, _)| *key == "error")?.1 {
        Value::Null => None,
        Value::Object(error) => Some(failure_of(|key| error.get(key))),
        Value::String(message) => Some(Failure::new("").with_message(Some(message.clone()))),
        other => Some(Failure::new("").with_message(Some(other.to_string()))),
    }
}

/// Returns the failure of an error object, given its keys.
fn failure_of<'a>(get: impl Fn(&str) -> Option<&'a Value>) -> Failure {
    let text = |key| match get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let code = text("code").or_else(|| text("type")).unwrap_or_default();
    Failure::new(code).with_message(text("message"))
}
