//! One bot for every platform.
//!
//! Implement [`Bot`] once, give it to a [`Host`], and [serve](Host::serve) it on each platform:
//!
//! ```no_run
//! # #[cfg(all(feature = "digital-employee", feature = "duix", feature = "odfs"))]
//! # mod parrot {
//! use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
//!
//! struct Parrot;
//!
//! impl Bot for Parrot {
//!     type Memory = ();
//!
//!     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
//!         match input {
//!             Input::Speech(text) => reply.say(format!("You said: {text}")).await,
//!             _ => reply.say("Say something!").await,
//!         }
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//!     Host::new(Parrot).serve(listener).await
//! }
//! # }
//! ```
//!
//! # Turns
//!
//! A turn is a task and a transaction. Text goes out when the bot waits for something, so text and
//! controls that it adds without waiting arrive together. When the turn returns `Ok`, the memory is
//! written, and only then does the reply end. After an error, a panic or a barge-in, the memory is
//! rolled back to the last [`Call::save`], or to its state before the turn. A barge-in drops the task
//! where it waits, unless the work that it waits for is in a [hold](Call::hold).
//!
//! # What the caller heard
//!
//! Most callers barge in when the reply is already complete and is being spoken. If the platform
//! reports how much was heard, the [`History`] is truncated there, only in the entry of that turn,
//! and [`Bot::interrupted`] is called. If it does not, [`Cut::heard`] is [`Heard::Unknown`].
//!
//! # Platforms
//!
//! [`Capabilities`] lists what each platform supports. Name in [`Bot::needs`] what your bot requires:
//! a platform that lacks any of it refuses the bot at start-up. Everything else that a platform lacks
//! is an error where the bot uses it, unless [`HostBuilder::lossy`] allows it to be dropped with a
//! [`Notice`].
//!
//! | | Digital Employee | DUIX | ODFS | AICall |
//! |---|---|---|---|---|
//! | id of a call | `sessionId` | `dh-conversation-id` | `userid` | `instanceId` |
//! | start of a call | `beginSession` | its first turn | `inaction` 8 | its first turn |
//! | a turn | `dialogue`, by `streamId` | each request | `inaction` 9 or 11 | a chat completion, by `sentenceId` |
//! | end of a call | `endSession` | when it is idle | `hangup` | when it is idle |
//! | concurrent turns of a call | the newest wins | the newest wins | one after the other | the newest wins |
//! | transfer, hang-up | a control in the last packet | – | `outaction` 11 or 10; after text, at `playover` | a tag in the text, at the end |
//!
//! Other platforms that ask for chat completions are [`Platform::Chat`]. They work like AICall; the
//! [`ChatDialect`] has the differences.
//!
//! A bot that lacks something on one platform still fits the others: [`Host::fitting`] returns their routes,
//! and [`Host::router`] insists on all of them.
//!
//! # A bot chosen at run time
//!
//! The memory of a bot is a type, so there is no `dyn Bot`. To choose among bots when the program starts, write
//! an enum of them. They share a type of memory, which may be `serde_json::Value`. Forward every method that one
//! of them implements, and `needs` above all:
//!
//! ```
//! use callbot::bot::{Bot, Call, HangUp, Host, Input, Needs, Reply, Result};
//! use serde_json::Value;
//!
//! struct Parrot;
//! struct Doorman;
//!
//! enum AnyBot {
//!     Parrot(Parrot),
//!     Doorman(Doorman),
//! }
//!
//! impl Bot for AnyBot {
//!     type Memory = Value;
//!
//!     fn needs(&self) -> Needs {
//!         match self {
//!             Self::Parrot(bot) => bot.needs(),
//!             Self::Doorman(bot) => bot.needs(),
//!         }
//!     }
//!
//!     async fn turn(&self, call: &mut Call<Value>, input: Input, reply: &mut Reply) -> Result {
//!         match self {
//!             Self::Parrot(bot) => bot.turn(call, input, reply).await,
//!             Self::Doorman(bot) => bot.turn(call, input, reply).await,
//!         }
//!     }
//! }
//!
//! impl Bot for Parrot {
//!     type Memory = Value;
//!
//!     async fn turn(&self, call: &mut Call<Value>, _: Input, reply: &mut Reply) -> Result {
//!         let turns = call.memory.as_u64().unwrap_or(0) + 1;
//!         call.memory = turns.into();
//!         reply.say(format!("This is turn {turns}.")).await
//!     }
//! }
//!
//! impl Bot for Doorman {
//!     type Memory = Value;
//!
//!     fn needs(&self) -> Needs {
//!         Needs::NONE.hang_up()
//!     }
//!
//!     async fn turn(&self, _: &mut Call<Value>, _: Input, reply: &mut Reply) -> Result {
//!         reply.say("We are closed.").await?;
//!         reply.hang_up(HangUp::new()).await
//!     }
//! }
//!
//! let bot = |name: &str| match name {
//!     "doorman" => AnyBot::Doorman(Doorman),
//!     _ => AnyBot::Parrot(Parrot),
//! };
//! assert!(Host::new(bot("parrot")).fitting().left_out.is_empty());
//! # #[cfg(feature = "duix")]
//! assert!(!Host::new(bot("doorman")).fitting().left_out.is_empty());
//! ```
//!
//! # Time
//!
//! A [`Budget`] starts when the request arrives. If the bot has said nothing after part of it, the
//! [filler](HostBuilder::filler) goes out. When all of it but a margin for the network is used up, the turn
//! is dropped, the platform gets its failure answer or the caller hears the
//! [apology](HostBuilder::apology), and a [`BudgetError`] goes to the log.
//!
//! # Tests
//!
//! `testing::TestCall` plays the caller and the platform: any platform, through its real router, in
//! memory. It needs the feature `client`. [`Call::builder`] builds a call for the unit test of a function,
//! without it.
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "odfs"))]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use callbot::bot::testing::TestCall; // needs the feature `client`
//! # use callbot::bot::{Bot, Call, Input, Platform, Reply, Result};
//! # struct Parrot;
//! # impl Bot for Parrot {
//! #     type Memory = ();
//! #     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
//! #         match input {
//! #             Input::Speech(text) => reply.say(format!("You said: {text}")).await,
//! #             _ => reply.say("Say something!").await,
//! #         }
//! #     }
//! # }
//!
//! let mut call = TestCall::on(Platform::Odfs, Parrot);
//! call.say("hello").await.expect_text("You said: hello").expect_end();
//! call.silence().await.expect_text("Say something!").expect_end();
//! # }
//! # #[cfg(not(all(feature = "client", feature = "odfs")))]
//! # fn main() {}
//! ```
//!
//! # Storage
//!
//! Calls are kept in a [`Store`]. The default, [`MemoryStore`], keeps them in this process. Several
//! processes need a store that they share: there, a turn that was overtaken by a turn in another
//! process can no longer write. The module [`store`] has all that you need to implement one.

// Each platform uses only a part of the runtime.
#![cfg_attr(
    not(all(feature = "digital-employee", feature = "duix", feature = "odfs", feature = "chat")),
    allow(dead_code)
)]

mod adapter;
mod budget;
mod call;
mod call_builder;
mod capabilities;
mod controls;
mod error;
mod handler;
mod hash;
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
mod serve;
mod snapshot;
pub mod store;
#[cfg(all(
    feature = "client",
    any(feature = "digital-employee", feature = "duix", feature = "odfs", feature = "chat")
))]
pub mod testing;

pub use budget::{Budget, BudgetError, BudgetLimit};
pub use call::{Call, CallInfo};
pub use call_builder::CallBuilder;
pub use capabilities::{
    Capabilities, GatherLimits, Platform, SpeechSupport, TransferKind, TransferKinds,
};
pub use controls::{
    ControlKind, Emotion, Gather, HangUp, Native, SpeechSettings, Synthesis, Transfer,
};
pub use error::{Dropped, Notice, ReplyError, Result};
pub use handler::Bot;
pub use history::{Entry, History};
pub use host::{Host, HostBuilder};
pub use input::{CallKey, CallKeyError, Cause, Cut, Ended, Heard, Input, TransferOutcome, TurnId};
pub use limits::{Greeting, Limits};
pub use needs::{Need, Needs, NeedsError};
pub use platforms::Fitting;
#[cfg(all(feature = "aicall", feature = "chat"))]
pub use platforms::OnAiCallCallbacks;
#[cfg(feature = "digital-employee")]
pub use platforms::OnDigitalEmployee;
#[cfg(feature = "duix")]
pub use platforms::OnDuix;
#[cfg(feature = "chat")]
pub use platforms::{ChatDialect, ChatSettings, OnChat};
#[cfg(feature = "odfs")]
pub use platforms::{OdfsSettings, OnOdfs};
pub use reply::Reply;
pub use snapshot::{CallSnapshot, SnapshotError};
#[doc(no_inline)]
pub use store::{MemoryStore, Store, StoreError};

#[doc(no_inline)]
pub use crate::server::Error;
