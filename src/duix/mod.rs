//! DUIX digital humans: a client of the management API, and the third-party dialogue.
//!
//! | Interface | Direction | Module or type |
//! |---|---|---|
//! | management API | your back end calls the platform | [`Client`] |
//! | third-party dialogue | the platform asks your bot what its digital human should say | [`dialogue`] |
//!
//! The vendor's SDKs for the front end (H5, iOS, Android) open the sessions. They take a token that
//! your back end creates with [`Tokens::mint`], so the app key never leaves your back end.
//!
//! | Operation | Method of [`Client`] | Retried after a failure |
//! |---|---|---|
//! | `getconcurrentNumber` | `concurrency` | yes |
//! | `getconcurrentList` | `sessions` | yes |
//! | `sessionStop` | `stop_session`: ends **one** session | no |
//! | `distroyCallSessionsByAppId` | `stop_all_sessions_of_app`: ends **every** session of the app | no |
//! | `getConversationById` | `conversation` | yes |
//! | `createAvatar` | `create_avatar` | no |
//! | `queryAvatar` | `avatar` | yes |
//!
//! An answer with `success: false` is an error. Its [`Failure`](crate::client::Failure) has the
//! platform's message and its code, which [`ResponseCode`] lists:
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), callbot::client::Error> {
//! use callbot::duix::{Client, ResponseCode};
//! # use axum::{Router, routing::get};
//! # use callbot::client::InMemoryTransport;
//! # const BODY: &str = r#"{"success":false,"code":"1009","message":"used up"}"#;
//! # let transport = InMemoryTransport::new(Router::new().fallback(get(async || BODY)));
//!
//! let client = Client::builder("app-1", "app key")
//! #     .transport(transport)
//!     .build()?;
//! let error = client.concurrency().await.unwrap_err();
//! let failure = error.failure().expect("the platform reports a failure");
//! assert_eq!(failure.code_as::<ResponseCode>(), ResponseCode::QuotaUsedUp);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! [`Api`] and [`Server`] are the server side of the management API. Use them in tests to stand in
//! for the platform. [`check_tokens`](crate::server::Server::check_tokens) makes the server check
//! the token.
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

#[allow(clippy::too_many_lines)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::Rules;

    include!(concat!(env!("OUT_DIR"), "/duix.rs"));
}

#[cfg(feature = "client")]
pub use client::{BASE_URL, Client, ClientBuilder};
pub use generated::*;
#[cfg(feature = "server")]
pub use rules::Rules;
#[cfg(any(feature = "client", feature = "server"))]
pub use token::{TokenError, Tokens};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/duix.yaml");
