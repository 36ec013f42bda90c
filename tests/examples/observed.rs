//! What the example `serve` shows of itself: its metrics, and its log.
#![cfg(all(
    unix,
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "aui",
    feature = "client",
    feature = "server"
))]

use std::process::Stdio;

use callbot::digital_employee::{
    Client, DialogueRequest, DialogueRequestFields, EndSessionRequest, EndSessionRequestFields,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout};

use crate::process::example;

/// A running example, with what it prints and logs.
struct Serve {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

impl Serve {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        let mut command = example("serve", &arguments, variables);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take().unwrap();
        Self { child, stdout, stderr }
    }

    /// Returns the rest of the next line, which begins with this.
    async fn line(&mut self, begin: &str) -> String {
        let line = self.stdout.next_line().await.unwrap().expect("the server ended");
        line.strip_prefix(begin).unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Returns what it has logged until it was killed.
    async fn log(mut self) -> String {
        self.child.kill().await.unwrap();
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).await.unwrap();
        log
    }
}

async fn say(client: &Client, turn: &str, utterance: &str) {
    let request = DialogueRequest::new(DialogueRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: turn,
        utterance,
    });
    client.dialogue(&request).await.unwrap().count().await;
}

async fn hang_up(client: &Client) {
    let request = EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    });
    client.end_session(&request).await.unwrap();
}

#[cfg(feature = "metrics")]
#[tokio::test]
async fn the_metrics_are_those_of_the_turns() {
    let secret = [("CALLBOT_DUIX_SECRET", "secret-1")];
    let mut serve = Serve::start(&["--metrics", "127.0.0.1:0"], &secret);
    let metrics = serve.line("metrics on ").await;
    let url = serve.line("listening on ").await;
    let client = Client::new(&url).unwrap();
    say(&client, "t-1", "What is my balance?").await;
    say(&client, "t-2", "Now crash").await;
    hang_up(&client).await;
    // Another platform refuses a request without its secret.
    let human = callbot::duix::dialogue::Client::new(&url).unwrap();
    let question = callbot::duix::dialogue::DialogueRequest::new(
        callbot::duix::dialogue::DialogueRequestFields {
            user_id: "100003",
            avatar_code: "187265485019156480",
            question: "Hello!",
            conversation_id: "c-1",
        },
    );
    human.dialogue(&question).await.unwrap_err();

    let answer = reqwest::get(&metrics).await.unwrap();
    assert!(answer.status().is_success());
    let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(media.starts_with("text/plain"), "{media}");
    let samples = answer.text().await.unwrap();
    let platform = "platform=\"digital-employee\"";
    for expected in [
        "# TYPE callbot_turns_total counter",
        "# HELP callbot_turns_running Turns that run now.",
        "# TYPE callbot_first_packet_seconds histogram",
        &format!("callbot_turns_total{{{platform},outcome=\"answered\"}} 1"),
        &format!("callbot_turns_total{{{platform},outcome=\"failed\"}} 1"),
        &format!("callbot_turn_failures_total{{{platform},failure=\"panic\"}} 1"),
        &format!("callbot_first_packet_seconds_count{{{platform}}} 1"),
        &format!("callbot_first_packet_seconds_bucket{{{platform},le=\"20\"}} 1"),
        &format!("callbot_turns_running{{{platform}}} 0"),
        &format!("callbot_calls{{{platform}}} 0"),
        &format!("callbot_calls_ended_total{{{platform},why=\"by_caller\"}} 1"),
        "callbot_refused_total{platform=\"duix\",reason=\"token\"} 1",
    ] {
        assert!(samples.lines().any(|line| line == expected), "{expected}\n{samples}");
    }
    // No id, and no text.
    for personal in ["s-1", "t-1", "balance", "c-1"] {
        assert!(!samples.contains(personal), "{personal}\n{samples}");
    }
    // They are not where the platforms call.
    assert_eq!(reqwest::get(format!("{url}/metrics")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn each_event_of_the_log_is_a_line_of_json_if_that_is_asked_for() {
    let mut serve = Serve::start(&["--log-format", "json"], &[]);
    let url = serve.line("listening on ").await;
    let client = Client::new(&url).unwrap();
    say(&client, "t-1", "Now crash").await;
    hang_up(&client).await;
    let log = serve.log().await;
    // The message of the panic itself is written by the standard library.
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let failed = lines.iter().find(|line| line["level"] == "ERROR").expect(&log);
    let fields = &failed["fields"];
    assert_eq!(fields["platform"], "digital-employee", "{log}");
    assert_eq!(fields["call"], "digital-employee/s-1", "{log}");
    assert_eq!(fields["turn"], "t-1", "{log}");
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{log}");
}

#[tokio::test]
async fn rust_log_sets_what_is_logged() {
    let quiet: &[(&str, &str)] = &[("RUST_LOG", "error")];
    let loud: &[(&str, &str)] = &[("RUST_LOG", "info,callbot=debug")];
    for (variables, warns, turns) in [(&[][..], true, 0), (quiet, false, 0), (loud, true, 1)] {
        let mut serve = Serve::start(&[], variables);
        let url = serve.line("listening on ").await;
        let client = Client::new(&url).unwrap();
        say(&client, "t-1", "What is my balance?").await;
        // By then the turn has been logged.
        hang_up(&client).await;
        let log = serve.log().await;
        assert_eq!(log.contains("open to anybody"), warns, "{log}");
        // A good turn is one line at this level.
        let found = log.lines().filter(|line| line.contains("DEBUG") && line.contains("answered"));
        assert_eq!(found.filter(|line| line.contains("t-1")).count(), turns, "{log}");
        assert!(!log.contains("balance"), "{log}");
    }
}

/// Returns what an example that can't start says.
async fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut serve = Serve::start(arguments, variables);
    let mut error = String::new();
    serve.stderr.read_to_string(&mut error).await.unwrap();
    assert!(!serve.child.wait().await.unwrap().success(), "{error}");
    error
}

#[tokio::test]
async fn a_setting_of_the_log_that_is_not_known_is_an_error_at_the_start() {
    let error = refusal(&["--log-format", "xml"], &[]).await;
    assert!(error.contains("cannot parse argument \"xml\": allowed: text, json"), "{error}");
    let error = refusal(&[], &[("RUST_LOG", "callbot=loud")]).await;
    assert!(error.contains("serve: RUST_LOG: error parsing level filter"), "{error}");
}
