//! Reads values that a program can do without: what can't be read counts as missing.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{
    BoolDeserializer, F64Deserializer, I64Deserializer, MapAccessDeserializer, StrDeserializer,
    U64Deserializer,
};
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;
use serde_with::DeserializeAs;

use super::decode::without_value;

/// Reads the value of a key through the adapter `A`; `None` for null and for a value that does not
/// match its type. Both are traced.
pub(super) struct Dispensable<A, T> {
    key: &'static str,
    /// Whether an object is read as it arrives, rather than from a copy. Its own keys then decide what
    /// is an error.
    in_place: bool,
    reads: PhantomData<(A, T)>,
}

impl<A, T> Dispensable<A, T> {
    pub(super) fn new(key: &'static str, in_place: bool) -> Self {
        Self { key, in_place, reads: PhantomData }
    }

    fn read<'de, D: Deserializer<'de>>(&self, value: D) -> Option<T>
    where
        A: DeserializeAs<'de, T>,
    {
        match A::deserialize_as(value) {
            Ok(value) => Some(value),
            Err(error) => {
                let reason = without_value(&error.to_string());
                tracing::debug!("`{}` is read as missing: {reason}", self.key);
                None
            }
        }
    }
}

impl<'de, A: DeserializeAs<'de, T>, T> DeserializeSeed<'de> for Dispensable<A, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

// A value that is refused must still be read to its end. So scalars are handed on one by one, and lists
// and objects as copies, which good requests do not have here.
impl<'de, A: DeserializeAs<'de, T>, T> Visitor<'de> for Dispensable<A, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        tracing::debug!("`{}` is null", self.key);
        Ok(None)
    }

    fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Option<T>, E> {
        Ok(self.read(BoolDeserializer::<E>::new(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<T>, E> {
        Ok(self.read(I64Deserializer::<E>::new(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<T>, E> {
        Ok(self.read(U64Deserializer::<E>::new(value)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<T>, E> {
        Ok(self.read(F64Deserializer::<E>::new(value)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<T>, E> {
        Ok(self.read(StrDeserializer::<E>::new(text)))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, items: S) -> Result<Option<T>, S::Error> {
        let list = Value::deserialize(de::value::SeqAccessDeserializer::new(items))?;
        Ok(self.read(list.into_deserializer()))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Option<T>, M::Error> {
        let map = MapAccessDeserializer::new(map);
        if self.in_place {
            return A::deserialize_as(map).map(Some);
        }
        Ok(self.read(Value::deserialize(map)?.into_deserializer()))
    }
}

/// Returns the value of a required key that a program can do without, and traces if the key is
/// missing. The outer `Option` says whether the key was there.
pub fn or_missing<T>(key: &'static str, value: Option<Option<T>>) -> Option<T> {
    if value.is_none() {
        tracing::debug!("`{key}` is missing");
    }
    value.flatten()
}

/// Reads a list, one item without its list, or the JSON text of either in a string. Null and a blank
/// string are an empty list, and nulls in a list are passed over.
#[derive(Debug)]
pub struct OrItem;

impl<'de, T: de::DeserializeOwned> DeserializeAs<'de, Vec<T>> for OrItem {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: de::DeserializeOwned> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array, an object, or a string that contains the JSON of one")
            }

            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                if text.trim().is_empty() {
                    return Ok(Vec::new());
                }
                let read: Read<T> = super::decode(text.as_bytes()).map_err(E::custom)?;
                Ok(read.0)
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Vec<T>, M::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|item| vec![item])
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Vec<T>, S::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<Option<T>>()? {
                    items.extend(item);
                }
                Ok(items)
            }
        }

        deserializer.deserialize_any(Items(PhantomData))
    }
}

/// What [`OrItem`] reads.
struct Read<T>(Vec<T>);

impl<'de, T: de::DeserializeOwned> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OrItem::deserialize_as(deserializer).map(Self)
    }
}
