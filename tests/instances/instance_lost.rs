//! An instance is killed or frozen, and others go on.

use std::time::Duration;

use tokio::time::sleep;

use crate::instance::{Instance, Settings};
use crate::proxy::Proxy;
use crate::redis::Redis;

async fn settings(redis: &Redis) -> Settings {
    Settings { redis: Some(redis.url()), ..Settings::default() }
}

#[tokio::test]
async fn the_turn_of_a_killed_instance_runs_at_another_one() {
    let redis = Redis::start();
    let settings = settings(&redis).await;
    let (mut here, there) = tokio::join!(Instance::start(&settings), Instance::start(&settings));
    here.line.text("c", "1", "remember kept | say One.").await;
    let mut reply = here.line.start("c", "2", "say Two. | wait 30000").await;
    reply.until("Two.").await;
    here.kill().await;
    reply.rest().await.failure();
    assert_eq!(there.line.text("c", "2", "say Two. | memory").await, "Two. kept");
    assert_eq!(there.line.text("c", "3", "history").await, "1=One.;2=Two. kept");
}

#[tokio::test]
async fn a_hold_of_a_killed_instance_ends_by_its_time() {
    let redis = Redis::start();
    let settings = settings(&redis).await;
    let (mut here, there) = tokio::join!(Instance::start(&settings), Instance::start(&settings));
    let mut reply = here.line.start("c", "1", "say I pay. | hold 30000").await;
    reply.until("pay.").await;
    here.until("c", "holding").await;
    here.kill().await;
    assert_eq!(there.line.text("c", "2", "say Hello. | memory").await, "Hello.");
}

#[tokio::test]
async fn an_end_whose_instance_was_killed_is_told_by_another_one() {
    let redis = Redis::start();
    let settings = Settings {
        // Ended calls are looked for at a quarter of this time.
        idle_timeout: Some(Duration::from_secs(4)),
        end_timeout: Some(Duration::from_millis(500)),
        slow_end: Duration::from_millis(300),
        ..settings(&redis).await
    };
    let mut here = Instance::start(&settings).await;
    here.line.text("c", "1", "remember slow end | say One.").await;
    let line = here.line.clone();
    let ending = tokio::spawn(async move { line.end("c").await });
    here.until("c", "ending by_caller").await;
    here.kill().await;
    assert!(!here.events("c").contains(&"ended by_caller slow end".to_owned()), "killed too late");
    // It needs no request for that.
    let there = Instance::start(&settings).await;
    there.until("c", "ended by_caller slow end").await;
    let _ = ending.await;
    // A new call of the same id is another one.
    assert_eq!(there.line.text("c", "2", "say New. | memory").await, "New.");
}

#[tokio::test]
async fn the_turn_of_a_frozen_instance_stops_once_it_thaws() {
    let redis = Redis::start();
    let settings = settings(&redis).await;
    let (here, there) = tokio::join!(Instance::start(&settings), Instance::start(&settings));
    let mut reply = here.line.start("c", "1", "say One. | wait 1500 | remember a | say Two.").await;
    reply.until("One.").await;
    here.freeze();
    assert_eq!(there.line.text("c", "2", "remember b | say Hello.").await, "Hello.");
    sleep(Duration::from_millis(300)).await;
    here.thaw();
    reply.rest().await;
    here.until("c", "dropped 1").await;
    assert_eq!(here.line.text("c", "3", "memory").await, "b");
}

#[tokio::test]
async fn an_instance_thaws_with_dead_connections() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.address()).await;
    let url = Some(format!("redis://{}", proxy.address));
    let (mine, other) = (Settings { redis: url, ..Settings::default() }, settings(&redis).await);
    let (here, there) = tokio::join!(Instance::start(&mine), Instance::start(&other));
    here.line.text("c", "1", "remember kept | say One.").await;
    for resets in [true, false] {
        here.freeze();
        match resets {
            true => proxy.reset(),
            false => proxy.swallow_open_connections(),
        }
        sleep(Duration::from_millis(2500)).await;
        here.thaw();
        let turn = format!("{resets}");
        assert_eq!(here.line.text("c", &turn, "memory").await, "kept");
        // It hears of an abort again.
        for attempt in 0.. {
            let turn = format!("{resets}{attempt}");
            let mut reply = here.line.start("d", &turn, "say Once | wait 1500 | answer upon").await;
            reply.until("Once").await;
            there.line.abort("d", &turn, "Once").await.unwrap();
            if reply.rest().await.text() == "Once" {
                break;
            }
            assert!(attempt < 5, "no message arrives");
        }
    }
}
