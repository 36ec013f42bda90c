//! The client of ICE over sockets: what it sends and signs, which answers are successes, which error
//! each failure becomes, where it may send to, and the app server on top of it.

#![cfg(all(feature = "aui", feature = "client", feature = "server"))]

mod answers;
mod app_server;
mod regions;
mod requests;
mod secrets;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::script::{Seen, Step, Stub, answer, json_answer, send};
use crate::support::traces::traced;
use callbot::aicall::{
    AgentConfig, AgentType, AutoSpeechContent, BackChannelingConfig, ChatSyncConfig, Template,
};
use callbot::aui::ice::{
    Client, ClientBuilder, DescribeInstanceRequest, GenerateCallRequest, InstanceStatus, Region,
    RuntimeConfig, StartInstanceRequest, StopInstanceRequest, UpdateInstanceRequest,
};
use callbot::aui::{
    self, AnyCaller, AppServer, Base, RtcTokens, StartInstanceInChannelRequest,
    StartInstanceInChannelRequestFields, Upstream, UpstreamError,
};
use callbot::auth::{Credentials, Scheme, Verifier};
use callbot::client::{
    CallOptions, Deadline, Error, InMemoryTransport, Retries, Transport, TransportError,
};
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KEY: &str = "key-1";
const SECRET: &str = "AccessKeySecret1";
const STS: &str = "SecurityTokenOfStsABC";
const AUTH_TOKEN: &str = "eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImMxIn0+/w==";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const CALLS: [&str; 5] = ["generate", "start", "stop", "update", "describe"];

fn key() -> Credentials {
    Credentials::new(KEY, SECRET)
}

fn builder(stub: &Stub) -> ClientBuilder {
    Client::builder(key()).base_url(&stub.url)
}

fn client(stub: &Stub) -> Client {
    builder(stub).build().unwrap()
}

fn agent_config() -> AgentConfig {
    let mut config = AgentConfig::unset();
    config.greeting = Some("Hello, \"you\" & me!".into());
    config
}

fn template() -> Template {
    serde_json::from_value(json!({"VoiceChat": {"Greeting": "Hi"}})).unwrap()
}

fn generate() -> GenerateCallRequest {
    GenerateCallRequest::new("agent-1")
        .with_user_id("u1")
        .with_expire(Duration::from_secs(3600))
        .with_agent_config(agent_config())
        .with_template_config(template())
        .with_chat_sync_config(chat_sync())
        .with_session_id("session-1")
        .with_user_data("{\"Language\":\"en\"}")
}

fn chat_sync() -> ChatSyncConfig {
    serde_json::from_value(json!({"IMAIAgentId": "chat-1", "ReceiverId": "u1"})).unwrap()
}

fn start() -> StartInstanceRequest {
    StartInstanceRequest::new("agent-1", RuntimeConfig::new("a1", "c1", AUTH_TOKEN))
        .with_agent_config(agent_config())
        .with_session_id("session-1")
}

fn update() -> UpdateInstanceRequest {
    UpdateInstanceRequest::new("i1").with_agent_config(agent_config())
}

/// Makes a call. Returns its status.
async fn call(client: &Client, name: &str) -> Result<StatusCode, Error> {
    match name {
        "generate" => client.generate_call(&generate()).await.map(|answer| answer.status()),
        "start" => client.start_instance(&start()).await.map(|answer| answer.status()),
        "stop" => {
            let request = StopInstanceRequest::new("i1");
            client.stop_instance(&request).await.map(|answer| answer.status())
        }
        "update" => client.update_instance(&update()).await.map(|answer| answer.status()),
        "describe" => {
            let request = DescribeInstanceRequest::new("i1");
            client.describe_instance(&request).await.map(|answer| answer.status())
        }
        _ => panic!("no call {name}"),
    }
}

/// Makes the same call as the upstream of an app server.
async fn ask(client: &Client, name: &str, region: Option<&str>) -> Result<(), UpstreamError> {
    let region: Option<Region> = region.map(|region| region.parse().unwrap());
    let region = region.as_ref();
    match name {
        "generate" => client.generate(region, generate()).await.map(drop),
        "start" => client.start(region, start()).await.map(drop),
        "stop" => client.stop(region, StopInstanceRequest::new("i1")).await.map(drop),
        "update" => client.update(region, update()).await.map(drop),
        "describe" => client.describe(region, DescribeInstanceRequest::new("i1")).await.map(drop),
        _ => panic!("no call {name}"),
    }
}

fn action(name: &str) -> &'static str {
    match name {
        "generate" => "GenerateAIAgentCall",
        "start" => "StartAIAgentInstance",
        "stop" => "StopAIAgentInstance",
        "update" => "UpdateAIAgentInstance",
        "describe" => "DescribeAIAgentInstance",
        _ => panic!("no call {name}"),
    }
}

fn good(name: &str) -> Value {
    match name {
        "generate" => json!({"RequestId": "r1", "InstanceId": "i1", "ChannelId": "c1",
            "AIAgentUserId": "a1", "UserId": "u1", "Token": "user token"}),
        "start" => json!({"RequestId": "r1", "InstanceId": "i1"}),
        "stop" | "update" => json!({"RequestId": "r1"}),
        "describe" => json!({"RequestId": "r1", "Instance": {"Status": "Executing",
            "RuntimeConfig": {"AgentUserId": "a1", "ChannelId": "c1", "AuthToken": AUTH_TOKEN},
            "AgentConfig": {"Volume": 90, "BackChannelingConfigs": [{"Enabled": true}]},
            "GmtCreate": "2025-07-18T06:39:08.000+00:00"}}),
        _ => panic!("no call {name}"),
    }
}

fn ok(body: &Value) -> Vec<Step> {
    vec![send(json_answer("200 OK", &body.to_string()))]
}

/// Answers the five calls in the order of [`CALLS`].
async fn five() -> Stub {
    Stub::new(CALLS.iter().map(|name| ok(&good(name))).collect()).await
}

fn uri(seen: &Seen) -> Uri {
    let mut parts = seen.line.split(' ');
    assert_eq!(parts.next(), Some("POST"), "{}", seen.line);
    let uri: Uri = parts.next().unwrap().parse().unwrap();
    assert_eq!(parts.collect::<Vec<_>>(), ["HTTP/1.1"], "{}", seen.line);
    uri
}

fn query(seen: &Seen) -> Vec<(String, String)> {
    let uri = uri(seen);
    form_urlencoded::parse(uri.query().unwrap().as_bytes()).into_owned().collect()
}

fn parameter(seen: &Seen, name: &str) -> String {
    let found: BTreeMap<_, _> = query(seen).into_iter().collect();
    found.get(name).unwrap_or_else(|| panic!("no {name}: {found:?}")).clone()
}

fn headers(seen: &Seen) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &seen.headers {
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::try_from(value).unwrap());
    }
    headers
}

fn signed_names(seen: &Seen) -> Vec<String> {
    let authorization = seen.header("authorization").unwrap();
    let names = authorization.split("SignedHeaders=").nth(1).unwrap();
    names.split(',').next().unwrap().split(';').map(String::from).collect()
}

async fn is_signed(seen: &Seen, key: Credentials) {
    let verifier = Verifier::new(key).schemes([Scheme::Full]);
    let verified = verifier.verify(&Method::POST, &uri(seen), &headers(seen), &seen.body).await;
    assert_eq!(verified.map(|verified| verified.key_id).as_deref(), Ok(KEY), "{seen:?}");
}

fn channeling() -> AgentConfig {
    let mut config = agent_config();
    let mut yes = AutoSpeechContent::new();
    yes.text = Some("BackChannelingConfig Enable".into());
    let mut first = BackChannelingConfig::new();
    (first.enable, first.words) = (Some(true), Some(vec![yes]));
    config.back_channeling = vec![first, BackChannelingConfig::new()];
    config
}

const FORBIDDEN: &str = r#"{"RequestId":"r-1","HostId":"ice.cn-shanghai.aliyuncs.com",
    "Code":"Forbidden","Message":"User not authorized.","Recommend":"https://next.api.aliyun.com"}"#;

/// Records the requests, and answers each action with a success.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(String, HeaderMap)>>>);

impl Recorder {
    fn taken(&self) -> Vec<(String, HeaderMap)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Transport for Recorder {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let (url, headers) = (request.url().to_string(), request.headers().clone());
        let name = CALLS.into_iter().find(|name| headers["x-acs-action"] == action(name));
        let body = good(name.unwrap()).to_string();
        self.0.lock().unwrap().push((url, headers));
        Box::pin(async { Ok(http::Response::new(reqwest::Body::from(body)).into()) })
    }
}
