//! Stores that fail or hang: a turn fails in time, and the call goes on.

use callbot::bot::testing::TestCall;
use callbot::bot::{Host, Platform};
use tokio::time::{Instant, sleep, timeout};

use super::calls::idle;
use crate::support::bots::*;

fn moody(bot: Actor) -> (Moody, Log, Line<Actor>) {
    let store = Moody::default();
    let (log, line) = acting(bot, |host| host.limits(idle(60 * SECOND)).store(store.clone()));
    (store, log, line)
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_a_failure_on_each_platform_and_the_call_continues() {
    for platform in Platform::ALL {
        for (op, words) in [
            (Op::Open, "remember x"),
            (Op::Write, "remember x"),
            (Op::Write, "say So. | remember x"),
            (Op::Write, "remember x | save"),
            (Op::Hold, "remember x | hold"),
            (Op::Leave, "remember x | fail"),
        ] {
            let store = Moody::<false>::default();
            let host = Host::builder(Actor::default()).store(store.clone()).build();
            let mut call = TestCall::on(platform, host);
            call.say("say Yes.").await.expect_text("Yes. ");
            store.set(op, Fate::Fails, 1);
            let answer = timeout(60 * SECOND, call.say(words)).await.unwrap();
            match platform {
                // A stream has no other way to report a failure.
                Platform::DuixStream => answer.expect_no_controls(),
                _ => answer.expect_failure(),
            };
            assert_eq!(store.left(op), 0, "{op:?} on {platform}");
            call.say("say Yes.").await.expect_text("Yes. ").expect_end();
            assert_eq!(call.memory().await, [""; 0], "{op:?} on {platform}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_when_turns_are_cut_and_calls_end_is_survived() {
    let (store, log, line) = moody(Actor::default());
    // A turn that takes over a call reads the record again.
    let mut first = line.say("c", "1", "say One. | for ever").await;
    first.until("One.").await;
    store.set(Op::Read, Fate::Fails, 1);
    assert_eq!(line.failure("c", "2", "say Two.").await, 500);
    assert_eq!(store.left(Op::Read), 0);
    first.rest().await;
    assert!(first.ended);
    assert_eq!(line.text("c", "3", "say Three.").await, "Three. ");

    store.set(Op::Abort, Fate::Fails, 1);
    assert_eq!(line.try_abort("c", "3", Some("")).await, Err(500));
    line.abort("c", "3", Some("")).await;
    assert_eq!(line.heard("c", "3").await, "");

    store.set(Op::End, Fate::Fails, 1);
    assert_eq!(line.try_end("c").await, Err(500));
    assert_eq!(log.count("c", "ended"), 0);
    line.end("c").await;
    assert_eq!(log.count("c", "ended"), 1);

    line.text("d", "1", "say Yes.").await;
    // For five rounds, each of which asks for the calls of five platforms.
    store.set(Op::Claim, Fate::Fails, 25);
    sleep(80 * SECOND).await;
    assert_eq!((log.count("d", "ended"), store.left(Op::Claim)), (0, 0));
    sleep(15 * SECOND).await;
    assert_eq!(log.count("d", "ended Expired"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cut_that_cannot_be_stored_does_not_end_the_call() {
    for op in [Op::Open, Op::Write, Op::Leave] {
        let (store, log, line) = moody(Actor::default());
        line.text("c", "1", "say One.").await;
        let mut reply = line.say("c", "2", "say Two. | for ever").await;
        reply.until("Two.").await;
        store.set(op, Fate::Fails, 1);
        reply.close();
        until(|| store.left(op) == 0).await;
        assert_eq!(line.text("c", "3", "say Three.").await, "Three. ", "{op:?}");
        line.end("c").await;
        assert_eq!(log.count("c", "ended ByCaller"), 1, "{op:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_on_open_is_a_failure_in_time() {
    for platform in Platform::ALL {
        let store = Moody::<false>::default();
        let host = Host::builder(Actor::default()).store(store.clone()).build();
        let mut call = TestCall::on(platform, host);
        call.say("say Yes.").await.expect_text("Yes. ");
        store.set(Op::Open, Fate::Hangs, 1);
        let answer = timeout(60 * SECOND, call.say("say Yes.")).await.unwrap();
        answer.expect_no_speech();
        let budget = platform.budget();
        let most = budget.first_packet.or(budget.whole).unwrap();
        assert!(answer.took() <= most + 2 * MS, "{platform}: {:?}", answer.took());
        call.say("say Yes.").await.expect_text("Yes. ").expect_end();
    }
}

/// Checks that a turn ends in time if the store hangs at its end, and that the next turn works.
async fn hangs_at_the_end(platform: Platform) {
    let store = Moody::<false>::default();
    let host = Host::builder(Actor::default()).store(store.clone()).build();
    let mut call = TestCall::on(platform, host);
    call.say("say Yes.").await.expect_text("Yes. ");
    store.set(Op::Write, Fate::Hangs, 1);
    let answer = timeout(60 * SECOND, call.say("remember x")).await;
    let answer = answer.unwrap_or_else(|_| panic!("{platform}"));
    answer.expect_no_speech();
    assert_eq!(answer.failure().is_some(), platform != Platform::DuixStream);
    let budget = platform.budget();
    let most = budget.first_packet.or(budget.whole).unwrap();
    assert!(answer.took() <= most + 2 * MS, "{platform}: {:?}", answer.took());
    call.say("say Yes.").await.expect_text("Yes. ").expect_end();
    assert_eq!(call.memory().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_at_the_end_of_a_turn_is_a_failure_in_time() {
    for platform in [Platform::Duix, Platform::DuixStream, Platform::Odfs] {
        hangs_at_the_end(platform).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_at_the_end_of_a_turn_is_a_failure_on_the_phone_too() {
    hangs_at_the_end(Platform::DigitalEmployee).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_at_the_end_of_a_turn_does_not_delay_the_next_turn() {
    let (store, _, line) = moody(Actor::default());
    line.text("c", "1", "say Yes.").await;
    store.set(Op::Write, Fate::Hangs, 1);
    let mut reply = line.say("c", "2", "say One. | wait 10 | remember x").await;
    reply.until("One.").await;
    until(|| store.left(Op::Write) == 0).await;
    assert_eq!(line.text("c", "3", "say Two.").await, "Two. ");
    // The platform has moved on to the next turn.
    timeout(60 * SECOND, reply.rest()).await.expect("the reply ends");
    assert!(reply.ended);
    assert_eq!(line.snapshot("c").await.memory, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn aborts_ends_and_the_search_for_idle_calls_wait_for_the_store_as_long_as_is_set() {
    let limits = idle(60 * SECOND).with_store_timeout(300 * MS);
    let store = Moody::<false>::default();
    let (log, line) = acting(Actor::default(), |host| host.limits(limits).store(store.clone()));
    line.text("c", "1", "say One.").await;
    for op in [Op::Abort, Op::End] {
        store.set(op, Fate::Hangs, 1);
        let start = Instant::now();
        let failed = match op {
            Op::Abort => line.try_abort("c", "1", Some("")).await,
            _ => line.try_end("c").await,
        };
        assert_eq!(failed, Err(500), "{op:?}");
        assert_eq!(start.elapsed().as_millis(), 300, "{op:?}");
    }
    assert_eq!(log.count("c", "ended"), 0);
    // For one round, which asks for the calls of five platforms.
    store.set(Op::Claim, Fate::Hangs, 5);
    sleep(90 * SECOND).await;
    assert_eq!((store.left(Op::Claim), log.count("c", "ended Expired")), (0, 1));
}
