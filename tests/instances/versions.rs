//! Two versions of a bot's memory side by side, as during a rolling release.

use std::time::Duration;

use crate::instance::{Instance, Settings};
use crate::redis::Redis;

/// An instance of the old version, and one of the new version.
async fn both() -> (Redis, Instance, Instance) {
    let redis = Redis::start();
    let old = Settings {
        redis: Some(redis.url()),
        // Ended calls are looked for at a quarter of this time.
        idle_timeout: Some(Duration::from_secs(4)),
        ..Settings::default()
    };
    let new = Settings { version: 1, ..old.clone() };
    let (old, new) = tokio::join!(Instance::start(&old), Instance::start(&new));
    (redis, old, new)
}

#[tokio::test]
async fn a_call_moves_to_the_new_version_and_not_back() {
    let (_redis, old, new) = both().await;
    assert_eq!(old.line.text("c", "1", "remember x | say One.").await, "One.");
    assert_eq!(new.line.text("c", "2", "memory").await, "x,migrated");
    old.line.say("c", "3", "memory").await.failure();
    old.until_logged(&["ERROR", "version 1"]).await;
    assert_eq!(new.line.text("c", "4", "memory").await, "x,migrated");
    assert!(!old.events("c").contains(&"turn 3".to_owned()));
}

#[tokio::test]
async fn an_abort_at_the_old_version_is_told_by_the_new_one() {
    let (_redis, old, new) = both().await;
    new.line.text("c", "1", "remember x | say One.").await;
    let mut reply = new.line.start("c", "2", "say Once | wait 30000").await;
    reply.until("Once").await;
    old.line.abort("c", "2", "Once").await.unwrap();
    assert_eq!(reply.rest().await.text(), "Once");
    new.line.text("c", "3", "memory").await;
    new.until("c", "interrupted 2 barge_in").await;
    assert_eq!(old.events("c"), [""; 0]);
}

#[tokio::test]
async fn an_end_at_the_old_version_is_told_by_the_new_one() {
    let (_redis, old, new) = both().await;
    new.line.text("c", "1", "remember x | say One.").await;
    let _ = old.line.end("c").await;
    new.until("c", "ended by_caller x").await;
    assert_eq!(old.events("c"), [""; 0]);
    // The call is over for both.
    assert_eq!(old.line.text("c", "2", "say New. | memory").await, "New.");
}

#[tokio::test]
async fn idle_calls_of_the_new_version_are_left_to_it() {
    let (_redis, old, new) = both().await;
    for call in 0..10 {
        new.line.text(&call.to_string(), "1", "remember x | say One.").await;
    }
    for call in 0..10 {
        new.until(&call.to_string(), "ended expired x").await;
        assert_eq!(old.events(&call.to_string()), [""; 0]);
    }
}
