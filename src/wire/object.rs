//! Reads and writes objects, key by key.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_with::de::DeserializeAsWrap;
use serde_with::ser::SerializeAsWrap;
use serde_with::{DeserializeAs, SerializeAs};

use super::dispensable::Dispensable;
use super::duration::OrUnset;
use super::forms::JsonTextOrBlank;

/// An object that compiled code reads key by key.
pub trait Object: Sized {
    /// The known keys, if none of them is required. If one is, an object that can be read has it.
    const KEYS: &'static [&'static str] = &[];

    /// Reads the object.
    ///
    /// # Errors
    /// If a required key is missing or a value does not match its type.
    fn read<'de, M: Entries<'de>>(map: M) -> Result<Self, M::Error>;
}

/// Reads an object. Code derived by serde would also accept an array.
///
/// # Errors
/// If the value is not an object, or as [`Object::read`].
pub fn read_object<'de, D: Deserializer<'de>, T: Object>(deserializer: D) -> Result<T, D::Error> {
    struct Fields<T>(PhantomData<T>);

    impl<'de, T: Object> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
            T::read(map)
        }
    }

    deserializer.deserialize_map(Fields(PhantomData))
}

/// Reads an object from `{}`.
///
/// # Errors
/// If the object has a key that must exist.
pub fn empty_object<T: Object, E: Error>() -> Result<T, E> {
    let nothing = std::iter::empty::<(&str, &str)>();
    T::read(MapDeserializer::new(nothing))
}

/// The entries of an object, in the order of the text.
pub trait Entries<'de>: MapAccess<'de> {
    /// Reads the next key; `None` after the last entry.
    ///
    /// # Errors
    /// If the text is not JSON.
    fn key(&mut self) -> Result<Option<Key<'de>>, Self::Error> {
        self.next_key()
    }

    /// Reads the value of the key that was read last.
    ///
    /// # Errors
    /// If the value does not match its type.
    fn value<T: Deserialize<'de>>(&mut self) -> Result<T, Self::Error> {
        self.next_value()
    }

    /// Reads the value of the key that was read last through the adapter `A`; `None` for null.
    ///
    /// # Errors
    /// If the value does not match its type.
    fn value_as<A: DeserializeAs<'de, T>, T>(&mut self) -> Result<Option<T>, Self::Error> {
        read_as::<Option<A>, _, _>(self)
    }

    /// Reads JSON in a string; `None` for null and for a blank string.
    ///
    /// # Errors
    /// If the value does not match its type.
    fn json_text<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Self::Error> {
        read_as::<JsonTextOrBlank, _, _>(self)
    }

    /// Reads a duration in the unit `U`; `None` for null and for a negative number.
    ///
    /// # Errors
    /// If the value does not match its type.
    fn duration<U>(&mut self) -> Result<Option<Duration>, Self::Error>
    where
        OrUnset<U>: DeserializeAs<'de, Option<Duration>>,
    {
        read_as::<OrUnset<U>, _, _>(self)
    }

    /// Reads a value that the program can do without, through the adapter `A`; `None` for null and for
    /// a value that does not match its type, with a trace that names `key`.
    ///
    /// # Errors
    /// If the text is not JSON.
    fn dispensable<A, T>(&mut self, key: &'static str) -> Result<Option<T>, Self::Error>
    where
        A: DeserializeAs<'de, T>,
    {
        self.next_value_seed(Dispensable::<A, T>::new(key, false))
    }

    /// Reads an object as [`dispensable`](Self::dispensable) does, without a copy: a value that is not
    /// an object is `None`, but an object must match its type.
    ///
    /// # Errors
    /// If the text is not JSON, or an object does not match its type.
    fn dispensable_object<A, T>(&mut self, key: &'static str) -> Result<Option<T>, Self::Error>
    where
        A: DeserializeAs<'de, T>,
    {
        self.next_value_seed(Dispensable::<A, T>::new(key, true))
    }

    /// Skips the value of the key that was read last, however deeply it nests.
    ///
    /// # Errors
    /// If the text is not JSON.
    fn skip(&mut self) -> Result<(), Self::Error> {
        self.next_value::<IgnoredAny>().map(drop)
    }
}

impl<'de, M: MapAccess<'de>> Entries<'de> for M {}

fn read_as<'de, A, T, M>(map: &mut M) -> Result<T, M::Error>
where
    A: DeserializeAs<'de, T>,
    M: MapAccess<'de> + ?Sized,
{
    map.next_value::<DeserializeAsWrap<T, A>>().map(DeserializeAsWrap::into_inner)
}

/// Returns the value of a required key.
///
/// # Errors
/// If the key is missing.
pub fn required<T, E: Error>(key: &'static str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(key))
}

/// Starts writing an object.
///
/// # Errors
/// If the serializer fails.
pub fn write_object<S: Serializer>(serializer: S) -> Result<Writer<S::SerializeMap>, S::Error> {
    serializer.serialize_map(None).map(Writer)
}

/// Writes the entries of an object.
#[derive(Debug)]
pub struct Writer<M>(M);

impl<M: SerializeMap> Writer<M> {
    /// Writes an entry.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(key, value)
    }

    /// Writes an entry through the adapter `A`.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn entry_as<A, T>(&mut self, key: &str, value: &T) -> Result<(), M::Error>
    where
        A: SerializeAs<T>,
    {
        self.0.serialize_entry(key, &SerializeAsWrap::<T, A>::new(value))
    }

    /// Writes the entries of a map.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn entries<'a, T: Serialize + 'a>(
        &mut self,
        entries: impl IntoIterator<Item = (&'a String, &'a T)>,
    ) -> Result<(), M::Error> {
        entries.into_iter().try_for_each(|(key, value)| self.entry(key, value))
    }

    /// Ends the object.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn end(self) -> Result<M::Ok, M::Error> {
        self.0.end()
    }
}

/// The key of an object, borrowed from the text where possible.
#[derive(Debug)]
pub struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Key<'_>> for String {
    fn from(key: Key<'_>) -> Self {
        key.0.into_owned()
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}
