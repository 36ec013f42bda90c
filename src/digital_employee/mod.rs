//! Alibaba Cloud Digital Employee: the platform calls the bot.
//!
//! | Operation | When | [`Api`] sends | [`Client`] returns |
//! |---|---|---|---|
//! | `POST /proxy/beginSession` | a call starts | events | packets |
//! | `POST /proxy/dialogue` | the caller took a turn | events | packets |
//! | `POST /proxy/abortDialogue` | the caller barged in | one answer | one answer |
//! | `POST /proxy/endSession` | the call is over | one answer | one answer |
//!
//! A handler sends [`Event`]s: new text and [`Control`]s. The server turns them into packets. It
//! echoes the ids, adds the time, and writes the whole text so far or only the new part
//! ([`AnswerMode`]). It ends the stream with exactly one closing packet, whether the handler
//! returns, fails or panics. The client returns the packets as they are on the wire, or as
//! [`Event`]s.
//!
//! `Voice` and `GatherDtmf` are allowed in the first packet only: the platform ignores them later,
//! so the server refuses them. `Transfer` and `HangUp` are allowed in any packet. The platform's
//! document supports transfers to skill groups only, so the server refuses other kinds unless you
//! allow them with `allow_transfer`.
//!
//! Budgets: the answer to `beginSession` within 200 ms, the first packet of a `dialogue` within
//! 600 ms. The [`simulator`] plays the platform and measures both.
//!
//! ```
//! # #[cfg(feature = "server")] {
//! use callbot::digital_employee::{
//!     Api, BeginSessionRequest, DialogueRequest, Event, GatherDtmf, Reply, Terminator, router,
//! };
//! use callbot::server::Error;
//!
//! struct Bank;
//!
//! impl Api for Bank {
//!     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
//!         let keys = GatherDtmf::new(Terminator::Hash, 6, 5); // up to 6 keys, 5 s for each
//!         reply.finish(Event::text("Please enter your customer number.").with(keys)).await
//!     }
//!
//!     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.send("One moment, ").await?;
//!         reply.finish(format!("I will look that up: {}", request.utterance)).await
//!     }
//! }
//!
//! let routes = router(Bank);
//! # let _: axum::Router = routes;
//! # }
//! ```
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's
//! document “Integration approach” for third-party LLM bots.

mod event;
#[cfg(feature = "client")]
mod events;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(feature = "client")]
pub mod simulator;

#[allow(deprecated)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::{PacketWriter, Rules};

    include!(concat!(env!("OUT_DIR"), "/digital_employee.rs"));
}

pub use event::{AnswerMode, ControlForm, Event, Input};
#[cfg(feature = "client")]
pub use events::Events;
pub use generated::*;
#[cfg(feature = "server")]
pub use rules::{PacketWriter, Rules};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/digital-employee.yaml");

/// Builds a [`Client`].
///
/// ```no_run
/// use std::time::Duration;
/// use callbot::client::{CallOptions, Retries};
/// use callbot::digital_employee::{Client, EndSessionRequest, EndSessionRequestFields};
///
/// # async fn run() -> Result<(), callbot::client::Error> {
/// let client = Client::builder("https://bot.example")
///     .connect_deadline(Duration::from_secs(2))
///     .options(CallOptions::new().retries(Retries::up_to(2)))
///     .build()?;
/// let request = EndSessionRequest::new(EndSessionRequestFields {
///     request_id: "r-1",
///     tenant_id: 378210,
///     instance_id: "n1",
///     script_id: "sc-1",
///     session_id: "s-1",
/// });
/// client.end_session(&request).await?;
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "client")]
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// The reply of a turn, to which a handler sends [`Event`]s.
#[cfg(feature = "server")]
pub type Reply = crate::server::Sink<PacketWriter>;
