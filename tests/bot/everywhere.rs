//! One bot on every platform: the outcome of the same scenario on each, what each platform lacks, and
//! that the capabilities equal the observed behaviour.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::bots::*;
use crate::support::errors::typed;
use callbot::bot::testing::{Answer, TestCall};
use callbot::bot::{
    Bot, Call, Capabilities, ControlKind, Dropped, Emotion, Ended, Gather, GatherLimits, HangUp,
    Heard, Host, HostBuilder, Input, Needs, Notice, OdfsSettings, Platform, Reply, ReplyError,
    Result, SpeechSettings, SpeechSupport, Synthesis, Transfer, TransferKind, TransferKinds,
    TransferOutcome,
};
use callbot::duix::dialogue;
use callbot::odfs::Language;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use Platform::{AiCall, Chat, DigitalEmployee, Duix, DuixStream, Odfs};
use TransferKind::{Agent, Flow, Number, Queue, QueueCode};

pub(super) const KINDS: [TransferKind; 5] = [Queue, QueueCode, Agent, Number, Flow];

/// The clerk of a small bank. Its memory has the results of its calls to `Reply`.
#[derive(Debug, Clone, Default)]
pub(super) struct Clerk {
    needs: Needs,
    notices: Arc<Mutex<Vec<Notice>>>,
    ended: Arc<Mutex<Vec<Ended>>>,
}

impl Clerk {
    pub(super) fn needing(needs: Needs) -> Self {
        Self { needs, ..Self::default() }
    }
}

impl Bot for Clerk {
    type Memory = Vec<String>;

    fn needs(&self) -> Needs {
        self.needs
    }

    async fn begin(&self, _: &mut Call<Vec<String>>, reply: &mut Reply) -> Result {
        reply.say("Welcome to the bank.").await
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        let words = match input {
            Input::Speech(words) => words,
            Input::Dtmf(keys) => return reply.say(format!("You pressed {keys}.")).await,
            Input::Silence => return reply.say("Are you there?").await,
            Input::Transferred(TransferOutcome::Done) => return Ok(()),
            Input::Transferred(_) => return reply.say("Nobody is there.").await,
            _ => return reply.say("Pardon?").await,
        };
        let mut told = |put| call.memory.push(format!("{:?}", typed::<(), ReplyError>(put)));
        match words.as_str() {
            "when do you open?" => {
                for piece in ["We open ", "at nine ", "every day."] {
                    sleep(100 * MS).await;
                    reply.say(piece).await?;
                }
            }
            "a story" => {
                for piece in ["Once upon a time ", "there was a king ", "who had no money."] {
                    reply.say(piece).await?;
                    sleep(300 * MS).await;
                }
            }
            "PIN" => {
                reply.say("Your PIN?").await?;
                told(reply.gather(Gather::up_to(4)).await);
            }
            "agent" => {
                reply.say("One moment.").await?;
                told(reply.transfer(Transfer::to_queue("vip")).await);
            }
            "bye" => {
                reply.say("Goodbye.").await?;
                told(reply.hang_up(HangUp::new()).await);
            }
            "quiet" => {
                reply.say("Listen!").await?;
                told(reply.speech_settings(SpeechSettings::new().with_barge_in(false)).await);
            }
            "bell" => {
                reply.say("Ding.").await?;
                told(
                    reply
                        .speech_settings(
                            SpeechSettings::new().with_synthesis(Synthesis::new("bell")),
                        )
                        .await,
                );
            }
            "picture" => {
                reply.say("Look!").await?;
                told(reply.native(dialogue::Answer::text("").with_intent("look")).await);
            }
            "keys, then bye" => {
                told(reply.gather(Gather::up_to(4)).await);
                reply.say("Goodbye.").await?;
                reply.hang_up(HangUp::new().with_reason("done")).await?;
            }
            "bye, quietly" => reply.hang_up(HangUp::new()).await?,
            "agent, quietly" => reply.transfer(Transfer::to_queue("vip")).await?,
            "crash" => {
                call.memory.push("half done".into());
                panic!("as it was asked to");
            }
            "slow" => {
                call.memory.push("half done".into());
                sleep(Duration::from_secs(60)).await;
            }
            "think" => {
                sleep(Duration::from_secs(15)).await;
                reply.say("It is 7.").await?;
            }
            words => reply.say(format!("You said: {words}")).await?,
        }
        Ok(())
    }

    async fn ended(&self, _: &mut Call<Vec<String>>, why: Ended) -> Result {
        self.ended.lock().unwrap().push(why);
        Ok(())
    }

    fn notice(&self, notice: &Notice) {
        self.notices.lock().unwrap().push(notice.clone());
    }
}

/// A scenario: what the caller does, and the outcome on each platform.
struct Scenario {
    name: &'static str,
    filler: Option<&'static str>,
    plays: for<'a> fn(&'a mut TestCall<Clerk>) -> LocalBoxFuture<'a, Answer>,
    cells: [(Platform, Cell); 6],
}

/// The outcome of a scenario on one platform.
enum Cell {
    /// Only this text. Text, number of packets, milliseconds to the first packet.
    Says(&'static str, usize, u64),
    /// This text and a control. Text, number of packets, control.
    And(&'static str, usize, Extra),
    /// Only this text: the bot got an error because the platform lacks the control.
    Without(&'static str, ControlKind),
    /// The failure answer of the platform, after this many milliseconds.
    Fails(u64),
    /// A reply that just ends after this many milliseconds: it can't report that it failed.
    Breaks(u64),
    /// The platform lacks the event, for this reason.
    Lacks(&'static str),
}

enum Extra {
    Gathers(u8),
    TransfersTo(&'static str),
    HangsUp,
}

use Cell::{And, Breaks, Fails, Lacks, Says, Without};
use Extra::{Gathers, HangsUp, TransfersTo};

const STORY: &str = "Once upon a time there was a king ";
const QUEUE: ControlKind = ControlKind::Transfer(TransferKind::Queue);

const TABLE: &[Scenario] = &[
    Scenario {
        name: "greet",
        filler: None,
        plays: |call| call.begin().boxed_local(),
        cells: [
            (DigitalEmployee, Says("Welcome to the bank.", 1, 0)),
            (Duix, Lacks("duix does not report the start of a call")),
            (DuixStream, Lacks("duix-stream does not report the start of a call")),
            (Odfs, Says("Welcome to the bank.", 1, 0)),
            (AiCall, Lacks("aicall does not report the start of a call")),
            (Chat, Lacks("chat does not report the start of a call")),
        ],
    },
    Scenario {
        name: "ask",
        filler: None,
        plays: |call| call.say("when do you open?").boxed_local(),
        cells: [
            (DigitalEmployee, Says("We open at nine every day.", 3, 100)),
            (Duix, Says("We open at nine every day.", 1, 300)),
            (DuixStream, Says("We open at nine every day.", 3, 100)),
            (Odfs, Says("We open at nine every day.", 1, 300)),
            (AiCall, Says("We open at nine every day.", 3, 100)),
            (Chat, Says("We open at nine every day.", 3, 100)),
        ],
    },
    Scenario {
        name: "keys",
        filler: None,
        plays: |call| call.say("PIN").boxed_local(),
        cells: [
            (DigitalEmployee, And("Your PIN?", 1, Gathers(4))),
            (Duix, Without("Your PIN?", ControlKind::Gather)),
            (DuixStream, Without("Your PIN?", ControlKind::Gather)),
            (Odfs, And("Your PIN?", 1, Gathers(4))),
            (AiCall, Without("Your PIN?", ControlKind::Gather)),
            (Chat, Without("Your PIN?", ControlKind::Gather)),
        ],
    },
    Scenario {
        name: "silence",
        filler: None,
        plays: |call| call.silence().boxed_local(),
        cells: [
            (DigitalEmployee, Says("Are you there?", 1, 0)),
            (Duix, Lacks("duix does not report silence")),
            (DuixStream, Lacks("duix-stream does not report silence")),
            (Odfs, Says("Are you there?", 1, 0)),
            (AiCall, Lacks("aicall does not report silence")),
            (Chat, Lacks("chat does not report silence")),
        ],
    },
    Scenario {
        name: "a story to barge into",
        filler: None,
        plays: |call| {
            async {
                let streams = call.can().streams;
                let mut turn = call.start("a story").await;
                if streams {
                    turn.until_speech("a king").await;
                }
                turn.barge_in("Once upon").await
            }
            .boxed_local()
        },
        cells: [
            (DigitalEmployee, Says(STORY, 2, 0)),
            (Duix, Lacks("duix does not report barge-in")),
            (DuixStream, Lacks("duix-stream does not report barge-in")),
            (Odfs, Lacks("odfs does not report barge-in")),
            (AiCall, Lacks("aicall does not report barge-in")),
            (Chat, Lacks("chat does not report barge-in")),
        ],
    },
    Scenario {
        name: "transfer",
        filler: None,
        plays: |call| call.say("agent").boxed_local(),
        cells: [
            (DigitalEmployee, And("One moment.", 1, TransfersTo("vip"))),
            (Duix, Without("One moment.", QUEUE)),
            (DuixStream, Without("One moment.", QUEUE)),
            (Odfs, And("One moment.", 2, TransfersTo("vip"))),
            (AiCall, Without("One moment.", QUEUE)),
            (Chat, Without("One moment.", QUEUE)),
        ],
    },
    Scenario {
        name: "bye",
        filler: None,
        plays: |call| call.say("bye").boxed_local(),
        cells: [
            (DigitalEmployee, And("Goodbye.", 1, HangsUp)),
            (Duix, Without("Goodbye.", ControlKind::HangUp)),
            (DuixStream, Without("Goodbye.", ControlKind::HangUp)),
            (Odfs, And("Goodbye.", 2, HangsUp)),
            (AiCall, And("Goodbye.", 2, HangsUp)),
            (Chat, Without("Goodbye.", ControlKind::HangUp)),
        ],
    },
    Scenario {
        name: "crash",
        filler: None,
        plays: |call| call.say("crash").boxed_local(),
        cells: [
            (DigitalEmployee, Fails(0)),
            (Duix, Fails(0)),
            (DuixStream, Breaks(0)),
            (Odfs, Fails(0)),
            (AiCall, Fails(0)),
            (Chat, Fails(0)),
        ],
    },
    Scenario {
        name: "slow",
        filler: None,
        plays: |call| call.say("slow").boxed_local(),
        cells: [
            (DigitalEmployee, Fails(550)),
            (Duix, Fails(19_500)),
            (DuixStream, Breaks(19_500)),
            (Odfs, Fails(29_500)),
            (AiCall, Fails(7500)),
            (Chat, Fails(7500)),
        ],
    },
    Scenario {
        name: "slow, with a filler",
        filler: Some("Let me see. "),
        plays: |call| call.say("think").boxed_local(),
        cells: [
            (DigitalEmployee, Says("Let me see. It is 7.", 2, 385)),
            (Duix, Says("It is 7.", 1, 15_000)),
            (DuixStream, Says("Let me see. It is 7.", 2, 13_650)),
            (Odfs, Says("It is 7.", 1, 15_000)),
            (AiCall, Says("Let me see. It is 7.", 2, 1875)),
            (Chat, Says("Let me see. It is 7.", 2, 1875)),
        ],
    },
];

/// Checks a time to 2 ms: timers tick once per millisecond.
#[track_caller]
fn is_about(time: Duration, ms: u64, what: &str) {
    let expected = Duration::from_millis(ms);
    assert!((expected..=expected + 2 * MS).contains(&time), "{what}: {time:?}");
}

fn host(clerk: &Clerk, scenario: &Scenario) -> HostBuilder<Clerk> {
    let host = Host::builder(clerk.clone());
    match scenario.filler {
        Some(words) => host.filler(words),
        None => host,
    }
}

#[test]
fn each_scenario_has_a_cell_for_each_platform() {
    for Scenario { name, cells, .. } in TABLE {
        let platforms = cells.each_ref().map(|(platform, _)| *platform);
        assert_eq!(platforms, Platform::ALL, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_scenario_has_its_outcome_on_each_platform() {
    for scenario in TABLE {
        for (platform, cell) in &scenario.cells {
            let clerk = Clerk::default();
            let mut call = TestCall::on(*platform, host(&clerk, scenario).build());
            let answer = (scenario.plays)(&mut call).await;
            let place = format!("{} on {platform}\n{call}", scenario.name);
            check(&call, &answer, cell, &place).await;
            // On a platform that never asks for a greeting, the first turn drops it.
            let spoke = !matches!(cell, Lacks(_)) || scenario.name.starts_with("a story");
            let greeting = greeting_lost(*platform).filter(|_| spoke);
            assert_eq!(dropped(&clerk), Vec::from_iter(greeting), "{place}");
        }
    }
}

fn greeting_lost(platform: Platform) -> Option<Dropped> {
    (!platform.capabilities().greets).then_some(Dropped::Greeting)
}

fn dropped(clerk: &Clerk) -> Vec<Dropped> {
    clerk.notices.lock().unwrap().iter().map(|notice| notice.what).collect()
}

async fn check(call: &TestCall<Clerk>, answer: &Answer, cell: &Cell, place: &str) {
    let memory = match call.host().snapshot(call.key()).await.unwrap() {
        Some(seen) => seen.memory,
        None => Vec::new(),
    };
    match cell {
        Says(text, packets, first) => {
            answer.expect_text(text).expect_no_controls().expect_end();
            assert_eq!(answer.packets(), *packets, "{place}");
            is_about(answer.first_packet().unwrap(), *first, place);
            assert!(memory.is_empty(), "{place}");
        }
        And(text, packets, extra) => {
            answer.expect_text(text).expect_end();
            assert_eq!(answer.packets(), *packets, "{place}");
            match extra {
                Gathers(digits) => drop(answer.expect_gather(*digits)),
                TransfersTo(queue) => drop(answer.expect_transfer(TransferKind::Queue, queue)),
                HangsUp => drop(answer.expect_hang_up()),
            }
            assert_eq!(memory, ["Ok(())"], "{place}");
        }
        Without(text, control) => {
            answer.expect_text(text).expect_no_controls().expect_end();
            let told: Result<(), _> = Err(ReplyError::Unsupported(*control, call.platform()));
            assert_eq!(memory, [format!("{told:?}")], "{place}");
        }
        Fails(after) => {
            answer.expect_no_speech().expect_no_controls().expect_failure();
            is_about(answer.took(), *after, place);
            assert!(memory.is_empty(), "{place}");
        }
        Breaks(after) => {
            answer.expect_no_speech().expect_no_controls().expect_end();
            is_about(answer.took(), *after, place);
            assert!(memory.is_empty(), "{place}");
        }
        Lacks(reason) => assert_eq!(answer.unsupported(), Some(*reason), "{place}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_continues_after_each_failure() {
    for scenario in TABLE.iter().filter(|row| ["crash", "slow"].contains(&row.name)) {
        for platform in Platform::ALL {
            let mut call = TestCall::on(platform, Clerk::default());
            (scenario.plays)(&mut call).await;
            call.say("Hm").await.expect_text("You said: Hm").expect_end();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_cut_only_where_the_platform_reports_barge_in() {
    let story = TABLE.iter().find(|row| row.name == "a story to barge into").unwrap();
    for platform in Platform::ALL {
        let mut call = TestCall::on(platform, Clerk::default());
        (story.plays)(&mut call).await;
        let last = call.history().await.last().unwrap().clone();
        match platform {
            DigitalEmployee => assert!(last.heard == Some(Heard::UpTo("Once upon".into()))),
            _ => {
                assert_eq!((&*last.said, last.heard), (&*format!("{STORY}who had no money."), None))
            }
        }
    }
}

/// Utterance, reply, its control, and the platforms that lack the control.
const LOSSY: [(&str, &str, ControlKind, &[Platform]); 6] = [
    ("PIN", "Your PIN?", ControlKind::Gather, &[Duix, DuixStream, AiCall, Chat]),
    ("agent", "One moment.", QUEUE, &[Duix, DuixStream, AiCall, Chat]),
    ("bye", "Goodbye.", ControlKind::HangUp, &[Duix, DuixStream, Chat]),
    ("quiet", "Listen!", ControlKind::SpeechSettings, &[Duix, DuixStream, AiCall, Chat]),
    ("bell", "Ding.", ControlKind::SpeechSettings, &[Duix, DuixStream, Odfs, AiCall, Chat]),
    ("picture", "Look!", ControlKind::Native, &[DigitalEmployee, DuixStream, Odfs, AiCall, Chat]),
];

#[tokio::test(start_paused = true)]
async fn a_lossy_control_is_a_notice_and_not_an_error() {
    for (words, text, control, lacking) in LOSSY {
        for platform in Platform::ALL {
            let lacks = lacking.contains(&platform);
            for lossy in [false, true] {
                let clerk = Clerk::default();
                let host = Host::builder(clerk.clone());
                let host = if lossy { host.lossy(control) } else { host };
                let mut call = TestCall::on(platform, host.build());
                let answer = call.say(words).await;
                answer.expect_text(text).expect_end();
                let told = match lacks && !lossy {
                    true => Err(ReplyError::Unsupported(control, platform)),
                    false => Ok(()),
                };
                let place = format!("{words} on {platform}, lossy: {lossy}");
                assert_eq!(call.memory().await, [format!("{told:?}")], "{place}");
                let lost = (lacks && lossy).then_some(Dropped::Control(control));
                let expected: Vec<_> = greeting_lost(platform).into_iter().chain(lost).collect();
                assert_eq!(dropped(&clerk), expected, "{place}");
                for notice in clerk.notices.lock().unwrap().iter() {
                    assert_eq!((&notice.call, notice.platform), (call.key(), platform), "{place}");
                }
                if lacks {
                    answer.expect_no_controls();
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lossy_speech_settings_keep_their_supported_part() {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let clerk = Clerk { notices: notices.clone(), ..Clerk::default() };
    let both = SpeechSettings::new().with_barge_in(false).with_synthesis(Synthesis::new("bell"));
    let host = Host::builder(Putting::new(
        move |reply| reply.speech_settings(both.clone()).boxed(),
        clerk,
    ));
    let mut call = TestCall::on(Odfs, host.lossy(ControlKind::SpeechSettings).build());
    let answer = call.say("go").await;
    assert_eq!(answer.speech_settings(), Some(&SpeechSettings::new().with_barge_in(false)));
    assert_eq!(notices.lock().unwrap()[0].what, Dropped::Control(ControlKind::SpeechSettings));
}

#[tokio::test(start_paused = true)]
async fn a_voice_with_a_number_that_is_none_is_out_of_range() {
    let bell = || Synthesis::new("bell");
    for (voice, error) in [
        (bell().with_volume(f64::NAN), "/synthesis/volume: NaN, allowed: a finite number"),
        (bell().with_pitch(f64::INFINITY), "/synthesis/pitch: inf, allowed: a finite number"),
        (bell().with_rate(-f64::INFINITY), "/synthesis/rate: -inf, allowed: a finite number"),
    ] {
        let voice = SpeechSettings::new().with_synthesis(voice);
        for platform in Platform::ALL {
            let voice = voice.clone();
            let told =
                put(platform, move |reply| reply.speech_settings(voice.clone()).boxed()).await;
            let told = told.unwrap_err().to_string();
            if platform.capabilities().speech.synthesis {
                assert_eq!(told, error, "{platform}");
            } else {
                assert!(told.contains("not supported"), "{platform}: {told}");
            }
        }
    }
}

type Put<'a> = Boxed<'a, Result>;

/// Adds one element to each reply, and records the result.
struct Putting {
    put: Box<dyn for<'a> Fn(&'a mut Reply) -> Put<'a> + Send + Sync>,
    told: Arc<Mutex<Option<Result<(), ReplyError>>>>,
    clerk: Clerk,
}

impl Putting {
    fn new(
        put: impl for<'a> Fn(&'a mut Reply) -> Put<'a> + Send + Sync + 'static,
        clerk: Clerk,
    ) -> Self {
        Self { put: Box::new(put), told: Arc::default(), clerk }
    }
}

impl Bot for Putting {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        let told = typed((self.put)(reply).await);
        *self.told.lock().unwrap() = Some(told);
        Ok(())
    }

    fn notice(&self, notice: &Notice) {
        self.clerk.notice(notice);
    }
}

/// Returns the result of adding an element to a reply on a platform.
async fn put(
    platform: Platform,
    put: impl for<'a> Fn(&'a mut Reply) -> Put<'a> + Send + Sync + 'static,
) -> Result<(), ReplyError> {
    let bot = Putting::new(put, Clerk::default());
    let told = bot.told.clone();
    TestCall::on(platform, bot).say("go").await.expect_end();
    let told = told.lock().unwrap().take();
    told.expect("the bot was asked")
}

/// Returns the capabilities that can be observed on a platform.
async fn seen(platform: Platform) -> Capabilities {
    let mut seen = *platform.capabilities();
    let mut call = TestCall::on(platform, Clerk::default());
    seen.greets = call.begin().await.text() == "Welcome to the bank.";
    seen.streams = call.say("when do you open?").await.packets() > 1;

    let voice = async |voice: SpeechSettings| {
        let told = put(platform, move |reply| reply.speech_settings(voice.clone()).boxed()).await;
        !matches!(told, Err(ReplyError::Unsupported(ControlKind::SpeechSettings, on)) if on == platform)
    };
    seen.speech = SpeechSupport::default();
    seen.speech.barge_in = voice(SpeechSettings::new().with_barge_in(true)).await;
    seen.speech.synthesis =
        voice(SpeechSettings::new().with_synthesis(Synthesis::new("bell"))).await;
    seen.speech.emotion = voice(SpeechSettings::new().with_emotion(Emotion::Happy)).await;
    let second = Duration::from_secs(1);
    if voice(SpeechSettings::new().with_silence_timeout(second)).await {
        let allowed = async |seconds: u64| {
            let voice = SpeechSettings::new().with_silence_timeout(Duration::from_secs(seconds));
            put(platform, move |reply| reply.speech_settings(voice.clone()).boxed()).await.is_ok()
        };
        let (least, most) = bounds(4000, allowed).await;
        seen.speech.silence_timeout = Some((Duration::from_secs(least), Duration::from_secs(most)));
    }

    seen.gather = None;
    let gather = async |gather: Gather| {
        put(platform, move |reply| reply.gather(gather.clone()).boxed()).await
    };
    let no_keys = Err(ReplyError::Unsupported(ControlKind::Gather, platform));
    if gather(Gather::up_to(4)).await != no_keys {
        let digits =
            async |digits: u64| gather(Gather::up_to(digits.try_into().unwrap())).await.is_ok();
        let (fewest, most) = bounds(255, digits).await;
        let timeout = async |seconds: u64| {
            gather(Gather::up_to(4).with_timeout(Duration::from_secs(seconds))).await.is_ok()
        };
        let (shortest, longest) = bounds(4000, timeout).await;
        let mut limits: GatherLimits = Capabilities::ODFS.gather.unwrap();
        limits.digits = (fewest.try_into().unwrap(), most.try_into().unwrap());
        limits.timeout = (Duration::from_secs(shortest), Duration::from_secs(longest));
        seen.gather = Some(limits);
    }
    let late = put(platform, |reply| {
        async {
            reply.say("Your PIN?").await?;
            sleep(MS).await;
            reply.gather(Gather::up_to(4)).await
        }
        .boxed()
    });
    seen.late_gather = late.await.is_ok();

    seen.transfer = TransferKinds::NONE;
    for kind in KINDS {
        let told = put(platform, move |reply| reply.transfer(Transfer::new(kind, "7")).boxed());
        match told.await {
            Ok(()) => seen.transfer = seen.transfer.with(kind),
            told => {
                let control = ControlKind::Transfer(kind);
                assert_eq!(told, Err(ReplyError::Unsupported(control, platform)));
            }
        }
    }
    seen.hang_up = put(platform, |reply| reply.hang_up(HangUp::new()).boxed()).await.is_ok();
    let native = put(platform, |reply| reply.native(dialogue::Answer::text("")).boxed());
    seen.native = native.await.is_ok();

    let mut call = TestCall::on(platform, Clerk::default());
    call.say("Hm").await;
    let story = call.start("a story").await;
    let start = Instant::now();
    call.say("Hm").await.expect_text("You said: Hm");
    seen.newest_wins = start.elapsed() < 100 * MS;
    story.rest().await;
    let barged = call.start("a story").await.barge_in("Once upon").await;
    seen.aborts = barged.unsupported().is_none();
    let heard = call.history().await.last().unwrap().heard.clone();
    seen.heard = heard == Some(Heard::UpTo("Once upon".into()));

    let host = Host::builder(Clerk::default()).filler("Let me see. ").build();
    let answer = TestCall::on(platform, host).say("think").await;
    seen.filler = answer.text().starts_with("Let me see. ");
    seen
}

/// Returns the least and the greatest of the tried numbers up to `most` that are allowed.
async fn bounds(most: u64, allowed: impl AsyncFn(u64) -> bool) -> (u64, u64) {
    let numbers = [0, 1, 2, 9, 10, 11, 99, 100, 101, 255, 3600, 3601, 4000];
    let mut found = Vec::new();
    for number in numbers.into_iter().filter(|number| *number <= most) {
        if allowed(number).await {
            found.push(number);
        }
    }
    (*found.first().unwrap(), *found.last().unwrap())
}

#[tokio::test(start_paused = true)]
async fn capabilities_equal_the_observed_behaviour() {
    for platform in Platform::ALL {
        assert_eq!(seen(platform).await, *platform.capabilities(), "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn undocumented_transfers_can_be_allowed() {
    for kind in KINDS {
        let allowed = [TransferKind::Queue, TransferKind::Agent, TransferKind::Number];
        let bot = Putting::new(
            move |reply| {
                let transfer = Transfer::new(kind, "7").with_shown_number("4000");
                reply.transfer(transfer).boxed()
            },
            Clerk::default(),
        );
        let told = bot.told.clone();
        let host = Host::builder(bot).allow_transfer(kind).build();
        let mut call = TestCall::on(DigitalEmployee, host);
        let answer = call.say("go").await;
        let told = told.lock().unwrap().take().unwrap();
        if allowed.contains(&kind) {
            answer.expect_transfer(kind, "7").expect_end();
            let shown = answer.transfer().unwrap().shown_number.as_deref();
            assert_eq!((told, shown), (Ok(()), Some("4000")));
        } else {
            let control = ControlKind::Transfer(kind);
            assert_eq!(told, Err(ReplyError::Unsupported(control, DigitalEmployee)));
        }
    }
    // Digital Employee has no field for data.
    let data = put(DigitalEmployee, |reply| {
        reply.transfer(Transfer::to_queue("vip").with_data("d")).boxed()
    });
    assert!(matches!(data.await, Err(ReplyError::Invalid(_))));
}

// ODFS, in the JSON of the wire.

/// Starts a call in an IVR.
async fn ivr(bot: impl Into<Host<Clerk>>) -> Ivr {
    let host = bot.into();
    let ivr = Ivr::new(host.odfs().unwrap().router(), "c");
    let welcome = ivr.start().await;
    assert_eq!(welcome["outaction"], 9, "{welcome}");
    ivr
}

#[track_caller]
fn is(answer: &Value, outaction: u8, outparams: Value) {
    assert_eq!(answer["outaction"], outaction, "{answer}");
    for (key, value) in outparams.as_object().unwrap() {
        assert_eq!(&answer["outparams"][key], value, "{key} in {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_odfs_text_and_a_closing_control_are_two_answers() {
    // Whether the text was played completely or the input timed out.
    for after in ["playover", "timeout"] {
        for (words, text, outaction) in [("agent", "One moment.", 11), ("bye", "Goodbye.", 10)] {
            let ivr = ivr(Clerk::default()).await;
            let first = ivr.say(words).await;
            is(&first, 9, json!({"model_type": "1000000", "prompt_text": text}));
            assert_eq!(first["outparams"].get("timeout"), None, "{first}");
            let second = ivr.keyword(after).await;
            is(&second, outaction, json!({}));
        }
    }
    // Without text, the control is the only answer.
    let quiet = ivr(Clerk::default()).await;
    is(&quiet.say("bye, quietly").await, 10, json!({}));
    let quiet = ivr(Clerk::default()).await;
    let transfer = quiet.say("agent, quietly").await;
    is(&transfer, 11, json!({"trans_type": "3", "route_value": "vip"}));
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_before_the_second_answer_is_the_callers() {
    for (words, reason, expected) in [
        ("bye", "", Ended::ByCaller),
        ("bye", "2", Ended::ByCaller),
        ("agent", "", Ended::ByCaller),
        ("agent", "1", Ended::Unknown),
    ] {
        let clerk = Clerk::default();
        let ivr = ivr(clerk.clone()).await;
        is(&ivr.say(words).await, 9, json!({"model_type": "1000000"}));
        is(&ivr.hang_up(reason).await, 10, json!({}));
        assert_eq!(*clerk.ended.lock().unwrap(), [expected], "{words} {reason}");
    }
    // After the second answer, the hang-up is the bot's.
    for (words, expected) in [("bye", Ended::ByBot), ("agent", Ended::Transferred)] {
        let clerk = Clerk::default();
        let ivr = ivr(clerk.clone()).await;
        ivr.say(words).await;
        ivr.keyword("playover").await;
        ivr.hang_up("").await;
        assert_eq!(*clerk.ended.lock().unwrap(), [expected], "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_hangs_up_gathers_no_digits() {
    let clerk = Clerk::default();
    let ivr = ivr(clerk.clone()).await;
    is(&ivr.say("keys, then bye").await, 9, json!({"model_type": "1000000"}));
    is(&ivr.keyword("playover").await, 10, json!({}));
    assert_eq!(dropped(&clerk), [Dropped::HangUpReason, Dropped::GatherBeforeClosing]);
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_transfer_reaches_the_bot() {
    let ivr = ivr(Clerk::default()).await;
    ivr.say("agent").await;
    ivr.keyword("playover").await;
    is(&ivr.transferred("1").await, 9, json!({"prompt_text": "Nobody is there."}));
    ivr.say("agent").await;
    ivr.keyword("playover").await;
    is(&ivr.transferred("0").await, 10, json!({}));
}

/// Returns the play template and the timeout that ODFS gets for a reply with these controls.
async fn listens(
    listening: &OdfsSettings,
    voice: Option<&SpeechSettings>,
    gather: Option<&Gather>,
) -> (String, String) {
    let (voice, gather) = (voice.cloned(), gather.cloned());
    let bot = Putting::new(
        move |reply| {
            let (voice, gather) = (voice.clone(), gather.clone());
            async move {
                if let Some(voice) = voice {
                    reply.speech_settings(voice).await?;
                }
                if let Some(gather) = gather {
                    reply.gather(gather).await?;
                }
                reply.say("So?").await
            }
            .boxed()
        },
        Clerk::default(),
    );
    let flow = Host::new(bot).odfs_with(listening.clone()).unwrap();
    let answer = Ivr::new(flow.router(), "c").say("go").await;
    let param = |key: &str| answer["outparams"][key].as_str().unwrap_or("none").to_owned();
    (param("model_type"), param("timeout"))
}

#[tokio::test(start_paused = true)]
async fn odfs_gets_the_play_template_and_timeout_for_each_control() {
    let seconds = Duration::from_secs;
    let usual = OdfsSettings::default();
    let own = OdfsSettings::new(Language::Chinese)
        .with_keys(1)
        .with_timeout(seconds(8))
        .with_gather_timeout(seconds(20));
    let open = SpeechSettings::new().with_barge_in(true);
    let closed = SpeechSettings::new().with_barge_in(false);
    let patient = SpeechSettings::new().with_silence_timeout(seconds(7));
    let both = closed.clone().with_silence_timeout(seconds(7));
    let keys = Gather::up_to(4);
    let three = Gather::up_to(4).with_timeout(seconds(3));
    let speech = Gather::up_to(4).with_speech(true);
    for (listening, voice, gather, model_type, timeout) in [
        (&usual, None, None, "1111201", "5"),
        (&own, None, None, "1110101", "8"),
        (&usual, Some(&open), None, "1111201", "5"),
        (&usual, Some(&closed), None, "1221201", "5"),
        (&own, Some(&patient), None, "1110101", "7"),
        (&usual, Some(&both), None, "1221201", "7"),
        (&usual, None, Some(&keys), "1010401", "10"),
        (&own, None, Some(&keys), "1010401", "20"),
        (&own, None, Some(&three), "1010401", "3"),
        (&usual, None, Some(&speech), "1110401", "10"),
        (&usual, Some(&closed), Some(&speech), "1220401", "10"),
        // The silence timeout does not apply to digits.
        (&usual, Some(&both), Some(&keys), "1020401", "10"),
    ] {
        let expected = (model_type.to_owned(), timeout.to_owned());
        let place = format!("{listening:?} {voice:?} {gather:?}");
        assert_eq!(listens(listening, voice, gather).await, expected, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_carries_its_number_and_data() {
    for (kind, number) in KINDS.into_iter().zip(["3", "1", "4", "5", "2"]) {
        let bot = Putting::new(
            move |reply| {
                let transfer = Transfer::new(kind, "7").with_shown_number("4000");
                reply.transfer(transfer.with_data("from the bot")).boxed()
            },
            Clerk::default(),
        );
        let ivr = Ivr::new(Host::new(bot).odfs().unwrap().router(), "c");
        let expected = json!({
            "trans_type": number, "route_value": "7", "calling_num": "4000",
            "trans_data": "from the bot",
        });
        is(&ivr.say("go").await, 11, expected);
    }
}
