//! ODFS: the dialog flow as a server, and the IVR as a client.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod dialogue;
mod faults;
mod queue;
mod redis;
mod server;
mod tokens;
mod types;
