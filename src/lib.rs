//! The typed SDK for bots that take calls.
//!
//! A platform runs the phone line or the digital human; your bot says what to say and what to do.
//! Write it once, as a [`Bot`](bot::Bot), and put it on every platform that calls bots. Below that the
//! crate has both ends of each conversation, typed: a trait with the router that serves it, and the
//! client that calls. These are compiled at build time from hand-written specs, OpenAPI and JSON
//! Schema, which are part of the crate: what goes over the wire stands there, and nowhere else.
//!
//! | Platform | Module | Your bot | Feature |
//! |---|---|---|---|
//! | Alibaba Cloud Digital Employee | [`digital_employee`] | is called | `digital-employee` |
//! | Huawei ODFS | [`odfs`] | is asked what to do next, or is the IVR that asks | `odfs` |
//! | DUIX digital humans | [`duix`] | is asked what to say, and calls the management API | `duix` |
//! | AICall (Alibaba Cloud), app server | [`aui`] | starts AI agents in calls, or calls such a server | `aui` |
//! | AICall, data types | [`aicall`] | configures an agent, reads its messages and errors | `aicall` |
//!
//! # A bot
//!
//! ```no_run
//! # #[cfg(feature = "bot")]
//! # mod parrot {
//! use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
//! use callbot::server::serve;
//!
//! struct Parrot;
//!
//! impl Bot for Parrot {
//!     type Memory = u32; // what it remembers of a call
//!
//!     async fn turn(&self, call: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
//!         call.memory += 1;
//!         let Input::Speech(words) = input else { return reply.say("Pardon?").await };
//!         reply.say(format!("Turn {}. You said: {words}", call.memory)).await
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//!     Ok(serve(listener, Host::new(Parrot).router()?).await?)
//! }
//! # }
//! ```
//!
//! # A bot on the wire
//!
//! ```no_run
//! # #[cfg(all(feature = "digital-employee", feature = "server"))]
//! # mod bot {
//! use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply, router};
//! use callbot::server::{Error, serve};
//!
//! struct Parrot;
//!
//! impl Api for Parrot {
//!     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.finish("Welcome. Say something!").await
//!     }
//!
//!     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.send("You said: ").await?;
//!         reply.send(request.utterance).await
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//!     serve(listener, router(Parrot)).await
//! }
//! # }
//! ```
//!
//! # A client
//!
//! ```no_run
//! # #[cfg(all(feature = "digital-employee", feature = "client"))]
//! # async fn call() -> Result<(), callbot::client::Error> {
//! use callbot::digital_employee::{AnswerMode, Client, DialogueRequest, DialogueRequestFields};
//! use futures_util::StreamExt;
//!
//! let client = Client::new("http://127.0.0.1:9000")?;
//! let request = DialogueRequest::new(DialogueRequestFields {
//!     request_id: "r-1",
//!     tenant_id: 378210,
//!     instance_id: "n1",
//!     script_id: "sc-1",
//!     session_id: "s-1",
//!     stream_id: "t-1",
//!     utterance: "Hello!",
//! });
//! let mut reply = client.dialogue(&request).await?.into_events(AnswerMode::Cumulative);
//! while let Some(event) = reply.next().await {
//!     println!("{:?}", event?.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds everywhere
//!
//! - **Read leniently.** Unknown fields, unknown enum values and unknown kinds never break a running
//!   call; what can be kept is kept and written back. An error names the place by its JSON pointer.
//! - **Write strictly.** What leaves is checked against the spec first. The error lists every
//!   violation: JSON pointer, value, allowed range.
//! - **Nothing private shows.** What callers say, the keys they press and their numbers appear in
//!   no `Debug` and in no error, and in traces only on request.
//! - **Deadlines are yours.** Connecting, the whole call, the first event and the gap between two
//!   events each have a setting, a default and an error of their own. A stream as a whole has none.
//!
//! # Features
//!
//! | Feature | Default | What it brings |
//! |---|---|---|
//! | `digital-employee`, `duix`, `odfs`, `aicall`, `aui` | yes | the platforms of these names; `aui` brings `aicall` |
//! | `bot` | yes | one bot for all platforms that are there; brings `server` |
//! | `client` | yes | the clients, and the simulators that stand on them |
//! | `server` | yes | the `Api` traits and their axum routers |
//! | `rustls` | yes | TLS for the clients, by rustls with ring |
//! | `rustls-aws-lc-rs` | | the same with aws-lc; it wins when both are on |
//! | `redis` | | the text of speech for [`odfs`], from Redis |
//! | `schemars` | | `schemars::JsonSchema` for every type, with the schema of the spec |
//!
//! Without `client` and `server` the types alone remain. Without a TLS feature a client calls
//! `http` URLs only, or travels by a transport of its own.
//!
//! TLS is that of callbot's clients alone. It sets no provider for the process and no feature of
//! `reqwest`: a `reqwest::Client` of yours has the TLS that you switch on for it.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Input reaches all of the library: nothing in it may panic.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

// Compiled code names this crate as its users do; without a platform there is none.
#[allow(unused_extern_crates)]
extern crate self as callbot;

#[cfg(feature = "aicall")]
#[cfg_attr(docsrs, doc(cfg(feature = "aicall")))]
pub mod aicall;
#[cfg(feature = "aui")]
#[cfg_attr(docsrs, doc(cfg(feature = "aui")))]
pub mod aui;
#[cfg(feature = "auth")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub mod auth;
#[cfg(any(feature = "client", feature = "server"))]
mod body;
#[cfg(feature = "bot")]
#[cfg_attr(docsrs, doc(cfg(feature = "bot")))]
pub mod bot;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
pub mod clock;
#[doc(hidden)]
pub mod codegen;
#[cfg(feature = "digital-employee")]
#[cfg_attr(docsrs, doc(cfg(feature = "digital-employee")))]
pub mod digital_employee;
#[cfg(feature = "duix")]
#[cfg_attr(docsrs, doc(cfg(feature = "duix")))]
pub mod duix;
#[cfg(any(feature = "bot", feature = "client"))]
mod error;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod function_compute;
#[cfg(any(feature = "client", feature = "server"))]
mod lock;
#[cfg(feature = "odfs")]
#[cfg_attr(docsrs, doc(cfg(feature = "odfs")))]
pub mod odfs;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;
pub mod sse;
pub mod text;
pub mod wire;

/// The README's examples compile.
#[cfg(all(
    doctest,
    feature = "bot",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "aui",
    feature = "client",
    feature = "server"
))]
#[doc = include_str!("../README.md")]
mod readme {}
