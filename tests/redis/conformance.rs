//! The contract of a store, on one server and on a node of a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callbot::bot::store::RedisStore;
use callbot::bot::testing::store_conformance;

use crate::support::redis::Redis;

/// Makes stores that are empty, since each has a prefix of its own.
struct Stores {
    redis: Redis,
    count: AtomicU32,
}

impl Stores {
    fn prefix(&self) -> String {
        format!("bot-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    async fn connect(&self, prefix: &str) -> RedisStore {
        let store = RedisStore::builder(self.redis.url(), prefix).timeout(Duration::from_secs(5));
        store.connect().await.unwrap()
    }
}

async fn check(redis: Redis) {
    let one = Arc::new(Stores { redis, count: AtomicU32::new(0) });
    let two = one.clone();
    store_conformance(async move || one.connect(&one.prefix()).await)
        .shared(async move || {
            let prefix = two.prefix();
            (two.connect(&prefix).await, two.connect(&prefix).await)
        })
        .unit(Duration::from_millis(100))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_contract() {
    check(Redis::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_keeps_its_contract_on_one_node_of_a_cluster() {
    check(Redis::cluster()).await;
}
