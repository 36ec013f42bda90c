//! The third-party dialogue: the platform asks your bot what its digital human should say.
//!
//! | Operation | Default path | [`Api`] returns or sends | [`Client`] returns |
//! |---|---|---|---|
//! | [`DIALOGUE`](operations::DIALOGUE) | `/duix/dialogue` | one [`Answer`] | one answer |
//! | [`DIALOGUE_STREAM`](operations::DIALOGUE_STREAM) | `/duix/dialogue/stream` | parts of a text | [`Delta`]s |
//!
//! You may serve both operations at any path: change it with
//! [`path`](crate::server::Server::path), and enter the URL in the platform's console. The platform
//! uses one of the two operations, so an [`Api`] may omit the other one.
//!
//! # Deadline
//!
//! The platform's document requires 95 % of the answers within 20 s. The server counts from the
//! arrival of the request to the end of the answer. It then drops the handler and sends the
//! [`fallback`](crate::server::Server::fallback) instead, as it also does when the handler fails or
//! panics. If a stream has already started, the fallback is its last part. Without a fallback the
//! answer is an envelope with status 500, or an empty last part of the stream. Change the deadline
//! with [`deadline`](crate::server::Server::deadline). It is not documented whether the platform
//! counts to the first part of a stream or to the last one.
//!
//! # Authorization
//!
//! The platform's document has no credential for this request. To keep others out, require a
//! [`secret`](crate::server::Server::secret) in a custom header that a gateway or the configuration
//! of the URL adds.
//!
//! # Examples
//!
//! ```no_run
//! use std::time::Duration;
//! use callbot::duix::dialogue::{Answer, Api, DialogueRequest, Reply, Server};
//! use callbot::server::{Error, serve};
//!
//! struct Parrot;
//!
//! impl Api for Parrot {
//!     async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
//!         Ok(Answer::text(request.question).with_tip_phrases(["yes", "no"]))
//!     }
//!
//!     async fn dialogue_stream(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
//!         reply.send("You said: ").await?;
//!         reply.finish(request.question).await
//!     }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let router = Server::new(Parrot)
//!     .fallback("I need a little longer for that. Please ask me again.")
//!     .deadline(Some(Duration::from_secs(15)))
//!     .router();
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//! serve(listener, router).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's
//! document “OpenAPI Integration”.

mod answer;
mod request;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;

mod generated {
    #[cfg(feature = "server")]
    use super::answer::Answer;
    #[cfg(feature = "server")]
    use super::rules::{PacketWriter, Rules};

    include!(concat!(env!("OUT_DIR"), "/duix_dialogue.rs"));
}

pub use answer::{Answer, AnswerForm};
pub use generated::*;
#[cfg(feature = "server")]
pub use rules::{PacketWriter, Rules};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../../specs/duix-dialogue.yaml");

/// Builds a [`Client`].
///
/// ```no_run
/// use std::time::Duration;
/// use callbot::client::CallOptions;
/// use callbot::duix::dialogue::{Client, DialogueRequest, DialogueRequestFields};
///
/// # async fn run() -> Result<(), callbot::client::Error> {
/// let client = Client::builder("https://bot.example")
///     .options(CallOptions::new().call_deadline(Duration::from_secs(20)))
///     .build()?;
/// let request = DialogueRequest::new(DialogueRequestFields {
///     user_id: "100003",
///     avatar_code: "1",
///     question: "Who are you?",
///     conversation_id: "c-1",
/// });
/// println!("{:?}", client.dialogue(&request).await?);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "client")]
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// The reply of a turn, to which a handler sends text. Each text is only the new part.
#[cfg(feature = "server")]
pub type Reply = crate::server::Sink<PacketWriter>;
