//! Digital Employee, both sides of its wire.

#[path = "../support/mod.rs"]
mod support;

mod bad_requests;
mod client;
mod compatibility;
mod faults;
mod packets;
mod rules;
mod simulator;
mod types;
