//! Chat completions, as OpenAI defined them: the wire on which many voice platforms ask a bot, and on which
//! a bot asks a language model.
//!
//! | Operation | Paths | [`Api`] sends |
//! |---|---|---|
//! | [`CREATE_CHAT_COMPLETION`](operations::CREATE_CHAT_COMPLETION) | `/chat/completions`, `/v1/chat/completions` | [`Event`]s |
//!
//! An agent of AICall with a self-developed language model sends this request for every turn of a caller. So
//! do Vapi, ElevenLabs, Agora, Volcengine and TRTC with a custom language model. The request has the whole
//! conversation, with the caller's utterance last, and what the platform adds about the call:
//! [`ChatRequest`] has fields for that.
//!
//! A handler sends [`Event`]s, whatever the request asks for: the server writes a stream of chunks if
//! `stream` is true, and one answer otherwise.
//!
//! ```
//! # #[cfg(feature = "server")]
//! # mod bank {
//! use callbot::chat::{
//!     Api, ChatRequest, CreateChatCompletionParameters, Event, FunctionCall, Reply, Server, ToolCall,
//! };
//! use callbot::server::Error;
//!
//! struct Bank;
//!
//! impl Api for Bank {
//!     async fn create_chat_completion(
//!         &self,
//!         _: CreateChatCompletionParameters,
//!         request: ChatRequest,
//!         reply: &mut Reply,
//!     ) -> Result<(), Error> {
//!         reply.send("Your balance ").await?;
//!         reply.send("is ten euros.").await?;
//!         // ElevenLabs carries out the tools that it offers, Vapi calls this one `endCall`.
//!         if request.tools.iter().any(|tool| tool.function.name == "end_call") {
//!             let end = FunctionCall::new("end_call", r#"{"reason":"done"}"#);
//!             reply.send(ToolCall::new("call_1", end)).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! fn routes() -> axum::Router {
//!     Server::new(Bank).key("the API key in the platform's console").router()
//! }
//! # fn all() { drop((routes(), Event::Text(String::new()))); }
//! # }
//! ```
//!
//! # Paths
//!
//! Some platforms append `/chat/completions` to the URL that you enter, some use the URL unchanged, and
//! at one of them the path may arrive twice. By default a server answers at `/chat/completions` and
//! `/v1/chat/completions`, and at both with `/chat/completions` once more.
//! [`base`](crate::server::Server::base) sets other bases, and
//! [`whole_url`](crate::server::Server::whole_url) adds a path that is used unchanged. The query of the URL is
//! yours: [`server::query`](crate::server::query) returns it.
//!
//! # Keys
//!
//! Set a [`key`](crate::server::Server::key), and enter it as the API key in the platform's console.
//! Without one, **anybody who reaches the server can talk to it**; a warning in the log says so when the
//! routes are made.
//!
//! # Failures
//!
//! A handler that fails before its first event is answered with a status and an [`ErrorAnswer`], which
//! names the field if the request is at fault. Later, the error object is an event of the stream, and the
//! stream ends. Every failure has the header `x-should-retry: false`: the clients of OpenAI would otherwise
//! repeat the turn.
//!
//! # The client
//!
//! [`Client`] asks any server with this wire, such as that of a language model. It reads the answer whole or
//! as a stream, and puts tool calls together from their fragments.
//! [The guide](crate::guide::language_model) has a bot that uses it.
//!
//! The types and their descriptions are compiled from [`SPEC`].

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod completion;
#[cfg(feature = "server")]
mod event;
#[cfg(feature = "server")]
mod failure;
mod message;
#[cfg(feature = "client")]
mod outcome;
#[cfg(feature = "server")]
mod rules;
#[cfg(feature = "client")]
mod stream;
#[cfg(feature = "server")]
mod writer;

#[allow(clippy::too_many_lines)]
mod generated {
    #[cfg(feature = "server")]
    use super::{rules::Rules, writer::PacketWriter};

    include!(concat!(env!("OUT_DIR"), "/chat_completions.rs"));
}

#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder};
#[cfg(feature = "client")]
pub use completion::Completion;
#[cfg(feature = "llm")]
pub(crate) use failure::error_type;
pub use generated::*;
#[cfg(feature = "client")]
pub use stream::ChatStream;
#[cfg(feature = "server")]
pub use {event::Event, rules::Rules, writer::PacketWriter};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/chat-completions.yaml");

/// The reply of a turn, to which a handler sends [`Event`]s.
#[cfg(feature = "server")]
pub type Reply = crate::server::Sink<PacketWriter>;
