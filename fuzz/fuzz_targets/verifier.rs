//! Fuzzes the verifier of signatures: it never panics, and accepts no request without the secret.
#![no_main]

use callbot::auth::{Credentials, Scheme, Verifier};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, Vec<(&str, &[u8])>, &[u8])| {
    let (uri, pairs, body) = input;
    let Ok(uri) = uri.parse::<Uri>() else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    let schemes = [Scheme::Trigger, Scheme::Full, Scheme::Fc2];
    let verifier = Verifier::new(Credentials::new("key", "secret")).schemes(schemes);
    let verified = verifier.verify(&Method::POST, &uri, &headers, body).now_or_never();
    assert!(matches!(verified, Some(Err(_))));
});
