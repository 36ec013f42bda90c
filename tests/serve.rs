//! The example `serve` as a process: it is ready when it says so, checks signatures, and lets
//! running turns end.
#![cfg(all(unix, feature = "digital-employee", feature = "client", feature = "server"))]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use callbot::auth::{Credentials, Scheme, Signer};
use callbot::digital_employee::{AnswerMode, Client, DialogueRequest, EndSessionRequest};
use callbot::server::function_compute::port;
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// `cargo test` builds the examples beside the tests.
fn example() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples/serve");
    assert!(path.exists(), "run `cargo build --example serve --all-features` first");
    path
}

/// Starts it, and returns the URL that it prints once it is ready.
async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> (Child, String) {
    let mut child = Command::new(example())
        .args(arguments)
        .env_remove("FC_SERVER_PORT")
        .env_remove("FC_CUSTOM_LISTEN_PORT")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
    (child, url.to_owned())
}

async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

fn turn(utterance: &str) -> DialogueRequest {
    DialogueRequest::new("r-1", 1, "n1", "sc-1", "s-1", "t-1", utterance)
}

fn end() -> EndSessionRequest {
    EndSessionRequest::new("r-1", 1, "n1", "sc-1", "s-1")
}

#[tokio::test]
async fn after_sigterm_a_running_turn_ends_whole_and_nobody_new_is_served() {
    let (mut child, url) = start(&["--listen", "127.0.0.1:0"], &[]).await;
    let client = Client::new(&url).unwrap();
    let mut story =
        client.dialogue(&turn("a story")).await.unwrap().into_events(AnswerMode::Cumulative);
    let mut text = story.next().await.unwrap().unwrap().text;
    terminate(&child).await;
    while let Some(event) = story.next().await {
        text.push_str(&event.unwrap().text);
    }
    assert!(text.ends_with("ever after."), "{text}");
    let exit = tokio::time::timeout(Duration::from_secs(5), child.wait()).await.unwrap().unwrap();
    assert!(exit.success(), "{exit}");
    assert!(Client::new(&url).unwrap().end_session(&end()).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_turn_that_outlasts_the_grace_period_is_cut() {
    let (mut child, url) = start(&["--listen", "127.0.0.1:0", "--grace", "0"], &[]).await;
    let mut story = Client::new(&url).unwrap().dialogue(&turn("a story")).await.unwrap();
    story.next().await.unwrap().unwrap();
    terminate(&child).await;
    assert!(!child.wait().await.unwrap().success());
    let last = story.collect::<Vec<_>>().await.pop().unwrap();
    assert!(last.unwrap_err().is_cut());
}

#[tokio::test]
async fn with_a_key_only_signed_requests_are_served_and_the_hooks_without() {
    let arguments = ["--listen", "127.0.0.1:0", "--key-id", "key-1"];
    let (_child, url) = start(&arguments, &[("CALLBOT_KEY_SECRET", "secret-1")]).await;
    let error = Client::new(&url).unwrap().end_session(&end()).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    let signer = Signer::new(Credentials::new("key-1", "secret-1"), Scheme::Trigger);
    let client = Client::builder(&url).sign(signer).build().unwrap();
    client.end_session(&end()).await.unwrap();
    for (method, path) in [("POST", "/initialize"), ("GET", "/pre-stop")] {
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: 0\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        let status = BufReader::new(stream).lines().next_line().await.unwrap().unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK", "{path}");
    }
}

#[tokio::test]
async fn without_listen_it_follows_the_variables_of_function_compute() {
    // A port that is free, as the system says.
    let free = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let free = free.to_string();
    let variables = [("FC_SERVER_PORT", free.as_str()), ("FC_CUSTOM_LISTEN_PORT", "1")];
    let (_child, url) = start(&[], &variables).await;
    assert_eq!(url, format!("http://0.0.0.0:{free}"));
}

#[tokio::test]
async fn what_it_can_not_do_is_an_error_at_the_start() {
    for (arguments, variable, says) in [
        (&["--key-id", "k"][..], None, "CALLBOT_KEY_SECRET"),
        (&["--listen", "nowhere"], None, "--listen: \"nowhere\" is no address"),
        (&["--listen"], None, "--listen needs a value"),
        (&["--port", "1"], None, "--port is not known"),
        (&[], Some(("FC_SERVER_PORT", "many")), "FC_SERVER_PORT: \"many\" is no port"),
    ] {
        let mut command = Command::new(example());
        command.args(arguments).env_remove("CALLBOT_KEY_SECRET").envs(variable);
        if arguments.first() == Some(&"--key-id") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let output = command.output().await.unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_port_is_that_of_the_first_variable_that_is_set() {
    let with = |set: &'static [(&str, &str)]| {
        port(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(with(&[]), Ok(9000));
    assert_eq!(with(&[("FC_CUSTOM_LISTEN_PORT", "8000"), ("FC_SERVER_PORT", "7000")]), Ok(7000));
    let error = with(&[("FC_CUSTOM_LISTEN_PORT", "0")]).unwrap_err();
    assert_eq!(error.to_string(), "FC_CUSTOM_LISTEN_PORT: \"0\" is no port, allowed: 1 to 65535");
}
