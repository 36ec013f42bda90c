//! Signatures: test vectors of the vendor and computed ones, and every reason to refuse a request.
#![cfg(all(feature = "client", feature = "server"))]

use std::collections::HashMap;
use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callbot::auth::{
    Credentials, MemoryNonces, Nonce, NonceError, Nonces, Scheme, Signer, Verifier, VerifyError,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const SECRET: &str = "YourAccessKeySecret";
const ALL: [Scheme; 3] = [Scheme::Trigger, Scheme::Full, Scheme::Fc2];

fn key() -> Credentials {
    Credentials::new("YourAccessKeyId", SECRET)
}

fn time(text: &str) -> SystemTime {
    humantime::parse_rfc3339(text).unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers
            .append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    headers
}

fn authorization(scheme: Scheme, at: &str, uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut headers = headers(pairs);
    let signer = Signer::new(key(), scheme).clock(time(at));
    signer.sign(&Method::POST, &uri.parse().unwrap(), &mut headers, b"").unwrap();
    headers["authorization"].to_str().unwrap().to_owned()
}

#[test]
fn the_full_form_equals_the_vendors_signature() {
    let signed = authorization(
        Scheme::Full,
        "2023-10-26T10:22:32Z",
        "/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
        &[
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-version", "2014-05-26"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ],
    );
    assert_eq!(
        signed,
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;\
         x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
         Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    );
}

#[test]
fn the_trigger_form_equals_the_computed_signatures() {
    for (at, uri, signature) in [
        (
            "2024-02-22T09:21:31Z",
            "/hello?foo=bar",
            "6c0dae758f4bf34dcdcd2275d7c35dd2cf4ee1d5c161a84a32d2ab44196588f0",
        ),
        (
            "2025-01-02T03:04:05Z",
            "/proxy/dialogue",
            "14f5041c3f8d3ca795e56bd120ee4c5662da404cbc1edc08ea5e80164a2097ae",
        ),
    ] {
        assert_eq!(
            authorization(Scheme::Trigger, at, uri, &[]),
            format!(
                "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,\
                 SignedHeaders=x-acs-date;x-acs-security-token,Signature={signature}"
            )
        );
    }
}

#[test]
fn the_fc_scheme_equals_the_computed_signature() {
    let json = [("content-type", "application/json")];
    assert_eq!(
        authorization(Scheme::Fc2, "2006-01-02T15:04:05Z", "/proxy/dialogue", &json),
        "FC YourAccessKeyId:ARj/8iYAZSAxhpoIs5rEj9AP4kkWuL4rB27lHw27dTk="
    );
}

/// The values in the vendor's SDK test of signed URLs.
#[test]
fn a_signed_url_equals_the_vendors_signature() {
    let signer = Signer::new(
        Credentials::new("akID", "S9MWOBG0AOWHSO9HPASP216QOPHT5YR4NLH3A").with_token("stsToken"),
        Scheme::Fc2,
    )
    .clock(UNIX_EPOCH + Duration::from_secs(1_583_221_008));
    let headers = headers(&[
        ("x-fc-trace-id", "trace-id"),
        ("content-type", "text/json"),
        ("content-md5", "ef5b43a0fe1d5b401b62c3ba33a7a3d6"),
    ]);
    let uri = "/2016-08-15/proxy/service.LATEST/func/abc%20123?x=xyz&x=456&a=123%2045";
    let url =
        signer.sign_url(&Method::GET, &uri.parse().unwrap(), &headers, Duration::from_secs(60));
    assert!(
        url.starts_with("/2016-08-15/proxy/service.LATEST/func/abc%20123?x=xyz&x=456&a="),
        "{url}"
    );
    assert!(url.contains("&x-fc-expires=1583221068&"), "{url}");
    assert!(
        url.ends_with("&x-fc-signature=QFdNhz0Dl%2BonUM%2FMvpX940WFH3H8OHayZHbby1c01aI%3D"),
        "{url}"
    );
}

const NOW: &str = "2025-01-02T03:04:05Z";
const BODY: &[u8] = b"{\"a\":1}";

/// A signed request, to be spoiled.
#[derive(Clone)]
struct Request {
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    fn signed(scheme: Scheme) -> Self {
        Self::signed_by(&Signer::new(key(), scheme).clock(time(NOW)))
    }

    fn signed_by(signer: &Signer) -> Self {
        let uri = "/proxy/dialogue?b=2&a=x%20y".to_owned();
        let mut headers = headers(&[("content-type", "application/json"), ("host", "bot")]);
        signer.sign(&Method::POST, &uri.parse().unwrap(), &mut headers, BODY).unwrap();
        Self { uri, headers, body: BODY.to_vec() }
    }

    fn url(life: u64) -> Self {
        let signer = Signer::new(key(), Scheme::Fc2).clock(time(NOW));
        let uri = Uri::from_static("/proxy/dialogue?b=2");
        let headers = HeaderMap::new();
        let uri = signer.sign_url(&Method::POST, &uri, &headers, Duration::from_secs(life));
        Self { uri, headers, body: BODY.to_vec() }
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.try_into().unwrap());
        self
    }

    fn bytes(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.insert(name, value.try_into().unwrap());
        self
    }

    fn add(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.try_into().unwrap());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Changes the text of `Authorization`.
    fn authorization(self, from: &str, to: &str) -> Self {
        let text = self.headers["authorization"].to_str().unwrap().to_owned();
        assert!(text.contains(from), "{text}");
        self.set("authorization", &text.replacen(from, to, 1))
    }

    async fn check(&self, verifier: &Verifier<Credentials>) -> Result<Scheme, VerifyError> {
        let uri = self.uri.parse().unwrap();
        let verified = verifier.verify(&Method::POST, &uri, &self.headers, &self.body).await?;
        assert_eq!(verified.key_id, "YourAccessKeyId");
        Ok(verified.scheme)
    }
}

fn verifier() -> Verifier<Credentials> {
    Verifier::new(key()).schemes(ALL).clock(time(NOW))
}

#[tokio::test]
async fn signed_requests_are_verified() {
    for scheme in ALL {
        assert_eq!(Request::signed(scheme).check(&verifier()).await, Ok(scheme));
    }
    assert_eq!(Request::url(60).check(&verifier()).await, Ok(Scheme::Fc2));
}

#[tokio::test]
async fn only_the_trigger_form_is_accepted_by_default() {
    let verifier = Verifier::new(key()).clock(time(NOW));
    assert_eq!(Request::signed(Scheme::Trigger).check(&verifier).await, Ok(Scheme::Trigger));
    for refused in [Request::signed(Scheme::Full), Request::signed(Scheme::Fc2), Request::url(60)] {
        assert_eq!(refused.check(&verifier).await, Err(VerifyError::Scheme));
    }
    let full_only = Verifier::new(key()).schemes([Scheme::Full]).clock(time(NOW));
    assert_eq!(Request::signed(Scheme::Trigger).check(&full_only).await, Err(VerifyError::Scheme));
}

fn unsigned(name: &str) -> VerifyError {
    VerifyError::Unsigned { name: name.into() }
}

fn occurs(name: &str, count: usize) -> VerifyError {
    VerifyError::Header { name: name.into(), count }
}

#[test]
fn a_refusal_names_the_header() {
    assert_eq!(unsigned("host").to_string(), "the header `host` must be signed, and is not");
    assert_eq!(occurs("date", 0).to_string(), "the signed header `date` is missing");
    let twice = "the signed header `date` occurs 2 times, allowed: once";
    assert_eq!(occurs("date", 2).to_string(), twice);
}

#[tokio::test]
async fn a_header_name_from_the_sender_is_cut_and_escaped() {
    let names = format!("x-acs-date;x-\"{};", "y".repeat(1000));
    let request = Request::signed(Scheme::Trigger).authorization("x-acs-date;", &names);
    let expected = format!("x-\\\"{}", "y".repeat(60));
    assert_eq!(request.check(&verifier()).await, Err(occurs(&expected, 0)));
}

#[tokio::test]
async fn every_spoiled_request_is_refused_with_its_reason() {
    let trigger = || Request::signed(Scheme::Trigger);
    let full = || Request::signed(Scheme::Full);
    let fc = || Request::signed(Scheme::Fc2);
    let moved = |request: Request, from: &str, to: &str| Request {
        uri: request.uri.replacen(from, to, 1),
        ..request
    };
    let cases = [
        (trigger().without("authorization"), VerifyError::Missing),
        (trigger().set("authorization", "Bearer x"), VerifyError::Malformed),
        (trigger().set("authorization", "ACS3-HMAC-SHA256 Credential"), VerifyError::Malformed),
        (trigger().authorization("Signature=", "Sig="), VerifyError::Malformed),
        (trigger().authorization("Signature=", "Signature=x"), VerifyError::Malformed),
        (trigger().authorization("x-acs-date", "X-Acs-Date"), VerifyError::Malformed),
        (
            trigger().set("authorization", &format!("ACS3-HMAC-SHA256 {}", "x".repeat(5000))),
            VerifyError::Oversized,
        ),
        (trigger().add("authorization", "FC a:b"), VerifyError::Ambiguous),
        (trigger().authorization("Signature=", "Credential=b,Signature="), VerifyError::Ambiguous),
        (trigger().authorization("x-acs-date;", "x-acs-date;x-acs-date;"), VerifyError::Ambiguous),
        (moved(trigger(), "?", "?x-fc-signature=x&"), VerifyError::Ambiguous),
        (trigger().authorization("x-acs-date;", ""), unsigned("x-acs-date")),
        (trigger().authorization(";x-acs-security-token", ""), unsigned("x-acs-security-token")),
        (trigger().authorization("x-acs-date;", "x-acs-date;x-other;"), occurs("x-other", 0)),
        (trigger().add("x-acs-date", NOW), occurs("x-acs-date", 2)),
        (trigger().add("x-acs-security-token", "x"), occurs("x-acs-security-token", 2)),
        (trigger().set("x-acs-date", "yesterday"), VerifyError::Date),
        (trigger().set("x-acs-date", "2025-01-02T03:19:06Z"), VerifyError::Date),
        (trigger().set("x-acs-date", "2025-01-02T02:49:04Z"), VerifyError::Date),
        (trigger().set("x-acs-date", "1969-01-02T02:49:04Z"), VerifyError::Date),
        (trigger().set("x-acs-date", "2025-01-02T03:19:05Z"), VerifyError::Signature),
        (trigger().set("x-acs-security-token", "x"), VerifyError::Signature),
        (trigger().set("x-acs-security-token", "\u{a0}"), VerifyError::Signature),
        (trigger().bytes("x-acs-security-token", b"\xff"), VerifyError::Encoding),
        (moved(trigger(), "b=2", "b=%FF"), VerifyError::Encoding),
        (moved(fc(), "b=2", "b=2%0Ac=3"), VerifyError::Encoding),
        (moved(fc(), "b=2", "b%3D2"), VerifyError::Encoding),
        (moved(fc(), "dialogue?", "dialogue%0Ax=1?"), VerifyError::Encoding),
        (moved(Request::url(60), "b=2", "b=2&x-fc-signature%3Da=evil"), VerifyError::Encoding),
        (trigger().authorization("YourAccessKeyId", "Nobody"), VerifyError::Signature),
        (moved(trigger(), "dialogue", "endSession"), VerifyError::Signature),
        (moved(trigger(), "b=2", "b=3"), VerifyError::Signature),
        (Request { body: b"{}".to_vec(), ..full() }, VerifyError::Body),
        (full().set("x-acs-content-sha256", "00"), VerifyError::Signature),
        (full().set("x-acs-action", "Other"), unsigned("x-acs-action")),
        (full().set("x-acs-security-token", ""), unsigned("x-acs-security-token")),
        (full().authorization("host;", ""), unsigned("host")),
        (full().authorization("content-type;", ""), unsigned("content-type")),
        (full().authorization("x-acs-signature-nonce", "host"), VerifyError::Ambiguous),
        (full().authorization(";x-acs-signature-nonce", ""), unsigned("x-acs-signature-nonce")),
        (full().set("host", "elsewhere"), VerifyError::Signature),
        (full().set("x-acs-signature-nonce", "other"), VerifyError::Signature),
        (fc().without("date"), occurs("date", 0)),
        (fc().set("date", "soon"), VerifyError::Date),
        (fc().set("date", "Thu, 02 Jan 2025 03:30:00 GMT"), VerifyError::Date),
        (fc().set("authorization", "FC nothing"), VerifyError::Malformed),
        (fc().set("authorization", "FC a:?"), VerifyError::Malformed),
        (fc().set("content-type", "text/plain"), VerifyError::Signature),
        (fc().set("x-fc-more", "1"), VerifyError::Signature),
        (fc().add("content-type", "text/plain"), occurs("content-type", 2)),
        (fc().set("x-fc-security-token", "x"), VerifyError::Signature),
        (Request::url(3601), VerifyError::Life),
        (moved(Request::url(60), "x-fc-expires=17357", "x-fc-expires=16357"), VerifyError::Life),
        (moved(Request::url(60), "x-fc-expires=", "x-fc-expires=x"), VerifyError::Malformed),
        (moved(Request::url(60), "b=2", "b=2&x-fc-expires=1"), VerifyError::Ambiguous),
        (moved(Request::url(60), "b=2", "b=2&x-fc-signature=1"), VerifyError::Ambiguous),
        (moved(Request::url(60), "b=2", "b=3"), VerifyError::Signature),
    ];
    for (index, (request, reason)) in cases.into_iter().enumerate() {
        assert_eq!(request.check(&verifier()).await, Err(reason), "case {index}");
    }
}

#[tokio::test]
async fn the_security_token_must_belong_to_the_key() {
    let with_token = key().with_token("sts");
    let known = Verifier::new(with_token.clone()).schemes(ALL).clock(time(NOW));
    for scheme in ALL {
        let signed =
            |key: Credentials| Request::signed_by(&Signer::new(key, scheme).clock(time(NOW)));
        assert_eq!(signed(with_token.clone()).check(&known).await, Ok(scheme));
        let other = signed(key().with_token("other"));
        assert_eq!(other.check(&known).await, Err(VerifyError::Signature));
        assert_eq!(signed(key()).check(&known).await, Err(VerifyError::Signature));
        let surplus = signed(with_token.clone());
        assert_eq!(surplus.check(&verifier()).await, Err(VerifyError::Signature));
    }
}

#[tokio::test]
async fn an_empty_security_token_may_be_lost_on_the_way() {
    const TOKEN: &str = "x-acs-security-token";
    let signed = Request::signed(Scheme::Trigger);
    assert_eq!(signed.headers[TOKEN], "", "it is signed without a token, too");
    assert_eq!(signed.clone().without(TOKEN).check(&verifier()).await, Ok(Scheme::Trigger));
    // Only an empty one: a key with a token needs its token.
    let key = key().with_token("sts");
    let known = Verifier::new(key.clone()).schemes(ALL).clock(time(NOW));
    assert_eq!(signed.without(TOKEN).check(&known).await, Err(VerifyError::Signature));
    let signed = Request::signed_by(&Signer::new(key, Scheme::Trigger).clock(time(NOW)));
    assert_eq!(signed.without(TOKEN).check(&known).await, Err(VerifyError::Signature));
}

#[tokio::test]
async fn a_nonce_is_accepted_once_and_the_trigger_form_has_none() {
    let verifier = verifier();
    let (full, trigger) = (Request::signed(Scheme::Full), Request::signed(Scheme::Trigger));
    assert_eq!(full.check(&verifier).await, Ok(Scheme::Full));
    assert_eq!(full.check(&verifier).await, Err(VerifyError::Replay));
    assert_eq!(Request::signed(Scheme::Full).check(&verifier).await, Ok(Scheme::Full));
    for _ in 0..2 {
        assert_eq!(trigger.check(&verifier).await, Ok(Scheme::Trigger));
    }
}

#[tokio::test]
async fn a_wrong_signature_does_not_use_up_a_nonce_and_nonces_are_bounded() {
    let verifier = verifier().nonces(MemoryNonces::new(1));
    let good = Request::signed(Scheme::Full);
    let bad = good.clone().set("host", "elsewhere");
    assert_eq!(bad.check(&verifier).await, Err(VerifyError::Signature));
    assert_eq!(good.check(&verifier).await, Ok(Scheme::Full));
    let next = Request::signed(Scheme::Full);
    assert_eq!(next.check(&verifier).await, Err(VerifyError::TooMany));
}

#[tokio::test]
async fn a_key_does_not_use_up_the_nonces_of_another_key() {
    let keys = ["key-1", "key-2"].map(|id| (id.to_owned(), Credentials::new(id, id)));
    let signers = keys.clone().map(|(_, key)| Signer::new(key, Scheme::Full).clock(time(NOW)));
    let verifier = Verifier::new(HashMap::from(keys)).schemes(ALL).clock(time(NOW));
    let verifier = verifier.nonces(MemoryNonces::new(1));
    let uri = Uri::from_static("/proxy/dialogue");
    for (signer, expected) in [(0, Ok(())), (0, Err(VerifyError::TooMany)), (1, Ok(()))] {
        let mut headers = headers(&[("host", "bot")]);
        signers[signer].sign(&Method::POST, &uri, &mut headers, BODY).unwrap();
        let verified = verifier.verify(&Method::POST, &uri, &headers, BODY).await;
        assert_eq!(verified.map(|_| ()), expected);
    }
}

#[tokio::test]
async fn verifiers_that_share_their_nonces_accept_a_request_once() {
    let nonces = MemoryNonces::default();
    let (here, there) = (verifier().nonces(nonces.clone()), verifier().nonces(nonces));
    let request = Request::signed(Scheme::Full);
    assert_eq!(request.check(&here).await, Ok(Scheme::Full));
    assert_eq!(request.check(&there).await, Err(VerifyError::Replay));
    // Another process that shares nothing.
    assert_eq!(request.check(&verifier()).await, Ok(Scheme::Full));
}

/// Fails, and reports what it was asked.
#[derive(Default)]
struct Broken(std::sync::Arc<Mutex<Vec<(String, SystemTime, Duration)>>>);

impl Nonces for Broken {
    async fn take(&self, nonce: Nonce<'_>) -> Result<(), NonceError> {
        self.0.lock().unwrap().push((nonce.key_id.into(), nonce.now, nonce.time));
        Err(NonceError::failed("connection refused"))
    }
}

#[tokio::test]
async fn nonces_that_fail_refuse_the_full_form_only_and_name_their_source() {
    let broken = Broken::default();
    let asked = broken.0.clone();
    let verifier = verifier().nonces(broken);
    let error = Request::signed(Scheme::Full).check(&verifier).await.unwrap_err();
    assert_eq!(error.to_string(), "the nonces can't be checked");
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
    assert_eq!(Request::signed(Scheme::Trigger).check(&verifier).await, Ok(Scheme::Trigger));
    // Twice the window: the date may be that far ahead.
    let expected = (key().key_id().to_owned(), time(NOW), Duration::from_secs(30 * 60));
    assert_eq!(*asked.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn the_time_window_can_be_set() {
    let narrow =
        Verifier::new(key()).window(Duration::from_secs(1)).clock(time("2025-01-02T03:04:07Z"));
    let request = Request::signed(Scheme::Trigger);
    assert_eq!(request.check(&narrow).await, Err(VerifyError::Date));
    let wide =
        Verifier::new(key()).window(Duration::from_secs(2)).clock(time("2025-01-02T03:04:07Z"));
    assert_eq!(request.check(&wide).await, Ok(Scheme::Trigger));
}

#[tokio::test]
async fn keys_are_found_by_their_ids() {
    let keys = HashMap::from([
        ("a".to_owned(), Credentials::new("a", "1")),
        ("b".to_owned(), Credentials::new("b", "2")),
    ]);
    let verifier = Verifier::new(keys).clock(time(NOW));
    for (id, secret, good) in
        [("a", "1", true), ("b", "2", true), ("b", "1", false), ("c", "1", false)]
    {
        let signer = Signer::new(Credentials::new(id, secret), Scheme::Trigger).clock(time(NOW));
        let Request { uri, headers, body } = Request::signed_by(&signer);
        let verified = verifier.verify(&Method::POST, &uri.parse().unwrap(), &headers, &body).await;
        assert_eq!(verified.is_ok(), good, "{id} {secret}");
    }
}

#[test]
fn secrets_do_not_show() {
    let key = key().with_token("sts-token");
    let signer = Signer::new(key.clone(), Scheme::Trigger);
    let request = Request::signed_by(&signer);
    let shown =
        format!("{key:?} {signer:?} {:?} {:?}", Verifier::new(key.clone()), request.headers);
    assert!(!shown.contains(SECRET) && !shown.contains("sts-token"), "{shown}");
    assert!(shown.contains("YourAccessKeyId"), "{shown}");
    assert!(request.headers["authorization"].is_sensitive());
    assert!(request.headers["x-acs-security-token"].is_sensitive());
}

#[test]
fn a_key_that_is_not_a_header_value_is_an_error() {
    let signer = Signer::new(Credentials::new("a\nb", "s"), Scheme::Trigger);
    let signed = signer.sign(&Method::GET, &Uri::from_static("/"), &mut HeaderMap::new(), b"");
    assert_eq!(
        signed.unwrap_err().to_string(),
        "the request can't be signed: the key id is not a valid header value"
    );
}

/// The verifier answers any request, and never panics.
#[tokio::test]
async fn random_requests_are_refused_without_a_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    let pieces = [
        "ACS3-HMAC-SHA256 ",
        "FC ",
        "Credential=",
        "SignedHeaders=",
        "Signature=",
        ",",
        ";",
        ":",
        "=",
        "x-acs-date",
        "x-acs-security-token",
        "x-acs-content-sha256",
        "host",
        "00",
        "é",
        " ",
        "%",
        "a",
    ];
    let verifier = verifier();
    for _ in 0..20_000 {
        let mut text =
            || (0..random.usize(0..9)).map(|_| random.choice(pieces).unwrap()).collect::<String>();
        let mut headers = HeaderMap::new();
        for name in ["authorization", "x-acs-date", "x-acs-content-sha256", "date"] {
            if let Ok(value) = HeaderValue::from_bytes(text().as_bytes()) {
                headers.insert(name, value);
            }
        }
        let path: String = text().chars().filter(char::is_ascii_alphanumeric).collect();
        let uri = format!("/{path}?x-fc-signature={path}&{path}").parse().unwrap();
        assert!(verifier.verify(&Method::POST, &uri, &headers, b"").await.is_err());
    }
}

#[tokio::test]
async fn an_empty_secret_verifies_nothing() {
    for key in [Credentials::new("key-1", ""), Credentials::new("", "")] {
        let verifier = Verifier::new(key.clone()).schemes(ALL);
        for scheme in ALL {
            let mut headers = headers(&[("host", "bot")]);
            let uri = "/proxy/dialogue".parse().unwrap();
            Signer::new(key.clone(), scheme).sign(&Method::POST, &uri, &mut headers, b"").unwrap();
            let refused = verifier.verify(&Method::POST, &uri, &headers, b"").await.unwrap_err();
            assert_eq!(refused, VerifyError::Signature, "{scheme:?}");
        }
    }
}
