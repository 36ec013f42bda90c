//! The reply of a running turn. The turn's task fills it, and the platform's requests read it.

mod buffer;
mod checks;
mod draft;
mod ending;
mod hold;
mod holds;
mod marks;
mod measured;
mod phase;
mod reader;
mod sending;
mod state;
mod tags;
#[cfg(test)]
mod tests;

pub(super) use buffer::{Audience, Outbox, ReplyKind};
pub(super) use draft::{Packet, Remainder};
pub(super) use ending::Step;
pub(super) use hold::Hold;
pub(super) use measured::Measured;
pub(super) use reader::Reader;
pub(super) use tags::Tag;
