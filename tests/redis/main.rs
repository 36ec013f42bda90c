//! The store in Redis, against real servers.

#![cfg(all(feature = "redis-store", feature = "digital-employee", feature = "client", unix))]

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod conformance;
mod faults;
mod nonces;
mod settings;

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callbot::bot::store::{
    Change, Edit, Lease, Opened, Opening, Record, RedisStore, Signal, Store as _, StoredTurn, Then,
};
use callbot::bot::{CallKey, Platform, TurnId};
use futures_util::{Stream, StreamExt as _};
use support::redis::Redis;

/// Starts Redis and connects two processes to it.
async fn two() -> (Redis, RedisStore, RedisStore) {
    let redis = Redis::start();
    let (a, b) = (store(&redis).await, store(&redis).await);
    (redis, a, b)
}

async fn store(redis: &Redis) -> RedisStore {
    store_at(&redis.url()).await
}

async fn store_at(url: &str) -> RedisStore {
    // Tests run beside each other on slow machines.
    RedisStore::builder(url, "bot").timeout(Duration::from_secs(5)).connect().await.unwrap()
}

fn key(id: &str) -> CallKey {
    CallKey::new(Platform::DigitalEmployee, id)
}

fn turn(id: &str) -> Opening {
    Opening::Turn { turn: TurnId::new(id), told: None, overtake: true, fresh: "{\"new\":1}".into() }
}

fn end(again: Duration) -> Opening {
    Opening::End { told: None, why: Bytes::from_static(b"\"hangup\""), again }
}

/// Opens a call, which must be possible.
async fn open(store: &RedisStore, call: &CallKey, opening: Opening) -> (Lease, Record) {
    match store.open(call, &opening).await.unwrap() {
        Opened::Run { lease, record, .. } => (lease, record),
        other => panic!("{opening:?} opens nothing: {other:?}"),
    }
}

fn memory(text: &'static str, then: Then) -> Change {
    let mut change = Change::default();
    change.memory = Some((1, Bytes::from_static(text.as_bytes())));
    change.then = then;
    change
}

fn put(turn: &str, epoch: u64, json: &str) -> Edit {
    Edit::Put(StoredTurn::new(TurnId::new(turn), epoch, 0, json.as_bytes()).into())
}

/// Waits until this is so, and fails with `what` if it never is.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The signals of a store, in order.
struct Signals(Pin<Box<dyn Stream<Item = Signal> + Send>>);

impl Signals {
    fn of(store: &RedisStore) -> Self {
        Self(Box::pin(store.signals()))
    }

    async fn next(&mut self) -> Signal {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await;
        next.expect("no signal arrives").expect("the signals have ended")
    }

    /// Returns what has arrived so far.
    async fn rest(&mut self) -> Vec<Signal> {
        let mut rest = Vec::new();
        while let Ok(Some(signal)) =
            tokio::time::timeout(Duration::from_millis(200), self.0.next()).await
        {
            rest.push(signal);
        }
        rest
    }
}
