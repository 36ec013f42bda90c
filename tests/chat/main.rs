//! Chat completions, both sides of the wire.

#![cfg(feature = "chat")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
mod server;
mod types;
