//! Checks signatures.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::Mac;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE as HTTP_DATE};
use http::{HeaderMap, Method, Uri};

use super::canonical::{
    self, ALGORITHM, CONTENT_HASH, DATE, FC_EXPIRES, FC_KEY_ID, FC_SIGNATURE, FC_TOKEN, NONCE,
    TOKEN, Target,
};
use super::nonces::{MemoryNonces, Nonce, NonceError, Nonces, SharedNonces};
use super::signer::is_signed;
use super::{Credentials, Keys, Scheme, VerifyError, encoding};
use crate::clock::{Clock, SharedClock};

/// The maximum length of `Authorization`, in bytes.
const LONGEST: usize = 4096;

/// Checks the signatures of requests. [`VerifyLayer`](super::VerifyLayer) does so around a router.
///
/// ```
/// use std::collections::HashMap;
/// use std::time::{Duration, UNIX_EPOCH};
/// use callbot::auth::{Credentials, Scheme, Signer, Verifier, VerifyError};
/// use http::{HeaderMap, Method, Uri};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = ["key-1", "key-2"].map(|id| (id.to_owned(), Credentials::new(id, format!("secret of {id}"))));
/// let noon = UNIX_EPOCH + Duration::from_secs(1_750_000_000);
/// let verifier = Verifier::new(HashMap::from(keys)).schemes([Scheme::Full]).clock(noon);
///
/// let signer = Signer::new(Credentials::new("key-2", "secret of key-2"), Scheme::Full).clock(noon);
/// let (method, uri) = (Method::POST, Uri::from_static("https://bot.example/proxy/dialogue"));
/// let mut headers = HeaderMap::new();
/// signer.sign(&method, &uri, &mut headers, b"{}")?;
/// assert_eq!(verifier.verify(&method, &uri, &headers, b"{}").await?.key_id, "key-2");
///
/// // The same request again: its nonce is spent.
/// let replay = verifier.verify(&method, &uri, &headers, b"{}").await;
/// assert_eq!(replay.unwrap_err(), VerifyError::Replay);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Verifier<K> {
    keys: K,
    schemes: Vec<Scheme>,
    window: Duration,
    url_life: Duration,
    nonces: SharedNonces,
    clock: SharedClock,
}

/// A request whose signature was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The id of the key that signed the request.
    pub key_id: String,
    /// The scheme of the signature.
    pub scheme: Scheme,
}

/// The content of a signature, before it is checked.
struct Claim {
    scheme: Scheme,
    key_id: String,
    /// The bytes of the signature.
    signature: Vec<u8>,
    /// The text that should have been signed.
    text: String,
    /// The security token; empty if there is none.
    token: String,
    /// In the full form.
    payload: Option<Payload>,
}

/// What the full form signs beside the head of a request.
#[derive(Debug)]
struct Payload {
    /// The hash that the body must have.
    hash: String,
    nonce: String,
}

/// A request whose head was accepted; see [`Verifier::verify_body`].
#[derive(Debug)]
pub(super) struct SignedHead {
    verified: Verified,
    payload: Option<Payload>,
}

#[cfg(feature = "server")]
impl SignedHead {
    /// Returns whether the body has to be checked.
    pub(super) fn needs_body(&self) -> bool {
        self.payload.is_some()
    }
}

impl<K: Keys> Verifier<K> {
    /// Creates a verifier that finds keys in `keys` and accepts the trigger form only.
    #[must_use]
    pub fn new(keys: K) -> Self {
        Self {
            keys,
            schemes: vec![Scheme::Trigger],
            window: Duration::from_secs(15 * 60),
            url_life: Duration::from_secs(60 * 60),
            nonces: SharedNonces::new(MemoryNonces::default()),
            clock: SharedClock::default(),
        }
    }

    /// Sets the accepted schemes. Default: [`Scheme::Trigger`] only.
    #[must_use]
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }

    /// Sets how far the date of a request may be from the clock, in either direction. Default: 15
    /// min.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets for how long a signed URL may still be valid when it is used. Default: 1 h.
    #[must_use]
    pub fn url_life(mut self, life: Duration) -> Self {
        self.url_life = life;
        self
    }

    /// Sets what remembers the nonces of the full form. Several processes with the same keys have to share
    /// them. Default: a [`MemoryNonces`] for 100,000 nonces of each key.
    #[must_use]
    pub fn nonces(mut self, nonces: impl Nonces) -> Self {
        self.nonces = SharedNonces::new(nonces);
        self
    }

    /// Sets the clock. Default: the system clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// Whether checking a request with these headers needs its body.
    #[must_use]
    pub fn needs_body(&self, headers: &HeaderMap) -> bool {
        self.schemes.contains(&Scheme::Full) && headers.contains_key(CONTENT_HASH)
    }

    /// Checks a request. `uri` must have the path and the query as they were sent. `body` may be
    /// empty unless [`needs_body`](Self::needs_body).
    ///
    /// # Errors
    /// The reason for refusing the request.
    pub async fn verify(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        let signed = self.verify_head(method, uri, headers).await?;
        self.verify_body(signed, body).await
    }

    /// Checks all that can be checked before the body has arrived: the signature too, since it covers the
    /// hash of the body and not the body. So nobody who has no key can have a body read.
    pub(super) async fn verify_head(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<SignedHead, VerifyError> {
        let target = Target { method, path: uri.path(), query: uri.query(), headers };
        let claim = self.claim(&target)?;
        let found = self.keys.find(&claim.key_id).await;
        // An unknown key costs the same time as a known one.
        // Anyone could sign with the empty secret of a setting that was forgotten.
        let known = found.as_ref().is_some_and(|key| !key.secret().is_empty());
        let key = found.unwrap_or_else(|| Credentials::new("", "no key has this secret"));
        let right = canonical::sign(key.secret(), &claim.text).verify_slice(&claim.signature);
        // Both are compared as hashes under the key, in constant time.
        let token = canonical::sign(key.secret(), &claim.token).finalize().into_bytes();
        let token = canonical::sign(key.secret(), key.token()).verify_slice(&token);
        if !(known & right.is_ok() & token.is_ok()) {
            return Err(VerifyError::Signature);
        }
        let verified = Verified { key_id: claim.key_id, scheme: claim.scheme };
        Ok(SignedHead { verified, payload: claim.payload })
    }

    /// Checks the body of a request whose head was accepted.
    pub(super) async fn verify_body(
        &self,
        signed: SignedHead,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        let SignedHead { verified, payload } = signed;
        let Some(Payload { hash, nonce }) = payload else { return Ok(verified) };
        if encoding::sha256(body) != hash {
            return Err(VerifyError::Body);
        }
        // The date may be one window ahead of the clock, and stays valid for one window after that.
        let time = self.window.saturating_mul(2);
        let nonce = Nonce::new(&verified.key_id, &nonce, self.clock.now(), time);
        match self.nonces.take(nonce).await {
            Ok(()) => Ok(verified),
            Err(NonceError::Used) => Err(VerifyError::Replay),
            Err(NonceError::Full) => Err(VerifyError::TooMany),
            Err(NonceError::Failed(failure)) => Err(VerifyError::Nonces(failure)),
        }
    }

    fn claim(&self, target: &Target<'_>) -> Result<Claim, VerifyError> {
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
                    Some((ALGORITHM, rest)) => self.acs3(target, rest),
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

    fn acs3(&self, target: &Target<'_>, rest: &str) -> Result<Claim, VerifyError> {
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
            // A client without a security token signs an empty one, which not every proxy passes on.
            if *name != TOKEN || headers.contains_key(TOKEN) {
                single(headers, name)?;
            }
        }
        let has_token = headers.contains_key(TOKEN);
        let needed = [Some(DATE), has_token.then_some(TOKEN)];
        if let Some(name) = needed.into_iter().flatten().find(|name| !set.contains(name)) {
            return Err(unsigned(name));
        }
        let date = canonical::header(headers, DATE);
        self.within(humantime::parse_rfc3339(&date).map_err(|_| VerifyError::Date)?)?;
        if !canonical::is_unambiguous(target, scheme) {
            return Err(VerifyError::Encoding);
        }
        let mut payload = None;
        if full {
            let sent = headers.keys().filter(|name| is_signed(name)).map(|name| name.as_str());
            let mut needed = sent.chain(["host", NONCE]);
            if let Some(name) = needed.find(|name| !set.contains(name)) {
                return Err(unsigned(name));
            }
            payload = Some(Payload {
                hash: canonical::header(headers, CONTENT_HASH).into_owned(),
                nonce: canonical::header(headers, NONCE).into_owned(),
            });
        }
        let sorted: Vec<_> = set.into_iter().collect();
        Ok(Claim {
            scheme,
            key_id: key_id.into(),
            signature: encoding::unhex(signature).ok_or(VerifyError::Malformed)?,
            text: canonical::acs3(
                target,
                &sorted,
                payload.as_ref().map_or("", |payload| &payload.hash),
            ),
            token: canonical::header(headers, TOKEN).into_owned(),
            payload,
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
        if !canonical::is_unambiguous(target, Scheme::Fc2) {
            return Err(VerifyError::Encoding);
        }
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
            payload: None,
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

/// Checks that a signed header occurs once and is text, so that signer and reader mean the same value.
fn single(headers: &HeaderMap, name: &str) -> Result<(), VerifyError> {
    if !canonical::is_text(headers, name) {
        return Err(VerifyError::Encoding);
    }
    match headers.get_all(name).iter().count() {
        1 => Ok(()),
        count => {
            let name = name.escape_default().take(64).collect();
            Err(VerifyError::Header { name, count })
        }
    }
}

fn unsigned(name: &str) -> VerifyError {
    VerifyError::Unsigned { name: name.into() }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
