//! The harness for bots (`bot::testing`), with a bot that uses every feature: what callers can do on
//! each platform, what is read back from the answers, and that failed expectations are reported.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::bot::testing::{Answer, TestCall};
use callbot::bot::{
    Bot, Call, CallKey, Cut, Gather, HangUp, Heard, Host, Input, Native, Needs, Platform, Reply,
    Result, SpeechSettings, Synthesis, Transfer, TransferKind, TransferOutcome,
};
use callbot::duix::dialogue;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

const STEP: Duration = Duration::from_millis(300);

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notes {
    asked: u32,
    cuts: u32,
}

#[derive(Default)]
struct Clerk {
    needs: Needs,
    turns: Arc<AtomicUsize>,
}

impl Bot for Clerk {
    type Memory = Notes;

    fn needs(&self) -> Needs {
        self.needs
    }

    async fn begin(&self, _: &mut Call<Notes>, reply: &mut Reply) -> Result {
        reply.say("Welcome.").await
    }

    async fn turn(&self, call: &mut Call<Notes>, input: Input, reply: &mut Reply) -> Result {
        self.turns.fetch_add(1, Ordering::Relaxed);
        call.memory.asked += 1;
        let words = match input {
            Input::Speech(words) => words,
            Input::Dtmf(keys) => return reply.say(format!("You pressed {keys}.")).await,
            Input::Silence => return reply.say("Are you there?").await,
            Input::NoMatch => return reply.say("Pardon?").await,
            Input::Transferred(TransferOutcome::Done) => return Ok(()),
            Input::Transferred(_) => return reply.say("Nobody is there.").await,
            _ => return Ok(()),
        };
        match words.as_str() {
            "a story" => {
                for piece in ["Once upon a time ", "there was a king ", "who had a daughter."] {
                    reply.say(piece).await?;
                    sleep(STEP).await;
                }
            }
            "number" => {
                reply.gather(Gather::up_to(4)).await?;
                reply.say("Your number?").await?;
            }
            "menu" => {
                let three = Duration::from_secs(3);
                reply.gather(Gather::up_to(12).with_timeout(three).with_speech(true)).await?;
                reply.say("One or two?").await?;
            }
            "voice" => {
                let seven = Duration::from_secs(7);
                let mut voice =
                    SpeechSettings::new().with_barge_in(false).with_silence_timeout(seven);
                if reply.can().speech.synthesis {
                    voice = voice.with_synthesis(Synthesis::new("xiaoyun").with_volume(60.0));
                }
                reply.speech_settings(voice).await?;
                reply.say("Like this.").await?;
            }
            "agent" => {
                reply.say("One moment.").await?;
                reply.transfer(Transfer::to_queue("vip").with_shown_number("4000")).await?;
            }
            "agent, quietly" => reply.transfer(Transfer::to_queue("vip")).await?,
            "number 7" => reply.transfer(Transfer::to_number("7").with_shown_number("4")).await?,
            "tips" => {
                let answer = dialogue::Answer::text("").with_tip_phrases(["yes", "no"]);
                reply.native(answer.with_intent("tips").with_extra(1)).await?;
                reply.say("Yes or no?").await?;
            }
            "bye" => {
                reply.say("Goodbye.").await?;
                if reply.can().hang_up {
                    let two = Duration::from_secs(2);
                    reply.hang_up(HangUp::new().with_delay(two).with_reason("done")).await?;
                }
            }
            "crash" => panic!("as it was asked to"),
            "slow" => sleep(Duration::from_secs(60)).await,
            "nothing" => {}
            words => reply.say(format!("You said: {words}")).await?,
        }
        Ok(())
    }

    async fn interrupted(&self, call: &mut Call<Notes>, _: &Cut) -> Result {
        call.memory.cuts += 1;
        Ok(())
    }
}

fn on(platform: Platform) -> TestCall<Clerk> {
    TestCall::on(platform, Clerk::default())
}

/// Returns the message of an expectation that fails.
#[track_caller]
fn wrong<T>(check: impl FnOnce() -> T) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(check)).err().expect("it held");
    *panic.downcast::<String>().unwrap()
}

async fn wrong_in(check: impl Future) -> String {
    let panic = AssertUnwindSafe(check).catch_unwind().await.err().expect("it held");
    *panic.downcast::<String>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_on_digital_employee() {
    let mut call = on(Platform::DigitalEmployee);
    assert_eq!((call.platform(), call.can().hang_up), (Platform::DigitalEmployee, true));
    call.begin().await.expect_speech("WELCOME").expect_text("Welcome.").expect_no_controls();
    call.keys("1234").await.expect_text("You pressed 1234.").expect_end();
    call.silence().await.expect_text("Are you there?").expect_end();
    let story = call.say("a story").await;
    story.expect_text("Once upon a time there was a king who had a daughter.").expect_end();
    story.expect_within(Duration::ZERO).expect_no_controls();
    assert_eq!((story.packets(), story.took(), story.platform()), (3, 3 * STEP, call.platform()));
    assert_eq!(story.first_packet(), Some(Duration::ZERO));
    let bye = call.say("bye").await;
    bye.expect_speech("goodbye").expect_hang_up().expect_end();
    let hang_up = HangUp::new().with_delay(Duration::from_secs(2)).with_reason("done");
    assert_eq!(bye.hang_up(), Some(&hang_up));
    assert_eq!(call.memory().await, Notes { asked: 4, cuts: 0 });
    assert_eq!(call.heard().await, "Goodbye.");
    assert_eq!(call.history().await.len(), 5);
    call.end().await.expect_end();
    assert!(call.host().snapshot(call.key()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn controls_are_read_back_on_digital_employee() {
    let mut call = on(Platform::DigitalEmployee);
    let number = call.say("number").await;
    number.expect_gather(4).expect_text("Your number?").expect_end();
    let five = Duration::from_secs(5);
    assert_eq!(number.gather(), Some(&Gather::up_to(4).with_timeout(five)));
    let menu = call.say("menu").await;
    let three = Duration::from_secs(3);
    let expected = Gather::up_to(12).with_timeout(three).with_speech(true);
    assert_eq!(menu.expect_gather(12).gather(), Some(&expected));
    let voice = call.say("voice").await;
    let expected = SpeechSettings::new()
        .with_barge_in(false)
        .with_silence_timeout(Duration::from_secs(7))
        .with_synthesis(Synthesis::new("xiaoyun").with_volume(60.0));
    assert_eq!(voice.expect_speech_settings().speech_settings(), Some(&expected));
    let agent = call.say("agent").await;
    agent.expect_transfer(TransferKind::Queue, "vip").expect_text("One moment.").expect_end();
    assert_eq!(agent.transfer().unwrap().shown_number.as_deref(), Some("4000"));
    // The document says that it is not supported, and the host has not allowed it.
    call.say("number 7").await.expect_failure();

    let host = Host::builder(Clerk::default()).allow_transfer(TransferKind::Number).build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    assert!(call.can().transfer.contains(TransferKind::Number));
    call.say("number 7").await.expect_transfer(TransferKind::Number, "7").expect_end();
}

#[tokio::test(start_paused = true)]
async fn barge_in_cuts_a_running_or_a_complete_reply() {
    let mut call = on(Platform::DigitalEmployee);
    let mut turn = call.start("a story").await;
    turn.until_speech("UPON a time").await.until_speech("there was").await;
    assert_eq!(turn.text(), "Once upon a time there was a king ");
    let answer = turn.barge_in("Once upon").await;
    answer.expect_speech("a king").expect_end();
    assert_eq!((answer.packets(), answer.took()), (2, STEP));
    assert_eq!(call.heard().await, "Once upon");
    assert_eq!(call.memory().await, Notes { asked: 0, cuts: 1 });
    assert_eq!(call.history().await.last().unwrap().heard, Some(Heard::UpTo("Once upon".into())));
    // The platform does not report what was heard.
    let mut turn = call.start("a story").await;
    turn.until_speech("Once").await;
    turn.barge_in(None).await.expect_end();
    assert_eq!(call.heard().await, "Once upon a time ");
    assert_eq!(call.history().await.last().unwrap().heard, Some(Heard::Unknown));
    // Long after the reply is complete.
    call.say("a story").await.expect_speech("daughter");
    sleep(Duration::from_secs(3)).await;
    call.barge_in("once upon a time there").await.expect_end().expect_no_speech();
    assert_eq!(call.heard().await, "Once upon a time there");
    assert_eq!(call.memory().await, Notes { asked: 1, cuts: 3 });
    call.barge_in(None).await.expect_end();
    call.say("Hm").await.expect_text("You said: Hm");
    let transcript = call.to_string();
    assert!(transcript.contains("caller  (barges in, heard “Once upon”)"), "{transcript}");
}

#[tokio::test(start_paused = true)]
async fn the_newest_turn_wins() {
    for platform in [Platform::DigitalEmployee, Platform::DuixStream, Platform::Duix] {
        let mut call = on(platform);
        let mut turn = call.start("a story").await;
        if call.can().streams {
            turn.until_speech("Once").await;
        }
        let begun = Instant::now();
        call.say("bye").await.expect_text("Goodbye.").expect_end();
        assert!(begun.elapsed() < STEP, "{platform}");
        let rest = turn.rest().await;
        let said = if call.can().streams { "Once upon a time " } else { "" };
        rest.expect_text(said);
        let said: Vec<_> = call.history().await.iter().map(|entry| entry.said.clone()).collect();
        let [.., story, bye] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((story.as_str(), bye.as_str()), (rest.text(), "Goodbye."), "{platform}");
        assert_eq!(call.memory().await, Notes { asked: 1, cuts: 1 }, "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_odfs_turns_run_one_after_the_other() {
    let mut call = on(Platform::Odfs);
    let turn = call.start("a story").await;
    call.say("Hm").await.expect_text("You said: Hm");
    turn.rest().await.expect_speech("daughter").expect_end();
    assert_eq!(call.memory().await.asked, 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_turn_disconnects_the_platform() {
    let mut call = on(Platform::DigitalEmployee);
    let mut turn = call.start("a story").await;
    turn.until_speech("Once").await;
    drop(turn);
    sleep(STEP / 2).await;
    assert_eq!(call.heard().await, "Once upon a time ");
    assert_eq!(call.memory().await, Notes { asked: 0, cuts: 1 });
    call.say("Hm").await.expect_end();
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_gets_the_same_answer() {
    let turns = Arc::new(AtomicUsize::new(0));
    let bot = Clerk { turns: turns.clone(), ..Clerk::default() };
    let mut call = TestCall::on(Platform::DigitalEmployee, bot);
    call.begin().await.expect_text("Welcome.");
    call.repeat().await.expect_text("Welcome.").expect_end();
    call.say("bye").await.expect_hang_up();
    for _ in 0..2 {
        call.repeat().await.expect_text("Goodbye.").expect_hang_up().expect_end();
    }
    assert_eq!((turns.load(Ordering::Relaxed), call.memory().await.asked), (1, 1));
    // While the turn still runs.
    let mut turn = call.start("a story").await;
    turn.until_speech("there").await;
    let again = call.repeat().await;
    again.expect_speech("Once").expect_speech("daughter").expect_end();
    turn.rest().await.expect_text(again.text());
    assert_eq!((turns.load(Ordering::Relaxed), call.memory().await.asked), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_on_duix() {
    for platform in [Platform::Duix, Platform::DuixStream] {
        let mut call = on(platform);
        let begin = call.begin().await;
        begin.expect_unsupported();
        assert_eq!((begin.text(), begin.packets(), begin.first_packet()), ("", 0, None));
        for answer in [
            call.keys("1").await,
            call.silence().await,
            call.no_match().await,
            call.transferred().await,
            call.repeat().await,
            call.barge_in("Hm").await,
            call.end().await,
        ] {
            answer.expect_unsupported();
        }
        assert!(call.host().snapshot(call.key()).await.unwrap().is_none());
        let story = call.say("a story").await;
        story.expect_speech("Once").expect_speech("daughter").expect_end().expect_no_controls();
        let (packets, first) = if call.can().streams { (3, 0) } else { (1, 3) };
        assert_eq!((story.packets(), story.first_packet()), (packets, Some(first * STEP)));
        call.say("bye").await.expect_text("Goodbye.").expect_no_controls();
        assert_eq!((call.memory().await.asked, call.heard().await.as_str()), (2, "Goodbye."));
        let mut turn = call.start("a story").await;
        turn.until_speech("upon").await;
        let answer = turn.barge_in("Once").await;
        assert!(answer.expect_unsupported().text().ends_with("daughter."));
        assert!(call.heard().await.ends_with("daughter."));
    }
}

#[tokio::test(start_paused = true)]
async fn native_answers_are_read_back_on_duix() {
    let mut call = on(Platform::Duix);
    let tips = call.say("tips").await;
    tips.expect_text("Yes or no?").expect_end();
    let Some(Native::Duix(answer)) = tips.native() else { panic!("{tips}") };
    let expected = dialogue::Answer::text("Yes or no?").with_tip_phrases(["yes", "no"]);
    assert_eq!(*answer, expected.with_intent("tips").with_extra(1));
    assert!(wrong(|| tips.expect_no_controls()).contains("a native control"));
    // A stream can't report that it failed.
    on(Platform::DuixStream).say("tips").await.expect_text("").expect_end();
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_on_odfs() {
    let mut call = on(Platform::Odfs);
    call.begin().await.expect_text("Welcome.").expect_no_controls().expect_end();
    call.keys("12").await.expect_text("You pressed 12.");
    call.silence().await.expect_text("Are you there?");
    call.no_match().await.expect_text("Pardon?").expect_no_controls().expect_end();
    let story = call.say("a story").await;
    story.expect_speech("daughter").expect_end();
    assert_eq!((story.packets(), story.took()), (1, 3 * STEP));
    let number = call.say("number").await;
    assert_eq!(number.expect_gather(4).gather(), Some(&Gather::up_to(4)));
    let menu = call.say("menu").await;
    let three = Duration::from_secs(3);
    let expected = Gather::up_to(12).with_timeout(three).with_speech(true);
    assert_eq!(menu.expect_gather(12).gather(), Some(&expected));
    assert!(menu.speech_settings().is_none());
    let bye = call.say("bye").await;
    bye.expect_text("Goodbye.").expect_hang_up().expect_end();
    assert_eq!((bye.packets(), bye.hang_up()), (2, Some(&HangUp::new())));
    call.end().await.expect_no_controls().expect_end();
    assert!(call.host().snapshot(call.key()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn speech_settings_are_read_back_on_odfs() {
    let mut call = on(Platform::Odfs);
    let voice = call.say("voice").await;
    let seven = Duration::from_secs(7);
    let expected = SpeechSettings::new().with_barge_in(false).with_silence_timeout(seven);
    assert_eq!(voice.expect_speech_settings().speech_settings(), Some(&expected));
    // The settings apply to all later turns.
    assert_eq!(call.say("Hm").await.speech_settings(), Some(&expected));
    let number = call.say("number").await;
    assert_eq!(number.expect_gather(4).gather(), Some(&Gather::up_to(4)));
    assert_eq!(number.speech_settings(), Some(&SpeechSettings::new().with_barge_in(false)));
}

#[tokio::test(start_paused = true)]
async fn transfers_are_read_back_on_odfs() {
    let mut call = on(Platform::Odfs);
    let agent = call.say("agent").await;
    agent.expect_text("One moment.").expect_transfer(TransferKind::Queue, "vip").expect_end();
    assert_eq!(agent.packets(), 2);
    let transfer = Transfer::to_queue("vip").with_shown_number("4000");
    assert!(agent.transfer() == Some(&transfer));
    call.transfer_failed().await.expect_text("Nobody is there.").expect_end();
    let agent = call.say("agent, quietly").await;
    agent.expect_no_speech().expect_transfer(TransferKind::Queue, "vip");
    assert_eq!(agent.packets(), 1);
    let done = call.transferred().await;
    done.expect_no_speech().expect_no_controls().expect_end();
    assert_eq!(call.memory().await.asked, 4);
    call.end().await.expect_end();
}

#[tokio::test(start_paused = true)]
async fn events_that_a_platform_lacks_are_unsupported() {
    let mut call = on(Platform::DigitalEmployee);
    for (answer, reason) in [
        (call.no_match().await, "digital-employee does not report unrecognised speech"),
        (call.transferred().await, "digital-employee does not report the outcome of a transfer"),
    ] {
        assert_eq!(answer.expect_unsupported().unsupported(), Some(reason));
    }
    let mut call = on(Platform::Odfs);
    call.begin().await;
    call.repeat().await.expect_unsupported();
    call.barge_in("Hm").await.expect_unsupported();
    let answer = call.start("Hm").await.barge_in(None).await;
    assert_eq!(answer.expect_unsupported().text(), "You said: Hm");
    let keys = on(Platform::Duix).keys("1").await;
    let expectations: [fn(&Answer) -> &Answer; 10] = [
        |answer| answer.expect_speech(""),
        |answer| answer.expect_text(""),
        |answer| answer.expect_no_speech(),
        |answer| answer.expect_gather(1),
        |answer| answer.expect_speech_settings(),
        |answer| answer.expect_hang_up(),
        |answer| answer.expect_no_controls(),
        |answer| answer.expect_end(),
        |answer| answer.expect_failure(),
        |answer| answer.expect_within(Duration::MAX),
    ];
    for expectation in expectations {
        let wrong = wrong(|| expectation(&keys));
        assert!(wrong.ends_with("WRONG: step 1: duix does not report DTMF digits\n"), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_read_back_and_the_call_continues() {
    for platform in Platform::ALL {
        let mut call = on(platform);
        let crash = call.say("crash").await;
        crash.expect_no_speech();
        assert_eq!(crash.packets(), 0, "{platform}");
        let slow = call.say("slow").await;
        if platform == Platform::DuixStream {
            let text = wrong(|| crash.expect_failure());
            assert!(
                text.ends_with("expected one: a DUIX stream can't report a failure\n"),
                "{text}"
            );
        } else {
            assert!(crash.expect_failure().failure().is_some());
            assert!(slow.expect_failure().failure().is_some());
        }
        let budget = platform.budget().net();
        assert_eq!(Some(slow.took()), budget.first_packet.or(budget.whole), "{platform}");
        call.say("Hm").await.expect_text("You said: Hm").expect_end();
        assert_eq!(call.memory().await.asked, 1, "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn everywhere_plays_a_script_on_every_platform_that_meets_the_needs() {
    let seen = std::cell::RefCell::new(Vec::new());
    TestCall::everywhere(Clerk::default, async |call| {
        seen.borrow_mut().push((call.platform(), call.key().clone()));
        let bye = call.say("bye").await;
        bye.expect_text("Goodbye.").expect_end();
        assert_eq!(bye.hang_up().is_some(), call.can().hang_up);
        assert_eq!(call.memory().await.asked, 1);
    })
    .await;
    let (platforms, keys): (Vec<Platform>, Vec<CallKey>) = seen.into_inner().into_iter().unzip();
    // On ODFS with speech as text and as the key of a text.
    let twice = |on: Platform| [on].repeat(if on == Platform::Odfs { 2 } else { 1 });
    assert_eq!(platforms, Platform::ALL.into_iter().flat_map(twice).collect::<Vec<_>>());
    assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), 7);
    // A failure has the transcript of the platform on which it happened.
    let text = wrong_in(TestCall::everywhere(Clerk::default, async |call| {
        call.say("bye").await.expect_hang_up();
    }))
    .await;
    assert!(text.starts_with("\na call on duix (duix/"), "{text}");
    // With a configured host, and only on the platforms that meet the bot's needs.
    let platforms = AtomicUsize::new(0);
    let host = || {
        let bot = Clerk { needs: Needs::NONE.hang_up(), ..Clerk::default() };
        Host::builder(bot).filler("One moment. ").build()
    };
    TestCall::everywhere(host, async |call| {
        platforms.fetch_add(1, Ordering::Relaxed);
        call.say("bye").await.expect_hang_up();
    })
    .await;
    assert_eq!(platforms.into_inner(), 4);
}

#[tokio::test(start_paused = true)]
async fn calls_can_share_a_host() {
    let host = Host::builder(Clerk::default()).filler("One moment. ").build();
    let mut first = TestCall::on(Platform::DigitalEmployee, host.clone());
    let mut second = TestCall::on(Platform::DigitalEmployee, host);
    let mut slow = first.start("slow").await;
    second.say("Hm").await.expect_text("You said: Hm");
    slow.until_speech("One moment").await;
    assert_ne!(first.key(), second.key());
    assert!(first.host().snapshot(second.key()).await.unwrap().is_some());
    let answer = slow.barge_in("One").await;
    answer.expect_text("One moment. ").expect_end();
    // Timers tick once per millisecond.
    let times = Duration::from_millis(385)..=Duration::from_millis(386);
    assert!(answer.first_packet().is_some_and(|first| times.contains(&first)), "{answer}");
    assert_eq!(first.heard().await, "");
}

#[test]
fn a_platform_that_lacks_a_need_is_refused() {
    let bot = || Clerk { needs: Needs::NONE.hang_up().heard(), ..Clerk::default() };
    let text = wrong(|| TestCall::on(Platform::Duix, bot()));
    assert_eq!(
        text,
        "the bot requires features that duix does not support: hanging up, reports of what callers \
         heard"
    );
    // Of the two DUIX dialogues, only the other one has it.
    let bot = || Clerk { needs: Needs::NONE.stream(), ..Clerk::default() };
    let text = wrong(|| TestCall::on(Platform::Duix, bot()));
    assert_eq!(text, "the bot requires features that duix does not support: streamed replies");
    drop(TestCall::on(Platform::DuixStream, bot()));
}

#[tokio::test(start_paused = true)]
async fn everywhere_fails_if_no_platform_meets_the_needs() {
    let needs = Needs::NONE.heard().transfer(TransferKind::Flow);
    let bot = || Clerk { needs, ..Clerk::default() };
    let text = wrong_in(TestCall::everywhere(bot, async |_| {})).await;
    assert!(
        text.starts_with("the bot can't be put on any platform; on the last one: the bot requires"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_expectation_says_why_after_the_transcript() {
    let mut call = on(Platform::Odfs);
    let hm = call.say("Hm").await;
    let bye = call.say("number").await;
    let agent = call.say("agent").await;
    let nothing = on(Platform::DigitalEmployee).say("nothing").await;
    let crash = on(Platform::DigitalEmployee).say("crash").await;
    let checks: Vec<(String, &str)> = vec![
        (wrong(|| hm.expect_speech("Hum")), "step 2: the bot does not say \"Hum\""),
        (wrong(|| hm.expect_text("Hm")), "says \"You said: Hm\", expected \"Hm\""),
        (wrong(|| hm.expect_no_speech()), "says \"You said: Hm\", expected nothing"),
        (wrong(|| hm.expect_gather(4)), "no digits are gathered, expected up to 4"),
        (wrong(|| bye.expect_gather(3)), "step 3: up to 4 digits are gathered, expected 3"),
        (wrong(|| hm.expect_speech_settings()), "no speech settings were sent"),
        (
            wrong(|| hm.expect_transfer(TransferKind::Queue, "vip")),
            "no transfer, expected one to a queue: vip",
        ),
        (
            wrong(|| agent.expect_transfer(TransferKind::Agent, "vip")),
            "step 4: found a transfer to a queue: vip, expected one to an agent: vip",
        ),
        (wrong(|| hm.expect_hang_up()), "the bot does not hang up"),
        (
            wrong(|| bye.expect_no_controls()),
            "found controls, expected none: gathers up to 4 digits",
        ),
        (wrong(|| crash.expect_end()), "step 2: the reply failed: "),
        (wrong(|| hm.expect_failure()), "no failure, expected one"),
        (wrong(|| nothing.expect_within(Duration::MAX)), "no packet arrived, expected one within"),
        (wrong(|| hm.expect_unsupported()), "odfs supports this, expected that it does not"),
    ];
    for (text, expected) in checks {
        let (transcript, wrong) = text.split_once("\nWRONG: ").unwrap();
        assert!(wrong.contains(expected), "{text}");
        assert!(transcript.contains(" 1. caller  (the call begins)"), "{text}");
        assert!(transcript.contains(" 2. caller  “"), "{text}");
    }
    let slow = on(Platform::Odfs).say("a story").await;
    let text = wrong(|| slow.expect_within(STEP));
    assert!(text.contains("the first packet took 900ms, expected at most 300ms"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_transcript_shows_the_whole_call() {
    let mut call = on(Platform::DigitalEmployee);
    call.begin().await;
    let mut turn = call.start("a story").await;
    turn.until_speech("there").await;
    turn.barge_in("Once").await;
    call.no_match().await;
    call.say("crash").await;
    call.say("number").await;
    let bye = call.say("bye").await;
    let text = wrong(|| bye.expect_speech("welcome"));
    let failure = text.lines().find(|line| line.starts_with("    failure ")).unwrap();
    let expected = format!(
        r#"
a call on digital-employee ({})

 1. caller  (the call begins)
    bot     “Welcome.”
    time    1 packet, first after 0 ms, all after 0 ms
 2. caller  “a story”
    bot     “Once upon a time there was a king”
    caller  (barges in, heard “Once”)
    time    2 packets, first after 0 ms, all after 300 ms
 3. caller  (is not understood)
    skipped digital-employee does not report unrecognised speech
    time    0 packets, all after 0 ms
 4. caller  “crash”
{failure}
    cause   the bot panicked: as it was asked to
    time    0 packets, all after 0 ms
 5. caller  “number”
    bot     “Your number?”
    control gathers up to 4 digits, within 5s
    time    1 packet, first after 0 ms, all after 0 ms
 6. caller  “bye”
    bot     “Goodbye.”
    control hangs up after 2s: done
    time    1 packet, first after 0 ms, all after 0 ms

WRONG: step 6: the bot does not say "welcome"
"#,
        call.key()
    );
    assert_eq!(text, expected);
    assert_eq!(
        format!("{text}"),
        format!("{call}\nWRONG: step 6: the bot does not say \"welcome\"\n")
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_impossible_now_says_why() {
    let mut call = on(Platform::Odfs);
    let text = wrong_in(call.transferred()).await;
    assert!(text.contains("step 2: the IVR can't do this now: it expects Input"), "{text}");
    let mut call = on(Platform::Odfs);
    call.say("bye").await;
    let text = wrong_in(call.say("Hm")).await;
    assert!(text.contains("step 3: the IVR can't do this now: it expects HangUp"), "{text}");
    let text = wrong_in(on(Platform::DigitalEmployee).repeat()).await;
    assert!(text.contains("no request to repeat"), "{text}");
    let text = wrong_in(on(Platform::DigitalEmployee).barge_in(None)).await;
    assert!(text.contains("no reply to barge in on"), "{text}");
    let text = wrong_in(async { on(Platform::Duix).memory().await }).await;
    assert!(text.ends_with("WRONG: the call is not in the store\n"), "{text}");
    let mut call = on(Platform::DigitalEmployee);
    let mut turn = call.start("a story").await;
    let text = wrong_in(turn.until_speech("a queen")).await;
    assert!(text.contains("step 2: the reply ended before the bot said \"a queen\""), "{text}");
}

/// Sets its memory in `begin`, and fails on request.
struct Forgetful;

impl Bot for Forgetful {
    type Memory = u32;

    async fn begin(&self, call: &mut Call<u32>, _: &mut Reply) -> Result {
        call.memory = 7;
        sleep(STEP).await;
        Ok(())
    }

    async fn turn(&self, _: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
        if input == Input::Speech("fail".into()) {
            return Err(std::io::Error::other("as it was asked to").into());
        }
        reply.say("Hm.").await
    }
}

#[tokio::test(start_paused = true)]
async fn memory_set_in_begin_survives_a_failed_turn() {
    for platform in Platform::ALL {
        let budget = platform.budget().with_begin(None);
        let host = Host::builder(Forgetful).budget(platform, budget).build();
        let mut call = TestCall::on(platform, host);
        call.say("fail").await;
        assert_eq!(call.memory().await, 7, "{call}");
        call.say("Hm").await.expect_text("Hm.").expect_end();
        assert_eq!(call.memory().await, 7, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_begin_runs_again() {
    for platform in [Platform::Duix, Platform::DuixStream] {
        let mut call = TestCall::on(platform, Forgetful);
        let turn = call.start("Hm").await;
        sleep(STEP / 2).await;
        call.say("Hm").await.expect_text("Hm.").expect_end();
        turn.rest().await;
        assert_eq!(call.memory().await, 7, "{call}");
    }
}
