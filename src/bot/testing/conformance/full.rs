//! A store that is full.

use super::case::{Case, broken, closing, equal, key, ok, opening, rule, turn};
use crate::bot::capabilities::Platform;
use crate::bot::input::CallKey;
use crate::bot::store::{Opened, Opening, Store, StoreError, Then};

/// Opens a new call in a full store.
async fn refused<S: Store>(case: &Case<S>, call: &str) {
    let restore = Opening::Restore { turn: turn("1"), fresh: "fresh".into() };
    for opening in [opening("1"), restore] {
        match case.store.open(&key(call), &opening).await {
            Err(StoreError::Full(_)) => {}
            other => broken(
                "a full store refuses a new call",
                format_args!("expected: Err(Full(..))\n   found: {other:?}"),
            ),
        }
    }
    equal("a call that was refused does not exist", case.read(call).await, None);
}

pub(super) async fn a_full_store_refuses_new_calls<S: Store>(case: &Case<S>, max_calls: usize) {
    let mut leases = Vec::new();
    for n in 0..max_calls {
        leases.push(case.lease(&n.to_string(), "1").await);
    }
    refused(case, "new").await;
    let evicted = ok("a full store can be asked for room", case.store.evict(&key("new")).await);
    equal("a call that a turn has is not removed for another", evicted, Vec::new());
    refused(case, "new").await;
    for lease in &leases {
        case.written("a full store serves the calls that it has", lease, closing(Then::Keep)).await;
        case.run(&lease.call.id, &opening("2")).await;
    }
    let (ended, _) = case.run("0", &super::case::end(super::case::LONG)).await;
    case.run("new", &opening("1")).await;
    case.remove(&ended).await;
    refused(case, "newer").await;
}

pub(super) async fn eviction_makes_room<S: Store>(case: &Case<S>, max_calls: usize) {
    let running = case.lease("running", "1").await;
    for n in 1..max_calls {
        case.answer(&n.to_string(), "1").await;
        case.sleep(1).await;
    }
    // Used again, so others have been idle for longer.
    if max_calls > 2 {
        case.answer("1", "2").await;
        case.sleep(1).await;
    }
    refused(case, "new").await;
    let none = "no call is removed if there is room";
    let other = CallKey::new(Platform::Chat, "new");
    let opened = case.store.open(&other, &opening("1")).await;
    if matches!(opened, Ok(Opened::Run { .. })) {
        equal(none, case.store.evict(&other).await, Ok(Vec::new()));
    }
    let evicted = ok("a full store can be asked for room", case.store.evict(&key("new")).await);
    if evicted.is_empty() {
        // It evicts no calls.
        refused(case, "new").await;
    } else {
        let oldest = if max_calls > 2 { "2" } else { "1" };
        let ids: Vec<_> = evicted.iter().map(|(call, _)| &*call.id).collect();
        equal("the call that has been idle longest makes room, and no other", ids, vec![oldest]);
        equal("a call that made room is gone", case.read(oldest).await, None);
        equal(none, case.store.evict(&key("new")).await, Ok(Vec::new()));
        case.run("new", &opening("1")).await;
        refused(case, "newer").await;
    }
    let kept = "a call that a turn has is not removed for another";
    case.written(kept, &running, closing(Then::Close)).await;
    rule(kept, case.read("running").await.is_some());
}
