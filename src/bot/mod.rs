//! One bot for every platform.
//!
//! Implement [`Bot`] once, give it to a [`Host`], and put it on each platform:
//!
//! ```no_run
//! # #[cfg(all(feature = "digital-employee", feature = "duix", feature = "odfs"))]
//! # mod parrot {
//! use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
//! use callbot::server::serve;
//!
//! struct Parrot;
//!
//! impl Bot for Parrot {
//!     type Memory = ();
//!
//!     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
//!         match input {
//!             Input::Speech(words) => reply.say(format!("You said: {words}")).await?,
//!             _ => reply.say("Say something!").await?,
//!         }
//!         Ok(())
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
//! # A turn
//!
//! A turn is a task and a transaction. Text goes out when the bot really waits for something, so that
//! words and controls that are made together arrive together. When the turn ends with `Ok`, the memory
//! is written, and only then the reply ends. An error, a panic or a caller who barges in puts the memory
//! back to the last [`Call::save`], or to what it was before the turn. When a caller barges in, the task
//! is dropped where it waits, unless it [holds](Call::hold).
//!
//! # What the caller heard
//!
//! Usually a caller barges in when the reply is long complete and is being spoken. The platform may
//! report how far that was: the [`History`] is truncated there, in the entry of that turn and no other,
//! and [`Bot::interrupted`] is called. A platform that does not report it leaves [`Heard::Unknown`].
//!
//! # Platforms
//!
//! What a platform can do is data: [`Capabilities`] has the table. A bot says in [`Bot::needs`] what it
//! requires, and can't be put on a platform that lacks it. Everything else that a platform lacks is an
//! error at the line that asks for it, unless [`HostBuilder::lossy`] allows that it is dropped with a
//! [`Notice`].
//!
//! | | Digital Employee | DUIX | ODFS |
//! |---|---|---|---|
//! | a call | `sessionId` | `dh-conversation-id` | `userid` |
//! | begins | `beginSession` | with its first turn | `inaction` 8 |
//! | a turn | `dialogue`, by `streamId` | each request | `inaction` 9 or 11 |
//! | ends | `endSession` | when it is idle | `hangup` |
//! | two turns at once | the newest wins | the newest wins | one after the other |
//! | a transfer, hanging up | a control in the last packet | – | `outaction` 11 or 10; after text at `playover` |
//!
//! # Time
//!
//! A [`Budget`] counts from the arrival of the request. When part of it is used up and the bot has
//! said nothing, the [filler](HostBuilder::filler) goes out. When all of it is used up, the turn is
//! dropped and the platform gets its failure answer.
//!
//! # Tests
//!
//! `testing::TestCall`, which comes with the feature `client`, plays the caller and the platform: on any
//! platform, through its real router, in memory.
//!
//! # Where calls are kept
//!
//! In a [`Store`]: [`MemoryStore`] keeps them in this process. Several processes need a store that they
//! share; a turn that another process has overtaken can't write any more. What you need to write one is
//! in [`store`].

// Each platform uses its own part of the runtime.
#![cfg_attr(
    not(all(feature = "digital-employee", feature = "duix", feature = "odfs")),
    allow(dead_code)
)]

mod adapter;
mod budget;
mod call;
mod capabilities;
mod controls;
mod error;
mod handler;
mod history;
mod host;
mod input;
mod limits;
mod memory;
mod needs;
mod outbox;
mod platforms;
mod reply;
mod runtime;
mod snapshot;
pub mod store;
#[cfg(all(
    feature = "client",
    any(feature = "digital-employee", feature = "duix", feature = "odfs")
))]
pub mod testing;

pub use budget::Budget;
pub use call::{Call, CallInfo};
pub use capabilities::{
    Capabilities, GatherLimits, Platform, SpeechSupport, TransferKind, TransferKinds,
};
pub use controls::{ControlKind, Gather, HangUp, Native, SpeechSettings, Synthesis, Transfer};
pub use error::{Dropped, Notice, ReplyError, Result};
pub use handler::Bot;
pub use history::{Entry, History};
pub use host::{Host, HostBuilder};
pub use input::{CallKey, Cause, Cut, Ended, Heard, Input, TransferOutcome, TurnId};
pub use limits::{Greeting, Limits};
pub use needs::{Need, Needs, NeedsError};
pub use outbox::Hold;
#[cfg(feature = "digital-employee")]
pub use platforms::OnDigitalEmployee;
#[cfg(feature = "duix")]
pub use platforms::OnDuix;
#[cfg(feature = "odfs")]
pub use platforms::{OdfsSettings, OnOdfs};
pub use reply::Reply;
pub use snapshot::{CallSnapshot, SnapshotError};
#[doc(no_inline)]
pub use store::{MemoryStore, Store, StoreError};

#[doc(no_inline)]
pub use crate::server::Error;
