//! Numbers, in every form in which peers write them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_with::DeserializeAs;

/// Reads a number in any form: with or without a decimal point or an exponent, or in a string.
///
/// `9`, `9.0`, `9e0` and `"9"` are one number to most languages, and their JSON libraries write any of them.
#[derive(Debug)]
pub struct AnyNumber;

impl<'de, T: FromNumber> DeserializeAs<'de, T> for AnyNumber {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let number = Number::deserialize(deserializer)?;
        T::from_number(number).map_err(de::Error::custom)
    }
}

/// A type that holds numbers.
pub trait FromNumber: Sized {
    /// Converts a number without a loss.
    ///
    /// # Errors
    /// The reason why the type can't hold the number.
    fn from_number(number: Number) -> Result<Self, String>;
}

/// A number of a document.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A number that is known to be an integer.
    Integer(i128),
    /// A number that has a fraction, or is so large that a part of its digits is lost.
    Float(f64),
}

impl Number {
    /// 2^53. Up to there every integer with a decimal point is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    fn from_float(number: f64) -> Self {
        match number.fract() == 0.0 && number.abs() < Self::EXACT {
            true => Self::Integer(number as i128),
            false => Self::Float(number),
        }
    }

    /// Parses the number in a string; `None` if there is none.
    fn parse(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        // Rust would also parse `inf` and `nan`.
        let number = text.parse().ok().filter(|_| !text.contains(['n', 'N']))?;
        Some(Self::from_float(number))
    }

    /// Returns the closest floating-point number.
    pub(super) fn to_float(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(number) => number,
        }
    }
}

impl From<&serde_json::Number> for Number {
    fn from(number: &serde_json::Number) -> Self {
        match number.as_i128() {
            Some(integer) => Self::Integer(integer),
            None => Self::from_float(number.as_f64().unwrap_or(f64::INFINITY)),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a string that contains one")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number::from_float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        let expected = "a number in the string";
        Number::parse(text.trim())
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &expected))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Number, M::Error> {
        number_in(map, &self).map(|number| Number::from(&number))
    }
}

/// Returns the number that serde_json presents as a map. It does so for numbers with a point or an
/// exponent, and for those beyond 64 bits, if any crate of the program switches on its feature
/// `arbitrary_precision`.
pub(super) fn number_in<'de, M: MapAccess<'de>>(
    map: M,
    expected: &impl de::Expected,
) -> Result<serde_json::Number, M::Error> {
    let number = serde_json::Number::deserialize(de::value::MapAccessDeserializer::new(map));
    number.map_err(|_| de::Error::invalid_type(de::Unexpected::Map, expected))
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FromNumber for $type {
            fn from_number(number: Number) -> Result<Self, String> {
                let (min, max) = (Self::MIN, Self::MAX);
                let integer = match number {
                    Number::Integer(integer) => Self::try_from(integer).ok(),
                    Number::Float(number) if number.is_finite() && number.fract() != 0.0 => {
                        return Err("the number has a fraction, expected an integer".into());
                    }
                    Number::Float(number) if number.abs() < Self::MAX as f64 => {
                        return Err(
                            "the number has lost digits, expected all digits of the integer".into()
                        );
                    }
                    Number::Float(_) => None,
                };
                integer.ok_or_else(|| {
                    format!("the number is out of range, expected an integer from {min} to {max}")
                })
            }
        }
    )*};
}

integers!(i32, i64);

impl FromNumber for f64 {
    fn from_number(number: Number) -> Result<Self, String> {
        let number = number.to_float();
        match number.is_finite() {
            true => Ok(number),
            false => Err("the number is out of range, expected one of 64 bits".into()),
        }
    }
}

/// Returns a number as text: an integer as its digits, in whatever form it was written.
pub(crate) fn digits(number: &serde_json::Number) -> String {
    match Number::from(number) {
        Number::Integer(integer) => integer.to_string(),
        Number::Float(_) => number.to_string(),
    }
}

/// Returns the text of a tag; `None` if the value is neither a string nor a number. `coded` says that
/// the tags of the union are integers, which may arrive in any form.
pub(super) fn tag(value: &Value, coded: bool) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => match Number::parse(text) {
            Some(Number::Integer(integer)) if coded => Some(Cow::Owned(integer.to_string())),
            _ => Some(Cow::Borrowed(text)),
        },
        Value::Number(number) => Some(Cow::Owned(digits(number))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_with::de::DeserializeAsWrap;

    use super::*;
    use crate::wire::decode;

    fn read<T: FromNumber>(json: &str) -> Result<T, String> {
        decode::<DeserializeAsWrap<T, AnyNumber>>(json.as_bytes())
            .map(DeserializeAsWrap::into_inner)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_integer_is_read_in_any_form() {
        for json in
            ["9", "9.0", "9e0", "0.9E+1", "\"9\"", "\" 9.0\"", "\"90e-1\"", "\"+9\"", "\"009\""]
        {
            assert_eq!((read::<i32>(json), read::<i64>(json)), (Ok(9), Ok(9)), "{json}");
            assert_eq!(read::<f64>(json), Ok(9.0), "{json}");
        }
        for number in [i64::MIN, -1, 0, 9_007_199_254_740_993, i64::MAX] {
            assert_eq!(read::<i64>(&number.to_string()), Ok(number));
            assert_eq!(read::<i64>(&format!("\"{number}\"")), Ok(number));
        }
        assert_eq!(read::<i32>("-2147483648.0"), Ok(i32::MIN));
    }

    #[test]
    fn a_number_that_does_not_fit_is_an_error_that_says_why() {
        for json in ["9.5", "\"9.5\"", "1e-3"] {
            let fraction = "the number has a fraction, expected an integer";
            assert_eq!(read::<i32>(json), Err(fraction.into()), "{json}");
            assert!(read::<f64>(json).is_ok(), "{json}");
        }
        for json in ["2147483648", "2147483648.0", "\"-2147483649\"", "1e300", "1e17"] {
            let range =
                "the number is out of range, expected an integer from -2147483648 to 2147483647";
            assert_eq!(read::<i32>(json), Err(range.into()), "{json}");
        }
        for json in ["9223372036854775808", "1e19", "\"-1e300\"", "\"1e999\""] {
            let error = read::<i64>(json).unwrap_err();
            assert!(error.starts_with("the number is out of range"), "{json}: {error}");
        }
        for json in ["9007199254740993.0", "1e18"] {
            let error = read::<i64>(json).unwrap_err();
            assert!(error.starts_with("the number has lost digits"), "{json}: {error}");
        }
        assert!(read::<f64>("\"1e999\"").unwrap_err().contains("out of range"));
    }

    #[test]
    fn a_string_without_a_number_is_an_error() {
        for json in ["\"\"", "\"x\"", "\"nan\"", "\"-inf\"", "\"Infinity\"", "\"0x9\"", "\"9 9\""] {
            let expected = "invalid value: string, expected a number in the string";
            assert_eq!(read::<i64>(json), Err(expected.into()), "{json}");
            assert_eq!(read::<f64>(json), Err(expected.into()), "{json}");
        }
        for json in ["null", "true", "[9]", "{\"9\":9}"] {
            let error = read::<i32>(json).unwrap_err();
            assert!(error.ends_with("expected a number, or a string that contains one"), "{error}");
        }
    }
}
