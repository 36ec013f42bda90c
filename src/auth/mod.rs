//! Signs requests, and checks signatures.
//!
//! # Signatures of Alibaba Cloud: Function Compute and OpenAPI
//!
//! | [`Scheme`] | Signed parts | Replay |
//! |---|---|---|
//! | [`Trigger`](Scheme::Trigger) | method, path, query, date, security token | possible within the clock window |
//! | [`Full`](Scheme::Full) | also the host, the content type, every `x-acs-*` header and the body | refused: [`Nonces`] are remembered |
//! | [`Fc2`](Scheme::Fc2) | method, path, query, date, content type, every `x-fc-*` header | possible within the clock window, or the life of a signed URL |
//!
//! Digital Employee signs in the trigger form. **It covers neither the body nor the host, and it
//! has no nonce**: anyone who gets hold of a signed request can send it again within the clock
//! window, with any body. Behind Function Compute, the gateway checks the signature before the
//! function runs. If you host a bot elsewhere, put a [`VerifyLayer`] around its router, and TLS in
//! front of it.
//!
//! To sign the requests of a client, use
//! [`ClientBuilder::sign`](crate::client::ClientBuilder::sign).
//!
//! ```
//! use callbot::auth::{Credentials, Scheme, Signer, Verifier, VerifyError};
//! use http::{HeaderMap, Method, Uri};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Credentials::new("key-1", "secret");
//! let (method, uri) = (Method::POST, Uri::from_static("/proxy/dialogue"));
//!
//! let mut headers = HeaderMap::new();
//! Signer::new(key.clone(), Scheme::Trigger).sign(&method, &uri, &mut headers, b"{}")?;
//!
//! let verifier = Verifier::new(key);
//! assert_eq!(verifier.verify(&method, &uri, &headers, b"{}").await?.key_id, "key-1");
//!
//! let other = Uri::from_static("/proxy/endSession");
//! let refused = verifier.verify(&method, &other, &headers, b"{}").await;
//! assert_eq!(refused.unwrap_err(), VerifyError::Signature);
//! # Ok(())
//! # }
//! ```

// Depending on its features, no platform may use it.
#[allow(dead_code)]
#[cfg(feature = "server")]
pub(crate) mod access;
mod canonical;
mod credentials;
pub(crate) mod encoding;
// Depending on its features, no platform may use it.
#[allow(dead_code)]
pub(crate) mod jwt;
#[cfg(feature = "server")]
mod layer;
mod nonces;
mod refusal;
mod signer;
mod verifier;

// Platforms sign and check in their own ways with these; a build may use none of them.
#[allow(unused_imports)]
pub(crate) use canonical::RESERVED;
pub use credentials::{Credentials, Keys};
#[allow(unused_imports)]
pub(crate) use credentials::{is_secret, without_bearer};
#[cfg(feature = "server")]
pub use layer::{Verify, VerifyLayer};
pub use nonces::{MemoryNonces, Nonce, NonceError, NonceFailure, Nonces};
pub use refusal::VerifyError;
pub use signer::{SignError, Signer};
pub use verifier::{Verified, Verifier};

/// A way to sign a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `ACS3-HMAC-SHA256` as HTTP triggers of Function Compute 3.0 use it: without the body.
    Trigger,
    /// `ACS3-HMAC-SHA256` in full, as calls of OpenAPI use it: with the body, the host and a nonce.
    Full,
    /// The `FC` scheme of Function Compute 2.0, in a header or in a signed URL. It does not cover the body:
    /// `content-md5` is signed, but nothing compares it with the body.
    Fc2,
}
