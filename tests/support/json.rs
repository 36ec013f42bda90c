//! Sample bodies with changes.

use serde_json::Value;

/// Returns `body` with other values at some JSON pointers; `None` removes the key.
pub(crate) fn changed<const N: usize>(body: &Value, changes: [(&str, Option<Value>); N]) -> Value {
    let mut body = body.clone();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
        match value {
            Some(value) => parent.insert(key.into(), value),
            None => parent.remove(key),
        };
    }
    body
}

/// Returns the text of `body` with this JSON at a JSON pointer.
pub(crate) fn with_json(body: &Value, pointer: &str, json: &str) -> String {
    changed(body, [(pointer, Some("here".into()))]).to_string().replace("\"here\"", json)
}

/// Returns arrays within arrays, `depth` of them.
pub(crate) fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}
