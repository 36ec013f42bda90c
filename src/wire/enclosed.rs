//! Reading objects whose tag stands beside what it tags.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::decode::{DecodeError, decode_value, push};
use super::object::Key;

/// A union of objects that stand in one property, each told by another one beside it.
pub trait Enclosed: Sized {
    /// The property with the tag.
    const TAG: &'static str;
    /// The property with what it tags.
    const CONTENT: &'static str;

    /// Reads the arm with this tag; `None` when it is not known.
    fn arm(tag: &str, content: Option<&Value>) -> Option<Result<Self, DecodeError>>;

    /// Keeps the tag and the content of a kind that is not known.
    fn unknown(object: Map<String, Value>) -> Self;

    /// Reads the content of an arm.
    ///
    /// # Errors
    /// If there is none, or it does not fit.
    fn content<T: DeserializeOwned>(content: Option<&Value>) -> Result<T, DecodeError> {
        Self::optional(content)?.ok_or_else(|| DecodeError::new(pointer::<Self>(), "must be there"))
    }

    /// Reads the content of an arm, which may be missing.
    ///
    /// # Errors
    /// If it does not fit.
    fn optional<T: DeserializeOwned>(content: Option<&Value>) -> Result<Option<T>, DecodeError> {
        let Some(content) = content else { return Ok(None) };
        decode_value(content).map(Some).map_err(|error| {
            let pointer = pointer::<Self>() + error.pointer();
            DecodeError::new(pointer, error.message())
        })
    }
}

/// The JSON pointer of the content.
fn pointer<T: Enclosed>() -> String {
    let mut pointer = String::new();
    push(&mut pointer, T::CONTENT);
    pointer
}

/// Reads a union whose tag stands beside what it tags. Other keys are left to others.
///
/// # Errors
/// When the value is no object, has no tag, or does not fit the arm; the error holds the place.
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
        let text = match &tag {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            None => return Err(M::Error::missing_field(T::TAG)),
            Some(_) => {
                let mut pointer = String::new();
                push(&mut pointer, T::TAG);
                let error = DecodeError::new(pointer, "expected a string or a number");
                return Err(M::Error::custom(error));
            }
        };
        if let Some(read) = T::arm(&text, content.as_ref()) {
            return read.map_err(M::Error::custom);
        }
        let named = [(T::TAG, tag), (T::CONTENT, content)];
        let kept = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Ok(T::unknown(kept.collect()))
    }
}
