//! From typed arguments to a finished request.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue};
use reqwest::ResponseBuilderExt;
use serde::Serialize;

use super::Error;
use super::error::Kind;
use crate::wire::{self, Operation, Validate, Violation};

/// Keeps the request that progenitor's code has built, in place of sending it.
#[derive(Debug, Clone, Default)]
pub struct Capture(Arc<Mutex<Option<reqwest::Request>>>);

impl Capture {
    /// Keeps a request, and answers so that progenitor's code comes to its end.
    pub fn keep(&self, request: reqwest::Request) -> reqwest::Response {
        // Without a URL reqwest would parse one of its own making.
        let answer = http::Response::builder().url(request.url().clone()).body("");
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        answer.unwrap_or_default().into()
    }

    /// The request that was kept.
    ///
    /// # Errors
    /// When it could not be built.
    pub fn request(
        &self,
        operation: &Operation,
        error: Option<impl fmt::Display>,
    ) -> Result<reqwest::Request, Error> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.ok_or_else(|| {
            let reason = error.map_or_else(|| "it was not built".into(), |error| error.to_string());
            Error::new(operation, Kind::Request(reason))
        })
    }
}

/// Puts a parameter into a header.
///
/// # Errors
/// If it has characters that a header can't hold.
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

/// Puts a parameter into a header whose value `Debug` does not show.
///
/// # Errors
/// If it has characters that a header can't hold.
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
        let reason = format!("the value of the header {name} does not go into a header");
        return Err(Error::new(operation, Kind::Request(reason)));
    };
    Ok((header, value))
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
