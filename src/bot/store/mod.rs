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
//!
//! let first = store.open(&call, Opening::Turn(TurnId::new("turn-1"))).await?;
//! let second = store.open(&call, Opening::Turn(TurnId::new("turn-2"))).await?;
//! let (Opened::Run(first, _), Opened::Run(second, _)) = (first, second) else { panic!("no lease") };
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
mod memory;
mod records;
mod timed;

pub use contract::Store;
pub(super) use erased::{AnyStore, PATIENCE, no_answer};
pub use error::{StoreError, StoreFailure, StoreLimit};
pub use memory::MemoryStore;
pub use records::{Cancel, CancelReason, Change, Lease, NoteKind, Opened, Opening, Record, Then};
pub(super) use timed::{Meter, TimedStore};
