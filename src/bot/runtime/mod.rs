//! Runs turns. Each has a task, from opening the call's record to the end of the reply.

mod between;
mod calls;
mod drive;
mod failure;
mod hook;
mod opening;
mod record;
mod report;
mod session;
mod shared;
mod spans;
pub(super) mod trigger;
mod turn;
mod waits;

pub(super) use calls::Calls;
pub(super) use record::{CallRecord, Note};
pub(super) use shared::{Sampler, Setup};
