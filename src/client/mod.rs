//! The settings, errors and typed event streams that all clients share.
//!
//! # Clients
//!
//! You create every client with its `builder` function. It takes the values that the client needs
//! and returns a [`ClientBuilder`], whose settings are the same for all clients: base URL, connect
//! deadline, [options](CallOptions), [transport](Transport), signing, paths, and observers.
//!
//! | Client | `builder(..)` takes | Its own settings | Default retries |
//! |---|---|---|---|
//! | `digital_employee::Client` | `base_url` | | none |
//! | `duix::Client` | `app_id`, `app_key`; or `builder_with_tokens`: `tokens` | `token_lifetime`, `token_back_dating`, `conversation_path` | 2, for calls that read |
//! | `duix::dialogue::Client` | `base_url` | | none |
//! | `odfs::Client` | `base_url`, `app_key`, `app_secret`; or `builder_with_token`: `base_url`, `token` | `tenant_space`, `query_answer`, `clock`, `utc_offset` | none |
//! | `chat::Client` | `base_url` | `key` | none |
//! | `aicall::callback::Client` | `base_url` | `token` | none |
//! | `aui::Client` | `base_url`, `base` | `authorization` | none |
//! | `aui::ice::Client` | `credentials` | `region`, `regions`, `clock` | none |
//!
//! The clients of Digital Employee, of the DUIX dialogue, of chat completions, of callbacks and of the
//! app server need no secret, so they also have `Client::new` with the same arguments.
//! `aui::ice::Client` signs its requests, and its base URL may contain `{region}`. `odfs::Client`,
//! `duix::Client`, `chat::Client`, `aicall::callback::Client` and `aui::Client` wrap a `WireClient`,
//! which has the operations as the spec defines them.
//!
//! `client.with_options(options)` returns the same client with other options; both share their
//! connections.
//!
//! # Calls
//!
//! A client checks each request against the spec before it sends it. Deadlines, retries, limits and
//! tracing apply to every call. A custom [`Transport`] can sign, record or replace what is sent. Each
//! attempt has a [span](crate::observe#traces-of-servers-and-clients), and passes on the
//! [trace](crate::observe::TraceContext) of the handler or bot that makes the call.
//!
//! Responses are read as the spec describes them. Unknown keys are skipped, but a response that has
//! nothing else is an [error](Error::decode_error): `{}` is an answer in which nothing is set, whereas
//! `{"error": "x"}` with status 200 may be that of a proxy.
//!
//! ```no_run
//! use std::time::Duration;
//! use callbot::client::{CallOptions, Deadline, Retries};
//! # #[cfg(feature = "duix")]
//! use callbot::duix::Client;
//!
//! # #[cfg(feature = "duix")]
//! # async fn run(app_key: String) -> Result<(), callbot::client::Error> {
//! let options = CallOptions::new().call_deadline(Duration::from_secs(3)).retries(Retries::NONE);
//! let client = Client::builder("app-1", app_key).options(options).build()?;
//! match client.concurrency().await {
//!     Ok(concurrency) => println!("{:?} sessions", concurrency.in_use),
//!     Err(error) if error.deadline() == Some(Deadline::Call) => println!("too slow"),
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An [`Error`] has the code and the message of what the peer reported, as a [`Failure`]. The whole body is
//! there too: [`Error::body_as`] returns it as the type that the platform's spec documents.

pub(crate) mod builder;
mod built_in;
pub(crate) mod core;
mod error;
mod events;
#[cfg(feature = "server")]
mod in_memory;
mod observed;
mod options;
pub(crate) mod outcome;
pub(crate) mod request;
mod transport;
pub(crate) mod wrapper;

pub use builder::ClientBuilder;
pub use core::Answer;
pub use error::{Deadline, Error, FailureBody};
pub use events::EventStream;
#[cfg(feature = "server")]
pub use in_memory::InMemoryTransport;
pub use options::{CallOptions, Retries};
pub use outcome::Failure;
pub use transport::{Transport, TransportError};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    builder::{BuildClient, CoreBuilder},
    core::Core,
    outcome::{Outcome, Reported, Step},
    request::check,
};

/// Returns the transport that clients use by default.
// Only the agents in memory of an app server need it, to put another one in front.
#[allow(dead_code)]
pub(crate) fn built_in_transport() -> Result<std::sync::Arc<dyn Transport>, Error> {
    Ok(std::sync::Arc::new(built_in::HttpClient::new(builder::CONNECT_DEADLINE)?))
}
