//! The content of requests and answers in the traces: what callers say, and their numbers, but no secrets.
//! It goes to a target of its own, and only where a setting asks for it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use serde_json::Value;
use tracing::Level;

use super::arrival::{Arrival, Refusal};
use crate::observe::CONTENT;
use crate::wire::{Operation, Printable, decode};

/// The most of a request that can't be read that is traced, in bytes.
const MAX_UNREADABLE: usize = 4096;

/// Which requests of a server are traced with their content.
#[derive(Clone, Default)]
pub(crate) enum Sampling {
    #[default]
    None,
    All,
    If(Arc<dyn Fn(&Parts) -> bool + Send + Sync>),
}

impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::All => "All",
            Self::If(_) => "If",
        })
    }
}

impl Sampling {
    /// Decides on a request.
    pub(super) fn of(&self, head: &Parts) -> Shown {
        match self {
            Self::None => Shown::Nothing,
            _ if !tracing::enabled!(target: CONTENT, Level::TRACE) => Shown::Nothing,
            Self::All => Shown::All,
            Self::If(sample) if sample(head) => Shown::All,
            Self::If(_) => Shown::Unreadable,
        }
    }
}

/// What is traced of a request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    /// The request, if it can't be read.
    Unreadable,
    /// The structure of the request, if it can't be read. Its values may be secret.
    Structure,
    All,
}

/// Traces a request.
pub(super) fn request(arrival: &Arrival, body: &[u8]) {
    let Arrival { operation, platform, .. } = arrival;
    let request = shown(operation, body);
    let request = Printable::whole(&request);
    tracing::trace!(target: CONTENT, operation = operation.id, platform, %request, "request");
}

/// Traces that there was a request whose content is private.
pub(super) fn hidden(arrival: &Arrival) {
    let Arrival { operation, platform, .. } = arrival;
    let request = "[hidden]";
    tracing::trace!(target: CONTENT, operation = operation.id, platform, request, "request");
}

/// Traces a request that can't be read. `structure` shows neither its values nor keys that may be values.
///
/// It is traced whatever call it belongs to, since it may not say so, and with little more than the reason:
/// such a request is the likeliest sign that this crate and a platform differ.
pub(super) fn unreadable(arrival: &Arrival, refusal: &Refusal, body: &[u8], structure: bool) {
    let Arrival { operation, platform, .. } = arrival;
    let request = if structure { structure_of(body) } else { shown(operation, body) };
    let request = Printable::within(&request, MAX_UNREADABLE);
    let (reason, message) = (refusal.reason.as_str(), Printable::whole(&refusal.fault.message));
    tracing::trace!(
        target: CONTENT,
        operation = operation.id,
        platform,
        reason,
        %request,
        "unreadable request: {message}"
    );
}

/// Traces an answer.
pub(super) fn answer(arrival: &Arrival, body: &str) {
    let Arrival { operation, platform, .. } = arrival;
    let answer = shown(operation, body.as_bytes());
    let answer = Printable::whole(&answer);
    tracing::trace!(target: CONTENT, operation = operation.id, platform, %answer, "answer");
}

/// Returns a body as the trace shows it: with what callers say, but without secrets.
fn shown<'a>(operation: &Operation, body: &'a [u8]) -> Cow<'a, str> {
    if operation.secrets.is_empty() {
        return String::from_utf8_lossy(body);
    }
    match decode::<Value>(body) {
        Ok(mut json) => {
            hide(&mut json, operation.secrets);
            json.to_string().into()
        }
        // Only in JSON can a secret be found.
        Err(_) => not_json(body),
    }
}

fn not_json(body: &[u8]) -> Cow<'static, str> {
    format!("[{} bytes that are not JSON]", body.len()).into()
}

fn hide(json: &mut Value, keys: &[&str]) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                if keys.contains(&key.as_str()) {
                    *value = "[hidden]".into();
                } else {
                    hide(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, keys)),
        // A string may contain JSON, which has keys, too. It is read as a type would read it.
        Value::String(text) if text.contains(['{', '[']) => {
            if let Ok(mut inner) = decode::<Value>(text.as_bytes()) {
                hide(&mut inner, keys);
                *text = inner.to_string();
            }
        }
        _ => {}
    }
}

/// Returns the structure of a body: its keys, and the types of its values.
fn structure_of(body: &[u8]) -> Cow<'static, str> {
    fn types(json: Value) -> Value {
        match json {
            Value::Null => Value::Null,
            Value::Bool(_) => "[boolean]".into(),
            Value::Number(_) => "[number]".into(),
            Value::String(_) => "[string]".into(),
            Value::Array(items) => items.into_iter().map(types).collect(),
            Value::Object(map) => {
                let fields = map.into_iter().map(|(key, value)| match is_name(&key) {
                    true => (key, types(value)),
                    false => ("[key]".into(), types(value)),
                });
                Value::Object(fields.collect())
            }
        }
    }
    match decode::<Value>(body) {
        Ok(json) => types(json).to_string().into(),
        Err(_) => not_json(body),
    }
}

/// Whether a key looks like the name of a field.
fn is_name(key: &str) -> bool {
    key.len() <= 40
        && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The content that a [`Privacy`] decides on. It has no `Debug`, since the content may be private.
#[derive(Clone)]
// Only a bot on a platform reads it.
#[allow(dead_code)]
pub(crate) struct Content {
    pub body: Bytes,
    /// The parameters in the path, by their names.
    pub path: Vec<(String, String)>,
    /// The account that the call belongs to, on a platform that has several.
    pub account: Option<Arc<str>>,
}

/// Decides from a request whether its content, and that of its answer, is never traced.
#[derive(Clone)]
// Only a bot creates one.
#[cfg_attr(not(feature = "bot"), allow(dead_code))]
pub(crate) struct Privacy(Arc<Hides>);

type Hides = dyn Fn(Content) -> BoxFuture<'static, bool> + Send + Sync;

impl Privacy {
    #[cfg(feature = "bot")]
    pub(crate) fn new(
        hides: impl Fn(Content) -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(hides))
    }

    pub(crate) async fn hides(&self, content: Content) -> bool {
        (self.0)(content).await
    }
}

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Privacy").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structure_of_a_body_has_no_values() {
        let body = r#"{"sessionId":"4711","extras":[{"dtmf":4711},{"said 4711":true},null]}"#;
        let shown = structure_of(body.as_bytes());
        assert_eq!(
            shown,
            r#"{"sessionId":"[string]","extras":[{"dtmf":"[number]"},{"[key]":"[boolean]"},null]}"#
        );
        assert_eq!(structure_of(b"4711?"), "[5 bytes that are not JSON]");
    }
}
