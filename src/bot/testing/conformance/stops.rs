//! Turns that are aborted, or leave.

use tokio::time::Instant;

use super::case::{
    Case, LONG, broken, closing, equal, is_fenced, key, memory, opening, rule, stop,
};
use crate::bot::store::{CancelReason, Opening, Signal, Store, Then};

const ABORTED: &str = "a turn that was aborted counts as answered";

pub(super) async fn an_abort_ends_a_turn<S: Store>(case: &mut Case<S>) {
    rule("an unknown call can't be aborted", !case.abort("c", "1").await);
    equal("an abort creates no call", case.read("c").await, None);
    let first = case.lease("c", "1").await;
    rule("an abort finds the call", case.abort("c", "1").await);
    case.stopped("a turn that is aborted is told to stop", &[(&first, CancelReason::Aborted)])
        .await;
    let ended = "an abort ends the lease of a turn that does not hold";
    is_fenced(ended, case.write(&first, memory("late")).await);
    is_fenced(ended, case.store.hold(&first, Some(LONG)).await);
    let record = case.repeated(ABORTED, "c", "1").await;
    equal("an abort adds a note", record.notes.len(), 1);
    let (between, _) = case.run("c", &Opening::IfFree).await;
    rule("an epoch grows when a turn is aborted", between.epoch > first.epoch);
    is_fenced(ended, case.write(&first, memory("late")).await);
    // A hold that has run out.
    let second = case.lease("c", "2").await;
    case.hold(&second, Some(case.unit)).await;
    case.sleep(2).await;
    rule("an abort finds the call", case.abort("c", "2").await);
    case.stopped("a turn that is aborted is told to stop", &[(&second, CancelReason::Aborted)])
        .await;
    is_fenced("a hold that has run out spares no turn", case.write(&second, memory("late")).await);
}

pub(super) async fn an_abort_of_another_turn_ends_none<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    rule("a turn can be aborted before it comes", case.abort("c", "2").await);
    case.written("the abort of another turn leaves this one alone", &first, closing(Then::Close))
        .await;
    case.repeated(ABORTED, "c", "2").await;
    let third = case.lease("c", "3").await;
    rule("a turn can be aborted after its end", case.abort("c", "1").await);
    case.written("the abort of another turn leaves this one alone", &third, closing(Then::Close))
        .await;
    rule("a turn can be aborted after its end", case.abort("c", "3").await);
    equal("an abort adds a note", case.notes("c").await.len(), 3);
    case.stopped("the abort of another turn leaves this one alone", &[]).await;
}

pub(super) async fn an_abort_spares_a_hold<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    case.hold(&first, Some(LONG)).await;
    rule("an abort finds the call", case.abort("c", "1").await);
    case.stopped("a turn that is aborted is told to stop", &[(&first, CancelReason::Aborted)])
        .await;
    let spared = "an abort does not end the lease of a turn that holds the call";
    case.written(spared, &first, memory("held")).await;
    case.hold(&first, Some(LONG)).await;
    case.held(spared, "c", &opening("2")).await;
    case.repeated(ABORTED, "c", "1").await;
    let told = "a turn that was aborted may still be told that it is overtaken";
    let signals = case.signals(0).await;
    let others: Vec<_> =
        signals.iter().filter(|&signal| *signal != stop(&first, CancelReason::Overtaken)).collect();
    equal(told, others, Vec::new());
    case.written(spared, &first, closing(Then::CloseUnanswered)).await;
    case.signal("who waits for a hold is told when it ends", &Signal::Free(key("c"))).await;
    case.repeated("a turn that was aborted counts as answered, however it ends", "c", "1").await;
    let (_, record) = case.run("c", &opening("2")).await;
    equal(spared, (&*record.memory, record.notes.len()), (&b"held"[..], 1));
}

pub(super) async fn a_turn_leaves_a_call<S: Store>(case: &mut Case<S>) {
    rule("no turn leaves an unknown call", !case.leave("c", None, "a", Then::Close).await);
    let first = case.lease("c", "1").await;
    let finds = "a turn that leaves finds the call";
    rule(finds, case.leave("c", Some(&first), "keep", Then::Keep).await);
    case.written("a lease goes on if its turn leaves so", &first, memory("kept")).await;
    rule(finds, case.leave("c", Some(&first), "unanswered", Then::CloseUnanswered).await);
    let ended = "a turn that has left can't write";
    is_fenced(ended, case.write(&first, memory("late")).await);
    let again = case.lease("c", "1").await;
    rule(finds, case.leave("c", Some(&again), "answered", Then::Close).await);
    is_fenced(ended, case.write(&again, memory("late")).await);
    case.repeated("a turn that has left counts as answered if it says so", "c", "1").await;

    let second = case.lease("c", "2").await;
    let third = case.lease("c", "3").await;
    rule(finds, case.leave("c", Some(&second), "late", Then::Close).await);
    rule(finds, case.leave("c", Some(&second), "again", Then::CloseUnanswered).await);
    rule(finds, case.leave("c", None, "nobody", Then::Close).await);
    case.written("a turn that leaves late ends no lease but its own", &third, closing(Then::Close))
        .await;
    case.repeated("a turn that was overtaken counts as answered, however it leaves", "c", "2")
        .await;
    let notes = ["keep", "unanswered", "answered", "late", "again", "nobody"].map(str::to_owned);
    equal("a turn that leaves adds a note in any case", case.notes("c").await, notes.to_vec());
    equal("a turn that leaves writes nothing else", case.memory("c").await, "kept".to_owned());
    case.stopped("a turn that leaves tells none to stop", &[(&second, CancelReason::Overtaken)])
        .await;
}

pub(super) async fn a_turn_is_unsettled_until_it_leaves<S: Store>(case: &mut Case<S>) {
    let since =
        "an opening learns how long ago the former turn was told to stop, until that turn leaves";
    let left = "who has the call is told when a turn that was told to stop has left";
    for (call, aborted) in [("overtaken", false), ("aborted", true)] {
        let first = case.lease(call, "1").await;
        let before = Instant::now();
        if aborted {
            case.abort(call, "1").await;
        }
        case.sleep(1).await;
        let told = Instant::now();
        let (second, _, unsettled) = case.run_settled(call, &opening("2")).await;
        let (longest, shortest) = match aborted {
            true => (before.elapsed(), case.unit),
            false => (told.elapsed(), std::time::Duration::ZERO),
        };
        let tolerance = case.tolerance();
        match unsettled {
            Some(time) if time <= longest + tolerance && time + tolerance >= shortest => {}
            other => broken(
                since,
                format_args!("expected: {shortest:?} to {longest:?}\n   found: {other:?}"),
            ),
        }
        // A note in the middle of a turn is not its end.
        case.leave(call, None, "middle", Then::Keep).await;
        let signals = case.signals(0).await;
        rule(left, !signals.contains(&Signal::Left(key(call))));
        case.leave(call, Some(&first), "last", Then::Close).await;
        case.signal(left, &Signal::Left(key(call))).await;
        let last = case.notes(call).await.pop();
        equal("once a turn has left, the record has its last words", last, Some("last".to_owned()));
        case.written(
            "a turn that leaves late ends no lease but its own",
            &second,
            closing(Then::Close),
        )
        .await;
        let (third, _, unsettled) = case.run_settled(call, &opening("3")).await;
        equal(since, unsettled, None);
        case.written("a turn that has the call can write", &third, closing(Then::CloseUnanswered))
            .await;
        let (_, _, unsettled) = case.run_settled(call, &Opening::IfFree).await;
        equal(since, unsettled, None);
    }
    // A turn that was told to stop in its hold, and closes or leaves before the hold ends.
    for (call, leaves) in [("closes", false), ("leaves", true)] {
        let first = case.lease(call, "1").await;
        case.hold(&first, Some(LONG)).await;
        case.held("a turn that opens a held call has to wait", call, &opening("2")).await;
        if leaves {
            case.leave(call, Some(&first), "last", Then::Close).await;
        } else {
            case.written("a turn that holds the call can write", &first, closing(Then::Close))
                .await;
        }
        case.signal("who waits for a hold is told when it ends", &Signal::Free(key(call))).await;
        let opening = super::case::opening_after("2", first.epoch);
        equal(since, case.run_settled(call, &opening).await.2, None);
    }
}
