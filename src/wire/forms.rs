//! The forms in which platforms write values, as serde adapters.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DeserializeAs, SerializeAs};

use super::decode::decode;
use super::number::{self, AnyNumber, Number, number_in};

/// Reads a string that some peers send as a number.
#[derive(Debug)]
pub struct OrNumber;

impl<'de> DeserializeAs<'de, String> for OrNumber {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(Text("a string or a number", |text: &str| text.to_owned()))
    }
}

/// Reads a string in whose place some peers send other JSON: the JSON text is then the value.
#[derive(Debug)]
pub struct OrJson;

impl<'de> DeserializeAs<'de, String> for OrJson {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            value => value.to_string(),
        })
    }
}

/// Reads a boolean that some peers send as a string.
#[derive(Debug)]
pub struct OrText;

impl<'de> DeserializeAs<'de, bool> for OrText {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        struct Parsed;

        impl Visitor<'_> for Parsed {
            type Value = bool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean, or a string that contains one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
                let expected = "a boolean in the string";
                text.trim()
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &expected))
            }

            fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
                Ok(value)
            }
        }

        deserializer.deserialize_any(Parsed)
    }
}

/// Reads a value that some peers send as its JSON text, in a string.
#[derive(Debug)]
pub struct OrJsonText;

impl<'de, T: DeserializeOwned> DeserializeAs<'de, T> for OrJsonText {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Either<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, an array, or a string that contains its JSON")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                decode(text.as_bytes()).map_err(E::custom)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
                T::deserialize(de::value::SeqAccessDeserializer::new(items))
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Reads an object that some peers send as its JSON text in a string, or as a plain text: the value
/// of its one required field. A string is plain text unless it is a JSON object.
#[derive(Debug)]
pub struct OrJsonTextOrText;

impl<'de, T: DeserializeOwned + From<String>> DeserializeAs<'de, T> for OrJsonTextOrText {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned + From<String>> Visitor<'de> for Any<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or a string that contains its JSON or its text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                match decode(text.as_bytes()) {
                    Ok(value) => Ok(value),
                    Err(error) => match decode::<Map<String, Value>>(text.as_bytes()) {
                        Ok(_) => Err(E::custom(error)),
                        Err(_) => Ok(text.to_owned().into()),
                    },
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// Reads and writes JSON in a string. Reads the bare value as well, which some peers send.
#[derive(Debug)]
pub struct JsonText;

impl<'de, T: DeserializeOwned> DeserializeAs<'de, T> for JsonText {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        OrJsonText::deserialize_as(deserializer)
    }
}

impl<T: Serialize> SerializeAs<T> for JsonText {
    fn serialize_as<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(value).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

/// Reads JSON in a string as [`JsonText`] does. A blank string and the JSON `null` are absent
/// values.
#[derive(Debug)]
pub(super) struct JsonTextOrBlank;

impl<'de, T: DeserializeOwned> DeserializeAs<'de, Option<T>> for JsonTextOrBlank {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Any<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, an array, or a string that contains its JSON")
            }

            fn visit_unit<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
                if text.trim().is_empty() {
                    return Ok(None);
                }
                decode::<Option<T>>(text.as_bytes()).map_err(E::custom)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Option<T>, M::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Some)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Option<T>, A::Error> {
                T::deserialize(de::value::SeqAccessDeserializer::new(items)).map(Some)
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// Reads a string, or a number as one, and converts it with a function.
struct Text<F>(&'static str, F);

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok((self.1)(text))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        Ok((self.1)(&number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        Ok((self.1)(&number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        // 2^63: integers of JSON beyond 64 bits arrive here, and have lost digits.
        if number.abs() >= 9_223_372_036_854_775_808.0 {
            return Err(E::custom("a number beyond 64 bits is not exact, expected a string"));
        }
        Ok((self.1)(&number.to_string()))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        match Number::from(&number_in(map, &self)?) {
            Number::Integer(integer) => Ok((self.1)(&integer.to_string())),
            Number::Float(number) => self.visit_f64(number),
        }
    }
}

/// Reads the value of an open enum of strings. A number is read as its text.
///
/// # Errors
/// If the value is neither a string nor a number.
pub fn read_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Infallible>,
{
    let parse = |text: &str| match text.parse() {
        Ok(value) => value,
        Err(never) => match never {},
    };
    deserializer.deserialize_any(Text("a string", parse))
}

/// Reads the value of an open enum of integers, in any form of a number.
///
/// # Errors
/// If the value is not an integer.
pub fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    AnyNumber::deserialize_as(deserializer)
}

/// Returns the tag of an object as text; empty if it has none.
#[must_use]
pub fn tag_text<'a>(object: &'a Map<String, Value>, tag: &str) -> Cow<'a, str> {
    object.get(tag).and_then(|value| number::tag(value, false)).unwrap_or_default()
}

/// Returns the first of several spellings of a key whose value is not empty, else the first empty
/// value.
pub fn first_filled<T, const N: usize>(
    spellings: [Option<T>; N],
    is_empty: impl Fn(&T) -> bool,
) -> Option<T> {
    let mut best: Option<T> = None;
    for value in spellings.into_iter().flatten() {
        if best.as_ref().is_none_or(&is_empty) {
            best = Some(value);
        }
    }
    best
}

/// Returns a parameter as the text that goes into a path, a query or a header.
#[must_use]
pub fn parameter<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}
