//! The texts that are signed.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;

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

/// Returns the value of a header as it is signed: trimmed, and empty if the header is missing.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Cow<'a, str> {
    let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match value {
        Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
        Some(Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
        None => Cow::Borrowed(""),
    }
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
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => format!("{}={}", query_text(key), query_text(value)),
            None => query_text(pair).into_owned(),
        })
        .filter(|pair| !pair.starts_with("x-fc-signature="))
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
