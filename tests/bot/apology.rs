//! The apology for a failed turn, on every platform, and the warning about a turn without a reply.

use std::time::Duration;

use crate::support::bots::*;
use crate::support::traces::traced;
use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Heard, Host, HostBuilder, Input, MemoryStore, OdfsSettings, Platform, Result, Transfer,
};
use callbot::odfs::{Language, RecognitionError, RecognitionId, Recognitions};
use callbot::server::Error;
use futures_util::FutureExt;
use serde_json::json;
use tokio::time::{Instant, sleep};

use Platform::{DigitalEmployee, Duix, DuixStream, Odfs};

const SORRY: &str = "I'm sorry.";

fn host<B: Bot>(bot: B) -> Host<B> {
    Host::builder(bot).apology(SORRY).build()
}

fn streams(platform: Platform) -> bool {
    platform.capabilities().streams
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_is_an_apology_and_the_call_goes_on() {
    for platform in Platform::ALL {
        for fails in ["fail", "panic", "gather 4 | fail", "hang up | fail", "for ever"] {
            if matches!(platform, Duix | DuixStream) && fails.starts_with(['g', 'h']) {
                continue;
            }
            let place = format!("{fails} on {platform}");
            let mut call = TestCall::on(platform, host(Actor::default()));
            let start = Instant::now();
            let answer = call.say(format!("remember x | {fails}")).await;
            answer.expect_text(SORRY).expect_no_controls().expect_end();
            assert_eq!(answer.packets(), 1, "{place}");
            let budget = platform.budget().net();
            let late = budget.first_packet.or(budget.whole).filter(|_| fails == "for ever");
            let late = late.unwrap_or_default();
            assert!((late..=late + 2 * MS).contains(&start.elapsed()), "{place}");

            call.say("say Yes.").await.expect_text("Yes. ").expect_end();
            assert_eq!(call.memory().await, [""; 0], "{place}");
            let history = call.history().await;
            let texts = history.iter().map(|turn| (&*turn.said, turn.apology.as_deref()));
            assert_eq!(Vec::from_iter(texts), [("", Some(SORRY)), ("Yes. ", None)], "{place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apology_follows_the_text_that_was_sent() {
    for platform in Platform::ALL {
        let budget = platform.budget().with_whole(Some(5 * SECOND));
        let host = Host::builder(Actor::default()).apology(SORRY).budget(platform, budget).build();
        for fails in ["fail", "panic", "for ever"] {
            let mut call = TestCall::on(platform, host.clone());
            let answer =
                call.say(format!("say One | wait 100 | say Two | wait 100 | {fails}")).await;
            let said = if streams(platform) { "One Two " } else { "" };
            answer.expect_text(&format!("{said}{SORRY}")).expect_end();
            let turn = call.history().await.last().unwrap().clone();
            assert_eq!((&*turn.said, turn.apology.as_deref()), (said, Some(SORRY)), "{platform}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apology_follows_a_filler_and_not_the_text_that_was_held_back() {
    for platform in [DigitalEmployee, DuixStream] {
        let host = Host::builder(Actor::default()).filler("One moment. ").apology(SORRY).build();
        let mut call = TestCall::on(platform, host);
        let answer = call.say("wait 15000 | say It is booked. | fail").await;
        answer.expect_text(&format!("One moment. {SORRY}")).expect_end();
        let turn = call.history().await.last().unwrap().clone();
        assert_eq!((&*turn.said, turn.filler.as_deref()), ("", Some("One moment. ")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_greeting_is_an_apology_and_begin_runs_again() {
    for platform in [DigitalEmployee, Odfs] {
        for begins in ["once | say Hello.", "say Hello | fail", "wait 40000 | say Hello."] {
            let bot = Actor { begins, ..Actor::default() };
            let log = bot.log.clone();
            let mut call = TestCall::on(platform, host(bot));
            call.begin().await.expect_text(SORRY).expect_no_controls().expect_end();
            assert_eq!(log.count(&call.key().id, "begin"), 1);
            if begins.starts_with("once") {
                call.say("say Yes.").await.expect_text("Yes. ").expect_end();
                assert_eq!(log.count(&call.key().id, "begin"), 2, "{platform}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_greeting_that_has_said_something_ends_without_an_apology() {
    let bot = Actor { begins: "say Hello. | wait 300 | say I listen.", ..Actor::default() };
    let line = line(host(bot));
    assert_eq!(line.greeting("c", "b").await, "Hello. ");
}

#[tokio::test(start_paused = true)]
async fn odfs_plays_the_apology_and_listens() {
    for (words, apologizes) in [("say Yes.", false), ("fail", true), ("for ever", true)] {
        let ivr = Ivr::new(host(Actor::default()).odfs().unwrap().router(), "c");
        ivr.start().await;
        let answer = ivr.say(words).await;
        let outparams = &answer["outparams"];
        assert_eq!((&answer["ret"], &answer["outaction"]), (&json!(0), &json!(9)), "{answer}");
        let text = if apologizes { SORRY } else { "Yes. " };
        assert_eq!(outparams["prompt_text"], text);
        // It plays the text, takes speech and up to 12 keys, and lets the caller barge in.
        assert_eq!(outparams["model_type"], "1111201");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_a_successful_transfer_is_not_an_apology() {
    let bot = bot(|_, input, reply| {
        async move {
            match input {
                Input::Transferred(_) => Err("the database is down".into()),
                _ => reply.transfer(Transfer::to_queue("vip")).await,
            }
        }
        .boxed()
    });
    let mut call = TestCall::on(Odfs, host(bot));
    call.say("agent").await;
    call.transferred().await.expect_no_speech().expect_failure();
}

#[tokio::test(start_paused = true)]
async fn an_apology_of_a_platform_replaces_the_general_one() {
    let host = || Host::builder(Actor::default());
    let cases: [(HostBuilder<Actor>, [Option<&str>; 4]); 3] = [
        (host().apology_on(Odfs, "Pardon."), [None, None, None, Some("Pardon.")]),
        (
            host().apology_on(Duix, "Pardon.").apology(SORRY).apology_on(DigitalEmployee, ""),
            [None, Some("Pardon."), Some(SORRY), Some(SORRY)],
        ),
        (host().apology(""), [None; 4]),
    ];
    for (host, expected) in cases {
        let host = host.build();
        for (platform, expected) in Platform::ALL.into_iter().zip(expected) {
            let mut call = TestCall::on(platform, host.clone());
            let answer = call.say("fail").await;
            match expected {
                Some(text) => drop(answer.expect_text(text).expect_end()),
                None => assert_eq!(answer.text(), "", "{platform}"),
            }
        }
    }
}

/// Fails with an error whose status is in the text.
fn rejecting() -> Turning {
    bot(|_, input, _| {
        async move {
            let status = words(&input).parse()?;
            Err(Error::public("no account").status(status).code("404"))
        }
        .boxed()
    })
}

#[tokio::test(start_paused = true)]
async fn an_error_for_the_platform_is_not_replaced() {
    for platform in Platform::ALL {
        for (status, apologizes) in [(404, platform == DuixStream), (500, true), (503, true)] {
            let mut call = TestCall::on(platform, host(rejecting()));
            let answer = call.say(status.to_string()).await;
            match apologizes {
                true => answer.expect_text(SORRY).expect_end(),
                false => answer.expect_no_speech().expect_failure(),
            };
        }
    }
}

fn question(words: &str) -> String {
    let question = json!({
        "sid": "1", "dh-code": "2", "dh-question": words, "dh-conversation-id": "c",
        "dh-context": "{}",
    });
    question.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_apology_wins_over_the_fallback_of_duix() {
    for path in ["/duix/dialogue", "/duix/dialogue/stream"] {
        let host = host(Actor::default());
        let router = host.duix().unwrap().fallback("The fallback.").router();
        for words in ["fail", "panic", "wait 30000"] {
            let (status, answer) = post(&router, path, question(words)).await;
            assert!(status == 200 && answer.contains(SORRY), "{answer}");
            assert!(!answer.contains("fallback"), "{answer}");
        }
        host.shutdown(Duration::ZERO).await;
        let (_, answer) = post(&router, path, question("fail")).await;
        assert!(answer.contains("The fallback.") && !answer.contains(SORRY), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_store_has_no_room_for_is_refused() {
    let host = Host::builder(Actor::default()).apology(SORRY);
    let host = host.store(MemoryStore::new().max_calls(1)).build();
    let mut first = TestCall::on(Odfs, host.clone());
    // A call with a running turn makes no room.
    let _turn = first.start("wait 5000 | say Yes.").await;
    TestCall::on(Odfs, host).begin().await.expect_no_speech().expect_failure();
}

#[tokio::test(start_paused = true)]
async fn a_failing_store_is_an_apology_on_each_platform() {
    for platform in Platform::ALL {
        for (op, words) in [(Op::Open, "say So."), (Op::Write, "say So."), (Op::Hold, "hold")] {
            let store = Moody::<false>::default();
            let host = Host::builder(Actor::default()).store(store.clone()).apology(SORRY).build();
            let mut call = TestCall::on(platform, host);
            call.say("say Yes.").await.expect_text("Yes. ");
            store.set(op, Fate::Fails, 1);
            call.say(words).await.expect_text(SORRY).expect_end();
            store.set(op, Fate::Hangs, 1);
            call.say(words).await.expect_text(SORRY).expect_end();
            call.say("say Yes.").await.expect_text("Yes. ").expect_end();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_the_next_one_overtakes_ends_without_an_apology() {
    let line = line(host(Actor::default()));
    let mut first = line.say("c", "1", "say One. | for ever").await;
    first.until("One.").await;
    assert_eq!(line.text("c", "2", "say Two.").await, "Two. ");
    first.rest().await;
    assert_eq!((&*first.text, first.ended), ("One. ", true));
    assert!(line.snapshot("c").await.history.iter().all(|turn| turn.apology.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_runs_a_failed_turn_again() {
    let mut call = TestCall::on(DigitalEmployee, host(Actor::default()));
    call.say("once | say Yes.").await.expect_text(SORRY).expect_end();
    call.repeat().await.expect_text("Yes. ").expect_end();
    let history = call.history().await;
    let turns: Vec<_> = history.iter().filter(|turn| turn.input.is_some()).collect();
    assert_eq!((turns.len(), &*turns[0].said, turns[0].apology.as_deref()), (1, "Yes. ", None));
}

#[tokio::test(start_paused = true)]
async fn the_heard_text_may_end_in_the_apology() {
    for (words, heard, left, expected) in [
        ("fail", "", "", Heard::Nothing),
        ("fail", "I'm so", "", Heard::Nothing),
        ("fail", SORRY, "", Heard::Nothing),
        ("say One. | wait 1 | fail", "On", "On", Heard::UpTo("On".into())),
        ("say One. | wait 1 | fail", "One. I'm so", "One. ", Heard::UpTo("One. ".into())),
        ("say One. | wait 1 | fail", "one im sorry", "One. ", Heard::UpTo("One. ".into())),
        ("for ever", "I'm", "", Heard::Nothing),
    ] {
        let mut call = TestCall::on(DigitalEmployee, host(Actor::default()));
        call.say(words).await.expect_end();
        call.barge_in(heard).await.expect_end();
        let turn = call.history().await.last().unwrap().clone();
        assert_eq!((&*turn.said, turn.apology.as_deref()), (left, Some(SORRY)), "{words} {heard}");
        assert!(turn.heard == Some(expected), "{words} {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_late_while_it_holds_apologizes_and_completes_its_work() {
    for platform in Platform::ALL {
        let budget = platform.budget().with_whole(Some(SECOND));
        let host = Host::builder(Actor::default()).apology(SORRY).budget(platform, budget);
        let mut call = TestCall::on(platform, host.build());
        call.say("hold | wait 1500 | remember paid | release")
            .await
            .expect_text(SORRY)
            .expect_end();
        sleep(2 * SECOND).await;
        assert_eq!(call.memory().await, ["paid"], "{platform}");
        let turn = call.history().await.last().unwrap().clone();
        assert_eq!((&*turn.said, turn.apology.as_deref()), ("", Some(SORRY)), "{platform}");
    }
}

/// A source of recognitions that fails.
struct Broken;

impl Recognitions for Broken {
    async fn text(&self, _: &RecognitionId) -> Result<Option<String>, RecognitionError> {
        Err(RecognitionError::new(std::io::Error::other("no connection")))
    }
}

#[tokio::test(start_paused = true)]
async fn speech_that_cannot_be_read_is_an_apology() {
    let settings = OdfsSettings::new(Language::English).with_recognitions(Broken);
    let router = host(Actor::default()).odfs_with(settings).unwrap().router();
    let ivr = Ivr::new(router, "c");
    ivr.start().await;
    let inparams = json!({"flow_result_type": "1", "input": "key@7", "inter_no": "7"});
    let (status, answer) = ivr.ask(9, inparams, json!({})).await;
    assert_eq!((status, &answer["outaction"]), (200, &json!(9)), "{answer}");
    assert_eq!(answer["outparams"]["prompt_text"], SORRY);
}

#[tokio::test(start_paused = true)]
async fn the_log_has_the_error_of_a_turn_that_ended_with_the_apology() {
    let (traces, _guard) = traced();
    for platform in Platform::ALL {
        for (words, error) in [
            ("fail", "as it was asked to"),
            ("panic", "the bot panicked"),
            ("for ever", "set another limit with `HostBuilder::budget`"),
        ] {
            let mut call = TestCall::on(platform, host(Actor::default()));
            call.say(words).await.expect_text(SORRY);
            let history = call.history().await;
            let (key, turn) = (call.key().to_string(), &history.last().unwrap().turn);
            let platform = format!("platform={platform}");
            let parts = ["ERROR", "a turn failed", error, &key, turn.as_str(), &platform];
            assert_eq!(traces.with(&parts).len(), 1, "{words}: {}", traces.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_a_reply_is_a_warning() {
    let (traces, _guard) = traced();
    let warnings = |call: &TestCall<Actor>| {
        let (key, platform) = (call.key().to_string(), format!("platform={}", call.platform()));
        traces.with(&["WARN", "without a reply", &key, &platform]).len()
    };
    for platform in Platform::ALL {
        let host = Host::builder(Actor::default()).filler("One moment. ").build();
        let mut call = TestCall::on(platform, host);
        call.say("say Yes.").await;
        call.say("fail").await;
        assert_eq!(warnings(&call), 0, "{platform}");
        call.say("remember x").await.expect_end();
        assert_eq!(warnings(&call), 1, "{platform}");
        call.say("wait 15000").await.expect_end();
        assert_eq!(warnings(&call), 2, "only a filler, on {platform}");
    }
    for (platform, words) in
        [(DigitalEmployee, "gather 4"), (DigitalEmployee, "hang up"), (Odfs, "transfer to vip")]
    {
        let mut call = TestCall::on(platform, Actor::default());
        call.say(words).await.expect_end();
        if platform == Odfs {
            call.transferred().await;
        }
        assert_eq!(warnings(&call), 0, "{words}");
    }
}
