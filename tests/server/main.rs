//! Servers: what holds on every platform alike. `subject` says what a platform offers to the suites
//! that run against every server.

#![cfg(feature = "server")]

#[path = "../support/mod.rs"]
mod support;

mod bad_requests;
mod faults;
mod handler_errors;
mod observed;
mod odd_json;
#[cfg(all(feature = "digital-employee", feature = "client"))]
mod options;
mod packets;
mod peer_gone;
mod serving;
#[cfg(all(feature = "digital-employee", feature = "duix", feature = "odfs", feature = "aui"))]
mod settings;
mod subject;
mod turns;
