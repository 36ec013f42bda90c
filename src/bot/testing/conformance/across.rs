//! Two values of a store with the same calls, as in two processes.

use futures_util::future::join_all;

use super::case::{
    Case, LONG, PLATFORM, closing, end, equal, is_fenced, key, memory, opening, opening_after, stop,
};
use crate::bot::store::{CancelReason, Claim, Opened, Signal, Store, Then};

pub(super) async fn two_values_have_the_same_calls<S: Store>(
    one: &mut Case<S>,
    other: &mut Case<S>,
) {
    equal("both values say the same of themselves", one.store.shared(), other.store.shared());
    let first = one.lease("c", "1").await;
    one.written("a turn that has the call can write", &first, memory("first")).await;
    let (second, record) = other.run("c", &opening("2")).await;
    equal("both values have the same calls", &*record.memory, &b"first"[..]);
    let told = "a turn is told to stop where it got its lease";
    one.signal(told, &stop(&first, CancelReason::Overtaken)).await;
    is_fenced(
        "a turn is overtaken through the other value",
        one.write(&first, memory("late")).await,
    );
    one.leave("c", Some(&first), "last", Then::Close).await;
    other.signal("who has the call is told when a turn has left", &Signal::Left(key("c"))).await;
    one.abort("c", "2").await;
    other.signal(told, &stop(&second, CancelReason::Aborted)).await;

    // A hold on one side, and turns that wait on both.
    let third = one.lease("c", "3").await;
    one.hold(&third, Some(LONG)).await;
    let waits = "a turn that opens a held call has to wait";
    other.held(waits, "c", &opening("4")).await;
    one.held(waits, "c", &opening("5")).await;
    one.written("a turn that holds the call can write", &third, closing(Then::Close)).await;
    let free = "who waits for a hold is told when it ends, on each side";
    other.signal(free, &Signal::Free(key("c"))).await;
    one.signal(free, &Signal::Free(key("c"))).await;
    let (fourth, ..) = other.run("c", &opening_after("4", third.epoch)).await;

    let (aside, _) = one.run("c", &end(LONG)).await;
    other.signal(told, &stop(&fourth, CancelReason::Ended)).await;
    other.leave("c", Some(&fourth), "last", Then::Close).await;
    one.signal("who ends a call is told when its turn has left", &Signal::Left(key("c"))).await;
    other.remove(&aside).await;

    // Races: one has the call in the end, and each call is claimed once.
    let (one, other) = (&*one, &*other);
    for race in 0..20 {
        let call = format!("race-{race}");
        let (ours, theirs) = (opening("ours"), opening("theirs"));
        let both = [one.open(&call, &ours), other.open(&call, &theirs)];
        let mut leases: Vec<_> = join_all(both)
            .await
            .into_iter()
            .filter_map(|opened| match opened {
                Opened::Run { lease, .. } => Some(lease),
                _ => None,
            })
            .collect();
        leases.sort_by_key(|lease| lease.epoch);
        let Some(last) = leases.pop() else { continue };
        one.written("the last to open a call has it", &last, closing(Then::Close)).await;
        for lease in &leases {
            is_fenced("the last to open a call has it", other.write(lease, memory("late")).await);
        }
    }
    one.sleep(1).await;
    let claim = &Claim::new(PLATFORM, std::time::Duration::ZERO, 99, LONG, u32::MAX);
    let claimed = join_all([one.claim(claim), other.claim(claim)]).await;
    let mut ids: Vec<_> =
        claimed.iter().flatten().map(|claimed| claimed.lease.call.id.to_string()).collect();
    ids.sort_unstable();
    let mut all: Vec<_> = (0..20).map(|race| format!("race-{race}")).collect();
    all.sort_unstable();
    equal("each call is claimed by one process", ids, all);
}
