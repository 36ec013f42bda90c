//! Agent callbacks: what an agent reports to your server while it runs.
//!
//! An agent reports the start and the end of a call, the steps of a turn, what was said, recordings
//! and the state of a phone call. Configure the callback URL, the groups of events and a token for the
//! agent in the platform's console, and serve an [`Api`] there. Its default path is
//! `/aicall/callback`; [`path`](crate::server::Server::path) changes it.
//!
//! For a bot, `bot::Host::aicall_callbacks` is such a server: it ends the call of an agent that has stopped.
//!
//! # The token
//!
//! The platform does not sign its notifications. It sends the token of the console in `Authorization`;
//! the document does not say whether `Bearer ` stands before it. A server with a
//! [`token`](crate::server::Server::token) accepts both forms and compares them in constant time,
//! before it reads the body. Any other request gets HTTP status 401. Without a token, every
//! notification is accepted, and a warning in the log says so when the routes are made.
//!
//! # Answers and handlers
//!
//! A notification is answered with 200 as soon as it has been read, since the platform's document does
//! not say how long an answer may take. The handler then runs in a task. So:
//!
//! - An error of a handler is traced, and the platform does not learn of it.
//! - The handlers of two notifications may run at the same time, and end in any order.
//! - A handler that runs when the process ends is cut off.
//! - At most 1024 handlers run at the same time;
//!   [`max_running`](crate::server::Server::max_running) sets another limit. Further notifications
//!   get status 503.
//! - A handler is dropped at the [`deadline`](crate::server::Server::deadline), 30 s after its start by
//!   default.
//!
//! # Lenient reading
//!
//! Every JSON object is a [`Notification`]: any field may be missing, and a field that can't be read
//! is missing. Unknown keys are kept. [`Notification::event`] returns the event with its data,
//! whether those are JSON or JSON in a string. A kind that this version does not know is
//! [`Event::Unknown`].
//!
//! # Examples
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use callbot::aicall::callback::{Api, Client, Event, Notification, Server};
//! use callbot::client::InMemoryTransport;
//! use callbot::server::Error;
//! use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
//!
//! /// Collects the ids of calls that have ended.
//! struct Ended(UnboundedSender<String>);
//!
//! impl Api for Ended {
//!     async fn notified(&self, notification: Notification) -> Result<(), Error> {
//!         match notification.event() {
//!             Event::AgentStopped(_) => self.0.send(notification.instance_id)?,
//!             other => println!("{}", other.kind()),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let (sender, mut ended) = unbounded_channel();
//! let router = Server::new(Ended(sender)).token("a long token").router();
//!
//! // For this example: the platform is a client in the same process.
//! let platform = Client::builder("http://bot.example")
//!     .token("a long token")
//!     .transport(InMemoryTransport::new(router))
//!     .build()?;
//! platform.notify(&Notification::new("agent-1", "instance-1", "agent_stop")).await?;
//! assert_eq!(ended.recv().await.as_deref(), Some("instance-1"));
//!
//! let error = platform.with_token("a guess");
//! let error = error.notify(&Notification::new("agent-1", "i-2", "agent_stop")).await.unwrap_err();
//! assert_eq!(error.status().unwrap(), 401);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's document
//! "Agent callbacks".

#[cfg(feature = "client")]
mod client;
mod notification;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(feature = "server")]
mod server;

#[allow(clippy::too_many_lines)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::WireRules as Rules;

    include!(concat!(env!("OUT_DIR"), "/aicall_callback.rs"));
}

#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder};
pub use generated::*;
#[cfg(feature = "server")]
pub use rules::WireRules;
#[cfg(feature = "server")]
pub use server::{Api, Rules, Server, router};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../../specs/aicall-callback.yaml");
