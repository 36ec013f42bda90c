//! Requests to the app server made from the SDK's types, and the SDK's types made from its answers.
#![cfg(feature = "aui")]

use std::time::Duration;

use callbot::aicall::{
    AgentConfig, AgentInfo, AgentType, CallConfig, ChatSyncConfig, ShareConfig, Template,
    TurnDetectionMode,
};
use callbot::aui::{
    GenerateCallRequest, GeneratedCall, GeneratedCallFields, StartedInstance,
    StartedInstanceFields, UpdateInstanceRequest,
};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

fn written(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_call_is_requested_as_the_sdk_requests_it() {
    let chat = ChatSyncConfig::new("chat-1", "u1").with_session_id("s-1");
    let mut config = AgentConfig::unset();
    config.turn_detection.mode = Some(TurnDetectionMode::Normal);
    let call = CallConfig::new("agent-1", AgentType::Vision, "u1")
        .with_agent_config(config)
        .with_chat_sync(chat)
        .with_region("cn-shanghai")
        .with_user_data("{}");
    assert_eq!(
        written(&GenerateCallRequest::from(call)),
        json!({
            "ai_agent_id": "agent-1",
            "user_id": "u1",
            "expire": 86400,
            "template_config": "{}",
            "agent_config": r#"{"TurnDetectionConfig":{"Mode":"Normal"}}"#,
            "user_data": "{}",
            "region": "cn-shanghai",
            "session_id": "s-1",
            "chat_sync_config": r#"{"IMAIAgentId":"chat-1","ReceiverId":"u1"}"#,
        })
    );
    let by_type = GenerateCallRequest::from(CallConfig::new("", AgentType::Vision, "u1"));
    assert_eq!((by_type.agent_id, by_type.workflow_type), (None, Some(AgentType::Vision)));
}

#[test]
#[allow(deprecated)]
fn the_deprecated_settings_of_a_call_are_under_the_key_of_its_type() {
    let settings = callbot::aicall::TemplateConfig::unset().with_volume(50);
    let call = CallConfig::new("", AgentType::Vision, "u1").with_template_config(settings);
    let request = GenerateCallRequest::from(call);
    assert_eq!(written(&request)["template_config"], r#"{"VisionChat":{"Volume":50}}"#);
}

#[test]
fn a_shared_agent_is_called_as_the_sdk_calls_it() {
    let mut share = ShareConfig::default();
    share.share_id = Some("share1".into());
    share.agent_type = Some(AgentType::Vision);
    share.template = Some(Template::new());
    share.region = Some("cn-shanghai".into());
    let request = GenerateCallRequest::from_share(share, "u1");
    assert_eq!(
        (request.agent_id.as_deref(), request.user_id.as_deref(), request.expire),
        (Some("share1"), Some("u1"), Some(DAY))
    );
    assert_eq!(request.agent_config, Some(AgentConfig::default()));
    assert_eq!(written(&request)["template_config"], "{}");
    assert_eq!(request.workflow_type, None);
}

#[test]
fn the_shortest_request_has_an_empty_template() {
    let agent = written(&GenerateCallRequest::of_agent("agent-1"));
    assert_eq!(agent, json!({"ai_agent_id": "agent-1", "template_config": "{}"}));
    let of_type = written(&GenerateCallRequest::of_type(AgentType::Voice));
    assert_eq!(of_type, json!({"workflow_type": "VoiceChat", "template_config": "{}"}));
    let mut changes = AgentConfig::unset();
    changes.volume = Some(150);
    assert_eq!(
        written(&UpdateInstanceRequest::of("i1", changes)),
        json!({
            "ai_agent_instance_id": "i1",
            "template_config": "{}",
            "agent_config": r#"{"Volume":150}"#,
        })
    );
}

#[test]
fn an_answer_converts_to_the_running_agent() {
    let call = GeneratedCall::new(GeneratedCallFields {
        rtc_token: "token-1".into(),
        agent_id: "agent-1",
        agent_user_id: "a1",
        channel_id: "c1",
        instance_id: "i1",
    })
    .with_workflow_type(AgentType::Avatar)
    .with_request_id("r1");
    let info = AgentInfo::new("i1", "c1", "a1").with_rtc_token("token-1").with_request_id("r1");
    assert_eq!(AgentInfo::from(call), info.clone().with_agent_type(AgentType::Avatar));
    let started = StartedInstance::new(StartedInstanceFields {
        instance_id: "i1",
        rtc_token: "token-1".into(),
        agent_user_id: "a1",
        channel_id: "c1",
    })
    .with_request_id("r1");
    assert_eq!(AgentInfo::from(started), info);
}
