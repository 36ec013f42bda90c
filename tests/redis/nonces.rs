//! The nonces of signatures, which all processes with one prefix share.

use std::time::{Duration, SystemTime};

use callbot::auth::{
    Credentials, Nonce, NonceError, Nonces as _, Scheme, Signer, Verifier, VerifyError,
};
use callbot::bot::store::RedisStore;
use http::{HeaderMap, Method, Uri};

use crate::two;

const HOUR: Duration = Duration::from_secs(3600);

fn nonce<'a>(key: &'a str, value: &'a str, time: Duration) -> Nonce<'a> {
    Nonce::new(key, value, SystemTime::now(), time)
}

#[tokio::test]
async fn a_nonce_is_accepted_once_by_all_processes() {
    let (redis, a, b) = two().await;
    let (one, other) = (a.nonces(), b.nonces());
    assert_eq!(one.take(nonce("key-1", "n", HOUR)).await, Ok(()));
    for nonces in [&one, &other, &a.nonces()] {
        assert_eq!(nonces.take(nonce("key-1", "n", HOUR)).await, Err(NonceError::Used));
    }
    // Another key, nonce or bot has its own, and so do texts that only look alike when joined.
    assert_eq!(other.take(nonce("key-2", "n", HOUR)).await, Ok(()));
    assert_eq!(other.take(nonce("key-1", "m", HOUR)).await, Ok(()));
    assert_eq!(other.take(nonce("key-", "1n", HOUR)).await, Ok(()));
    let bot = RedisStore::connect(redis.url(), "another-bot").await.unwrap();
    assert_eq!(bot.nonces().take(nonce("key-1", "n", HOUR)).await, Ok(()));
}

#[tokio::test]
async fn of_many_processes_at_the_same_time_one_accepts_a_nonce() {
    let (_redis, a, b) = two().await;
    let all: Vec<_> = (0..20).map(|n| if n % 2 == 0 { &a } else { &b }.nonces()).collect();
    let taken = all.iter().map(|nonces| nonces.take(nonce("key-1", "n", HOUR)));
    let taken = futures_util::future::join_all(taken).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_nonce_is_forgotten_after_its_time() {
    let (_redis, a, b) = two().await;
    let short = Duration::from_millis(50);
    assert_eq!(a.nonces().take(nonce("key-1", "n", short)).await, Ok(()));
    tokio::time::sleep(3 * short).await;
    assert_eq!(b.nonces().take(nonce("key-1", "n", Duration::MAX)).await, Ok(()));
    assert_eq!(a.nonces().take(nonce("key-1", "n", HOUR)).await, Err(NonceError::Used));
}

#[tokio::test]
async fn a_signed_request_is_not_accepted_while_redis_is_away() {
    let (mut redis, a, _) = two().await;
    let key = Credentials::new("key-1", "secret");
    let verifier = Verifier::new(key.clone()).schemes([Scheme::Full]).nonces(a.nonces());
    let (method, uri) = (Method::POST, Uri::from_static("/proxy/dialogue"));
    let check = async |replay: bool| {
        let mut headers = HeaderMap::new();
        headers.insert("host", "bot".parse().unwrap());
        Signer::new(key.clone(), Scheme::Full).sign(&method, &uri, &mut headers, b"{}").unwrap();
        let verified = verifier.verify(&method, &uri, &headers, b"{}").await;
        match replay {
            true => verifier.verify(&method, &uri, &headers, b"{}").await,
            false => verified,
        }
    };
    check(false).await.unwrap();
    assert_eq!(check(true).await, Err(VerifyError::Replay));
    redis.kill();
    let error = check(false).await.unwrap_err();
    assert!(matches!(error, VerifyError::Nonces(_)), "{error:?}");
    redis.restart();
    check(false).await.unwrap();
}
