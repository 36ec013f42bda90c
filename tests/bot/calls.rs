//! The calls of a bot: memory and its versions, limits, and how calls begin and end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::bots::*;
use crate::support::traces::traced;
use callbot::bot::store::Opened;
use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Call, CallInfo, CallKey, Greeting, Host, Input, Limits, MemoryStore, Platform, Reply,
    Result, Store,
};
use callbot::odfs::{Issuer, TokenRequest};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

fn actor() -> (Log, Line<Actor>) {
    acting(Actor::default(), |host| host)
}

// Memory.

/// A bot with memory of version `V`. Version 3 can't read older memory.
struct Aged<const V: u32>;

impl<const V: u32> Bot for Aged<V> {
    type Memory = Vec<String>;

    const MEMORY_VERSION: u32 = V;

    fn migrate(from: u32, old: Value) -> Result<Vec<String>> {
        if V == 3 {
            return Err(std::io::Error::other("too old").into());
        }
        Ok(vec![format!("from {from} to {V}: {old}")])
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        match words(&input) {
            "look" => {}
            "save and wait" => {
                call.memory.push("saved".into());
                call.save().await?;
                call.memory.push("lost".into());
                reply.say("So. ").await?;
                std::future::pending().await
            }
            words => call.memory.push(words.into()),
        }
        reply.say(call.memory.join(", ")).await
    }
}

/// Serves the calls of `store` with a bot of version `V`.
fn aged<const V: u32>(store: &Arc<MemoryStore>) -> Line<Aged<V>> {
    line(Host::builder(Aged::<V>).store(store.clone()).build())
}

#[tokio::test(start_paused = true)]
async fn an_older_memory_is_migrated() {
    let store = Arc::new(MemoryStore::new());
    assert_eq!(aged::<1>(&store).text("c", "1", "one").await, "one");
    let new = aged::<2>(&store);
    assert_eq!(new.snapshot("c").await.memory, [r#"from 1 to 2: ["one"]"#]);
    assert_eq!(new.text("c", "2", "two").await, r#"from 1 to 2: ["one"], two"#);
    assert_eq!(new.text("c", "3", "look").await, r#"from 1 to 2: ["one"], two"#);
}

#[tokio::test(start_paused = true)]
async fn memory_saved_after_a_migration_is_not_migrated_again() {
    let store = Arc::new(MemoryStore::new());
    aged::<1>(&store).text("c", "1", "one").await;
    let new = aged::<2>(&store);
    let mut reply = new.say("c", "2", "save and wait").await;
    reply.until("So.").await;
    new.abort("c", "2", Some("So.")).await;
    reply.rest().await;
    assert!(reply.ended);
    assert_eq!(new.text("c", "3", "look").await, r#"from 1 to 2: ["one"], saved"#);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_memory_stays_unchanged() {
    let store = Arc::new(MemoryStore::new());
    let old = aged::<1>(&store);
    old.text("c", "1", "one").await;
    let refusing = aged::<3>(&store);
    for turn in ["2", "3"] {
        assert_eq!(refusing.failure("c", turn, "look").await, 500);
    }
    assert!(refusing.host.snapshot(&key("c")).await.is_err());
    assert_eq!(old.text("c", "4", "look").await, "one");

    let newer = aged::<4>(&store);
    assert_eq!(newer.text("d", "1", "one").await, "one");
    for turn in ["2", "3"] {
        assert_eq!(old.failure("d", turn, "look").await, 500, "its version is newer");
    }
    assert!(old.host.snapshot(&key("d")).await.is_err());
    assert_eq!(newer.text("d", "4", "look").await, "one");
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_is_too_large_is_refused_and_the_old_one_stays() {
    let limits = Limits::default().with_max_memory_bytes(40);
    let (log, line) = acting(Actor::default(), |host| host.limits(limits));
    line.text("c", "1", "remember short").await;
    let long = "x".repeat(40);
    let refused = "the memory of the call: 52 bytes, allowed: at most 40";
    line.text("c", "2", "say Yes.").await;
    assert_eq!(line.failure("c", "3", &format!("remember {long} | save")).await, 500);
    assert_eq!(log.of("c").last().unwrap(), &format!("save: {refused}"));
    // Also at the end of the turn, when the bot has already returned.
    assert_eq!(line.failure("c", "4", &format!("remember {long} | say So.")).await, 500);
    assert_eq!(line.text("c", "5", "say Yes.").await, "Yes. ");
    assert_eq!(line.snapshot("c").await.memory, ["short"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_too_long_is_refused() {
    let limits = Limits::default().with_max_reply_bytes(10);
    let (log, line) = acting(Actor::default(), |host| host.limits(limits));
    assert_eq!(line.text("c", "1", "say 123456789").await, "123456789 ");
    let too_long = "the text of the reply: 11 bytes, allowed: at most 10";
    let text = line.text("c", "2", "say 1234 | try say 12345 | say 1234").await;
    assert_eq!(text, "1234 1234 ");
    assert_eq!(log.of("c").last().unwrap(), &format!("say 12345: {too_long}"));
    assert_eq!(line.failure("c", "3", "say 1234567890").await, 500);
    // The platform is told the reason.
    let says = |answer: &str, bytes: u32| {
        let reason = format!("the text of the reply: {bytes} bytes, allowed: at most 10");
        assert!(answer.contains(&reason) && !answer.contains("internal error"), "{answer}");
    };
    let begun = digital_employee("say 1234567890");
    let router = line.host.digital_employee().unwrap().router();
    says(&post(&router, "/proxy/dialogue", begun.to_string()).await.1, 11);
    let duix = line.host.duix().unwrap().router();
    says(&post(&duix, "/duix/dialogue", question("d", "say 1234567890")).await.1, 11);
    let ivr = Ivr::new(line.host.odfs().unwrap().router(), "i");
    ivr.ask(8, json!({"call_sor_id": "1"}), json!({})).await;
    let said = json!({"flow_result_type": "1", "input": "say 1234567890"});
    let (status, answer) = ivr.ask(9, said, json!({})).await;
    assert_eq!(status, 500);
    says(&answer.to_string(), 11);
}

/// A turn of a call on Digital Employee, with as little as is needed.
fn digital_employee(words: &str) -> Value {
    json!({"sessionId": "e", "streamId": "1", "utterance": words})
}

#[tokio::test(start_paused = true)]
async fn an_abort_without_a_reason_and_with_an_unreadable_text_aborts() {
    let (_, line) = actor();
    let router = line.host.digital_employee().unwrap().router();
    let mut reply = line.say("e", "2", "say Once | wait 10000 | say upon").await;
    reply.until("Once").await;
    let abort = json!({"sessionId": "e", "streamId": "2", "answer": ["Once"]}).to_string();
    assert_eq!(post(&router, "/proxy/abortDialogue", abort).await.0, 200);
    reply.rest().await;
    assert_eq!(reply.text.trim(), "Once");
}

#[tokio::test(start_paused = true)]
async fn two_accounts_that_name_the_same_call_have_two_calls() {
    let (log, line) = actor();
    let issuer = Issuer::new().account("a", "1").account("b", "2");
    let router = line.host.odfs().unwrap().issuer(issuer.clone()).router();
    let ask = async |key: &str, secret: &str, kind: u8, input: &str| {
        let token = issuer.issue(&TokenRequest::new(key, secret)).auth_token.unwrap();
        let inparams =
            json!({"flow_result_type": "1", "input": input, "auth_token": token.expose()});
        let body = json!({"userid": "i", "inaction": kind, "inparams": inparams});
        let (status, answer) = post(&router, "/oifde/rest/crs/process", body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
    };
    for (key, secret) in [("a", "1"), ("b", "2")] {
        ask(key, secret, 8, "").await;
        ask(key, secret, 9, &format!("remember {key} | save")).await;
    }
    let memory = async |account: &str| {
        let call = CallKey::new(Platform::Odfs, "i").with_account(account);
        line.host.snapshot(&call).await.unwrap().map(|call| call.memory)
    };
    ask("b", "2", 9, "hangup").await;
    assert_eq!(memory("a").await, Some(vec!["a".to_owned()]));
    assert_eq!(memory("b").await, None);
    assert!(line.host.snapshot(&CallKey::new(Platform::Odfs, "i")).await.unwrap().is_none());
    assert_eq!(log.count("i", "ended"), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_above_the_limit_are_refused_while_every_call_has_a_running_turn() {
    let store = Arc::new(MemoryStore::new().max_calls(1));
    let (log, line) = acting(Actor::default(), |host| host.store(store.clone()));
    let mut running = Vec::new();
    let platforms = [Platform::DigitalEmployee, Platform::Duix, Platform::Odfs];
    for platform in platforms {
        let call = CallKey::new(platform, "first");
        let opened = store.open(&call, &for_turn("1")).await.unwrap();
        let Opened::Run { lease, .. } = opened else { panic!() };
        running.push(lease);
    }
    assert_eq!(line.failure("second", "1", "say Yes.").await, 503);

    let duix = line.host.duix().unwrap().router();
    let (_, answer) = post(&duix, "/duix/dialogue", question("third", "say Yes.")).await;
    assert!(answer.contains("there are too many calls"), "{answer}");
    let (_, answer) = post(&duix, "/duix/dialogue/stream", question("third", "say Yes.")).await;
    assert!(!answer.contains("Yes."), "{answer}");

    let router = line.host.odfs().unwrap().router();
    let ivr = Ivr::new(router, "fourth");
    let (status, answer) = ivr.ask(8, json!({"call_sor_id": "1"}), json!({})).await;
    assert_eq!((status, &answer["outaction"]), (503, &json!(10)), "{answer}");

    line.end("first").await;
    assert_eq!(line.text("second", "2", "say Yes.").await, "Yes. ");
    assert!(log.of("third").is_empty() && log.of("fourth").is_empty());
    assert_eq!(store.len(), platforms.len());
    // The turns that had the other calls still have them.
    for lease in &running[1..] {
        store.hold(lease, None).await.unwrap();
    }
}

pub(crate) fn question(call: &str, words: &str) -> String {
    let question = json!({
        "sid": "100003", "dh-code": "1872", "dh-question": words, "dh-conversation-id": call,
        "dh-context": "{\"vip\":true}",
    });
    question.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_history_is_limited_in_turns_and_in_bytes() {
    for (limits, left) in [
        (Limits::default().with_max_history_entries(3), ["3", "4", "5"].as_slice()),
        // Each turn has 21 bytes: 12 of the caller and 9 of the bot.
        (Limits::default().with_max_history_bytes(62), &["4", "5"]),
        (Limits::default().with_max_history_bytes(63), &["3", "4", "5"]),
        (Limits::default().with_max_history_bytes(20), &["5"]),
    ] {
        let (_, line) = acting(Actor::default(), |host| host.limits(limits));
        for turn in ["1", "2", "3", "4", "5"] {
            assert_eq!(line.text("c", turn, "say 1234567.").await.len(), 9);
        }
        let seen = line.snapshot("c").await;
        let turns: Vec<_> = seen.history.iter().map(|entry| entry.turn.as_str()).collect();
        assert_eq!(turns, left, "{limits:?}");
    }
}

// The end of calls.

pub(super) fn idle(idle: Duration) -> Limits {
    Limits::default().with_idle_timeout(idle)
}

#[tokio::test(start_paused = true)]
async fn an_idle_call_expires_and_the_bot_is_told_once() {
    let (log, line) = acting(Actor::default(), |host| host.limits(idle(40 * SECOND)));
    line.text("c", "1", "remember x").await;
    sleep(39 * SECOND).await;
    assert_eq!(log.count("c", "ended"), 0);
    // A turn restarts the idle time.
    line.text("c", "2", "say Yes.").await;
    sleep(39 * SECOND).await;
    assert_eq!(log.count("c", "ended"), 0);
    sleep(12 * SECOND).await;
    assert_eq!(log.of("c")[2..], ["turn", "ended Expired [x]", "gone"]);
    assert!(line.host.snapshot(&key("c")).await.unwrap().is_none());
    line.end("c").await;
    sleep(200 * SECOND).await;
    assert_eq!(log.count("c", "ended"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_running_turn_is_not_idle_unless_the_turn_hangs() {
    let (log, line) = acting(Actor::default(), |host| host.limits(idle(40 * SECOND)));
    let mut reply = line.say("c", "1", "say One. | wait 70000 | say Two.").await;
    reply.rest().await;
    assert_eq!((&*reply.text, reply.ended), ("One. Two. ", true));
    assert_eq!(log.count("c", "ended"), 0);

    let mut reply = line.say("d", "1", "say One. | for ever").await;
    reply.until("One.").await;
    let start = Instant::now();
    reply.rest().await;
    assert!(reply.ended && start.elapsed() >= 79 * SECOND, "{:?}", start.elapsed());
    assert!(start.elapsed() <= 91 * SECOND, "{:?}", start.elapsed());
    until(|| log.count("d", "gone") == 1).await;
    assert_eq!((log.count("d", "ended Expired []"), log.count("d", "ended")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_bot_is_told_once_why_a_call_ended() {
    let (log, line) = acting(Actor::default(), |host| host.limits(idle(60 * SECOND)));
    for (call, words, why) in [
        ("bot", "hang up", "ByBot"),
        ("caller", "say Yes.", "ByCaller"),
        ("elsewhere", "transfer", "Transferred"),
        // A turn after the transfer takes precedence.
        ("again", "say Yes.", "ByCaller"),
    ] {
        if call == "again" {
            line.text(call, "0", "transfer").await;
        }
        line.text(call, "1", words).await;
        line.end(call).await;
        line.end(call).await;
        assert_eq!(log.of(call).last().unwrap(), "gone", "{call}");
        assert_eq!(log.count(call, "ended"), 1, "{call}");
        assert_eq!(log.count(call, &format!("ended {why} []")), 1, "{:?}", log.of(call));
    }

    line.greeting("new", "1").await;
    line.text("new", "2", "remember x").await;
    line.greeting("new", "3").await;
    until(|| log.count("new", "gone") == 1).await;
    assert_eq!(line.snapshot("new").await.memory, [""; 0], "it is another call");
    let told = log.of("new");
    assert_eq!(log.count("new", "ended Unknown [x]"), 1, "{told:?}");
    assert_eq!((log.count("new", "ended"), log.count("new", "begin")), (1, 2));

    line.text("expired", "1", "say Yes.").await;
    sleep(90 * SECOND).await;
    assert_eq!(log.count("expired", "ended Expired"), 1);

    line.text("shut", "1", "say Yes.").await;
    line.host.shutdown(SECOND).await;
    assert_eq!(log.count("shut", "ended Shutdown"), 1);
    line.end("shut").await;
    line.end("expired").await;
    assert_eq!((log.count("shut", "ended"), log.count("expired", "ended")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_running_turn_is_cut_when_the_call_ends() {
    let (log, line) = actor();
    let mut reply = line.say("c", "1", "remember x | say One. | for ever").await;
    reply.until("One.").await;
    line.end("c").await;
    reply.rest().await;
    assert!(reply.ended);
    assert_eq!(
        log.of("c"),
        ["begin", "turn", "interrupted 1 CallOver", "ended ByCaller []", "gone"]
    );
}

// The start of calls.

#[tokio::test(start_paused = true)]
async fn a_begin_that_is_posted_twice_runs_once() {
    let bot = Actor { begins: "say Hello. | wait 50 | say I listen.", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    let (mut first, mut second) = (line.begin("c", "b").await, line.begin("c", "b").await);
    tokio::join!(first.rest(), second.rest());
    let third = line.greeting("c", "b").await;
    assert_eq!([&*first.text, &*second.text, &*third], ["Hello. I listen. "; 3]);
    assert_eq!(log.of("c"), ["begin"]);
    assert_eq!(line.snapshot("c").await.history.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_begin_runs_again_before_the_next_turn_without_its_greeting() {
    let bot = Actor { begins: "say Hello. | remember b | once", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    let mut begin = line.begin("c", "b").await;
    begin.rest().await;
    assert_eq!(begin.failure, Some(500));
    assert_eq!(line.text("c", "1", "say Yes.").await, "Yes. ");
    assert_eq!(line.text("c", "2", "say Yes.").await, "Yes. ");
    assert_eq!(
        log.of("c"),
        ["begin", "once: as it was asked to", "begin", "notice Greeting", "turn", "turn"]
    );
    assert_eq!(line.snapshot("c").await.memory, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_always_fails_does_not_block_the_turns() {
    let bot = Actor { begins: "say Hello. | panic", ..Actor::default() };
    // Not ODFS: an IVR releases a call that begins with a failure.
    for platform in [Platform::DigitalEmployee, Platform::Duix, Platform::DuixStream] {
        for greeting in [Greeting::Drop, Greeting::Prepend] {
            let host = Host::builder(bot.clone()).greeting(greeting).build();
            let mut call = TestCall::on(platform, host);
            for _ in 0..2 {
                call.say("say Yes.").await.expect_text("Yes. ").expect_end();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_without_a_begin_is_dropped_or_prepended() {
    for platform in [Platform::Duix, Platform::DuixStream] {
        for (greeting, first) in [(Greeting::Drop, "Yes. "), (Greeting::Prepend, "Hello. Yes. ")] {
            let bot = Actor { begins: "say Hello. | remember b", ..Actor::default() };
            let log = bot.log.clone();
            let mut call = TestCall::on(platform, Host::builder(bot).greeting(greeting).build());
            call.say("say Yes.").await.expect_text(first).expect_end();
            call.say("say Yes.").await.expect_text("Yes. ").expect_end();
            let notices = log.count(&call.key().id, "notice Greeting");
            assert_eq!(notices, usize::from(greeting == Greeting::Drop));
            assert_eq!(call.memory().await, ["b"]);
            let said: Vec<_> = call.history().await.iter().map(|turn| turn.said.clone()).collect();
            assert_eq!(said, [first, "Yes. "]);
        }
    }
}

/// Greets with a text and answers with the caller's.
struct Parrot(&'static str);

impl Bot for Parrot {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        reply.say(self.0).await
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        let Input::Speech(text) = input else { return Ok(()) };
        reply.say("").await?;
        for word in text.split_inclusive(' ') {
            reply.say(word).await?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_prepended_greeting_is_a_sentence_of_its_own() {
    for platform in [Platform::Duix, Platform::DuixStream] {
        for (greeting, said, expected) in [
            ("Hello.", "Oh yes.", "Hello. Oh yes."),
            ("Hello. ", "Oh yes.", "Hello. Oh yes."),
            ("Hello.\n", "Oh yes.", "Hello.\nOh yes."),
            ("Hello.", " Oh yes.", "Hello. Oh yes."),
            ("She says: “Hello.”", "Oh yes.", "She says: “Hello.” Oh yes."),
            ("안녕하세요.", "네.", "안녕하세요. 네."),
            ("您好。", "好的。", "您好。好的。"),
            ("您好！", "OK.", "您好！OK."),
            ("他说：“您好。”", "好的。", "他说：“您好。”好的。"),
            ("こんにちは", "はい。", "こんにちははい。"),
            ("", "Oh yes.", "Oh yes."),
        ] {
            let host = Host::builder(Parrot(greeting)).greeting(Greeting::Prepend).build();
            let mut call = TestCall::on(platform, host);
            call.say(said).await.expect_text(expected).expect_end();
            assert_eq!(call.heard().await, expected);
            call.say(said).await.expect_text(said);
        }
    }
}

// CallInfo.

/// A bot that records the `CallInfo` of each event.
struct Curious(Arc<Mutex<Vec<CallInfo>>>);

impl Curious {
    fn tell<M>(&self, call: &Call<M>) {
        self.0.lock().unwrap().push(call.info.clone());
        let debug = format!("{call:?} {:?}", call.info);
        assert!(!debug.contains("1350000") && !debug.contains("vip"), "{debug}");
    }
}

impl Bot for Curious {
    type Memory = ();

    async fn begin(&self, call: &mut Call<()>, _: &mut Reply) -> Result {
        self.tell(call);
        Ok(())
    }

    async fn turn(&self, call: &mut Call<()>, _: Input, _: &mut Reply) -> Result {
        self.tell(call);
        Ok(())
    }

    async fn ended(&self, call: &mut Call<()>, _: callbot::bot::Ended) -> Result {
        self.tell(call);
        Ok(())
    }
}

fn all(facts: &CallInfo) -> (Platform, &str, Option<&str>, Option<&str>, Value) {
    let CallInfo { platform, id, caller, called, extras, .. } = facts;
    (*platform, id, caller.as_deref(), called.as_deref(), extras.clone().into())
}

#[tokio::test(start_paused = true)]
async fn what_a_platform_withholds_is_none() {
    let told: Arc<Mutex<Vec<CallInfo>>> = Arc::default();
    let host = Host::new(Curious(told.clone()));
    let take = || std::mem::take(&mut *told.lock().unwrap());

    let phone = host.digital_employee().unwrap().router();
    for (index, (numbers, caller)) in [
        (json!(null), None),
        (json!({"callingNumber": null}), None),
        (json!({"callingNumber": "", "calledNumber": ""}), None),
        (json!({"callingNumber": ["1"]}), None),
        (json!({"callingNumber": 135}), Some("135")),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("e{index}");
        let begin = json!({"sessionId": id, "streamId": "0", "vendorParams": numbers});
        let (status, answer) = post(&phone, "/proxy/beginSession", begin.to_string()).await;
        assert!(status == 200 && answer.contains("\"requestId\":\"\""), "{answer}");
        let expected = (Platform::DigitalEmployee, &*id, caller, None, json!({}));
        assert_eq!(take().iter().map(all).collect::<Vec<_>>(), vec![expected]);
    }

    let duix = host.duix().unwrap().router();
    let asked = json!({"dh-question": "Hm", "dh-conversation-id": "d", "sid": [1]});
    post(&duix, "/duix/dialogue", asked.to_string()).await;
    let expected = (Platform::Duix, "d", None, None, json!({}));
    assert_eq!(take().iter().map(all).next_back(), Some(expected));

    let odfs = host.odfs().unwrap().router();
    let start = json!({"userid": "i", "inaction": 8, "inparams": {"call_sor_id": null}});
    let (status, _) = post(&odfs, "/oifde/rest/crs/process", start.to_string()).await;
    let expected = (Platform::Odfs, "i", None, None, json!({}));
    assert_eq!((status, take().iter().map(all).collect::<Vec<_>>()), (200, vec![expected]));
}

#[tokio::test(start_paused = true)]
async fn each_platform_reports_what_it_knows_about_a_call() {
    let told: Arc<Mutex<Vec<CallInfo>>> = Arc::default();
    let host = Host::new(Curious(told.clone()));
    let take = || std::mem::take(&mut *told.lock().unwrap());

    let line = line(host.clone());
    line.greeting("c", "b").await;
    line.text("c", "1", "Hm").await;
    line.end("c").await;
    let extras = json!({"tenantId": 1, "instanceId": "n1", "scriptId": "sc-1"});
    let (caller, called) = (Some("13500000001"), Some("4000000000"));
    let phone = (Platform::DigitalEmployee, "c", caller, called, extras);
    let facts = take();
    // Only the begin has the phone numbers. They are kept until the end.
    assert_eq!(facts.iter().map(all).collect::<Vec<_>>(), vec![phone; 3]);

    let duix = host.duix().unwrap().router();
    for (path, platform) in
        [("/duix/dialogue", Platform::Duix), ("/duix/dialogue/stream", Platform::DuixStream)]
    {
        post(&duix, path, question(path, "Hm")).await;
        let extras = json!({"sid": "100003", "dh-context": "{\"vip\":true}"});
        let expected = (platform, path, None, Some("1872"), extras);
        assert_eq!(take().iter().map(all).collect::<Vec<_>>(), vec![expected; 2]);
    }

    let ivr = Ivr::new(host.odfs().unwrap().router(), "i");
    ivr.start().await;
    ivr.say("Hm").await;
    ivr.hang_up("").await;
    let expected = (Platform::Odfs, "i", caller, Some("10086"), json!({"vdn": "vdn-1"}));
    assert_eq!(take().iter().map(all).collect::<Vec<_>>(), vec![expected; 3]);

    // Further parameters apply to their own request, and those of the begin to all.
    ivr.ask(8, json!({"call_sor_id": "1"}), json!({"channel": "web", "tag": 1})).await;
    let input = json!({"flow_result_type": "1", "input": "Hm"});
    ivr.ask(9, input.clone(), json!({"tag": 2})).await;
    ivr.ask(9, input, json!({})).await;
    let tags: Vec<Value> = take().iter().map(|facts| facts.extras.clone().into()).collect();
    let extras = |tag: u8| json!({"channel": "web", "tag": tag, "vdn": "vdn-1"});
    assert_eq!(tags, [extras(1), extras(2), extras(1)]);

    let begin = json!({
        "requestId": "r", "tenantId": 1, "instanceId": "n1", "scriptId": "sc-1", "sessionId": "e",
        "streamId": "b",
        "vendorParams": {"callingNumber": "1", "calledNumber": "2", "order": "o-7"},
    });
    let phone = host.digital_employee().unwrap().router();
    post(&phone, "/proxy/beginSession", begin.to_string()).await;
    line.text("e", "1", "Hm").await;
    let orders: Vec<_> = take().iter().map(|facts| facts.extras["order"].clone()).collect();
    assert_eq!(orders, ["o-7", "o-7"]);
}

#[tokio::test(start_paused = true)]
async fn extras_that_are_too_long_are_logged_once_per_call() {
    let (traces, _guard) = traced();
    let told: Arc<Mutex<Vec<CallInfo>>> = Arc::default();
    let line = line(Host::new(Curious(told.clone())));
    let phone = line.host.digital_employee().unwrap().router();
    for call in ["c", "d"] {
        let begin = json!({
            "requestId": "r", "tenantId": 1, "instanceId": "n1", "scriptId": "sc-1", "sessionId": call,
            "streamId": "b",
            "vendorParams": {"callingNumber": "1", "calledNumber": "2", "order": "o".repeat(20_000)},
        });
        post(&phone, "/proxy/beginSession", begin.to_string()).await;
        line.text(call, "1", "Hm").await;
        line.text(call, "2", "Hm").await;
        let lines = traces.with(&["the extras of a call are too long", &key(call).to_string()]);
        assert_eq!(lines.len(), 1, "{}", traces.text());
    }
    let known: Vec<_> =
        told.lock().unwrap().iter().map(|info| info.extras.contains_key("order")).collect();
    assert_eq!(known, [true, false, false, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn phone_numbers_do_not_show_in_debug() {
    let told: Arc<Mutex<Vec<CallInfo>>> = Arc::default();
    let line = line(Host::new(Curious(told.clone())));
    line.greeting("c", "b").await;
    let debug = format!("{:?}", told.lock().unwrap()[0]);
    assert!(!debug.contains("1350000") && !debug.contains("4000000"), "{debug}");
}

// Shutdown.

#[tokio::test(start_paused = true)]
async fn shutdown_refuses_new_turns_and_ends_the_running_ones() {
    let (log, line) = actor();
    line.text("quiet", "1", "remember x").await;
    let mut short = line.say("short", "1", "say One. | wait 2000 | say Two.").await;
    let mut long = line.say("long", "1", "say One. | wait 3500 | say Two.").await;
    let holds =
        "say One. | wait 2000 | hold | wait 1500 | remember paid | save | release | for ever";
    let mut holding = line.say("holding", "1", holds).await;
    for reply in [&mut short, &mut long, &mut holding] {
        reply.until("One.").await;
    }
    let start = Instant::now();
    let host = line.host.clone();
    let shut = tokio::spawn(async move { host.shutdown(4 * SECOND).await });
    sleep(10 * MS).await;
    assert_eq!(line.failure("quiet", "2", "say Yes.").await, 503);
    assert_eq!(line.failure("new", "1", "say Yes.").await, 503);
    // A turn that already runs can still be repeated.
    let mut again = line.say("short", "1", "say One. | wait 2000 | say Two.").await;
    tokio::join!(short.rest(), again.rest(), long.rest(), holding.rest());
    assert_eq!((&*short.text, &*again.text), ("One. Two. ", "One. Two. "));
    assert_eq!((&*long.text, long.ended, long.failure), ("One. ", false, Some(503)));
    let took = start.elapsed();
    assert!((3 * SECOND..3 * SECOND + 10 * MS).contains(&took), "{took:?}");
    shut.await.unwrap();
    assert!(start.elapsed() <= 4 * SECOND + 60 * MS, "{:?}", start.elapsed());
    for (call, memory) in [("quiet", "x"), ("short", ""), ("long", ""), ("holding", "paid")] {
        let told = log.of(call);
        assert_eq!(log.count(call, &format!("ended Shutdown [{memory}]")), 1, "{call}: {told:?}");
        assert!(line.host.snapshot(&key(call)).await.unwrap().is_none());
    }
    assert!(log.of("new").is_empty());
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_end_calls_in_a_shared_store() {
    let store = Moody::<true>::default();
    let (log, here) = acting(Actor::default(), |host| host.store(store.clone()));
    let (there_log, there) = acting(Actor::default(), |host| host.store(store.clone()));
    here.text("c", "1", "remember x").await;
    here.host.shutdown(SECOND).await;
    assert_eq!(here.failure("c", "2", "say Yes.").await, 503);
    assert_eq!(there.text("c", "2", "say Yes.").await, "Yes. ");
    there.end("c").await;
    assert_eq!(log.of("c"), ["begin", "turn"]);
    assert_eq!(there_log.of("c"), ["turn", "ended ByCaller [x]", "gone"]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_hangs_in_ended_does_not_delay_shutdown() {
    let bot = Actor { ends: "for ever", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    for call in ["a", "b", "c"] {
        line.text(call, "1", "say Yes.").await;
    }
    let start = Instant::now();
    line.host.shutdown(4 * SECOND).await;
    assert!(start.elapsed() <= 4 * SECOND + 2 * MS, "{:?}", start.elapsed());
    for call in ["a", "b", "c"] {
        assert_eq!(log.of(call), ["begin", "turn", "ended Shutdown []"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_timeout_limits_ended() {
    let bot = Actor { ends: "for ever", ..Actor::default() };
    let limits = Limits::default().with_end_timeout(3 * SECOND);
    let (log, line) = acting(bot, |host| host.limits(limits));
    line.text("c", "1", "say Yes.").await;
    let start = Instant::now();
    line.end("c").await;
    let took = start.elapsed();
    assert!((3 * SECOND..=3 * SECOND + 2 * MS).contains(&took), "{took:?}");
    assert_eq!(log.of("c"), ["begin", "turn", "ended ByCaller []"]);
}

// Bots that fail or hang.

#[tokio::test(start_paused = true)]
async fn a_bot_that_fails_in_interrupted_gets_its_next_turn_and_is_not_told_again() {
    for interrupts in ["fail", "panic"] {
        let (log, line) = acting(Actor { interrupts, ..Actor::default() }, |host| host);
        let mut reply = line.say("c", "1", "say One. | for ever").await;
        reply.until("One.").await;
        line.abort("c", "1", Some("One")).await;
        reply.rest().await;
        for turn in ["2", "3"] {
            assert_eq!(line.text("c", turn, "say Yes.").await, "Yes. ");
        }
        assert_eq!(log.count("c", "interrupted 1 BargeIn"), 1, "{:?}", log.of("c"));
        assert_eq!(log.count("c", "interrupted"), 1);
        assert_eq!(line.heard("c", "1").await, "One. ");
    }
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_too_long_are_refused() {
    let (log, line) = actor();
    let (most, long) = ("i".repeat(256), "i".repeat(257));
    assert_eq!(line.text(&most, &most, "say Yes.").await, "Yes. ");
    assert_eq!(line.failure(&long, "1", "say Yes.").await, 400);
    assert_eq!(line.failure("c", &long, "say Yes.").await, 400);
    assert_eq!(line.try_abort(&long, "1", None).await, Err(400));
    assert_eq!(line.try_abort("c", &long, None).await, Err(400));
    assert_eq!(line.try_end(&long).await, Err(400));
    let mut begin = line.begin(&long, "1").await;
    begin.rest().await;
    assert_eq!(begin.failure, Some(400));
    assert!(log.of(&long).is_empty() && log.of("c").is_empty());

    let duix = line.host.duix().unwrap().router();
    let (_, answer) = post(&duix, "/duix/dialogue", question(&long, "say Yes.")).await;
    assert!(answer.contains("longer than 256 bytes"), "{answer}");
    let ivr = Ivr::new(line.host.odfs().unwrap().router(), long.clone());
    let (status, answer) = ivr.ask(8, json!({"call_sor_id": "1"}), json!({})).await;
    assert_eq!(status, 400, "{answer}");
}

// Where turns run.

#[test]
fn turns_run_on_the_configured_runtime() {
    let bots = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("bots")
        .enable_time()
        .build()
        .unwrap();
    let here = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let thread = || std::thread::current().name().unwrap_or_default().to_owned();
    let bot = move || bot(move |_, _, reply| async move { reply.say(thread()).await }.boxed());
    here.block_on(async {
        let apart = line(Host::builder(bot()).runtime(bots.handle().clone()).build());
        assert_eq!(apart.text("c", "1", "Hm").await, "bots");
        apart.abort("c", "1", Some("bo")).await;
        assert_eq!(apart.text("c", "2", "Hm").await, "bots");
        assert_eq!(apart.heard("c", "1").await, "bo");
        apart.end("c").await;
        apart.host.shutdown(SECOND).await;
        assert_eq!(line(Host::new(bot())).text("c", "1", "Hm").await, thread());
    });
}

#[tokio::test]
async fn a_bot_that_blocks_its_thread_for_long_is_a_warning() {
    let (traces, _guard) = traced();
    let bot = bot(|_, input, reply| {
        async move {
            std::thread::sleep(words(&input).parse::<u32>()? * MS);
            reply.say("Yes.").await
        }
        .boxed()
    });
    line(Host::new(bot)).text("c", "1", "150").await;
    let warnings = traces.with(&["WARN", "the bot blocked its thread", "HostBuilder::runtime"]);
    assert_eq!(warnings.len(), 1, "{}", traces.text());
}
