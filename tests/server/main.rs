//! Servers: what holds on every platform alike.
//!
//! [`subject`] says what a platform offers to the suites that run against every server.

#![cfg(feature = "server")]

#[path = "../support/mod.rs"]
mod support;

mod bad_requests;
mod faults;
mod handler_errors;
mod options;
mod packets;
mod peer_gone;
mod settings;
mod subject;
mod turns;
