//! JSON Web Tokens of the one kind that the platforms use: HS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::canonical;
use crate::wire::Secret;

/// `{"typ":"JWT","alg":"HS256"}`: the keys in the order in which java-jwt writes them.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";

/// A token with these claims.
pub(crate) fn sign(key: &Secret, claims: &impl Serialize) -> Secret {
    // Structs of plain values: writing them can't fail.
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = canonical::sign(key.expose(), &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
}

/// The claims of a token that this key has signed, as they came.
pub(crate) fn verify(key: &Secret, token: &str) -> Option<Vec<u8>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    // Whoever sends the token must not choose how it is checked.
    if header.get("alg")? != "HS256" {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    canonical::sign(key.expose(), signed).verify_slice(&signature).ok()?;
    URL_SAFE_NO_PAD.decode(claims).ok()
}

/// The claims of a token that nobody has checked: to find out which key checks it.
pub(crate) fn unverified(token: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()
}

/// Claims as a type. They are an object: an array would do for serde, and for no other library.
pub(crate) fn read<T: DeserializeOwned>(claims: &[u8]) -> Option<T> {
    let claims: Map<String, Value> = serde_json::from_slice(claims).ok()?;
    T::deserialize(Value::Object(claims)).ok()
}
