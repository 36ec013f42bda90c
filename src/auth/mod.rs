//! Signs requests, and checks signatures.
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
//! A client signs with [`client::ClientBuilder::sign`](crate::client::ClientBuilder::sign).

mod canonical;
mod credentials;
pub(crate) mod encoding;
// A platform may use it or not.
#[allow(dead_code)]
pub(crate) mod jwt;
#[cfg(feature = "server")]
mod layer;
mod nonces;
mod signer;
mod verifier;

// The platforms sign and check in their own ways with these; a platform may use none of them.
#[allow(unused_imports)]
pub(crate) use canonical::RESERVED;
#[allow(unused_imports)]
pub(crate) use credentials::is_secret;
pub use credentials::{Credentials, Keys};
#[cfg(feature = "server")]
pub use layer::{Verify, VerifyLayer};
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
