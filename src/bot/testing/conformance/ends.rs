//! Calls that end.

use super::case::{
    Case, LONG, broken, bytes, closing, end, ended, equal, is_fenced, is_gone, is_refused, key,
    memory, opening, rule,
};
use crate::bot::store::{CancelReason, Change, Claimed, Opening, Signal, Store, Then};

const ABSENT: &str = "a call that has ended is not there any more";
const GONE: &str = "a record that was removed, or claimed since, can't be read";

pub(super) async fn the_end_sets_a_call_aside<S: Store>(case: &mut Case<S>) {
    case.busy("an unknown call can't be ended", "c", &end(LONG)).await;
    let first = case.lease("c", "1").await;
    case.written("a turn that has the call can write", &first, memory("first")).await;
    let (lease, record) = case.run("c", &end(LONG)).await;
    equal("the end of a call returns its record", &*record.memory, &b"first"[..]);
    equal("the lease of an end has no turn", lease.turn.clone(), None);
    rule("an epoch grows whenever the call is opened", lease.epoch > first.epoch);
    case.stopped("the turn of a call that ends is told to stop", &[(&first, CancelReason::Ended)])
        .await;

    equal(ABSENT, case.read("c").await, None);
    case.busy(ABSENT, "c", &end(LONG)).await;
    case.busy(ABSENT, "c", &Opening::IfFree).await;
    is_gone(ABSENT, case.write(&first, memory("late")).await);
    is_gone(ABSENT, case.store.hold(&first, None).await);
    rule(ABSENT, !case.abort("c", "1").await);
    rule(ABSENT, !case.leave("c", None, "late", Then::Keep).await);
    case.written("the lease of an end can write", &lease, memory("ended")).await;

    let (new, record, unsettled) = case.run_settled("c", &opening("1")).await;
    let other = "after its end a call with the same key is a new one";
    equal(other, (&*record.memory, &*record.state.to_json()), (&b""[..], &b"fresh"[..]));
    equal(other, unsettled, None);
    rule("an epoch is never used twice for a key", new.epoch > lease.epoch);
    is_fenced(other, case.write(&first, memory("late")).await);
    case.written(
        "the lease of an end writes to the record that was set aside",
        &lease,
        memory("more"),
    )
    .await;
    equal(other, case.memory("c").await, String::new());
    case.written("a turn that has the call can write", &new, closing(Then::Close)).await;

    equal(
        "a call that has ended is not claimed before its time",
        case.claimed_ids(&ended(9, LONG)).await,
        vec![],
    );
    case.remove(&lease).await;
    is_refused("a record that was removed is gone", case.write(&lease, memory("late")).await);
    rule(other, case.read("c").await.is_some());
    case.stopped("the end of a call without a turn tells none to stop", &[]).await;
    // A call without a turn, and one that something between turns has.
    case.run("c", &Opening::IfFree).await;
    let (lease, _) = case.run("c", &end(LONG)).await;
    case.stopped("the end of a call without a turn tells none to stop", &[]).await;
    case.remove(&lease).await;
    case.remove(&lease).await;
    equal(ABSENT, case.read("c").await, None);
}

pub(super) async fn the_end_waits_for_a_hold<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    case.hold(&first, Some(LONG)).await;
    let waits = "the end of a call waits for a hold";
    let (left, epoch) = case.held(waits, "c", &end(LONG)).await;
    equal(waits, (left.is_some(), epoch), (true, first.epoch));
    case.stopped("the turn of a call that ends is told to stop", &[(&first, CancelReason::Ended)])
        .await;
    let again = Opening::End { told: Some(epoch), why: bytes("why"), again: LONG };
    case.held(waits, "c", &again).await;
    case.stopped("a turn is not told again by an opening that has told it", &[]).await;
    case.written("a turn that holds the call can write", &first, memory("held")).await;
    case.hold(&first, None).await;
    case.signal("who waits for a hold is told when it ends", &Signal::Free(key("c"))).await;
    let (_, record) = case.run("c", &again).await;
    equal("the end of a call returns what was written before", &*record.memory, &b"held"[..]);
    is_gone(ABSENT, case.write(&first, memory("late")).await);
    case.stopped("a turn is not told again by an opening that has told it", &[]).await;
}

pub(super) async fn the_last_words_reach_a_call_that_has_ended<S: Store>(case: &mut Case<S>) {
    let since = "the end of a call learns how long ago its turn was told to stop";
    let kept = "the last words of a turn reach the record of its call, even if the call has ended";
    let first = case.lease("c", "1").await;
    let (lease, _, unsettled) = case.run_settled("c", &end(LONG)).await;
    rule(since, unsettled.is_some());
    let new = case.lease("c", "2").await;
    rule(kept, case.leave("c", Some(&first), "last", Then::Close).await);
    let left = "who ends a call is told when its turn has left";
    case.signal(left, &Signal::Left(key("c"))).await;
    equal(kept, case.notes_aside(&lease).await, Some(vec![bytes("last")]));
    equal(kept, case.notes("c").await, Vec::new());
    equal(kept, case.notes_aside(&new).await, None);
    case.written("a new call has nothing to do with the old one", &new, closing(Then::Close)).await;
    case.written("the lease of an end can close", &lease, closing(Then::CloseUnanswered)).await;
    let claimed = case.claim(&ended(9, LONG)).await;
    let notes = claimed.iter().map(|claimed| claimed.record.notes.clone()).collect::<Vec<_>>();
    equal(kept, notes, vec![vec![bytes("last")]]);
    equal(GONE, case.notes_aside(&lease).await, None);
    for Claimed { lease, unsettled, .. } in claimed {
        equal("a turn that has left is not waited for", unsettled, None);
        equal(kept, case.notes_aside(&lease).await, Some(vec![bytes("last")]));
        case.remove(&lease).await;
        equal(GONE, case.notes_aside(&lease).await, None);
    }
}

pub(super) async fn epochs_are_never_used_twice<S: Store>(case: &mut Case<S>) {
    let mut newest = 0;
    let mut grown = |epoch: u64| {
        if epoch <= newest {
            let what = format_args!("{epoch} after {newest}");
            broken("an epoch grows, and is never used twice for a key", what);
        }
        newest = epoch;
    };
    for _ in 0..5 {
        let first = case.lease("c", "1").await;
        grown(first.epoch);
        case.abort("c", "1").await;
        let (second, _) = case.run("c", &Opening::IfFree).await;
        grown(second.epoch);
        let third = case.lease("c", "2").await;
        grown(third.epoch);
        let (ended, _) = case.run("c", &end(LONG)).await;
        grown(ended.epoch);
        case.remove(&ended).await;
        grown(case.lease("c", "1").await.epoch);
        let change = Change { memory: Some((0, bytes("late"))), ..Change::default() };
        for old in [&first, &second, &third] {
            is_fenced(
                "a lease of a call that was removed fits no new one",
                case.write(old, change.clone()).await,
            );
        }
        is_refused("a record that was removed is gone", case.write(&ended, change).await);
        let (ended, _) = case.run("c", &end(LONG)).await;
        grown(ended.epoch);
        case.remove(&ended).await;
    }
}
