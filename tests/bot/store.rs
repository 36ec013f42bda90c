//! `MemoryStore` does what the trait `Store` says: which lease may write to a call and until when, who
//! waits and what ends the wait, and which cancels are sent.

use std::sync::Arc;
use std::time::Duration;

use callbot::bot::store::CancelReason::{Aborted, Overtaken};
use callbot::bot::store::{
    Cancel, CancelReason, Change, Lease, NoteKind, Opened, Opening, Record, StoreLimit, Then,
};
use callbot::bot::{CallKey, MemoryStore, Platform, Store, StoreError, TurnId};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::task::{JoinHandle, unconstrained};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);
const PHONE: Platform = Platform::DigitalEmployee;

fn key(id: &str) -> CallKey {
    CallKey::new(PHONE, id)
}

fn turn(id: impl ToString) -> TurnId {
    TurnId::new(id.to_string())
}

fn memory(text: &str) -> Change {
    let mut change = Change::default();
    change.memory = Some(text.into());
    change
}

fn read_notes(notes: usize) -> Change {
    let mut change = Change::default();
    change.notes_read = notes;
    change
}

fn closing() -> Change {
    let mut change = Change::default();
    change.then = Then::Close;
    change
}

async fn open(store: &MemoryStore, call: &str, id: &str) -> Opened {
    store.open(&key(call), Opening::Turn(turn(id))).await.unwrap()
}

async fn run(store: &MemoryStore, call: &str, id: &str) -> (Lease, Record) {
    match open(store, call, id).await {
        Opened::Run(lease, record) => (lease, record),
        other => panic!("{other:?}"),
    }
}

async fn lease(store: &MemoryStore, call: &str, id: &str) -> Lease {
    run(store, call, id).await.0
}

/// Runs a turn from its start to its end.
async fn answer(store: &MemoryStore, call: &str, id: &str) {
    let lease = lease(store, call, id).await;
    store.write(&lease, closing()).await.unwrap();
}

async fn abort(store: &MemoryStore, call: &str, id: &str) -> bool {
    store.note(&key(call), &turn(id), b"abort".to_vec(), NoteKind::Abort).await.unwrap()
}

async fn remembered(store: &MemoryStore, call: &str) -> String {
    let record = store.read(&key(call)).await.unwrap().unwrap();
    String::from_utf8(record.memory).unwrap()
}

/// Opens a call in a separate task, which already waits when this returns.
async fn opening(store: &Arc<MemoryStore>, call: &str, id: &str) -> JoinHandle<(Opened, Instant)> {
    let (store, call, id) = (store.clone(), call.to_owned(), id.to_owned());
    let task = tokio::spawn(async move { (open(&store, &call, &id).await, Instant::now()) });
    settle().await;
    task
}

/// Lets all tasks run until they wait.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Returns the cancels that have been sent so far.
fn told(cancels: &mut (impl Stream<Item = Cancel> + Unpin)) -> Vec<(String, CancelReason)> {
    let mut told = Vec::new();
    // Without tokio's budget, which would cut a long list short.
    while let Some(Some(cancel)) = unconstrained(cancels.next()).now_or_never() {
        told.push((format!("{}/{}", cancel.call.id, cancel.turn), cancel.reason));
    }
    told
}

fn told_of<const N: usize>(cancels: [(&str, CancelReason); N]) -> Vec<(String, CancelReason)> {
    cancels.map(|(turn, reason)| (turn.to_owned(), reason)).into()
}

fn is_fenced<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert_eq!(result.unwrap_err(), StoreError::Fenced);
}

#[tokio::test]
async fn written_memory_and_state_are_read_back() {
    let store = MemoryStore::new();
    assert!(store.is_empty());
    assert_eq!(store.read(&key("c")).await, Ok(None));

    let (first, record) = run(&store, "c", "1").await;
    assert_eq!((&first.call, &first.turn), (&key("c"), &Some(turn(1))));
    assert_eq!(record, Record::default());
    store.write(&first, memory("m1")).await.unwrap();
    let mut change = closing();
    change.state = Some(b"s1".to_vec());
    store.write(&first, change).await.unwrap();

    let (second, record) = run(&store, "c", "2").await;
    assert!(second.epoch > first.epoch);
    assert_eq!((record.memory, record.state), (b"m1".to_vec(), b"s1".to_vec()));
    // An empty memory is written as well.
    store.write(&second, memory("")).await.unwrap();
    let record = store.read(&key("c")).await.unwrap().unwrap();
    assert_eq!((record.memory, record.state), (vec![], b"s1".to_vec()));
    assert_eq!(store.len(), 1);
    // The same id on another platform is another call.
    let other = CallKey::new(Platform::Duix, "c");
    assert_eq!(store.read(&other).await, Ok(None));
}

#[tokio::test]
async fn the_last_to_open_a_call_owns_it() {
    let store = MemoryStore::new();
    let first = lease(&store, "c", "1").await;
    store.write(&first, memory("first")).await.unwrap();
    let second = lease(&store, "c", "2").await;
    is_fenced(store.write(&first, memory("late")).await);
    is_fenced(store.write(&first, closing()).await);
    is_fenced(store.hold(&first, Some(SECOND)).await);
    is_fenced(store.hold(&first, None).await);
    assert_eq!(remembered(&store, "c").await, "first");
    store.write(&second, memory("second")).await.unwrap();
    store.write(&second, closing()).await.unwrap();
    assert_eq!(remembered(&store, "c").await, "second");
    // Nor after the turn has closed.
    is_fenced(store.write(&second, memory("late")).await);
    is_fenced(store.hold(&second, Some(SECOND)).await);
    // A late repetition of the overtaken turn does not get the call.
    assert!(matches!(open(&store, "c", "1").await, Opened::Repeated(_)));
}

#[tokio::test]
async fn an_unanswered_turn_may_be_repeated() {
    let store = MemoryStore::new();
    let first = lease(&store, "c", "1").await;
    let mut change = Change::default();
    change.then = Then::CloseUnanswered;
    store.write(&first, change).await.unwrap();
    is_fenced(store.write(&first, memory("late")).await);
    let again = lease(&store, "c", "1").await;
    store.write(&again, closing()).await.unwrap();
    assert!(matches!(open(&store, "c", "1").await, Opened::Repeated(_)));
}

#[tokio::test]
async fn the_lease_of_a_removed_call_is_fenced_from_a_new_call_with_its_id() {
    let store = MemoryStore::new();
    let old = lease(&store, "c", "1").await;
    store.end(&key("c")).await.unwrap().unwrap();
    is_fenced(store.write(&old, memory("old")).await);
    let new = lease(&store, "c", "1").await;
    assert!(new.epoch > old.epoch);
    is_fenced(store.write(&old, memory("old")).await);
    store.write(&new, memory("new")).await.unwrap();
    // Nor does it apply to another call.
    let other = Lease::new(key("d"), new.turn.clone(), new.epoch);
    is_fenced(store.write(&other, memory("other")).await);
}

#[tokio::test]
async fn a_repeated_turn_does_not_get_the_call() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    for id in 0..8 {
        answer(&store, "c", &id.to_string()).await;
    }
    let running = lease(&store, "c", "8").await;
    store.write(&running, memory("now")).await.unwrap();
    for id in 0..8 {
        match open(&store, "c", &id.to_string()).await {
            Opened::Repeated(record) => assert_eq!(record.memory, b"now"),
            other => panic!("{other:?}"),
        }
    }
    // That changed nothing.
    assert_eq!(told(&mut cancels), []);
    store.write(&running, closing()).await.unwrap();
    // The last eight turns are known.
    assert!(matches!(open(&store, "c", "1").await, Opened::Repeated(_)));
    assert!(matches!(open(&store, "c", "0").await, Opened::Run(..)));
    // Each call has its own turns.
    assert!(matches!(open(&store, "d", "8").await, Opened::Run(..)));
}

#[tokio::test]
async fn a_running_turn_that_is_opened_again_starts_over() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    let older = lease(&store, "c", "1").await;
    let newer = lease(&store, "c", "1").await;
    assert_eq!(told(&mut cancels), told_of([("c/1", Overtaken)]));
    is_fenced(store.write(&older, closing()).await);
    store.write(&newer, closing()).await.unwrap();
}

#[tokio::test]
async fn if_free_opens_only_a_call_without_a_running_turn() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    let if_free = || async { store.open(&key("c"), Opening::IfFree).await.unwrap() };
    assert_eq!(if_free().await, Opened::Busy);
    assert!(store.is_empty());
    let first = lease(&store, "c", "1").await;
    store.write(&first, memory("first")).await.unwrap();
    assert_eq!(if_free().await, Opened::Busy);
    store.write(&first, closing()).await.unwrap();
    let Opened::Run(between, record) = if_free().await else { panic!() };
    assert_eq!((&between.turn, record.memory), (&None, b"first".to_vec()));
    assert!(between.epoch > first.epoch);
    // It owns the call as a turn does, but no cancel is sent when a turn takes over.
    assert_eq!(if_free().await, Opened::Busy);
    store.write(&between, memory("between")).await.unwrap();
    let second = lease(&store, "c", "2").await;
    is_fenced(store.write(&between, closing()).await);
    store.write(&second, closing()).await.unwrap();
    assert_eq!(told(&mut cancels), []);
    // Closing it leaves the call free.
    let Opened::Run(between, _) = if_free().await else { panic!() };
    store.write(&between, closing()).await.unwrap();
    assert!(matches!(if_free().await, Opened::Run(..)));
}

#[tokio::test]
async fn calls_above_the_limit_of_the_store_are_refused() {
    let store = MemoryStore::new().max_calls(2);
    lease(&store, "a", "1").await;
    lease(&store, "b", "1").await;
    let refused = store.open(&key("c"), Opening::Turn(turn(1))).await;
    assert_eq!(refused, Err(StoreError::Full(StoreLimit::Calls(2))));
    assert_eq!(store.len(), 2);
    assert!(!abort(&store, "c", "1").await);
    // Existing calls continue.
    answer(&store, "a", "2").await;
    store.end(&key("b")).await.unwrap().unwrap();
    answer(&store, "c", "1").await;
    // A limit of 0 counts as 1.
    let store = MemoryStore::new().max_calls(0);
    lease(&store, "a", "1").await;
    let refused = store.open(&key("b"), Opening::Turn(turn(1))).await;
    assert_eq!(refused, Err(StoreError::Full(StoreLimit::Calls(1))));
}

#[tokio::test(start_paused = true)]
async fn the_next_turn_waits_for_a_hold() {
    let store = Arc::new(MemoryStore::new());
    let mut cancels = Box::pin(store.cancels());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    let begun = Instant::now();
    let waiting = opening(&store, "c", "2").await;
    // The cancel is sent once, before the wait, and the turn can still write.
    assert_eq!(told(&mut cancels), told_of([("c/1", Overtaken)]));
    sleep(2 * SECOND).await;
    assert!(!waiting.is_finished());
    store.write(&first, memory("held")).await.unwrap();
    let (opened, at) = waiting.await.unwrap();
    assert_eq!(at - begun, 5 * SECOND);
    let Opened::Run(second, record) = opened else { panic!() };
    assert_eq!(record.memory, b"held");
    is_fenced(store.write(&first, memory("late")).await);
    store.write(&second, memory("second")).await.unwrap();
    assert_eq!(told(&mut cancels), []);
}

#[tokio::test(start_paused = true)]
async fn an_expired_hold_without_a_waiting_turn_keeps_the_lease() {
    let store = MemoryStore::new();
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(SECOND)).await.unwrap();
    advance(2 * SECOND).await;
    store.write(&first, memory("after")).await.unwrap();
    // The hold has expired: the next turn does not wait.
    let begun = Instant::now();
    lease(&store, "c", "2").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // Nor does it wait for a hold of zero length.
    let third = lease(&store, "c", "3").await;
    store.hold(&third, Some(Duration::ZERO)).await.unwrap();
    lease(&store, "c", "4").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn releasing_or_closing_ends_a_hold_early() {
    let store = Arc::new(MemoryStore::new());
    let begun = Instant::now();
    for (call, write, id) in [("a", false, "2"), ("b", true, "2"), ("c", true, "1")] {
        let first = lease(&store, call, "1").await;
        store.hold(&first, Some(5 * SECOND)).await.unwrap();
        let waiting = opening(&store, call, id).await;
        assert!(!waiting.is_finished());
        if write {
            store.write(&first, closing()).await.unwrap();
        } else {
            store.hold(&first, None).await.unwrap();
            // The lease stays valid until the next turn takes over.
            store.write(&first, memory("after")).await.unwrap();
        }
        let (opened, _) = waiting.await.unwrap();
        // The repeated turn has been answered in the meantime.
        assert_eq!(matches!(opened, Opened::Repeated(_)), id == "1", "{opened:?}");
    }
    // No time has passed.
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hold_can_be_extended_and_shortened() {
    let store = Arc::new(MemoryStore::new());
    for time in [10 * SECOND, 3 * SECOND] {
        let begun = Instant::now();
        let first = lease(&store, "c", "1").await;
        store.hold(&first, Some(5 * SECOND)).await.unwrap();
        let waiting = opening(&store, "c", "2").await;
        sleep(SECOND).await;
        store.hold(&first, Some(time)).await.unwrap();
        let (opened, at) = waiting.await.unwrap();
        assert!(matches!(opened, Opened::Run(..)));
        assert_eq!(at - begun, SECOND + time);
        store.end(&key("c")).await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_may_be_endless() {
    let store = Arc::new(MemoryStore::new());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(Duration::MAX)).await.unwrap();
    let waiting = opening(&store, "c", "2").await;
    sleep(24 * 3600 * SECOND).await;
    assert!(!waiting.is_finished());
    store.hold(&first, None).await.unwrap();
    assert!(matches!(waiting.await.unwrap().0, Opened::Run(..)));
}

#[tokio::test(start_paused = true)]
async fn of_several_waiting_turns_the_last_one_keeps_the_call() {
    let store = Arc::new(MemoryStore::new());
    let mut cancels = Box::pin(store.cancels());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    let mut waiting = Vec::new();
    for id in ["2", "3", "4"] {
        waiting.push(opening(&store, "c", id).await);
    }
    store.hold(&first, None).await.unwrap();
    let mut leases = Vec::new();
    for task in waiting {
        match task.await.unwrap().0 {
            Opened::Run(lease, _) => leases.push(lease),
            other => panic!("{other:?}"),
        }
    }
    leases.sort_by_key(|lease| lease.epoch);
    let last = leases.pop().unwrap();
    for lease in &leases {
        is_fenced(store.write(lease, memory("late")).await);
    }
    store.write(&last, memory("last")).await.unwrap();
    // Each opener cancelled the first turn, and each overtaken opener got a cancel.
    let told = told(&mut cancels);
    assert_eq!(told.len(), 5, "{told:?}");
    for lease in &leases {
        let name = format!("c/{}", lease.turn.as_ref().unwrap());
        assert_eq!(told.iter().filter(|(turn, _)| *turn == name).count(), 1, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_turn_may_be_dropped() {
    let store = Arc::new(MemoryStore::new());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    let gone = opening(&store, "c", "2").await;
    let stays = opening(&store, "c", "3").await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // The dropped turn has changed nothing.
    store.write(&first, memory("first")).await.unwrap();
    store.write(&first, closing()).await.unwrap();
    let Opened::Run(third, record) = stays.await.unwrap().0 else { panic!() };
    assert_eq!((third.turn.clone(), record.memory), (Some(turn(3)), b"first".to_vec()));
    store.write(&third, closing()).await.unwrap();
    // The dropped turn may be opened again.
    answer(&store, "c", "2").await;
    // All waiting turns have gone.
    let fourth = lease(&store, "c", "4").await;
    store.hold(&fourth, Some(5 * SECOND)).await.unwrap();
    assert!(store.open(&key("c"), Opening::Turn(turn(5))).now_or_never().is_none());
    store.hold(&fourth, None).await.unwrap();
    store.write(&fourth, closing()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_waiting_turn_can_be_aborted() {
    let store = Arc::new(MemoryStore::new());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    let waiting = opening(&store, "c", "2").await;
    assert!(abort(&store, "c", "2").await);
    store.write(&first, memory("first")).await.unwrap();
    store.hold(&first, None).await.unwrap();
    match waiting.await.unwrap().0 {
        Opened::Repeated(record) => assert_eq!(record.memory, b"first"),
        other => panic!("{other:?}"),
    }
    // The first turn still owns the call.
    store.write(&first, closing()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_abort_fences_a_turn() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    let first = lease(&store, "c", "1").await;
    assert!(abort(&store, "c", "1").await);
    assert_eq!(told(&mut cancels), told_of([("c/1", Aborted)]));
    is_fenced(store.write(&first, memory("late")).await);
    is_fenced(store.hold(&first, Some(SECOND)).await);
    let Opened::Repeated(record) = open(&store, "c", "1").await else { panic!() };
    assert_eq!(record.notes, [b"abort"]);
    // The call is free, and the epoch of the next lease is above that of the abort.
    let Opened::Run(between, _) = store.open(&key("c"), Opening::IfFree).await.unwrap() else {
        panic!()
    };
    assert!(between.epoch > first.epoch + 1);
    // An expired hold has no effect.
    let second = lease(&store, "c", "2").await;
    store.hold(&second, Some(SECOND)).await.unwrap();
    advance(2 * SECOND).await;
    assert!(abort(&store, "c", "2").await);
    is_fenced(store.write(&second, memory("late")).await);
    assert_eq!(told(&mut cancels), told_of([("c/2", Aborted)]));
}

#[tokio::test(start_paused = true)]
async fn an_abort_does_not_fence_a_held_turn() {
    let store = Arc::new(MemoryStore::new());
    let mut cancels = Box::pin(store.cancels());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(5 * SECOND)).await.unwrap();
    let waiting = opening(&store, "c", "2").await;
    assert!(abort(&store, "c", "1").await);
    settle().await;
    assert_eq!(told(&mut cancels), told_of([("c/1", Overtaken), ("c/1", Aborted)]));
    // Lease and hold are still valid, but the turn counts as answered.
    assert!(!waiting.is_finished());
    assert!(matches!(open(&store, "c", "1").await, Opened::Repeated(_)));
    store.write(&first, memory("held")).await.unwrap();
    store.hold(&first, Some(3 * SECOND)).await.unwrap();
    store.write(&first, closing()).await.unwrap();
    let Opened::Run(_, record) = waiting.await.unwrap().0 else { panic!() };
    assert_eq!((record.memory, record.notes), (b"held".to_vec(), vec![b"abort".to_vec()]));
}

#[tokio::test]
async fn an_abort_of_another_turn_leaves_the_running_one_alone() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    assert!(!abort(&store, "c", "1").await);
    assert!(store.is_empty());
    let first = lease(&store, "c", "1").await;
    // A turn that has not arrived yet, and a turn that is long over.
    assert!(abort(&store, "c", "2").await);
    store.write(&first, closing()).await.unwrap();
    assert!(matches!(open(&store, "c", "2").await, Opened::Repeated(_)));
    let third = lease(&store, "c", "3").await;
    assert!(abort(&store, "c", "1").await);
    store.write(&third, closing()).await.unwrap();
    assert_eq!(told(&mut cancels), []);
}

#[tokio::test]
async fn notes_are_kept_until_they_are_read() {
    let store = MemoryStore::new();
    let note = |text: &str| {
        let (store, text) = (&store, text.as_bytes().to_vec());
        async move { store.note(&key("c"), &turn("0"), text, NoteKind::Report).await.unwrap() }
    };
    assert!(!note("a").await);
    let first = lease(&store, "c", "1").await;
    assert!(note("a").await && note("b").await && note("c").await);
    // A report touches neither the lease nor the turn.
    store.write(&first, read_notes(1)).await.unwrap();
    let (second, record) = run(&store, "c", "2").await;
    assert_eq!(record.notes, [b"b", b"c"]);
    assert!(note("d").await);
    store.write(&second, read_notes(2)).await.unwrap();
    assert_eq!(store.read(&key("c")).await.unwrap().unwrap().notes, [b"d"]);
    // More than there are.
    store.write(&second, read_notes(usize::MAX)).await.unwrap();
    assert!(store.read(&key("c")).await.unwrap().unwrap().notes.is_empty());
    store.write(&second, read_notes(1)).await.unwrap();
    answer(&store, "c", "0").await;
}

#[tokio::test]
async fn the_oldest_notes_are_dropped_above_the_limit() {
    let store = MemoryStore::new();
    let note = |n: u8| {
        let store = &store;
        async move { store.note(&key("c"), &turn("0"), vec![n], NoteKind::Report).await.unwrap() }
    };
    answer(&store, "c", "1").await;
    for n in 0..70 {
        assert!(note(n).await);
    }
    let (second, record) = run(&store, "c", "2").await;
    let expected: Vec<_> = (6..70).map(|n| vec![n]).collect();
    assert_eq!(record.notes, expected);
    // Two notes that the turn has read are dropped already. Those that it has not read stay.
    assert!(note(70).await && note(71).await);
    store.write(&second, read_notes(3)).await.unwrap();
    let left = || async { store.read(&key("c")).await.unwrap().unwrap().notes };
    assert_eq!(left().await.first(), Some(&vec![9]));
    store.write(&second, read_notes(61)).await.unwrap();
    assert_eq!(left().await, [[70], [71]]);
}

#[tokio::test]
async fn ending_a_call_removes_it_and_fences_its_turn() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    assert_eq!(store.end(&key("c")).await, Ok(None));
    let first = lease(&store, "c", "1").await;
    store.write(&first, memory("first")).await.unwrap();
    let record = store.end(&key("c")).await.unwrap().unwrap();
    assert_eq!(record.memory, b"first");
    assert_eq!(told(&mut cancels), told_of([("c/1", Aborted)]));
    is_fenced(store.write(&first, closing()).await);
    assert!(store.is_empty());
    assert_eq!(store.end(&key("c")).await, Ok(None));
    // A call without a running turn sends no cancel.
    answer(&store, "c", "1").await;
    assert!(store.end(&key("c")).await.unwrap().is_some());
    assert_eq!(told(&mut cancels), []);
}

#[tokio::test(start_paused = true)]
async fn ending_a_call_waits_for_a_hold() {
    let store = Arc::new(MemoryStore::new());
    let mut cancels = Box::pin(store.cancels());
    for (close, time) in [(false, 5 * SECOND), (true, SECOND)] {
        let begun = Instant::now();
        let first = lease(&store, "c", "1").await;
        store.hold(&first, Some(5 * SECOND)).await.unwrap();
        let ending = tokio::spawn({
            let store = store.clone();
            async move { (store.end(&key("c")).await.unwrap(), Instant::now()) }
        });
        settle().await;
        assert_eq!(told(&mut cancels), told_of([("c/1", Aborted)]));
        sleep(SECOND).await;
        store.write(&first, memory("held")).await.unwrap();
        if close {
            store.write(&first, closing()).await.unwrap();
        }
        let (record, at) = ending.await.unwrap();
        assert_eq!((record.unwrap().memory, at - begun), (b"held".to_vec(), time));
        is_fenced(store.write(&first, memory("late")).await);
    }
    assert_eq!(told(&mut cancels), []);
}

#[tokio::test(start_paused = true)]
async fn idle_calls_are_claimed_once() {
    let store = MemoryStore::new();
    let claim = |most| {
        let store = &store;
        async move {
            let claimed = store.claim_idle(PHONE, 10 * SECOND, most).await.unwrap();
            claimed.iter().map(|(call, _)| call.id.to_string()).collect::<Vec<_>>()
        }
    };
    for call in ["a", "b", "c", "d", "e"] {
        let lease = lease(&store, call, "1").await;
        store.write(&lease, memory(call)).await.unwrap();
        store.write(&lease, closing()).await.unwrap();
        advance(SECOND).await;
    }
    // The oldest call was used five seconds ago.
    assert_eq!(claim(9).await, [""; 0]);
    advance(4 * SECOND).await;
    assert_eq!(claim(9).await, [""; 0]);
    answer(&store, "b", "2").await;
    advance(3 * SECOND).await;
    assert_eq!(claim(0).await, [""; 0]);
    assert_eq!(claim(1).await, ["a"]);
    let claimed = store.claim_idle(PHONE, 10 * SECOND, 9).await.unwrap();
    let memories: Vec<_> = claimed.iter().map(|(call, r)| (&*call.id, &*r.memory)).collect();
    assert_eq!(memories, [("c", &b"c"[..])]);
    assert_eq!(claim(9).await, [""; 0]);
    advance(SECOND).await;
    assert_eq!(claim(9).await, ["d"]);
    advance(60 * SECOND).await;
    assert_eq!(claim(9).await, ["e", "b"]);
    assert!(store.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_oldest_idle_calls_are_claimed_first() {
    let store = MemoryStore::new();
    let calls: Vec<_> = (0..50).map(|n| (n * 37 % 50).to_string()).collect();
    for call in &calls {
        answer(&store, call, "1").await;
        advance(SECOND).await;
    }
    let mut claimed = Vec::new();
    for left in [43, 36, 29, 0] {
        let most = if left == 0 { usize::MAX } else { 7 };
        let some = store.claim_idle(PHONE, SECOND, most).await.unwrap();
        claimed.extend(some.into_iter().map(|(call, _)| call.id.to_string()));
        assert_eq!(store.len(), left);
    }
    assert_eq!(claimed, calls);
}

#[tokio::test(start_paused = true)]
async fn leases_writes_holds_and_notes_keep_a_call_from_being_idle() {
    let store = MemoryStore::new();
    let claimed = || async { store.claim_idle(PHONE, 10 * SECOND, 9).await.unwrap().len() };
    let first = lease(&store, "c", "1").await;
    // A lease keeps the call for twice the idle time.
    advance(19 * SECOND).await;
    assert_eq!(claimed().await, 0);
    store.write(&first, Change::default()).await.unwrap();
    advance(19 * SECOND).await;
    assert_eq!(claimed().await, 0);
    store.hold(&first, Some(SECOND)).await.unwrap();
    advance(19 * SECOND).await;
    assert_eq!(claimed().await, 0);
    store.write(&first, closing()).await.unwrap();
    advance(9 * SECOND).await;
    store.note(&key("c"), &turn(1), vec![], NoteKind::Report).await.unwrap();
    advance(9 * SECOND).await;
    assert_eq!(claimed().await, 0);
    assert!(matches!(store.open(&key("c"), Opening::IfFree).await, Ok(Opened::Run(..))));
    advance(19 * SECOND).await;
    assert_eq!(claimed().await, 0);
    // After that, the server of the lease must have died.
    advance(SECOND).await;
    assert_eq!(claimed().await, 1);
    // An endless idle time is accepted.
    lease(&store, "c", "1").await;
    assert!(store.claim_idle(PHONE, Duration::MAX, usize::MAX).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_claimed_call_is_fenced() {
    let store = Arc::new(MemoryStore::new());
    let first = lease(&store, "c", "1").await;
    store.hold(&first, Some(60 * SECOND)).await.unwrap();
    let waiting = opening(&store, "c", "2").await;
    sleep(20 * SECOND).await;
    assert_eq!(store.claim_idle(PHONE, 10 * SECOND, 9).await.unwrap().len(), 1);
    is_fenced(store.write(&first, memory("late")).await);
    // The waiting turn does not wait for the removed call.
    let Opened::Run(second, record) = waiting.await.unwrap().0 else { panic!() };
    assert_eq!(record, Record::default());
    is_fenced(store.write(&first, memory("late")).await);
    store.write(&second, closing()).await.unwrap();
}

#[tokio::test]
async fn every_subscriber_gets_every_cancel() {
    let store = MemoryStore::new();
    let mut one = Box::pin(store.cancels());
    lease(&store, "c", "1").await;
    lease(&store, "c", "2").await;
    // A subscriber gets the cancels since it subscribed, not since it first polled.
    let mut other = Box::pin(store.cancels());
    lease(&store, "c", "3").await;
    lease(&store, "d", "1").await;
    abort(&store, "d", "1").await;
    assert_eq!(told(&mut one), told_of([("c/1", Overtaken), ("c/2", Overtaken), ("d/1", Aborted)]));
    assert_eq!(told(&mut other), told_of([("c/2", Overtaken), ("d/1", Aborted)]));
    drop(one);
    lease(&store, "c", "4").await;
    assert_eq!(told(&mut other), told_of([("c/3", Overtaken)]));
    // The stream does not keep the store alive, and ends with it.
    drop(store);
    assert_eq!(other.next().await, None);
}

#[tokio::test]
async fn a_subscriber_that_falls_behind_loses_the_oldest_cancels() {
    let store = MemoryStore::new();
    let mut cancels = Box::pin(store.cancels());
    for id in 0..=5000 {
        lease(&store, "c", &id.to_string()).await;
    }
    let told = told(&mut cancels);
    assert!(!told.is_empty() && told.len() < 5000);
    assert_eq!(told.last().unwrap().0, "c/4999");
    let epoch = lease(&store, "c", "x").await.epoch;
    assert_eq!(cancels.next().await, Some(Cancel::new(key("c"), turn(5000), epoch - 1, Overtaken)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_concurrent_openers_only_the_last_can_write() {
    let store = Arc::new(MemoryStore::new());
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let lease = lease(&store, "c", &n.to_string()).await;
                // Some turns hold the call for a moment.
                if n % 100 == 0 {
                    let _ = store.hold(&lease, Some(Duration::from_millis(5))).await;
                }
                tokio::task::yield_now().await;
                let early = store.write(&lease, memory(&n.to_string())).await.is_ok();
                (lease, early)
            })
        })
        .collect();
    let mut leases = Vec::new();
    for task in tasks {
        leases.push(task.await.unwrap().0);
    }
    leases.sort_by_key(|lease| lease.epoch);
    leases.dedup_by_key(|lease| lease.epoch);
    assert_eq!(leases.len(), 1000);
    let last = leases.pop().unwrap();
    for lease in &leases {
        is_fenced(store.write(lease, memory("late")).await);
    }
    // The last one has written already, and no other turn after it.
    assert_eq!(remembered(&store, "c").await, last.turn.as_ref().unwrap().as_str());
    store.write(&last, closing()).await.unwrap();
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn the_store_works_in_an_arc_and_hides_memory_in_debug() {
    const { assert!(!MemoryStore::SHARED && !<Arc<MemoryStore> as Store>::SHARED) };
    let store = Arc::new(MemoryStore::default());
    let Opened::Run(lease, _) =
        Store::open(&store, &key("c"), Opening::Turn(turn(1))).await.unwrap()
    else {
        panic!()
    };
    Store::write(&store, &lease, memory("secret")).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("calls: 1") && !shown.contains("secret"), "{shown}");
}
