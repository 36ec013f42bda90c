//! Reads what Redis answers.

use std::time::Duration;

use bytes::Bytes;
use redis::Value;

use super::super::error::StoreError;
use super::super::records::Record;
use super::super::turns::StoredTurn;
use super::client::{settings_error, unexpected};
use super::keys;

/// The format of what this version writes, and the newest one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The parts of the answer of a script, from the first one on.
pub(super) struct Parts(std::vec::IntoIter<Value>);

impl Parts {
    pub(super) fn of(answer: Value) -> Result<Self, StoreError> {
        match answer {
            Value::Array(parts) => Ok(Self(parts.into_iter())),
            _ => Err(unexpected()),
        }
    }

    /// Returns whether there is nothing left.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        let part = self.0.next().ok_or_else(unexpected)?;
        redis::from_redis_value(part).map_err(|_| unexpected())
    }

    /// Returns what happened, unless it is an error that any script may answer.
    pub(super) fn outcome(&mut self) -> Result<String, StoreError> {
        let outcome = self.text()?;
        match outcome.as_str() {
            "fenced" => Err(StoreError::Fenced),
            "newer" => Err(newer()),
            _ => Ok(outcome),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        self.text()?.parse().map_err(|_| unexpected())
    }

    /// Returns a time that is in microseconds, or -1 if there is none.
    pub(super) fn time(&mut self) -> Result<Option<Duration>, StoreError> {
        let micros: i64 = self.text()?.parse().map_err(|_| unexpected())?;
        Ok(u64::try_from(micros).ok().map(Duration::from_micros))
    }
}

/// The error of a call that a newer version of this crate has written.
fn newer() -> StoreError {
    settings_error(format!(
        "the call is stored in a format that is newer than {FORMAT}, the newest one that this version reads"
    ))
}

/// The fields of a call that are read.
pub(super) const FIELDS: [&str; 5] = ["v", "m", "mv", "s", "why"];

/// Returns the record, and why its call has ended, from the answers to the commands that read them:
/// `HMGET` of [`FIELDS`], `HGETALL` of the history, `LRANGE` of the notes.
pub(super) fn record(
    answers: impl IntoIterator<Item = Value>,
) -> Result<Option<(Record, Option<Bytes>)>, StoreError> {
    let mut answers = answers.into_iter();
    let (fields, history, notes) = match (answers.next(), answers.next(), answers.next()) {
        (Some(Value::Array(fields)), Some(history), Some(Value::Array(notes))) => {
            (fields, history, notes)
        }
        _ => return Err(unexpected()),
    };
    let mut fields = fields.into_iter().map(bytes);
    let mut field = move || fields.next().ok_or_else(unexpected)?;
    let Some(format) = field()? else { return Ok(None) };
    if number(&format)? > u64::from(FORMAT) {
        return Err(newer());
    }
    let memory = field()?.unwrap_or_default();
    let version = match field()? {
        Some(version) => u32::try_from(number(&version)?).map_err(|_| unexpected())?,
        None => 0,
    };
    let state = field()?.unwrap_or_default().into();
    let why = field()?;
    let history = turns(history)?.into_iter().collect();
    let notes = notes.into_iter().map(|note| bytes(note)?.ok_or_else(unexpected));
    let notes = notes.collect::<Result<_, _>>()?;
    Ok(Some((Record { version, memory, state, history, notes }, why)))
}

fn turns(history: Value) -> Result<Vec<StoredTurn>, StoreError> {
    let mut pairs = match history {
        Value::Array(pairs) => pairs.into_iter(),
        _ => return Err(unexpected()),
    };
    let mut turns = Vec::with_capacity(pairs.len() / 2);
    while let (Some(name), Some(value)) = (pairs.next(), pairs.next()) {
        let (name, value) = (bytes(name)?, bytes(value)?);
        let (name, value) = name.zip(value).ok_or_else(unexpected)?;
        turns.push(turn(&name, &value).ok_or_else(unexpected)?);
    }
    Ok(turns)
}

/// Returns how a turn of the history is stored: under its name, after its place.
pub(super) fn stored(turn: &StoredTurn) -> Vec<u8> {
    let mut value = format!("{}:{}:", turn.epoch, turn.index).into_bytes();
    value.extend_from_slice(&turn.json);
    value
}

fn turn(name: &[u8], value: &Bytes) -> Option<StoredTurn> {
    let turn = keys::turn(std::str::from_utf8(name).ok()?)?;
    let mut colons = memchr::memchr_iter(b':', value);
    let (first, second) = (colons.next()?, colons.next()?);
    let number = |range: &[u8]| std::str::from_utf8(range).ok()?.parse::<u64>().ok();
    let epoch = number(value.get(..first)?)?;
    let index = number(value.get(first + 1..second)?)?.try_into().ok()?;
    Some(StoredTurn::new(turn, epoch, index, value.get(second + 1..)?))
}

fn bytes(value: Value) -> Result<Option<Bytes>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::Nil => Ok(None),
        _ => Err(unexpected()),
    }
}

fn number(text: &[u8]) -> Result<u64, StoreError> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(unexpected)
}
