//! DUIX: the management API, and the dialogue that the platform asks a bot for.

#[path = "../support/mod.rs"]
mod support;

mod bad_requests;
mod client;
mod dialogue;
mod dialogue_client;
mod fallback;
mod token;
mod types;
