//! JSON Web Tokens of the only kind that the platforms use: HS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::canonical;
use crate::wire::{Secret, decode};

/// `{"typ":"JWT","alg":"HS256"}`, with the keys in the order in which java-jwt writes them.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

/// Creates a token with these claims.
pub(crate) fn sign(key: &Secret, claims: &impl Serialize) -> Secret {
    // Claims are structs of plain values, so writing them can't fail.
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = canonical::sign(key.expose(), &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
}

/// Returns the claims of a token if `key` signed it, as they were sent.
pub(crate) fn verify(key: &Secret, token: &str) -> Option<Vec<u8>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Value = decode(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    // The sender must not choose how the token is checked.
    if header.get("alg")? != "HS256" {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    canonical::sign(key.expose(), signed).verify_slice(&signature).ok()?;
    URL_SAFE_NO_PAD.decode(claims).ok()
}

/// Returns the claims of an unchecked token, to find the key that checks it.
pub(crate) fn unverified(token: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()
}

/// Reads claims into a type. They must be an object: serde would accept an array, as no other
/// library does.
pub(crate) fn read<T: DeserializeOwned>(claims: &[u8]) -> Option<T> {
    let claims: Map<String, Value> = decode(claims).ok()?;
    T::deserialize(Value::Object(claims)).ok()
}
