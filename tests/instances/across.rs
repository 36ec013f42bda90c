//! The requests of a call at two instances.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::instance::{Instance, Settings};
use crate::redis::Redis;

/// Two instances over one Redis.
async fn two() -> (Redis, Instance, Instance) {
    let redis = Redis::start();
    let settings = Settings { redis: Some(redis.url()), ..Settings::default() };
    let (here, there) = tokio::join!(Instance::start(&settings), Instance::start(&settings));
    (redis, here, there)
}

#[tokio::test]
async fn a_call_goes_on_at_another_instance_and_ends_at_the_first() {
    let (_redis, here, there) = two().await;
    assert_eq!(here.line.text("c", "1", "say One. | remember x").await, "One.");
    assert_eq!(there.line.text("c", "2", "memory | history").await, "x 1=One.");
    assert_eq!(here.line.text("c", "3", "history").await, "1=One.;2=x 1=One.");
    there.line.end("c").await.unwrap();
    there.until("c", "ended by_caller x").await;
    assert_eq!(here.line.text("c", "4", "say New. | memory").await, "New.");
    assert_eq!(here.events("c"), ["begin", "turn 1", "turn 3", "begin", "turn 4"]);
    assert_eq!(there.events("c"), ["turn 2", "ending by_caller", "ended by_caller x"]);
}

#[tokio::test]
async fn an_abort_at_one_instance_stops_the_turn_of_the_other() {
    let (_redis, here, there) = two().await;
    for round in 0..20 {
        let call = round.to_string();
        let mut reply = here.line.start(&call, "1", "say Once upon | wait 30000").await;
        reply.until("upon").await;
        there.line.abort(&call, "1", "Once").await.unwrap();
        assert_eq!(reply.rest().await.text(), "Once upon");
        here.until(&call, "dropped 1").await;
        assert_eq!(there.line.text(&call, "2", "history").await, "1=Once");
        // Twice if the next turn comes while one of them is told.
        let told = [here.events(&call), there.events(&call)].concat();
        assert!(told.contains(&"interrupted 1 barge_in".to_owned()), "{told:?}");
    }
}

#[tokio::test]
async fn a_new_turn_stops_the_turn_of_the_other_instance_and_sees_what_the_caller_heard() {
    let (_redis, here, there) = two().await;
    for round in 0..30 {
        let (call, instances) = (round.to_string(), [&here, &there]);
        let (first, second) = (instances[round % 2], instances[(round + 1) % 2]);
        let mut reply = first.line.start(&call, "1", "say Once upon | wait 30000").await;
        reply.until("upon").await;
        assert_eq!(second.line.text(&call, "2", "history").await, "1=Once upon", "{round}");
        assert_eq!(reply.rest().await.text(), "Once upon");
        first.until(&call, "dropped 1").await;
        // The bot is told before the new turn, not one turn late.
        assert_eq!(second.events(&call), ["interrupted 1 new_turn", "turn 2"], "{round}");
    }
}

#[tokio::test]
async fn of_two_turns_at_the_same_time_the_memory_has_those_that_were_answered() {
    let (_redis, here, there) = two().await;
    let mut races = 0;
    let (mut answered, mut turn) = (Vec::new(), 0);
    for round in 0..100 {
        let mut ask = |instance: &Instance| {
            turn += 1;
            let (line, turn) = (instance.line.clone(), turn.to_string());
            tokio::spawn(async move {
                let words = format!("wait 20 | remember {turn} | answer Done.");
                let text = line.text("c", &turn, &words).await;
                Some(turn).filter(|_| text == "Done.")
            })
        };
        let both = [ask(&here), ask(&there)];
        let mut of_round = 0;
        for turn in both {
            if let Some(turn) = turn.await.unwrap() {
                answered.push(turn);
                of_round += 1;
            }
        }
        assert!(of_round > 0, "no turn of round {round} was answered");
        races += usize::from(of_round == 1);
    }
    assert!(races > 0, "no two turns were ever at the same time");
    let memory = here.line.text("c", "last", "memory").await;
    let mut memory: Vec<_> = memory.split(',').map(str::to_owned).collect();
    memory.sort();
    answered.sort();
    assert_eq!(memory, answered);
}

#[tokio::test]
async fn many_turns_of_one_call_at_once_leave_one_that_is_answered() {
    let (_redis, here, there) = two().await;
    let mut turns = Vec::new();
    for turn in 0..30 {
        let line = if turn % 2 == 0 { &here.line } else { &there.line }.clone();
        turns.push(tokio::spawn(async move {
            let words = format!("wait 500 | remember {turn} | answer Done.");
            line.text("c", &turn.to_string(), &words).await
        }));
    }
    let mut answered = 0;
    for turn in turns {
        match turn.await.unwrap().as_str() {
            "Done." => answered += 1,
            text => assert_eq!(text, ""),
        }
    }
    let events = [here.events("c"), there.events("c")];
    assert!(answered > 0, "{events:?}");
    let memory = here.line.text("c", "last", "memory").await;
    assert_eq!(memory.split(',').count(), answered, "{memory}");
}

#[tokio::test]
async fn held_work_is_completed_before_the_turn_of_another_instance() {
    let (_redis, here, there) = two().await;
    let mut reply = here.line.start("c", "1", "say I pay. | hold 700 | wait 30000").await;
    reply.until("pay.").await;
    here.until("c", "holding").await;
    // The new turn finds the hold, and waits for its end.
    assert_eq!(there.line.text("c", "2", "memory").await, "held");
    here.until("c", "held").await;
    assert_eq!(reply.rest().await.text(), "I pay.");
    here.until("c", "dropped 1").await;
}

#[tokio::test]
async fn an_abort_at_another_instance_ends_the_reply_and_not_the_held_work() {
    let (_redis, here, there) = two().await;
    let mut reply = here.line.start("c", "1", "say I pay. | hold 700 | wait 30000").await;
    reply.until("pay.").await;
    here.until("c", "holding").await;
    there.line.abort("c", "1", "I").await.unwrap();
    assert_eq!(reply.rest().await.text(), "I pay.");
    assert!(!here.events("c").contains(&"held".to_owned()), "the reply ends immediately");
    assert_eq!(there.line.text("c", "2", "memory | history").await, "held 1=I");
    here.until("c", "held").await;
}

#[tokio::test]
async fn the_same_turn_at_both_instances_runs_at_the_second_and_is_then_repeated() {
    let (_redis, here, there) = two().await;
    let words = "say One. | wait 300 | remember x | answer Two.";
    let mut first = here.line.start("c", "1", words).await;
    first.until("One.").await;
    assert_eq!(there.line.text("c", "1", words).await, "One. Two.");
    assert_eq!(first.rest().await.text(), "One.");
    here.until("c", "dropped 1").await;
    // From now on it is answered.
    assert_eq!(here.line.text("c", "1", words).await, "One. Two.");
    assert_eq!(here.line.text("c", "2", "memory").await, "x");
    let turns = |instance: &Instance| {
        instance.events("c").iter().filter(|event| *event == "turn 1").count()
    };
    assert_eq!((turns(&here), turns(&there)), (1, 1));
}

#[tokio::test]
async fn the_end_of_a_call_stops_its_turn_at_the_other_instance() {
    let (_redis, here, there) = two().await;
    let mut reply = here.line.start("c", "1", "say Once | wait 30000").await;
    reply.until("Once").await;
    there.line.end("c").await.unwrap();
    reply.rest().await.text();
    here.until("c", "dropped 1").await;
    there.until("c", "ended by_caller ").await;
    let ends = [here.events("c"), there.events("c")].concat();
    assert_eq!(ends.iter().filter(|event| event.starts_with("ended")).count(), 1, "{ends:?}");
}

#[tokio::test]
async fn of_idle_calls_each_ends_once() {
    let redis = Redis::start();
    let idle_timeout = Some(Duration::from_secs(2));
    let settings = Settings { redis: Some(redis.url()), idle_timeout, ..Settings::default() };
    let (here, there) = tokio::join!(Instance::start(&settings), Instance::start(&settings));
    const CALLS: usize = 30;
    for call in 0..CALLS {
        let line = if call % 2 == 0 { &here.line } else { &there.line };
        line.text(&call.to_string(), "1", "say Hello.").await;
    }
    let ended = || {
        let all = (0..CALLS).flat_map(|call| {
            [here.events(&call.to_string()), there.events(&call.to_string())].concat()
        });
        all.filter(|event| event.starts_with("ended expired")).count()
    };
    let begin = Instant::now();
    while ended() < CALLS {
        assert!(begin.elapsed() < crate::line::LONG, "{} of {CALLS} calls have ended", ended());
        sleep(Duration::from_millis(20)).await;
    }
    // None ends a second time.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(ended(), CALLS);
}
