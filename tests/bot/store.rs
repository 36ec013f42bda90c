//! What `MemoryStore` does besides its contract, which `store_conformance` checks: exact times and orders,
//! what it keeps and for how long, and messages that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callbot::bot::store::CancelReason::{Aborted, Overtaken};
use callbot::bot::store::{
    Cancel, CancelReason, Change, Claim, Edit, FreshState, Lease, Opened, Opening, Record, Signal,
    StoreLimit, StoredTurn, Then,
};
use callbot::bot::{CallKey, MemoryStore, Platform, Store, StoreError, TurnId};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::task::unconstrained;
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);
const PHONE: Platform = Platform::DigitalEmployee;

fn key(id: &str) -> CallKey {
    CallKey::new(PHONE, id)
}

fn turn(id: impl ToString) -> TurnId {
    TurnId::new(id.to_string())
}

fn opening(id: impl ToString) -> Opening {
    Opening::Turn { turn: turn(id), told: None, overtake: true, fresh: "fresh".into() }
}

fn end(again: Duration) -> Opening {
    Opening::End { told: None, why: "why".into(), again }
}

fn memory(text: &str) -> Change {
    let mut change = Change::default();
    change.memory = Some((0, text.to_owned().into()));
    change
}

fn closing() -> Change {
    let mut change = Change::default();
    change.then = Then::Close;
    change
}

async fn run(store: &MemoryStore, call: &str, opening: &Opening) -> (Lease, Record) {
    match store.open(&key(call), opening).await.unwrap() {
        Opened::Run { lease, record, .. } => (lease, record),
        other => panic!("{other:?}"),
    }
}

async fn lease(store: &MemoryStore, call: &str, id: impl ToString) -> Lease {
    run(store, call, &opening(id)).await.0
}

/// Runs a turn from its start to its end.
async fn answer(store: &MemoryStore, call: &str, id: impl ToString) {
    let lease = lease(store, call, id).await;
    store.write(&lease, closing()).await.unwrap();
}

async fn note(store: &MemoryStore, call: &str, note: Vec<u8>) {
    assert!(store.leave(&key(call), None, note.into(), Then::Keep).await.unwrap());
}

/// Claims calls that have been idle for so long, and returns their ids in the order of the claim.
async fn claim(store: &MemoryStore, idle: Duration, max: usize) -> Vec<String> {
    let claim = Claim::new(PHONE, idle, max, SECOND * 3600, 0);
    let claimed = store.claim(&claim).await.unwrap();
    claimed.iter().map(|claimed| claimed.lease.call.id.to_string()).collect()
}

/// Returns the messages that came so far.
fn told(signals: &mut (impl Stream<Item = Signal> + Unpin)) -> Vec<Signal> {
    let mut told = Vec::new();
    // Without tokio's budget, which would cut a long list short.
    while let Some(Some(signal)) = unconstrained(signals.next()).now_or_never() {
        told.push(signal);
    }
    told
}

fn stop(lease: &Lease, reason: CancelReason) -> Signal {
    Signal::Stop(Cancel::new(lease.call.clone(), lease.turn.clone().unwrap(), lease.epoch, reason))
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_new_call_is_made_only_for_a_new_call() {
    let (store, made) = (MemoryStore::new(), Arc::new(AtomicU32::new(0)));
    for (id, expected) in [("1", 1), ("2", 1)] {
        let counted = made.clone();
        let fresh = FreshState::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            "fresh".into()
        });
        let opening = Opening::Turn { turn: turn(id), told: None, overtake: true, fresh };
        let (_, record) = run(&store, "c", &opening).await;
        assert_eq!(record.state.to_json(), "fresh");
        assert_eq!(made.load(Ordering::SeqCst), expected, "turn {id}");
    }
}

#[tokio::test]
async fn a_store_has_room_for_one_call_at_least() {
    let store = MemoryStore::new().max_calls(0);
    lease(&store, "a", 1).await;
    let refused = store.open(&key("b"), &opening(1)).await;
    assert_eq!(refused, Err(StoreError::Full(StoreLimit::Calls(1))));
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn the_last_eight_answered_turns_are_remembered() {
    let store = MemoryStore::new();
    for id in 0..9 {
        answer(&store, "c", id).await;
    }
    for id in 1..9 {
        let opened = store.open(&key("c"), &opening(id)).await.unwrap();
        assert!(matches!(opened, Opened::Repeated(_)));
    }
    lease(&store, "c", 0).await;
}

#[tokio::test]
async fn the_newest_64_notes_are_kept() {
    let store = MemoryStore::new();
    answer(&store, "c", 1).await;
    for n in 0..70 {
        note(&store, "c", vec![n]).await;
    }
    let (_, record) = run(&store, "c", &opening(2)).await;
    assert!(record.notes.iter().map(|note| note[0]).eq(6..70));
}

#[tokio::test(start_paused = true)]
async fn a_hold_lasts_as_long_as_it_was_asked_for() {
    let store = MemoryStore::new();
    let first = lease(&store, "c", 1).await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    for left in (1..=5).rev() {
        let held = Opened::Held { left: Some(left * SECOND), epoch: first.epoch };
        assert_eq!(store.open(&key("c"), &opening(2)).await, Ok(held.clone()));
        assert_eq!(store.open(&key("c"), &end(SECOND)).await, Ok(held));
        advance(SECOND).await;
    }
    let (second, _) = run(&store, "c", &opening(2)).await;
    assert_eq!(store.write(&first, memory("late")).await, Err(StoreError::Fenced));
    // The longest hold is a year, so that no time overflows.
    store.hold(&second, Some(Duration::MAX)).await.unwrap();
    let year = Some(365 * 24 * 3600 * SECOND);
    let held = Opened::Held { left: year, epoch: second.epoch };
    assert_eq!(store.open(&key("c"), &opening(3)).await, Ok(held));
}

#[tokio::test(start_paused = true)]
async fn an_opening_learns_exactly_how_long_a_turn_has_been_unsettled() {
    let store = MemoryStore::new();
    lease(&store, "c", 1).await;
    assert!(store.abort(&key("c"), &turn(1), "abort".into()).await.unwrap());
    advance(3 * SECOND).await;
    match store.open(&key("c"), &opening(2)).await.unwrap() {
        Opened::Run { unsettled, .. } => assert_eq!(unsettled, Some(3 * SECOND)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn idle_calls_are_claimed_as_soon_as_their_time_has_passed() {
    let store = MemoryStore::new();
    for call in ["a", "b", "c", "d", "e"] {
        answer(&store, call, 1).await;
        advance(SECOND).await;
    }
    // The oldest call was used five seconds ago.
    advance(4 * SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 9).await, [""; 0]);
    answer(&store, "b", 2).await;
    advance(3 * SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 1).await, ["a"]);
    assert_eq!(claim(&store, 10 * SECOND, 9).await, ["c"]);
    assert_eq!(claim(&store, 10 * SECOND, 9).await, [""; 0]);
    advance(SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 9).await, ["d"]);
    advance(60 * SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 9).await, ["e", "b"]);
    assert!(store.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_calls_are_claimed_first() {
    let store = MemoryStore::new();
    let calls: Vec<_> = (0..50).map(|n| (n * 37 % 50).to_string()).collect();
    for call in &calls {
        answer(&store, call, 1).await;
        advance(SECOND).await;
    }
    let mut claimed = Vec::new();
    for left in [43, 36, 29, 0] {
        let max = if left == 0 { usize::MAX } else { 7 };
        claimed.extend(claim(&store, SECOND, max).await);
        assert_eq!(store.len(), left);
    }
    assert_eq!(claimed, calls);
}

#[tokio::test(start_paused = true)]
async fn calls_that_have_ended_are_claimed_before_idle_ones() {
    let store = MemoryStore::new();
    for call in ["idle", "later", "sooner"] {
        answer(&store, call, 1).await;
    }
    run(&store, "later", &end(2 * SECOND)).await;
    run(&store, "sooner", &end(SECOND)).await;
    advance(10 * SECOND).await;
    assert_eq!(claim(&store, SECOND, 1).await, ["sooner"]);
    assert_eq!(claim(&store, SECOND, 9).await, ["later", "idle"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_an_idle_call_is_told_to_stop_in_its_hold() {
    let store = MemoryStore::new();
    let mut signals = Box::pin(store.signals());
    let first = lease(&store, "c", 1).await;
    store.hold(&first, Some(60 * SECOND)).await.unwrap();
    assert!(matches!(store.open(&key("c"), &opening(2)).await, Ok(Opened::Held { .. })));
    advance(19 * SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 9).await, [""; 0]);
    advance(SECOND).await;
    assert_eq!(claim(&store, 10 * SECOND, 9).await, ["c"]);
    let ended = stop(&first, CancelReason::Ended);
    // The turn that waits gets a new call.
    assert_eq!(told(&mut signals), [stop(&first, Overtaken), ended, Signal::Free(key("c"))]);
    let (_, record) = run(&store, "c", &opening(2)).await;
    assert_eq!(record.state.to_json(), "fresh");
}

#[tokio::test]
async fn calls_that_have_ended_count_for_no_limit() {
    let store = MemoryStore::new().max_calls(1);
    for id in 0..3 {
        answer(&store, &id.to_string(), 1).await;
        run(&store, &id.to_string(), &end(SECOND)).await;
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }
    assert!(store.is_empty());
}

#[tokio::test]
async fn what_a_call_keeps_counts_until_it_goes() {
    let store = MemoryStore::new();
    let first = lease(&store, "c", 1).await;
    let empty = store.bytes();
    let mut change = memory(&"m".repeat(100));
    let said = StoredTurn::new(turn("said"), 1, 0, vec![b'x'; 1000]);
    change.history = vec![Edit::Put(said.into())];
    store.write(&first, change).await.unwrap();
    let kept = store.bytes() - empty;
    assert!((1100..1300).contains(&kept), "{kept}");
    note(&store, "c", vec![b'n'; 10_000]).await;
    assert!((10_000..10_100).contains(&(store.bytes() - empty - kept)));
    let mut change = memory("");
    change.notes_read = 1;
    change.history = vec![Edit::Remove(turn("said"))];
    store.write(&first, change).await.unwrap();
    assert_eq!(store.bytes(), empty);
}

#[tokio::test]
async fn a_stop_is_sent_for_each_turn_that_has_to_stop() {
    let store = MemoryStore::new();
    let mut one = Box::pin(store.signals());
    let first = lease(&store, "c", 1).await;
    let second = lease(&store, "c", 2).await;
    // A subscriber gets the messages since it subscribed, not since it first polled.
    let mut other = Box::pin(store.signals());
    let third = lease(&store, "c", 3).await;
    store.abort(&key("c"), &turn(3), "abort".into()).await.unwrap();
    let last = [stop(&second, Overtaken), stop(&third, Aborted)];
    assert_eq!(told(&mut other), last);
    assert_eq!(told(&mut one), [&[stop(&first, Overtaken)], &last[..]].concat());
    // The stream does not keep the store alive, and ends with it.
    drop(store);
    assert_eq!(other.next().await, None);
}

#[tokio::test]
async fn free_is_sent_only_to_those_who_wait() {
    let store = MemoryStore::new();
    let mut signals = Box::pin(store.signals());
    let first = lease(&store, "c", 1).await;
    store.hold(&first, Some(SECOND)).await.unwrap();
    store.hold(&first, None).await.unwrap();
    store.write(&first, closing()).await.unwrap();
    answer(&store, "c", 2).await;
    assert_eq!(told(&mut signals), []);
    let third = lease(&store, "c", 3).await;
    store.hold(&third, Some(SECOND)).await.unwrap();
    let patient =
        Opening::Turn { turn: turn(4), told: None, overtake: false, fresh: "fresh".into() };
    assert!(matches!(store.open(&key("c"), &patient).await, Ok(Opened::Held { .. })));
    store.write(&third, closing()).await.unwrap();
    assert_eq!(told(&mut signals), [Signal::Free(key("c"))]);
}

#[tokio::test]
async fn a_subscriber_that_falls_behind_learns_that_it_has_lost_messages() {
    let store = MemoryStore::new();
    let mut signals = Box::pin(store.signals());
    for id in 0..=5000 {
        lease(&store, "c", id).await;
    }
    let told = told(&mut signals);
    assert!(told.len() < 5000);
    assert_eq!(told.first(), Some(&Signal::Lost));
    assert_eq!(told.iter().filter(|signal| **signal == Signal::Lost).count(), 1);
    // It has the newest ones, and gets those that follow.
    let epoch = lease(&store, "c", "x").await.epoch;
    let last = |id, epoch| Signal::Stop(Cancel::new(key("c"), turn(id), epoch, Overtaken));
    assert_eq!(told.last(), Some(&last(4999, epoch - 2)));
    assert_eq!(signals.next().await, Some(last(5000, epoch - 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_concurrent_openers_only_the_last_can_write() {
    let store = Arc::new(MemoryStore::new());
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let lease = lease(&store, "c", n).await;
                tokio::task::yield_now().await;
                let _ = store.write(&lease, memory(&n.to_string())).await;
                lease
            })
        })
        .collect();
    let mut leases = Vec::new();
    for task in tasks {
        leases.push(task.await.unwrap());
    }
    leases.sort_by_key(|lease| lease.epoch);
    leases.dedup_by_key(|lease| lease.epoch);
    assert_eq!(leases.len(), 1000);
    let last = leases.pop().unwrap();
    for lease in &leases {
        assert_eq!(store.write(lease, memory("late")).await, Err(StoreError::Fenced));
    }
    // The last one has written already, and no other turn after it.
    let record = store.read(&key("c")).await.unwrap().unwrap();
    assert_eq!(record.memory, last.turn.as_ref().unwrap().as_str().as_bytes());
    store.write(&last, closing()).await.unwrap();
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn the_store_works_in_an_arc_and_hides_memory_in_debug() {
    let store = Arc::new(MemoryStore::default());
    assert!(!Store::shared(&store));
    let Opened::Run { lease, .. } = Store::open(&store, &key("c"), &opening(1)).await.unwrap()
    else {
        panic!()
    };
    Store::write(&store, &lease, memory("secret")).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("calls: 1") && !shown.contains("secret"), "{shown}");
}
