//! Values that must not be shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use serde_with::DeserializeAs;

use super::forms::OrNumber;
use super::kinds::JsonKind;

/// A placeholder that `Debug` shows for what callers say, for the keys they press, and for their numbers.
#[derive(Clone, Copy)]
pub struct Hidden;

impl Hidden {
    /// Returns the placeholder of a value.
    pub fn of<T: ?Sized>(_: &T) -> Self {
        Self
    }

    /// Shows the keys of an object and the value of its tag, and hides all other values.
    ///
    /// # Errors
    /// If the formatter fails.
    pub fn object(
        f: &mut fmt::Formatter<'_>,
        object: &Map<String, Value>,
        tag: &str,
    ) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in object {
            if key == tag {
                map.entry(key, value)
            } else {
                map.entry(key, &Self)
            };
        }
        map.finish()
    }
}

impl Hidden {
    /// Shows the type of a JSON value, and hides the value.
    ///
    /// # Errors
    /// If the formatter fails.
    pub fn value(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
        f.debug_tuple(JsonKind::of(value).as_str()).field(&Self).finish()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A text that neither `Debug` nor errors show: a key, a token, a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Returns the text itself, to send or compare it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hidden.fmt(f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OrNumber::deserialize_as(deserializer).map(Self::from)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "password"})
    }
}
