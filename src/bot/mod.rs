//! One bot for every platform.
//!
//! Write a [`Bot`] once, give it to a [`Host`], and put it on each platform that there is:
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
//! A turn is a task of its own and a transaction. What the bot says goes out when it really waits for
//! something, so that words and controls that are made together arrive together. When the turn ends
//! with `Ok`, the memory is written, and only then the reply ends. An error, a panic or a caller who
//! barges in puts the memory back to the last [`Call::save`], or to what it was before the turn. On
//! the last of these the task is dropped where it waits, unless it [holds](Call::hold).
//!
//! # What the caller heard
//!
//! Usually a caller barges in when the reply is long complete and is being spoken. The platform may
//! tell how far that was: the [`History`] is cut there, in the entry of that turn and no other, and
//! [`Bot::interrupted`] is told. Where the platform does not tell, it is [`Heard::Unknown`].
//!
//! # Platforms
//!
//! What a platform can do is data: [`Capabilities`] has the table. A bot that can't do without
//! something says so in [`Bot::needs`], and is not put on a platform that has not got it. Everything
//! else is an error at the line that asks for it, unless [`HostBuilder::lossy`] says that it may be
//! dropped with a [`Notice`].
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
//! said nothing, the [filler](HostBuilder::filler) goes out; when all of it is, the turn is dropped and
//! the platform gets its failure answer.
//!
//! # Tests
//!
//! `testing::TestCall`, which comes with the feature `client`, plays the caller and the platform: on any
//! platform, through its real router, in memory.
//!
//! # Where calls are kept
//!
//! In a [`Store`]: [`MemoryStore`] keeps them in this process. Several processes need one that they
//! share; a turn that another process has overtaken can't write any more.

// Each platform uses its own part of the runtime.
#![cfg_attr(
    not(all(feature = "digital-employee", feature = "duix", feature = "odfs")),
    allow(dead_code)
)]

mod call;
mod calls;
mod capabilities;
#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
mod history;
mod host;
mod input;
mod line;
mod memory_store;
#[cfg(feature = "odfs")]
mod odfs;
mod reply;
mod state;
mod store;
#[cfg(all(
    feature = "client",
    any(feature = "digital-employee", feature = "duix", feature = "odfs")
))]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod testing;
mod turn;

pub use call::{Call, Facts};
pub use capabilities::{
    Budget, Capabilities, GatherLimits, Need, Needs, Platform, TransferKind, TransferKinds, Unmet,
    VoiceSupport,
};
#[cfg(feature = "digital-employee")]
#[cfg_attr(docsrs, doc(cfg(feature = "digital-employee")))]
pub use digital_employee::OnDigitalEmployee;
#[cfg(feature = "duix")]
#[cfg_attr(docsrs, doc(cfg(feature = "duix")))]
pub use duix::OnDuix;
pub use history::{Entry, History};
use host::Mount;
pub use host::{Greeting, Host, HostBuilder, Limits, Seen};
pub use input::{CallKey, Cause, Cut, Ended, Heard, Input, Transferred, TurnId};
pub use line::Hold;
pub use memory_store::MemoryStore;
#[cfg(feature = "odfs")]
#[cfg_attr(docsrs, doc(cfg(feature = "odfs")))]
pub use odfs::{Listening, OnOdfs};
pub use reply::{
    Control, Dropped, Gather, HangUp, Native, Notice, Reply, ReplyError, Synthesis, Transfer, Voice,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
pub use store::{Cancel, Change, Lease, Opened, Opening, Record, Store, StoreError};

#[doc(no_inline)]
pub use crate::server::Error;

/// What a bot's functions give: any error converts, so `?` works on all of them.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// A bot that takes calls, whatever the platform.
///
/// One value serves all calls at once. What differs from call to call is in [`Memory`](Self::Memory).
pub trait Bot: Send + Sync + Sized + 'static {
    /// What the bot remembers of a call: anything that goes into JSON and back. `()` will do.
    type Memory: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// The version of [`Memory`](Self::Memory). A field that is new and has `#[serde(default)]` needs
    /// no new version.
    const MEMORY_VERSION: u32 = 0;

    /// What a memory of an older version is now. Memories of a newer version are never asked for: such
    /// a turn fails, and what is kept stays as it is.
    ///
    /// # Errors
    /// When there is no such thing; the turn fails then, and what is kept stays as it is. This is the
    /// default.
    fn migrate(from: u32, old: serde_json::Value) -> Result<Self::Memory> {
        let _ = old;
        Err(MemoryVersion::new(from, Self::MEMORY_VERSION).into())
    }

    /// What the bot can't do without. It is checked when the bot is put on a platform. Default: nothing.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// A call began, and this is said first. Digital Employee gives 200 ms for all of it. DUIX has no
    /// such event: there this runs before the first turn, and what it says is
    /// [dropped](HostBuilder::greeting). If it does not end well it runs again before the next turn,
    /// in the same way. Default: nothing.
    fn begin(
        &self,
        call: &mut Call<Self::Memory>,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, reply);
        async { Ok(()) }
    }

    /// The caller took a turn.
    fn turn(
        &self,
        call: &mut Call<Self::Memory>,
        input: Input,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send;

    /// A reply was cut short: this one, at this point. The history is already cut. It runs as soon as
    /// no turn has the call, at the latest before the next turn, of whose time it then has a quarter.
    /// Should it be cut off by that or by its end, it runs again, and once more when the platform tells
    /// later what was heard. Default: nothing.
    fn interrupted(
        &self,
        call: &mut Call<Self::Memory>,
        cut: &Cut,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, cut);
        async { Ok(()) }
    }

    /// The call is over, and what was kept of it is gone. It runs once. Default: nothing.
    fn ended(
        &self,
        call: &mut Call<Self::Memory>,
        why: Ended,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, why);
        async { Ok(()) }
    }

    /// Something of a reply did not reach the caller, where that is no error. Default: a warning in
    /// the log.
    fn notice(&self, notice: &Notice) {
        tracing::warn!(call = %notice.call, "{notice}");
    }
}

/// What is kept of a call was written by another version of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MemoryVersion {
    found: u32,
    own: u32,
}

impl MemoryVersion {
    fn new(found: u32, own: u32) -> Self {
        Self { found, own }
    }
}

impl std::fmt::Display for MemoryVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { found, own } = self;
        write!(f, "the memory of the call is of version {found}, and the bot of version {own}")
    }
}

impl std::error::Error for MemoryVersion {}
