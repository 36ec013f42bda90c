//! Signs requests.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use hmac::Mac;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE as HTTP_DATE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::canonical::{
    self, ALGORITHM, CONTENT_HASH, DATE, FC_EXPIRES, FC_KEY_ID, FC_SIGNATURE, FC_TOKEN, NONCE,
    TOKEN, Target,
};
use super::{Credentials, Scheme, encoding};
use crate::clock::{Clock, SharedClock};

/// Signs requests with a key.
///
/// ```
/// use callbot::auth::{Credentials, Scheme, Signer};
/// use http::{HeaderMap, Method, Uri};
///
/// let signer = Signer::new(Credentials::new("key-1", "secret"), Scheme::Trigger);
/// let mut headers = HeaderMap::new();
/// signer.sign(&Method::POST, &Uri::from_static("/proxy/dialogue"), &mut headers, b"{}")?;
/// assert!(headers["authorization"].to_str().unwrap().starts_with("ACS3-HMAC-SHA256 Credential=key-1,"));
/// # Ok::<(), callbot::auth::SignError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Signer {
    credentials: Credentials,
    scheme: Scheme,
    clock: SharedClock,
}

/// The error of a request that can't be signed: the key id, the token or the host is not a valid
/// header value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignError(&'static str);

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request can't be signed: {} is not a valid header value", self.0)
    }
}

impl std::error::Error for SignError {}

impl Signer {
    /// Creates a signer with this key and scheme.
    #[must_use]
    pub fn new(credentials: Credentials, scheme: Scheme) -> Self {
        Self { credentials, scheme, clock: SharedClock::default() }
    }

    /// Sets the clock for the dates of requests. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Signs a request: adds the date, the security token and the other headers of the scheme, and
    /// `Authorization`. Secret values are marked sensitive, so that `Debug` does not show them.
    ///
    /// In the [full form](Scheme::Full) the `Host` header is signed, or else the host of `uri`. A
    /// nonce is added unless `x-acs-signature-nonce` exists.
    ///
    /// # Errors
    /// If a part of the credentials, or the host, is not a valid header value.
    pub fn sign(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &mut HeaderMap,
        body: &[u8],
    ) -> Result<(), SignError> {
        let authorization = match self.scheme {
            Scheme::Trigger => {
                self.date(headers)?;
                headers.insert(TOKEN, sensitive(self.credentials.token(), "the security token")?);
                self.acs3(method, uri, headers, &[DATE, TOKEN], "")
            }
            Scheme::Full => {
                let hash = encoding::sha256(body);
                self.date(headers)?;
                headers.insert(CONTENT_HASH, value(&hash, "the hash of the body")?);
                if !headers.contains_key(NONCE) {
                    let nonce = format!("{:032x}", fastrand::u128(..));
                    headers.insert(NONCE, value(&nonce, "the nonce")?);
                }
                if !self.credentials.token().is_empty() {
                    let token = sensitive(self.credentials.token(), "the security token")?;
                    headers.insert(TOKEN, token);
                }
                if !headers.contains_key(HOST)
                    && let Some(authority) = uri.authority()
                {
                    headers.insert(HOST, value(authority.as_str(), "the host")?);
                }
                let names: Vec<_> =
                    headers.keys().filter(|name| is_signed(name)).cloned().collect();
                let mut names: Vec<_> = names.iter().map(HeaderName::as_str).collect();
                names.sort_unstable();
                self.acs3(method, uri, headers, &names, &hash)
            }
            Scheme::Fc2 => {
                let now = UNIX_EPOCH + self.since_epoch();
                headers.insert(HTTP_DATE, value(&httpdate::fmt_http_date(now), "the date")?);
                if !self.credentials.token().is_empty() {
                    let token = sensitive(self.credentials.token(), "the security token")?;
                    headers.insert(FC_TOKEN, token);
                }
                let date = canonical::header(headers, "date").into_owned();
                let text = canonical::fc2(&target(method, uri, headers), &date);
                let signature = canonical::sign(self.credentials.secret(), &text).finalize();
                let signature = encoding::base64(&signature.into_bytes());
                format!("FC {}:{signature}", self.credentials.key_id())
            }
        };
        headers.insert(AUTHORIZATION, sensitive(&authorization, "the key id")?);
        Ok(())
    }

    /// Returns the path and query of a URL that is signed in the `FC` scheme, whatever the scheme
    /// of this signer. Anyone who has the URL can send the request until it expires, after `life`.
    #[must_use]
    pub fn sign_url(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        life: Duration,
    ) -> String {
        let expires = (self.since_epoch() + life).as_secs();
        let mut query =
            form_urlencoded::Serializer::new(uri.query().unwrap_or_default().to_owned());
        query.append_pair(FC_KEY_ID, self.credentials.key_id());
        query.append_pair(FC_EXPIRES, &expires.to_string());
        if !self.credentials.token().is_empty() {
            query.append_pair(FC_TOKEN, self.credentials.token());
        }
        let unsigned = query.finish();
        let target = Target { method, path: uri.path(), query: Some(&unsigned), headers };
        let text = canonical::fc2(&target, &expires.to_string());
        let signature = canonical::sign(self.credentials.secret(), &text).finalize();
        let mut query = form_urlencoded::Serializer::new(unsigned);
        query.append_pair(FC_SIGNATURE, &encoding::base64(&signature.into_bytes()));
        format!("{}?{}", uri.path(), query.finish())
    }

    fn since_epoch(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.clock.millis()).unwrap_or_default())
    }

    fn date(&self, headers: &mut HeaderMap) -> Result<(), SignError> {
        let now = humantime::format_rfc3339_seconds(UNIX_EPOCH + self.since_epoch());
        headers.insert(DATE, value(&now.to_string(), "the date")?);
        Ok(())
    }

    fn acs3(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        names: &[&str],
        payload: &str,
    ) -> String {
        let text = canonical::acs3(&target(method, uri, headers), names, payload);
        let signature = canonical::sign(self.credentials.secret(), &text).finalize();
        format!(
            "{ALGORITHM} Credential={},SignedHeaders={},Signature={}",
            self.credentials.key_id(),
            names.join(";"),
            encoding::hex(&signature.into_bytes()),
        )
    }
}

/// Whether the full form signs this header.
pub(super) fn is_signed(name: &HeaderName) -> bool {
    *name == HOST || *name == CONTENT_TYPE || name.as_str().starts_with("x-acs-")
}

fn target<'a>(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Target<'a> {
    Target { method, path: uri.path(), query: uri.query(), headers }
}

fn value(text: &str, what: &'static str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError(what))
}

fn sensitive(text: &str, what: &'static str) -> Result<HeaderValue, SignError> {
    let mut value = value(text, what)?;
    value.set_sensitive(true);
    Ok(value)
}
