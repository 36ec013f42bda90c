//! The reply of a running turn: between the task of the turn, which fills it, and the requests of the
//! platform, which read it.

mod buffer;
mod checks;
mod draft;
mod ending;
mod hold;
mod holds;
mod phase;
mod reader;
mod sending;
mod state;
#[cfg(test)]
mod tests;

pub(super) use buffer::{Audience, Outbox, ReplyKind};
pub(super) use draft::{Packet, Remainder};
pub(super) use ending::Step;
pub use hold::Hold;
pub(super) use reader::Reader;
