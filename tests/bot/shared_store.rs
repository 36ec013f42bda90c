//! Several instances of a bot with one store: each turn is the caller's only one, nothing that was said or
//! saved is lost, and each call ends for the bot.

use std::time::Duration;

use callbot::bot::store::{Change, Opened, Opening, Then};
use callbot::bot::{
    Bot, Call, CallKey, Cut, Ended, Host, Input, Limits, Platform, Reply, Result, Store,
};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::calls::question;
use crate::support::bots::*;
use crate::support::events::Events;
use crate::support::traces::traced;

/// Two instances of an actor, with one log.
struct Pair {
    store: Moody<true>,
    events: Events,
    log: Log,
    here: Line<Actor>,
    there: Line<Actor>,
}

fn pair() -> Pair {
    pair_of(Moody::default(), Limits::default())
}

fn pair_of(store: Moody<true>, limits: Limits) -> Pair {
    let (bot, events) = (Actor::default(), Events::default());
    let host = || {
        let host = Host::builder(bot.clone()).limits(limits).observer(events.clone());
        line(host.store(store.clone()).build())
    };
    let (here, there) = (host(), host());
    Pair { store, events, log: bot.log, here, there }
}

impl Pair {
    fn of_store(&self, what: &str) -> usize {
        self.events.with(&[&format!("store_operation {what}")]).len()
    }

    /// Returns whether no turn has the call.
    async fn is_free(&self, call: &str) -> bool {
        match self.store.store.open(&key(call), &Opening::IfFree).await.unwrap() {
            Opened::Run { lease, .. } => {
                self.store.store.write(&lease, closing(Then::Close)).await.unwrap();
                true
            }
            _ => false,
        }
    }
}

fn closing(then: Then) -> Change {
    let mut change = Change::default();
    change.then = then;
    change
}

// Openings.

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_cut_while_it_opens_its_call_gives_the_call_back() {
    let pair = pair();
    pair.here.text("c", "1", "say Yes.").await;
    // The platform has gone, or the deadline has passed.
    for (turn, patience) in [("2", 100), ("3", 600)] {
        pair.store.set(Op::Open, Fate::Sleeps(700 * MS), 1);
        let mut reply = pair.here.say("c", turn, "say Yes.").await;
        let answered = timeout(patience * MS, reply.next()).await;
        assert_ne!(answered, Ok(true), "{turn}");
        reply.close();
        sleep(SECOND).await;
        assert!(pair.is_free("c").await, "{turn}");
        // It was not answered.
        assert_eq!(pair.there.text("c", turn, "say Yes.").await, "Yes. ");
    }
    assert_eq!(pair.log.count("c", "turn"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_late_opening_of_a_turn_that_was_cut_does_not_take_the_call_from_the_next_turn() {
    for gone in [false, true] {
        let pair = pair();
        pair.here.text("c", "1", "say Yes.").await;
        pair.store.set(Op::Open, Fate::Sleeps(200 * MS), 1);
        let mut cut = pair.here.say("c", "2", "say Two.").await;
        assert!(timeout(MS, cut.next()).await.is_err());
        // The platform has gone, or asks the next turn while it waits for this one.
        let waiting = if gone {
            cut.close();
            sleep(50 * MS).await;
            None
        } else {
            Some(cut)
        };
        let said = pair.here.text("c", "3", "say Three. | wait 300 | remember three").await;
        assert_eq!(said, "Three. ");
        assert_eq!(pair.here.snapshot("c").await.memory, ["three"], "{gone}");
        assert_eq!(pair.log.count("c", "turn"), 2, "{gone}");
        drop(waiting);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_comes_after_a_late_opening_so_that_no_call_is_left() {
    let pair = pair();
    pair.store.set(Op::Open, Fate::Sleeps(200 * MS), 1);
    let mut cut = pair.here.say("c", "1", "say One.").await;
    assert!(timeout(MS, cut.next()).await.is_err());
    pair.here.end("c").await;
    sleep(SECOND).await;
    assert!(pair.here.host.snapshot(&key("c")).await.unwrap().is_none());
    drop(cut);
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_hangs_does_not_keep_the_next_turn_from_the_store() {
    let pair = pair();
    pair.here.text("c", "1", "say Yes.").await;
    pair.store.set(Op::Open, Fate::Hangs, 1);
    let mut cut = pair.here.say("c", "2", "say Two.").await;
    assert!(timeout(MS, cut.next()).await.is_err());
    let start = Instant::now();
    assert_eq!(pair.here.text("c", "3", "say Three.").await, "Three. ");
    // Half of the time that the store has to open the call.
    assert_eq!(start.elapsed().as_millis(), 250);
    // The turns after it do not wait for the same opening again.
    assert_eq!(pair.here.text("c", "4", "say Four.").await, "Four. ");
    assert_eq!(start.elapsed().as_millis(), 250);
    drop(cut);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_opens_too_late_is_to_blame_and_not_the_bot() {
    let (traces, _guard) = traced();
    let pair = pair();
    pair.store.set(Op::Open, Fate::Hangs, 1);
    let start = Instant::now();
    assert_eq!(pair.here.failure("c", "1", "say Yes.").await, 500);
    assert_eq!(start.elapsed().as_millis(), 500);
    assert_eq!(pair.events.with(&["turn_ended", "failure=store"]).len(), 1);
    let line = ["ERROR", "turn=1", "the store of calls gave no answer within 500ms"];
    assert_eq!(traces.with(&line).len(), 1, "{}", traces.text());

    // Without a deadline of the first packet, the timeout of the store counts.
    let duix = pair.here.host.duix().unwrap().router();
    pair.store.set(Op::Open, Fate::Hangs, 1);
    let body = question("u", "say Yes.");
    let (_, answer) = post(&duix, "/duix/dialogue", body).await;
    assert!(answer.contains("the store of calls gave no answer in time"), "{answer}");
    assert_eq!(traces.with(&["ERROR", "no answer within 2s"]).len(), 1, "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn an_abort_whose_request_is_dropped_is_stored_all_the_same() {
    let pair = pair();
    pair.here.text("c", "1", "say Hello there.").await;
    pair.store.set(Op::Abort, Fate::Sleeps(100 * MS), 1);
    assert!(pair.there.abort("c", "1", Some("Hello")).now_or_never().is_none());
    sleep(200 * MS).await;
    assert_eq!(pair.here.heard("c", "1").await, "Hello");
}

// Waiting for another turn.

#[tokio::test(start_paused = true)]
async fn the_next_turn_waits_for_a_hold_elsewhere_also_if_messages_are_lost() {
    for lost in [false, true] {
        let store = Moody::default();
        store.set(Op::Signals, Fate::Fails, usize::from(lost));
        let pair = pair_of(store, Limits::default());
        let words = "say Well. | hold | wait 100 | remember paid | release | for ever";
        let mut first = pair.here.say("c", "1", words).await;
        first.until("Well.").await;
        let start = Instant::now();
        assert_eq!(pair.there.text("c", "2", "say Yes.").await, "Yes. ");
        let took = start.elapsed().as_millis();
        assert_eq!(took, if lost { 250 } else { 100 }, "{lost}");
        assert_eq!(pair.there.snapshot("c").await.memory, ["paid"]);
        assert_eq!(pair.events.with(&["turn_ended", &format!("hold={took}ms")]).len(), 1);
    }
}

/// A bot that says how many turns its history has, and what the last one has said.
fn historian(store: &Moody<true>) -> Line<Turning> {
    let bot = bot(|call, input, reply| {
        async move {
            let last = call.history.last().map_or("nothing", |turn| turn.said.trim());
            let last = last.split(' ').next().unwrap_or_default();
            reply.say(format!("{} after {} {last}. ", words(&input), call.history.len())).await?;
            if words(&input).starts_with("wait") {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
        .boxed()
    });
    line(Host::builder(bot).store(store.clone()).build())
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_overtakes_another_one_elsewhere_knows_what_the_caller_has_heard() {
    let store = Moody::default();
    let lines = [historian(&store), historian(&store)];
    for round in 0..30 {
        let (here, there) = (&lines[round % 2], &lines[(round + 1) % 2]);
        let mut first = here.say("c", &format!("{round} waits"), &format!("wait{round}")).await;
        first.until(". ").await;
        // The other instance needs a moment to write down what it has sent.
        store.set(Op::Leave, Fate::Sleeps(20 * MS), 1);
        let start = Instant::now();
        let said = there.text("c", &format!("{round} goes"), "go").await;
        assert_eq!(said, format!("go after {} wait{round}. ", 2 * round + 1));
        assert_eq!(start.elapsed().as_millis(), 20);
        first.rest().await;
        assert!(first.ended);
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_waits_at_most_50_ms_for_the_last_words_of_another_one() {
    let store = Moody::default();
    let (here, there) = (historian(&store), historian(&store));
    let mut first = here.say("c", "1", "wait").await;
    first.until(". ").await;
    store.set(Op::Leave, Fate::Hangs, 1);
    let start = Instant::now();
    assert_eq!(there.text("c", "2", "go").await, "go after 0 nothing. ");
    assert_eq!(start.elapsed().as_millis(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_elsewhere_is_reported_with_what_was_sent() {
    let pair = pair();
    let mut first = pair.here.say("c", "1", "say One two. | for ever").await;
    first.until("One two.").await;
    pair.store.set(Op::Leave, Fate::Sleeps(20 * MS), 1);
    pair.there.abort("c", "1", Some("One")).await;
    assert_eq!(pair.log.count("c", "interrupted 1 BargeIn"), 1);
    assert_eq!(pair.there.heard("c", "1").await, "One");
    first.rest().await;
}

#[tokio::test(start_paused = true)]
async fn turns_that_do_not_overtake_each_other_run_in_order_on_all_instances() {
    let pair = pair();
    let ivr = |line: &Line<Actor>| Ivr::new(line.host.odfs().unwrap().router(), "c");
    let (here, there) = (ivr(&pair.here), ivr(&pair.there));
    here.start().await;
    let first = async { here.say("wait 1000 | remember one | say One.").await.to_string() };
    let second = async {
        sleep(100 * MS).await;
        there.say("remember two | say Two.").await.to_string()
    };
    let start = Instant::now();
    let (first, second) = tokio::join!(first, second);
    assert!(first.contains("One.") && second.contains("Two."), "{first} {second}");
    assert_eq!(start.elapsed().as_millis(), 1000);
    let call = CallKey::new(Platform::Odfs, "c");
    let memory = pair.here.host.snapshot(&call).await.unwrap().unwrap().memory;
    assert_eq!(memory, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_takes_the_call_from_an_instance_that_has_died() {
    let pair = pair();
    let ivr = Ivr::new(pair.here.host.odfs().unwrap().router(), "c");
    ivr.start().await;
    let call = CallKey::new(Platform::Odfs, "c");
    pair.store.store.open(&call, &for_turn("dead")).await.unwrap();
    let start = Instant::now();
    let answer = ivr.say("say Yes.").await.to_string();
    assert!(answer.contains("Yes."), "{answer}");
    // Three quarters of the 29.5 s that a turn has, and the 50 ms for the last words of the other one.
    assert_eq!(start.elapsed().as_millis(), 22_175);
}

#[tokio::test(start_paused = true)]
async fn turns_whose_messages_were_lost_are_cut_when_the_store_says_so() {
    let store = Moody::default();
    store.set(Op::Signals, Fate::Fails, 1);
    let pair = pair_of(store, Limits::default());
    let mut overtaken = pair.here.say("c", "1", "say One. | for ever").await;
    overtaken.until("One.").await;
    pair.there.text("c", "2", "say Two.").await;
    let mut aborted = pair.here.say("d", "1", "say One. | for ever").await;
    aborted.until("One.").await;
    pair.there.abort("d", "1", Some("One.")).await;
    let mut running = pair.here.say("e", "1", "say One. | wait 200 | say Two.").await;
    running.until("One.").await;
    sleep(100 * MS).await;
    assert_eq!(pair.events.with(&["turn_cut"]), [""; 0]);
    pair.store.tell_lost();
    for reply in [&mut overtaken, &mut aborted, &mut running] {
        reply.rest().await;
        assert!(reply.ended);
    }
    assert_eq!(pair.events.with(&["turn_cut"]).len(), 2);
    assert_eq!(running.text, "One. Two. ");
}

// A store that loses calls.

#[tokio::test(start_paused = true)]
async fn a_call_that_the_store_loses_in_the_middle_of_a_turn_is_put_back() {
    let (traces, _guard) = traced();
    let pair = pair();
    pair.here.text("c", "1", "remember one | say One.").await;
    pair.there.text("c", "2", "voice | remember two | say Two.").await;
    let mut reply = pair.here.say("c", "3", "say So. | wait 100 | remember three").await;
    reply.until("So.").await;
    pair.store.lose(&key("c")).await;
    reply.rest().await;
    assert!(reply.ended && reply.failure.is_none());
    let seen = pair.there.snapshot("c").await;
    assert_eq!(seen.memory, ["one", "two", "three"]);
    let turns: Vec<_> = seen.history.iter().map(|turn| turn.turn.as_str()).collect();
    assert_eq!(turns, ["1", "2", "3"]);
    // The call goes on as if nothing had happened.
    pair.there.text("c", "4", "say Four.").await;
    assert_eq!(pair.log.count("c", "begin"), 1);
    pair.here.end("c").await;
    assert_eq!(pair.events.with(&["call_ended", "turns=4"]).len(), 1, "{:?}", pair.events.all());
    assert_eq!(pair.of_store("write gone"), 1);
    let line =
        ["ERROR", "turn=3", "the store of calls has lost a call, which the turn has put back"];
    assert_eq!(traces.with(&line).len(), 1, "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_lost_call_is_not_put_back_over_a_new_one() {
    let pair = pair();
    pair.here.text("c", "1", "remember old | say One.").await;
    let mut reply = pair.here.say("c", "2", "say So. | wait 100 | remember older").await;
    reply.until("So.").await;
    pair.store.set(Op::Write, Fate::Loses, 1);
    sleep(90 * MS).await;
    pair.store.set(Op::Open, Fate::Sleeps(100 * MS), 1);
    sleep(50 * MS).await;
    // The caller's next turn comes before the call is back.
    assert_eq!(pair.there.text("c", "3", "remember new | say Three.").await, "Three. ");
    reply.rest().await;
    assert!(reply.ended && reply.failure.is_none());
    assert_eq!(pair.there.snapshot("c").await.memory, ["new"]);
    assert_eq!(pair.events.with(&["turn_cut digital-employee new_turn"]).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_while_a_turn_is_stored_is_not_put_back() {
    let pair = pair();
    pair.here.text("c", "1", "say One.").await;
    pair.store.set(Op::Write, Fate::Sleeps(200 * MS), 1);
    let mut reply = pair.here.say("c", "2", "say Two. | wait 10 | remember two").await;
    reply.until("Two.").await;
    sleep(50 * MS).await;
    pair.there.end("c").await;
    reply.rest().await;
    sleep(SECOND).await;
    assert!(pair.here.host.snapshot(&key("c")).await.unwrap().is_none());
    assert_eq!(pair.log.count("c", "ended"), 1);
}

// Ends.

#[tokio::test(start_paused = true)]
async fn a_call_whose_instance_dies_while_it_ends_ends_elsewhere() {
    let limits = Limits::default().with_idle_timeout(60 * SECOND);
    let pair = pair_of(Moody::default(), limits);
    pair.here.text("c", "1", "remember x | say Bye. | hang up").await;
    // An instance that dies between this and `Bot::ended`. The platform did not say why the call ended.
    let again = 20 * SECOND;
    let ending = Opening::End { told: None, why: "".into(), again };
    assert!(matches!(pair.store.store.open(&key("c"), &ending).await, Ok(Opened::Run { .. })));
    sleep(19 * SECOND).await;
    assert_eq!(pair.log.count("c", "ended"), 0);
    sleep(60 * SECOND).await;
    assert_eq!(pair.log.count("c", "ended ByBot [x]"), 1);
    assert_eq!(pair.log.count("c", "ended"), 1);
}

/// A bot that talks for ever, and logs the last text of the history that it gets at the end.
#[derive(Clone)]
struct Talker(Log);

impl Bot for Talker {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        reply.say(format!("{}. ", words(&input))).await?;
        std::future::pending().await
    }

    async fn ended(&self, call: &mut Call<()>, _: Ended) -> Result {
        let said = call.history.last().map_or("nothing", |turn| turn.said.trim());
        self.0.add(call, format!("ended after {said}"));
        Ok(())
    }
}

fn talkers(limits: Limits) -> (Moody<true>, Log, Line<Talker>, Line<Talker>) {
    let (store, log) = (Moody::<true>::default(), Log::default());
    let host = || Host::builder(Talker(log.clone())).limits(limits).store(store.clone()).build();
    let (here, there) = (line(host()), line(host()));
    (store, log, here, there)
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_elsewhere_has_the_last_words_of_its_turn() {
    let (store, log, here, there) = talkers(Limits::default());
    for (call, leave, expected, took) in [
        ("a", None, "ended after Yes.", 0),
        ("b", Some(Fate::Sleeps(20 * MS)), "ended after Yes.", 20),
        // No end waits for longer than 50 ms.
        ("c", Some(Fate::Hangs), "ended after nothing", 50),
    ] {
        let mut reply = here.say(call, "1", "Yes").await;
        reply.until("Yes.").await;
        if let Some(fate) = leave {
            store.set(Op::Leave, fate, 1);
        }
        let start = Instant::now();
        there.end(call).await;
        assert_eq!(log.of(call), [expected]);
        assert_eq!(start.elapsed().as_millis(), took, "{call}");
        reply.rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_that_was_claimed_has_the_last_words_of_its_turn() {
    let (store, log, here, there) = talkers(Limits::default().with_idle_timeout(2 * SECOND));
    // Starts the housekeeping, which finds the call first.
    there.say("other", "1", "Yes").await.until("Yes.").await;
    sleep(MS).await;
    let mut reply = here.say("c", "1", "Yes").await;
    reply.until("Yes.").await;
    store.set(Op::Leave, Fate::Sleeps(20 * MS), 1);
    reply.rest().await;
    sleep(SECOND).await;
    assert_eq!(log.of("c"), ["ended after Yes."]);
}

/// Sets a call aside, as an instance does that dies before it calls `Bot::ended`.
async fn end_and_die(pair: &Pair, call: &str) {
    pair.here.text(call, "1", "say Bye.").await;
    let ending = Opening::End { told: None, why: "by_caller".into(), again: 20 * SECOND };
    assert!(matches!(pair.store.store.open(&key(call), &ending).await, Ok(Opened::Run { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_end_and_an_abort_end_a_few_calls_that_were_left_by_an_instance_that_died() {
    for aborts in [false, true] {
        let pair = pair();
        for call in 0..6 {
            end_and_die(&pair, &format!("left-{call}")).await;
        }
        pair.there.text("c", "1", "say Hello.").await;
        pair.there.text("d", "1", "say Hello.").await;
        let ended =
            || (0..6).map(|call| pair.log.count(&format!("left-{call}"), "ended")).sum::<usize>();
        let ask = async |call| match aborts {
            true => pair.there.abort(call, "1", Some("Hello.")).await,
            false => pair.there.end(call).await,
        };
        // They are not due yet.
        ask("c").await;
        // Before the next tick of the housekeeping, which is once a minute.
        sleep(25 * SECOND).await;
        let mut counts = vec![ended()];
        for _ in 0..2 {
            ask("d").await;
            sleep(MS).await;
            counts.push(ended());
        }
        assert_eq!(counts, [0, 4, 6], "{aborts}");
        assert_eq!(pair.log.count("left-0", "ended ByCaller"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_and_an_abort_do_not_wait_for_the_calls_that_they_claim_and_claim_once_at_a_time() {
    for (op, fate) in [(Op::Claim, Fate::Sleeps(SECOND)), (Op::Remove, Fate::Sleeps(SECOND))] {
        let pair = pair();
        pair.there.text("c", "1", "say Hello.").await;
        end_and_die(&pair, "left").await;
        sleep(25 * SECOND).await;
        pair.store.set(op, fate, 1);
        let claims = pair.of_store("claim");
        let start = Instant::now();
        pair.there.abort("c", "1", Some("Hello.")).await;
        tokio::task::yield_now().await;
        pair.there.abort("c", "1", Some("Hello.")).await;
        pair.there.end("unknown").await;
        assert_eq!(start.elapsed(), Duration::ZERO, "{op:?}");
        sleep(2 * SECOND).await;
        assert_eq!(pair.of_store("claim") - claims, 1, "{op:?}");
        assert_eq!(pair.log.count("left", "ended"), 1, "{op:?}");
        pair.there.abort("c", "1", Some("Hello.")).await;
        sleep(MS).await;
        assert_eq!(pair.of_store("claim") - claims, 2, "{op:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_claims_no_calls_of_a_store_in_its_process() {
    let events = Events::default();
    let (_, line) = acting(Actor::default(), |host| host.observer(events.clone()));
    line.text("c", "1", "say Hello.").await;
    sleep(SECOND).await;
    let claims = || events.with(&["store_operation claim"]).len();
    let before = claims();
    line.abort("c", "1", Some("Hello.")).await;
    line.end("c").await;
    sleep(SECOND).await;
    assert_eq!(claims(), before);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_can_not_be_removed_ends_again() {
    let (traces, _guard) = traced();
    let limits = Limits::default().with_idle_timeout(60 * SECOND).with_end_timeout(SECOND);
    let pair = pair_of(Moody::default(), limits);
    pair.here.text("c", "1", "say Bye.").await;
    pair.store.set(Op::Remove, Fate::Fails, 1);
    pair.there.end("c").await;
    assert_eq!(pair.log.count("c", "ended ByCaller"), 1);
    assert_eq!(
        traces.with(&["ERROR", "call=digital-employee/c", "may be notified again"]).len(),
        1
    );
    sleep(60 * SECOND).await;
    assert_eq!(pair.log.count("c", "ended ByCaller"), 2);
    sleep(300 * SECOND).await;
    assert_eq!(pair.log.count("c", "ended"), 2);
}

// Frozen instances.

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_cut_turn_ends_after_its_last_words_if_the_instance_freezes_then() {
    for (freezes, leave, expected) in [
        (false, Fate::Sleeps(60 * MS), 0),
        (true, Fate::Sleeps(60 * MS), 60),
        (true, Fate::Hangs, 100),
    ] {
        for failing in [false, true] {
            let store = Moody::<true>::default();
            let (_, line) =
                acting(Actor::default(), |host| host.store(store.clone()).freezes(freezes));
            let end = if failing { "wait 500 | fail" } else { "for ever" };
            let mut reply = line.say("c", "1", &format!("say So. | {end}")).await;
            reply.until("So.").await;
            store.set(Op::Leave, leave, 1);
            if failing {
                sleep(500 * MS).await;
            } else {
                line.abort("c", "1", None).now_or_never();
            }
            let start = Instant::now();
            reply.rest().await;
            assert_eq!(start.elapsed().as_millis(), expected, "{freezes} {leave:?} {failing}");
            assert_eq!(reply.failure.is_some(), failing);
        }
    }
}

// Versions.

/// A bot whose memory has version `V`, and that logs what it is notified of.
#[derive(Clone)]
struct Release<const V: u32>(Log);

impl<const V: u32> Bot for Release<V> {
    type Memory = Vec<u32>;

    const MEMORY_VERSION: u32 = V;

    fn migrate(_: u32, old: serde_json::Value) -> Result<Vec<u32>> {
        Ok(serde_json::from_value(old)?)
    }

    async fn turn(&self, call: &mut Call<Vec<u32>>, _: Input, reply: &mut Reply) -> Result {
        call.memory.push(V);
        reply.say(format!("{:?} and so on", call.memory)).await
    }

    async fn interrupted(&self, call: &mut Call<Vec<u32>>, cut: &Cut) -> Result {
        self.0.add(call, format!("v{V} interrupted {}", cut.turn));
        Ok(())
    }

    async fn ended(&self, call: &mut Call<Vec<u32>>, why: Ended) -> Result {
        self.0.add(call, format!("v{V} ended {why:?}"));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn cuts_and_ends_of_calls_with_a_newer_memory_are_left_to_newer_instances() {
    let (traces, _guard) = traced();
    let (store, log) = (Moody::<true>::default(), Log::default());
    let limits = Limits::default().with_idle_timeout(60 * SECOND);
    let old = Host::builder(Release::<1>(log.clone())).limits(limits).store(store.clone());
    let new = Host::builder(Release::<2>(log.clone())).limits(limits).store(store.clone());
    let (old, new) = (line(old.build()), line(new.build()));
    // A rolling release: the call begins at the old instance.
    old.text("c", "1", "Hi.").await;
    assert_eq!(new.text("c", "2", "Hi.").await, "[1, 2] and so on");
    assert_eq!(old.failure("c", "3", "Hi.").await, 500);

    old.abort("c", "2", Some("[1, 2] and")).await;
    assert_eq!(log.of("c"), [""; 0]);
    new.text("c", "4", "Hi.").await;
    assert_eq!(log.of("c"), ["v2 interrupted 2"]);
    assert_eq!(new.heard("c", "2").await, "[1, 2] and");

    old.end("c").await;
    assert!(new.host.snapshot(&key("c")).await.unwrap().is_none());
    assert_eq!(log.count("c", "v1"), 0);
    let line =
        ["WARN", "call=digital-employee/c", "its end is left to a process with that version"];
    assert_eq!(traces.with(&line).len(), 1, "{}", traces.text());
    sleep(16 * SECOND).await;
    assert_eq!(log.of("c")[1..], ["v2 ended ByCaller"]);

    // Nor does an old instance end an idle one.
    new.text("d", "1", "Hi.").await;
    sleep(180 * SECOND).await;
    assert_eq!(log.of("d"), ["v2 ended Expired"]);
}

#[tokio::test(start_paused = true)]
async fn a_state_or_a_note_of_a_newer_callbot_is_refused_and_stays() {
    let (traces, _guard) = traced();
    for of_note in [false, true] {
        let pair = pair();
        pair.here.text("c", "1", "remember x | say Yes.").await;
        let call = key("c");
        let opened = pair.store.store.open(&call, &Opening::IfFree).await.unwrap();
        let Opened::Run { lease, record, .. } = opened else { panic!() };
        let mut change = closing(Then::Close);
        if of_note {
            let note = r#"{"v":2,"note":{"new":[]}}"#.into();
            pair.store.store.leave(&call, None, note, Then::Keep).await.unwrap();
        } else {
            let state = String::from_utf8(record.state.to_json().to_vec()).unwrap();
            let newer = state.replacen(r#""v":1"#, r#""v":2,"new":[]"#, 1);
            assert_ne!(state, newer);
            change.state = Some(newer.into());
        }
        pair.store.store.write(&lease, change).await.unwrap();
        let before = pair.store.store.read(&call).await.unwrap().unwrap();

        assert_eq!(pair.there.failure("c", "2", "remember y").await, 500);
        pair.there.abort("c", "1", Some("")).await;
        let error = pair.there.host.snapshot(&call).await.unwrap_err();
        let error = std::error::Error::source(&error).unwrap();
        let text = error.source().unwrap().to_string();
        let expected = "the record of a call has version 2, but this program reads up to version 1";
        assert_eq!(text, expected);
        assert_eq!(traces.with(&["ERROR", "turn=2", expected]).len(), 1 + usize::from(of_note));
        // What was sent and heard is noted, for a process that can read it.
        let after = pair.store.store.read(&call).await.unwrap().unwrap();
        assert_eq!((&after.state, &after.memory), (&before.state, &before.memory));
        assert_eq!(after.notes.len(), before.notes.len() + 2);
    }
}

// Costs.

#[tokio::test(start_paused = true)]
async fn what_a_turn_writes_does_not_grow_with_the_call() {
    let store = Moody::<true>::default();
    let limits = Limits::default().with_max_history_entries(200);
    let bot = Actor::default();
    let line = line(Host::builder(bot).limits(limits).store(store.clone()).build());
    let mut sizes = Vec::new();
    for turn in 0..300 {
        let before = store.written().len();
        line.text("c", &format!("{turn:03}"), "say Yes.").await;
        sizes.push(store.written().len() - before);
    }
    assert_eq!(line.snapshot("c").await.history.len(), 200);
    // Some numbers have more digits.
    let (early, late) = (sizes[10], *sizes[100..].iter().max().unwrap());
    assert!(late <= early + 8, "{early} {late}");
}

#[tokio::test(start_paused = true)]
async fn a_first_turn_asks_the_store_twice_unless_its_begin_remembers_something() {
    for (begins, writes) in [("say Hello.", 1), ("remember x", 2)] {
        let (store, events) = (Moody::<true>::default(), Events::default());
        let bot = Actor { begins, ..Actor::default() };
        let host = Host::builder(bot.clone()).store(store.clone()).observer(events.clone());
        let line = line(host.build());
        line.text("c", "1", "say Yes.").await;
        let count = |what: &str| events.with(&[&format!("store_operation {what}")]).len();
        assert_eq!((count("open ok"), count("write ok")), (1, writes), "{begins}");
        // Nor does it begin again if that turn fails.
        line.say("d", "1", "say Yes. | fail").await.rest().await;
        line.text("d", "2", "say Yes.").await;
        assert_eq!(bot.log.count("d", "begin"), 1, "{begins}");
    }
}
