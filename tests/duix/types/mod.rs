//! The types of the DUIX management API. The fixtures are the examples of the platform's document,
//! and envelopes by its tables and by newer pages. The example of a conversation had a stray backslash
//! in its prompt, so that it was not JSON; the fixture has it removed.

mod compatibility;
mod documented;

use callbot::duix::{
    AvatarAnswer, ConcurrencyAnswer, ConversationAnswer, CreateAvatarAnswer, CreateAvatarRequest,
    Envelope, SessionsAnswer, StopAllSessionsAnswer, StopSessionAnswer,
};
use serde_json::{Value, json};

use crate::support::samples::{Reader, each_object, fixtures, read_as};

/// A wire sample.
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) read: Reader,
    /// Whether everything below `data` is kept unchanged, because its form is not documented.
    pub(super) raw: bool,
}

macro_rules! samples {
    ($($name:literal: $type:ty, $raw:literal;)*) => {
        [$(Sample {
            name: $name,
            text: include_str!(concat!("../../fixtures/duix/", $name, ".json")),
            read: read_as::<$type>,
            raw: $raw,
        }),*]
    };
}

pub(super) fn samples() -> [Sample; 18] {
    samples! {
        "avatar": AvatarAnswer, false;
        "concurrency": ConcurrencyAnswer, false;
        "concurrency-filled": ConcurrencyAnswer, false;
        "conversation": ConversationAnswer, false;
        "create-avatar": CreateAvatarAnswer, false;
        "create-avatar-request": CreateAvatarRequest, false;
        "create-avatar-request-shortest": CreateAvatarRequest, false;
        "envelope-bare": Envelope, false;
        "envelope-empty": Envelope, false;
        "envelope-newer": Envelope, false;
        "failure-both": ConcurrencyAnswer, false;
        "failure-message": AvatarAnswer, false;
        "failure-msg": CreateAvatarAnswer, false;
        "failure-with-data": Envelope, true;
        "sessions": SessionsAnswer, true;
        "stop-all-sessions": StopAllSessionsAnswer, true;
        "stop-all-sessions-newer": StopAllSessionsAnswer, true;
        "stop-session": StopSessionAnswer, true;
    }
}

pub(super) fn sample(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).unwrap()
}

impl Sample {
    pub(super) fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    /// Reads a document and writes it. The result must be read and written without another change.
    pub(super) fn read(&self, document: &Value) -> Value {
        let read = |document: &Value| {
            (self.read)(document)
                .unwrap_or_else(|error| panic!("{}: {error}: {document}", self.name))
        };
        let written = read(document);
        assert_eq!(read(&written), written, "{}: {document}", self.name);
        written
    }

    /// The document as it is written back: without nulls and empty lists, and with one text.
    pub(super) fn plain(&self, mut document: Value) -> Value {
        let raw = document.get_mut("data").filter(|_| self.raw).map(Value::take);
        strip(&mut document);
        let object = document.as_object_mut().unwrap();
        // Newer pages call the text `msg`, and the document has both names at once. They are one
        // field here, written by the document's name: the first text that is not empty.
        if let Some(other) = object.remove("msg") {
            let text = object.entry("message").or_insert_with(|| "".into());
            if *text == "" {
                *text = other;
            }
        }
        if self.name == "failure-with-data" {
            // The bare envelope has no data.
            return document;
        }
        if let Some(raw) = raw.filter(|raw| !raw.is_null()) {
            document["data"] = raw;
        }
        document
    }

    /// Every known field of the document: the pointer of its object, and its key.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let mut keys = Vec::new();
        let mut document = self.json();
        self.each_object(&mut document, &mut |at, object| {
            keys.extend(object.as_object().unwrap().keys().map(|key| (at.to_owned(), key.clone())));
        });
        keys
    }

    /// Changes every object of a document whose fields are known.
    pub(super) fn each_object(
        &self,
        document: &mut Value,
        change: &mut dyn FnMut(&str, &mut Value),
    ) {
        let raw = document.get_mut("data").filter(|_| self.raw).map(Value::take);
        each_object(document, |_| false, change);
        if let Some(raw) = raw {
            document["data"] = raw;
        }
    }
}

/// Removes nulls and empty lists, and writes whole numbers without a fraction: 0 and 0.0 are the same.
pub(super) fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null() && *value != json!([]));
            object.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Number(number) => {
            if let (None, Some(float)) = (number.as_i64(), number.as_f64())
                && float.fract() == 0.0
                && float.abs() < 1e9
            {
                *value = (float as i64).into();
            }
        }
        _ => {}
    }
}

pub(super) fn plain(mut value: Value) -> Value {
    strip(&mut value);
    value
}

/// Sets a place in a document, and creates it if it does not exist.
pub(super) fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        object => object[key] = value,
    }
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    let mut files = fixtures("duix");
    // The dialogue has its own tests.
    files.retain(|name| !name.starts_with("dialogue"));
    let mut names = samples().map(|sample| format!("{}.json", sample.name));
    names.sort();
    assert_eq!(files, names);
}
