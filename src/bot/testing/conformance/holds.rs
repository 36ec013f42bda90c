//! Holds: the next turn waits.

use std::time::Duration;

use tokio::time::Instant;

use super::case::{
    Case, LONG, broken, closing, end, equal, is_fenced, key, memory, opening, opening_after,
    patient, rule,
};
use crate::bot::store::{CancelReason, Lease, Opened, Opening, Signal, Store, Then};

const CAN: &str = "a turn that holds the call can write";
const WAITS: &str = "a turn that opens a held call has to wait, and learns which turn has it";

/// Opens a call that this lease holds until `hold` has passed since `since`.
async fn waits<S: Store>(case: &Case<S>, lease: &Lease, id: &str, since: Instant, hold: Duration) {
    let opening = opening_after(id, lease.epoch);
    let (left, epoch) = case.held(WAITS, &lease.call.id, &opening).await;
    equal(WAITS, epoch, lease.epoch);
    let left = left.unwrap_or_default();
    let since = since.elapsed();
    let tolerance = case.tolerance();
    if left > hold + tolerance || left + since + tolerance < hold {
        let what = format_args!("{left:?} after at most {since:?} of {hold:?}");
        broken("a turn that waits for a hold learns how long it may last", what);
    }
}

pub(super) async fn the_next_turn_has_to_wait_for_a_hold<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    let begun = Instant::now();
    case.hold(&first, Some(LONG)).await;
    case.stopped("a hold tells no turn to stop", &[]).await;
    let (left, epoch) = case.held(WAITS, "c", &opening("2")).await;
    equal(WAITS, (left.is_some(), epoch), (true, first.epoch));
    let told = "a turn that is to be overtaken is told to stop, even if it holds the call";
    case.stopped(told, &[(&first, CancelReason::Overtaken)]).await;
    waits(case, &first, "2", begun, LONG).await;
    waits(case, &first, "1", begun, LONG).await;
    case.stopped("a turn is not told again by an opening that has told it", &[]).await;
    let (left, epoch) = case.held(WAITS, "c", &patient("3")).await;
    equal(WAITS, (left.is_some(), epoch), (true, first.epoch));
    case.stopped("an opening that may not overtake tells no turn to stop", &[]).await;

    case.written(CAN, &first, memory("held")).await;
    case.abort("c", "2").await;
    case.repeated("a turn that waits can be aborted", "c", "2").await;
    case.written(
        "the abort of a turn that waits leaves the other alone",
        &first,
        closing(Then::Close),
    )
    .await;
    let (third, record, unsettled) = case.run_settled("c", &opening_after("3", first.epoch)).await;
    equal("a turn that waited sees what the other wrote", &*record.memory, &b"held"[..]);
    equal("a turn that has closed is settled", unsettled, None);
    is_fenced("a hold ends with the lease", case.store.hold(&first, Some(LONG)).await);
    let (fourth, ..) = case.run("c", &opening("4")).await;
    is_fenced("a turn does not inherit a hold", case.write(&third, memory("late")).await);
    case.written("a turn that waited has the call", &fourth, closing(Then::Close)).await;
}

pub(super) async fn a_lease_without_a_turn_can_hold<S: Store>(case: &mut Case<S>) {
    let first = case.answer("c", "1").await;
    let (between, _) = case.run("c", &Opening::IfFree).await;
    rule("an epoch grows whenever the call is opened", between.epoch > first.epoch);
    let begun = Instant::now();
    case.hold(&between, Some(LONG)).await;
    waits(case, &between, "2", begun, LONG).await;
    let holds = "a hold keeps turns waiting, whether its lease has a turn or not";
    for opening in [&patient("2"), &end(LONG)] {
        let (left, epoch) = case.held(holds, "c", opening).await;
        equal(holds, (left.is_some(), epoch), (true, between.epoch));
    }
    case.stopped("without a turn nothing is told to stop", &[]).await;
    case.written("a lease of IfFree can write", &between, memory("held")).await;
    case.hold(&between, None).await;
    case.signal("who waits for a hold is told when it ends", &Signal::Free(key("c"))).await;
    let (_, record) = case.run("c", &opening_after("2", between.epoch)).await;
    equal("a turn that waited sees what the other wrote", &*record.memory, &b"held"[..]);
    is_fenced(
        "a hold that was released keeps no turn waiting",
        case.write(&between, memory("late")).await,
    );
}

pub(super) async fn a_hold_ends_early<S: Store>(case: &mut Case<S>) {
    let released = case.lease("released", "1").await;
    case.hold(&released, Some(LONG)).await;
    case.held(WAITS, "released", &opening("2")).await;
    case.hold(&released, None).await;
    let free = "who waits for a hold is told when it ends";
    case.signal(free, &Signal::Free(key("released"))).await;
    case.written(
        "a turn that has released its hold still has the call",
        &released,
        memory("after"),
    )
    .await;
    let (_, record) = case.run("released", &opening_after("2", released.epoch)).await;
    equal("a turn that waited sees what the other wrote", &*record.memory, &b"after"[..]);
    let released = case.write(&released, memory("late")).await;
    is_fenced("a turn that has released its hold is overtaken", released);

    let closed = case.lease("closed", "1").await;
    case.hold(&closed, Some(LONG)).await;
    case.held(WAITS, "closed", &opening("2")).await;
    case.held(WAITS, "closed", &opening("1")).await;
    case.written(CAN, &closed, closing(Then::Close)).await;
    case.signal(free, &Signal::Free(key("closed"))).await;
    case.repeated("a turn that closed counts as answered", "closed", "1").await;
    case.run("closed", &opening_after("2", closed.epoch)).await;

    let left = case.lease("left", "1").await;
    case.hold(&left, Some(LONG)).await;
    case.held(WAITS, "left", &opening("2")).await;
    case.leave("left", Some(&left), "left", Then::CloseUnanswered).await;
    case.signal(free, &Signal::Free(key("left"))).await;
    let (second, record) = case.run("left", &opening_after("2", left.epoch)).await;
    equal("a turn that leaves adds a note", record.notes.len(), 1);
    case.written("a turn that waited has the call", &second, closing(Then::Close)).await;
}

pub(super) async fn a_hold_runs_out<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    case.hold(&first, Some(case.unit * 3)).await;
    let kept = case.lease("kept", "1").await;
    case.hold(&kept, Some(case.unit * 3)).await;
    let told = match case.open("c", &opening("2")).await {
        Opened::Held { epoch, .. } => epoch,
        // This check was slower than the hold.
        _ => first.epoch,
    };
    case.sleep(4).await;
    let over = "a hold that has run out keeps no turn waiting";
    let (second, ..) = case.run("c", &opening_after("2", told)).await;
    is_fenced(over, case.write(&first, memory("late")).await);
    case.written(over, &second, closing(Then::Close)).await;
    let keeps = "a hold that has run out does not end the lease";
    case.written(keeps, &kept, memory("kept")).await;
    case.hold(&kept, Some(Duration::ZERO)).await;
    case.run("kept", &opening("2")).await;
    is_fenced("a hold of no time keeps no turn waiting", case.write(&kept, memory("late")).await);
}

pub(super) async fn a_hold_can_be_changed<S: Store>(case: &mut Case<S>) {
    let lease = case.lease("c", "1").await;
    for hold in [LONG, 2 * LONG, LONG / 2, LONG] {
        let begun = Instant::now();
        case.hold(&lease, Some(hold)).await;
        waits(case, &lease, "2", begun, hold).await;
    }
    case.hold(&lease, Some(Duration::MAX)).await;
    let (left, _) = case.held(WAITS, "c", &opening("2")).await;
    let day = Duration::from_secs(24 * 60 * 60);
    rule("the longest time holds a call for a day at least", left.is_some_and(|left| left > day));
    case.hold(&lease, None).await;
    case.hold(&lease, None).await;
    case.run("c", &opening_after("2", lease.epoch)).await;
}
