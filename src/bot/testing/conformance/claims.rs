//! Calls that are claimed: those that have ended, and idle ones.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::case::{
    Case, LONG, PLATFORM, bytes, closing, end, ended, equal, is_gone, is_refused, memory, opening,
    rule, turn,
};
use crate::bot::capabilities::Platform;
use crate::bot::input::CallKey;
use crate::bot::store::{
    CancelReason, Change, Claim, Claimed, Edit, Opening, Store, StoredTurn, Then,
};

const NONE: [String; 0] = [];

fn idle(idle: Duration) -> Claim {
    Claim::new(PLATFORM, idle, 99, LONG, u32::MAX)
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| &*claimed.lease.call.id).collect()
}

pub(super) async fn a_call_that_has_ended_is_claimed_again<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    let stored = StoredTurn::new(turn("1"), first.epoch, 0, b"said".to_vec());
    let change = Change {
        memory: Some((3, bytes("memory"))),
        history: vec![Edit::Put(stored.into())],
        then: Then::Close,
        ..Change::default()
    };
    case.written("a turn that has the call can write", &first, change).await;
    case.leave("c", None, "note", Then::Keep).await;
    let (old, record) = case.run("c", &end(case.unit)).await;
    case.sleep(2).await;
    let again = "a call that has ended is claimed again if it was not removed in time";
    let claimed = case.claim(&ended(9, case.unit)).await;
    equal(again, ids(&claimed), vec!["c"]);
    let Some(newer) = claimed.into_iter().next() else { return };
    equal("a claim returns the record of the call", &newer.record, &record);
    equal("a claim returns why the call has ended", newer.why.as_deref(), Some(&b"why"[..]));
    rule("an epoch grows whenever a call is claimed", newer.lease.epoch > old.epoch);
    equal("the lease of a claim has no turn", newer.lease.turn.clone(), None);
    is_refused("a claim ends the lease of the former one", case.write(&old, memory("late")).await);
    case.remove(&old).await;
    case.sleep(2).await;
    let claimed = case.claim(&ended(9, LONG)).await;
    let stays = "a record that was claimed since is not removed with an older lease";
    equal(stays, ids(&claimed), vec!["c"]);
    let Some(newest) = claimed.into_iter().next() else { return };
    equal("a claim returns why the call has ended", newest.why.as_deref(), Some(&b"why"[..]));
    equal(
        "a claimed call is claimed once in its time",
        case.claimed_ids(&ended(9, LONG)).await,
        NONE.to_vec(),
    );
    // Given back, so that another process can take it.
    case.written("the lease of a claim can close", &newest.lease, closing(Then::CloseUnanswered))
        .await;
    is_refused(
        "a lease that was closed has ended",
        case.write(&newest.lease, memory("late")).await,
    );
    let claimed = case.claim(&ended(9, LONG)).await;
    equal("a call that was given back can be claimed", ids(&claimed), vec!["c"]);
    let Some(last) = claimed.into_iter().next() else { return };
    equal("a claim returns the record of the call", &last.record, &record);
    let platform = Platform::Chat;
    let other = Claim::new(platform, Duration::ZERO, 9, LONG, u32::MAX);
    equal("a claim is for one platform", case.claimed_ids(&other).await, NONE.to_vec());
    case.remove(&last.lease).await;
    equal(
        "a call that was removed is not claimed",
        case.claimed_ids(&ended(9, LONG)).await,
        NONE.to_vec(),
    );

    // Two calls with the same key, and the most at a time.
    for call in ["a", "a", "b"] {
        case.answer(call, "1").await;
        case.run(call, &end(Duration::ZERO)).await;
    }
    let most =
        "a claim returns at most as many calls as it asks for, each call that has ended for itself";
    equal(most, case.claimed_ids(&ended(0, LONG)).await, NONE.to_vec());
    let mut all = case.claimed_ids(&ended(2, LONG)).await;
    equal(most, all.len(), 2);
    all.extend(case.claimed_ids(&ended(2, LONG)).await);
    all.sort_unstable();
    equal(most, all, vec!["a".to_owned(), "a".to_owned(), "b".to_owned()]);
}

pub(super) async fn idle_calls_are_claimed<S: Store>(case: &mut Case<S>) {
    let first = case.lease("c", "1").await;
    case.written("a turn that has the call can write", &first, memory("first")).await;
    case.written("a turn that has the call can write", &first, closing(Then::Close)).await;
    let other = CallKey::new(Platform::Chat, "c");
    let opened = case.store.open(&other, &opening("1")).await;
    rule("each platform has calls of its own", opened.is_ok());
    equal("a call that was used is not idle", case.claimed_ids(&idle(LONG)).await, NONE.to_vec());
    equal("no call is idle for ever", case.claimed_ids(&idle(Duration::MAX)).await, NONE.to_vec());
    case.sleep(4).await;
    let claimed = case.claim(&idle(case.unit * 3)).await;
    equal("an idle call is claimed, on one platform", ids(&claimed), vec!["c"]);
    let Some(claimed) = claimed.into_iter().next() else { return };
    equal("an idle call has no reason for its end", claimed.why, None);
    equal("a claim returns the record of the call", &*claimed.record.memory, &b"first"[..]);
    rule("an epoch grows whenever a call is claimed", claimed.lease.epoch > first.epoch);
    let absent = "a call that was claimed is not there any more";
    equal(absent, case.read("c").await, None);
    is_gone(absent, case.write(&first, memory("late")).await);
    case.busy(absent, "c", &Opening::IfFree).await;
    equal(
        "a claimed call is claimed once in its time",
        case.claimed_ids(&idle(Duration::ZERO)).await,
        NONE.to_vec(),
    );
    let new = case.lease("c", "1").await;
    rule("an epoch is never used twice for a key", new.epoch > claimed.lease.epoch);
    case.remove(&claimed.lease).await;
    case.written("a claimed call leaves a new one with its key alone", &new, memory("new")).await;

    // A turn that hangs, even in a hold.
    let hangs = "a call that a turn has is idle after twice the time";
    let begun = Instant::now();
    case.hold(&new, Some(LONG)).await;
    case.sleep(3).await;
    let claimed = case.claim(&idle(case.unit * 2)).await;
    if begun.elapsed() < case.unit * 4 {
        equal(hangs, ids(&claimed), vec![]);
    }
    if claimed.is_empty() {
        case.stopped(hangs, &[]).await;
        case.sleep(2).await;
        let claimed = case.claim(&idle(case.unit * 2)).await;
        equal(hangs, ids(&claimed), vec!["c"]);
        let told = "the turn of a call that is claimed is told to stop";
        case.stopped(told, &[(&new, CancelReason::Ended)]).await;
        let since = "a claim returns how long ago its turn was told to stop";
        for Claimed { lease, unsettled, .. } in claimed {
            rule(since, unsettled.is_some());
            let kept = "the last words of a turn reach the record of its call after a claim";
            rule(kept, case.leave("c", Some(&new), "last", Then::Close).await);
            equal(kept, case.notes_aside(&lease).await, Some(vec![bytes("last")]));
        }
    }
    is_gone(
        "a call that was claimed is not there any more",
        case.write(&new, memory("late")).await,
    );
}

pub(super) async fn every_use_keeps_a_call_from_being_idle<S: Store>(case: &mut Case<S>) {
    let uses = "a call that is used is not idle";
    for used in ["open", "leave", "abort", "write", "hold"] {
        let lease = case.lease("c", used).await;
        // A call that a turn has is idle after twice the time.
        let has_turn = ["write", "hold"].contains(&used);
        if !has_turn {
            case.written("a turn that has the call can write", &lease, closing(Then::Close)).await;
        }
        case.sleep(3).await;
        let begun = Instant::now();
        match used {
            "open" => {
                case.answer("c", "again").await;
            }
            "leave" => rule(uses, case.leave("c", None, "note", Then::Keep).await),
            "abort" => rule(uses, case.abort("c", "other").await),
            "write" => case.written(uses, &lease, memory("written")).await,
            _ => case.hold(&lease, Some(LONG)).await,
        }
        case.sleep(3).await;
        let idle_for = case.unit * 5 / if has_turn { 2 } else { 1 };
        let claimed = case.claimed_ids(&idle(idle_for)).await;
        if begun.elapsed() < case.unit * 5 {
            equal(uses, claimed, NONE.to_vec());
        }
        case.sleep(3).await;
        case.claim(&idle(idle_for)).await;
        equal("a call that is not used any more is idle", case.read("c").await, None);
    }
}

pub(super) async fn newer_memories_are_not_claimed<S: Store>(case: &mut Case<S>) {
    for (call, version) in [("v0", 0), ("v2", 2), ("v9", 9), ("none", 0)] {
        let lease = case.lease(call, "1").await;
        let change = Change { memory: Some((version, bytes("memory"))), ..Change::default() };
        if call != "none" {
            case.written("a turn that has the call can write", &lease, change).await;
        }
        case.written("a turn that has the call can write", &lease, closing(Then::Close)).await;
    }
    case.sleep(2).await;
    let claim = |idle, again, version| Claim::new(PLATFORM, idle, 99, again, version);
    let version = "a call with a memory of a newer version is not claimed";
    let old = case.claim(&claim(case.unit, Duration::ZERO, 1)).await;
    equal(version, ids(&old), vec!["none", "v0"]);
    rule(version, case.read("v2").await.is_some());
    for call in ["v2", "v9"] {
        case.run(call, &end(Duration::ZERO)).await;
    }
    let old = case.claim(&claim(LONG, LONG, 1)).await;
    equal(version, ids(&old), vec!["none", "v0"]);
    let newer = case.claim(&claim(LONG, LONG, 2)).await;
    equal(version, ids(&newer), vec!["v2"]);
    let newest = case.claim(&claim(LONG, LONG, u32::MAX)).await;
    equal(version, ids(&newest), vec!["v9"]);
    equal(
        "a claim returns the version of the memory",
        newest.first().map(|v9| v9.record.version),
        Some(9),
    );
}

pub(super) async fn each_call_is_claimed_once<S: Store>(case: &mut Case<S>) {
    let calls: Vec<_> = (0..20).map(|n| format!("{n:02}")).collect();
    for call in &calls {
        case.answer(call, "1").await;
        if call.ends_with('0') {
            case.run(call, &end(Duration::ZERO)).await;
        }
    }
    case.sleep(1).await;
    let claim = &Claim::new(PLATFORM, Duration::ZERO, 7, LONG, u32::MAX);
    let (case, mut all) = (&*case, Vec::new());
    for _ in 0..5 {
        let claimed = join_all((0..5).map(|_| case.claim(claim))).await;
        for claimed in &claimed {
            let most = "a claim returns at most as many calls as it asks for";
            rule(most, claimed.len() <= 7);
        }
        all.extend(claimed.into_iter().flatten().map(|claimed| claimed.lease.call.id.to_string()));
    }
    all.sort_unstable();
    equal("each call is claimed once, however many ask for it", all, calls);
}
