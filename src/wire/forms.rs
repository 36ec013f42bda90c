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

/// Reads a number or a boolean that some peers send as a string, and an integer that they send with
/// a decimal point.
#[derive(Debug)]
pub struct OrText;

impl<'de, T> DeserializeAs<'de, T> for OrText
where
    T: FromStr + DeserializeOwned,
{
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        struct Parsed<T>(PhantomData<T>);

        impl<'de, T: FromStr + DeserializeOwned> Visitor<'de> for Parsed<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a boolean, or a string that contains one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                let expected = "a number or a boolean in the string";
                text.trim()
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &expected))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
                T::deserialize(de::value::BoolDeserializer::new(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
                T::deserialize(de::value::I64Deserializer::new(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
                T::deserialize(de::value::U64Deserializer::new(value))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
                // 2^53: up to there an integer with a decimal point is exact.
                let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
                match T::deserialize(de::value::F64Deserializer::<E>::new(value)) {
                    Err(_) if whole => {
                        T::deserialize(de::value::I64Deserializer::new(value as i64))
                    }
                    read => read,
                }
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
                let number = number_in(map, &self)?;
                self.visit_f64(number)
            }
        }

        deserializer.deserialize_any(Parsed(PhantomData))
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
                    Err(error) => match serde_json::from_str::<Map<String, Value>>(text) {
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
        let number = number_in(map, &self)?;
        self.visit_f64(number)
    }
}

/// Returns the number that serde_json presents as a map. It does so for numbers with a point or an
/// exponent, and for those beyond 64 bits, if any crate of the program switches on its feature
/// `arbitrary_precision`.
pub(super) fn number_in<'de, M: MapAccess<'de>>(
    map: M,
    expected: &impl de::Expected,
) -> Result<f64, M::Error> {
    let number = serde_json::Number::deserialize(de::value::MapAccessDeserializer::new(map));
    let number = number.map_err(|_| de::Error::invalid_type(de::Unexpected::Map, expected))?;
    number.as_f64().ok_or_else(|| de::Error::custom("number out of range"))
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

/// Reads the value of an open enum of integers. A string that contains an integer is read as well.
///
/// # Errors
/// If the value is neither.
pub fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    OrText::deserialize_as(deserializer)
}

/// Returns the tag of an object as text.
#[must_use]
pub fn tag_text<'a>(object: &'a Map<String, Value>, tag: &str) -> Cow<'a, str> {
    match object.get(tag) {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Number(number)) => Cow::Owned(number.to_string()),
        _ => Cow::Borrowed(""),
    }
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
