//! The memory of a call as bytes: its version, a colon, its JSON.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits::Limits;
use super::store::StoreError;
use crate::server::Error;

/// Encodes a memory of this `version`.
pub(super) fn encode<M: Serialize>(
    version: u32,
    memory: &M,
    limits: &Limits,
) -> Result<Vec<u8>, StoreError> {
    let mut bytes = format!("{version}:").into_bytes();
    // Without the error's message: it comes from the bot's own types and may contain private data.
    serde_json::to_writer(&mut bytes, memory)
        .map_err(|_| StoreError::Memory("can't be written as JSON".into()))?;
    if bytes.len() > limits.max_memory_bytes {
        return Err(StoreError::TooLarge { bytes: bytes.len(), max: limits.max_memory_bytes });
    }
    Ok(bytes)
}

/// Decodes a memory that this or another `version` of the bot has written.
pub(super) fn decode<M: DeserializeOwned + Default>(
    bytes: &[u8],
    version: u32,
    migrate: impl FnOnce(u32, Value) -> Result<M, Error>,
) -> Result<M, Error> {
    if bytes.is_empty() {
        return Ok(M::default());
    }
    let parts = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(':'));
    let parts = parts.and_then(|(found, json)| Some((found.parse::<u32>().ok()?, json)));
    let (found, json) = parts.ok_or_else(|| StoreError::Memory("has no version number".into()))?;
    match found.cmp(&version) {
        Ordering::Equal => Ok(serde_json::from_str(json).map_err(unreadable)?),
        Ordering::Less => migrate(found, serde_json::from_str(json).map_err(unreadable)?),
        // The memory stays as it is, so that a newer version of the bot can still read it.
        Ordering::Greater => Err(MemoryVersion::new(found, version).into()),
    }
}

/// Returns the error for a memory that can't be read, without the content of the memory.
fn unreadable(error: serde_json::Error) -> StoreError {
    use serde_json::error::Category;

    let what = match error.classify() {
        Category::Data => "does not fit the bot's type",
        _ => "is not JSON",
    };
    StoreError::Memory(format!("{what}, at line {} column {}", error.line(), error.column()))
}

/// The error for a memory that was written by another version of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryVersion {
    found: u32,
    own: u32,
}

impl MemoryVersion {
    pub(super) fn new(found: u32, own: u32) -> Self {
        Self { found, own }
    }
}

impl fmt::Display for MemoryVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, own } = self;
        write!(f, "the memory of the call has version {found}, but the bot has version {own}")
    }
}

impl std::error::Error for MemoryVersion {}
