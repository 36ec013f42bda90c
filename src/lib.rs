// The README is the documentation of the crate. Its links lead to files of the repository; the definitions
// here come first, so they win, and lead to the documentation instead.
//! [specs]: https://docs.rs/crate/callbot/latest/source/specs/
//! [examples]: https://docs.rs/crate/callbot/latest/source/examples/
//! [de]: crate::digital_employee
//! [odfs]: crate::odfs
//! [duix]: crate::duix
//! [duix-dialogue]: crate::duix::dialogue
//! [chat]: crate::chat
//! [aui]: crate::aui
//! [aicall]: crate::aicall
//! [aicall-callback]: crate::aicall::callback
//! [spec-de]: https://docs.rs/crate/callbot/latest/source/specs/digital-employee.yaml
//! [spec-odfs]: https://docs.rs/crate/callbot/latest/source/specs/odfs.yaml
//! [spec-duix-dialogue]: https://docs.rs/crate/callbot/latest/source/specs/duix-dialogue.yaml
//! [spec-duix]: https://docs.rs/crate/callbot/latest/source/specs/duix.yaml
//! [spec-chat]: https://docs.rs/crate/callbot/latest/source/specs/chat-completions.yaml
//! [spec-aui]: https://docs.rs/crate/callbot/latest/source/specs/aui.yaml
//! [spec-ice]: https://docs.rs/crate/callbot/latest/source/specs/ice.yaml
//! [spec-aicall]: https://docs.rs/crate/callbot/latest/source/specs/aicall.yaml
//! [spec-aicall-callback]: https://docs.rs/crate/callbot/latest/source/specs/aicall-callback.yaml
//! [guide-first]: crate::guide::first_bot
//! [guide-testing]: crate::guide::testing
//! [guide-controls]: crate::guide::controls
//! [guide-barge-in]: crate::guide::barge_in
//! [guide-memory]: crate::guide::memory
//! [guide-model]: crate::guide::language_model
//! [guide-production]: crate::guide::production
//! [guide-instances]: crate::guide::several_instances
//! [guide-fc]: crate::function_compute
//! [guide-platforms]: crate::guide::platforms
//! [features]: #all-features
//! [architecture]: https://docs.rs/crate/callbot/latest/source/ARCHITECTURE.md
//! [changelog]: https://docs.rs/crate/callbot/latest/source/CHANGELOG.md
//! [contributing]: https://docs.rs/crate/callbot/latest/source/CONTRIBUTING.md
//! [security]: https://docs.rs/crate/callbot/latest/source/SECURITY.md
//!
#![cfg_attr(
    all(
        feature = "bot",
        feature = "digital-employee",
        feature = "duix",
        feature = "odfs",
        feature = "chat",
        feature = "aui",
        feature = "client"
    ),
    doc = include_str!("../README.md")
)]
// Its links and examples need all of that.
#![cfg_attr(
    not(all(
        feature = "bot",
        feature = "digital-employee",
        feature = "duix",
        feature = "odfs",
        feature = "chat",
        feature = "aui",
        feature = "client"
    )),
    doc = "A Rust SDK for voice bots. Build its documentation with all features to see the whole page."
)]
//!
//! ## All features
//!
#![cfg_attr(feature = "document-features", doc = document_features::document_features!())]
// On docs.rs each item shows the features that it needs; `auth` is internal, and what enables it is said
// where it is used.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(feature = "auth"))))]
// Input reaches all of the library: nothing in it may panic.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

// Compiled code names this crate as its users do; without a platform there is none.
#[allow(unused_extern_crates)]
extern crate self as callbot;

/// The web framework whose `Router` the servers of this crate return.
#[cfg(feature = "server")]
pub use axum;
/// The HTTP types of this crate's signatures: headers, statuses, URIs.
#[cfg(any(feature = "client", feature = "server"))]
pub use http;

#[cfg(feature = "aicall")]
pub mod aicall;
#[cfg(feature = "aui")]
pub mod aui;
#[cfg(feature = "auth")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub mod auth;
#[cfg(any(feature = "client", feature = "server"))]
mod body;
#[cfg(feature = "bot")]
pub mod bot;
#[cfg(feature = "server")]
mod boxed;
#[cfg(feature = "chat")]
pub mod chat;
#[cfg(feature = "client")]
pub mod client;
pub mod clock;
#[doc(hidden)]
pub mod codegen;
#[cfg(feature = "digital-employee")]
pub mod digital_employee;
#[cfg(feature = "duix")]
pub mod duix;
#[cfg(any(feature = "client", feature = "server"))]
mod error;
#[cfg(feature = "server")]
pub mod function_compute;
// Pages of documentation: a normal build does not read them.
#[cfg(all(
    any(doc, doctest),
    feature = "bot",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "chat",
    feature = "aui",
    feature = "client"
))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;
#[cfg(feature = "llm")]
pub mod llm;
#[cfg(any(feature = "client", feature = "server"))]
mod lock;
#[cfg(any(feature = "client", feature = "server"))]
pub mod observe;
#[cfg(feature = "odfs")]
pub mod odfs;
#[cfg(any(all(feature = "odfs", feature = "redis"), feature = "redis-store"))]
mod redis_link;
#[cfg(feature = "server")]
pub mod server;
pub mod sse;
pub mod text;
#[cfg(all(
    any(feature = "rustls", feature = "rustls-aws-lc-rs"),
    any(feature = "client", all(feature = "odfs", feature = "redis"), feature = "redis-store")
))]
mod tls;
pub mod wire;
