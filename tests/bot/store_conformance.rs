//! The checks of a store: `MemoryStore` passes them, and stores with a fault do not.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use callbot::bot::store2::MemoryStore;
use callbot::bot::testing::store_conformance;
use futures_util::FutureExt;

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_the_contract() {
    for seed in [0, 1000, 2000] {
        store_conformance(async || Arc::new(MemoryStore::new()))
            .full(3, async || Arc::new(MemoryStore::new().max_calls(3)))
            .shared(async || {
                let store = Arc::new(MemoryStore::new());
                (store.clone(), store)
            })
            .seed(seed)
            .await;
    }
}
