//! What ends a reply whose platform has gone unnoticed, and what a host says of its doors and its notices.

use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Host, Input, Needs, Platform, Reply, Result};
use callbot::sse::HEARTBEAT;
use futures_util::StreamExt;
use serde_json::json;
use tokio::time::{Instant, timeout};
use tower_service::Service;

use crate::support::bots::SECOND;
use crate::support::traces::traced;

/// A bot that greets, says one word, and then waits without end if it is told to. It has the notices of
/// the trait's default.
#[derive(Clone, Copy, Default)]
struct Silent {
    needs: Needs,
}

impl Bot for Silent {
    type Memory = ();

    fn needs(&self) -> Needs {
        self.needs
    }

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        reply.say("Welcome.").await
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        reply.say("So.").await?;
        if matches!(input, Input::Speech(words) if words == "wait") {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// Returns the pieces of a streamed answer that come within `time`, each with the second of its arrival.
async fn pieces(mut router: axum::Router, path: &str, time: Duration) -> Vec<(u64, String)> {
    let body = json!({
        "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "s", "sessionId": "c",
        "streamId": "t", "utterance": "wait",
        "sid": "u", "dh-code": "a", "dh-question": "wait", "dh-conversation-id": "c",
    });
    let request = http::Request::post(path)
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()))
        .unwrap();
    let start = Instant::now();
    let mut answer = router.call(request).await.unwrap().into_body().into_data_stream();
    let mut pieces = Vec::new();
    let _ = timeout(time, async {
        while let Some(piece) = answer.next().await {
            let text = String::from_utf8(piece.unwrap().into()).unwrap();
            pieces.push((start.elapsed().as_secs(), text));
        }
    })
    .await;
    pieces
}

#[tokio::test(start_paused = true)]
async fn a_silent_reply_on_digital_employee_has_a_heartbeat_every_10_s() {
    let server = || Host::new(Silent::default()).digital_employee().unwrap();
    let times = |pieces: Vec<(u64, String)>| -> Vec<u64> {
        let beats = pieces.into_iter().filter(|(_, text)| text.as_bytes() == HEARTBEAT);
        beats.map(|(at, _)| at).collect()
    };
    let of = |router| pieces(router, "/proxy/dialogue", 35 * SECOND);
    assert_eq!(times(of(server().router()).await), [10, 20, 30]);
    let other = server().heartbeat(15 * SECOND);
    assert_eq!(times(of(other.router()).await), [15, 30]);
    assert_eq!(times(of(server().heartbeat(None).router()).await), [0; 0]);
    let whole = Host::new(Silent::default()).router().unwrap();
    assert_eq!(times(of(whole).await), [10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_reply_on_duix_has_no_heartbeat() {
    let router = Host::new(Silent::default()).duix().unwrap().router();
    let pieces = pieces(router, "/duix/dialogue/stream", 60 * SECOND).await;
    // The word, and the failure at the deadline.
    assert_eq!(pieces.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 19], "{pieces:?}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_an_end_fails_on_every_platform() {
    for platform in Platform::ALL {
        let mut call = TestCall::on(platform, Silent::default());
        let start = Instant::now();
        let answer = call.say("wait").await;
        assert_eq!(Some(start.elapsed()), platform.budget().net().whole, "{platform}");
        // The end of a stream can't tell a failure, except on Digital Employee.
        if matches!(platform, Platform::DuixStream | Platform::AiCall | Platform::Chat) {
            answer.expect_end();
        } else {
            answer.expect_failure();
        }
        call.say("go on").await.expect_text("So.");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_a_warning_once_for_each_platform() {
    let (traces, _guard) = traced();
    let host = Host::new(Silent::default());
    let said = "dropped the greeting: duix did not ask for one";
    for _ in 0..20 {
        let mut call = TestCall::on(Platform::Duix, host.clone());
        call.say("go on").await.expect_text("So.");
    }
    let router = host.duix().unwrap().router();
    for call in 0..20 {
        let body = json!({
            "sid": "u", "dh-code": "a", "dh-question": "hi", "dh-conversation-id": format!("x{call}"),
        });
        let (status, _) =
            crate::support::bots::post(&router, "/duix/dialogue", body.to_string()).await;
        assert_eq!(status, 200);
    }
    assert_eq!(traces.with(&["WARN", said]).len(), 1);
    assert_eq!(traces.with(&["DEBUG", said]).len(), 39);
    // Another platform has a warning of its own.
    for _ in 0..2 {
        TestCall::on(Platform::DuixStream, host.clone()).say("go on").await.expect_text("So.");
    }
    assert_eq!(traces.with(&["WARN", "dropped the greeting: duix-stream"]).len(), 1);
}

#[tokio::test]
async fn a_warning_names_the_doors_that_are_open_to_anybody() {
    let doors = |needs: Needs, with: fn(&Host<Silent>)| {
        let (traces, _guard) = traced();
        with(&Host::new(Silent { needs }));
        let lines = traces.with(&["WARN", "open to anybody: "]);
        lines
            .iter()
            .map(|line| line.split_once("anybody: ").unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    let phone =
        "digital-employee (closed by a `VerifyLayer`, unless a gateway checks its signatures)";
    let (human, ivr) = ("duix (closed by a `secret`)", "odfs (closed by an `issuer`)");
    let all = format!("{phone}, {human}, {ivr}");
    assert_eq!(doors(Needs::NONE, |host| drop(host.router())), [&*all]);
    assert_eq!(doors(Needs::NONE, |host| drop(host.fitting())), [&*all]);
    let some = format!("{phone}, {ivr}");
    assert_eq!(doors(Needs::NONE.hang_up(), |host| drop(host.fitting())), [&*some]);
    let none: [&str; 0] = [];
    assert_eq!(doors(Needs::NONE.hang_up(), |host| drop(host.router())), none);
    // Whoever takes one platform has seen its settings.
    assert_eq!(doors(Needs::NONE, |host| drop(host.duix())), none);
}
