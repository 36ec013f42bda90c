//! Models that are slow or fail, fallbacks, and the apology.

use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{Budget, Host, HostBuilder, Platform};
use callbot::llm::testing::{Script, ScriptedModel};
use callbot::llm::{Assistant, Model};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const SORRY: &str = "I'm sorry, something went wrong. Please say that again.";

fn model(model: &ScriptedModel) -> Model {
    Model::new(model.client(), "large")
        .first_deadline(SECOND)
        .stall_deadline(2 * SECOND)
        .whole_deadline(10 * SECOND)
}

fn host(assistant: Assistant) -> HostBuilder<Assistant> {
    // A filler would be the first packet.
    Host::builder(assistant).apology(SORRY)
}

#[tokio::test(start_paused = true)]
async fn each_deadline_ends_in_the_apology_and_says_which_it_was() {
    let slow = || Script::new().say_slowly(&"and so on, ".repeat(50), 100 * MS);
    for (script, took, cause) in [
        (Script::new().stall(), 1000, "the model has not begun to answer within 1s"),
        (Script::new().think("Hm.").stall(), 1000, "the model has not begun to answer within 1s"),
        (Script::new().say("One. ").stall(), 2000, "the model has paused for 2s"),
        (slow(), 10_000, "the model has not finished its answer within 10s"),
        (Script::new().say("One. ").cut(), 0, "the stream ended before its last packet"),
        (Script::new(), 0, "the answer of the model has neither text nor tool calls"),
        (Script::new().fail(401, "who are you?"), 0, "who are you?"),
        (Script::new().raw("data: oops\n\n"), 0, "can't be read"),
    ] {
        let scripted = ScriptedModel::new([script]);
        let host = host(Assistant::new(model(&scripted))).build();
        let mut call = TestCall::on(Platform::AiCall, host);
        let answer = call.say("Hello?").await;
        answer.expect_speech(SORRY).expect_end().expect_cause(cause);
        let took = Duration::from_millis(took);
        assert!((took..took + 600 * MS).contains(&answer.took()), "{cause}: {:?}", answer.took());
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_if_nothing_was_said() {
    for script in [
        Script::new().stall(),
        // A sentence that does not end is not said.
        Script::new().say("It is ").stall(),
        Script::new().say("It is ").cut(),
        Script::new().fail(429, "too many requests"),
        Script::new().raw("data: oops\n\n"),
        Script::new(),
    ] {
        for platform in [Platform::AiCall, Platform::Odfs, Platform::DuixStream] {
            let first = ScriptedModel::new([script.clone(), "Back again.".into()]);
            let second = ScriptedModel::new(["I am the other one."]);
            // After 1 s the start of a sentence is spoken, too.
            let first = model(&first).stall_deadline(800 * MS);
            let assistant = Assistant::new(first).fallback(model(&second));
            let mut call = TestCall::on(platform, host(assistant).build());
            call.say("Hello?").await.expect_text("I am the other one.").expect_end();
            call.say("Hello?").await.expect_text("Back again.").expect_end();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_fallback_answers_once_something_was_said() {
    let first = ScriptedModel::new([Script::new().say("It is ten. ").say("And it ").stall()]);
    let second = ScriptedModel::new(["I am the other one."]);
    let assistant = Assistant::new(model(&first)).fallback(model(&second));
    let mut call = TestCall::on(Platform::AiCall, host(assistant).build());
    let answer = call.say("Hello?").await;
    answer.expect_speech("It is ten.").expect_speech(SORRY).expect_end();
    assert!(second.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_platform_without_a_stream_gets_the_answer_of_the_fallback_alone() {
    let first = ScriptedModel::new([Script::new().say("It is ten. ").say("And it ").cut()]);
    let second = ScriptedModel::new(["I am the other one."]);
    let assistant = Assistant::new(model(&first)).fallback(model(&second));
    let mut call = TestCall::on(Platform::Odfs, host(assistant).build());
    call.say("Hello?").await.expect_text("I am the other one.").expect_end();
}

#[tokio::test(start_paused = true)]
async fn the_last_fallback_ends_in_the_apology() {
    let broken = || ScriptedModel::answering(|_| Script::new().fail(503, "no room"));
    let models = [broken(), broken(), broken()];
    let [first, second, third] = &models;
    let assistant = Assistant::new(model(first)).fallback(model(second)).fallback(model(third));
    let mut call = TestCall::on(Platform::Odfs, host(assistant).build());
    call.say("Hello?").await.expect_text(SORRY).expect_cause("no room");
    assert_eq!(models.map(|model| model.requests().len()), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_gets_half_of_the_time_for_the_first_packet() {
    let first = ScriptedModel::new([Script::new().stall()]);
    let second = ScriptedModel::new([Script::new().pause(200 * MS).say("I am the other one.")]);
    let assistant = Assistant::new(model(&first)).fallback(model(&second));
    let mut call = TestCall::on(Platform::DigitalEmployee, host(assistant).build());
    let answer = call.say("Hello?").await;
    answer.expect_text("I am the other one.").expect_within(480 * MS).expect_end();
}

#[tokio::test(start_paused = true)]
async fn a_filler_gives_the_model_its_own_time() {
    let first = ScriptedModel::new([Script::new().pause(900 * MS).say("Here I am.")]);
    let second = ScriptedModel::new(["I am the other one."]);
    let assistant = Assistant::new(model(&first)).fallback(model(&second));
    let host = host(assistant).filler("Hm. ").build();
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    call.say("Hello?").await.expect_text("Hm. Here I am.").expect_within(390 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_platform_without_a_stream_hears_of_a_slow_model_in_time() {
    let scripted =
        ScriptedModel::new([Script::new().say_slowly(&"and so on, ".repeat(99), SECOND)]);
    let assistant = Assistant::new(Model::new(scripted.client(), "large"));
    let budget = Budget::DUIX.with_whole(Some(10 * SECOND));
    let host = host(assistant).budget(Platform::Duix, budget).build();
    let mut call = TestCall::on(Platform::Duix, host);
    let answer = call.say("Hello?").await;
    answer.expect_text(SORRY).expect_cause("the model has not finished its answer within");
    assert!(answer.took() < 9 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_model_may_pause_while_the_answer_is_spoken() {
    let script =
        Script::new().say("One. ").pause(1500 * MS).say("Two. ").pause(1500 * MS).say("Three.");
    let scripted = ScriptedModel::new([script]);
    let mut call = TestCall::on(Platform::AiCall, host(Assistant::new(model(&scripted))).build());
    call.say("Count!").await.expect_text("One. Two. Three.").expect_end();
}

#[tokio::test(start_paused = true)]
async fn a_model_that_refuses_says_why() {
    let refusal =
        r#"data: {"choices":[{"index":0,"delta":{"refusal":"I can't help with that."}}]}"#;
    let script = Script::new().raw(format!("{refusal}\n\n"));
    for platform in [Platform::Odfs, Platform::AiCall] {
        let scripted = ScriptedModel::new([script.clone()]);
        let assistant = Assistant::new(model(&scripted));
        let mut call = TestCall::on(platform, host(assistant).build());
        call.say("Hello?").await.expect_text("I can't help with that.").expect_end();
    }
}
