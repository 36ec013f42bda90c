//! Turns typed arguments into a request.

use http::{HeaderName, HeaderValue};
use serde::Serialize;

use super::Error;
use super::error::Kind;
use crate::error::chain;
use crate::wire::{self, Operation, Validate, Violation};

/// Returns the built request, or the error of the call.
///
/// # Errors
/// If the request could not be built.
pub fn built(
    operation: &Operation,
    request: reqwest::Result<reqwest::Request>,
) -> Result<reqwest::Request, Error> {
    request.map_err(|error| Error::new(operation, Kind::Request(chain(&error).to_string())))
}

/// Writes a parameter into a header.
///
/// # Errors
/// If the value has characters that a header can't contain.
pub fn header(
    operation: &Operation,
    request: &mut reqwest::Request,
    name: &str,
    value: &impl Serialize,
) -> Result<(), Error> {
    let (name, value) = name_and_value(operation, name, value)?;
    request.headers_mut().insert(name, value);
    Ok(())
}

/// Writes a secret parameter into a header, whose value `Debug` does not show.
///
/// # Errors
/// If the value has characters that a header can't contain.
pub fn secret_header(
    operation: &Operation,
    request: &mut reqwest::Request,
    name: &str,
    value: &impl Serialize,
) -> Result<(), Error> {
    let (name, mut value) = name_and_value(operation, name, value)?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

fn name_and_value(
    operation: &Operation,
    name: &str,
    value: &impl Serialize,
) -> Result<(HeaderName, HeaderValue), Error> {
    let header = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::try_from(wire::parameter(value));
    let (Ok(header), Ok(value)) = (header, value) else {
        let reason = format!("the header {name} can't contain the value of its parameter");
        return Err(Error::new(operation, Kind::Request(reason)));
    };
    Ok((header, value))
}

/// Checks a value against the spec before it is sent.
///
/// # Errors
/// If the spec does not allow the value.
pub fn check(operation: &Operation, value: &impl Validate) -> Result<(), Error> {
    value.validate().map_err(|violations| Error::new(operation, Kind::Invalid(violations)))
}

/// Returns a parameter as one segment of a path.
///
/// # Errors
/// If it would change the path: if it is empty, `.` or `..`.
pub fn segment(operation: &Operation, name: &str, value: &impl Serialize) -> Result<String, Error> {
    let text = wire::parameter(value);
    if ["", ".", ".."].contains(&text.as_str()) {
        let allowed = "a text other than \"\", \".\" and \"..\"";
        let violation = Violation::new(format!("/{name}"), Some(format!("{text:?}")), allowed);
        return Err(Error::new(operation, Kind::Invalid(violation.into())));
    }
    Ok(text)
}
