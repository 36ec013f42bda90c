//! Runs turns. Each has a task, from opening the call's record to the end of the reply.

mod between;
mod calls;
mod drive;
mod failure;
mod hook;
mod info;
mod note;
mod opening;
mod record;
mod report;
mod session;
mod shared;
mod spans;
mod state;
pub(super) mod trigger;
mod turn;
mod waits;

pub(super) use calls::Calls;
pub(super) use note::Note;
pub(super) use record::CallRecord;
pub(super) use shared::{Sampler, Setup};
