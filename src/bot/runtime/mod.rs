//! Runs turns: one task each, from the record of the call to the end of the reply.

mod between;
mod calls;
mod drive;
mod failure;
mod hook;
mod record;
mod session;
mod shared;
mod trigger;
mod turn;

pub(super) use calls::Calls;
pub(super) use record::CallRecord;
pub(super) use shared::Setup;
pub(super) use trigger::{Trigger, TurnRequest};
