//! ODFS: the dialog flow as a server, and the IVR as a client. What the server has in common with
//! other platforms is in `tests/server`.

#![cfg(all(feature = "odfs", feature = "client", feature = "server"))]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod dialogue;
mod faults;
mod queue;
#[cfg(all(feature = "redis", unix))]
mod redis;
mod server;
mod tokens;
mod types;
