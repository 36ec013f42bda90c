//! Reads and checks JSON as platforms write it, and hides secrets.
//!
//! Reading is lenient, and errors say where ([`decode`]). Writing is strict ([`Validate`]). `Debug`
//! does not show a [`Secret`]. [`Operation`] describes an operation of a platform.
//!
//! ```
//! # #[cfg(feature = "digital-employee")]
//! # fn main() -> Result<(), callbot::wire::DecodeError> {
//! use callbot::digital_employee::EndSessionRequest;
//! use callbot::wire::{Secret, Validate, decode};
//!
//! // Reading is lenient: `tenantId` is an integer, but a string that contains one is read as well.
//! let text = br#"{"requestId":"r-1","tenantId":"7","instanceId":"n","scriptId":"c","sessionId":"s"}"#;
//! let request: EndSessionRequest = decode(text)?;
//! assert_eq!(request.tenant_id, Some(7));
//! assert!(request.validate().is_ok());
//!
//! let error = decode::<EndSessionRequest>(br#"{"requestId":"r-1"}"#).unwrap_err();
//! assert_eq!(error.pointer(), "/sessionId");
//!
//! let key: Secret = "hush".into();
//! assert_eq!(format!("{key:?}"), "[hidden]");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "digital-employee"))]
//! # fn main() {}
//! ```

mod decode;
pub(crate) mod dispensable;
pub(crate) mod duration;
pub(crate) mod enclosed;
pub(crate) mod forms;
pub(crate) mod hidden;
pub(crate) mod kinds;
mod mend;
pub(crate) mod number;
pub(crate) mod object;
mod operation;
mod printable;
#[cfg(feature = "schemars")]
pub(crate) mod schema;
pub(crate) mod union;
pub(crate) mod unreadable;
pub(crate) mod validate;

pub use decode::{DecodeError, decode, decode_value};
pub use hidden::Secret;
pub use kinds::JsonKind;
pub use operation::Operation;
pub use unreadable::Unreadable;
pub use validate::{Validate, Violation, Violations};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    forms::{parameter, read_text},
    hidden::Hidden,
    mend::without_bom,
    number::{AnyNumber, digits},
    printable::{Printable, is_hidden},
    serde_with::As,
    union::salvage,
    validate::Report,
};
