//! What the compiled code stands on when it reads and writes JSON.
//!
//! Reading is lenient and errors say where ([`decode`]); writing is strict ([`Validate`]). The rest
//! are the wire forms that platforms use: numbers in texts, JSON in strings, two spellings of a key.

mod decode;
mod duration;
mod enclosed;
mod forms;
mod hidden;
mod operation;
#[cfg(feature = "schemars")]
mod schema;
mod union;
mod validate;

pub use decode::{DecodeError, decode, decode_value};
pub use duration::{Milliseconds, OrUnset, Seconds};
pub use enclosed::{Enclosed, read_content, read_enclosed};
pub use forms::{
    JsonText, JsonTextOrBlank, OrJson, OrJsonText, OrJsonTextOrText, OrNumber, OrText,
    first_filled, parameter, read_code, read_text, tag_text,
};
pub use hidden::{Hidden, Secret};
pub use operation::Operation;
#[cfg(feature = "schemars")]
pub use schema::schema_of;
pub use serde_with::de::DeserializeAsWrap as ReadAs;
pub use serde_with::ser::SerializeAsWrap as WriteAs;
pub use serde_with::{As, Same};
pub use union::{Arm, Key, Union, read_union, salvage};
pub use validate::{Report, Validate, Violation, Violations};
