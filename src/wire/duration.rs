//! Durations, as the numbers in which platforms write them.

use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_with::{DeserializeAs, SerializeAs};

use super::number::Number;

/// Seconds as a number. A string that contains one is read as well.
#[derive(Debug)]
pub struct Seconds;

/// Milliseconds as a number. A string that contains one is read as well.
#[derive(Debug)]
pub struct Milliseconds;

/// A duration. A negative number or null means that none is set.
#[derive(Debug)]
pub struct OrUnset<U>(PhantomData<U>);

trait Unit {
    const PER_SECOND: f64;
}

impl Unit for Seconds {
    const PER_SECOND: f64 = 1.0;
}

impl Unit for Milliseconds {
    const PER_SECOND: f64 = 1000.0;
}

impl<'de> DeserializeAs<'de, Duration> for Seconds {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        read::<Self, _>(deserializer)
    }
}

impl<'de> DeserializeAs<'de, Duration> for Milliseconds {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        read::<Self, _>(deserializer)
    }
}

impl SerializeAs<Duration> for Seconds {
    fn serialize_as<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match value.subsec_nanos() {
            0 => value.as_secs().serialize(serializer),
            _ => value.as_secs_f64().serialize(serializer),
        }
    }
}

impl SerializeAs<Duration> for Milliseconds {
    fn serialize_as<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match (value.subsec_nanos() % 1_000_000, u64::try_from(value.as_millis())) {
            (0, Ok(millis)) => millis.serialize(serializer),
            _ => (value.as_secs_f64() * 1000.0).serialize(serializer),
        }
    }
}

impl<'de, U: Unit> DeserializeAs<'de, Option<Duration>> for OrUnset<U> {
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let number: Option<Number> = Deserialize::deserialize(deserializer)?;
        match number.map(Number::to_float) {
            Some(number) if number >= 0.0 => duration::<U, _>(number).map(Some),
            _ => Ok(None),
        }
    }
}

fn read<'de, U: Unit, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    duration::<U, _>(Number::deserialize(deserializer)?.to_float())
}

fn duration<U: Unit, E: de::Error>(number: f64) -> Result<Duration, E> {
    Duration::try_from_secs_f64(number / U::PER_SECOND)
        .map_err(|_| E::custom("expected a duration: a number, 0 or more"))
}
