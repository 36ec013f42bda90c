//! Serves an `Api`: settings, replies, errors, and a socket.
//!
//! The main items are [`Server`] (the settings), [`Sink`] (the reply of a turn), [`Error`] (the
//! error of a handler), [`serve`] and, to stop a running turn, [`Turns`].
//!
//! # The servers
//!
//! The module of each platform has a `Server`. You create, configure and serve all of them alike:
//! `Server::new(api)`, then the settings, then `router()`. These settings are common to several:
//!
//! | Server | `path` | `deadline` | `body_limit` | `heartbeat` | `clock` | `trace_content` |
//! |---|---|---|---|---|---|---|
//! | `digital_employee::Server` | yes | none | 1 MiB | never | yes | no |
//! | `duix::Server` | yes | none | 1 MiB | –¹ | –² | no |
//! | `duix::dialogue::Server` | yes | 20 s | 1 MiB | never | –² | no |
//! | `odfs::Server` | yes | 30 s | 1 MiB | –¹ | yes | no |
//! | `chat::Server` | yes | none | 1 MiB | never | yes | no |
//! | `aui::Server` | –³ | 30 s | 1 MiB | –¹ | –² | no |
//! | `aicall::callback::Server` | yes | 30 s⁴ | 1 MiB | –¹ | –² | no |
//!
//! All of them have `observer` and `trace_content_if`, too.
//!
//! A cell shows the default, or whether the setting exists. ¹ No operation responds with an event
//! stream. ² No response contains a time. ³ Apps with AICallKit call fixed paths. The 20 s come
//! from the platform's document; no document names a number for the 30 s. ⁴ From the start of the handler,
//! which runs after the answer.
//!
//! | Server | Its own settings | From a `bot::Host` |
//! |---|---|---|
//! | `digital_employee::Server` | `answers`, `controls`, `allow_transfer` | `Host::digital_employee`, with a `heartbeat` of 10 s |
//! | `duix::Server` | `check_tokens` | |
//! | `duix::dialogue::Server` | `fallback`, `answer_form`, `secret` | `Host::duix` |
//! | `odfs::Server` | `authorize`, `issuer`, `max_waiting`, `max_calls`, `idle_timeout`, `utc_offset` | `Host::odfs` |
//! | `chat::Server` | `key`, `base`, `whole_url` | `Host::chat` |
//! | `aicall::callback::Server` | `token`, `max_running` | `Host::aicall_callbacks` |
//! | `aui::Server` | `bases`, `allow_origins`, `allow_any_origin`; `new` also takes the authorizer | |
//!
//! A small `Api` of your own:
//!
//! ```
//! # #[cfg(feature = "digital-employee")]
//! # mod parrot {
//! use std::time::Duration;
//!
//! use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply, Server};
//! use callbot::server::{Error, serve};
//!
//! struct Parrot;
//!
//! impl Api for Parrot {
//!     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.finish("Welcome.").await
//!     }
//!
//!     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.finish(request.utterance).await
//!     }
//! }
//!
//! async fn run() -> std::io::Result<()> {
//!     let router = Server::new(Parrot).heartbeat(Duration::from_secs(10)).router();
//!     serve(tokio::net::TcpListener::bind("0.0.0.0:9000").await?, router).await
//! }
//! # }
//! ```

mod arrival;
pub(crate) mod call;
pub(crate) mod content;
mod current;
mod error;
mod events;
pub(crate) mod frame;
mod frame_queue;
pub(crate) mod incoming;
mod options;
pub(crate) mod rules;
mod serve;
mod sink;
mod turns;
// Only the tests of bots set a watch. They need the feature `client`, and a platform for bots.
#[cfg_attr(
    not(all(
        feature = "bot",
        feature = "client",
        any(feature = "digital-employee", feature = "duix", feature = "odfs")
    )),
    allow(dead_code)
)]
pub(crate) mod watch;

pub(crate) use arrival::observe_refusal;
#[cfg(feature = "bot")]
pub(crate) use content::Privacy;
#[cfg(feature = "bot")]
pub(crate) use current::outside_handlers;
pub use current::{arrived, query};
pub use error::{Error, Fault, FaultKind};
#[allow(unused_imports)] // Depending on its features, no platform uses it.
pub(crate) use options::check_path;
pub use options::{PathError, Server};
pub use serve::{CutError, Serve, WhenFull, serve};
pub use sink::{SendError, Sink};
pub use turns::{RunningTurn, Turns};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    frame::Frame,
    incoming::Incoming,
    rules::{
        Answers, Dates, Delivery, FoldPackets, PacketKind, Reads, Rules, Speaks, WritePackets,
    },
};
