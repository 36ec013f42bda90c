//! Reads objects whose type is named by one of their properties.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::decode::{DecodeError, push};
use super::mend::{mend, without_bom};
use super::number;
use super::object::Key;

/// A union of objects that are told apart by one property, the tag.
pub trait Union: Sized {
    /// The name of the tag.
    const TAG: &'static str;
    /// Whether the tags are integers, which are read in any form of a number.
    const CODED: bool = false;

    /// Reads the arm with this tag. The tag belongs to the union, so the arm does not see it.
    fn arm<'de, D: Deserializer<'de>>(tag: &str, arm: D) -> Arm<Self, D, D::Error>;

    /// Keeps an object of an unknown arm, its tag included.
    fn unknown(object: Map<String, Value>) -> Self;
}

/// The result of reading an arm.
#[derive(Debug)]
pub enum Arm<T, D, E> {
    /// The arm is known, and was read or failed to be.
    Known(Result<T, E>),
    /// The arm is unknown, and nothing of it was read.
    Unknown(D),
}

/// Reads a tagged union. Buffers nothing if the tag comes first, as most peers write it.
///
/// # Errors
/// If the value is not an object, has no tag, or does not match the arm. The error contains the
/// place.
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
            if tag.is_null() {
                break;
            }
            let Some(text) = number::tag(&tag, T::CODED) else { return Err(wrong_tag::<T, _>()) };
            let text = text.into_owned();
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

/// Reads an arm whose fields came before its tag.
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
    // Read once more, now tracking the path.
    let mut track = serde_path_to_error::Track::new();
    match T::arm(text, serde_path_to_error::Deserializer::new(&fields, &mut track)) {
        Arm::Known(Ok(read)) => Ok(read),
        Arm::Known(Err(error)) => Err(DecodeError::read(&track.path(), &error)),
        Arm::Unknown(_) => Err(DecodeError::new("", "can't be read")),
    }
}

fn wrong_tag<T: Union, E: serde::de::Error>() -> E {
    let mut pointer = String::new();
    push(&mut pointer, T::TAG);
    E::custom(DecodeError::new(pointer, "expected a string or a number"))
}

/// Reads the values of some keys of an object as text, as far as possible. The rest of the document
/// may nest too deeply, be cut off, or not be JSON.
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
                        // A number beyond 64 bits has lost digits.
                        Value::Number(id) if !id.is_f64() => *place = Some(number::digits(&id)),
                        _ => {}
                    },
                    // Skips the value without following its nesting.
                    None => drop(map.next_value::<serde::de::IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut found = [const { None }; N];
    let json = mend(without_bom(json));
    let mut reader = serde_json::Deserializer::from_slice(&json);
    // An error ends the search; the values found before it are kept.
    let _ = reader.deserialize_map(Wanted { keys, found: &mut found });
    found
}
