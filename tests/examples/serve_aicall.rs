//! The example `serve` for AICall: chat completions, callbacks, and what a developer says to an agent.
#![cfg(all(
    unix,
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "aui",
    feature = "chat",
    feature = "client",
    feature = "server"
))]

use std::process::Stdio;

use callbot::aicall::AgentType;
use callbot::aicall::callback::{self, Notification};
use callbot::aui::{self, Base, DescribeInstanceRequest, StartInstanceRequest};
use callbot::chat::{
    ChatRequest, Client, Completion, ExtendData, FunctionDefinition, Message, Tool,
};
use serde_json::{Value, json};

use super::serve::start;
use crate::process::{LOCAL, example};
use crate::support::peer::{Answer, Peer, Post};

const KEY: (&str, &str) = ("CALLBOT_CHAT_KEY", "key-1");
const TOKEN: (&str, &str) = ("CALLBOT_AICALL_TOKEN", "token-1");
const DEV: &[&str] = &["--listen", "127.0.0.1:0", "--dev"];

fn model(url: &str, key: &str) -> Client {
    Client::builder(&format!("{url}/v1")).key(key).build().unwrap()
}

async fn ask(url: &str, request: ChatRequest) -> Completion {
    model(url, KEY.1).stream(&request).await.unwrap().completion().await.unwrap()
}

fn on_aicall(call: &str, text: &str) -> ChatRequest {
    let data = ExtendData::new().with_instance_id(call).with_sentence_id("1");
    ChatRequest::new("bot", [Message::user(text)]).with_extend_data(data)
}

async fn post(url: &str, post: Post) -> Answer {
    let address = url.strip_prefix("http://").unwrap().parse().unwrap();
    Peer::connect(address).await.ask(&post).await
}

#[tokio::test]
async fn an_agent_of_aicall_gets_the_balance_and_is_told_to_hang_up() {
    let (_child, url) = start(LOCAL, &[KEY]).await;
    let answer = ask(&url, on_aicall("call-1", "My balance, please.")).await;
    assert_eq!(answer.text, "Your balance is 1234 euros and 56 cents.");
    let answer = ask(&url, on_aicall("call-2", "Bye.")).await;
    assert!(answer.text.starts_with("Goodbye.<imsagent_hangup"), "{}", answer.text);
    assert!(answer.tool_calls.is_empty());
}

#[tokio::test]
async fn a_platform_that_offers_end_call_is_told_to_hang_up_by_that() {
    let (_child, url) = start(LOCAL, &[KEY]).await;
    let bye = ChatRequest::new("bot", [Message::user("Bye.")]);
    assert!(ask(&url, bye.clone()).await.tool_calls.is_empty());
    let offered = bye.with_tools([Tool::new(FunctionDefinition::new("end_call"))]);
    let answer = ask(&url, offered).await;
    assert_eq!(answer.text, "Goodbye.");
    assert_eq!(answer.tool_calls[0].function.name, "end_call");
}

#[tokio::test]
async fn chat_completions_need_the_key() {
    let (_child, url) = start(LOCAL, &[KEY]).await;
    let request = ChatRequest::new("bot", [Message::user("Hello?")]);
    let error = model(&url, "key-2").complete(&request).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
}

#[tokio::test]
async fn callbacks_need_the_token() {
    let (_child, url) = start(LOCAL, &[TOKEN]).await;
    let client = callback::Client::builder(&url).token("token-1").build().unwrap();
    let stop = Notification::new("agent-1", "call-1", "agent_stop");
    client.notify(&stop).await.unwrap();
    for token in ["", "token-2"] {
        let error = client.with_token(token).notify(&stop).await.unwrap_err();
        assert_eq!(error.status().unwrap(), 401);
    }
}

#[tokio::test]
async fn what_has_no_secret_is_closed_and_named_at_the_start() {
    let chat = "chat completions (no CALLBOT_CHAT_KEY)";
    let callbacks = "the callbacks of AICall (no CALLBOT_AICALL_TOKEN)";
    let none: &[(&str, &str)] = &[];
    for (variables, closed) in [
        (none, Some(format!("{chat}, {callbacks}"))),
        (&[KEY], Some(callbacks.into())),
        (&[TOKEN], Some(chat.into())),
        (&[KEY, TOKEN], None),
    ] {
        let log = tempfile(variables);
        let mut command = example("serve", LOCAL, variables);
        command.stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
        let (mut child, url) = start_as(command).await;
        for (path, name) in [("/v1/chat/completions", chat), ("/aicall/callback", callbacks)] {
            let status = post(&url, Post::json(path, &json!({}))).await.status;
            let is_closed = closed.as_ref().is_some_and(|closed| closed.contains(name));
            assert_eq!(status == 404, is_closed, "{path}: {status}");
        }
        child.kill().await.unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        let found = text.lines().find_map(|line| line.split_once("closed: "));
        assert_eq!(found.map(|(_, closed)| closed.to_owned()), closed, "{text}");
    }
}

/// Returns the path of a log of its own.
fn tempfile(variables: &[(&str, &str)]) -> std::path::PathBuf {
    let name = variables.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("-");
    std::env::temp_dir().join(format!("callbot-serve-{}-{name}.log", std::process::id()))
}

/// Starts a server whose standard error is already directed.
async fn start_as(mut command: tokio::process::Command) -> (tokio::process::Child, String) {
    use tokio::io::{AsyncBufReadExt, BufReader};

    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (child, line.strip_prefix("listening on ").unwrap().to_owned())
}

#[tokio::test]
async fn a_developer_is_the_user_of_an_agent_in_memory() {
    let app_token = ("CALLBOT_AUI_TOKEN", "app-1");
    let (_child, url) = start(DEV, &[KEY, TOKEN, app_token]).await;
    let app = aui::Client::builder(&url, Base::V2).authorization("app-1").build().unwrap();
    let request = StartInstanceRequest::new("u1", AgentType::Voice);
    let instance = app.start_instance(&request).await.unwrap().into_inner().instance_id;
    let said = |text: &str| {
        let said = json!({"instance_id": instance, "text": text});
        Post::json("/dev/say", &said)
    };
    assert_eq!(post(&url, said("Hello?")).await.status, 401);
    let say = async |text: &str| -> Value {
        let answer = post(&url, said(text).header("Authorization", "app-1")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    };
    let answer = say("My balance?").await;
    assert_eq!(answer["text"], "Your balance is 1234 euros and 56 cents.");
    assert_eq!(answer["hung_up"], false);
    assert_eq!(say("Bye.").await["hung_up"], true);
    let request = DescribeInstanceRequest::new("u1", &*instance);
    let described = app.describe_instance(&request).await.unwrap();
    assert_eq!(described.status.as_ref().unwrap().as_str(), "Finished");
    let answer = post(&url, said("Hello?").header("Authorization", "app-1")).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn without_dev_there_is_no_route_to_talk_to_agents() {
    let (_child, url) = start(LOCAL, &[KEY]).await;
    assert_eq!(post(&url, Post::json("/dev/say", &json!({}))).await.status, 404);
}
