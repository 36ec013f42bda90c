//! Huawei ODFS: the IVR sends events of a call, and the dialogue flow answers with instructions.
//!
//! Every step of a call is one request and one answer. A [`Request`] reports what happened, and the
//! [`Response`] says what to do next:
//!
//! | [`Request`] | Meaning | [`Response`] | Meaning |
//! |---|---|---|---|
//! | [`Start`] (8) | a dialogue starts | [`Interact`] (9) | play, recognise, collect keys, show |
//! | [`Interacted`] (9) | the result of an interaction | [`Release`] (10) | release the call |
//! | [`Transferred`] (11) | the result of a transfer | [`Transfer`] (11) | transfer the call |
//! | [`Capture`] (7) | record by packet capture | [`Query`] (12) | query a queue, switch media |
//! | [`Recognize`] (13) | is there a result of the capture? | [`Captured`], [`Recognized`] | nothing to do |
//!
//! The fields of the types are those of the wire, and none is lost. Where several fields have one
//! meaning together, a separate type represents that meaning. It is read from the fields and written
//! to them:
//!
//! | Type | Fields | Read by | Written by |
//! |---|---|---|---|
//! | [`Input`] | `flow_result_type`, `input`, `inter_no` | [`meaning`] | [`from_input`] |
//! | [`Prompt`] | `prompt_type`, `…_wav`, `…_text`, `tone` | [`prompt`] | [`from_prompt`] |
//! | [`Route`] | `trans_type`, `route_value` | [`route`] | [`from_route`] |
//! | [`IntentMatch`] | `prompt_text` | [`intent_match`] | [`with_intent_match`] |
//! | [`FilledSlot`] | `prompt_text` | [`filled_slots`] | [`with_filled_slots`] |
//!
//! [`ModelType`] and [`CallTime`] are typed strings. Speech arrives as a [`RecognitionId`], and
//! [`Recognitions`] looks up its text.
//!
//! An [`Api`] is a dialog flow. [`router`] serves it on both URLs of the interface; [`Server`] adds
//! tokens and limits. The server keeps the requests of a call in order, keeps the phone numbers,
//! writes the envelope, and answers `hangup` with the release that closes the session. An error is
//! also answered with a release, so that no caller is left in silence. It has a `ret` other than 0 and
//! the reason in `errorMsg`.
//!
//! [`Client`] plays the IVR. A [`Dialogue`] is one call, and knows which request follows which
//! answer:
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use callbot::client::InMemoryTransport;
//! use callbot::odfs::{Input, Next, Response};
//! # use callbot::odfs::{Action, Api, Call, Client, Interacted, Language, Prompt, Start, router};
//! # use callbot::server::Error;
//! # struct Flow;
//! # impl Api for Flow {
//! #     async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
//! #         Ok(call.interact(Prompt::Tts("How can I help?"), Language::English).into())
//! #     }
//! #     async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
//! #         Ok(call.release().into())
//! #     }
//! # }
//!
//! // `Flow` is an `Api` that asks one question and then releases the call.
//! let client = Client::builder_with_token("http://odfs", "token")
//!     .transport(InMemoryTransport::new(router(Flow)))
//!     .build()?;
//! let mut call = client.dialogue("call-1", "13500000001", "10086");
//! let Response::Interact(question) = call.start().await? else { panic!("not a question") };
//! assert_eq!(question.outparams.prompt(), Prompt::Tts("How can I help?"));
//! call.input(Input::Text("My balance, please.")).await?;
//! assert_eq!(call.next(), Next::HangUp);
//! call.hang_up().await?;
//! assert!(call.is_over());
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the vendor's
//! documents.
//!
//! [`meaning`]: InteractedInParams::meaning
//! [`from_input`]: Interacted::from_input
//! [`prompt`]: InteractOutParams::prompt
//! [`from_prompt`]: InteractOutParams::from_prompt
//! [`route`]: TransferOutParams::route
//! [`from_route`]: TransferOutParams::from_route
//! [`intent_match`]: InteractOutParams::intent_match
//! [`with_intent_match`]: InteractOutParams::with_intent_match
//! [`filled_slots`]: InteractOutParams::filled_slots
//! [`with_filled_slots`]: InteractOutParams::with_filled_slots

#[cfg(feature = "server")]
mod call;
#[cfg(feature = "server")]
mod calls;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod dialogue;
#[cfg(feature = "server")]
mod flow;
mod input;
#[cfg(feature = "server")]
mod issuer;
mod model_type;
mod payload;
mod prompt;
mod recognitions;
mod route;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(feature = "server")]
mod server;
mod time;

// Answers are created one at a time, so their size does not matter. A box would cost each of them an
// allocation.
#[allow(deprecated, clippy::large_enum_variant, clippy::too_many_lines)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::WireRules as Rules;

    include!(concat!(env!("OUT_DIR"), "/odfs.rs"));
}

#[cfg(feature = "server")]
pub use call::{Action, Call};
#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder, QueryAnswer};
#[cfg(feature = "client")]
pub use dialogue::{Dialogue, DialogueError, Next};
#[cfg(feature = "server")]
pub use flow::Api;
pub use generated::*;
pub use input::{Input, RecognitionId};
#[cfg(feature = "server")]
pub use issuer::{Account, AnyToken, AuthTokenError, Issuer, TokenAuthorizer, TokenCheck};
#[doc(no_inline)]
pub use jiff::civil::DateTime;
pub use model_type::{DtmfKeys, InputMode, ModelType};
pub use prompt::Prompt;
#[cfg(feature = "redis")]
pub use recognitions::RedisRecognitions;
pub use recognitions::{RecognitionError, Recognitions};
pub use route::Route;
#[cfg(feature = "server")]
pub use rules::WireRules;
#[cfg(feature = "server")]
pub use server::{Rules, Server, router};
pub use time::CallTime;

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/odfs.yaml");
