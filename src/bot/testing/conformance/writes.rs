//! What a lease writes, and when it has ended.

use super::case::{
    Case, bytes, closing, equal, is_fenced, is_gone, key, memory, opening, rule, shown, turn,
};
use crate::bot::store::{Change, Edit, Lease, Record, Store, StoredTurn, Then};

const CAN: &str = "a turn that has the call can write";

pub(super) async fn only_the_set_fields_are_written<S: Store>(case: &mut Case<S>) {
    let set = "a write changes the fields that are set, and no other";
    let lease = case.lease("c", "1").await;
    let mut expected = Record { state: "fresh".into(), ..Record::default() };
    let stored = StoredTurn::new(turn("0"), 1, 0, b"said".to_vec());
    let steps = [
        Change { memory: Some((3, bytes("m"))), ..Change::default() },
        Change::default(),
        Change { state: Some("s".into()), ..Change::default() },
        Change { history: vec![Edit::Put(stored.into())], ..Change::default() },
        Change { memory: Some((7, bytes(""))), state: Some("t".into()), ..Change::default() },
        Change { memory: Some((0, bytes("n"))), ..Change::default() },
    ];
    for change in steps {
        if let Some((version, memory)) = &change.memory {
            (expected.version, expected.memory) = (*version, memory.clone());
        }
        if let Some(state) = &change.state {
            expected.state = state.clone();
        }
        expected.history.apply(change.history.clone());
        case.written(CAN, &lease, change).await;
        equal(set, shown(&case.record("c").await), shown(&expected));
    }
    let everything = Change {
        memory: Some((1, bytes("all"))),
        state: Some("all".into()),
        history: vec![Edit::Remove(turn("0"))],
        then: Then::Close,
        ..Change::default()
    };
    case.written("a write may change all and close", &lease, everything).await;
    let (_, record) = case.run("c", &opening("2")).await;
    let all = Record { version: 1, memory: bytes("all"), state: "all".into(), ..Record::default() };
    equal("a closing write is written", shown(&record), shown(&all));
    // As large as a memory may be, and more.
    let large = "x".repeat(1 << 20);
    let lease = case.lease("large", "1").await;
    case.written("a memory may be large", &lease, memory(&large)).await;
    rule("a memory may be large", case.memory("large").await == large);
}

pub(super) async fn a_lease_fits_one_call_and_one_epoch<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    let other = case.lease("d", "1").await;
    for wrong in [
        Lease::new(key("c"), first.turn.clone(), first.epoch.wrapping_add(1)),
        Lease::new(key("c"), first.turn.clone(), first.epoch.wrapping_sub(1)),
        Lease::new(key("c"), None, 0),
    ] {
        let fits = "a lease with another epoch than that of the call has ended";
        is_fenced(fits, case.write(&wrong, memory("wrong")).await);
        is_fenced(fits, case.store.hold(&wrong, None).await);
    }
    let unknown = Lease::new(key("unknown"), first.turn.clone(), first.epoch);
    let gone = "without the call a lease is told that it is gone";
    is_gone(gone, case.write(&unknown, memory("wrong")).await);
    is_gone(gone, case.store.hold(&unknown, None).await);
    equal("a refused write creates no call", case.read("unknown").await, None);
    for (call, lease) in [("c", &first), ("d", &other)] {
        equal("a refused write writes nothing", case.memory(call).await, String::new());
        case.written(CAN, lease, closing(Then::Close)).await;
    }
}

pub(super) async fn the_lease_ends_as_the_write_says<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    let kept = closing(Then::Keep);
    case.written("a lease goes on if the write keeps it", &first, kept.clone()).await;
    case.written("a lease goes on if the write keeps it", &first, closing(Then::CloseUnanswered))
        .await;
    let ended = "a lease that was closed has ended";
    is_fenced(ended, case.write(&first, memory("late")).await);
    is_fenced(ended, case.write(&first, kept).await);
    is_fenced(ended, case.store.hold(&first, None).await);
    let again = case.lease("c", "1").await;
    rule("an epoch grows whenever the call is opened", again.epoch > first.epoch);
    is_fenced(ended, case.write(&first, memory("late")).await);
    case.written(CAN, &again, closing(Then::Close)).await;
    is_fenced(ended, case.write(&again, memory("late")).await);
    is_fenced(ended, case.write(&again, closing(Then::CloseUnanswered)).await);
    case.repeated("a turn that closed counts as answered, whatever it tries later", "c", "1").await;
    equal("what can't be written is not written", case.memory("c").await, String::new());
    // A refused write has no part that is written.
    let stored = StoredTurn::new(turn("1"), 1, 0, b"late".to_vec());
    case.leave("c", None, "note", Then::Keep).await;
    let change = Change {
        memory: Some((9, bytes("late"))),
        state: Some("late".into()),
        history: vec![Edit::Put(stored.into())],
        notes_read: 1,
        then: Then::Close,
        ..Change::default()
    };
    let before = shown(&case.record("c").await);
    is_fenced(ended, case.write(&again, change).await);
    equal("what can't be written is not written", shown(&case.record("c").await), before);
}

pub(super) async fn a_history_is_changed_by_edits<S: Store>(case: &mut Case<S>) {
    let lease = case.lease("c", "1").await;
    let put = |id: u64, epoch: u64, index: u32, json: &str| {
        let json = json.as_bytes().to_vec();
        Edit::Put(StoredTurn::new(turn(&id.to_string()), epoch, index, json).into())
    };
    let remove = |id: u64| Edit::Remove(turn(&id.to_string()));
    let mut expected = Record { state: "fresh".into(), ..Record::default() };
    // Epochs above 2^53, which a float does not hold, and of different lengths.
    let far = (1 << 60) + 1;
    let steps = [
        vec![put(1, 9, 0, "a"), put(2, 10, 1, "b"), put(3, 10, 0, "c")],
        vec![put(4, 100, 0, "d"), put(5, far + 1, 0, "f"), put(6, far, 0, "e")],
        // The same id at the same place, at another one, and twice.
        vec![
            put(2, 10, 1, "again"),
            put(1, 11, 0, "moved"),
            put(7, 50, 0, "x"),
            put(7, 50, 0, "y"),
        ],
        vec![
            remove(3),
            remove(99),
            put(8, 12, 0, "z"),
            remove(8),
            remove(4),
            put(4, 101, 0, "back"),
        ],
        (20..320).map(|n| put(n, 1000 + n, 0, "many")).collect(),
        (20..200).map(remove).collect(),
        vec![],
    ];
    for (step, edits) in steps.into_iter().enumerate() {
        expected.history.apply(edits.clone());
        // A store may take the result, but need not.
        let turns = (step % 2 == 1).then(|| expected.history.clone());
        case.written(CAN, &lease, Change { history: edits, turns, ..Change::default() }).await;
        let rule =
            "edits of the history are made in their order, and turns are sorted by their place";
        equal(rule, shown(&case.record("c").await), shown(&expected));
    }
    case.written(CAN, &lease, closing(Then::Close)).await;
    let (_, record) = case.run("c", &opening("2")).await;
    equal("the next turn sees the history", shown(&record), shown(&expected));
}
