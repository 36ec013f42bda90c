//! Checking signatures.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::Mac;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE as HTTP_DATE};
use http::{HeaderMap, Method, Uri};

use super::canonical::{
    self, ALGORITHM, CONTENT_HASH, DATE, FC_EXPIRES, FC_KEY_ID, FC_SIGNATURE, FC_TOKEN, NONCE,
    TOKEN, Target,
};
use super::nonces::{Nonces, Spent};
use super::signer::is_signed;
use super::{Credentials, Keys, Scheme, encoding};
use crate::clock::{Clock, SharedClock};

/// The longest `Authorization` that is looked at, in bytes.
const LONGEST: usize = 4096;

/// Checks the signatures of requests.
#[derive(Debug, Clone)]
pub struct Verifier<K> {
    keys: K,
    schemes: Vec<Scheme>,
    window: Duration,
    url_life: Duration,
    nonces: Arc<Nonces>,
    clock: SharedClock,
}

/// A request whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The id of the key that signed.
    pub key_id: String,
    /// How it signed.
    pub scheme: Scheme,
}

/// Why a request is refused. It is for the trace; whoever sent the request learns nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no signature.
    Missing,
    /// There are two, or it has parts that stand twice.
    Ambiguous,
    /// `Authorization` is longer than 4096 bytes.
    Oversized,
    /// It has not the form of any scheme.
    Malformed,
    /// The scheme is not among those that are accepted.
    Scheme,
    /// The date, the security token, or another header that must be is not among the signed ones.
    Unsigned,
    /// A signed header is not there, or is there twice.
    Header,
    /// The date is no date, or outside the clock window.
    Date,
    /// The signed URL has expired, or lives longer than URLs may.
    Life,
    /// The body is not the one that was signed.
    Body,
    /// The key is not known, the signature is not that of the request, or the security token is not
    /// that of the key. One reason for all three, as they look the same from outside.
    Signature,
    /// The nonce was used before.
    Replay,
    /// More nonces were used within the clock window than are remembered.
    TooMany,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no signature",
            Self::Ambiguous => "a part of the signature stands twice",
            Self::Oversized => "the signature is too long",
            Self::Malformed => "the signature is malformed",
            Self::Scheme => "the scheme is not accepted",
            Self::Unsigned => "a header that must be signed is not",
            Self::Header => "a signed header is missing or stands twice",
            Self::Date => "the date is outside the clock window",
            Self::Life => "the signed URL has expired or lives too long",
            Self::Body => "the body is not the signed one",
            Self::Signature => "the key is unknown or the signature is wrong",
            Self::Replay => "the nonce was used before",
            Self::TooMany => "too many nonces to remember",
        })
    }
}

impl std::error::Error for VerifyError {}

/// What was said in the request, not yet believed.
struct Claim {
    scheme: Scheme,
    key_id: String,
    /// The bytes of the signature.
    signature: Vec<u8>,
    /// The text that should have been signed.
    text: String,
    /// The security token; empty without one.
    token: String,
    nonce: Option<String>,
}

impl<K: Keys> Verifier<K> {
    /// Finds keys here, and accepts the trigger form only.
    #[must_use]
    pub fn new(keys: K) -> Self {
        Self {
            keys,
            schemes: vec![Scheme::Trigger],
            window: Duration::from_secs(15 * 60),
            url_life: Duration::from_secs(60 * 60),
            nonces: Arc::new(Nonces::new(100_000)),
            clock: SharedClock::default(),
        }
    }

    /// The schemes that are accepted. Default: the trigger form alone.
    #[must_use]
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }

    /// How far the date of a request may be from our clock, to either side. Default: 15 min.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How long a signed URL may still live when it is used. Default: 1 h.
    #[must_use]
    pub fn url_life(mut self, life: Duration) -> Self {
        self.url_life = life;
        self
    }

    /// How many nonces are remembered; when that many were used within the clock window, further
    /// requests are refused. Default: 100,000.
    #[must_use]
    pub fn nonces(mut self, most: usize) -> Self {
        self.nonces = Arc::new(Nonces::new(most));
        self
    }

    /// The clock. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Whether the body must be at hand to check a request with these headers.
    #[must_use]
    pub fn needs_body(&self, headers: &HeaderMap) -> bool {
        self.schemes.contains(&Scheme::Full) && headers.contains_key(CONTENT_HASH)
    }

    /// Checks a request. `uri` has the path and the query as they were sent; `body` may be empty
    /// unless [`needs_body`](Self::needs_body).
    ///
    /// # Errors
    /// When it is refused.
    pub async fn verify(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        let target = Target { method, path: uri.path(), query: uri.query(), headers };
        let claim = self.claim(&target, body)?;
        let found = self.keys.find(&claim.key_id).await;
        // An unknown key costs the same work as a known one.
        let known = found.is_some();
        let key = found.unwrap_or_else(|| Credentials::new("", "a secret of nobody"));
        let right = canonical::sign(key.secret(), &claim.text).verify_slice(&claim.signature);
        // Both compared as hashes under the key, in constant time.
        let token = canonical::sign(key.secret(), &claim.token).finalize().into_bytes();
        let token = canonical::sign(key.secret(), key.token()).verify_slice(&token);
        if !(known & right.is_ok() & token.is_ok()) {
            return Err(VerifyError::Signature);
        }
        if let Some(nonce) = claim.nonce {
            let (now, window) = (self.clock.millis(), millis(self.window));
            // Its date may be a window ahead of ours, and is good for a window behind it.
            let end = now.saturating_add(window.saturating_mul(2));
            match self.nonces.take(format!("{} {nonce}", claim.key_id), now, end) {
                Ok(()) => {}
                Err(Spent::Again) => return Err(VerifyError::Replay),
                Err(Spent::Full) => return Err(VerifyError::TooMany),
            }
        }
        Ok(Verified { key_id: claim.key_id, scheme: claim.scheme })
    }

    fn claim(&self, target: &Target<'_>, body: &[u8]) -> Result<Claim, VerifyError> {
        let in_url = !canonical::query_values(target.query, FC_SIGNATURE).is_empty();
        let mut values = target.headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next(), in_url) {
            (None, _, false) => Err(VerifyError::Missing),
            (None, _, true) => self.signed_url(target),
            (Some(value), None, false) => {
                if value.len() > LONGEST {
                    return Err(VerifyError::Oversized);
                }
                let text = value.to_str().map_err(|_| VerifyError::Malformed)?;
                match text.split_once(' ') {
                    Some((ALGORITHM, rest)) => self.acs3(target, rest, body),
                    Some(("FC", rest)) => self.fc2(target, rest),
                    _ => Err(VerifyError::Malformed),
                }
            }
            _ => Err(VerifyError::Ambiguous),
        }
    }

    fn accept(&self, scheme: Scheme) -> Result<(), VerifyError> {
        if self.schemes.contains(&scheme) { Ok(()) } else { Err(VerifyError::Scheme) }
    }

    fn acs3(&self, target: &Target<'_>, rest: &str, body: &[u8]) -> Result<Claim, VerifyError> {
        let (mut key_id, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(VerifyError::Malformed)?;
            let place = match name {
                "Credential" => &mut key_id,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => return Err(VerifyError::Malformed),
            };
            if place.replace(value).is_some() {
                return Err(VerifyError::Ambiguous);
            }
        }
        let (Some(key_id), Some(signed), Some(signature)) = (key_id, signed, signature) else {
            return Err(VerifyError::Malformed);
        };
        let names: Vec<_> = signed.split(';').collect();
        let set: BTreeSet<_> = names.iter().copied().collect();
        if set.len() != names.len() {
            return Err(VerifyError::Ambiguous);
        }
        let full = set.contains(CONTENT_HASH);
        let scheme = if full { Scheme::Full } else { Scheme::Trigger };
        self.accept(scheme)?;
        let headers = target.headers;
        for name in &set {
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Err(VerifyError::Malformed);
            }
            single(headers, name)?;
        }
        let has_token = headers.contains_key(TOKEN);
        if !set.contains(DATE) || (has_token && !set.contains(TOKEN)) {
            return Err(VerifyError::Unsigned);
        }
        let date = canonical::header(headers, DATE);
        self.within(humantime::parse_rfc3339(&date).map_err(|_| VerifyError::Date)?)?;
        let mut payload = String::new();
        let mut nonce = None;
        if full {
            let unsigned =
                headers.keys().any(|name| is_signed(name) && !set.contains(name.as_str()));
            if unsigned || !set.contains("host") || !set.contains(NONCE) {
                return Err(VerifyError::Unsigned);
            }
            payload = encoding::sha256(body);
            if canonical::header(headers, CONTENT_HASH) != payload {
                return Err(VerifyError::Body);
            }
            nonce = Some(canonical::header(headers, NONCE).into_owned());
        }
        let sorted: Vec<_> = set.into_iter().collect();
        Ok(Claim {
            scheme,
            key_id: key_id.into(),
            signature: encoding::unhex(signature).ok_or(VerifyError::Malformed)?,
            text: canonical::acs3(target, &sorted, &payload),
            token: canonical::header(headers, TOKEN).into_owned(),
            nonce,
        })
    }

    fn fc2(&self, target: &Target<'_>, rest: &str) -> Result<Claim, VerifyError> {
        self.accept(Scheme::Fc2)?;
        let (key_id, signature) = rest.trim().split_once(':').ok_or(VerifyError::Malformed)?;
        single(target.headers, HTTP_DATE.as_str())?;
        let date = canonical::header(target.headers, HTTP_DATE.as_str());
        self.within(httpdate::parse_http_date(&date).map_err(|_| VerifyError::Date)?)?;
        let token = canonical::header(target.headers, FC_TOKEN).into_owned();
        self.fc2_claim(target, key_id, signature, &date, token)
    }

    fn signed_url(&self, target: &Target<'_>) -> Result<Claim, VerifyError> {
        self.accept(Scheme::Fc2)?;
        let one = |key: &str| match canonical::query_values(target.query, key).as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            _ => Err(VerifyError::Ambiguous),
        };
        let need = |key: &str| one(key)?.ok_or(VerifyError::Malformed);
        let (key_id, expires, signature) =
            (need(FC_KEY_ID)?, need(FC_EXPIRES)?, need(FC_SIGNATURE)?);
        let seconds: u64 = expires.parse().map_err(|_| VerifyError::Malformed)?;
        let end = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
        let left = end.ok_or(VerifyError::Life)?.saturating_sub(self.clock.millis());
        if left < 0 || left > millis(self.url_life) {
            return Err(VerifyError::Life);
        }
        let token = one(FC_TOKEN)?.unwrap_or_default();
        self.fc2_claim(target, &key_id, &signature, &expires, token)
    }

    fn fc2_claim(
        &self,
        target: &Target<'_>,
        key_id: &str,
        signature: &str,
        date: &str,
        token: String,
    ) -> Result<Claim, VerifyError> {
        let headers = target.headers;
        let signed = headers.keys().filter(|name| {
            name.as_str().starts_with("x-fc-") || **name == CONTENT_TYPE || *name == "content-md5"
        });
        for name in signed {
            single(headers, name.as_str())?;
        }
        Ok(Claim {
            scheme: Scheme::Fc2,
            key_id: key_id.into(),
            signature: encoding::unbase64(signature).ok_or(VerifyError::Malformed)?,
            text: canonical::fc2(target, date),
            token,
            nonce: None,
        })
    }

    fn within(&self, date: SystemTime) -> Result<(), VerifyError> {
        let since = date.duration_since(UNIX_EPOCH).map_err(|_| VerifyError::Date)?;
        let apart = self.clock.millis().abs_diff(millis(since));
        if i64::try_from(apart).is_ok_and(|apart| apart <= millis(self.window)) {
            Ok(())
        } else {
            Err(VerifyError::Date)
        }
    }
}

/// A signed header is there, and only once: who signs and who reads must mean the same value.
fn single(headers: &HeaderMap, name: &str) -> Result<(), VerifyError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(_), None) => Ok(()),
        _ => Err(VerifyError::Header),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
