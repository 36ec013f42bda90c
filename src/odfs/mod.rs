//! Huawei ODFS: the IVR asks, the dialogue flow answers.
//!
//! Every step of a call is one request and one answer. [`Request`] tells what happened, and
//! [`Response`] what to do next:
//!
//! | [`Request`] | tells | [`Response`] | wants |
//! |---|---|---|---|
//! | [`Start`] (8) | a dialogue begins | [`Interact`] (9) | play, recognise, collect keys, show |
//! | [`Interacted`] (9) | what came of an interaction | [`Release`] (10) | release the call |
//! | [`Transferred`] (11) | what came of a transfer | [`Transfer`] (11) | transfer the call |
//! | [`Capture`] (7) | record by packet capture | [`Query`] (12) | query a queue, switch media |
//! | [`Recognize`] (13) | has the capture a result? | [`Captured`], [`Recognized`] | nothing |
//!
//! The fields are those of the wire, and every one is kept. What several fields say together has
//! a view of its own, which is read out of them and written into them:
//!
//! | View | Fields | Out | In |
//! |---|---|---|---|
//! | [`Input`] | `flow_result_type`, `input`, `inter_no` | [`meaning`] | [`from_input`] |
//! | [`Prompt`] | `prompt_type`, `…_wav`, `…_text`, `tone` | [`prompt`] | [`from_prompt`] |
//! | [`Route`] | `trans_type`, `route_value` | [`route`] | [`from_route`] |
//! | [`IntentMatch`] | `prompt_text` | [`intent_match`] | [`with_intent_match`] |
//! | [`FilledSlot`] | `prompt_text` | [`filled_slots`] | [`with_filled_slots`] |
//!
//! [`ModelType`] and [`CallTime`] are texts with a type of their own. Speech arrives as a
//! [`RecognitionId`], and [`Recognitions`] gives its text.
//!
//! An [`Api`] is a dialog flow. [`router`] serves it on both URLs of the interface; a [`Server`] adds
//! tokens and limits. The server keeps the requests of a call in order, remembers who
//! calls, writes the envelope, and answers `hangup` with the release that closes the session. What
//! can't be served is a release, too, with a `ret` other than 0 and the reason in `errorMsg`, so that
//! no caller is left in silence.
//!
//! [`Client`] plays the IVR: a [`Dialogue`] is one call of it, and knows which request follows which
//! answer.
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

// Answers are made one at a time; a box would cost each of them an allocation.
#[allow(deprecated, clippy::large_enum_variant)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::WireRules as Rules;

    include!(concat!(env!("OUT_DIR"), "/odfs.rs"));
}

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{Client, ClientBuilder, QueryAnswer};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use dialogue::{Dialogue, DialogueError, Next};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use flow::{Action, Api, Call};
pub use generated::*;
pub use input::{Input, RecognitionId};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use issuer::{AnyToken, AuthTokenError, Issuer, TokenAuthorizer};
#[doc(no_inline)]
pub use jiff::civil::DateTime;
pub use model_type::{DtmfKeys, InputMode, ModelType};
pub use prompt::Prompt;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use recognitions::RedisRecognitions;
pub use recognitions::{RecognitionError, Recognitions};
pub use route::Route;
#[cfg(feature = "server")]
pub use rules::WireRules;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use server::{Rules, Server, router};
pub use time::CallTime;

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/odfs.yaml");
