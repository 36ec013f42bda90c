//! The types of the DUIX management API: the documented examples as a whole, what other versions of the
//! platform may send, and what is written back. The fixtures are the examples of the platform's
//! document, and envelopes from its tables and from newer pages. A stray backslash in the prompt of the
//! conversation is removed, because the example was not valid JSON.

#![cfg(all(feature = "duix", feature = "client", feature = "server"))]

mod documented;
mod enums;
mod numbers;
mod samples;
#[cfg(feature = "schemars")]
mod schemas;

use std::collections::BTreeSet;

use callbot::duix::{
    Avatar, AvatarAnswer, Background, Concurrency, ConcurrencyAnswer, Conversation,
    ConversationAnswer, CreateAvatarAnswer, CreateAvatarRequest, CreatedAvatar, Envelope, Flag,
    LanguageModel, ModelIdType, Persona, Resources, ResponseCode, SPEC, Script, ScriptType,
    SessionsAnswer, StopAllSessionsAnswer, StopSessionAnswer, operations,
};
use callbot::wire::{Validate, decode, decode_value};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::types::{self, Sample, each_object, set as put};

/// Whether everything below `data` is kept unchanged, since its fields are not documented.
struct Raw(bool);

fn samples() -> Vec<Sample<Raw>> {
    types::samples! { "duix";
        "avatar": AvatarAnswer, Raw(false);
        "concurrency": ConcurrencyAnswer, Raw(false);
        "concurrency-filled": ConcurrencyAnswer, Raw(false);
        "conversation": ConversationAnswer, Raw(false);
        "create-avatar": CreateAvatarAnswer, Raw(false);
        "create-avatar-request": CreateAvatarRequest, Raw(false);
        "create-avatar-request-shortest": CreateAvatarRequest, Raw(false);
        "envelope-bare": Envelope, Raw(false);
        "envelope-empty": Envelope, Raw(false);
        "envelope-newer": Envelope, Raw(false);
        "failure-both": ConcurrencyAnswer, Raw(false);
        "failure-message": AvatarAnswer, Raw(false);
        "failure-msg": CreateAvatarAnswer, Raw(false);
        "failure-with-data": Envelope, Raw(true);
        "sessions": SessionsAnswer, Raw(true);
        "stop-all-sessions": StopAllSessionsAnswer, Raw(true);
        "stop-all-sessions-newer": StopAllSessionsAnswer, Raw(true);
        "stop-session": StopSessionAnswer, Raw(true);
    }
}

fn sample(name: &str) -> Sample<Raw> {
    types::find(samples(), name)
}

impl Sample<Raw> {
    /// Returns the document as it is written back: without nulls and empty lists, and with one text.
    fn plain(&self, mut document: Value) -> Value {
        let raw = document.get_mut("data").filter(|_| self.about.0).map(Value::take);
        strip(&mut document);
        let object = document.as_object_mut().unwrap();
        // Newer pages call the text `msg`, and the document has both names. In Rust it is one field, with
        // the first text that is not empty. It is written under the document's name.
        if let Some(other) = object.remove("msg") {
            let text = object.entry("message").or_insert_with(|| "".into());
            if *text == "" {
                *text = other;
            }
        }
        if self.name == "failure-with-data" {
            // The envelope alone has no data.
            return document;
        }
        if let Some(raw) = raw.filter(|raw| !raw.is_null()) {
            document["data"] = raw;
        }
        document
    }

    /// Returns every place of the document that has a field: the pointer of an object, and the key.
    fn keys(&self) -> Vec<(String, String)> {
        let mut keys = Vec::new();
        let mut document = self.json();
        self.each_object(&mut document, &mut |at, object| {
            keys.extend(object.as_object().unwrap().keys().map(|key| (at.to_owned(), key.clone())));
        });
        keys
    }

    /// Changes every object of a document whose fields are documented.
    fn each_object(&self, document: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
        let raw = document.get_mut("data").filter(|_| self.about.0).map(Value::take);
        each_object(document, "", change);
        if let Some(raw) = raw {
            document["data"] = raw;
        }
    }
}

/// Removes nulls and empty lists, and writes integers without a point, so that 0 and 0.0 are equal.
fn strip(value: &mut Value) {
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

fn plain(mut value: Value) -> Value {
    strip(&mut value);
    value
}
