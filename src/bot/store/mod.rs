//! Where calls are kept between turns, and what you implement to keep them elsewhere.
//!
//! A store sees bytes, never a bot's types. Its records are fenced by epochs, not locked: opening a
//! call takes it over, and earlier owners can no longer write. A lost message therefore costs packets
//! that nobody hears, never the state of a call.

mod contract;
mod erased;
mod error;
mod memory;
mod records;

pub use contract::Store;
pub(super) use erased::{AnyStore, PATIENCE, no_answer};
pub use error::{StoreError, StoreFailure};
pub use memory::MemoryStore;
pub use records::{Cancel, CancelReason, Change, Lease, NoteKind, Opened, Opening, Record, Then};
