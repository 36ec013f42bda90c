//! Values that can't be read, kept beside those that can.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::Deserializer;
use serde::{Deserialize, ser};
use serde_json::Value;
use serde_with::DeserializeAs;
use serde_with::de::DeserializeAsWrap;

use super::decode::{DecodeError, decode_value};
use super::forms::tag_text;
use super::hidden::Hidden;

/// A value that can't be read: its JSON, and what is wrong with it.
///
/// A peer may write one part of a document in a way that no spec allows. Where the rest means something
/// without that part, the part is kept like this instead of failing the whole document. Only reading creates
/// it, and it is never written: `validate` refuses it, and so does `Serialize`.
///
/// ```
/// # #[cfg(feature = "digital-employee")]
/// # fn main() -> Result<(), callbot::wire::DecodeError> {
/// use callbot::digital_employee::{Control, PacketData};
/// use callbot::wire::decode;
///
/// let data: PacketData = decode(
///     br#"{"streamEnd": true, "answer": "Goodbye.", "controlParamsList": [{"delay": 2}]}"#,
/// )?;
/// assert_eq!(data.answer.as_deref(), Some("Goodbye."));
/// let [Control::Unreadable(control)] = data.controls.as_slice() else { panic!() };
/// assert_eq!(control.json()["delay"], 2);
/// assert_eq!(control.error().to_string(), "/type: must be there");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "digital-employee"))]
/// # fn main() {}
/// ```
#[derive(Clone, PartialEq)]
pub struct Unreadable {
    json: Value,
    error: DecodeError,
}

impl Unreadable {
    /// Returns the value as it was sent.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Returns what is wrong with the value. The pointer starts at the value.
    #[must_use]
    pub fn error(&self) -> &DecodeError {
        &self.error
    }
}

// The value may contain what callers say.
impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unreadable").field("json", &Hidden).field("error", &self.error).finish()
    }
}

/// A type that keeps values that can't be read.
pub trait KeepUnreadable: Sized {
    /// Keeps a value.
    fn unreadable(value: Unreadable) -> Self;
}

/// Reads a value through the adapter `A`, and keeps what `A` can't read.
#[derive(Debug)]
pub struct OrUnreadable<A>(PhantomData<A>);

impl<'de, T, A> DeserializeAs<'de, T> for OrUnreadable<A>
where
    T: KeepUnreadable,
    A: for<'a> DeserializeAs<'a, T>,
{
    fn deserialize_as<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let json = Value::deserialize(deserializer)?;
        Ok(match decode_value::<DeserializeAsWrap<T, A>>(&json) {
            Ok(read) => read.into_inner(),
            Err(error) => T::unreadable(Unreadable { json, error }),
        })
    }
}

/// Returns the tag of a value as text; empty if it has none.
#[must_use]
pub fn unreadable_tag<'a>(value: &'a Unreadable, tag: &str) -> Cow<'a, str> {
    value.json.as_object().map(|object| tag_text(object, tag)).unwrap_or_default()
}

/// Returns the error of writing a value that was kept because it can't be read.
pub fn never_written<E: ser::Error>() -> E {
    E::custom("a value that can't be read is never written")
}
