//! The third-party dialogue: the platform asks your bot what its digital human says.
//!
//! | Operation | Default path | [`Api`] | [`Client`] |
//! |---|---|---|---|
//! | [`DIALOGUE`](operations::DIALOGUE) | `/duix/dialogue` | one [`Answer`] | one answer |
//! | [`DIALOGUE_STREAM`](operations::DIALOGUE_STREAM) | `/duix/dialogue/stream` | text, piece by piece | [`Delta`]s |
//!
//! Both paths are yours to choose: [`path`](crate::server::Server::path) moves them, and the
//! platform's console is told the URL. The platform asks for one of the two; an [`Api`] may leave
//! the other one out.
//!
//! **Deadline.** The document wants 95 % of the answers within 20 s. The server counts from the
//! arrival of the request to the end of the answer; then the handler is dropped, and the
//! [`fallback`](crate::server::Server::fallback) goes out in its place, as it does when the handler
//! fails or panics. A stream that has begun gets it as its last piece. Without a fallback the answer
//! is the envelope with status 500, and the stream an empty end.
//! [`deadline`](crate::server::Server::deadline) sets another one; whether the platform counts to
//! the first piece of a stream or to its last is not documented.
//!
//! **Who may ask.** The document has no credential for this request. A
//! [`secret`](crate::server::Server::secret) in a header of one's own, which a gateway or the URL's
//! configuration adds, keeps others out.
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
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// The reply of a turn: what a handler sends text with, the new part each time.
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub type Reply = crate::server::Sink<PacketWriter>;
