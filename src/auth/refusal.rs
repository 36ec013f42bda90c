//! Why a request is refused.

use std::error::Error;
use std::fmt;

use super::nonces::NonceFailure;

/// The reason for refusing a request. It is meant for the trace; the sender does not learn it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request has no signature.
    Missing,
    /// The request has two signatures, or one has a part twice.
    Ambiguous,
    /// `Authorization` is longer than 4096 bytes.
    Oversized,
    /// The signature matches the form of no scheme.
    Malformed,
    /// The scheme is not one of the accepted schemes.
    Scheme,
    /// The date, the security token, or another header that must be signed is not signed.
    Unsigned {
        /// The name of the header.
        name: String,
    },
    /// A signed header is missing, or occurs more than once.
    Header {
        /// The name of the header, escaped, and cut to 64 characters: it may come from the sender.
        name: String,
        /// How often it occurs: 0, or 2 and more.
        count: usize,
    },
    /// A signed header, the path or the query is not UTF-8, or means something else decoded: in the FC scheme, a
    /// control character anywhere, or `=` in the name of a parameter.
    Encoding,
    /// The date can't be read, or is outside the clock window.
    Date,
    /// The signed URL has expired, or remains valid for longer than allowed.
    Life,
    /// The body is not the one that was signed.
    Body,
    /// The key is unknown, the signature is wrong, or the security token is not that of the key.
    /// All three have one reason, so that they look the same from outside.
    Signature,
    /// The nonce was used before.
    Replay,
    /// The key has used the maximum number of nonces within the clock window already.
    TooMany,
    /// It is not known whether the nonce was used: what [remembers the nonces](super::Nonces) failed.
    Nonces(NonceFailure),
}

impl VerifyError {
    /// Returns whether this server failed, and not the request: a newly signed one may succeed.
    #[cfg(feature = "server")]
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Nonces(_))
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsigned { name } => {
                return write!(f, "the header `{name}` must be signed, and is not");
            }
            Self::Header { name, count: 0 } => {
                return write!(f, "the signed header `{name}` is missing");
            }
            Self::Header { name, count } => {
                return write!(f, "the signed header `{name}` occurs {count} times, allowed: once");
            }
            Self::Missing => "the request has no signature",
            Self::Ambiguous => "a part of the signature occurs twice",
            Self::Oversized => "the signature is too long",
            Self::Malformed => "the signature is malformed",
            Self::Scheme => "the signature scheme is not accepted",
            Self::Encoding => "what is signed can be read in two ways",
            Self::Date => "the date is invalid or outside the clock window",
            Self::Life => "the signed URL has expired or is valid for too long",
            Self::Body => "the body is not the one that was signed",
            Self::Signature => "the key is unknown or the signature is wrong",
            Self::Replay => "the nonce was used before",
            Self::TooMany => "too many nonces were used within the clock window",
            Self::Nonces(_) => "the nonces can't be checked",
        })
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Nonces(failure) => Some(failure.get_ref()),
            _ => None,
        }
    }
}
