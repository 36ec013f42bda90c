//! Reading objects of which one property tells what they are.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::decode::{DecodeError, push};
use super::object::Key;

/// A union of objects that one property tells apart.
pub trait Union: Sized {
    /// The property.
    const TAG: &'static str;

    /// Reads the arm with this tag. The tag is the union's: the arm does not get to see it.
    fn arm<'de, D: Deserializer<'de>>(tag: &str, arm: D) -> Arm<Self, D, D::Error>;

    /// Keeps an object of a kind that is not known, its tag included.
    fn unknown(object: Map<String, Value>) -> Self;
}

/// What came of an arm.
#[derive(Debug)]
pub enum Arm<T, D, E> {
    /// It is known, and was read, well or not.
    Known(Result<T, E>),
    /// It is not known, and was not touched.
    Unknown(D),
}

/// Reads a tagged union. When the tag comes first, as most peers write it, nothing is buffered.
///
/// # Errors
/// When the value is no object, has no tag, or does not fit the arm; the error holds the place.
pub fn read_union<'de, D: Deserializer<'de>, T: Union>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Tagged(PhantomData))
}

struct Tagged<T>(PhantomData<T>);

impl<'de, T: Union> Visitor<'de> for Tagged<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<T, M::Error> {
        let mut before = Map::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            if key.as_str() != T::TAG {
                before.insert(key.into(), map.next_value()?);
                continue;
            }
            let tag: Value = map.next_value()?;
            let text = match &tag {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Null => break,
                _ => return Err(wrong_tag::<T, _>()),
            };
            if before.is_empty() {
                return match T::arm(&text, MapAccessDeserializer::new(map)) {
                    Arm::Known(read) => read,
                    Arm::Unknown(rest) => {
                        let mut object = Map::deserialize(rest)?;
                        object.insert(T::TAG.into(), tag);
                        Ok(T::unknown(object))
                    }
                };
            }
            while let Some((key, value)) = map.next_entry()? {
                before.insert(key, value);
            }
            return read_buffered(&text, tag, Value::Object(before)).map_err(M::Error::custom);
        }
        Err(M::Error::missing_field(T::TAG))
    }
}

/// Reads an arm whose fields came before the tag.
fn read_buffered<T: Union>(text: &str, tag: Value, fields: Value) -> Result<T, DecodeError> {
    match T::arm(text, &fields) {
        Arm::Known(Ok(read)) => return Ok(read),
        Arm::Known(Err(_)) => {}
        Arm::Unknown(_) => {
            let Value::Object(mut object) = fields else { return Ok(T::unknown(Map::new())) };
            object.insert(T::TAG.into(), tag);
            return Ok(T::unknown(object));
        }
    }
    // Once more, now with an eye on the path.
    let mut track = serde_path_to_error::Track::new();
    match T::arm(text, serde_path_to_error::Deserializer::new(&fields, &mut track)) {
        Arm::Known(Ok(read)) => Ok(read),
        Arm::Known(Err(error)) => Err(DecodeError::read(&track.path(), &error)),
        Arm::Unknown(_) => Err(DecodeError::new("", "not readable")),
    }
}

fn wrong_tag<T: Union, E: serde::de::Error>() -> E {
    let mut pointer = String::new();
    push(&mut pointer, T::TAG);
    E::custom(DecodeError::new(pointer, "expected a string or a number"))
}

/// What can be read of some keys of an object, as text, although the rest of the document may be
/// too deep, no JSON, or cut off.
#[must_use]
pub fn salvage<const N: usize>(json: &[u8], keys: [&str; N]) -> [Option<String>; N] {
    struct Wanted<'a, const N: usize> {
        keys: [&'a str; N],
        found: &'a mut [Option<String>; N],
    }

    impl<'de, const N: usize> Visitor<'de> for Wanted<'_, N> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
            while let Some(key) = map.next_key::<Key<'de>>()? {
                let mut places = self.keys.iter().zip(self.found.iter_mut());
                match places.find(|(name, _)| **name == key.as_str()) {
                    Some((_, place)) => match map.next_value()? {
                        Value::String(text) => *place = Some(text),
                        // What does not fit into 64 bits has lost digits.
                        Value::Number(number) if !number.is_f64() => {
                            *place = Some(number.to_string());
                        }
                        _ => {}
                    },
                    // Read over without following it into its depth.
                    None => drop(map.next_value::<serde::de::IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut found = [const { None }; N];
    let mut reader = serde_json::Deserializer::from_slice(json);
    // An error ends the search; what was found before it stands.
    let _ = reader.deserialize_map(Wanted { keys, found: &mut found });
    found
}
