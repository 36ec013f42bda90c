//! Reads JSON into types, with errors that say where.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::mend::{mend, without_bom};
use super::printable::Printable;

/// The error of JSON that does not match the spec: where, and why.
///
/// It contains the kind of a value that does not match, never the value: errors must not carry
/// secrets or what callers say. Keys of the document in the pointer are cut after 256 bytes, and
/// control characters in them are escaped, so that a log can show the error. So is a space after a
/// colon: the first `: ` of the error's text ends the pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pointer: String,
    message: String,
}

impl DecodeError {
    /// Creates an error at a given place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// Returns the JSON pointer (RFC 6901) of the value; empty for the whole document.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Returns what is wrong with the value.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

// Errors of nested documents pass through serde as text, which `DecodeError::read` parses again.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.pointer, self.message)
        }
    }
}

impl std::error::Error for DecodeError {}

/// The maximum number of segments in the pointer of an error in text that is not JSON.
const DEEPEST: usize = 8;

/// Reads a value from the text of a JSON document.
///
/// A byte order mark before the text is ignored. The escape of a surrogate without its partner, such
/// as the half of an emoji that was cut in two, is read as U+FFFD.
///
/// # Errors
/// If the text is not JSON, nests deeper than 128 levels, or does not match the type.
///
/// ```
/// use callbot::wire::decode;
///
/// assert_eq!(decode::<Vec<u8>>(b"[1, 2, 3]")?, [1, 2, 3]);
///
/// // An error contains the place and the kind of the value, but not the value.
/// let error = decode::<Vec<u8>>(b"[1, 2, \"three\"]").unwrap_err();
/// assert_eq!(error.pointer(), "/2");
/// assert_eq!(error.to_string(), "/2: invalid type: string, expected u8");
///
/// let error = decode::<Vec<u8>>(b"[1, 2").unwrap_err();
/// assert!(error.message().starts_with("not JSON: "));
/// # Ok::<(), callbot::wire::DecodeError>(())
/// ```
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    let json = without_bom(json);
    serde_json::from_slice(json).or_else(|_| decode_mended(json))
}

/// Reads text that could not be read as it is. Only such text pays for being mended.
#[cold]
fn decode_mended<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    let mended = mend(json);
    match &mended {
        Cow::Owned(mended) => serde_json::from_slice(mended).map_err(|_| explain::<T>(mended)),
        Cow::Borrowed(json) => Err(explain::<T>(json)),
    }
}

/// Reads a value from parsed JSON.
///
/// # Errors
/// If the JSON does not match the type.
pub fn decode_value<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    T::deserialize(value).map_err(|plain| match serde_path_to_error::deserialize::<_, T>(value) {
        Err(error) => DecodeError::read(error.path(), error.inner()),
        Ok(_) => DecodeError::read_message(String::new(), plain.to_string()),
    })
}

/// Reads once more, now tracking the path. Only a failure pays for this.
#[cold]
fn explain<T: DeserializeOwned>(json: &[u8]) -> DecodeError {
    let mut reader = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => DecodeError::read(error.path(), error.inner()),
        Ok(_) => match reader.end() {
            Err(error) => DecodeError::new("", format!("not JSON: {error}")),
            Ok(()) => DecodeError::new("", "can't be read"),
        },
    }
}

impl DecodeError {
    pub(super) fn read(path: &serde_path_to_error::Path, error: &serde_json::Error) -> Self {
        let mut pointer = pointer(path);
        let text = error.to_string();
        match error.classify() {
            Category::Data => {
                // Not the last " at line ": a key may contain it, too.
                let position = format!(" at line {} column {}", error.line(), error.column());
                let message = text.strip_suffix(&position).unwrap_or(&text);
                Self::read_message(pointer, message.into())
            }
            _ => {
                // Text that nests too deeply would have a pointer as long.
                if let Some((end, _)) = pointer.match_indices('/').nth(DEEPEST) {
                    pointer.truncate(end);
                }
                Self::new(pointer, format!("not JSON: {text}"))
            }
        }
    }

    /// Appends the pointer of a nested document, which the message contains, to the outer one.
    fn read_message(mut pointer: String, message: String) -> Self {
        let mut message = message.as_str();
        if message.starts_with('/')
            && let Some((nested, rest)) = message.split_once(": ")
        {
            pointer.push_str(nested);
            message = rest;
        }
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
        if let Some((field, "")) = missing {
            push(&mut pointer, field);
            return Self::new(pointer, "must be there");
        }
        Self::new(pointer, without_value(message))
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// Appends one key to a JSON pointer.
pub(super) fn push(pointer: &mut String, key: &str) {
    let mut key = Printable::cut(key).to_string();
    if key.contains(['~', '/']) {
        key = key.replace('~', "~0").replace('/', "~1");
    }
    if key.contains(": ") {
        // `read_message` takes it for the end of a pointer.
        key = key.replace(": ", r":\u{20}");
    }
    pointer.push('/');
    pointer.push_str(&key);
}

/// Removes the value from a message of serde; only its kind may stay.
pub(super) fn without_value(message: &str) -> String {
    for prefix in ["invalid type: ", "invalid value: "] {
        let Some(rest) = message.strip_prefix(prefix) else { continue };
        let Some((found, expected)) = rest.rsplit_once(", expected ") else { continue };
        let kind = found.find([' ', '`', '"']).map_or(found, |end| &found[..end]);
        return format!("{prefix}{kind}, expected {expected}");
    }
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_contains_the_kind_of_a_value_and_never_the_value() {
        for (json, kind) in
            [("\"4711, expected\"", "string"), ("4711", "integer"), ("47.11", "floating")]
        {
            let message = decode::<Vec<bool>>(json.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with(&format!("invalid type: {kind}")), "{message}");
            assert!(!message.contains("47"), "{message}");
        }
    }

    #[test]
    fn keys_are_escaped_in_pointers() {
        type Nested = std::collections::BTreeMap<String, u8>;
        let error = decode::<Nested>(br#"{"a/b~c": "x"}"#).unwrap_err();
        assert_eq!(error.pointer(), "/a~1b~0c");
    }

    #[test]
    fn a_key_does_not_end_the_pointer_of_a_nested_error() {
        /// Reads an object whose error passes through serde as text.
        #[derive(Debug)]
        struct Nested;

        impl<'de> serde::Deserialize<'de> for Nested {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                let read = decode_value::<std::collections::BTreeMap<String, u8>>(&value);
                read.map(|_| Self).map_err(serde::de::Error::custom)
            }
        }

        for (key, pointer) in [
            ("a", "/0/a"),
            ("a: b", r"/0/a:\u{20}b"),
            ("a:: : b: ", r"/0/a::\u{20}:\u{20}b:\u{20}"),
            ("a:", "/0/a:"),
            (" at line 1 column 9", "/0/ at line 1 column 9"),
            ("a at line x", "/0/a at line x"),
        ] {
            let value = serde_json::json!([{key: "x"}]);
            let expected = DecodeError::new(pointer, "invalid type: string, expected u8");
            let error = decode_value::<Vec<Nested>>(&value).unwrap_err();
            assert_eq!(error, expected, "{key:?}");
            let error = decode::<Vec<Nested>>(value.to_string().as_bytes()).unwrap_err();
            assert_eq!(error, expected, "{key:?}");
            assert_eq!(error.to_string().split_once(": "), Some((pointer, error.message())));
        }
    }

    #[test]
    fn keys_of_peers_are_shown_without_control_characters_and_cut() {
        type Nested = std::collections::BTreeMap<String, u8>;
        let error = decode::<Nested>(br#"{"a\n2026 INFO forged\u001b[2J": tru}"#).unwrap_err();
        assert_eq!(error.pointer(), r"/a\n2026 INFO forged\u{1b}[2J");
        let long = format!("{{\"{}\": \"x\"}}", "k".repeat(1_000_000));
        let error = decode::<Nested>(long.as_bytes()).unwrap_err();
        assert_eq!(error.pointer(), format!("/{}…", "k".repeat(256)));
    }

    #[test]
    fn half_an_emoji_is_read_at_any_depth_and_in_json_in_strings() {
        let json = br#"{"a \ud83d": ["\ude00", {"b": "\ud83d\ude00 \ud83d"}]}"#;
        let expected = serde_json::json!({"a \u{FFFD}": ["\u{FFFD}", {"b": "\u{1F600} \u{FFFD}"}]});
        assert_eq!(decode::<Value>(json), Ok(expected));
    }

    #[test]
    fn an_error_in_mended_text_has_its_position() {
        let error = decode::<Vec<String>>(br#"["\ud83d", 1 2]"#).unwrap_err();
        assert_eq!(error.to_string(), "/1: invalid type: integer, expected a string");
        let error = decode::<Value>(br#"["\ud83d", 1 2]"#).unwrap_err();
        assert!(error.message().ends_with("at line 1 column 14"), "{error}");
    }

    #[test]
    fn a_byte_order_mark_is_ignored_once() {
        assert_eq!(decode::<Vec<u8>>("\u{FEFF}[1]".as_bytes()), Ok(vec![1]));
        assert!(decode::<Vec<u8>>("\u{FEFF}\u{FEFF}[1]".as_bytes()).is_err());
        assert!(decode::<Vec<u8>>(b"\xEF\xBB[1]").is_err());
    }

    #[test]
    fn an_error_says_that_the_text_is_not_json() {
        let error = decode::<Vec<u8>>(b"[1, 2").unwrap_err();
        assert!(error.message().starts_with("not JSON: "), "{error}");
        let deep = "[".repeat(100_000);
        let error = decode::<Value>(deep.as_bytes()).unwrap_err();
        assert!(error.message().contains("recursion limit"), "{error}");
        let error = decode::<Vec<u8>>(b"[1] [2]").unwrap_err();
        assert!(error.message().contains("trailing characters"), "{error}");
    }
}
