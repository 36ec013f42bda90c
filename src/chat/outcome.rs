//! Reads from a body or a chunk whether the request succeeded.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ChatChunk, ChatCompletion, ErrorAnswer};
use crate::client::{Failure, Outcome, Reported, Step};
use crate::wire::{decode, decode_value};

fn failure(extra: &BTreeMap<String, Value>) -> Option<Failure> {
    let error = extra.get("error").filter(|error| !error.is_null())?;
    let answer = serde_json::json!({"error": error});
    decode_value::<ErrorAnswer>(&answer).ok().map(failure_of)
}

fn failure_in(body: &[u8]) -> Option<Failure> {
    decode::<ErrorAnswer>(body).ok().map(failure_of)
}

fn failure_of(answer: ErrorAnswer) -> Failure {
    let error = answer.error;
    let code = error.code.or(error.type_).unwrap_or_default();
    Failure::new(code).with_message(Some(error.message))
}

impl Outcome for ChatCompletion {
    fn failure(&self) -> Option<Failure> {
        failure(&self.extra)
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        failure_in(body)
    }
}

impl Outcome for ChatChunk {
    fn failure(&self) -> Option<Failure> {
        failure(&self.extra)
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        failure_in(body)
    }
}

impl Reported for ChatChunk {
    fn step(&self) -> Step {
        let ends = self.choices.iter().any(|choice| {
            choice.finish_reason.as_ref().is_some_and(|reason| !reason.as_str().is_empty())
        });
        if ends { Step::Complete } else { Step::Next }
    }
}
