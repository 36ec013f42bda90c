//! The simulator of the platform finds the problems of a bot.
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use callbot::client::InMemoryTransport;
use callbot::digital_employee::simulator::{Expect, Played, ScriptStep, Simulator};
use callbot::digital_employee::{
    AnswerMode, Api, BeginSessionRequest, Client, DialogueRequest, Event, Reply, Server,
    VendorParams,
};
use callbot::server::Error;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::sleep;

fn simulator(router: Router) -> Simulator {
    let client =
        Client::builder("http://bot").transport(InMemoryTransport::new(router)).build().unwrap();
    Simulator::new(client)
}

/// A bot that answers each turn with these packets; `"$id"` is replaced by the ids of the request.
fn scripted(packets: &'static [&'static str]) -> Router {
    let answer = move |body: String| async move {
        let request: Value = serde_json::from_str(&body).unwrap();
        let ids = request["requestId"].as_str().unwrap().to_owned();
        let events: String = packets
            .iter()
            .map(|packet| format!("data:{}\n\n", packet.replace("$id", &ids)))
            .collect();
        ([(CONTENT_TYPE, "text/event-stream")], events).into_response() as Response
    };
    Router::new().route("/proxy/dialogue", post(answer))
}

async fn problems(packets: &'static [&'static str], step: ScriptStep) -> Vec<String> {
    let mut call = simulator(scripted(packets)).play(&[step]).await;
    call.steps.remove(0).problems
}

macro_rules! packet {
    ($data:literal) => {
        concat!(r#"{"requestId":"$id","httpStatusCode":200,"code":"OK","data":{"#, $data, "}}")
    };
}

#[tokio::test]
async fn a_bot_that_keeps_the_rules_has_no_problems() {
    let packets = &[packet!(r#""streamEnd":true,"updatedTime":1,"answer":"Hi""#)];
    assert_eq!(problems(packets, ScriptStep::say("x").expect(Expect::text("hi"))).await, [""; 0]);
}

#[tokio::test]
async fn broken_rules_are_problems() {
    for (packets, problem) in [
        (
            &[
                r#"{"requestId":"r","httpStatusCode":200,"code":"OK","data":{"streamEnd":true,"updatedTime":1}}"#,
            ][..],
            "does not echo the requestId",
        ),
        (&[packet!(r#""streamEnd":true"#)], "no updatedTime"),
        (
            &[
                packet!(r#""streamEnd":false,"updatedTime":2"#),
                packet!(r#""streamEnd":true,"updatedTime":1"#),
            ],
            "updatedTime decreases",
        ),
        (
            &[packet!(r#""streamEnd":true,"updatedTime":1,"sessionId":"s""#)],
            "a different sessionId",
        ),
        (&[packet!(r#""streamEnd":true,"updatedTime":1,"streamId":"s""#)], "a different streamId"),
        (
            &[
                packet!(r#""streamEnd":false,"updatedTime":1"#),
                packet!(
                    r#""streamEnd":true,"updatedTime":1,"controlParamsList":[{"type":"Voice"}]"#
                ),
            ],
            "Voice after the first packet is ignored",
        ),
        (&[packet!(r#""streamEnd":false,"updatedTime":1"#)], "ended before its last packet"),
        (&[r#"{"requestId":"$id","httpStatusCode":500,"code":"Error"}"#], "failure 500 Error"),
        (&[r#"{"requestId":"$id","code":"OK"}"#], "/httpStatusCode: must be there"),
    ] {
        let found = problems(packets, ScriptStep::say("x")).await;
        assert!(found.len() == 1 && found[0].contains(problem), "{problem}: {found:?}");
    }
}

#[tokio::test]
async fn a_missing_expectation_of_a_step_is_a_problem() {
    let packets = &[packet!(
        r#""streamEnd":true,"updatedTime":1,"answer":"Hi","controlParamsList":[{"type":"HangUp"}]"#
    )];
    for (expect, problem) in [
        (Expect::text("bye"), "does not contain \"bye\""),
        (Expect::Packets(2), "expected 2 packets or more, got 1"),
        (Expect::ControlKind("Voice".into()), "does not have a Voice control"),
        (
            Expect::control(callbot::digital_employee::HangUp::new().with_delay(1)),
            "does not have the control",
        ),
        (Expect::NoControls, "expected none"),
        (Expect::Failure(500), "no failure, expected 500"),
    ] {
        let found = problems(packets, ScriptStep::say("x").expect(expect)).await;
        assert!(found.len() == 1 && found[0].contains(problem), "{problem}: {found:?}");
    }
    let failure = &[r#"{"requestId":"$id","httpStatusCode":503,"code":"Busy"}"#];
    assert_eq!(problems(failure, ScriptStep::say("x").expect(Expect::Failure(503))).await, [""; 0]);
    let found = problems(failure, ScriptStep::say("x").expect(Expect::Failure(500))).await;
    assert_eq!(found, ["failure 503, expected 500"]);
}

/// Waits before it answers, repeats what it heard, and ignores aborts.
struct Slow(Duration);

impl Api for Slow {
    async fn begin_session(
        &self,
        begin: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        sleep(self.0).await;
        reply.finish(format!("{:?}", begin.vendor_params.extra)).await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        for _ in 0..20 {
            sleep(self.0).await;
            reply.send(Event::text("and on ")).await?;
        }
        Ok(())
    }
}

async fn play_slow(pause: u64, steps: &[ScriptStep]) -> Played {
    let bot = Server::new(Slow(Duration::from_millis(pause))).answers(AnswerMode::Delta).router();
    let context = VendorParams::new("1", "2").with_extra("vip", "gold");
    simulator(bot).answers(AnswerMode::Delta).context(context).play(steps).await
}

#[tokio::test(start_paused = true)]
async fn exceeding_a_budget_is_a_warning_and_not_a_problem() {
    let call =
        play_slow(601, &[ScriptStep::begin().expect(Expect::text("gold")), ScriptStep::say("x")])
            .await;
    assert!(call.is_ok(), "{call}");
    let warnings: Vec<_> = call.steps.iter().flat_map(|step| &step.warnings).collect();
    assert_eq!(
        warnings,
        ["the answer took 601 ms of 200 ms", "the first packet took 601 ms of 600 ms"]
    );
    assert!(call.to_string().contains("WARNING"), "{call}");
    let call = play_slow(199, &[ScriptStep::begin(), ScriptStep::say("x")]).await;
    assert!(call.steps.iter().all(|step| step.warnings.is_empty()), "{call}");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_goes_on_speaking_after_an_abort_is_a_problem() {
    let barge_in = ScriptStep::say("x").barge_in_after(Duration::from_millis(350));
    let call = play_slow(100, &[barge_in]).await;
    let problems = &call.steps[0].problems;
    assert_eq!(*problems, ["17 packets arrived after the abort was answered"]);
    assert!(call.to_string().contains("WRONG"), "{call}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_ends_before_the_barge_in_is_a_problem() {
    let call = play_slow(1, &[ScriptStep::say("x").barge_in_after(Duration::from_secs(1))]).await;
    assert_eq!(call.steps[0].problems, ["the reply ended before the caller could barge in"]);
}

#[tokio::test]
async fn an_unreachable_bot_fails_every_step() {
    let call = simulator(Router::new())
        .play(&[ScriptStep::begin(), ScriptStep::say("x"), ScriptStep::end()])
        .await;
    assert!(call.steps.iter().all(|step| step.problems.len() == 1), "{call}");
    assert_eq!(json!(call.call.len()), 36);
}
