//! AICall's data types, the AUI Kits app server, its client, ICE and the tokens.

#[path = "../support/mod.rs"]
mod support;

mod app_server;
mod app_server_abuse;
mod app_server_policy;
mod chat_token;
mod client;
mod ice;
mod requests;
mod rtc_token;
mod server;
mod share_token;
mod types;
