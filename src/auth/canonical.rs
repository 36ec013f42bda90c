//! The texts that are signed.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;

use super::Scheme;
use super::encoding::sha256;

pub(super) const DATE: &str = "x-acs-date";
pub(super) const TOKEN: &str = "x-acs-security-token";
pub(super) const CONTENT_HASH: &str = "x-acs-content-sha256";
pub(super) const NONCE: &str = "x-acs-signature-nonce";
pub(super) const ALGORITHM: &str = "ACS3-HMAC-SHA256";

pub(super) const FC_TOKEN: &str = "x-fc-security-token";
pub(super) const FC_EXPIRES: &str = "x-fc-expires";
pub(super) const FC_KEY_ID: &str = "x-fc-access-key-id";
pub(super) const FC_SIGNATURE: &str = "x-fc-signature";

/// The characters that RFC 3986 requires to be escaped: all but the unreserved ones.
pub(crate) const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parts of a request that can be signed, as they are on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub method: &'a http::Method,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
}

/// Signs a text with a secret.
pub(super) fn sign(secret: &str, text: &str) -> Hmac<Sha256> {
    // HMAC takes a key of any length, so this never fails.
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mac) => mac,
        Err(_) => Hmac::<Sha256>::new(&Default::default()),
    };
    mac.update(text.as_bytes());
    mac
}

/// Returns the value of a header as it is signed: without the spaces and tabs around it, and empty if the
/// header is missing.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Cow<'a, str> {
    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let around = [' ', '\t'];
    match value {
        Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim_matches(around)),
        Some(Cow::Owned(text)) => Cow::Owned(text.trim_matches(around).to_owned()),
        None => Cow::Borrowed(""),
    }
}

/// Returns whether a header is UTF-8. Others would be signed alike, with the same replacement.
pub(super) fn is_text(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all(name).iter().all(|value| str::from_utf8(value.as_bytes()).is_ok())
}

/// Returns whether no other request has the same text to sign because path and query are decoded for it.
///
/// Bytes that are not UTF-8 are all decoded to the same replacement. In the `FC` scheme, a line break that was
/// encoded looks like the one between two parameters, and an encoded `=` like the one behind a name.
pub(super) fn is_unambiguous(target: &Target<'_>, scheme: Scheme) -> bool {
    let query = target.query.unwrap_or_default();
    if scheme != Scheme::Fc2 {
        return percent_decode_str(query).decode_utf8().is_ok();
    }
    let is_clear = |raw: &str| match percent_decode_str(raw).decode_utf8() {
        Ok(text) => !text.contains(char::is_control),
        Err(_) => false,
    };
    let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
    is_clear(target.path) && is_clear(query) && !names.any(|name| query_text(name).contains('='))
}

/// Returns the string to sign of `ACS3-HMAC-SHA256`. `payload` is the hash of the body, or empty in
/// the trigger form. `signed` contains the names of the signed headers, sorted.
pub(super) fn acs3(target: &Target<'_>, signed: &[&str], payload: &str) -> String {
    let path = match target.path {
        "" => Cow::Borrowed("/"),
        // Function Compute's own samples do the same.
        path => Cow::Owned(path.replace('$', "%24")),
    };
    let mut pairs: Vec<_> = form_urlencoded::parse(target.query.unwrap_or_default().as_bytes())
        .map(|(key, value)| {
            let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
            (encode(&key), encode(&value))
        })
        .collect();
    pairs.sort();
    let query: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut headers = String::new();
    for name in signed {
        headers.push_str(&format!("{name}:{}\n", header(target.headers, name)));
    }
    let request = format!(
        "{}\n{path}\n{}\n{headers}\n{}\n{payload}",
        target.method,
        query.join("&"),
        signed.join(";"),
    );
    format!("{ALGORITHM}\n{}", sha256(request.as_bytes()))
}

/// Returns the string to sign of the `FC` scheme. `date` is the date of the request, or the time at
/// which a signed URL expires.
pub(super) fn fc2(target: &Target<'_>, date: &str) -> String {
    let mut extensions: Vec<_> = target
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-fc-"))
        .map(|name| format!("{name}:{}\n", header(target.headers, name)))
        .collect();
    extensions.sort();
    let mut pairs: Vec<_> = target
        .query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter(|pair| !matches!(pair.split_once('='), Some((key, _)) if query_text(key) == FC_SIGNATURE))
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => format!("{}={}", query_text(key), query_text(value)),
            None => query_text(pair).into_owned(),
        })
        .collect();
    pairs.sort();
    format!(
        "{}\n{}\n{}\n{date}\n{}{}\n{}",
        target.method,
        header(target.headers, "content-md5"),
        header(target.headers, "content-type"),
        extensions.concat(),
        percent_decode_str(target.path).decode_utf8_lossy(),
        pairs.join("\n"),
    )
}

/// Returns a key or a value of a query as text.
pub(super) fn query_text(raw: &str) -> Cow<'_, str> {
    match raw.contains('+') {
        true => percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned().into(),
        false => percent_decode_str(raw).decode_utf8_lossy(),
    }
}

/// Returns the values of a key in a query.
pub(super) fn query_values(query: Option<&str>, key: &str) -> Vec<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
        .collect()
}
