//! What is seen of turns and calls from outside: by observers, in traces and in the log.

use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Call, Cut, Ended, Host, HostBuilder, Input, Limits, MemoryStore, Platform, Reply, Result,
};
use callbot::observe::{Event, Observer};
use callbot::server::Error;
use futures_util::FutureExt;
use tokio::time::sleep;
use tracing::Level;

use crate::support::bots::*;
use crate::support::events::Events;
use crate::support::spans::{Seen, spanned};
use crate::support::traces::{traced, traced_at};

use Platform::{DigitalEmployee, Duix, DuixStream, Odfs};

const SORRY: &str = "I'm sorry.";

fn streams(platform: Platform) -> bool {
    platform.capabilities().streams
}

/// An actor on a platform, and its events.
fn observed(
    platform: Platform,
    with: impl FnOnce(HostBuilder<Actor>) -> HostBuilder<Actor>,
) -> (Events, TestCall<Actor>) {
    let events = Events::default();
    let host = with(Host::builder(Actor::default())).observer(events.clone()).build();
    (events, TestCall::on(platform, host))
}

/// An actor on a phone line, and its events.
fn observed_line(
    with: impl FnOnce(HostBuilder<Actor>) -> HostBuilder<Actor>,
) -> (Events, Line<Actor>) {
    let events = Events::default();
    let (_, line) = acting(Actor::default(), |host| with(host).observer(events.clone()));
    (events, line)
}

// Events.

#[tokio::test(start_paused = true)]
async fn a_turn_starts_once_and_ends_once_on_every_platform() {
    for platform in Platform::ALL {
        let (events, mut call) = observed(platform, |host| host);
        let say = "wait 100 | say Yes. | wait 100 | say No.";
        call.say(say).await.expect_text("Yes. No. ").expect_end();
        let (first, packets) = if streams(platform) { (100, 2) } else { (200, 1) };
        let ended = format!("answered first=bot@{first}ms 200ms packets={packets} bytes=9");
        let expected = [
            format!("turn_started {platform} speech"),
            format!("turn_ended {platform} speech {ended}"),
        ];
        assert_eq!(events.with(&["speech"]), expected);
        assert_eq!(events.with(&["call_begun"]), [format!("call_begun {platform}")]);
        // The first turn of a platform that greets.
        let greets = platform.capabilities().greets;
        assert_eq!(events.with(&["turn_ended", "begin answered"]).len(), usize::from(greets));
    }
}

#[tokio::test(start_paused = true)]
async fn the_kind_of_input_is_seen_and_no_word_of_it() {
    let (events, mut call) = observed(Odfs, |host| host);
    call.say("say 1").await;
    call.keys("4711").await;
    call.silence().await;
    call.no_match().await;
    call.say("transfer").await;
    call.transferred().await;
    let started: Vec<_> = events.with(&["turn_started"]);
    let kinds: Vec<_> = started.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(
        kinds,
        ["begin", "speech", "dtmf", "silence", "no_match", "speech", "transferred"],
        "{call}"
    );
    assert!(!events.all().concat().contains("4711"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_is_seen_with_its_kind() {
    for platform in Platform::ALL {
        for (words, failure) in [
            ("fail", "bot"),
            ("panic", "panic"),
            ("remember much more than there is room for", "memory"),
            ("for ever", "deadline"),
        ] {
            for apology in [false, true] {
                let (events, mut call) = observed(platform, |host| {
                    let host = host.limits(Limits::default().with_max_memory_bytes(30));
                    if apology { host.apology(SORRY) } else { host }
                });
                call.say(words).await;
                let cause = if failure == "deadline" { "cause=deadline " } else { "" };
                let late = platform.budget().net();
                let late = late.first_packet.or(late.whole).filter(|_| failure == "deadline");
                let ms = late.unwrap_or_default().as_millis();
                let expected = match apology {
                    true => format!(
                        "turn_ended {platform} speech apology {cause}failure={failure} \
                         first=apology@{ms}ms {ms}ms packets=1 bytes={}",
                        SORRY.len()
                    ),
                    false => format!(
                        "turn_ended {platform} speech failed {cause}failure={failure} {ms}ms \
                         packets=0 bytes=0"
                    ),
                };
                assert_eq!(events.with(&["turn_ended", "speech"]), [expected], "{words}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_the_bot_rejects_is_no_failure_of_the_bot() {
    let events = Events::default();
    let rejects =
        bot(|_, _, _| async { Err(Error::public("no such account").status(404)) }.boxed());
    let host = Host::builder(rejects).observer(events.clone()).build();
    let (traces, _guard) = traced();
    TestCall::on(Duix, host).say("hello").await.expect_failure();
    assert_eq!(events.with(&["turn_ended", "failed failure=rejected"]).len(), 1);
    assert_eq!(traces.with(&["WARN", "the bot rejected a turn: no such account"]).len(), 1);
    assert_eq!(traces.with(&["ERROR"]), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_filler_and_a_late_greeting_are_seen() {
    let (events, line) = observed_line(|host| host.filler("One moment. "));
    line.text("c", "1", "wait 500 | say Yes.").await;
    let ended = "answered first=filler@385ms 500ms packets=2 bytes=17";
    assert_eq!(
        events.with(&["speech answered"]),
        [format!("turn_ended digital-employee speech {ended}")]
    );

    let events = Events::default();
    let bot = Actor { begins: "say Hello. | wait 300 | say Welcome.", ..Actor::default() };
    let (_, line) = acting(bot, |host| host.observer(events.clone()));
    line.begin("c", "1").await.rest().await;
    let ended = "shortened cause=deadline first=bot@0ms 150ms packets=1 bytes=7";
    assert_eq!(
        events.with(&["turn_ended"]),
        [format!("turn_ended digital-employee begin {ended}")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_seen_with_its_cause_and_its_latency() {
    let (events, line) = observed_line(|host| host);
    let cut = |cause: &str, latency: u32| {
        let cut = format!("turn_cut digital-employee {cause} {latency}ms");
        let ended = format!(
            "turn_ended digital-employee speech cut cause={cause} first=bot@0ms 100ms packets=1 bytes=6"
        );
        vec![cut, ended]
    };
    let seen = || {
        let mut seen = events.with(&["turn_"]);
        seen.retain(|line| line.contains("_cut") || line.contains("speech cut"));
        events.clear();
        seen
    };
    for (words, latency) in [
        ("say Well. | for ever", 0),
        // A hold delays the end of the bot, but not that of the reply.
        ("say Well. | hold | wait 700 | release | for ever", 600),
    ] {
        let mut reading = line.say("c", "1", words).await;
        reading.until("Well.").await;
        sleep(100 * MS).await;
        line.abort("c", "1", Some("We")).await;
        reading.rest().await;
        sleep(SECOND).await;
        assert_eq!(seen(), cut("barge_in", latency), "{words}");
        line.end("c").await;
        events.clear();
    }

    let mut reading = line.say("c", "2", "say Well. | for ever").await;
    reading.until("Well.").await;
    sleep(100 * MS).await;
    line.text("c", "3", "say Yes.").await;
    assert_eq!(seen(), cut("new_turn", 0));

    let mut reading = line.say("c", "4", "say Well. | for ever").await;
    reading.until("Well.").await;
    sleep(100 * MS).await;
    reading.close();
    sleep(MS).await;
    assert_eq!(seen(), cut("peer_gone", 0));

    let mut reading = line.say("c", "5", "say Well. | for ever").await;
    reading.until("Well.").await;
    sleep(100 * MS).await;
    line.end("c").await;
    assert_eq!(seen(), cut("call_over", 0));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_is_seen() {
    let (events, line) = observed_line(|host| host);
    let words = "wait 100 | say Yes.";
    let (mut one, mut other) = (line.say("c", "1", words).await, line.say("c", "1", words).await);
    tokio::join!(one.rest(), other.rest());
    let ended =
        "turn_ended digital-employee speech answered first=bot@100ms 100ms packets=1 bytes=5";
    assert_eq!(events.with(&["turn_ended"]), [format!("{ended} requests=2")]);
    assert_eq!(events.with(&["turn_started"]).len(), 1);
    events.clear();

    line.text("c", "1", words).await;
    let ended =
        "turn_ended digital-employee speech answered repeated first=bot@0ms 0ms packets=1 bytes=5";
    assert_eq!(events.with(&["turn_ended"]), [ended]);
}

#[tokio::test(start_paused = true)]
async fn each_call_that_begins_ends_once_for_its_reason() {
    let ends = |events: &Events| {
        let seen = events.with(&["call_"]);
        events.clear();
        seen
    };
    let (events, line) = observed_line(|host| host.store(MemoryStore::new().max_calls(2)));
    let pair = |why: &str, turns: u32| {
        let begun = "call_begun digital-employee".to_owned();
        vec![begun, format!("call_ended digital-employee {why} turns={turns}")]
    };

    line.text("c", "1", "say Yes.").await;
    assert_eq!(line.say("c", "2", "fail").await.failure, None);
    line.text("c", "3", "say Yes.").await;
    line.end("c").await;
    assert_eq!(ends(&events), pair("by_caller", 2));

    line.text("c", "1", "say Bye. | hang up").await;
    line.end("c").await;
    assert_eq!(ends(&events), pair("by_bot", 1));

    line.text("c", "1", "say One moment. | transfer").await;
    line.end("c").await;
    assert_eq!(ends(&events), pair("transferred", 1));

    line.text("c", "1", "say Yes.").await;
    sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(ends(&events), pair("expired", 1));

    for call in ["a", "b", "c"] {
        line.text(call, "1", "say Yes.").await;
        sleep(SECOND).await;
    }
    let evicted = "call_ended digital-employee evicted turns=1";
    assert_eq!(ends(&events).iter().filter(|line| *line == evicted).count(), 1);

    // A call with an id that is in use.
    line.greeting("c", "2").await;
    until(|| !events.with(&["call_ended"]).is_empty()).await;
    let seen = ends(&events);
    assert_eq!(
        seen,
        ["call_begun digital-employee", "call_ended digital-employee unknown turns=1"]
    );

    // The calls that are left.
    line.host.shutdown(SECOND).await;
    let mut seen = ends(&events);
    seen.sort();
    let shut = |turns| format!("call_ended digital-employee shutdown turns={turns}");
    assert_eq!(seen, [shut(0), shut(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_stored_neither_begins_nor_ends() {
    let store = Moody::<false>::default();
    let (events, line) = observed_line(|host| host.store(store.clone()));
    store.set(Op::Open, Fate::Fails, 1);
    assert_eq!(line.failure("c", "1", "say Yes.").await, 500);
    line.end("c").await;
    assert_eq!(events.with(&["call_"]), [""; 0]);
    // The next attempt begins it, once.
    store.set(Op::Write, Fate::Fails, 2);
    for turn in ["2", "3"] {
        assert_eq!(line.failure("c", turn, "say Yes.").await, 500);
    }
    line.text("c", "4", "say Yes.").await;
    line.end("c").await;
    let ended = "call_ended digital-employee by_caller turns=1";
    assert_eq!(events.with(&["call_"]), ["call_begun digital-employee", ended]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_is_seen_even_if_the_bot_fails_at_it() {
    for ends in ["fail", "panic", "for ever"] {
        let events = Events::default();
        let bot = Actor { ends, ..Actor::default() };
        let (_, line) = acting(bot, |host| host.observer(events.clone()));
        line.text("c", "1", "say Yes.").await;
        line.end("c").await;
        let ended = "call_ended digital-employee by_caller turns=1";
        assert_eq!(events.with(&["call_ended"]), [ended], "{ends}");
    }
}

#[tokio::test(start_paused = true)]
async fn operations_of_the_store_are_seen_with_their_outcome() {
    let store = Moody::<false>::default();
    let (events, line) = observed_line(|host| host.store(store.clone()));
    line.text("c", "1", "say Yes.").await;
    // A turn asks the store twice, also the first one.
    let expected = ["store_operation open ok 0ms", "store_operation write ok 0ms"];
    let mut seen = events.with(&["store_operation"]);
    // The housekeeping looks for idle calls.
    seen.retain(|line| !line.contains(" claim "));
    assert_eq!(seen, expected);
    events.clear();

    store.set(Op::Write, Fate::Sleeps(20 * MS), 1);
    line.text("c", "2", "say Yes.").await;
    assert_eq!(events.with(&["store_operation write ok 20ms"]).len(), 1);
    assert_eq!(events.with(&["turn_ended", "answered", " 20ms ", "store=20ms"]).len(), 1);
    events.clear();

    store.set(Op::Write, Fate::Fails, 1);
    assert_eq!(line.failure("c", "3", "say Yes.").await, 500);
    assert_eq!(events.with(&["store_operation write failed 0ms"]).len(), 1);
    assert_eq!(events.with(&["turn_ended", "failed failure=store"]).len(), 1);
    events.clear();

    // The store is to blame, not the bot: 50 ms before the deadline of the turn.
    store.set(Op::Open, Fate::Hangs, 1);
    assert_eq!(line.failure("c", "4", "say Yes.").await, 500);
    assert_eq!(events.with(&["store_operation open failed 500ms"]).len(), 1);
    let ended = "failed failure=store 500ms packets=0 bytes=0 store=500ms";
    assert_eq!(events.with(&["turn_ended", ended]).len(), 1, "{:?}", events.all());
}

#[tokio::test(start_paused = true)]
async fn a_full_store_is_seen() {
    let store = MemoryStore::new().max_calls(1);
    let (events, line) = observed_line(|host| host.store(store));
    let mut reading = line.say("a", "1", "say Well. | wait 200").await;
    reading.until("Well.").await;
    assert_eq!(line.failure("b", "1", "say Yes.").await, 503);
    assert_eq!(events.with(&["turn_ended", "failed failure=full"]).len(), 1);
    assert!(!events.with(&["store_operation open full"]).is_empty());
    reading.rest().await;
}

#[tokio::test(start_paused = true)]
async fn holds_that_break_and_waits_for_them_are_seen() {
    let (events, line) = observed_line(|host| host);
    let mut reading = line.say("c", "1", "say Well. | hold | wait 300 | release | for ever").await;
    reading.until("Well.").await;
    // The next turn waits for the hold.
    line.text("c", "2", "say Yes.").await;
    let waited = "answered first=bot@300ms 300ms packets=1 bytes=5 hold=300ms";
    assert_eq!(events.with(&["turn_ended", waited]).len(), 1, "{:?}", events.all());
    assert_eq!(events.with(&["hold_broken"]), [""; 0]);
    events.clear();

    // It goes on without protection.
    line.text("c", "3", "say Well. | hold 200 | wait 300 | release").await;
    assert_eq!(events.with(&["hold_broken"]), ["hold_broken digital-employee after=200ms"]);
    events.clear();

    // Its work is dropped, as the reply was cut before.
    let mut reading = line.say("c", "4", "say Well. | hold 200 | wait 300 | release").await;
    reading.until("Well.").await;
    line.abort("c", "4", None).await;
    sleep(SECOND).await;
    assert_eq!(events.with(&["hold_broken"]), ["hold_broken digital-employee after=200ms dropped"]);
    assert_eq!(events.with(&["turn_cut"]), ["turn_cut digital-employee barge_in 200ms"]);
    events.clear();

    // It goes on without protection, and is then dropped.
    let mut reading = line.say("c", "5", "say Well. | hold 200 | for ever").await;
    reading.until("Well.").await;
    sleep(SECOND).await;
    line.abort("c", "5", None).await;
    sleep(SECOND).await;
    let broken = ["", " dropped"]
        .map(|dropped| format!("hold_broken digital-employee after=200ms{dropped}"));
    assert_eq!(events.with(&["hold_broken"]), broken);
}

#[tokio::test(start_paused = true)]
async fn turns_that_a_shutdown_ends_or_refuses_are_seen() {
    let (events, line) = observed_line(|host| host);
    let mut reading = line.say("c", "1", "say Well. | for ever").await;
    reading.until("Well.").await;
    let (host, traces) = (line.host.clone(), traced());
    let shut = tokio::spawn(async move { host.shutdown(SECOND).await });
    sleep(MS).await;
    assert_eq!(line.failure("c", "2", "say Yes.").await, 503);
    assert!(shut.await.unwrap());
    let ended = events.with(&["turn_ended"]);
    assert!(ended[0].contains("speech failed failure=shutdown 0ms packets=0"), "{ended:?}");
    let cut = "speech failed cause=call_over failure=shutdown first=bot@0ms 750ms packets=1";
    assert!(ended[1].contains(cut), "{ended:?}");
    assert_eq!(ended.len(), 2);
    assert_eq!(events.with(&["turn_started"]).len(), 2);
    let (traces, _guard) = traces;
    for turn in ["1", "2"] {
        let parts =
            ["ERROR", "a turn failed: the server is shutting down", &format!("turn={turn}")];
        assert_eq!(traces.with(&parts).len(), 1, "{}", traces.text());
    }
}

#[test]
fn a_turn_whose_task_is_dropped_is_seen() {
    let (events, (traces, _guard)) = (Events::default(), traced());
    let mut turns = tokio::runtime::Builder::new_multi_thread();
    let turns = turns.worker_threads(1).enable_all().build().unwrap();
    let host = Host::builder(Actor::default()).runtime(turns.handle().clone());
    let host = host.observer(events.clone()).build();
    let requests = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    requests.block_on(async {
        let line = line(host);
        let mut reading = line.say("c", "1", "say Well. | for ever").await;
        reading.until("Well.").await;
        turns.shutdown_background();
        reading.rest().await;
        assert_eq!(reading.failure, Some(500));
        // The other runtime drops the task, perhaps after its reader has seen the end.
        while events.with(&["turn_ended"]).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let ended = events.with(&["turn_ended"]);
    assert!(ended[0].contains("failed failure=internal"), "{ended:?}");
    assert_eq!(ended.len(), 1);
    drop(traces);
}

/// Panics at each event.
struct Panics;

impl Observer for Panics {
    fn observe(&self, event: &Event<'_>) {
        panic!("it can't stand {}", event.name());
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_harms_neither_turns_nor_other_observers() {
    let (traces, _guard) = traced();
    for platform in Platform::ALL {
        let events = Events::default();
        let host = Host::builder(Actor::default()).observer(Panics).observer(events.clone());
        let mut call = TestCall::on(platform, host.build());
        call.say("remember x | say Yes.").await.expect_text("Yes. ").expect_end();
        assert_eq!(call.memory().await, ["x"]);
        assert_eq!(events.with(&["turn_ended", "speech answered"]).len(), 1);
    }
    let lines = traces.with(&["ERROR", "an observer panicked", "turn_ended"]);
    assert!(lines.len() >= 4, "{}", traces.text());
    assert!(!traces.text().contains("can't stand"));
}

// Spans.

/// A bot with an event of its own in each hook.
struct Chatty;

impl Bot for Chatty {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, _: &mut Reply) -> Result {
        tracing::info!("in begin");
        Ok(())
    }

    async fn turn(&self, call: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        tracing::info!("in turn");
        reply.say("Well. ").await?;
        sleep(50 * MS).await;
        call.hold(async |_| {
            sleep(300 * MS).await;
            tracing::info!("in a hold");
            Ok(())
        })
        .await?;
        reply.say("Yes.").await
    }

    async fn interrupted(&self, _: &mut Call<()>, _: &Cut) -> Result {
        tracing::info!("in interrupted");
        Ok(())
    }

    async fn ended(&self, _: &mut Call<()>, _: Ended) -> Result {
        tracing::info!("in ended");
        Ok(())
    }
}

/// The span in which the event with this message stands.
fn span_of(all: &[Seen], message: &str) -> usize {
    let found = |span: &Seen| span.events.iter().any(|event| event == message);
    all.iter().position(found).unwrap_or_else(|| panic!("{message}: {all:?}"))
}

#[tokio::test(start_paused = true)]
async fn each_turn_is_a_trace_that_leads_to_the_begin_of_its_call() {
    for platform in Platform::ALL {
        let (spans, _guard) = spanned();
        let mut call = TestCall::on(platform, Chatty);
        for _ in 0..2 {
            call.say("hello").await.expect_end();
        }
        let (turns, calls) = (spans.named("turn"), spans.named("call"));
        assert_eq!(calls.len(), 1, "{platform}");
        let (call_at, call_span) = &calls[0];
        assert_eq!((call_span.parent, call_span.closed), (None, false), "{platform}");
        for (_, turn) in &turns {
            assert_eq!((turn.parent, turn.closed), (None, true), "{platform}");
            assert_eq!(turn.target, "callbot::turn");
            assert!(turn.follows.contains(call_at), "{platform}: {turn:?}");
            assert_eq!(turn.fields["platform"], platform.to_string());
            assert_eq!(turn.fields["call"], call.key().to_string());
            assert!(turn.fields.contains_key("turn"));
            assert_eq!(turn.fields["outcome"], "answered");
        }
        let (_, last) = turns.last().unwrap();
        assert_eq!(last.events, ["in turn", "in a hold", "a turn ended"], "{platform}");
        assert_eq!((&*last.fields["input"], &*last.fields["duration_ms"]), ("speech", "350"));

        call.host().shutdown(SECOND).await;
        let all = spans.all();
        assert!(all[*call_at].closed, "{platform}");
        let hook = &all[span_of(&all, "in ended")];
        assert_eq!((&*hook.name, &*hook.fields["hook"], hook.parent), ("hook", "ended", None));
        assert_eq!(hook.follows, [*call_at], "{platform}");
        assert!(all.iter().all(|span| span.closed), "{platform}: {all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn held_work_keeps_the_span_of_its_turn_after_the_reader_has_gone() {
    let (spans, _guard) = spanned();
    let line = line(Host::new(Chatty));
    let mut reading = line.say("c", "1", "hello").await;
    reading.until("Well.").await;
    sleep(100 * MS).await;
    reading.close();
    sleep(SECOND).await;
    let all = spans.all();
    let turn = &all[span_of(&all, "in a hold")];
    assert_eq!((&*turn.name, &*turn.fields["turn"], turn.closed), ("turn", "1", true));
    assert_eq!((&*turn.fields["outcome"], &*turn.fields["cause"]), ("cut", "peer_gone"));
    let hook = &all[span_of(&all, "in interrupted")];
    assert_eq!((&*hook.name, &*hook.fields["hook"], hook.parent), ("hook", "interrupted", None));
    assert_eq!(hook.follows, [spans.named("call")[0].0]);
}

#[tokio::test(start_paused = true)]
async fn a_barge_in_has_one_span_of_a_hook() {
    let (spans, _guard) = spanned();
    let line = line(Host::new(Actor::default()));
    let mut reading = line.say("c", "1", "say Well. | for ever").await;
    reading.until("Well.").await;
    line.abort("c", "1", Some("Well.")).await;
    sleep(SECOND).await;
    let hooks = spans.named("hook");
    assert_eq!(hooks.len(), 1, "{hooks:#?}");
    assert_eq!(hooks[0].1.fields["hook"], "interrupted");
}

#[tokio::test(start_paused = true)]
async fn a_call_with_the_id_of_another_has_a_span_of_its_own() {
    let (spans, _guard) = spanned();
    let line = line(Host::new(Chatty));
    line.greeting("c", "1").await;
    line.greeting("c", "2").await;
    sleep(MS).await;
    let calls = spans.named("call");
    let closed: Vec<_> = calls.iter().map(|(_, call)| call.closed).collect();
    assert_eq!(closed, [true, false]);
    let all = spans.all();
    assert_eq!(all[span_of(&all, "in ended")].follows, [calls[0].0]);
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_call_that_ends_in_another_process_is_closed() {
    let (spans, _guard) = spanned();
    let store = Moody::<true>::default();
    let here = line(Host::builder(Chatty).store(store.clone()).build());
    let there = line(Host::builder(Chatty).store(store).build());
    here.greeting("c", "1").await;
    there.end("c").await;
    assert!(!spans.named("call")[0].1.closed);
    sleep(Duration::from_secs(2 * 60 * 60)).await;
    assert!(spans.named("call")[0].1.closed);
}

// The log.

#[tokio::test(start_paused = true)]
async fn a_good_turn_writes_one_line_for_debugging() {
    for platform in Platform::ALL {
        let (traces, _guard) = traced_at(Level::DEBUG);
        let mut call = TestCall::on(platform, Actor::default());
        call.say("wait 100 | say Yes.").await.expect_end();
        let key = call.key().to_string();
        let ids = [&format!("platform={platform} "), &*format!("call={key} "), "turn="];
        let what = ["DEBUG", "a turn ended", "outcome=\"answered\"", "input=\"speech\""];
        let times = ["first_by=\"bot\"", "first_packet_ms=100", "duration_ms=100", "packets=1"];
        let lines = traces.with(&[&ids[..], &what, &times].concat());
        assert_eq!(lines.len(), 1, "{platform}: {}", traces.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_writes_one_error_with_its_ids_at_any_level() {
    for platform in Platform::ALL {
        for apology in [false, true] {
            for (words, error) in [
                ("fail", "as it was asked to"),
                ("panic", "the bot panicked"),
                ("for ever", "within"),
                ("remember much more than there is room for", "allowed: at most 30"),
            ] {
                let (traces, _guard) = traced_at(Level::ERROR);
                let (_, mut call) = observed(platform, |host| {
                    let host = host.limits(Limits::default().with_max_memory_bytes(30));
                    if apology { host.apology(SORRY) } else { host }
                });
                call.say(words).await;
                let key = call.key().to_string();
                let ids = [&format!("platform={platform} "), &*format!("call={key} "), "turn="];
                let lines = traces.with(&[&ids[..], &["ERROR", "a turn failed", error]].concat());
                assert_eq!(lines.len(), 1, "{words} on {platform}: {}", traces.text());
                let others = usize::from(words == "panic");
                assert_eq!(traces.lines().len(), 1 + others, "{words}: {}", traces.text());
            }
        }
    }
}

// What callers say.

#[tokio::test(start_paused = true)]
async fn content_is_traced_for_the_chosen_calls_only() {
    for platform in [DigitalEmployee, DuixStream, Odfs] {
        let (traces, _guard) = traced();
        let host = Host::builder(Actor::default());
        let host = host.trace_content(|call| call.platform.len() > 3).filler("Hm. ").build();
        let mut call = TestCall::on(platform, host.clone());
        call.say("wait 500 | say Gentle rain.").await.expect_end();
        let filler = if platform == DigitalEmployee { "filler=\"Hm. \"" } else { "" };
        let parts = [
            "callbot::content: what was said in a turn",
            "TRACE",
            "input=\"wait 500 | say Gentle rain.\"",
            "said=\"Gentle rain. \"",
            filler,
        ];
        assert_eq!(traces.with(&parts).len(), 1, "{platform}: {}", traces.text());
        // The rest of the log has none of it.
        let mut lines = traces.lines();
        lines.retain(|line| line.contains("Gentle"));
        assert_eq!(lines.len(), 1, "{platform}: {lines:?}");
    }
    for chooses in [|_: &_| false, |_: &_| panic!("it can't decide")] {
        let (traces, _guard) = traced();
        let host = Host::builder(Actor::default()).trace_content(chooses).build();
        TestCall::on(Odfs, host).say("say Gentle rain.").await.expect_end();
        assert!(!traces.text().contains("Gentle"), "{}", traces.text());
    }
}

/// Asks for a secret, and repeats it.
struct Vault;

impl Bot for Vault {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        match &input {
            Input::Speech(words) if words == "hello" => {
                reply.say("Your password?").await?;
                reply.secret_input().await
            }
            input => {
                reply.say(format!("You said {}.", words(input))).await?;
                sleep(100 * MS).await;
                Ok(())
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_not_in_traced_content() {
    for platform in Platform::ALL {
        let store = Moody::<false>::default();
        let (traces, _guard) = traced();
        let host = Host::builder(Vault).trace_content(|_| true).store(store.clone()).build();
        let mut call = TestCall::on(platform, host);
        call.say("hello").await.expect_end();
        call.say("Open Sesame").await.expect_text("You said Open Sesame.").expect_end();
        assert_eq!(traces.with(&["callbot::content", "said=\"You said [secret].\""]).len(), 1);
        if platform == DigitalEmployee {
            call.repeat().await.expect_text("You said Open Sesame.");
        }
        call.say("hello").await.expect_end();
        // It is not known whether the input is a secret, so it counts as one.
        store.set(Op::Open, Fate::Fails, 1);
        store.set(Op::Read, Fate::Fails, 9);
        call.say("Open Sesame").await;
        store.set(Op::Read, Fate::Fails, 0);
        assert!(!traces.text().contains("Sesame"), "{platform}: {}", traces.text());
        assert!(traces.with(&["callbot::content", "input=\"[secret]\""]).len() >= 2);
    }
}

#[tokio::test]
async fn a_request_that_any_server_of_a_host_refuses_is_an_event() {
    let events = Events::default();
    let host = Host::builder(Actor::default()).observer(events.clone());
    let host = host.chat_key("key-1").aicall_callback_token("token-1").build();
    let router = host.router().unwrap();
    for (path, expected) in [
        ("/proxy/dialogue", "refused digital-employee dialogue 400 json"),
        ("/duix/dialogue", "refused duix dialogue 400 json"),
        ("/duix/dialogue/stream", "refused duix-stream dialogueStream 400 json"),
        ("/oifde/rest/crs/process", "refused odfs process 400 json"),
        ("/v1/chat/completions", "refused chat createChatCompletion 401 token"),
        ("/aicall/callback", "refused aicall notify 401 token"),
    ] {
        events.clear();
        post(&router, path, "{".to_owned()).await;
        assert_eq!(events.all(), [expected], "{path}");
    }
}
