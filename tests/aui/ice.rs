//! The client of ICE: what it sends, over sockets, and how that is signed; which answers are a success
//! and which error stands for which failure; where it may send to; and an app server that stands on it.

#![cfg(all(feature = "aui", feature = "client", feature = "server"))]

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
    self, AgentSetting, AnyCaller, AppServer, Base, RtcTokens, StartInstanceInChannelRequest,
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

/// Makes a call, and tells its status.
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

/// The same as the upstream of an app server.
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

#[tokio::test]
async fn each_action_sends_its_query_and_signed_headers() {
    let stub = five().await;
    let client = client(&stub);
    for name in CALLS {
        assert_eq!(call(&client, name).await.unwrap(), 200, "{name}");
    }
    let seen = stub.seen();
    assert_eq!(seen.len(), 5);
    let greeting = r#"{"Greeting":"Hello, \"you\" & me!"}"#;
    for (seen, name) in seen.iter().zip(CALLS) {
        assert_eq!(uri(seen).path(), "/", "{name}");
        assert_eq!(seen.header("x-acs-action"), Some(action(name)));
        assert_eq!(seen.header("x-acs-version"), Some("2020-11-09"), "{name}");
        assert_eq!(seen.header("accept"), Some("application/json"), "{name}");
        assert_eq!(seen.header("x-acs-content-sha256"), Some(EMPTY), "{name}");
        assert_eq!(seen.header("host"), stub.url.strip_prefix("http://"), "{name}");
        assert_eq!(seen.header("x-acs-signature-nonce").unwrap().len(), 32, "{name}");
        for absent in ["content-type", "x-acs-security-token", "transfer-encoding", "user-agent"] {
            assert_eq!(seen.header(absent), None, "{name}: {absent}");
        }
        assert!(seen.body.is_empty(), "{name}");
        assert!(matches!(seen.header("content-length"), None | Some("0")), "{name}");
        assert_eq!(
            signed_names(seen),
            [
                "host",
                "x-acs-action",
                "x-acs-content-sha256",
                "x-acs-date",
                "x-acs-signature-nonce",
                "x-acs-version"
            ],
            "{name}"
        );
        is_signed(seen, key()).await;
        let expected: Vec<(&str, &str)> = match name {
            "generate" => vec![
                ("AIAgentId", "agent-1"),
                ("AgentConfig", greeting),
                ("ChatSyncConfig", r#"{"IMAIAgentId":"chat-1","ReceiverId":"u1"}"#),
                ("Expire", "3600"),
                ("SessionId", "session-1"),
                ("TemplateConfig", r#"{"VoiceChat":{"Greeting":"Hi"}}"#),
                ("UserData", r#"{"Language":"en"}"#),
                ("UserId", "u1"),
            ],
            "start" => vec![
                ("AIAgentId", "agent-1"),
                ("AgentConfig", greeting),
                (
                    "RuntimeConfig",
                    r#"{"AgentUserId":"a1","ChannelId":"c1","AuthToken":"eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImMxIn0+/w=="}"#,
                ),
                ("SessionId", "session-1"),
            ],
            "update" => vec![("AgentConfig", greeting), ("InstanceId", "i1")],
            _ => vec![("InstanceId", "i1")],
        };
        let query = query(seen);
        let query: Vec<_> = query.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(query, expected, "{name}");
    }
    let nonces: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| seen.header("x-acs-signature-nonce")).collect();
    assert_eq!(nonces.len(), 5);
}

#[tokio::test]
async fn the_answers_are_typed() {
    let stub = five().await;
    let client = client(&stub);
    let call = client.generate_call(&generate()).await.unwrap();
    assert_eq!((&*call.instance_id, &*call.channel_id, &*call.agent_user_id), ("i1", "c1", "a1"));
    assert_eq!(call.token.expose(), "user token");
    assert_eq!((call.user_id.as_deref(), call.request_id.as_deref()), (Some("u1"), Some("r1")));
    let started = client.start_instance(&start()).await.unwrap();
    assert_eq!((&*started.instance_id, started.request_id.as_deref()), ("i1", Some("r1")));
    let stopped = client.stop_instance(&StopInstanceRequest::new("i1")).await.unwrap();
    assert_eq!(stopped.request_id.as_deref(), Some("r1"));
    let updated = client.update_instance(&update()).await.unwrap();
    assert_eq!(updated.request_id.as_deref(), Some("r1"));
    let described = client.describe_instance(&DescribeInstanceRequest::new("i1")).await.unwrap();
    let instance = &described.instance;
    assert_eq!(instance.status, Some(InstanceStatus::Executing));
    let runtime = instance.runtime_config.as_ref().unwrap();
    assert_eq!(runtime.auth_token.as_ref().unwrap().expose(), AUTH_TOKEN);
    let config = instance.agent_config.as_ref().unwrap();
    assert_eq!((config.volume, config.back_channeling[0].enable), (Some(90), Some(true)));
}

#[tokio::test]
async fn what_is_not_set_is_left_out() {
    let stub =
        Stub::new(vec![ok(&good("generate")), ok(&good("start")), ok(&good("update"))]).await;
    let client = client(&stub);
    client.generate_call(&GenerateCallRequest::new("agent-1")).await.unwrap();
    let runtime = RuntimeConfig::new("a1", "c1", "t");
    client.start_instance(&StartInstanceRequest::new("agent-1", runtime)).await.unwrap();
    client.update_instance(&UpdateInstanceRequest::new("i1")).await.unwrap();
    let lines: Vec<_> = stub.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "POST /?AIAgentId=agent-1 HTTP/1.1",
            "POST /?AIAgentId=agent-1&RuntimeConfig=%7B%22AgentUserId%22%3A%22a1%22%2C%22ChannelId\
             %22%3A%22c1%22%2C%22AuthToken%22%3A%22t%22%7D HTTP/1.1",
            "POST /?InstanceId=i1 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn odd_texts_are_encoded_as_they_are_signed() {
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    let client = client(&stub);
    for (id, encoded) in [
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a&InstanceId=b", "a%26InstanceId%3Db"),
        ("a#b?c/d\\e", "a%23b%3Fc%2Fd%5Ce"),
        ("-._~*'()!$,;:@", "-._~%2A%27%28%29%21%24%2C%3B%3A%40"),
        ("50%25", "50%2525"),
        ("你好 🎧", "%E4%BD%A0%E5%A5%BD%20%F0%9F%8E%A7"),
        ("a\r\nx-acs-action: b\0", "a%0D%0Ax-acs-action%3A%20b%00"),
        ("", ""),
    ] {
        client.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
        let seen = stub.seen().pop().unwrap();
        assert_eq!(seen.line, format!("POST /?InstanceId={encoded} HTTP/1.1"));
        assert_eq!(query(&seen), [("InstanceId".to_owned(), id.to_owned())]);
        is_signed(&seen, key()).await;
    }
}

#[tokio::test]
async fn the_signature_is_that_of_the_vendors_rule() {
    let stub = five().await;
    let now = humantime::parse_rfc3339("2026-01-02T03:04:05Z").unwrap();
    let key = key().with_token(STS);
    let client = Client::builder(key.clone()).base_url(&stub.url).clock(now).build().unwrap();
    call(&client, "generate").await.unwrap();
    let seen = stub.seen().remove(0);
    assert_eq!(seen.header("x-acs-date"), Some("2026-01-02T03:04:05Z"));
    assert_eq!(seen.header("x-acs-security-token"), Some(STS));
    // Written anew, from the vendor's document alone.
    let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;\
                 x-acs-signature-nonce;x-acs-version";
    let canonical: String =
        names.split(';').map(|name| format!("{name}:{}\n", seen.header(name).unwrap())).collect();
    let raw = uri(&seen).query().unwrap().to_owned();
    let request = format!("POST\n/\n{raw}\n{canonical}\n{names}\n{EMPTY}");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(request.as_bytes())));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let expected =
        format!("ACS3-HMAC-SHA256 Credential={KEY},SignedHeaders={names},Signature={signature}");
    assert_eq!(seen.header("authorization"), Some(&*expected));
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

#[tokio::test]
async fn back_channeling_goes_out_in_the_spelling_of_ice_and_nothing_else_changes() {
    let stub = five().await;
    let client = client(&stub);
    let plain = serde_json::to_value(channeling()).unwrap();
    assert_eq!(plain["BackChannelingConfig"][0]["Enable"], true, "the SDK of the apps");
    let expected = json!({
        "Greeting": "Hello, \"you\" & me!",
        "BackChannelingConfigs": [
            {"Enabled": true, "TriggerStage": "pause_detected", "Probability": 0.5,
                "Words": [{"Text": "BackChannelingConfig Enable", "Probability": 1.0}]},
            {"Enabled": false, "TriggerStage": "pause_detected", "Probability": 0.5, "Words": []},
        ],
    });
    let data = r#"{"BackChannelingConfig":[{"Enable":true}]}"#;
    let call = generate().with_agent_config(channeling()).with_user_data(data);
    client.generate_call(&call).await.unwrap();
    client.start_instance(&start().with_agent_config(channeling())).await.unwrap();
    client.stop_instance(&StopInstanceRequest::new("i1")).await.unwrap();
    client.update_instance(&update().with_agent_config(channeling())).await.unwrap();
    let seen = stub.seen();
    for index in [0, 1, 3] {
        let config = parameter(&seen[index], "AgentConfig");
        assert_eq!(serde_json::from_str::<Value>(&config).unwrap(), expected);
        // What goes out is read as what was set.
        assert_eq!(serde_json::from_str::<AgentConfig>(&config).unwrap(), channeling());
    }
    assert_eq!(parameter(&seen[0], "UserData"), data);
    assert_eq!(parameter(&seen[0], "TemplateConfig"), r#"{"VoiceChat":{"Greeting":"Hi"}}"#);
}

#[tokio::test]
async fn what_breaks_the_spec_is_not_sent() {
    let stub = five().await;
    let client = client(&stub);
    let mut loud = agent_config();
    loud.volume = Some(401);
    for (request, pointers) in [
        (generate().with_user_id("u".repeat(65)), vec!["/UserId"]),
        (generate().with_expire(Duration::from_secs(604_801)), vec!["/Expire"]),
        (generate().with_expire(Duration::from_millis(1500)), vec!["/Expire"]),
        (
            generate().with_user_id("u".repeat(65)).with_agent_config(loud),
            vec!["/UserId", "/AgentConfig/Volume"],
        ),
        (generate().with_user_data("x".repeat(65_534)), vec!["/UserData"]),
    ] {
        let error = client.generate_call(&request).await.unwrap_err();
        let found: Vec<_> = error.violations().unwrap().iter().map(|it| it.pointer()).collect();
        assert_eq!(found, pointers);
        let error = client.generate(None, request).await.unwrap_err();
        assert_eq!((error.status(), error.code()), (400, Some("InvalidParameter")));
        for pointer in pointers {
            assert!(error.message().contains(&format!("{pointer}: ")), "{error}");
        }
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn the_longest_url_is_sent_and_a_longer_one_is_not() {
    let stub = five().await;
    let client = client(&stub);
    let room = 65_534 - format!("{}/?InstanceId=", stub.url).len();
    let long = StopInstanceRequest::new("i".repeat(room + 1));
    let error = client.stop_instance(&long).await.unwrap_err();
    assert!(error.to_string().starts_with("not sent: /InstanceId: "), "{error}");
    assert_eq!(stub.connections(), 0);
    let longest = StopInstanceRequest::new("i".repeat(room));
    client.stop_instance(&longest).await.unwrap();
    is_signed(&stub.seen()[0], key()).await;
}

const FORBIDDEN: &str = r#"{"RequestId":"r-1","HostId":"ice.cn-shanghai.aliyuncs.com",
    "Code":"Forbidden","Message":"User not authorized.","Recommend":"https://next.api.aliyun.com"}"#;

#[tokio::test]
async fn each_failure_has_its_code_its_words_its_id_and_its_status() {
    for (status, body, code, message, id) in [
        ("403 Forbidden", FORBIDDEN, "Forbidden", Some("User not authorized."), Some("r-1")),
        (
            "404 Not Found",
            r#"{"code":"InvalidAccessKeyId.NotFound","message":"no key","requestId":"r-2"}"#,
            "InvalidAccessKeyId.NotFound",
            Some("no key"),
            Some("r-2"),
        ),
        (
            "400 Bad Request",
            r#"{"Code":"AgentNotFound","Message":"The specified agentId \"a\" is not found."}"#,
            "AgentNotFound",
            Some("The specified agentId \"a\" is not found."),
            None,
        ),
        ("429 Too Many Requests", r#"{"Code":"Throttling.User"}"#, "Throttling.User", None, None),
        (
            "503 Service Unavailable",
            r#"{"Code":"ServiceUnavailable","Message":"later"}"#,
            "ServiceUnavailable",
            Some("later"),
            None,
        ),
        // It has all that an answer has, and is a failure nevertheless.
        (
            "500 Internal Server Error",
            r#"{"Code":"InternalError","InstanceId":"i1","ChannelId":"c1","AIAgentUserId":"a1",
                "Token":"t","Instance":{}}"#,
            "InternalError",
            None,
            None,
        ),
        ("200 OK", r#"{"Code":"InternalError","InstanceId":"i1"}"#, "InternalError", None, None),
    ] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let client = client(&stub);
        for name in CALLS {
            let error = call(&client, name).await.unwrap_err();
            let failure = error.failure().unwrap_or_else(|| panic!("{name} {status}: {error}"));
            assert_eq!(failure.code(), code, "{name} {status}");
            assert_eq!(failure.message(), message, "{name} {status}");
            assert_eq!(error.request_id(), id, "{name} {status}");
            let number: u16 = status[..3].parse().unwrap();
            assert_eq!(error.status().unwrap(), number, "{name} {status}");
            assert!(error.to_string().starts_with(&format!("{}: failure", action(name))));
            let upstream = ask(&client, name, None).await.unwrap_err();
            let expected = if number == 200 { 502 } else { number };
            assert_eq!((upstream.status(), upstream.code()), (expected, Some(code)), "{name}");
            assert_eq!(upstream.message(), message.unwrap_or("the platform refused the call"));
            assert_eq!(upstream.request_id(), id, "{name} {status}");
        }
        assert_eq!(stub.seen().len(), 10, "no call is made again");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_has_its_status() {
    let xml = "<?xml version='1.0'?><Error><Code>Forbidden</Code><HostId>h</HostId></Error>";
    for (status, body) in [
        ("403 Forbidden", xml),
        ("403 Forbidden", ""),
        ("404 Not Found", "<html>no such page</html>"),
        ("400 Bad Request", "{}"),
        ("400 Bad Request", "[]"),
        ("400 Bad Request", r#"{"Code":"","Message":"x"}"#),
        ("400 Bad Request", r#"{"Code":null}"#),
        ("502 Bad Gateway", "{\"Code\":"),
        ("503 Service Unavailable", "no"),
        ("302 Found", ""),
        // Its form is that of a success.
        ("500 Internal Server Error", r#"{"InstanceId":"i1","RequestId":"r1"}"#),
    ] {
        let stub = Stub::answering(answer(status, "content-type: text/xml\r\n", body)).await;
        let client = client(&stub);
        let number: u16 = status[..3].parse().unwrap();
        for name in CALLS {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(error.status().unwrap(), number, "{name} {body}");
            assert!(error.failure().is_none(), "{name} {body}: {error}");
            assert!(error.to_string().contains(&format!("HTTP {number}")), "{name}: {error}");
            let upstream = ask(&client, name, None).await.unwrap_err();
            let expected = if number < 400 { 502 } else { number };
            assert_eq!((upstream.status(), upstream.code()), (expected, None), "{name} {body}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_says_where() {
    for (name, body, pointer) in [
        ("generate", r#"{"InstanceId":"i1","ChannelId":"c1","AIAgentUserId":"a1"}"#, "/Token"),
        ("start", "{}", "/InstanceId"),
        ("describe", "{}", "/Instance"),
        (
            "describe",
            r#"{"Instance":{"AgentConfig":{"Volume":"loud"}}}"#,
            "/Instance/AgentConfig/Volume",
        ),
        ("stop", "not JSON", ""),
        ("update", "[]", ""),
        ("update", "", ""),
    ] {
        let stub = Stub::answering(json_answer("200 OK", body)).await;
        let client = client(&stub);
        let error = call(&client, name).await.unwrap_err();
        let found = error.decode_error().unwrap_or_else(|| panic!("{name} {body}: {error}"));
        assert_eq!(found.pointer(), pointer, "{name} {body}: {error}");
        assert!(!error.to_string().contains("loud"), "{error}");
        let upstream = ask(&client, name, None).await.unwrap_err();
        assert_eq!(upstream.status(), 502, "{name} {body}");
        assert_eq!(upstream.message(), "the platform's answer can't be read");
    }
    // These have nothing that must be there.
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    for name in ["stop", "update"] {
        call(&client(&stub), name).await.unwrap();
    }
    let stub = Stub::answering(json_answer("200 OK", &good("stop").to_string())).await;
    let small = builder(&stub).options(CallOptions::new().body_limit(4)).build().unwrap();
    let error = call(&small, "stop").await.unwrap_err();
    assert!(error.to_string().contains("larger than 4 bytes"), "{error}");
    assert_eq!(ask(&small, "stop", None).await.unwrap_err().status(), 502);
}

#[tokio::test]
async fn only_what_reads_is_made_again_and_each_attempt_is_signed_anew() {
    let again = CallOptions::new().retries(Retries::up_to(2).initial_backoff(Duration::ZERO));
    for (status, body) in [
        ("503 Service Unavailable", "no"),
        ("503 Service Unavailable", r#"{"Code":"ServiceUnavailable"}"#),
        ("429 Too Many Requests", "{}"),
        ("400 Bad Request", r#"{"Code":"Throttling"}"#),
        ("400 Bad Request", r#"{"Code":"Throttling.Api"}"#),
    ] {
        for name in CALLS {
            let stub = Stub::answering(json_answer(status, body)).await;
            let built = builder(&stub).options(again.clone()).build().unwrap();
            for client in [
                &built,
                &client(&stub).with_options(again.clone()),
                &built.with_region("cn-beijing").unwrap(),
            ] {
                let before = stub.seen().len();
                let error = call(client, name).await.unwrap_err();
                assert!(error.is_retryable(), "{name} {status} {body}");
                let seen = stub.seen().split_off(before);
                assert_eq!(seen.len(), if name == "describe" { 3 } else { 1 }, "{name} {body}");
                let verifier = Verifier::new(key()).schemes([Scheme::Full]);
                for seen in &seen {
                    // It remembers the nonces.
                    let verified =
                        verifier.verify(&Method::POST, &uri(seen), &headers(seen), b"").await;
                    assert!(verified.is_ok(), "{verified:?}");
                }
            }
        }
    }
    for (status, body) in [("400 Bad Request", r#"{"Code":"Thro"}"#), ("500 Oh", FORBIDDEN)] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let client = builder(&stub).options(again.clone()).build().unwrap();
        assert!(!call(&client, "describe").await.unwrap_err().is_retryable());
        assert_eq!(stub.seen().len(), 1, "{body}");
    }
}

/// Keeps what would be sent, and answers each action well.
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

const NO_REGIONS: [&str; 22] = [
    "cn-shanghai.evil.com",
    "cn-shanghai.aliyuncs.com@evil.com",
    "a-b@evil",
    "../",
    "cn-shanghai/../..",
    "cn-shanghai/",
    "cn-shanghai#",
    "cn-shanghai?",
    "cn-shanghai:80",
    "CN-SHANGHAI",
    "Cn-shanghai",
    "",
    " cn-shanghai",
    "cn-shanghai ",
    "cn-shanghai\n",
    "cn-shanghai\0",
    "cn_shanghai",
    "cnshanghai",
    "cn--shanghai",
    "-cn-shanghai",
    "cn-shanghaı",
    "cn-shang%68ai",
];

#[tokio::test]
async fn the_region_is_the_host_and_no_other_is_called() {
    let recorder = Recorder::default();
    let client = Client::builder(key()).transport(recorder.clone()).build().unwrap();
    assert_eq!(client.region().as_str(), "cn-shanghai");
    assert_eq!(client.regions().map(Region::as_str).collect::<Vec<_>>(), Region::LISTED);
    for region in Region::LISTED {
        let there = client.with_region(region).unwrap();
        assert_eq!(there.region().as_str(), region);
        call(&there, "stop").await.unwrap();
        ask(&client, "stop", Some(region)).await.unwrap();
        for (url, headers) in recorder.taken() {
            assert_eq!(url, format!("https://ice.{region}.aliyuncs.com/?InstanceId=i1"));
            assert_eq!(headers["host"], format!("ice.{region}.aliyuncs.com"));
            let uri: Uri = url.parse().unwrap();
            let verifier = Verifier::new(key()).schemes([Scheme::Full]);
            verifier.verify(&Method::POST, &uri, &headers, b"").await.unwrap();
        }
        // From there back, and none at all.
        assert_eq!(there.with_region("us-west-1").unwrap().region().as_str(), "us-west-1");
        ask(&there, "stop", None).await.unwrap();
        assert!(recorder.taken()[0].0.contains(region));
    }
    let long = "a-".repeat(50);
    let odd = NO_REGIONS.into_iter().chain([&*long, "cn-chengdu", "cn-shanghai-2"]);
    for region in odd {
        let error = client.with_region(region).unwrap_err();
        let violation = error.violations().unwrap().iter().next().unwrap().clone();
        assert_eq!(violation.pointer(), "/region");
        assert_eq!(violation.allowed(), Region::LISTED.join(", "));
        // What has not the form of a region does not get as far as an upstream.
        if region.parse::<Region>().is_err() {
            continue;
        }
        for name in CALLS {
            let error = ask(&client, name, Some(region)).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (400, Some("InvalidParameter")), "{name}");
            let message = error.message();
            assert!(message.starts_with("/region: \""), "{message}");
            assert!(message.contains("cn-shanghai, cn-beijing"), "{message}");
            assert!(!message.contains(['\n', '\0']) && message.len() < 250, "{message}");
        }
    }
    let error = client.with_region(&long).unwrap_err().to_string();
    assert!(error.contains(&format!("/region: \"{}\",", "a-".repeat(32))), "{error}");
    assert!(recorder.taken().is_empty(), "something was sent");
}

#[tokio::test]
async fn the_list_of_regions_is_ones_own_and_counts_at_another_server_too() {
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    let client = builder(&stub)
        .region("cn-chengdu")
        .regions(["cn-beijing", "cn-chengdu", "cn-beijing"])
        .build()
        .unwrap();
    assert_eq!(client.region().as_str(), "cn-chengdu");
    let regions: Vec<_> = client.regions().map(Region::as_str).collect();
    assert_eq!(regions, ["cn-beijing", "cn-chengdu"]);
    ask(&client, "stop", None).await.unwrap();
    ask(&client, "stop", Some("cn-beijing")).await.unwrap();
    for region in ["cn-shanghai", "us-west-1"] {
        let error = ask(&client, "stop", Some(region)).await.unwrap_err();
        assert!(error.message().ends_with("allowed: cn-beijing, cn-chengdu"), "{error}");
    }
    assert_eq!(stub.seen().len(), 2);
    // A path in front of it stays.
    let client = builder(&stub).base_url(&format!("{}/ice//", stub.url)).build().unwrap();
    call(&client, "stop").await.unwrap();
    assert_eq!(stub.seen()[2].line, "POST /ice/?InstanceId=i1 HTTP/1.1");
    is_signed(&stub.seen()[2], key()).await;
}

#[tokio::test]
async fn settings_that_can_not_be_are_refused_when_the_client_is_built() {
    let build = |change: &dyn Fn(ClientBuilder) -> ClientBuilder| {
        change(Client::builder(key())).build().map(drop).map_err(|error| error.to_string())
    };
    for region in NO_REGIONS {
        let error = build(&|builder| builder.regions(["cn-shanghai", region])).unwrap_err();
        assert!(error.contains("not a region id"), "{error}");
        assert!(build(&|builder| builder.region(region)).is_err(), "{region}");
    }
    assert!(build(&|builder| builder.regions(["cn-beijing"])).unwrap_err().contains("allowed"));
    assert!(build(&|builder| builder.regions(Vec::<String>::new())).is_err());
    for url in [
        "",
        "ice",
        "ftp://ice",
        "mailto:ice",
        "http://h?a=b",
        "http://h#a",
        "http://hunter2@h",
        "http://a:hunter2@h",
    ] {
        let error = build(&|builder| builder.base_url(url)).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
    for key in [Credentials::new("key\n", SECRET), key().with_token("hunter2\n")] {
        let error = Client::builder(key).build().unwrap_err().to_string();
        assert!(error.contains("can't be signed") && !error.contains("hunter2"), "{error}");
    }
    // The secret goes into no header.
    Client::builder(Credentials::new(KEY, "\n\0")).build().unwrap();
}

#[tokio::test]
async fn the_regions_share_their_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            *counter.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {
                    if bytes.ends_with(b"\r\n\r\n") {
                        bytes.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    let client = Client::builder(key()).base_url(&url).build().unwrap();
    for region in Region::LISTED {
        call(&client.with_region(region).unwrap(), "stop").await.unwrap();
        ask(&client.clone(), "update", Some(region)).await.unwrap();
    }
    assert_eq!(*count.lock().unwrap(), 1);
}

#[tokio::test]
async fn deadlines_and_ways_that_fail_are_told_without_what_is_inside() {
    let stub = Stub::new(vec![vec![Step::Hold]]).await;
    let quick = CallOptions::new().call_deadline(Duration::from_millis(50));
    let slow = builder(&stub).options(quick.clone()).build().unwrap();
    // The head comes, and the rest does not.
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{";
    let half_stub = Stub::new(vec![vec![send(half), Step::Hold]]).await;
    let half = builder(&half_stub).options(quick).build().unwrap();
    for client in [&slow, &half] {
        for name in CALLS {
            let error = call(client, name).await.unwrap_err();
            assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
            let error = ask(client, name, None).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (504, None), "{name}");
            assert_eq!(error.message(), "the platform did not answer in time");
        }
    }
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let refused = Client::builder(key()).base_url(&closed).build().unwrap();
    let reset = Stub::new(vec![vec![Step::Reset]]).await;
    let reset = client(&reset);
    let cut = "HTTP/1.1 503 Oh\r\ncontent-length: 9\r\n\r\n{";
    let cut = Stub::answering(cut).await;
    let cut = client(&cut);
    for client in [&refused, &reset, &cut] {
        for name in CALLS {
            let error = call(client, name).await.unwrap_err();
            assert!(error.is_transport(), "{name}: {error}");
            let error = ask(client, name, None).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (502, None), "{name}");
            assert_eq!(error.message(), "the connection to the platform failed");
        }
    }
}

/// Says what must not be said.
struct Loose;

impl Transport for Loose {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        Box::pin(async { Err(TransportError::new("no way to 10.1.2.3")) })
    }
}

#[tokio::test]
async fn what_a_transport_says_stays_here() {
    let client = Client::builder(key()).transport(Loose).build().unwrap();
    let error = ask(&client, "start", None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("10.1.2.3"), "{error:?}");
    // Who runs the server can ask for it.
    let source = std::error::Error::source(&error).unwrap();
    assert!(format!("{source:?}").contains("10.1.2.3"), "{source:?}");
}

#[track_caller]
fn hides(what: &str, text: &str) {
    for secret in [SECRET, STS, AUTH_TOKEN, "eyJhcHBpZCI6ImFi", "user token", "wrong form"] {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

#[tokio::test]
async fn nothing_secret_shows() {
    let (traces, guard) = traced();
    let key = key().with_token(STS);
    let encoded: String = form_urlencoded::byte_serialize(AUTH_TOKEN.as_bytes()).collect();
    let twice: String = form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
    let canonical = format!("POST\n/\nRuntimeConfig={encoded}\nx-acs-security-token:{STS}");
    let bodies = [
        json!({"Code": "SignatureDoesNotMatch", "Message": canonical, "RequestId": "r-1"}),
        json!({"code": "IncompleteSignature", "message": canonical}),
        json!({"Code": "InvalidSecurityToken.Malformed", "Message": format!("token {STS}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {AUTH_TOKEN}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {encoded}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {twice}")}),
        json!({"Token": ["wrong form"], "InstanceId": {"wrong form": 1}}),
        json!([STS, AUTH_TOKEN]),
    ];
    for body in bodies.iter().chain(CALLS.map(good).iter()) {
        for status in ["200 OK", "400 Bad Request", "503 Service Unavailable"] {
            let stub = Stub::answering(json_answer(status, &body.to_string())).await;
            let again =
                CallOptions::new().retries(Retries::up_to(1).initial_backoff(Duration::ZERO));
            let builder = Client::builder(key.clone()).base_url(&stub.url).options(again);
            hides("the builder", &format!("{builder:?}"));
            let client = builder.build().unwrap();
            hides("the client", &format!("{client:?}"));
            assert!(!format!("{client:?}").contains(&stub.url));
            for name in CALLS {
                // Only a start has the token of an agent to hide.
                let text = body.to_string();
                if name != "start" && text.contains("no token") {
                    continue;
                }
                if let Err(error) = call(&client, name).await {
                    let what = format!("{name} {status} {body}");
                    hides(&what, &format!("{error} {error:?} {error:#?}"));
                }
                if let Err(error) = ask(&client, name, None).await {
                    hides(name, &format!("{error} {error:?}"));
                }
            }
        }
    }
    let generated = format!("{:?}", client_answer().await);
    hides("the answer", &generated);
    for base in ["http://127.0.0.1:1", "http://nowhere.invalid"] {
        let client = Client::builder(key.clone()).base_url(base).build().unwrap();
        let error = call(&client, "start").await.unwrap_err();
        assert!(error.is_transport(), "{error}");
        hides(base, &format!("{error} {error:?}"));
        ask(&client, "start", None).await.unwrap_err();
    }
    drop(guard);
    let text = traces.text();
    for part in ["response received", "no response", "retrying: ", "a call to ICE failed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    hides("the traces", &text);
}

async fn client_answer() -> impl std::fmt::Debug {
    let stub = five().await;
    client(&stub).generate_call(&generate()).await.unwrap()
}

#[tokio::test]
async fn words_that_repeat_no_secret_stay() {
    let body = json!({"Code": "InvalidParameter", "Message": "RuntimeConfig is not valid: eyJ"});
    let stub = Stub::answering(json_answer("400 Bad Request", &body.to_string())).await;
    for token in [AUTH_TOKEN, "", "-", "short", "valid-no"] {
        let runtime = RuntimeConfig::new("a1", "c1", token);
        let request = StartInstanceRequest::new("agent-1", runtime);
        let error = client(&stub).start_instance(&request).await.unwrap_err();
        let message = error.failure().unwrap().message();
        assert_eq!(message, Some("RuntimeConfig is not valid: eyJ"), "{token}");
    }
    let request = StartInstanceRequest::new("agent-1", RuntimeConfig::new("a1", "c1", "valid:"));
    let error = client(&stub).start_instance(&request).await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), None);
}

/// An app server over ICE, and a client of it.
fn app(ice: Client) -> aui::Client {
    let tokens = RtcTokens::new("app-1", "app key");
    let app = AppServer::new(ice, tokens)
        .agent(AgentType::Voice, "agent-1")
        .callers_may_set(AgentSetting::ALL)
        .channel_id_length(None);
    let router = aui::router(app, AnyCaller);
    let transport = InMemoryTransport::new(router);
    aui::Client::builder("http://app", Base::V2).transport(transport).build().unwrap()
}

#[tokio::test]
async fn an_app_server_stands_on_it() {
    let names = ["generate", "start", "update", "describe", "stop", "start", "stop"];
    let bodies = names.iter().enumerate().map(|(index, name)| {
        let mut body = good(name);
        if *name == "start" {
            body["InstanceId"] = json!(format!("i{}", index + 1));
        }
        ok(&body)
    });
    let stub = Stub::new(bodies.collect()).await;
    let app = app(client(&stub));
    let call = aui::GenerateCallRequest::new(template())
        .with_agent_id("agent-9")
        .with_user_id("u1")
        .with_region("cn-beijing")
        .with_agent_config(channeling());
    let call = app.generate_call(&call).await.unwrap();
    assert_eq!((&*call.instance_id, &*call.channel_id), ("i1", "c1"));
    assert_eq!(call.rtc_token.expose(), "user token");
    assert_eq!(call.request_id.as_deref(), Some("r1"));
    let request = aui::StartInstanceRequest::new("u1", AgentType::Voice);
    let started = app.start_instance(&request).await.unwrap();
    assert_eq!(started.instance_id, "i2");
    let update = aui::UpdateInstanceRequest::new("i2", template()).with_agent_config(channeling());
    app.update_instance(&update).await.unwrap();
    let described =
        app.describe_instance(&aui::DescribeInstanceRequest::new("u1", "i1")).await.unwrap();
    assert_eq!(described.status, Some(InstanceStatus::Executing));
    let runtime = described.runtime_config.as_ref().unwrap();
    assert_eq!((runtime.channel_id.as_deref(), &runtime.auth_token), (Some("c1"), &None));
    app.stop_instance(&aui::StopInstanceRequest::new("i2")).await.unwrap();
    let there = StartInstanceInChannelRequest::new(StartInstanceInChannelRequestFields {
        user_id: "u1",
        agent_id: "agent-7",
        channel_id: "room1",
        workflow_type: AgentType::Voice,
        region: "cn-shenzhen",
    });
    assert_eq!(app.start_instance_in_channel(&there).await.unwrap().instance_id, "i6");
    app.stop_instance(&aui::StopInstanceRequest::new("i6")).await.unwrap();

    let seen = stub.seen();
    let actions: Vec<_> = seen.iter().map(|seen| seen.header("x-acs-action").unwrap()).collect();
    assert_eq!(actions, names.map(action));
    for seen in &seen {
        is_signed(seen, key()).await;
    }
    assert_eq!(parameter(&seen[0], "AIAgentId"), "agent-9");
    assert_eq!(parameter(&seen[0], "Expire"), "86400");
    for index in [0, 2] {
        let config: Value = serde_json::from_str(&parameter(&seen[index], "AgentConfig")).unwrap();
        assert_eq!(config["BackChannelingConfigs"][0]["Enabled"], true, "{config}");
        assert_eq!(config.get("BackChannelingConfig"), None);
    }
    let runtime: Value = serde_json::from_str(&parameter(&seen[1], "RuntimeConfig")).unwrap();
    assert_eq!(runtime["ChannelId"], *started.channel_id);
    assert_eq!(runtime["AgentUserId"], *started.agent_user_id);
    assert!(runtime["AuthToken"].as_str().unwrap().starts_with("eyJ"));
    for (index, id) in [(2, "i2"), (3, "i1"), (4, "i2"), (6, "i6")] {
        assert_eq!(parameter(&seen[index], "InstanceId"), id);
    }
}

#[tokio::test]
async fn an_app_server_stays_in_the_region_of_an_instance() {
    let recorder = Recorder::default();
    let ice = Client::builder(key()).transport(recorder.clone()).build().unwrap();
    let app = app(ice);
    let call = aui::GenerateCallRequest::new(template()).with_agent_id("agent-1");
    for (region, host) in [
        (None, "ice.cn-shanghai.aliyuncs.com"),
        (Some("ap-southeast-1"), "ice.ap-southeast-1.aliyuncs.com"),
        (Some("us-west-1"), "ice.us-west-1.aliyuncs.com"),
    ] {
        let mut call = call.clone();
        call.region = region.map(String::from);
        app.generate_call(&call).await.unwrap();
        let update = aui::UpdateInstanceRequest::new("i1", template());
        app.update_instance(&update).await.unwrap();
        let describe = aui::DescribeInstanceRequest::new("u1", "i1");
        app.describe_instance(&describe).await.unwrap();
        app.stop_instance(&aui::StopInstanceRequest::new("i1")).await.unwrap();
        let seen = recorder.taken();
        assert_eq!(seen.len(), 4);
        for (url, headers) in seen {
            assert!(url.starts_with(&format!("https://{host}/?")), "{url}");
            assert_eq!(headers["host"], host);
        }
    }
}

#[tokio::test]
async fn an_app_learns_of_a_failure_what_ice_says() {
    let refused = |status, body: &str| vec![send(json_answer(status, body))];
    let stub = Stub::new(vec![
        refused("403 Forbidden", FORBIDDEN),
        refused("400 Bad Request", r#"{"Code":"AgentNotFound","Message":"no agent"}"#),
        refused("503 Oh", "<xml/>"),
    ])
    .await;
    let app = app(client(&stub));
    let request = || aui::GenerateCallRequest::new(template()).with_agent_id("agent-1");
    let error = app.generate_call(&request()).await.unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!((failure.code(), failure.status()), ("Forbidden", Some(403)));
    assert_eq!(failure.message(), Some("User not authorized."));
    assert_eq!(failure.request_id(), Some("r-1"));
    // The key of the server lacks a right, and not the app's own token.
    assert_eq!(error.status().unwrap(), 200);
    let error = app.generate_call(&request()).await.unwrap_err();
    assert_eq!(aui::error_code(&error), callbot::aicall::ErrorCode::AgentNotFound);
    let error = app.generate_call(&request()).await.unwrap_err();
    assert_eq!(error.failure().unwrap().status(), Some(503));
    let sent = stub.seen().len();
    for region in ["cn-shanghai.evil.com", "a-b@evil", "../", "CN-SHANGHAI", "cn-chengdu"] {
        let error = app.generate_call(&request().with_region(region)).await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!((failure.code(), failure.status()), ("InvalidParameter", Some(400)));
        assert!(failure.message().unwrap().starts_with("/region: \""), "{failure}");
    }
    assert_eq!(stub.seen().len(), sent);
}
