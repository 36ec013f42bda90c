//! The example `serve` as a process: it reports when it is ready, checks signatures and secrets, serves
//! the platforms and the app server, and lets running turns complete.
#![cfg(all(
    unix,
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "aui",
    feature = "client",
    feature = "server"
))]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::time::Duration;

use callbot::aicall::{AgentType, ErrorCode, Template};
use callbot::aui::{
    self, Base, ChatToken, ChatTokenRequest, ChatTokens, GenerateCallRequest, StartInstanceRequest,
    StopInstanceRequest,
};
use callbot::auth::{Credentials, Scheme, Signer};
use callbot::client::CallOptions;
use callbot::digital_employee::{
    AnswerMode, Client, DialogueRequest, DialogueRequestFields, EndSessionRequest,
    EndSessionRequestFields,
};
use callbot::duix::Flag;
use callbot::duix::dialogue::{self, Delta, SpokenAnswer};
use callbot::function_compute::port;
use callbot::odfs;
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::process::{self, LOCAL, example};

const NONE: &[(&str, &str)] = &[];

pub(super) async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> (Child, String) {
    process::start(example("serve", arguments, variables)).await.expect("the server ended")
}

async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

fn turn(utterance: &str) -> DialogueRequest {
    DialogueRequest::new(DialogueRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: "t-1",
        utterance,
    })
}

fn end() -> EndSessionRequest {
    EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
    })
}

#[tokio::test]
async fn after_sigterm_a_running_turn_completes_and_new_requests_are_refused() {
    let (mut child, url) = start(LOCAL, NONE).await;
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
    let (mut child, url) = start(&["--listen", "127.0.0.1:0", "--grace", "0"], NONE).await;
    let mut story = Client::new(&url).unwrap().dialogue(&turn("a story")).await.unwrap();
    story.next().await.unwrap().unwrap();
    terminate(&child).await;
    assert!(!child.wait().await.unwrap().success());
    let last = story.collect::<Vec<_>>().await.pop().unwrap();
    let error = last.unwrap_err().to_string();
    assert!(error.contains("failure 503"), "{error}");
}

#[tokio::test]
async fn a_second_signal_ends_the_grace_period() {
    let (mut child, url) = start(LOCAL, NONE).await;
    let mut story = Client::new(&url).unwrap().dialogue(&turn("a story")).await.unwrap();
    story.next().await.unwrap().unwrap();
    terminate(&child).await;
    let address = url.strip_prefix("http://").unwrap();
    // It listens until it has seen the first signal.
    while tokio::net::TcpStream::connect(address).await.is_ok() {}
    terminate(&child).await;
    let exit = tokio::time::timeout(Duration::from_secs(2), child.wait()).await.unwrap().unwrap();
    assert_eq!(exit.code(), Some(1));
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_end() {
    let (mut child, url) = start(LOCAL, NONE).await;
    let address = url.strip_prefix("http://").unwrap();
    let mut half = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = b"POST /proxy/dialogue HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut half, request).await.unwrap();
    Client::new(&url).unwrap().end_session(&end()).await.unwrap();
    terminate(&child).await;
    let exit = tokio::time::timeout(Duration::from_secs(10), child.wait()).await.unwrap().unwrap();
    assert!(exit.success(), "{exit}");
}

#[tokio::test]
async fn peers_that_hold_connections_do_not_use_up_the_descriptors() {
    let serve = example("serve", LOCAL, NONE);
    let serve = serve.as_std();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""]).arg(serve.get_program());
    limited.args(serve.get_args()).kill_on_drop(true);
    let (_child, url) = process::start(limited).await.expect("the server ended");
    let address = url.strip_prefix("http://").unwrap();
    let mut held = Vec::new();
    for (number, sent) in ["", "POST /proxy/dial"].iter().cycle().enumerate().take(100) {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, sent.as_bytes()).await.unwrap();
        held.push((number, stream));
    }
    let (client, request) = (Client::new(&url).unwrap(), end());
    let answer = client.end_session(&request);
    tokio::time::timeout(Duration::from_secs(9), answer).await.expect("in time").unwrap();
}

#[tokio::test]
async fn with_a_key_only_signed_requests_and_the_unsigned_hooks_are_served() {
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
async fn the_doors_that_are_open_to_anybody_are_named_at_the_start() {
    let all = [
        "Digital Employee (no --key-id)",
        "DUIX (no CALLBOT_DUIX_SECRET)",
        "ODFS (no CALLBOT_ODFS_APP_KEY)",
        "the app server (no CALLBOT_AUI_TOKEN)",
    ];
    let closed = [
        ("CALLBOT_KEY_SECRET", "s"),
        ("CALLBOT_DUIX_SECRET", "s"),
        ("CALLBOT_ODFS_APP_KEY", "k"),
        ("CALLBOT_ODFS_APP_SECRET", "s"),
        ("CALLBOT_AUI_TOKEN", "t"),
    ];
    let key = ["--listen", "127.0.0.1:0", "--key-id", "key-1"];
    for (arguments, variables, open) in [
        (LOCAL, NONE, Some(all.join(", "))),
        (LOCAL, &closed[..2], Some([all[0], all[2], all[3]].join(", "))),
        (&key, &closed[..4], Some(all[3].to_owned())),
        (&key, &closed[..], None),
    ] {
        let mut command = example("serve", arguments, variables);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
        BufReader::new(stream).lines().next_line().await.unwrap().unwrap();
        child.start_kill().unwrap();
        let output = child.wait_with_output().await.unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        let found: Vec<_> =
            log.lines().filter_map(|line| line.split_once("open to anybody: ")).collect();
        let found: Vec<_> = found.into_iter().map(|(_, open)| open.to_owned()).collect();
        assert_eq!(found, Vec::from_iter(open), "{log}");
    }
}

#[tokio::test]
async fn without_listen_it_reads_the_variables_of_function_compute() {
    // The system chooses a free port.
    let free = std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let free = free.to_string();
    let variables = [("FC_SERVER_PORT", free.as_str()), ("FC_CUSTOM_LISTEN_PORT", "1")];
    let (_child, url) = start(&[], &variables).await;
    assert_eq!(url, format!("http://0.0.0.0:{free}"));
}

#[tokio::test]
async fn invalid_arguments_are_an_error_at_the_start() {
    for (arguments, variable, says) in [
        (&["--key-id", "k"][..], None, "CALLBOT_KEY_SECRET"),
        (&["--listen", "nowhere"], None, "cannot parse argument \"nowhere\""),
        (&["--listen"], None, "missing argument for option '--listen'"),
        (&["--port", "1"], None, "invalid option '--port'"),
        (&[], Some(("FC_SERVER_PORT", "many")), "FC_SERVER_PORT: \"many\" is not a port"),
    ] {
        let mut command = example("serve", arguments, variable.as_slice());
        command.env_remove("CALLBOT_KEY_SECRET");
        if arguments.first() == Some(&"--key-id") {
            command.args(LOCAL);
        }
        let output = command.output().await.unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn the_port_comes_from_the_first_variable_that_is_set() {
    let with = |set: &'static [(&str, &str)]| {
        port(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(with(&[]), Ok(9000));
    assert_eq!(with(&[("FC_CUSTOM_LISTEN_PORT", "8000"), ("FC_SERVER_PORT", "7000")]), Ok(7000));
    let error = with(&[("FC_CUSTOM_LISTEN_PORT", "0")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "FC_CUSTOM_LISTEN_PORT: \"0\" is not a port, allowed: 1 to 65535"
    );
}

fn question(question: &str) -> dialogue::DialogueRequest {
    dialogue::DialogueRequest::new(dialogue::DialogueRequestFields {
        user_id: "100003",
        avatar_code: "187265485019156480",
        question,
        conversation_id: "c-1",
    })
}

/// Asks the digital human for a whole answer and for a stream.
async fn ask(client: &dialogue::Client, question: &str) -> (SpokenAnswer, Vec<Delta>) {
    let request = self::question(question);
    let answer = client.dialogue(&request).await.unwrap().into_inner();
    assert!(answer.success);
    let data = answer.data.unwrap();
    assert_eq!((data.conversation_id.as_str(), data.question.as_deref()), ("c-1", Some(question)));
    let stream = client.dialogue_stream(&request).await.unwrap();
    (data.answer, stream.try_collect().await.unwrap())
}

/// What a caller on DUIX and ODFS hears when a turn fails.
const SORRY: &str = "I am sorry, something went wrong. Please ask me again.";

/// Returns the pieces of a stream. The last one is marked as the end.
fn pieces(texts: &[&str]) -> Vec<Delta> {
    let last = texts.len() - 1;
    texts.iter().enumerate().map(|(n, text)| Delta::new(*text, n == last)).collect()
}

#[tokio::test]
async fn a_digital_human_answers_in_one_piece_and_in_a_stream() {
    let (_child, url) = start(LOCAL, NONE).await;
    let client = dialogue::Client::new(&url).unwrap();
    let balance = ["Your balance ", "is 1234 euros ", "and 56 cents."];
    let in_frames = [balance[0], balance[1], balance[2], ""];
    // The server survives a crash of the bot.
    for _ in 0..2 {
        for (question, answer, frames) in [
            ("What is my balance?", balance.concat().as_str(), &in_frames[..]),
            ("How are you, 你好?", "How are you, 你好?", &["How are you, 你好?"]),
            ("", "", &[""]),
            ("an agent, please", "an agent, please", &["an agent, please"]),
            ("BYE!", "Goodbye.", &["Goodbye."]),
            ("Now crash", SORRY, &[SORRY]),
        ] {
            let (spoken, deltas) = ask(&client, question).await;
            assert_eq!(spoken, SpokenAnswer::new(answer), "{question}");
            assert_eq!(deltas, pieces(frames), "{question}");
        }
    }
}

#[tokio::test]
async fn an_ivr_plays_an_apology_after_a_crash_and_the_call_goes_on() {
    let (_child, url) = start(LOCAL, NONE).await;
    let client = odfs::Client::builder_with_token(&url, "token").build().unwrap();
    let mut call = client.dialogue("call-1", "13500000001", "10086");
    call.start().await.unwrap();
    for (words, text) in [("Now crash", SORRY), ("How are you?", "How are you?")] {
        let answer = call.input(odfs::Input::Text(words)).await.unwrap();
        let odfs::Response::Interact(answer) = answer else { panic!("{answer:?}") };
        assert_eq!(answer.outparams.prompt(), odfs::Prompt::Tts(text));
    }
}

#[tokio::test]
async fn a_digital_human_that_is_asked_for_help_shows_phrases_to_try() {
    let (_child, url) = start(LOCAL, NONE).await;
    let client = dialogue::Client::new(&url).unwrap();
    let (spoken, deltas) = ask(&client, "Help!").await;
    let help = "You can ask for your balance, or for a story.";
    assert_eq!((spoken.text.as_str(), deltas), (help, pieces(&[help])));
    let operations = spoken.operations.unwrap();
    assert_eq!(operations.can_show_text, Some(Flag::Yes));
    let phrases = operations.tip_phrases.unwrap().phrases;
    assert_eq!(phrases, ["What is my balance?", "Tell me a story."]);
    // Each phrase works.
    for (phrase, says) in phrases.iter().zip(["1234 euros", "Once upon a time"]) {
        let request = question(phrase);
        let answer = client.dialogue(&request).await.unwrap().into_inner().data.unwrap().answer;
        assert!(answer.text.contains(says), "{phrase}");
    }
    let request = question("help");
    let data = client.dialogue(&request).await.unwrap().into_inner().data.unwrap();
    assert_eq!(data.intent.as_deref(), Some("help"));
}

#[tokio::test]
async fn a_digital_human_tells_a_story_sentence_by_sentence() {
    let (_child, url) = start(LOCAL, NONE).await;
    let client = dialogue::Client::new(&url).unwrap();
    let request = question("Tell me a story.");
    let at_once = Instant::now();
    let whole = client.dialogue(&request).await.unwrap().into_inner().data.unwrap().answer.text;
    assert!(at_once.elapsed() < Duration::from_secs(3), "{:?}", at_once.elapsed());
    assert!(whole.starts_with("Once upon a time") && whole.ends_with("ever after."), "{whole}");

    let mut stream = client.dialogue_stream(&request).await.unwrap();
    let (mut text, mut times, mut ends) = (String::new(), Vec::new(), Vec::new());
    while let Some(delta) = stream.next().await {
        let delta = delta.unwrap();
        text.push_str(&delta.text);
        times.push(Instant::now());
        ends.push(delta.is_end);
    }
    assert_eq!(text, whole);
    // 32 sentences and the end.
    let mut expected = vec![false; 32];
    expected.push(true);
    assert_eq!(ends, expected);
    let took = times[31] - times[0];
    let pace = Duration::from_millis(200);
    assert!(took > pace * 30 && took < pace * 50, "{took:?}");
    // The median, as a busy machine delays some pieces.
    let mut gaps: Vec<_> = times[..32].windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort();
    let median = gaps[gaps.len() / 2];
    assert!(median > pace * 3 / 4 && median < pace * 2, "{gaps:?}");
}

#[tokio::test]
async fn a_secret_protects_the_digital_human_and_not_the_phones() {
    let (_child, url) = start(LOCAL, &[("CALLBOT_DUIX_SECRET", "secret-1")]).await;
    let client = dialogue::Client::new(&url).unwrap();
    let given = |value| {
        let name = HeaderName::from_static("x-callbot-secret");
        client.with_options(CallOptions::new().header(name, HeaderValue::from_static(value)))
    };
    let request = question("Hello!");
    for (client, status) in [(client.clone(), 401), (given("secret-2"), 403), (given(""), 403)] {
        for error in [
            client.dialogue(&request).await.unwrap_err(),
            client.dialogue_stream(&request).await.unwrap_err(),
        ] {
            assert_eq!(error.status().unwrap(), status);
            assert_eq!(error.failure().unwrap().code(), status.to_string());
        }
    }
    let (spoken, deltas) = ask(&given("secret-1"), "Hello!").await;
    assert_eq!((spoken.text.as_str(), deltas), ("Hello!", pieces(&["Hello!"])));
    Client::new(&url).unwrap().end_session(&end()).await.unwrap();
}

#[tokio::test]
async fn the_key_of_the_phones_does_not_apply_to_the_digital_human() {
    let arguments = ["--listen", "127.0.0.1:0", "--key-id", "key-1"];
    let (_child, url) = start(&arguments, &[("CALLBOT_KEY_SECRET", "secret-1")]).await;
    assert!(Client::new(&url).unwrap().end_session(&end()).await.is_err());
    let (spoken, _) = ask(&dialogue::Client::new(&url).unwrap(), "Hello!").await;
    assert_eq!(spoken.text, "Hello!");
}

#[tokio::test]
async fn an_empty_secret_does_not_grant_access() {
    for name in ["CALLBOT_DUIX_SECRET", "CALLBOT_ODFS_APP_KEY", "CALLBOT_ODFS_APP_SECRET"] {
        let output = example("serve", LOCAL, &[(name, "")]).output().await.unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(&format!("{name} is empty")), "{error}");
    }
}

#[tokio::test]
async fn an_unreadable_secret_does_not_grant_access() {
    let mut command = example("serve", LOCAL, NONE);
    command.env("CALLBOT_DUIX_SECRET", OsStr::from_bytes(b"secret-\xFF"));
    // Refusing to start is correct as well.
    let Some((_child, url)) = process::start(command).await else { return };
    let request = question("Hello!");
    let answer = dialogue::Client::new(&url).unwrap().dialogue(&request).await;
    assert!(answer.is_err(), "a client without the secret is answered");
}

#[tokio::test]
async fn the_app_server_is_served_at_both_bases_without_a_missing_agent() {
    let (_child, url) = start(LOCAL, NONE).await;
    for base in Base::ALL {
        let client = aui::Client::new(&url, base).unwrap();
        let request = StartInstanceRequest::new("u1", AgentType::Voice);
        let started = client.start_instance(&request).await.unwrap();
        let stop = StopInstanceRequest::new(&*started.instance_id);
        client.stop_instance(&stop).await.unwrap();
        let request = GenerateCallRequest::new(Template::new()).with_agent_id("missing");
        let error = client.generate_call(&request).await.unwrap_err();
        assert_eq!(aui::error_code(&error), ErrorCode::AgentNotFound);
    }
}

#[tokio::test]
async fn the_app_server_makes_message_chat_tokens_of_its_app() {
    let own = [
        ("CALLBOT_MESSAGE_APP_ID", "app-1"),
        ("CALLBOT_MESSAGE_APP_KEY", "key-1"),
        ("CALLBOT_MESSAGE_APP_SIGN", "sign-1"),
        ("CALLBOT_AUI_TOKEN", "token-1"),
    ];
    let demo = ChatTokens::new("demo-app", "demo-key", "demo-sign");
    for (variables, app) in [(NONE, demo), (&own, ChatTokens::new("app-1", "key-1", "sign-1"))] {
        let (_child, url) = start(LOCAL, variables).await;
        for base in Base::ALL {
            let client = aui::Client::new(&url, base).unwrap().with_authorization("token-1");
            let request = ChatTokenRequest::new("voice-agent", "u1");
            let answer = client.chat_token(&request).await.unwrap().into_inner();
            let token = ChatToken::new(
                answer.app_id,
                answer.app_sign,
                answer.token,
                answer.user_id,
                answer.expires_at,
            )
            .with_nonce(answer.nonce.unwrap());
            app.check(&token).unwrap();
        }
    }
    // Without a token for callers, everyone would get tokens of the app.
    let output = example("serve", LOCAL, &own[..3]).output().await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("with CALLBOT_MESSAGE_APP_ID there must be a CALLBOT_AUI_TOKEN"),
        "{error}"
    );
}

#[tokio::test]
async fn the_app_server_requires_its_token_and_allows_other_origins_only_with_cors_any() {
    let variables = [("CALLBOT_AUI_TOKEN", "token-1")];
    let (_child, url) = start(&["--listen", "127.0.0.1:0", "--cors-any"], &variables).await;
    let client = aui::Client::new(&url, Base::V2).unwrap();
    let request = StartInstanceRequest::new("u1", AgentType::Voice);
    let error = client.start_instance(&request).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    let origin = HeaderValue::from_static("https://dev.example");
    let options = CallOptions::new().header(HeaderName::from_static("origin"), origin.clone());
    let client = client.with_authorization("token-1").with_options(options.clone());
    let started = client.start_instance(&request).await.unwrap();
    assert_eq!(started.headers()["access-control-allow-origin"], origin);

    let (_child, url) = start(LOCAL, NONE).await;
    let client = aui::Client::new(&url, Base::V2).unwrap().with_options(options);
    let started = client.start_instance(&request).await.unwrap();
    assert!(!started.headers().contains_key("access-control-allow-origin"));
}
