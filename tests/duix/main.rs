//! DUIX: the management API, and the dialogue that the platform asks a bot for. What the server of a
//! dialogue has in common with other platforms is in `tests/server`.

#![cfg(all(feature = "duix", feature = "client", feature = "server"))]

#[path = "../support/mod.rs"]
mod support;

mod bad_requests;
mod client;
mod dialogue;
mod dialogue_client;
mod fallback;
mod token;
mod types;
