//! Which opening gets a call.

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::case::{
    Case, LONG, closing, equal, is_fenced, key, memory, opening, patient, rule, shown, turn,
};
use crate::bot::capabilities::Platform;
use crate::bot::input::CallKey;
use crate::bot::store::{
    CancelReason, Change, Edit, Lease, Opened, Opening, Record, Signal, Store, StoredTurn, Then,
};

pub(super) async fn a_new_call_has_a_fresh_record<S: Store>(case: &mut Case<S>) {
    equal("an unknown call has no record", case.read("c").await, None);
    let new = "a turn creates the call that it opens, with a fresh record";
    let (first, record, unsettled) = case.run_settled("c", &opening("1")).await;
    equal(new, (first.call.clone(), first.turn.clone()), (key("c"), Some(turn("1"))));
    let fresh = Record { state: "fresh".into(), ..Record::default() };
    equal(new, shown(&record), shown(&fresh));
    equal("nothing is unsettled in a new call", unsettled, None);
    equal(new, shown(&case.record("c").await), shown(&fresh));

    case.written("a turn that has the call can write", &first, memory("kept")).await;
    case.written("a turn that has the call can close", &first, closing(Then::Close)).await;
    let (second, record, unsettled) = case.run_settled("c", &opening("2")).await;
    let known = "a known call keeps its record when it is opened";
    equal(known, (&*record.memory, &*record.state.to_json()), (&b"kept"[..], &b"fresh"[..]));
    rule("an epoch grows whenever the call is opened", second.epoch > first.epoch);
    equal("a turn that has closed is settled", unsettled, None);
    case.stopped("a turn that has closed is not told to stop", &[]).await;
    equal(
        "a turn creates the call that it may wait for",
        case.run("n", &patient("1")).await.1,
        fresh,
    );
}

pub(super) async fn a_store_that_never_waits_answers_at_once<S: Store>(case: &mut Case<S>) {
    if !case.store.may_wait() {
        let opened = case.store.open(&key("c"), &opening("1")).now_or_never();
        rule("a store that never waits opens a call at once", opened.is_some());
    }
}

pub(super) async fn keys_and_data_may_be_any<S: Store>(case: &mut Case<S>) {
    let texts = [
        "", " ", "a", "A", "a:b", "{a}", "}{", "a/b", "a b", "a\nb\0", "*?[]", "%41", "电话",
        "\"'\\",
    ];
    let long = "x".repeat(1000);
    for text in texts.into_iter().chain([&*long]) {
        let any: Vec<u8> = (0..=255).chain(text.bytes()).collect();
        let lease = case.lease(text, text).await;
        let stored = StoredTurn::new(turn(text), 1, 0, any.clone());
        let change = Change {
            memory: Some((u32::MAX, any.clone().into())),
            state: Some(any.clone().into()),
            history: vec![Edit::Put(stored.into())],
            ..Change::default()
        };
        case.written("ids, texts and bytes may be any", &lease, change).await;
        let left = case.store.leave(&lease.call, Some(&lease), any.clone().into(), Then::Close);
        equal("ids, texts and bytes may be any", left.await, Ok(true));
    }
    for text in texts.into_iter().chain([&*long]) {
        let any: Vec<u8> = (0..=255).chain(text.bytes()).collect();
        let told = "ids, texts and bytes are read as they were written, and belong to one call";
        let stored = StoredTurn::new(turn(text), 1, 0, any.clone());
        let expected = Record {
            version: u32::MAX,
            memory: any.clone().into(),
            state: any.clone().into(),
            history: [stored].into_iter().collect(),
            notes: vec![any.into()],
        };
        let record = case.record(text).await;
        equal(told, shown(&record), shown(&expected));
        rule(told, record == expected);
    }
    let others = [
        CallKey::new(Platform::Chat, "a"),
        key("a").with_account("a"),
        key("a").with_account(""),
        key("other"),
    ];
    for other in others {
        let known = case.store.read(&other).await;
        equal("platform, account and id make the key of a call", known, Ok(None));
        let opened = case.store.open(&other, &opening("a")).await;
        let opened = matches!(opened, Ok(Opened::Run { .. }));
        rule("each call has turns of its own", opened);
    }
}

pub(super) async fn an_answered_turn_does_not_get_the_call<S: Store>(case: &mut Case<S>) {
    for id in 0..8 {
        case.answer("c", &id.to_string()).await;
    }
    let running = case.lease("c", "running").await;
    case.written("a turn that has the call can write", &running, memory("now")).await;
    let answered = "the last eight turns that were answered do not get the call again";
    for id in 0..8 {
        let record = case.repeated(answered, "c", &id.to_string()).await;
        equal("a repeated turn gets the present record", &*record.memory, &b"now"[..]);
    }
    case.stopped("a repeated turn tells no turn to stop", &[]).await;
    let kept = "a repeated turn changes nothing";
    case.written(kept, &running, closing(Then::Close)).await;
    case.repeated(answered, "c", "running").await;
    rule("each call has turns of its own", case.lease("d", "1").await.turn == Some(turn("1")));
}

pub(super) async fn the_last_to_open_a_call_has_it<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    case.written("a turn that has the call can write", &first, memory("first")).await;
    let second = case.lease("c", "2").await;
    rule("an epoch grows whenever the call is opened", second.epoch > first.epoch);
    case.stopped("a turn that is overtaken is told to stop", &[(&first, CancelReason::Overtaken)])
        .await;
    let fenced = "a turn that was overtaken can neither write nor hold";
    is_fenced(fenced, case.write(&first, memory("late")).await);
    is_fenced(fenced, case.write(&first, closing(Then::Close)).await);
    is_fenced(fenced, case.store.hold(&first, Some(LONG)).await);
    is_fenced(fenced, case.store.hold(&first, None).await);
    equal("what can't be written is not written", case.memory("c").await, "first".to_owned());
    case.written("a refused write does not end the lease of another", &second, memory("second"))
        .await;
    case.repeated("a turn that was overtaken counts as answered", "c", "1").await;
    case.written("the last to open a call has it", &second, closing(Then::Close)).await;
    equal("the last to open a call has it", case.memory("c").await, "second".to_owned());
    case.repeated("a turn that closed counts as answered", "c", "2").await;
}

pub(super) async fn a_turn_that_is_opened_again_starts_over<S: Store>(case: &mut Case<S>) {
    let older = case.lease("c", "1").await;
    let newer = case.lease("c", "1").await;
    let told = "a turn that is opened again while it runs is told to stop under its older lease";
    case.stopped(told, &[(&older, CancelReason::Overtaken)]).await;
    is_fenced(
        "the older lease of a turn has ended",
        case.write(&older, closing(Then::Close)).await,
    );
    let counts = "a turn that was overtaken by itself does not count as answered";
    case.written(counts, &newer, closing(Then::Close)).await;
    case.repeated("a turn that closed counts as answered", "c", "1").await;
}

pub(super) async fn a_turn_may_wait_for_its_turn<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    let waits = "an opening that may not overtake a turn finds it, and no hold";
    for id in ["2", "1"] {
        equal(waits, case.held(waits, "c", &patient(id)).await, (None, first.epoch));
    }
    case.stopped("an opening that may not overtake tells no turn to stop", &[]).await;
    case.written("an opening that may not overtake changes nothing", &first, memory("first")).await;
    case.written("an opening that may not overtake changes nothing", &first, closing(Then::Close))
        .await;
    let free = "who waits for a turn is told when it has closed";
    case.signal(free, &Signal::Free(key("c"))).await;
    case.repeated("a turn may close while it is repeated", "c", "1").await;
    let (second, record) = case.run("c", &patient("2")).await;
    equal("a turn that waited sees what the other wrote", &*record.memory, &b"first"[..]);

    // An abort ends the wait as well.
    case.held(waits, "c", &patient("3")).await;
    case.abort("c", "2").await;
    case.signal("who waits for a turn is told when it was aborted", &Signal::Free(key("c"))).await;
    is_fenced(
        "a turn that was aborted can't write",
        case.write(&second, closing(Then::Close)).await,
    );
    let (third, ..) = case.run("c", &patient("3")).await;
    // So does a turn that leaves.
    case.held(waits, "c", &patient("4")).await;
    case.leave("c", Some(&third), "third", Then::CloseUnanswered).await;
    case.signal("who waits for a turn is told when it has left", &Signal::Free(key("c"))).await;
    let (fourth, ..) = case.run("c", &patient("4")).await;
    case.written("a turn that waited has the call", &fourth, closing(Then::Close)).await;
}

pub(super) async fn if_free_opens_only_a_free_call<S: Store>(case: &mut Case<S>) {
    let free = &Opening::IfFree;
    case.busy("IfFree does not open an unknown call", "c", free).await;
    equal("IfFree does not create a call", case.read("c").await, None);
    let first = case.lease("c", "1").await;
    case.written("a turn that has the call can write", &first, memory("first")).await;
    case.busy("IfFree does not open a call that a turn has", "c", free).await;
    case.written("IfFree that finds a turn changes nothing", &first, closing(Then::Close)).await;
    let (between, record) = case.run("c", free).await;
    equal("a lease of IfFree has no turn", between.turn.clone(), None);
    equal("IfFree returns the record", &*record.memory, &b"first"[..]);
    rule("an epoch grows whenever the call is opened", between.epoch > first.epoch);
    case.busy("IfFree does not open a call twice", "c", free).await;
    case.written("a lease of IfFree can write", &between, memory("between")).await;
    let (second, record) = case.run("c", &patient("2")).await;
    equal("a turn takes over from IfFree", &*record.memory, &b"between"[..]);
    is_fenced(
        "a lease of IfFree ends when a turn opens the call",
        case.write(&between, memory("late")).await,
    );
    case.written("a turn takes over from IfFree", &second, closing(Then::Close)).await;
    let (between, _) = case.run("c", free).await;
    case.written("a lease of IfFree can close", &between, closing(Then::Close)).await;
    let (between, _) = case.run("c", free).await;
    let left = case.leave("c", Some(&between), "left", Then::CloseUnanswered).await;
    rule("a lease of IfFree can leave", left);
    case.run("c", free).await;
    case.lease("c", "3").await;
    case.stopped("without a turn nothing is told to stop", &[]).await;
}

pub(super) async fn restore_opens_only_an_unknown_call<S: Store>(case: &mut Case<S>) {
    let restore = &Opening::Restore { turn: turn("1"), fresh: "restored".into() };
    let (first, record, unsettled) = case.run_settled("c", restore).await;
    let new = "Restore opens an unknown call as a new one";
    equal(new, (first.call.clone(), first.turn.clone()), (key("c"), Some(turn("1"))));
    equal(new, shown(&record), shown(&Record { state: "restored".into(), ..Record::default() }));
    equal(new, unsettled, None);
    case.written("a lease of Restore can write", &first, memory("first")).await;
    case.busy("Restore does not open a call that a turn has", "c", restore).await;
    case.written("Restore that finds a call changes nothing", &first, closing(Then::Close)).await;
    case.repeated("a turn that restored a call counts as answered", "c", "1").await;
    let other = &Opening::Restore { turn: turn("2"), fresh: "restored".into() };
    case.busy("Restore does not open a call that exists", "c", other).await;
    equal("Restore that finds a call changes nothing", case.memory("c").await, "first".to_owned());

    let (ended, _) = case.run("c", &super::case::end(LONG)).await;
    let late = "Restore does not put back a call that was set aside: it has ended";
    case.busy(late, "c", restore).await;
    case.remove(&ended).await;
    // A store may remember for a while that the call has ended.
    if let Opened::Run { lease, .. } = case.open("c", restore).await {
        rule("an epoch is never used twice for a key", lease.epoch > ended.epoch);
    }
    case.stopped("Restore tells no turn to stop", &[]).await;
}

pub(super) async fn of_many_at_a_time_one_has_the_call<S: Store>(case: &mut Case<S>) {
    let ids: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let (case, ids) = (&*case, &ids);
    let leases = join_all(ids.iter().map(|id| async move {
        let lease = case.lease("c", id).await;
        // Most have been overtaken meanwhile.
        let _ = case.write(&lease, memory(id)).await;
        lease
    }));
    let mut leases: Vec<Lease> = leases.await;
    leases.sort_by_key(|lease| lease.epoch);
    let mut epochs: Vec<_> = leases.iter().map(|lease| lease.epoch).collect();
    epochs.dedup();
    equal("openings at the same time have different epochs", epochs.len(), ids.len());
    let Some(last) = leases.pop() else { return };
    for lease in &leases {
        let written = case.write(lease, memory("late")).await;
        is_fenced("of many openings only the last one can write", written);
    }
    let has = "of many openings the last one has the call, and nobody has written after it";
    equal(
        has,
        case.memory("c").await,
        last.turn.as_ref().map_or("", |turn| turn.as_str()).to_owned(),
    );
    case.written(has, &last, closing(Then::Close)).await;
}
