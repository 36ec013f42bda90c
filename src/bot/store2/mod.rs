//! The store of calls between turns. Implement [`Store`] to keep calls elsewhere.
//!
//! A store sees bytes, never a bot's types. Its records are fenced by epochs, not locked: opening a
//! call takes it over, and earlier owners can no longer write. A lost message therefore costs packets
//! that nobody hears, never the state of a call.

mod contract;
mod erased;
mod error;
mod handle;
mod memory;
mod meter;
mod records;
#[cfg(feature = "redis-store")]
mod redis;
mod turns;

#[cfg(feature = "redis-store")]
pub use self::redis::{RedisStore, RedisStoreBuilder};
pub use contract::Store;
pub(super) use erased::AnyStore;
pub use error::{StoreError, StoreFailure, StoreLimit};
pub(super) use handle::{Granted, StoreHandle};
pub use memory::MemoryStore;
pub(super) use meter::Meter;
pub use records::{
    Cancel, CancelReason, Change, Claim, Claimed, Edit, Lease, Opened, Opening, Record, Signal,
    Standing, Then,
};
pub use turns::{StoredTurn, StoredTurns};
