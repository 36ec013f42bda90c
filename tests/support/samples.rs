//! Wire samples: reading them as a type, and changing them in every place.

use callbot::wire::{DecodeError, decode, decode_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a document as one of the types and writes it again.
pub(crate) type Reader = fn(&Value) -> Result<Value, DecodeError>;

/// Reads a document as a `T`, from its text and from its value: the two are read by different code.
pub(crate) fn read_as<T: DeserializeOwned + Serialize + PartialEq>(
    document: &Value,
) -> Result<Value, DecodeError> {
    let value: Result<T, _> = decode_value(document);
    let text: Result<T, _> = decode(document.to_string().as_bytes());
    assert!(text == value, "the text reads otherwise: {document}");
    Ok(serde_json::to_value(value?).unwrap())
}

/// Changes every object of a document, the innermost first. A text that holds a JSON object is changed,
/// too, if `enters` is true for its place.
pub(crate) fn each_object(
    value: &mut Value,
    enters: fn(&str) -> bool,
    change: &mut dyn FnMut(&str, &mut Value),
) {
    fn walk(
        value: &mut Value,
        at: &str,
        enters: fn(&str) -> bool,
        change: &mut dyn FnMut(&str, &mut Value),
    ) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    walk(item, &format!("{at}/{index}"), enters, change);
                }
            }
            Value::Object(object) => {
                for (key, value) in object.iter_mut() {
                    walk(value, &format!("{at}/{key}"), enters, change);
                }
                change(at, value);
            }
            Value::String(text) if enters(at) => {
                if let Ok(mut inner @ Value::Object(_)) = text.parse::<Value>() {
                    walk(&mut inner, at, enters, change);
                    *text = inner.to_string();
                }
            }
            _ => {}
        }
    }
    walk(value, "", enters, change);
}

/// The names of the files in a folder of fixtures, sorted.
pub(crate) fn fixtures(folder: &str) -> Vec<String> {
    let folder = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
