//! The client of app servers: what it sends at each base, which answers are successes, and which error
//! code of the SDK each failure has.

#![cfg(all(feature = "aui", feature = "client"))]
#![allow(deprecated)]

use std::time::Duration;

use callbot::aicall::{
    AgentConfig, AgentType, ChatSyncConfig, ErrorCode, Template, TemplateConfig,
};
use callbot::aui::RtcToken;
use callbot::aui::ice::InstanceStatus;
use callbot::aui::{
    Base, ChatTokenRequest, Client, DescribeInstanceRequest, FailureAnswer, GenerateCallRequest,
    RtcTokenRequest, StartInstanceInChannelRequest, StartInstanceInChannelRequestFields,
    StartInstanceRequest, StopInstanceRequest, UpdateInstanceRequest, error_code,
};
use callbot::client::{CallOptions, Deadline, Error, Retries};
use serde_json::{Value, json};

use crate::support::script::*;

/// The calls that both bases have.
const COMMON: [&str; 5] = [
    "generateAIAgentCall",
    "startAIAgentInstance",
    "stopAIAgentInstance",
    "updateAIAgentInstance",
    "generateMessageChatToken",
];
/// The calls that only the current base has.
const CURRENT: [&str; 3] =
    ["startAIAgentInstanceWithChannel", "describeAIAgentInstance", "getRtcAuthToken"];

fn calls() -> impl Iterator<Item = &'static str> {
    COMMON.into_iter().chain(CURRENT)
}

fn template() -> Template {
    let mut voice = TemplateConfig::unset();
    voice.voice_id = Some("v1".into());
    Template::new().with_voice(voice)
}

/// Makes a call with every field set. Returns the request id in the answer.
async fn call(client: &Client, name: &str) -> Result<(), Error> {
    let day = Duration::from_secs(86400);
    let sync = ChatSyncConfig::new("chat-1", "u1");
    match name {
        "generateAIAgentCall" => {
            let request = GenerateCallRequest::new(template())
                .with_agent_id("agent-1")
                .with_workflow_type(AgentType::Voice)
                .with_user_id("u1")
                .with_expire(day)
                .with_agent_config(AgentConfig::default())
                .with_user_data("{\"a\":1}")
                .with_region("cn-shanghai")
                .with_session_id("s-1")
                .with_chat_sync_config(sync);
            client.generate_call(&request).await.map(drop)
        }
        "startAIAgentInstance" => {
            let request = StartInstanceRequest::new("u1", AgentType::Avatar)
                .with_template_config(template())
                .with_agent_config(AgentConfig::unset())
                .with_expire(day)
                .with_user_data("d")
                .with_session_id("s-1")
                .with_chat_sync_config(sync);
            client.start_instance(&request).await.map(drop)
        }
        "stopAIAgentInstance" => {
            let request = StopInstanceRequest::new("i1").with_user_id("u1");
            client.stop_instance(&request).await.map(drop)
        }
        "updateAIAgentInstance" => {
            let request = UpdateInstanceRequest::new("i1", template())
                .with_agent_config(AgentConfig::unset())
                .with_user_id("u1");
            client.update_instance(&request).await.map(drop)
        }
        "generateMessageChatToken" => {
            let request = ChatTokenRequest::new("agent-1", "u1")
                .with_role("admin")
                .with_expire(Duration::from_secs(3600))
                .with_region("cn-shanghai");
            client.chat_token(&request).await.map(drop)
        }
        "startAIAgentInstanceWithChannel" => {
            let request = StartInstanceInChannelRequest::new(StartInstanceInChannelRequestFields {
                user_id: "u1",
                agent_id: "agent-1",
                channel_id: "c1",
                workflow_type: AgentType::Vision,
                region: "cn-shanghai",
            })
            .with_template_config(template())
            .with_agent_config(AgentConfig::unset())
            .with_user_data("d")
            .with_session_id("s-1")
            .with_chat_sync_config(sync);
            client.start_instance_in_channel(&request).await.map(drop)
        }
        "describeAIAgentInstance" => {
            let request = DescribeInstanceRequest::new("u1", "i1").with_region("cn-shanghai");
            client.describe_instance(&request).await.map(drop)
        }
        _ => {
            let request = RtcTokenRequest::new("u1").with_channel_id("c1");
            client.rtc_token(&request).await.map(drop)
        }
    }
}

/// The body that [`call`] sends.
fn sent(name: &str) -> Value {
    let template = "{\"VoiceChat\":{\"VoiceId\":\"v1\"}}";
    let sync = "{\"IMAIAgentId\":\"chat-1\",\"ReceiverId\":\"u1\"}";
    match name {
        "generateAIAgentCall" => json!({
            "ai_agent_id": "agent-1", "workflow_type": "VoiceChat", "user_id": "u1",
            "expire": 86400, "template_config": template, "agent_config": DEFAULT_CONFIG,
            "user_data": "{\"a\":1}", "region": "cn-shanghai", "session_id": "s-1",
            "chat_sync_config": sync,
        }),
        "startAIAgentInstance" => json!({
            "user_id": "u1", "workflow_type": "AvatarChat3D", "template_config": template,
            "agent_config": "{}", "expire": 86400, "user_data": "d", "session_id": "s-1",
            "chat_sync_config": sync,
        }),
        "stopAIAgentInstance" => json!({"ai_agent_instance_id": "i1", "user_id": "u1"}),
        "updateAIAgentInstance" => json!({
            "ai_agent_instance_id": "i1", "template_config": template, "agent_config": "{}",
            "user_id": "u1",
        }),
        "generateMessageChatToken" => json!({
            "ai_agent_id": "agent-1", "user_id": "u1", "role": "admin", "expire": 3600,
            "region": "cn-shanghai",
        }),
        "startAIAgentInstanceWithChannel" => json!({
            "user_id": "u1", "ai_agent_id": "agent-1", "channel_id": "c1",
            "workflow_type": "VisionChat", "region": "cn-shanghai", "template_config": template,
            "agent_config": "{}", "user_data": "d", "session_id": "s-1", "chat_sync_config": sync,
        }),
        "describeAIAgentInstance" => {
            json!({"user_id": "u1", "ai_agent_instance_id": "i1", "region": "cn-shanghai"})
        }
        _ => json!({"user_id": "u1", "channel_id": "c1"}),
    }
}

/// The default configuration, in the bytes of the current SDK.
const DEFAULT_CONFIG: &str = "{\"EnablePushToTalk\":false,\"GracefulShutdown\":false,\
    \"EnableIntelligentSegment\":true,\"MaxIdleTime\":600,\"UserOnlineTimeout\":60,\
    \"UserOfflineTimeout\":5,\"Volume\":100,\"AsrConfig\":{\"VadLevel\":11},\
    \"LlmConfig\":{\"LlmCompleteReply\":false,\"HistorySyncWithTTS\":false},\
    \"InterruptConfig\":{\"EnableVoiceInterrupt\":true},\
    \"TurnDetectionConfig\":{\"Mode\":\"Semantic\"}}";

/// A successful answer to a call.
fn good(name: &str) -> &'static str {
    match name {
        "generateAIAgentCall" => include_str!("../fixtures/aui/generate.json"),
        "startAIAgentInstance" => include_str!("../fixtures/aui/start.json"),
        "stopAIAgentInstance" | "updateAIAgentInstance" => {
            include_str!("../fixtures/aui/result.json")
        }
        "generateMessageChatToken" => include_str!("../fixtures/aui/chat-token.json"),
        "startAIAgentInstanceWithChannel" => {
            include_str!("../fixtures/aui/start-with-channel.json")
        }
        "describeAIAgentInstance" => include_str!("../fixtures/aui/describe.json"),
        _ => include_str!("../fixtures/aui/rtc-token.json"),
    }
}

async fn stub(status: &str, body: &str) -> Stub {
    Stub::answering(json_answer(status, body)).await
}

fn client(stub: &Stub, base: Base) -> Client {
    Client::new(&stub.url, base).unwrap()
}

/// Returns the error of a call with this answer.
async fn error_of(name: &str, status: &str, body: &str) -> Error {
    let stub = stub(status, body).await;
    let called = call(&client(&stub, Base::V2), name).await;
    called.err().unwrap_or_else(|| panic!("{name} went well: {status} {body}"))
}

#[tokio::test]
async fn each_call_sends_its_path_and_its_body_at_each_base() {
    for (base, prefix) in [(Base::V1, "/api/v1/aiagent"), (Base::V2, "/api/v2/aiagent")] {
        for name in calls().filter(|name| base == Base::V2 || COMMON.contains(name)) {
            let stub = stub("200 OK", good(name)).await;
            let client = client(&stub, base);
            assert_eq!(client.base(), base);
            call(&client, name).await.unwrap();
            let seen = stub.seen().pop().unwrap();
            assert_eq!(seen.line, format!("POST {prefix}/{name} HTTP/1.1"));
            assert_eq!(seen.json(), sent(name), "{name}");
            assert_eq!(seen.header("content-type"), Some("application/json"));
            assert_eq!(seen.header("accept"), Some("application/json"));
            for absent in ["authorization", "cookie", "origin", "user-agent"] {
                assert_eq!(seen.header(absent), None, "{absent}");
            }
        }
    }
}

#[tokio::test]
async fn the_shortest_requests_have_only_the_required_fields() {
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    let client = client(&stub, Base::V2);
    let last = || stub.seen().pop().unwrap().json();
    client.generate_call(&GenerateCallRequest::new(Template::new())).await.unwrap();
    assert_eq!(last(), json!({"template_config": "{}"}));
    let request = StartInstanceRequest::new("u1", AgentType::Voice);
    client.start_instance(&request).await.unwrap();
    assert_eq!(last(), json!({"user_id": "u1", "workflow_type": "VoiceChat"}));
    drop(client.stop_instance(&StopInstanceRequest::new("i1")).await);
    assert_eq!(last(), json!({"ai_agent_instance_id": "i1"}));
    drop(client.update_instance(&UpdateInstanceRequest::new("i1", Template::new())).await);
    assert_eq!(last(), json!({"ai_agent_instance_id": "i1", "template_config": "{}"}));
    drop(client.chat_token(&ChatTokenRequest::new("agent-1", "u1")).await);
    assert_eq!(last(), json!({"ai_agent_id": "agent-1", "user_id": "u1"}));
    drop(client.describe_instance(&DescribeInstanceRequest::new("u1", "i1")).await);
    assert_eq!(last(), json!({"user_id": "u1", "ai_agent_instance_id": "i1"}));
    drop(client.rtc_token(&RtcTokenRequest::new("u1")).await);
    assert_eq!(last(), json!({"user_id": "u1"}));
}

#[tokio::test]
async fn a_time_to_live_is_written_as_a_number_of_seconds() {
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    let client = client(&stub, Base::V1);
    for (expire, text) in [
        (Duration::ZERO, "\"expire\":0,"),
        (Duration::from_secs(24), "\"expire\":24,"),
        (Duration::from_secs(24 * 3600), "\"expire\":86400,"),
        (Duration::from_millis(60_000), "\"expire\":60,"),
        (Duration::from_secs(7 * 86400), "\"expire\":604800,"),
    ] {
        let request = GenerateCallRequest::new(Template::new()).with_expire(expire);
        client.generate_call(&request).await.unwrap();
        let body = String::from_utf8(stub.seen().pop().unwrap().body).unwrap();
        assert!(body.contains(text), "{body}");
    }
}

#[tokio::test]
async fn the_session_of_a_synchronized_chat_is_a_separate_field() {
    let sync = ChatSyncConfig::new("chat-1", "u1").with_session_id("s-7");
    let request = GenerateCallRequest::new(Template::new()).with_chat_sync_config(sync);
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    client(&stub, Base::V2).generate_call(&request).await.unwrap();
    let expected = json!({
        "template_config": "{}", "session_id": "s-7",
        "chat_sync_config": "{\"IMAIAgentId\":\"chat-1\",\"ReceiverId\":\"u1\"}",
    });
    assert_eq!(stub.seen()[0].json(), expected);
}

#[tokio::test]
async fn the_base_is_appended_to_the_url() {
    for (tail, path) in [
        ("", "/api/v2/aiagent/stopAIAgentInstance"),
        ("/", "/api/v2/aiagent/stopAIAgentInstance"),
        ("/gateway", "/gateway/api/v2/aiagent/stopAIAgentInstance"),
        ("/gateway/", "/gateway/api/v2/aiagent/stopAIAgentInstance"),
    ] {
        let stub = stub("200 OK", good("stopAIAgentInstance")).await;
        let client = Client::new(&format!("{}{tail}", stub.url), Base::V2).unwrap();
        call(&client, "stopAIAgentInstance").await.unwrap();
        assert_eq!(stub.seen()[0].line, format!("POST {path} HTTP/1.1"));
    }
    for url in ["", "app.example", "ftp://app.example", "https://app.example/?a=b"] {
        assert!(Client::new(url, Base::V1).is_err(), "{url}");
    }
}

#[tokio::test]
async fn the_authorization_is_sent_unchanged_or_not_at_all() {
    for name in calls() {
        let stub = stub("200 OK", good(name)).await;
        let builder = || Client::builder(&stub.url, Base::V2);
        let plain = builder().build().unwrap();
        for (client, expected) in [
            (builder().authorization("token-1").build().unwrap(), Some("token-1")),
            (builder().authorization("Bearer token-1").build().unwrap(), Some("Bearer token-1")),
            (builder().authorization("").build().unwrap(), None),
            (plain.clone(), None),
            (plain.with_authorization("t-2"), Some("t-2")),
            (plain.with_authorization("t-2").with_authorization("t-3"), Some("t-3")),
            (plain.with_authorization("t-2").with_authorization(""), None),
            (plain.with_authorization("t-4").with_options(CallOptions::new()), Some("t-4")),
        ] {
            call(&client, name).await.unwrap();
            let seen = stub.seen().pop().unwrap();
            assert_eq!(seen.header("authorization"), expected, "{name}");
            assert!(!seen.json().to_string().contains("Authorization"), "{name}");
        }
    }
}

#[tokio::test]
async fn an_authorization_that_is_not_a_header_value_is_refused_and_does_not_show() {
    let stub = stub("200 OK", good("stopAIAgentInstance")).await;
    for token in ["secret-1\n", "secret-1\r\nHost: evil", "secret-1\0"] {
        let client = client(&stub, Base::V1).with_authorization(token);
        let error = call(&client, "stopAIAgentInstance").await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret-1"), "{error:?}");
        assert!(error.to_string().contains("Authorization"), "{error}");
        let error =
            Client::builder("http://app", Base::V1).authorization(token).build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret-1"), "{error:?}");
        let text = "the authorization has a character that a header can't contain";
        assert!(error.to_string().ends_with(text), "{error}");
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn tokens_do_not_show_in_debug() {
    let builder = Client::builder("http://user:password@app.example", Base::V1)
        .authorization("secret-1")
        .connect_deadline(Duration::from_secs(1));
    let mut shown = vec![format!("{builder:?}")];
    let client = builder.build().unwrap();
    shown.push(format!("{client:?} {:#?}", client.with_authorization("secret-1")));
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    let client = Client::new(&stub.url, Base::V2).unwrap().with_authorization("secret-1");
    let answer = client.generate_call(&GenerateCallRequest::new(Template::new())).await.unwrap();
    shown.push(format!("{answer:?} {client:?}"));
    for shown in shown {
        for secret in ["secret-1", "password", "eyJhcHBpZCI6ImFiYyJ9"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn answers_are_read() {
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    let request = GenerateCallRequest::new(Template::new());
    let made = client(&stub, Base::V1).generate_call(&request).await.unwrap();
    assert_eq!(
        (&*made.instance_id, &*made.channel_id, made.agent_user_id.as_deref(), &*made.agent_id),
        ("i1", "c1", Some("a1"), "agent-1")
    );
    assert_eq!(made.rtc_token.expose(), "eyJhcHBpZCI6ImFiYyJ9");
    assert_eq!((made.code, made.request_id.as_deref()), (Some(200), Some("r1")));
    assert_eq!(made.workflow_type, Some(AgentType::Voice));

    let stub = self::stub("200 OK", good("startAIAgentInstance")).await;
    let request = StartInstanceRequest::new("u1", AgentType::Voice);
    let started = client(&stub, Base::V1).start_instance(&request).await.unwrap();
    assert_eq!(
        (&*started.instance_id, &*started.channel_id, &*started.agent_user_id),
        ("i1", "c1", "a1")
    );
    assert_eq!(started.rtc_token.expose(), "eyJhcHBpZCI6ImFiYyJ9");

    let stub = self::stub("200 OK", good("startAIAgentInstanceWithChannel")).await;
    let request = StartInstanceInChannelRequest::new(StartInstanceInChannelRequestFields {
        user_id: "u1",
        agent_id: "agent-1",
        channel_id: "c1",
        workflow_type: AgentType::Voice,
        region: "cn-shanghai",
    });
    let started = client(&stub, Base::V2).start_instance_in_channel(&request).await.unwrap();
    assert_eq!((&*started.instance_id, &*started.agent_user_id), ("i1", "a1"));

    let stub = self::stub("200 OK", good("describeAIAgentInstance")).await;
    let request = DescribeInstanceRequest::new("u1", "i1");
    let described = client(&stub, Base::V2).describe_instance(&request).await.unwrap();
    assert_eq!(described.status, Some(InstanceStatus::Executing));
    assert_eq!(described.call_log_url.as_deref(), Some("https://logs.example/1"));
    assert_eq!(described.template_config, Some(template()));
    let config = described.agent_config.as_ref().unwrap();
    assert_eq!(config.tts.voice_id.as_deref(), Some("v2"));
    assert_eq!(config.volume, None, "what is missing is unset");
    let runtime = described.runtime_config.as_ref().unwrap();
    assert_eq!(runtime.channel_id.as_deref(), Some("c1"));
    assert_eq!(runtime.voice_chat.as_ref().unwrap().agent_user_id.as_deref(), Some("a1"));
    assert_eq!(described.user_data.as_deref(), Some("{\"a\":1}"));

    // Without a channel, as the vendor's server answers: the token contains it.
    let stub = self::stub("200 OK", good("getRtcAuthToken")).await;
    let answer = client(&stub, Base::V2).rtc_token(&RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!((answer.expires_at, &answer.channel_id), (1_699_423_634, &None));
    let token = RtcToken::read(answer.rtc_token.expose()).unwrap();
    assert_eq!((&*token.channel_id, token.expires_at), ("abcChannel", 1_699_423_634));

    let stub = self::stub("200 OK", good("generateMessageChatToken")).await;
    let request = ChatTokenRequest::new("agent-1", "u1");
    let answer = client(&stub, Base::V1).chat_token(&request).await.unwrap();
    assert_eq!((&*answer.app_id, answer.app_sign.expose()), ("app-1", "sign-1"));
    assert_eq!((answer.nonce.as_deref(), answer.role.as_deref()), (Some("AK-1"), Some("")));
    assert_eq!((&*answer.user_id, answer.expires_at), ("u1", 1_699_423_634));
}

#[tokio::test]
async fn the_documents_sample_answers_are_read() {
    for (name, body) in [
        ("startAIAgentInstance", include_str!("../fixtures/aui/document-start.json")),
        ("stopAIAgentInstance", include_str!("../fixtures/aui/document-stop.json")),
        ("updateAIAgentInstance", include_str!("../fixtures/aui/document-update.json")),
    ] {
        let stub = stub("200 OK", body).await;
        call(&client(&stub, Base::V1), name).await.unwrap();
    }
}

#[tokio::test]
async fn the_documents_sample_answer_of_generate_is_read() {
    let stub = stub("200 OK", include_str!("../fixtures/aui/document-generate.json")).await;
    call(&client(&stub, Base::V1), "generateAIAgentCall").await.unwrap();
}

#[tokio::test]
async fn the_other_forms_of_an_answer_are_read() {
    let set = |name: &str, changes: &[(&str, Option<Value>)]| {
        let mut body: Value = serde_json::from_str(good(name)).unwrap();
        for (key, value) in changes {
            match value {
                Some(value) => body[*key] = value.clone(),
                None => drop(body.as_object_mut().unwrap().remove(*key)),
            }
        }
        body.to_string()
    };
    for name in calls() {
        for changes in [
            [("code", Some(json!("200")))],
            [("code", None)],
            [("code", Some(Value::Null))],
            [("request_id", None)],
            [("request_id", Some(json!(17)))],
            [("unknown", Some(json!({"a": [1]})))],
        ] {
            let stub = stub("200 OK", &set(name, &changes)).await;
            let called = call(&client(&stub, Base::V2), name).await;
            called.unwrap_or_else(|error| panic!("{name} {changes:?}: {error}"));
        }
    }
    let request = GenerateCallRequest::new(Template::new());
    for (given, expected) in [
        (None, None),
        (Some(Value::Null), None),
        (Some(json!("AvatarChat3D")), Some("AvatarChat3D")),
        (Some(json!("HologramChat")), Some("HologramChat")),
    ] {
        let body = set("generateAIAgentCall", &[("workflow_type", given)]);
        let stub = stub("200 OK", &body).await;
        let made = client(&stub, Base::V2).generate_call(&request).await.unwrap();
        assert_eq!(made.workflow_type.as_ref().map(AgentType::as_str), expected);
    }
    let numbers = ["ai_agent_id", "ai_agent_user_id", "channel_id", "ai_agent_instance_id"];
    let changes = numbers.map(|key| (key, Some(json!(4711))));
    let stub = stub("200 OK", &set("generateAIAgentCall", &changes)).await;
    let made = client(&stub, Base::V2).generate_call(&request).await.unwrap();
    assert_eq!((&*made.instance_id, &*made.channel_id), ("4711", "4711"));

    let body = set("getRtcAuthToken", &[("timestamp", Some(json!("1699423634")))]);
    let stub = self::stub("200 OK", &body).await;
    let answer = client(&stub, Base::V2).rtc_token(&RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!(answer.expires_at, 1_699_423_634);

    let body = set("stopAIAgentInstance", &[("result", Some(json!("true")))]);
    let stub = self::stub("200 OK", &body).await;
    call(&client(&stub, Base::V2), "stopAIAgentInstance").await.unwrap();

    let changes = [
        ("agent_config", Some(json!({"Greeting": "Hello!"}))),
        ("user_data", Some(json!({"a": 1}))),
        ("status", Some(json!("Paused"))),
    ];
    let stub = self::stub("200 OK", &set("describeAIAgentInstance", &changes)).await;
    let request = DescribeInstanceRequest::new("u1", "i1");
    let described = client(&stub, Base::V2).describe_instance(&request).await.unwrap();
    assert_eq!(described.agent_config.as_ref().unwrap().greeting.as_deref(), Some("Hello!"));
    assert_eq!(described.user_data.as_deref(), Some("{\"a\":1}"));
    assert_eq!(described.status.as_ref().unwrap().as_str(), "Paused");
}

#[tokio::test]
async fn a_failure_in_the_body_is_an_error_with_its_parts() {
    for name in calls() {
        for (body, code, status, message, request_id) in [
            (
                include_str!("../fixtures/aui/failure.json"),
                "AgentNotFound",
                400,
                Some("The specified agentId is not found."),
                Some("r1"),
            ),
            (
                include_str!("../fixtures/aui/failure-msg.json"),
                "0",
                0,
                Some("user_id must not be blank"),
                None,
            ),
            (r#"{"code":"500","message":"x"}"#, "500", 500, Some("x"), None),
            (r#"{"code":404}"#, "404", 404, None, None),
            (r#"{"code":401,"message":null,"error_code":""}"#, "401", 401, None, None),
            (r#"{"code":-1,"message":"","request_id":7}"#, "-1", -1, Some(""), Some("7")),
            (r#"{"code":500,"msg":"a","error_code":"X.Y"}"#, "X.Y", 500, Some("a"), None),
        ] {
            let error = error_of(name, "200 OK", body).await;
            let failure = error.failure().unwrap_or_else(|| panic!("{name} {body}: {error:?}"));
            let found = (failure.code(), failure.status(), failure.message(), error.request_id());
            assert_eq!(found, (code, Some(status), message, request_id), "{name} {body}");
            assert_eq!(error.status().unwrap(), 200);
            assert!(error.to_string().starts_with(&format!("{name}: failure ")), "{error}");
            let typed = error.body_as::<FailureAnswer>().unwrap();
            assert_eq!((typed.code, typed.message.as_deref()), (Some(status), message), "{body}");
        }
        // Every field of a success does not make it one.
        let mut body: Value = serde_json::from_str(good(name)).unwrap();
        body["code"] = 500.into();
        body["error_code"] = "AgentNotFound".into();
        let error = error_of(name, "200 OK", &body.to_string()).await;
        assert_eq!(error.failure().unwrap().status(), Some(500), "{name}");
    }
}

#[tokio::test]
async fn the_error_code_of_a_failure_with_a_complete_answer_is_kept() {
    for name in calls() {
        let mut body: Value = serde_json::from_str(good(name)).unwrap();
        body["code"] = 400.into();
        body["error_code"] = "AgentNotFound".into();
        body["message"] = "gone".into();
        let error = error_of(name, "200 OK", &body.to_string()).await;
        let failure = error.failure().unwrap();
        assert_eq!((failure.code(), failure.message()), ("AgentNotFound", Some("gone")), "{name}");
    }
}

#[tokio::test]
async fn an_error_code_is_an_error_whatever_the_code_says() {
    for name in calls() {
        for body in [
            r#"{"code":200,"error_code":"AgentNotFound","message":"gone"}"#,
            r#"{"error_code":"AgentNotFound","message":"gone"}"#,
        ] {
            let error = error_of(name, "200 OK", body).await;
            assert_eq!(error_code(&error), ErrorCode::AgentNotFound, "{name} {body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_result_of_false_is_an_error() {
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        for body in [
            include_str!("../fixtures/aui/result-false.json"),
            r#"{"code":"200","result":"false","request_id":"r1"}"#,
            r#"{"result":false}"#,
        ] {
            let error = error_of(name, "200 OK", body).await;
            assert!(error.failure().is_some(), "{error:?}");
            assert!(error.to_string().contains("result: false"), "{error}");
            assert!(!error.is_retryable());
        }
        let error = error_of(name, "200 OK", r#"{"code":200}"#).await;
        assert_eq!(error.decode_error().unwrap().pointer(), "/result");
        let error = error_of(name, "200 OK", r#"{"code":500,"result":true}"#).await;
        assert_eq!(error.failure().unwrap().status(), Some(500));
    }
}

#[tokio::test]
async fn each_failure_is_an_error_of_the_sdk() {
    let body = |code: &str| format!(r#"{{"code":400,"message":"x","error_code":"{code}"}}"#);
    let html = "<html>oops</html>";
    for name in calls() {
        for (status, body, expected) in [
            ("200 OK", body("AgentNotFound"), ErrorCode::AgentNotFound),
            (
                "200 OK",
                body("Forbidden.SubscriptionRequired"),
                ErrorCode::AgentSubscriptionRequired,
            ),
            ("200 OK", body("ChatLogNotFound"), ErrorCode::ChatLogNotFound),
            ("200 OK", body("InternalError"), ErrorCode::InternalError),
            ("200 OK", body("InternalServerError"), ErrorCode::InternalError),
            ("200 OK", body("InvalidAudioDuration"), ErrorCode::BeginCallFailed),
            ("200 OK", body("agentnotfound"), ErrorCode::BeginCallFailed),
            ("200 OK", r#"{"code":500}"#.into(), ErrorCode::BeginCallFailed),
            ("200 OK", r#"{"code":0,"msg":"x"}"#.into(), ErrorCode::BeginCallFailed),
            ("200 OK", r#"{"code":403,"message":"x"}"#.into(), ErrorCode::BeginCallFailed),
            // The server's own code takes precedence.
            ("403 Forbidden", body("AgentNotFound"), ErrorCode::AgentNotFound),
            ("403 Forbidden", r#"{"code":403,"message":"x"}"#.into(), ErrorCode::TokenExpired),
            ("403 Forbidden", html.into(), ErrorCode::TokenExpired),
            ("403 Forbidden", "".into(), ErrorCode::TokenExpired),
            ("403 Forbidden", r#"{"code":200}"#.into(), ErrorCode::TokenExpired),
            ("500 Internal Server Error", body("InternalError"), ErrorCode::InternalError),
            ("401 Unauthorized", r#"{"code":401}"#.into(), ErrorCode::BeginCallFailed),
            ("502 Bad Gateway", html.into(), ErrorCode::UnknownError),
            ("404 Not Found", "".into(), ErrorCode::UnknownError),
            ("200 OK", html.into(), ErrorCode::UnknownError),
        ] {
            let error = error_of(name, status, &body).await;
            assert_eq!(error_code(&error), expected, "{name}: {status} {body}: {error:?}");
            let sent: u16 = status[..3].parse().unwrap();
            assert_eq!(error.status().map(|status| status.as_u16()), Some(sent));
        }
        // A success with another status is a failure.
        let error = error_of(name, "403 Forbidden", good(name)).await;
        assert_eq!(error_code(&error), ErrorCode::TokenExpired, "{name}");
        error_of(name, "500 Internal Server Error", good(name)).await;
    }
}

#[tokio::test]
async fn an_html_page_does_not_show_in_the_error() {
    for status in ["200 OK", "502 Bad Gateway"] {
        let error = error_of("generateAIAgentCall", status, "<html>secret page</html>").await;
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn transport_failures_and_deadlines_are_network_errors() {
    let short = CallOptions::new().call_deadline(Duration::from_millis(100));
    for name in calls() {
        let holds = Stub::new(vec![vec![Step::Hold]]).await;
        let error =
            call(&client(&holds, Base::V2).with_options(short.clone()), name).await.unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
        assert_eq!(error_code(&error), ErrorCode::NetworkError);
        holds.released().await;

        let half = json_answer("200 OK", good(name));
        let half = &half[..half.len() - 5];
        for script in [vec![Step::Reset], vec![send(half), Step::Reset], vec![send(half)]] {
            let stub = Stub::new(vec![script]).await;
            let error = call(&client(&stub, Base::V2), name).await.unwrap_err();
            assert!(error.is_transport(), "{name}: {error:?}");
            assert_eq!(error_code(&error), ErrorCode::NetworkError);
        }
    }
    let refused = Client::new("http://127.0.0.1:1", Base::V2).unwrap();
    let error = call(&refused, "getRtcAuthToken").await.unwrap_err();
    assert_eq!(error_code(&error), ErrorCode::NetworkError);
    assert!(error.status().is_none());
}

#[tokio::test]
async fn no_request_is_repeated_unless_retries_are_set() {
    for name in calls() {
        let stub = Stub::new(vec![
            vec![send(answer("503 Service Unavailable", "", ""))],
            vec![send(json_answer("200 OK", good(name)))],
        ])
        .await;
        let client = client(&stub, Base::V2);
        let error = call(&client, name).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), stub.connections()), (503, 1), "{name}");
    }
    let stub = Stub::new(vec![
        vec![send(answer("503 Service Unavailable", "", ""))],
        vec![send(json_answer("200 OK", good("getRtcAuthToken")))],
    ])
    .await;
    let retries = Retries::up_to(1).initial_backoff(Duration::ZERO);
    let client = client(&stub, Base::V2).with_options(CallOptions::new().retries(retries));
    let client = client.with_authorization("token-1");
    call(&client, "getRtcAuthToken").await.unwrap();
    let tokens: Vec<_> =
        stub.seen().iter().map(|seen| seen.header("authorization").map(String::from)).collect();
    assert_eq!(tokens, [Some("token-1".into()), Some("token-1".into())]);
}

#[tokio::test]
async fn operations_of_the_current_base_are_refused_at_the_documented_one() {
    let stub = stub("200 OK", good("getRtcAuthToken")).await;
    let client = client(&stub, Base::V1);
    for name in CURRENT {
        let error = call(&client, name).await.unwrap_err();
        assert!(error.to_string().contains(&format!("/{name}")), "{error}");
        assert!(error.to_string().contains("/api/v1/aiagent"), "{error}");
        assert!(error.failure().is_none() && error.status().is_none());
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn a_refusal_for_the_base_is_not_reported_as_a_build_error() {
    let client = Client::new("http://app.example", Base::V1).unwrap();
    for name in CURRENT {
        let error = call(&client, name).await.unwrap_err().to_string();
        assert!(!error.contains("can't be built"), "{error}");
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
    }
}

/// Returns the places of a request that are not allowed.
fn violations(error: &Error) -> Vec<&str> {
    assert_eq!(error_code(error), ErrorCode::InvalidParameters, "{error:?}");
    error.violations().unwrap().iter().map(|violation| violation.pointer()).collect()
}

#[tokio::test]
async fn a_request_that_violates_the_spec_is_not_sent() {
    let stub = stub("200 OK", good("generateAIAgentCall")).await;
    let client = client(&stub, Base::V2);
    let generate = || GenerateCallRequest::new(Template::new());
    let start = || StartInstanceRequest::new("u1", AgentType::Voice);
    let long = "u".repeat(65);

    let mut config = AgentConfig::unset();
    config.asr.vad_level = Some(12);
    config.volume = Some(401);
    let mut template = TemplateConfig::unset();
    template.vad_level = Some(12);
    let template = Template::new().with_voice(template);
    let mut nothing = GenerateCallRequest::new(Template::new());
    nothing.template_config = None;
    for (request, expected) in [
        (generate().with_expire(Duration::from_secs(604_801)), vec!["/expire"]),
        (generate().with_expire(Duration::from_millis(1500)), vec!["/expire"]),
        (generate().with_expire(Duration::MAX), vec!["/expire"]),
        (generate().with_user_id(long.clone()), vec!["/user_id"]),
        (
            generate().with_agent_config(config.clone()),
            vec!["/agent_config/Volume", "/agent_config/AsrConfig/VadLevel"],
        ),
        (GenerateCallRequest::new(template.clone()), vec!["/template_config/VoiceChat/VadLevel"]),
        (nothing, vec!["/template_config"]),
    ] {
        let error = client.generate_call(&request).await.unwrap_err();
        assert_eq!(violations(&error), expected);
    }
    for (request, expected) in [
        (StartInstanceRequest::new("", AgentType::Voice), "/user_id"),
        (StartInstanceRequest::new(long.clone(), AgentType::Voice), "/user_id"),
        (start().with_expire(Duration::from_secs(604_801)), "/expire"),
        (start().with_template_config(template.clone()), "/template_config/VoiceChat/VadLevel"),
    ] {
        let error = client.start_instance(&request).await.unwrap_err();
        assert_eq!(violations(&error), [expected]);
    }
    let error = client.stop_instance(&StopInstanceRequest::new("")).await.unwrap_err();
    assert_eq!(violations(&error), ["/ai_agent_instance_id"]);
    let mut update = UpdateInstanceRequest::new("", template);
    let error = client.update_instance(&update).await.unwrap_err();
    let expected = ["/ai_agent_instance_id", "/template_config/VoiceChat/VadLevel"];
    assert_eq!(violations(&error), expected);
    update.template_config = None;
    let error = client.update_instance(&update).await.unwrap_err();
    assert_eq!(violations(&error), ["/ai_agent_instance_id", "/template_config"]);
    let request = StartInstanceInChannelRequest::new(StartInstanceInChannelRequestFields {
        user_id: "",
        agent_id: "",
        channel_id: &long,
        workflow_type: AgentType::Voice,
        region: "",
    });
    let error = client.start_instance_in_channel(&request).await.unwrap_err();
    assert_eq!(violations(&error), ["/user_id", "/ai_agent_id", "/channel_id", "/region"]);
    let error = client.describe_instance(&DescribeInstanceRequest::new("", "")).await.unwrap_err();
    assert_eq!(violations(&error), ["/user_id", "/ai_agent_instance_id"]);
    let request = RtcTokenRequest::new("").with_channel_id(long);
    let error = client.rtc_token(&request).await.unwrap_err();
    assert_eq!(violations(&error), ["/user_id", "/channel_id"]);
    let request = ChatTokenRequest::new("", "").with_expire(Duration::from_secs(3601));
    let error = client.chat_token(&request).await.unwrap_err();
    assert_eq!(violations(&error), ["/ai_agent_id", "/user_id", "/expire"]);
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn ids_with_invalid_characters_are_not_sent() {
    let stub = stub("200 OK", good("getRtcAuthToken")).await;
    let client = client(&stub, Base::V2);
    for id in ["u 1", "u/1", "用户", "u.1"] {
        let error = client.rtc_token(&RtcTokenRequest::new(id)).await;
        assert!(error.is_err_and(|error| error.violations().is_some()), "{id}");
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn an_answer_with_nothing_but_unknown_keys_is_an_error() {
    let name = "describeAIAgentInstance";
    let error = error_of(name, "200 OK", r#"{"error":"x"}"#).await;
    let message = error.decode_error().unwrap().message();
    assert_eq!(message, r#"none of its keys is known: "error""#);
    // The second spelling of a key is known, too.
    for body in ["{}", r#"{"msg":"ok"}"#, r#"{"message":null}"#] {
        call(&client(&stub("200 OK", body).await, Base::V2), name).await.unwrap();
    }
}
