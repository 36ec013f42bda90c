//! Digital Employee, both sides of its wire. What its server has in common with other platforms is in
//! `tests/server`.

#![cfg(feature = "digital-employee")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "server")]
mod bad_requests;
#[cfg(all(feature = "client", feature = "server"))]
mod client;
mod compatibility;
#[cfg(feature = "server")]
mod faults;
#[cfg(feature = "server")]
mod packets;
#[cfg(feature = "server")]
mod repetition;
#[cfg(feature = "server")]
mod rules;
#[cfg(all(feature = "client", feature = "server"))]
mod simulator;
mod types;
