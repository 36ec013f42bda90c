//! Signatures and tokens: making them, and checking them.
//!
//! # Signatures of Alibaba Cloud: Function Compute and OpenAPI
//!
//! | [`Scheme`] | What is signed | Replay |
//! |---|---|---|
//! | [`Trigger`](Scheme::Trigger) | method, path, query, date, security token | possible within the clock window |
//! | [`Full`](Scheme::Full) | also the host, the content type, every `x-acs-*` header and the body | refused: nonces are remembered |
//! | [`Fc2`](Scheme::Fc2) | method, path, query, date, content type, every `x-fc-*` header | possible within the clock window, or the life of a signed URL |
//!
//! Digital Employee signs in the trigger form. **It covers neither the body nor the host, and it has no
//! nonce**: who gets hold of a signed request can send it again within the clock window, with any
//! body. Behind Function Compute the gateway has checked the signature before the function runs; a
//! bot that is hosted elsewhere puts a [`VerifyLayer`] around its router, and TLS in front of it.
//!
//! A client signs with [`client::Builder::sign`](crate::client::Builder::sign).
//!
//! # Tokens of AICall
//!
//! With the feature `aui` there are the tokens that an AICall app server gives to its apps. They
//! are made and checked offline, from the app key, which stays on the server. Share tokens, which
//! come with the feature `aicall`, are signed by nobody.
//!
//! | Maker and checker | Its tokens | For | Life |
//! |---|---|---|---|
//! | [`RtcTokens`] | [`RtcToken`]: one text | joining a channel | up to 24 h; an agent's 7 days |
//! | [`ChatTokens`] | [`ChatToken`]: several fields | messages with an agent | up to 1 h |
//! | [`ShareTokens`] | [`ShareConfig`](crate::aicall::ShareConfig) as text | calling a shared agent | as it says |

mod canonical;
#[cfg(feature = "aui")]
mod chat_token;
mod credentials;
#[cfg(feature = "aui")]
mod ids;
#[cfg(any(feature = "duix", all(feature = "odfs", feature = "server")))]
pub(crate) mod jwt;
#[cfg(feature = "server")]
mod layer;
mod nonces;
#[cfg(feature = "aui")]
mod rtc_token;
#[cfg(feature = "aicall")]
mod share_token;
mod signer;
mod verifier;

#[cfg(all(feature = "aui", feature = "client"))]
pub(crate) use canonical::RESERVED;
#[cfg(feature = "aui")]
#[cfg_attr(docsrs, doc(cfg(feature = "aui")))]
pub use chat_token::{ChatToken, ChatTokenError, ChatTokens};
#[cfg(all(any(feature = "aui", feature = "duix", feature = "odfs"), feature = "server"))]
pub(crate) use credentials::is_secret;
pub use credentials::{Credentials, Keys};
#[cfg(feature = "aui")]
#[cfg_attr(docsrs, doc(cfg(feature = "aui")))]
pub use ids::IdError;
#[cfg(all(feature = "aui", feature = "server"))]
pub(crate) use ids::random_id;
#[cfg(feature = "server")]
pub use layer::{Verify, VerifyLayer};
#[cfg(feature = "aui")]
#[cfg_attr(docsrs, doc(cfg(feature = "aui")))]
pub use rtc_token::{RtcToken, RtcTokenError, RtcTokens};
#[cfg(feature = "aicall")]
#[cfg_attr(docsrs, doc(cfg(feature = "aicall")))]
pub use share_token::{ShareTokenError, ShareTokens};
pub use signer::{SignError, Signer};
pub use verifier::{Verified, Verifier, VerifyError};

/// A way to sign a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `ACS3-HMAC-SHA256` as the HTTP triggers of Function Compute 3.0 use it: without the body.
    Trigger,
    /// `ACS3-HMAC-SHA256` in full, as for calls of OpenAPI: with the body, the host and a nonce.
    Full,
    /// The `FC` scheme of Function Compute 2.0, in a header or in a signed URL.
    Fc2,
}
