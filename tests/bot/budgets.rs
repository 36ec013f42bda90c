//! The time budget of a bot: deadlines, fillers, and the point in time from which they count.

use std::time::Duration;

use crate::support::bots::*;
use crate::support::traces::traced;
use axum::body::{Body, Bytes};
use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Budget, Call, Cause, Heard, Host, Input, Platform, Reply, Result};
use callbot::digital_employee::{Control as Wire, DialogueRequest, DialogueRequestFields};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const FILLER: &str = "One moment. ";

fn filling() -> (Log, Line<Actor>) {
    acting(Actor::default(), |host| host.filler(FILLER))
}

/// Checks a time to 2 ms: timers tick once per millisecond.
#[track_caller]
fn is_about(time: Duration, ms: u64) {
    let expected = Duration::from_millis(ms);
    assert!((expected..=expected + 2 * MS).contains(&time), "{time:?}, not {expected:?}");
}

fn controls(reply: &Reading, packet: usize) -> Vec<Wire> {
    reply.packets[packet].data.as_ref().unwrap().controls.clone()
}

// The first packet.

#[tokio::test(start_paused = true)]
async fn a_late_first_packet_is_a_failure_and_the_call_continues() {
    let (log, line) = acting(Actor::default(), |host| host);
    line.text("c", "1", "remember x").await;
    let start = Instant::now();
    assert_eq!(line.failure("c", "2", "remember y | wait 700 | say Late.").await, 500);
    is_about(start.elapsed(), 550);
    assert_eq!(line.text("c", "3", "say Yes.").await, "Yes. ");
    let seen = line.snapshot("c").await;
    assert_eq!(seen.memory, ["x"]);
    assert!(seen.history.iter().all(|turn| turn.said != "Late. "));
    assert_eq!(log.count("c", "interrupted 2 Deadline"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_has_begun_to_speak_has_no_further_deadline() {
    let (_, line) = acting(Actor::default(), |host| host);
    for words in ["wait 549 | say One. | wait 90000 | say Two.", "say One. | wait 700 | say Two."] {
        assert_eq!(line.text("c", words, words).await, "One. Two. ");
    }
}

#[tokio::test(start_paused = true)]
async fn saved_memory_survives_a_missed_deadline() {
    let (_, line) = acting(Actor::default(), |host| host);
    assert_eq!(line.failure("c", "1", "remember x | save | remember y | for ever").await, 500);
    line.text("c", "2", "say Yes.").await;
    assert_eq!(line.snapshot("c").await.memory, ["x"]);
}

// Fillers.

#[tokio::test(start_paused = true)]
async fn a_filler_is_sent_in_time_and_the_reply_follows_in_the_same_answer() {
    let (_, line) = filling();
    line.text("c", "1", "say Yes.").await;
    let start = Instant::now();
    let mut reply = line.say("c", "2", "wait 5000 | say Yes.").await;
    assert!(reply.next().await);
    is_about(start.elapsed(), 385);
    assert_eq!(reply.text, FILLER);
    reply.until("Yes.").await;
    is_about(start.elapsed(), 5000);
    reply.rest().await;
    assert_eq!((&*reply.text, reply.ended, reply.failure), ("One moment. Yes. ", true, None));
    let seen = line.snapshot("c").await;
    let last = seen.history.last().unwrap();
    assert_eq!((&*last.said, last.filler.as_deref()), ("Yes. ", Some(FILLER)));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_speaks_gets_no_filler() {
    let (_, line) = filling();
    for (turn, words, text) in [
        ("1", "say Yes.", "Yes. "),
        ("2", "wait 383 | say Yes.", "Yes. "),
        ("3", "say One. | wait 500 | say Two.", "One. Two. "),
        ("4", "no filler | wait 500 | say Yes.", "Yes. "),
        ("5", "wait 500", FILLER),
    ] {
        assert_eq!(line.text("c", turn, words).await, text, "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_filler_is_sent_before_a_greeting() {
    let bot = Actor { begins: "wait 600 | say Hello.", ..Actor::default() };
    let budget = Budget::DIGITAL_EMPLOYEE.with_begin(Some(SECOND));
    let (_, line) =
        acting(bot, |host| host.filler(FILLER).budget(Platform::DigitalEmployee, budget));
    assert_eq!(line.greeting("c", "b").await, "Hello. ");
}

#[tokio::test(start_paused = true)]
async fn a_filler_is_sent_with_the_controls_of_the_reply() {
    let (_, line) = filling();
    let mut reply = line.say("c", "1", "voice | gather 4 | wait 500 | say Yes.").await;
    reply.rest().await;
    assert_eq!(reply.text, "One moment. Yes. ");
    let first = controls(&reply, 0);
    assert!(matches!(&first[..], [Wire::Voice(_), Wire::GatherDtmf(keys)] if keys.max_digits == 4));
    assert!((1..reply.packets.len()).all(|packet| controls(&reply, packet).is_empty()));
    // The speech settings stay, the gathering of digits does not.
    let mut reply = line.say("c", "2", "wait 500 | say Yes.").await;
    reply.rest().await;
    assert!(matches!(controls(&reply, 0)[..], [Wire::Voice(_)]), "{:?}", controls(&reply, 0));
}

/// Plays one turn on a fresh call of a host with a filler. Returns its text and the errors of `try`.
async fn filled(words: &str) -> (String, Vec<String>) {
    let (log, line) = filling();
    let text = line.text("c", "1", words).await;
    let log = log.of("c").into_iter().filter(|line| line != "begin" && line != "turn");
    (text, log.collect())
}

const FILLER_FIRST: &str = "is allowed in the first packet only, and after a wait a filler may be that \
                            packet: call `Reply::no_filler` before the turn waits";

#[tokio::test(start_paused = true)]
async fn with_a_filler_a_control_after_a_wait_is_an_error_on_both_sides_of_its_time() {
    for wait in [1, 100, 384, 386, 500] {
        let after = "try gather 4 | try voice | say Yes.";
        for words in [
            format!("wait {wait} | {after}"),
            // Too late to make a difference.
            format!("wait {wait} | no filler | {after}"),
            // Text that has not been sent does not make one either.
            format!("wait {wait} | say Hm. | {after}"),
            format!("gather 5 | wait {wait} | {after}"),
        ] {
            let (text, errors) = filled(&words).await;
            assert!(text.ends_with("Yes. "), "{words}: {text}");
            let gather = format!("gather 4: gathering DTMF digits {FILLER_FIRST}");
            let voice = format!("voice: changing the speech settings {FILLER_FIRST}");
            assert_eq!(errors, [gather, voice], "{words}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_filler_in_the_turn_a_control_may_follow_a_wait() {
    for wait in [1, 100, 384, 386, 500] {
        let (_, line) = filling();
        let words = format!("no filler | wait {wait} | voice | gather 4 | say Yes.");
        let mut reply = line.say("c", "1", &words).await;
        reply.rest().await;
        assert_eq!((&*reply.text, reply.failure), ("Yes. ", None), "{words}");
        let first = controls(&reply, 0);
        assert!(matches!(first[..], [Wire::Voice(_), Wire::GatherDtmf(_)]), "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_control_before_the_first_wait_is_sent_however_slow_the_store_is() {
    for wait in [0, 384, 386, 540] {
        let store = Moody::<false>::default();
        let (_, line) = acting(Actor::default(), |host| host.store(store.clone()).filler(FILLER));
        line.text("c", "0", "say Hm.").await;
        store.set(Op::Open, Fate::Sleeps(wait * MS), 1);
        let mut reply = line.say("c", "1", "say Yes. | gather 4 | wait 1000 | say And?").await;
        reply.rest().await;
        assert_eq!((&*reply.text, reply.failure), ("Yes. And? ", None), "{wait}");
        assert!(matches!(controls(&reply, 0)[..], [Wire::GatherDtmf(_)]), "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_filler_that_is_overdue_when_the_turn_starts_is_sent_at_its_first_wait() {
    let store = Moody::<false>::default();
    let (_, line) = acting(Actor::default(), |host| host.store(store.clone()).filler(FILLER));
    line.text("c", "0", "say Hm.").await;
    store.set(Op::Open, Fate::Sleeps(450 * MS), 1);
    let start = Instant::now();
    let mut reply = line.say("c", "1", "wait 500 | say Yes.").await;
    assert!(reply.next().await);
    is_about(start.elapsed(), 450);
    assert_eq!(reply.text, FILLER);
    reply.rest().await;
    assert_eq!((&*reply.text, reply.failure), ("One moment. Yes. ", None));
}

#[tokio::test(start_paused = true)]
async fn the_heard_text_may_end_in_the_filler_or_in_the_reply() {
    for (heard, left, expected) in [
        ("", "", Heard::Nothing),
        ("One mo", "", Heard::Nothing),
        (FILLER, "", Heard::Nothing),
        ("One moment. Ye", "Ye", Heard::UpTo("Ye".into())),
        ("one moment yes", "Yes", Heard::UpTo("Yes".into())),
        ("Yes, in", "Yes, in", Heard::UpTo("Yes, in".into())),
    ] {
        let (_, line) = filling();
        line.text("c", "0", "say Hm.").await;
        // For a reply that is complete, and for one that still runs.
        line.text("c", "1", "wait 500 | say Yes, indeed.").await;
        let mut running = line.say("c", "2", "wait 500 | say Yes, indeed. | for ever").await;
        running.until("Yes").await;
        for turn in ["1", "2"] {
            line.abort("c", turn, Some(heard)).await;
        }
        running.rest().await;
        assert!(running.ended);
        line.text("c", "3", "say Hm.").await;
        let seen = line.snapshot("c").await;
        for turn in seen.history.iter().filter(|turn| ["1", "2"].contains(&turn.turn.as_str())) {
            assert_eq!((&*turn.said, turn.filler.as_deref()), (left, Some(FILLER)), "{heard}");
            assert!(turn.heard.as_ref() == Some(&expected), "{heard}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn barge_in_during_a_filler_means_that_nothing_of_the_reply_was_heard() {
    let (log, line) = filling();
    line.text("c", "0", "say Hm.").await;
    let mut reply = line.say("c", "1", "remember x | wait 5000 | say Yes.").await;
    reply.until("One").await;
    line.abort("c", "1", Some("One")).await;
    reply.rest().await;
    assert_eq!((&*reply.text, reply.ended), (FILLER, true));
    let seen = line.snapshot("c").await;
    assert_eq!((seen.memory.len(), log.count("c", "interrupted 1 BargeIn")), (0, 1));
    assert_eq!(seen.history.last().unwrap().heard, Some(Heard::Nothing));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_filler_can_be_set() {
    for (at, ms) in [(0.0, 0), (-1.0, 0), (0.5, 275), (0.99, 545)] {
        fills(at, ms).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_filler_may_be_sent_at_the_last_moment() {
    for at in [1.0, 7.0, f32::NAN, f32::INFINITY] {
        fills(at, 550).await;
    }
}

/// Checks that the filler is sent after `ms`, if it is set to `at`.
async fn fills(at: f32, ms: u64) {
    let budget = Budget::DIGITAL_EMPLOYEE.with_filler_at(at);
    let host = Host::builder(Actor::default()).filler(FILLER);
    let host = host.budget(Platform::DigitalEmployee, budget).build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    let answer = call.say("wait 900 | say Yes.").await;
    answer.expect_text("One moment. Yes. ").expect_end();
    is_about(answer.first_packet().unwrap(), ms);
    // A bot that speaks immediately is always faster.
    call.say("say Yes.").await.expect_text("Yes. ");
}

#[tokio::test(start_paused = true)]
async fn a_duix_stream_gets_a_filler_and_whole_answers_get_none() {
    let host = Host::builder(Actor::default()).filler(FILLER).build();
    let mut call = TestCall::on(Platform::DuixStream, host.clone());
    let answer = call.say("wait 19000 | say Yes.").await;
    answer.expect_text("One moment. Yes. ").expect_end();
    is_about(answer.first_packet().unwrap(), 13_650);
    // A filler gains no time: the limit covers the whole reply.
    let answer = call.say("remember x | wait 21000 | say Yes.").await;
    answer.expect_text(FILLER);
    is_about(answer.took(), 19_500);
    assert_eq!(call.memory().await, [""; 0]);
    for platform in [Platform::Duix, Platform::Odfs] {
        let mut call = TestCall::on(platform, host.clone());
        call.say("wait 19000 | say Yes.").await.expect_text("Yes. ").expect_end();
    }
}

// The start of a call.

#[tokio::test(start_paused = true)]
async fn a_late_greeting_loses_its_rest() {
    let bot = Actor {
        begins: "say Hello. | wait 100 | say I | wait 100 | say listen.",
        ..Actor::default()
    };
    let (log, line) = acting(bot, |host| host);
    let start = Instant::now();
    let mut reply = line.begin("c", "b").await;
    reply.rest().await;
    is_about(start.elapsed(), 150);
    assert_eq!((&*reply.text, reply.ended, reply.failure), ("Hello. I ", true, None));
    let seen = log.of("c");
    assert_eq!(seen[0], "begin");
    assert!(seen[1].starts_with("notice RestOfGreeting"), "{seen:?}");
    assert_eq!(line.text("c", "1", "say Yes.").await, "Yes. ");
    let history = line.snapshot("c").await.history;
    assert_eq!(history.iter().next().unwrap().said, "Hello. I ");
    // The bot is told that `begin` did not complete, but the call has begun.
    assert_eq!(log.of("c")[2..], ["interrupted b Deadline", "turn"]);
}

#[tokio::test(start_paused = true)]
async fn a_greeting_in_time_is_complete() {
    let bot = Actor { begins: "say Hello. | wait 148 | say I listen.", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    assert_eq!(line.greeting("c", "b").await, "Hello. I listen. ");
    assert_eq!(log.of("c"), ["begin"]);
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_says_nothing_in_time_is_a_failure() {
    let bot = Actor { begins: "remember b | wait 300 | say Hello.", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    let start = Instant::now();
    let mut reply = line.begin("c", "b").await;
    reply.rest().await;
    is_about(start.elapsed(), 150);
    assert_eq!((&*reply.text, reply.failure), ("", Some(500)));
    assert_eq!(log.count("c", "notice"), 0);
    assert_eq!(line.text("c", "1", "say Yes.").await, "Yes. ");
}

// The whole reply.

fn question(words: &str) -> String {
    let question = json!({
        "sid": "1", "dh-code": "2", "dh-question": words, "dh-conversation-id": "c",
        "dh-context": "{}",
    });
    question.to_string()
}

const DUIX: [&str; 2] = ["/duix/dialogue", "/duix/dialogue/stream"];

#[tokio::test(start_paused = true)]
async fn duix_replies_have_twenty_seconds_and_then_the_fallback_is_spoken() {
    let words = "remember x | wait 21000 | say Late.";
    for path in DUIX {
        let host = Host::new(Actor::default());
        let bare = host.duix().unwrap().router();
        let start = Instant::now();
        let (_, answer) = post(&bare, path, question(words)).await;
        is_about(start.elapsed(), 19_500);
        assert!(!answer.contains("Late. ") && !answer.contains("\"200\""), "{answer}");

        let kind = host.duix().unwrap().fallback("Ask me again.").router();
        let start = Instant::now();
        let (status, answer) = post(&kind, path, question(words)).await;
        is_about(start.elapsed(), 19_500);
        assert!(status == 200 && answer.contains("Ask me again."), "{answer}");
        assert!(!answer.contains("Late. "), "{answer}");
        let (_, answer) = post(&kind, path, question("wait 19000 | say Yes.")).await;
        assert!(answer.contains("Yes. ") && !answer.contains("Ask me again."), "{answer}");
        let call = callbot::bot::CallKey::new(Platform::Duix, "c");
        assert_eq!(host.snapshot(&call).await.unwrap().unwrap().memory, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_whole_reply_can_be_set() {
    for platform in Platform::ALL {
        let budget = platform.budget().with_first_packet(None).with_whole(Some(5 * SECOND));
        let host = Host::builder(Actor::default()).budget(platform, budget).build();
        let mut call = TestCall::on(platform, host);
        let answer = call.say("remember x | wait 6000 | say Late.").await;
        if platform == Platform::DuixStream {
            // A stream just ends.
            answer.expect_no_speech();
        } else {
            answer.expect_no_speech().expect_failure();
        }
        assert_eq!(Some(answer.took()), budget.net().whole, "{platform}");
        call.say("wait 4000 | say Yes.").await.expect_text("Yes. ").expect_end();
        assert_eq!(call.memory().await, [""; 0], "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_odfs_the_budget_counts_unless_the_server_has_a_shorter_deadline() {
    let (traces, _guard) = traced();
    let minute = Budget::ODFS.with_whole(Some(60 * SECOND));
    let host = Host::builder(Actor::default()).budget(Platform::Odfs, minute).apology("I'm sorry.");
    let host = host.build();
    let inparams = json!({"flow_result_type": "1", "input": "wait 40000 | say Yes."});
    for router in [host.odfs().unwrap().router(), host.router().unwrap()] {
        let ivr = Ivr::new(router, "c");
        let (status, answer) = ivr.ask(9, inparams.clone(), json!({})).await;
        assert_eq!(
            (status, &answer["outparams"]["prompt_text"]),
            (200, &json!("Yes. ")),
            "{answer}"
        );
    }

    let server = host.odfs().unwrap().deadline(Some(30 * SECOND));
    let ivr = Ivr::new(server.router(), "shorter");
    let start = Instant::now();
    let (status, answer) = ivr.ask(9, inparams, json!({})).await;
    is_about(start.elapsed(), 30_000);
    assert_eq!((status, &answer["outaction"]), (500, &json!(10)), "{answer}");
    let missed = "the handler missed the deadline of the server, 30s after the request arrived";
    assert_eq!(traces.with(&[missed, "`Server::deadline` sets another"]).len(), 1);
}

// The errors.

#[tokio::test(start_paused = true)]
async fn a_missed_limit_is_logged_with_its_name_its_length_and_what_to_set() {
    let first = "nothing was said within 550ms (`Budget::first_packet` for digital-employee is 600ms, less \
                 a margin of 50ms): say something sooner, set `HostBuilder::filler`, or set another limit \
                 with `HostBuilder::budget`";
    let whole = |platform, net, set| {
        format!(
            "the reply was not complete within {net} (`Budget::whole` for {platform} is {set}, less a \
             margin of 500ms): answer sooner, or set another limit with `HostBuilder::budget`"
        )
    };
    for (platform, message) in [
        (Platform::DigitalEmployee, first.to_owned()),
        (Platform::Duix, whole("duix", "19.5s", "20s")),
        (Platform::DuixStream, whole("duix-stream", "19.5s", "20s")),
        (Platform::Odfs, whole("odfs", "29.5s", "30s")),
    ] {
        let (traces, _guard) = traced();
        let mut call = TestCall::on(platform, Actor::default());
        let answer = call.say("for ever").await;
        answer.expect_no_speech();
        let lines = traces.with(&["ERROR", &message]);
        assert_eq!(lines.len(), 1, "{platform}: {}", traces.text());
        // The platform does not see it.
        assert!(!answer.failure().unwrap_or_default().contains("Budget::"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_is_cut_says_which_limit_it_missed() {
    let (traces, _guard) = traced();
    let begin = |budget: Budget| {
        let host = Host::builder(Greeter).budget(Platform::DigitalEmployee, budget).build();
        TestCall::on(Platform::DigitalEmployee, host)
    };
    let limits = Budget::DIGITAL_EMPLOYEE;
    begin(limits).begin().await.expect_text("Hello.");
    let missed = "dropped the rest of the greeting: the greeting was not complete within 150ms \
                  (`Budget::begin` for digital-employee is 200ms, less a margin of 50ms): greet sooner, \
                  or set another limit with `HostBuilder::budget`";
    assert_eq!(traces.with(&["WARN", missed]).len(), 1, "{}", traces.text());
    // Without a limit of its own, the greeting has that of a whole reply. Without a margin, none is named.
    let limits = limits.with_begin(None).with_whole(Some(SECOND)).with_margin(Duration::ZERO);
    begin(limits).begin().await.expect_text("Hello.");
    let missed =
        "the reply was not complete within 1s (`Budget::whole` for digital-employee is 1s): answer";
    assert_eq!(traces.with(&["WARN", missed]).len(), 1, "{}", traces.text());
}

/// Greets, and never gets to the end.
struct Greeter;

impl Bot for Greeter {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        reply.say("Hello.").await?;
        std::future::pending().await
    }

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        reply.say("Yes.").await
    }
}

// The margin.

#[tokio::test(start_paused = true)]
async fn the_margin_is_taken_off_every_limit_but_never_more_than_half_of_it() {
    for (margin, ms) in [(0, 600), (50, 550), (200, 400), (300, 300), (301, 300), (9999, 300)] {
        let budget = Budget::DIGITAL_EMPLOYEE.with_begin(None).with_margin(margin * MS);
        for budget in [budget, budget.with_first_packet(None).with_whole(Some(600 * MS))] {
            let host = Host::builder(Actor::default()).budget(Platform::DigitalEmployee, budget);
            let mut call = TestCall::on(Platform::DigitalEmployee, host.build());
            is_about(call.say("for ever").await.expect_failure().took(), ms);
            call.say(format!("left | wait {} | say Yes.", ms - 1)).await.expect_text("Yes. ");
        }
        let host = Host::builder(Actor::default()).filler(FILLER);
        let host = host.budget(Platform::DigitalEmployee, budget.with_filler_at(0.5)).build();
        let answer = TestCall::on(Platform::DigitalEmployee, host).say("wait 900").await;
        is_about(answer.first_packet().unwrap(), ms / 2);
    }
}

// The start of the budget.

/// A body whose second half arrives after `time`.
fn slowly(body: String, time: Duration) -> Body {
    let (head, tail) = body.split_at(body.len() / 2);
    let (head, tail) = (Bytes::from(head.to_owned()), Bytes::from(tail.to_owned()));
    let tail = stream::once(async move {
        sleep(time).await;
        tail
    });
    let parts = stream::once(std::future::ready(head)).chain(tail);
    Body::from_stream(parts.map(Ok::<_, std::convert::Infallible>))
}

fn dialogue(turn: &str, words: &str) -> String {
    let request = DialogueRequest::new(DialogueRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "c",
        stream_id: turn,
        utterance: words,
    });
    serde_json::to_string(&request).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_uses_up_the_budget() {
    let bot = Actor::default();
    let host = Host::new(bot);
    let phone = host.digital_employee().unwrap().router();
    let words = "remember x | wait 400 | say Yes.";
    let start = Instant::now();
    let (_, answer) = post(&phone, "/proxy/dialogue", slowly(dialogue("1", words), 300 * MS)).await;
    is_about(start.elapsed(), 550);
    assert!(!answer.contains("Yes. "), "{answer}");
    let (_, answer) = post(&phone, "/proxy/dialogue", slowly(dialogue("2", words), 100 * MS)).await;
    assert!(answer.contains("Yes. "), "{answer}");

    let words = "wait 6000 | say Yes.";
    let duix = host.duix().unwrap().router();
    for path in DUIX {
        let start = Instant::now();
        let (_, answer) = post(&duix, path, slowly(question(words), 15 * SECOND)).await;
        is_about(start.elapsed(), 19_500);
        assert!(!answer.contains("Yes. "), "{answer}");
        let (_, answer) = post(&duix, path, slowly(question(words), 13 * SECOND)).await;
        assert!(answer.contains("Yes. "), "{answer}");
    }

    let odfs = host.router().unwrap();
    let body: Value = json!({
        "userid": "i", "inaction": 9,
        "inparams": {
            "call_id": "i", "call_dst_id": "1", "flow_result_type": "1", "input": words,
            "auth_token": "opaque",
        },
    });
    for (time, status) in [(25, 500), (23, 200)] {
        let body = slowly(body.to_string(), time * SECOND);
        let start = Instant::now();
        let (found, answer) = post(&odfs, "/oifde/rest/crs/process", body).await;
        assert_eq!(found, status, "{answer}");
        is_about(start.elapsed(), if status == 500 { 29_500 } else { 29_000 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_filler_is_sent_immediately_if_the_request_took_too_long() {
    let host = Host::builder(Actor::default()).filler(FILLER).build();
    let phone = host.digital_employee().unwrap().router();
    let words = "left | wait 300 | say Yes.";
    let start = Instant::now();
    let (_, answer) = post(&phone, "/proxy/dialogue", slowly(dialogue("1", words), 500 * MS)).await;
    is_about(start.elapsed(), 800);
    assert!(answer.contains("One moment. Yes."), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_uses_up_the_budget() {
    let store = Moody::<false>::default();
    let (log, line) = acting(Actor::default(), |host| host.store(store.clone()));
    line.text("c", "0", "say Yes.").await;
    store.set(Op::Open, Fate::Sleeps(300 * MS), 1);
    let start = Instant::now();
    assert_eq!(line.failure("c", "1", "left | wait 400 | say Late.").await, 500);
    is_about(start.elapsed(), 550);
    let left = log.of("c").into_iter().find(|line| line.starts_with("left")).unwrap();
    assert!(["left Some(250ms)", "left Some(249ms)"].contains(&&*left), "{left}");
    store.set(Op::Open, Fate::Sleeps(300 * MS), 1);
    assert_eq!(line.text("c", "2", "wait 200 | say Yes.").await, "Yes. ");

    // The filler comes before the turn has started, in place of the failure.
    let (_, line) = acting(Actor::default(), |host| host.store(store.clone()).filler(FILLER));
    store.set(Op::Open, Fate::Sleeps(900 * MS), 1);
    let start = Instant::now();
    let mut reply = line.say("d", "1", "say Yes.").await;
    reply.next().await;
    is_about(start.elapsed(), 550);
    reply.rest().await;
    assert_eq!(reply.text, "One moment. Yes. ");
    is_about(start.elapsed(), 900);
}

#[tokio::test(start_paused = true)]
async fn a_reply_reports_its_remaining_time() {
    let bot =
        Actor { begins: "left | wait 50 | left | say Hello. | flush | left", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    line.greeting("c", "b").await;
    // The limit of `begin` covers the whole greeting.
    assert_eq!(log.of("c"), ["begin", "left Some(150ms)", "left Some(100ms)", "left Some(100ms)"]);
    let words = "left | wait 100 | left | say Yes. | flush | left | wait 1000 | left";
    line.text("c", "1", words).await;
    assert_eq!(
        log.of("c")[4..],
        ["turn", "left Some(550ms)", "left Some(450ms)", "left None", "left None"]
    );
    for (platform, first) in
        [(Platform::Duix, 19_500), (Platform::DuixStream, 19_500), (Platform::Odfs, 29_500)]
    {
        let bot = Actor::default();
        let log = bot.log.clone();
        let mut call = TestCall::on(platform, bot);
        call.say("left | wait 1000 | say Yes. | flush | wait 1000 | left").await.expect_end();
        let told: Vec<_> =
            log.of(&call.key().id).into_iter().filter(|line| line.starts_with("left")).collect();
        let left = |ms| format!("left {:?}", Some(ms * MS));
        assert_eq!(told, [left(first), left(first - 2000)], "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_budget_neither_limits_nor_panics() {
    let endless = Some(Duration::MAX);
    for (filler_at, filler) in [(0.7, false), (1.0, false), (0.0, true)] {
        for platform in Platform::ALL {
            let budget = Budget::DUIX
                .with_begin(endless)
                .with_first_packet(endless)
                .with_whole(endless)
                .with_filler_at(filler_at);
            let bot = Actor { begins: "left | say Hello.", ..Actor::default() };
            let host = Host::builder(bot).budget(platform, budget).filler(FILLER);
            // Both DUIX dialogues share one server, which has the deadline of `Platform::Duix`.
            let host = host.budget(Platform::Duix, budget).build();
            let filler = if filler && platform.capabilities().filler { FILLER } else { "" };
            let mut call = TestCall::on(platform, host);
            // The server of ODFS has its own deadline.
            let answer = call.say("left | wait 29000 | say Yes.").await;
            answer.expect_text(&format!("{filler}Yes. ")).expect_end();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_bot_is_told_that_the_deadline_passed() {
    for platform in Platform::ALL {
        let bot = Actor::default();
        let log = bot.log.clone();
        let mut call = TestCall::on(platform, bot);
        let answer = call.say("for ever").await;
        answer.expect_no_speech();
        call.say("say Yes.").await.expect_text("Yes. ");
        let told = log.of(&call.key().id);
        let cuts: Vec<_> = told.iter().filter(|line| line.starts_with("interrupted")).collect();
        assert_eq!(cuts, [&format!("interrupted ? {:?}", Cause::Deadline)], "{platform}");
    }
}
