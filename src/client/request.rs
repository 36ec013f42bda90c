//! From typed arguments to a finished request.

#[cfg(feature = "aui")]
use std::collections::BTreeMap;
use std::error::Error as _;

use http::{HeaderName, HeaderValue};
use serde::Serialize;
#[cfg(feature = "aui")]
use serde_json::Value;

use super::Error;
use super::error::Kind;
use crate::wire::{self, Operation, Validate, Violation};

/// The request that was built, or the error of the call.
///
/// # Errors
/// If it could not be built.
pub fn built(
    operation: &Operation,
    request: reqwest::Result<reqwest::Request>,
) -> Result<reqwest::Request, Error> {
    request.map_err(|error| {
        let reason = match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Error::new(operation, Kind::Request(reason))
    })
}

/// Puts a parameter into a header.
///
/// # Errors
/// When it has characters that do not go into a header.
pub fn header(
    operation: &Operation,
    request: &mut reqwest::Request,
    name: &'static str,
    value: &impl Serialize,
    secret: bool,
) -> Result<(), Error> {
    let header = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::try_from(wire::parameter(value));
    let (Ok(header), Ok(mut value)) = (header, value) else {
        let reason = format!("the value of the header {name} does not go into a header");
        return Err(Error::new(operation, Kind::Request(reason)));
    };
    value.set_sensitive(secret);
    request.headers_mut().insert(header, value);
    Ok(())
}

/// An object as the pairs of a query, in the order of their names: texts as they are, other values as
/// their JSON. What is not set is left out.
///
/// # Errors
/// When it is no object.
#[cfg(feature = "aui")]
pub(crate) fn pairs(
    operation: &Operation,
    value: &impl Serialize,
) -> Result<BTreeMap<String, String>, Error> {
    let fields = match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        other => {
            let reason = other.err().map_or_else(|| "no object".into(), |error| error.to_string());
            return Err(Error::new(operation, Kind::Request(reason)));
        }
    };
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    Ok(set.map(|(name, value)| (name, wire::parameter(&value))).collect())
}

/// Checks what is about to leave.
///
/// # Errors
/// When the spec does not allow it.
pub fn check(operation: &Operation, value: &impl Validate) -> Result<(), Error> {
    value.validate().map_err(|violations| Error::new(operation, Kind::Invalid(violations)))
}

/// A parameter as one segment of a path.
///
/// # Errors
/// When it would change the path: empty, `.` or `..`.
pub fn segment(operation: &Operation, name: &str, value: &impl Serialize) -> Result<String, Error> {
    let text = wire::parameter(value);
    if ["", ".", ".."].contains(&text.as_str()) {
        let allowed = "a text other than \"\", \".\" and \"..\"";
        let violation = Violation::new(format!("/{name}"), Some(format!("{text:?}")), allowed);
        return Err(Error::new(operation, Kind::Invalid(violation.into())));
    }
    Ok(text)
}
