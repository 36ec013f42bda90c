//! The memory of a call as JSON, with its version beside it.

use std::cmp::Ordering;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::limits::Limits;
use super::store::StoreError;
use crate::server::Error;

/// Encodes a memory.
pub(super) fn encode<M: Serialize>(memory: &M, limits: &Limits) -> Result<Bytes, StoreError> {
    // Without the error's message: it comes from the bot's own types and may contain private data.
    let json = serde_json::to_vec(memory)
        .map_err(|_| StoreError::Memory("can't be written as JSON".into()))?;
    if json.len() > limits.max_memory_bytes {
        return Err(StoreError::TooLarge { bytes: json.len(), max: limits.max_memory_bytes });
    }
    Ok(json.into())
}

/// Decodes a memory of version `found` that this or another `version` of the bot has written.
pub(super) fn decode<M: DeserializeOwned + Default>(
    json: &[u8],
    found: u32,
    version: u32,
    migrate: impl FnOnce(u32, Value) -> Result<M, Error>,
) -> Result<M, Error> {
    if json.is_empty() {
        return Ok(M::default());
    }
    match found.cmp(&version) {
        Ordering::Equal => Ok(serde_json::from_slice(json).map_err(unreadable)?),
        Ordering::Less => migrate(found, serde_json::from_slice(json).map_err(unreadable)?),
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
