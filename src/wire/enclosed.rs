//! Reads objects whose tag is beside the tagged content.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::decode::{DecodeError, decode_value, push};
use super::number;
use super::object::Key;

/// A union of objects that have one property for the content and one beside it for the tag.
pub trait Enclosed: Sized {
    /// The property of the tag.
    const TAG: &'static str;
    /// The property of the content.
    const CONTENT: &'static str;
    /// Whether the tags are integers, which are read in any form of a number.
    const CODED: bool = false;

    /// Reads the arm with this tag; `None` if the tag is unknown.
    fn arm(tag: &str, content: Option<&Value>) -> Option<Result<Self, DecodeError>>;

    /// Keeps the tag and the content of an unknown arm.
    fn unknown(object: Map<String, Value>) -> Self;

    /// Reads the content of an arm.
    ///
    /// # Errors
    /// If there is no content, or it does not match the arm.
    fn content<T: DeserializeOwned>(content: Option<&Value>) -> Result<T, DecodeError> {
        Self::optional(content)?.ok_or_else(|| DecodeError::new(pointer::<Self>(), "must be there"))
    }

    /// Reads the content of an arm that may have none.
    ///
    /// # Errors
    /// If the content does not match the arm.
    fn optional<T: DeserializeOwned>(content: Option<&Value>) -> Result<Option<T>, DecodeError> {
        let Some(content) = content else { return Ok(None) };
        decode_value(content).map(Some).map_err(|error| {
            let pointer = pointer::<Self>() + error.pointer();
            DecodeError::new(pointer, error.message())
        })
    }
}

/// Returns the JSON pointer of the content.
fn pointer<T: Enclosed>() -> String {
    let mut pointer = String::new();
    push(&mut pointer, T::CONTENT);
    pointer
}

/// Reads a union whose tag is beside the tagged content. Other keys are ignored.
///
/// # Errors
/// If the value is not an object, has no tag, or does not match the arm. The error contains the
/// place.
pub fn read_enclosed<'de, D: Deserializer<'de>, T: Enclosed>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(Both(PhantomData))
}

struct Both<T>(PhantomData<T>);

impl<'de, T: Enclosed> Visitor<'de> for Both<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
        let (mut tag, mut content) = (None, None);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.as_str() {
                key if key == T::TAG => tag = map.next_value::<Option<Value>>()?,
                key if key == T::CONTENT => content = map.next_value::<Option<Value>>()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let Some(value) = &tag else { return Err(M::Error::missing_field(T::TAG)) };
        let Some(text) = number::tag(value, T::CODED) else {
            let mut pointer = String::new();
            push(&mut pointer, T::TAG);
            let error = DecodeError::new(pointer, "expected a string or a number");
            return Err(M::Error::custom(error));
        };
        if let Some(read) = T::arm(&text, content.as_ref()) {
            return read.map_err(M::Error::custom);
        }
        let named = [(T::TAG, tag), (T::CONTENT, content)];
        let kept = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Ok(T::unknown(kept.collect()))
    }
}
