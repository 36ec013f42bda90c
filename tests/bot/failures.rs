//! A failed test says why: the causes that a platform does not see, and the line of the test.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::Duration;

use callbot::bot::testing::{Answer, TestCall};
use callbot::bot::{
    Bot, Call, Cause, Cut, Ended, Host, Input, Limits, Needs, Platform, Reply, Result, TransferKind,
};
use futures_util::FutureExt;
use tokio::time::sleep;

/// An error with a source.
#[derive(Debug)]
struct Broken(std::io::Error);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order was not placed")
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Fails in the way that the caller names.
#[derive(Default)]
struct Faulty {
    begin: Option<&'static str>,
}

async fn fail(how: &str, reply: &mut Reply) -> Result {
    match how {
        "error" => return Err(Broken(std::io::Error::other("the disk is full")).into()),
        "panic" => panic!("the total of {} is negative", "order 7"),
        "slow" => sleep(Duration::from_secs(60)).await,
        "never ends" => {
            reply.say("Once ").await?;
            sleep(Duration::from_secs(60)).await;
        }
        _ => reply.say("Hm.").await?,
    }
    Ok(())
}

impl Bot for Faulty {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        match self.begin {
            Some(how) => fail(how, reply).await,
            None => Ok(()),
        }
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        let Input::Speech(how) = input else { return Ok(()) };
        fail(&how, reply).await
    }

    async fn interrupted(&self, _: &mut Call<()>, cut: &Cut) -> Result {
        if cut.cause == Cause::BargeIn { Err("the cut was not noted".into()) } else { Ok(()) }
    }

    async fn ended(&self, _: &mut Call<()>, _: Ended) -> Result {
        panic!("the end was not noted")
    }
}

/// Runs `check`, which fails, and returns its message and the line at which it panics.
async fn failure(check: impl Future) -> (String, u32) {
    static HOOK: Once = Once::new();
    thread_local! {
        static LINE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
    }
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let at = info.location().map(|at| (at.file().to_owned(), at.line()));
            LINE.with(|line| *line.borrow_mut() = at);
            before(info);
        }));
    });
    let panic = AssertUnwindSafe(check).catch_unwind().await.err().expect("it held");
    let (file, line) = LINE.with(|line| line.borrow_mut().take()).unwrap();
    assert_eq!(file, file!());
    (*panic.downcast::<String>().unwrap(), line)
}

#[tokio::test(start_paused = true)]
async fn a_failed_turn_has_its_cause_on_every_platform() {
    let missed = |platform| match platform {
        Platform::DigitalEmployee => {
            "nothing was said within 550ms (`Budget::first_packet` for digital-employee is 600ms"
        }
        Platform::Odfs => {
            "the reply was not complete within 29.5s (`Budget::whole` for odfs is 30s"
        }
        Platform::DuixStream => {
            "the reply was not complete within 19.5s (`Budget::whole` for duix-stream is 20s"
        }
        Platform::AiCall => "nothing was said within 7.5s (`Budget::first_packet` for aicall is 8s",
        Platform::Chat => "nothing was said within 7.5s (`Budget::first_packet` for chat is 8s",
        _ => "the reply was not complete within 19.5s (`Budget::whole` for duix is 20s",
    };
    for platform in Platform::ALL {
        for (how, cause) in [
            ("error", "the order was not placed: the disk is full"),
            ("panic", "the bot panicked: the total of order 7 is negative"),
            ("slow", missed(platform)),
        ] {
            let mut call = TestCall::on(platform, Faulty::default());
            let answer = call.say(how).await;
            answer.expect_cause(cause);
            assert_eq!(answer.causes().len(), 1, "{answer}");
            let failure = answer.failure().unwrap_or_default();
            assert!(!failure.contains(cause), "the platform sees the cause: {failure}");
            let (message, _) = failure_of(|| answer.expect_speech("Welcome")).await;
            assert!(message.contains(&format!("\n    cause   {cause}")), "{platform}: {message}");
            if platform != Platform::DuixStream {
                let (message, _) = failure_of(|| answer.expect_end()).await;
                assert!(message.contains(&format!("\ncause: {cause}")), "{platform}: {message}");
            }
            let fine = call.say("fine").await;
            assert!(fine.expect_end().causes().is_empty(), "{fine}");
        }
    }
}

async fn failure_of<T>(check: impl FnOnce() -> T) -> (String, u32) {
    failure(async { check() }).await
}

#[tokio::test(start_paused = true)]
async fn the_cause_of_a_missed_limit_says_what_to_set() {
    for (platform, how, cause) in [
        (Platform::DigitalEmployee, "slow", "set `HostBuilder::filler`"),
        (Platform::Duix, "slow", "another limit with `HostBuilder::budget`"),
        (Platform::DuixStream, "never ends", "the reply was not complete within 19.5s"),
        (Platform::Odfs, "never ends", "the reply was not complete within 29.5s"),
    ] {
        TestCall::on(platform, Faulty::default()).say(how).await.expect_cause(cause);
    }
    for how in ["slow", "never ends"] {
        let bot = Faulty { begin: Some(how) };
        let mut call = TestCall::on(Platform::DigitalEmployee, bot);
        let cause = "the greeting was not complete within 150ms (`Budget::begin` for digital-employee is 200ms";
        call.begin().await.expect_cause(cause);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_beside_the_turn_are_causes_too() {
    // The greeting before a turn, which succeeds.
    for platform in [Platform::Duix, Platform::DuixStream] {
        for (how, cause) in [("error", "the disk is full"), ("panic", "order 7 is negative")] {
            let mut call = TestCall::on(platform, Faulty { begin: Some(how) });
            let answer = call.say("fine").await;
            answer.expect_text("Hm.").expect_end().expect_cause("the greeting of a call failed");
            answer.expect_cause(cause);
        }
    }
    let mut call = TestCall::on(Platform::DigitalEmployee, Faulty::default());
    call.say("fine").await.expect_text("Hm.");
    call.barge_in("Hm").await.expect_end().expect_cause("the cut was not noted");
    call.end().await.expect_end().expect_cause("the bot panicked: the end was not noted");
    // A cut while the turn runs.
    let mut call = TestCall::on(Platform::DigitalEmployee, Faulty::default());
    let mut turn = call.start("never ends").await;
    turn.until_speech("once").await;
    turn.barge_in("Once").await.expect_end().expect_cause("the cut was not noted");
    // An end that takes too long.
    struct Endless;
    impl Bot for Endless {
        type Memory = ();
        async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
            reply.say("Hm.").await
        }
        async fn ended(&self, _: &mut Call<()>, _: Ended) -> Result {
            std::future::pending().await
        }
    }
    let limits = Limits::default().with_end_timeout(Duration::from_secs(3));
    let host = Host::builder(Endless).limits(limits).build();
    let mut call = TestCall::on(Platform::Odfs, host);
    call.say("fine").await;
    call.end().await.expect_cause("the bot took longer than 3s (`Limits::end_timeout`)");
}

#[tokio::test(start_paused = true)]
async fn turns_that_run_together_have_causes_of_their_own() {
    let host = Host::new(Faulty::default());
    let mut first = TestCall::on(Platform::DigitalEmployee, host.clone());
    let mut second = TestCall::on(Platform::DigitalEmployee, host);
    let slow = first.start("slow").await;
    second.say("error").await.expect_cause("the disk is full");
    let slow = slow.rest().await;
    slow.expect_cause("nothing was said within 550ms");
    assert_eq!(slow.causes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_expectation_panics_at_the_line_of_the_test() {
    let mut call = TestCall::on(Platform::Odfs, Faulty::default());
    let answer = call.say("error").await;
    let expectations: [fn(&Answer) -> &Answer; 3] = [
        |answer| answer.expect_end(),
        |answer| answer.expect_speech("Hm"),
        |answer| answer.expect_cause("the disk is empty"),
    ];
    for expectation in expectations {
        let (_, line) = failure_of(|| expectation(&answer)).await;
        assert!((line!() - 7..line!() - 2).contains(&line), "{line}");
    }
    let (message, _) = failure_of(|| answer.expect_cause("the disk is empty")).await;
    let expected = "the bot failed: the order was not placed: the disk is full; expected the cause \
                    \"the disk is empty\"\n";
    assert!(message.ends_with(expected), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_impossible_step_panics_at_the_line_of_the_test() {
    let mut call = TestCall::on(Platform::Odfs, Faulty::default());
    let (_, line) = failure(async { call.transferred().await }).await;
    assert_eq!(line, line!() - 1);
    let mut call = TestCall::on(Platform::DigitalEmployee, Faulty::default());
    let (_, line) = failure(call_of_a_helper(&mut call)).await;
    assert_eq!(line, HELPER + 2);
    let (_, line) = failure(async { call.memory().await }).await;
    assert_eq!(line, line!() - 1);
    let (_, line) = failure(async { call.history().await }).await;
    assert_eq!(line, line!() - 1);
    let (_, line) = failure(async { call.barge_in(None).await }).await;
    assert_eq!(line, line!() - 1);
    let turn = call.start("fine").await;
    let (_, line) = failure(async {
        let mut turn = turn;
        turn.until_speech("a king").await;
    })
    .await;
    assert_eq!(line, line!() - 3);
    struct Picky;
    impl Bot for Picky {
        type Memory = ();
        fn needs(&self) -> Needs {
            Needs::NONE.heard().transfer(TransferKind::Flow)
        }
        async fn turn(&self, _: &mut Call<()>, _: Input, _: &mut Reply) -> Result {
            Ok(())
        }
    }
    let (_, line) = failure(async { TestCall::everywhere(|| Picky, async |_| {}).await }).await;
    assert_eq!(line, line!() - 1);
    let (_, line) = failure_of(|| TestCall::on(Platform::Duix, Picky)).await;
    assert_eq!(line, line!() - 1);
}

const HELPER: u32 = line!();
async fn call_of_a_helper(call: &mut TestCall<Faulty>) -> Answer {
    call.repeat().await
}

#[tokio::test(start_paused = true)]
async fn a_step_within_a_timeout_names_the_line_of_the_test() {
    let call = TestCall::on(Platform::Duix, Faulty::default());
    let step = tokio::time::timeout(Duration::from_secs(1), call.memory());
    let line = line!() - 1;
    let panic = AssertUnwindSafe(step).catch_unwind().await.expect_err("it held");
    let message = *panic.downcast::<String>().unwrap();
    assert!(message.contains(&format!("\nat {}:{line}:", file!())), "{message}");
}
