//! Messages, and what to ask when some were lost.

use futures_util::StreamExt;
use tokio::time::timeout;

use super::case::{Case, LONG, closing, end, equal, key, ok, opening, rule, stop};
use crate::bot::store::{CancelReason, Lease, Opening, Signal, Standing, Store, Then};

pub(super) async fn check_tells_which_leases_have_ended<S: Store>(case: &mut Case<S>) {
    let mut expected = Vec::new();
    let has = case.lease("has", "1").await;
    expected.push((has, Standing::Held));
    let holds = case.lease("holds", "1").await;
    case.hold(&holds, Some(LONG)).await;
    case.abort("holds", "1").await;
    case.held("a turn that opens a held call has to wait", "holds", &opening("2")).await;
    expected.push((holds, Standing::Held));
    let overtaken = case.lease("overtaken", "1").await;
    let overtakes = case.lease("overtaken", "2").await;
    expected.extend([(overtaken, Standing::Overtaken), (overtakes, Standing::Held)]);
    let aborted = case.lease("aborted", "1").await;
    case.abort("aborted", "1").await;
    expected.push((aborted, Standing::Aborted));
    expected.push((case.answer("closed", "1").await, Standing::Aborted));
    let (between, _) = case.run("closed", &Opening::IfFree).await;
    let last = expected.len() - 1;
    if let Some((_, standing)) = expected.get_mut(last) {
        *standing = Standing::Overtaken;
    }
    expected.push((between, Standing::Held));
    expected.push((case.answer("closed again", "1").await, Standing::Aborted));
    let ended = case.lease("ended", "1").await;
    let (aside, _) = case.run("ended", &end(LONG)).await;
    expected.extend([(ended, Standing::Gone), (aside, Standing::Held)]);
    let removed = case.lease("removed", "1").await;
    let (aside, _) = case.run("removed", &end(LONG)).await;
    case.remove(&aside).await;
    expected.extend([(removed, Standing::Gone), (aside, Standing::Gone)]);
    expected.push((Lease::new(key("unknown"), None, 1), Standing::Gone));

    let told = "check tells what each lease is, in the order of the question";
    for _ in 0..2 {
        let leases: Vec<_> = expected.iter().map(|(lease, _)| lease.clone()).collect();
        let found = ok("leases can be checked", case.store.check(&leases).await);
        let standings: Vec<_> = expected.iter().map(|(_, standing)| *standing).collect();
        equal(told, found, standings);
        expected.reverse();
    }
    equal(told, ok("leases can be checked", case.store.check(&[]).await), vec![]);
    let lease = case.lease("many", "1").await;
    let found = ok("leases can be checked", case.store.check(&vec![lease.clone(); 300]).await);
    equal(told, found, vec![Standing::Held; 300]);
    case.written("check changes nothing", &lease, closing(Then::Close)).await;
}

pub(super) async fn every_subscriber_is_told<S: Store>(case: &mut Case<S>) {
    let mut other = Box::pin(case.store.signals());
    let first = case.lease("c", "1").await;
    let second = case.lease("c", "2").await;
    case.abort("c", "2").await;
    let expected = [(&first, CancelReason::Overtaken), (&second, CancelReason::Aborted)];
    case.stopped("each turn is told to stop, and why", &expected).await;
    for (lease, reason) in expected {
        let found = timeout(std::time::Duration::from_secs(1), async {
            while let Some(signal) = other.next().await {
                if signal == stop(lease, reason) {
                    return true;
                }
            }
            false
        });
        rule(
            "every subscriber gets the messages since it subscribed",
            found.await.unwrap_or(false),
        );
    }
    drop(other);
    case.lease("d", "1").await;
    case.abort("d", "1").await;
    let signals = case.signals(1).await;
    let told =
        signals.iter().any(|signal| matches!(signal, Signal::Stop(stop) if stop.call == key("d")));
    rule("a subscriber that has gone takes no messages from the others", told);
}
