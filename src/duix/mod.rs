//! DUIX digital humans: the management API that you call, and the dialogue that is asked of you.
//!
//! | Direction | Who calls | Here |
//! |---|---|---|
//! | management API | your back end calls the platform | [`Client`] |
//! | third-party dialogue | the platform asks your bot what its digital human says | [`dialogue`] |
//!
//! The vendor's SDKs for the front end (H5, iOS, Android) open the sessions. They take a token that
//! your back end mints with [`Tokens::mint`], so that the app key never leaves it.
//!
//! | Call | [`Client`] | Made again after a failure |
//! |---|---|---|
//! | `getconcurrentNumber` | `concurrency` | yes |
//! | `getconcurrentList` | `sessions` | yes |
//! | `sessionStop` | `stop_session`: ends **one** session | no |
//! | `distroyCallSessionsByAppId` | `stop_all_sessions_of_app`: ends **every** session of the app | no |
//! | `getConversationById` | `conversation` | yes |
//! | `createAvatar` | `create_avatar` | no |
//! | `queryAvatar` | `avatar` | yes |
//!
//! An answer with `success: false` is an error; its [`Failure`](crate::client::Failure) has the
//! platform's code, which [`ResponseCode`] names, and its text.
//!
//! ```
//! # #[cfg(feature = "client")]
//! fn is_used_up(error: &callbot::client::Error) -> bool {
//!     use callbot::duix::ResponseCode;
//!
//!     error.failure().is_some_and(|failure| failure.code_as::<ResponseCode>() == ResponseCode::QuotaUsedUp)
//! }
//! ```
//!
//! [`Api`] and [`Server`] are the other side of the management API, for a stand-in of the platform
//! in tests; [`Server::check_tokens`](crate::server::Server::check_tokens) has it check the token.
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's
//! document “OpenAPI Integration”.

#[cfg(feature = "client")]
mod client;
pub mod dialogue;
mod flag;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(any(feature = "client", feature = "server"))]
mod token;

mod generated {
    #[cfg(feature = "server")]
    use super::rules::Rules;

    include!(concat!(env!("OUT_DIR"), "/duix.rs"));
}

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{BASE_URL, Client, ClientBuilder};
pub use generated::*;
#[cfg(feature = "server")]
pub use rules::Rules;
#[cfg(any(feature = "client", feature = "server"))]
pub use token::{TokenError, Tokens};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/duix.yaml");
