//! Turns typed arguments into a request.

use std::error::Error as StdError;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
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
    operation: &'static Operation,
    request: BuiltRequest,
) -> Result<reqwest::Request, Error> {
    request.map_err(|error| Error::new(operation, Kind::Request(chain(&*error).to_string())))
}

/// Writes a parameter into a header.
///
/// # Errors
/// If the value has characters that a header can't contain.
pub fn header(
    operation: &'static Operation,
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
    operation: &'static Operation,
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
    operation: &'static Operation,
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
pub fn check(operation: &'static Operation, value: &impl Validate) -> Result<(), Error> {
    value.validate().map_err(|violations| Error::new(operation, Kind::Invalid(violations)))
}

/// Returns a parameter as one segment of a path.
///
/// # Errors
/// If it would change the path: if it is empty, `.` or `..`.
pub fn segment(
    operation: &'static Operation,
    name: &str,
    value: &impl Serialize,
) -> Result<String, Error> {
    let text = wire::parameter(value);
    if ["", ".", ".."].contains(&text.as_str()) {
        let allowed = "a text other than \"\", \".\" and \"..\"";
        let violation = Violation::new(format!("/{name}"), Some(format!("{text:?}")), allowed);
        return Err(Error::new(operation, Kind::Invalid(violation.into())));
    }
    Ok(text)
}

/// The request that compiled code builds, or the reason why it can't.
pub type BuiltRequest = Result<reqwest::Request, Box<dyn StdError + Send + Sync>>;

/// Starts requests, as `reqwest::Client` does.
///
/// The real one sets up TLS when it is created. That takes tens of milliseconds, and panics if another
/// crate switches on reqwest's TLS without a provider.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Requests;

macro_rules! methods {
    ($($name:ident $method:ident)*) => {$(
        #[doc = concat!("Starts a `", stringify!($method), "` request.")]
        #[must_use]
        pub fn $name(self, url: String) -> RequestBuilder {
            RequestBuilder::new(Method::$method, &url)
        }
    )*};
}

impl Requests {
    methods! { delete DELETE get GET head HEAD patch PATCH post POST put PUT }
}

/// A request that compiled code builds.
#[derive(Debug)]
pub struct RequestBuilder {
    request: BuiltRequest,
}

impl RequestBuilder {
    fn new(method: Method, url: &str) -> Self {
        Self { request: start(method, url) }
    }

    /// Adds parameters to the query.
    #[must_use]
    pub fn query<T: Serialize + ?Sized>(self, parameters: &T) -> Self {
        self.with(|request| {
            let url = request.url_mut();
            parameters.serialize(serde_urlencoded::Serializer::new(&mut url.query_pairs_mut()))?;
            // An absent parameter leaves a bare `?`.
            if url.query() == Some("") {
                url.set_query(None);
            }
            Ok(())
        })
    }

    /// Sets the body, and its type unless there is one.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|request| {
            *request.body_mut() = Some(serde_json::to_vec(body)?.into());
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
            Ok(())
        })
    }

    /// Returns the request.
    ///
    /// # Errors
    /// If the URL is invalid, or a value can't be written.
    pub fn build(self) -> BuiltRequest {
        self.request
    }

    fn with(
        self,
        change: impl FnOnce(&mut reqwest::Request) -> Result<(), Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let request = self.request.and_then(|mut request| {
            change(&mut request)?;
            Ok(request)
        });
        Self { request }
    }
}

/// Starts a request. A name and a password in the URL go into the header of basic authentication.
fn start(method: Method, url: &str) -> BuiltRequest {
    let mut url = reqwest::Url::parse(url)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (name, password) = (decoded(url.username()), url.password().map(decoded));
    // These fail only for URLs without a host, which have no user either.
    let _ = (url.set_username(""), url.set_password(None));
    let mut request = reqwest::Request::new(method, url);
    if !name.is_empty() || password.is_some() {
        let text = format!("{name}:{}", password.unwrap_or_default());
        let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(text)))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}
