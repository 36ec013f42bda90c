//! The AUI Kits: AICall's data types, the app server, its client, ICE and the tokens.

#[path = "../support/mod.rs"]
mod support;

mod agents;
mod app_server;
mod callback;
mod chat_token;
mod client;
mod ice;
mod requests;
mod rtc_token;
mod server;
mod share_token;
mod types;
