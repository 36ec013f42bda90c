//! Plays the platform against a bot, from a script, and checks and measures every step.
//!
//! The [`Simulator`] calls the bot as the platform does, through the typed
//! [`Client`](super::Client). It checks every packet against the rules of the protocol, and every
//! step against what the script expects. It works over a socket or, with
//! [`InMemoryTransport`](crate::client::InMemoryTransport), without one.
//!
//! ```
//! # use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply};
//! use callbot::client::InMemoryTransport;
//! use callbot::digital_employee::simulator::{Expect, Simulator, ScriptStep};
//! use callbot::digital_employee::{Client, router};
//! # use callbot::server::Error;
//! # struct Echo;
//! # impl Api for Echo {
//! #     async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
//! #         reply.finish("Welcome.").await
//! #     }
//! #     async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
//! #         reply.send(request.utterance).await
//! #     }
//! # }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let client = Client::builder("http://bot").transport(InMemoryTransport::new(router(Echo))).build()?;
//! let call = Simulator::new(client)
//!     .play(&[
//!         ScriptStep::begin().expect(Expect::text("welcome")),
//!         ScriptStep::say("Good morning!").expect(Expect::text("good morning")),
//!         ScriptStep::end(),
//!     ])
//!     .await;
//! assert!(call.is_ok(), "{call}");
//! # Ok::<_, callbot::client::Error>(())
//! # }).unwrap();
//! ```

mod play;
mod script;
mod transcript;

pub use play::Simulator;
pub use script::{Expect, ScriptStep};
pub use transcript::{Played, PlayedStep};
