//! Turns that another request stops: which turn is stopped, and how long the request waits for it.

use std::time::Duration;

use callbot::server::Turns;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn an_abort_reaches_its_turn_and_no_other() {
    let turns = Turns::default();
    let first = turns.start("c", "1");
    let (other_turn, other_call) = (turns.start("c", "2"), turns.start("d", "1"));
    assert!(timeout(MS, first.aborted()).await.is_err());
    let (_, stopped) = tokio::join!(
        async {
            first.aborted().await;
            drop(first);
        },
        turns.abort("c", "1")
    );
    assert!(stopped);
    assert!(timeout(MS, other_turn.aborted()).await.is_err());
    assert!(timeout(MS, other_call.aborted()).await.is_err());
    assert_eq!(turns.running(), 2);
    assert!(!turns.abort("c", "1").await, "it is over");
}

#[tokio::test(start_paused = true)]
async fn an_abort_waits_until_its_turn_ends_but_not_for_ever() {
    for (lets_go_after, waits) in [(300 * MS, 300 * MS), (MS * 60_000, MS * 2000)] {
        let turns = Turns::default();
        let turn = turns.start("c", "1");
        tokio::spawn(async move {
            turn.aborted().await;
            sleep(lets_go_after).await;
        });
        tokio::task::yield_now().await;
        let start = Instant::now();
        assert!(turns.abort("c", "1").await);
        assert_eq!(start.elapsed().as_millis() / 10, waits.as_millis() / 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_turn_with_the_same_id_stops_the_first_and_outlives_it() {
    let turns = Turns::default();
    let before = turns.start("c", "1");
    let again = turns.start("c", "1");
    timeout(MS, before.aborted()).await.unwrap();
    drop(before);
    assert_eq!(turns.running(), 1);
    assert!(timeout(MS, again.aborted()).await.is_err());
    drop(again);
    assert_eq!(turns.running(), 0);
}
