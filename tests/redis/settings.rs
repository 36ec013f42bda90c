//! Settings, and what must not be shown.

use std::error::Error as _;
use std::time::Duration;

use callbot::bot::store::{RedisStore, Store as _, StoreError};

use crate::support::redis::Redis;
use crate::support::traces::traced;
use crate::{key, open, store_at, turn};

const PASSWORD: &str = "hush-4711";

/// Returns all that an error shows.
fn shown(error: &StoreError) -> String {
    let source = error.source().map(ToString::to_string);
    format!("{error} {error:?} {error:#?} {}", source.unwrap_or_default())
}

#[tokio::test]
async fn user_password_and_database_come_from_the_url_and_never_show() {
    let (traces, _guard) = traced();
    let mut redis = Redis::with(&["--requirepass", PASSWORD]);
    let url = |user: &str| format!("redis://{user}@127.0.0.1:{}/3", redis.port());
    let right = url(&format!(":{PASSWORD}"));
    let builder = RedisStore::builder(right, "bot").timeout(Duration::from_millis(500));
    let settings = format!("{builder:?} {builder:#?}");
    assert!(settings.contains("\"bot\"") && !settings.contains("4711"), "{settings}");
    let store = builder.connect().await.unwrap();
    open(&store, &key("1"), turn("t1")).await;
    let keys = redis.commands(&[&["AUTH", PASSWORD], &["SELECT", "3"], &["KEYS", "*"]]);
    assert!(keys[2].contains("bot:{digital-employee/1}"), "{keys:?}");
    let text = format!("{store:?} {store:#?}");
    assert!(text.contains("127.0.0.1") && !text.contains("4711"), "{text}");
    for wrong in ["", ":4711-wrong", "4711-nobody:x"] {
        let wrong = RedisStore::builder(url(wrong), "bot").timeout(Duration::from_millis(500));
        let error = wrong.connect().await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(!shown(&error).contains("4711"), "{}", shown(&error));
    }
    redis.kill();
    let error = store.read(&key("1")).await.unwrap_err();
    assert!(!shown(&error).contains("4711"), "{}", shown(&error));
    assert!(traces.text().contains("127.0.0.1"), "{}", traces.text());
    let callbot = traces.with(&["callbot"]).join("\n");
    assert!(!callbot.contains("4711"), "{callbot}");
}

#[tokio::test]
async fn a_wrong_setting_is_refused_without_showing_the_url() {
    for (url, prefix, part) in [
        ("", "bot", "Redis: "),
        ("http://:hush-4711@h/", "bot", "Redis: "),
        ("redis://:hush-4711@h:port/", "bot", "Redis: "),
        ("rediss://:hush-4711@h/#insecure", "bot", "fragment"),
        ("redis://:hush-4711@h/", "", "prefix"),
        ("redis://:hush-4711@h/", "a{b}", "prefix"),
    ] {
        let error = RedisStore::connect(url, prefix).await.unwrap_err();
        let text = shown(&error);
        assert!(matches!(error, StoreError::Failed(_)), "{text}");
        assert!(text.contains(part) && !text.contains("4711"), "{text}");
    }
    let plain = RedisStore::builder("redis://h", "bot").root_certificates("x");
    let error = plain.connect().await.unwrap_err();
    assert!(shown(&error).contains("not of TLS"), "{}", shown(&error));
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_told_from_one_that_refuses() {
    let port = crate::support::redis::free_port();
    let store = RedisStore::builder(format!("redis://127.0.0.1:{port}"), "bot");
    let error = store.timeout(Duration::from_millis(100)).connect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_redis_that_evicts_keys_is_warned_about() {
    for (policy, warnings) in [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 1)] {
        let (traces, _guard) = traced();
        let redis = Redis::with(&["--maxmemory-policy", policy]);
        store_at(&redis.url()).await;
        let lines = traces.with(&["WARN", "noeviction", policy]);
        assert_eq!(lines.len(), warnings, "{policy}: {lines:?}");
    }
}

#[tokio::test]
async fn a_redis_that_does_not_tell_its_settings_is_used() {
    let redis = Redis::with(&["--rename-command", "CONFIG", ""]);
    let store = store_at(&redis.url()).await;
    open(&store, &key("1"), turn("t1")).await;
}
