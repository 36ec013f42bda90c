//! Reads a request whole, within limits.

use std::error::Error;
use std::{fmt, io};

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::arrival::Refusal;
use super::content::Content;
use super::{Fault, FaultKind};
use crate::body::{BodyError, encoding, read_body};
use crate::observe::RefusalReason;
use crate::wire::{DecodeError, Operation, decode, decode_value};

/// A request whose body has been read.
pub struct Incoming {
    parts: Parts,
    path: Vec<(String, String)>,
    body: Bytes,
}

// Headers and body contain secrets and what callers say.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("body", &self.body.len()).finish_non_exhaustive()
    }
}

/// The part of a request that carries a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterLocation {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

impl Incoming {
    /// Reads a request. For one that breaks a limit, returns what could be read beside the refusal.
    pub(super) async fn read(
        operation: &Operation,
        mut parts: Parts,
        body: Body,
        body_limit: usize,
    ) -> (Self, Option<Refusal>) {
        let mut path = Vec::new();
        if operation.path.contains('{')
            && let Ok(found) = RawPathParams::from_request_parts(&mut parts, &()).await
        {
            path.extend(found.iter().map(|(name, value)| (name.into(), value.into())));
        }
        let (body, refusal) = match read_body(body, body_limit).await {
            Ok(body) => {
                let refusal = if body.is_empty() { None } else { not_json(&parts) };
                // An encoded body has nothing that could be echoed or shown.
                let body = if encoding(&parts.headers).is_some() { Bytes::new() } else { body };
                (body, refusal)
            }
            Err(error) => (Bytes::new(), Some(not_read(error, body_limit))),
        };
        (Self { parts, path, body }, refusal)
    }

    /// Reads the body as a type.
    ///
    /// # Errors
    /// If it is not JSON, or does not match the type.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode(&self.body)
    }

    /// Returns what a [`Privacy`](super::Privacy) decides on.
    pub(super) fn content(&self) -> Content {
        Content { body: self.body.clone(), path: self.path.clone(), account: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Reads the named parameters as a type. The pointer of an error names the parameter.
    ///
    /// # Errors
    /// If a required parameter is missing, or one does not match its type.
    pub fn parameters<T: DeserializeOwned>(
        &self,
        names: &[(ParameterLocation, &str)],
    ) -> Result<T, DecodeError> {
        let mut found = Map::new();
        for (location, name) in names {
            let value = match location {
                ParameterLocation::Path => {
                    self.path.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
                }
                ParameterLocation::Query => self.query(name),
                ParameterLocation::Header => {
                    let value = self.parts.headers.get(*name);
                    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                }
            };
            if let Some(value) = value {
                found.insert((*name).into(), value.into());
            }
        }
        decode_value(&Value::Object(found))
    }

    fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// Returns the refusal of a body that is not JSON by its headers.
fn not_json(parts: &Parts) -> Option<Refusal> {
    let (reason, message) = match encoding(&parts.headers) {
        Some(encoding) => (
            RefusalReason::Encoding,
            format!("the body is encoded with {encoding}; send it without a Content-Encoding"),
        ),
        None if is_json(parts) => return None,
        None => {
            let reason = match parts.headers.contains_key(ORIGIN) {
                true => RefusalReason::CrossSite,
                false => RefusalReason::MediaType,
            };
            (reason, "the Content-Type must be application/json".into())
        }
    };
    Some(Refusal::new(reason, Fault::new(FaultKind::MediaType, message)))
}

fn not_read<E: Error + 'static>(error: BodyError<E>, limit: usize) -> Refusal {
    match error {
        BodyError::TooLarge => {
            let message = format!("the body is larger than {limit} bytes");
            Refusal::new(RefusalReason::TooLarge, Fault::new(FaultKind::TooLarge, message))
        }
        BodyError::Fragmented => incomplete("the body arrives in too many small pieces"),
        BodyError::Failed(error) if is_late(&error) => late_body(),
        BodyError::Failed(_) => incomplete("the body ended too early"),
    }
}

fn incomplete(message: &'static str) -> Refusal {
    Refusal::new(RefusalReason::Incomplete, Fault::new(FaultKind::Request, message))
}

/// Returns the refusal of a body that did not arrive in time.
pub(super) fn late_body() -> Refusal {
    let mut fault = Fault::new(FaultKind::Request, "the body did not arrive in time");
    fault.status = 408;
    Refusal::new(RefusalReason::LateBody, fault)
}

/// Whether a body failed since it did not arrive in time; `serve` has the limits.
fn is_late(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref()
            .is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Whether the content type is JSON. A request without a content type passes, unless it comes from a browser:
/// a page of another site can send one, without asking first whether it may.
fn is_json(parts: &Parts) -> bool {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else {
        return !parts.headers.contains_key(ORIGIN);
    };
    let Ok(text) = value.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is =
        |range: Option<&str>, text: &str| range.is_some_and(|part| part.eq_ignore_ascii_case(text));
    is(Some(essence), "application/json")
        || is(Some(essence), "text/json")
        || (is(essence.get(.."application/".len()), "application/")
            && is(
                essence.len().checked_sub("+json".len()).and_then(|start| essence.get(start..)),
                "+json",
            ))
}
