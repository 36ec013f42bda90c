//! Reads values whose type depends on the type of the JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{
    BoolDeserializer, BorrowedStrDeserializer, F64Deserializer, I64Deserializer,
    MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer, U64Deserializer,
};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::union::Arm;

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonKind {
    /// Null.
    Null,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl JsonKind {
    /// Returns the type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// Returns the name that JSON Schema has for the type, such as `"boolean"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A union of values that are told apart by their JSON types.
pub trait Kinds: Sized {
    /// Reads a value of this type.
    fn arm<'de, D: Deserializer<'de>>(kind: JsonKind, value: D) -> Arm<Self, D, D::Error>;

    /// Keeps a value of an unknown type.
    fn unknown(value: Value) -> Self;
}

/// Reads a union of values that are told apart by their JSON types. Copies only a value of an unknown
/// type.
///
/// # Errors
/// If the value does not match the arm of its JSON type.
pub fn read_kinds<'de, D: Deserializer<'de>, T: Kinds>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ByKind(PhantomData))
}

struct ByKind<T>(PhantomData<T>);

impl<T: Kinds> ByKind<T> {
    fn read<'de, D: Deserializer<'de>>(kind: JsonKind, value: D) -> Result<T, D::Error> {
        match T::arm(kind, value) {
            Arm::Known(read) => read,
            Arm::Unknown(value) => Value::deserialize(value).map(T::unknown),
        }
    }
}

impl<'de, T: Kinds> Visitor<'de> for ByKind<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::unknown(Value::Null))
    }

    fn visit_none<E>(self) -> Result<T, E> {
        Ok(T::unknown(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Self::read(JsonKind::Boolean, BoolDeserializer::new(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        Self::read(JsonKind::Number, I64Deserializer::new(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        Self::read(JsonKind::Number, U64Deserializer::new(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        Self::read(JsonKind::Number, F64Deserializer::new(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        Self::read(JsonKind::String, StrDeserializer::new(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<T, E> {
        Self::read(JsonKind::String, BorrowedStrDeserializer::new(value))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, items: S) -> Result<T, S::Error> {
        Self::read(JsonKind::Array, SeqAccessDeserializer::new(items))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        Self::read(JsonKind::Object, MapAccessDeserializer::new(map))
    }
}
