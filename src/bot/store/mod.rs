//! The store of calls between turns. Implement [`Store`] to keep calls elsewhere.
//!
//! A store sees bytes, never a bot's types. Its records are fenced by epochs, not locked: opening a
//! call takes it over, and earlier owners can no longer write. A lost message therefore costs packets
//! that nobody hears, never the state of a call.
//!
//! ```
//! use callbot::bot::store::{Change, MemoryStore, Opened, Opening, Store, StoreError};
//! use callbot::bot::{CallKey, Platform, TurnId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), StoreError> {
//! let store = MemoryStore::new();
//! let call = CallKey::new(Platform::Odfs, "call-1");
//! let opening = |id| {
//!     let (turn, fresh) = (TurnId::new(id), "{}".into());
//!     Opening::Turn { turn, told: None, overtake: true, fresh }
//! };
//!
//! let first = store.open(&call, &opening("turn-1")).await?;
//! let second = store.open(&call, &opening("turn-2")).await?;
//! let (Opened::Run { lease: first, .. }, Opened::Run { lease: second, .. }) = (first, second) else {
//!     panic!("no lease")
//! };
//!
//! // The second turn has taken over the call.
//! assert_eq!(store.write(&first, Change::default()).await, Err(StoreError::Fenced));
//! assert_eq!(store.write(&second, Change::default()).await, Ok(()));
//! # Ok(())
//! # }
//! ```

mod contract;
mod erased;
mod error;
mod handle;
mod memory;
mod meter;
mod queue;
mod records;
#[cfg(feature = "redis-store")]
mod redis;
mod state;
mod turns;

#[cfg(feature = "redis-store")]
pub use self::redis::{RedisNonces, RedisStore, RedisStoreBuilder};
pub use contract::Store;
pub(super) use erased::AnyStore;
pub use error::{StoreError, StoreFailure, StoreLimit};
pub(super) use handle::{Granted, StoreHandle};
pub use memory::MemoryStore;
pub(super) use meter::Meter;
pub use records::{
    Cancel, CancelReason, Change, Claim, Claimed, Lease, Opened, Opening, Record, Signal, Standing,
    Then,
};
pub(super) use state::Keep;
pub use state::{CallState, FreshState};
pub use turns::{Edit, StoredTurn, StoredTurns};
