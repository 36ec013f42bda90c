//! JSON as platforms write it: reading, checking, and what must not show.
//!
//! Reading is lenient, and errors say where ([`decode`]). Writing is strict ([`Validate`]). [`Secret`]
//! never shows. [`Operation`] describes an operation of a platform.

mod decode;
pub(crate) mod duration;
pub(crate) mod enclosed;
pub(crate) mod forms;
pub(crate) mod hidden;
pub(crate) mod object;
mod operation;
#[cfg(feature = "schemars")]
pub(crate) mod schema;
pub(crate) mod union;
pub(crate) mod validate;

pub use decode::{DecodeError, decode, decode_value};
pub use hidden::Secret;
pub use operation::Operation;
pub use validate::{Validate, Violation, Violations};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    forms::{OrText, parameter, read_text},
    hidden::Hidden,
    serde_with::As,
    union::salvage,
    validate::Report,
};
