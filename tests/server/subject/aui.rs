//! The AUI Kits app server: its operations at both bases.

use axum::Router;
use callbot::aui::{
    AccessDenied, Api, Ask, Authorizer, ChatTokenAnswer, ChatTokenAnswerFields, ChatTokenRequest,
    DescribeInstanceRequest, GenerateCallRequest, GeneratedCall, GeneratedCallFields,
    InstanceDescription, InstanceInChannel, Ownership, Principal, Resource, RtcTokenAnswer,
    RtcTokenRequest, Server, StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance,
    StartedInstanceFields, StopInstanceRequest, UpdateInstanceRequest,
};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Cause, Failure, Mute, Operation, Script, Settings, Subject, observed, with_settings};
use crate::support::peer::Answer;

const V1: &str = "/api/v1/aiagent";
const V2: &str = "/api/v2/aiagent";

#[derive(Default)]
pub(crate) struct Aui;

struct Scripted(Script);

impl Scripted {
    /// Runs the script; its success is `answer`.
    fn answer<T: Send + 'static>(
        &self,
        request: impl Serialize,
        answer: T,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let handling = self.0.run(request, Mute::line());
        Box::pin(async move { handling.await.map(|()| answer) })
    }
}

impl Api for Scripted {
    async fn owns(&self, _: &Principal, _: Resource<'_>) -> Result<Ownership, Error> {
        Ok(Ownership::Own)
    }

    fn generate_call(
        &self,
        _: &Principal,
        request: GenerateCallRequest,
    ) -> impl Future<Output = Result<GeneratedCall, Error>> + Send {
        let answer = GeneratedCall::new(GeneratedCallFields {
            rtc_token: "rtc-token-1".into(),
            agent_id: "agent-1",
            agent_user_id: "a1",
            channel_id: "c1",
            instance_id: "i1",
        });
        self.answer(request, answer)
    }

    fn start_instance(
        &self,
        _: &Principal,
        request: StartInstanceRequest,
    ) -> impl Future<Output = Result<StartedInstance, Error>> + Send {
        let answer = StartedInstance::new(StartedInstanceFields {
            instance_id: "i1",
            rtc_token: "rtc-token-1".into(),
            agent_user_id: "a1",
            channel_id: "c1",
        });
        self.answer(request, answer)
    }

    fn stop_instance(
        &self,
        _: &Principal,
        request: StopInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.answer(request, ())
    }

    fn update_instance(
        &self,
        _: &Principal,
        request: UpdateInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        self.answer(request, ())
    }

    fn chat_token(
        &self,
        _: &Principal,
        request: ChatTokenRequest,
    ) -> impl Future<Output = Result<ChatTokenAnswer, Error>> + Send {
        let answer = ChatTokenAnswer::new(ChatTokenAnswerFields {
            app_id: "app-1",
            app_sign: "sign-1".into(),
            token: "chat-token-1".into(),
            user_id: "u1",
            expires_at: 1_699_423_634,
        });
        self.answer(request, answer)
    }

    fn start_instance_in_channel(
        &self,
        _: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> impl Future<Output = Result<InstanceInChannel, Error>> + Send {
        self.answer(request, InstanceInChannel::new("i1", "a1"))
    }

    fn describe_instance(
        &self,
        _: &Principal,
        request: DescribeInstanceRequest,
    ) -> impl Future<Output = Result<InstanceDescription, Error>> + Send {
        self.answer(request, InstanceDescription::new())
    }

    fn rtc_token(
        &self,
        _: &Principal,
        request: RtcTokenRequest,
    ) -> impl Future<Output = Result<RtcTokenAnswer, Error>> + Send {
        self.answer(request, RtcTokenAnswer::new("rtc-token-1", 1_699_423_634))
    }
}

/// Lets everybody in.
struct Open;

impl Authorizer for Open {
    async fn authorize(&self, _: Ask<'_>) -> Result<Principal, AccessDenied> {
        Ok(Principal::new("a"))
    }
}

/// Each operation: its bases, its name, a request, and the keys that must be in it.
fn operations() -> Vec<(&'static [&'static str], &'static str, Value, &'static [&'static str])> {
    const BOTH: &[&str] = &[V1, V2];
    const CURRENT: &[&str] = &[V2];
    vec![
        (
            BOTH,
            "generateAIAgentCall",
            json!({"ai_agent_id": "agent-1", "user_id": "u1", "expire": 86400,
                "template_config": "{}"}),
            &[],
        ),
        (
            BOTH,
            "startAIAgentInstance",
            json!({"user_id": "u1", "workflow_type": "VoiceChat"}),
            &["user_id", "workflow_type"],
        ),
        (
            BOTH,
            "stopAIAgentInstance",
            json!({"ai_agent_instance_id": "i-a"}),
            &["ai_agent_instance_id"],
        ),
        (
            BOTH,
            "updateAIAgentInstance",
            json!({"ai_agent_instance_id": "i-a", "template_config": "{}"}),
            &["ai_agent_instance_id"],
        ),
        (
            BOTH,
            "generateMessageChatToken",
            json!({"ai_agent_id": "agent-1", "user_id": "u1"}),
            &["user_id", "ai_agent_id"],
        ),
        (
            CURRENT,
            "startAIAgentInstanceWithChannel",
            json!({"user_id": "u1", "ai_agent_id": "agent-1", "channel_id": "c-a",
                "workflow_type": "VoiceChat", "region": "cn-shanghai"}),
            &["user_id", "ai_agent_id", "channel_id", "workflow_type", "region"],
        ),
        (
            CURRENT,
            "describeAIAgentInstance",
            json!({"user_id": "u1", "ai_agent_instance_id": "i-a"}),
            &["user_id", "ai_agent_instance_id"],
        ),
        (CURRENT, "getRtcAuthToken", json!({"user_id": "u1", "channel_id": "c-a"}), &[]),
    ]
}

impl Subject for Aui {
    const CALL: &'static [&'static str] = &[];
    const IDS: &'static [&'static str] = &[];
    const KEEPS_UNKNOWN_FIELDS: bool = false;

    fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (bases, name, body, required) in operations() {
            all.extend(bases.iter().map(|base| Operation {
                path: format!("{base}/{name}"),
                name,
                body: body.clone(),
                streams: false,
                handled: true,
                required: required.iter().map(|key| format!("/{key}")).collect(),
                dispensable: Vec::new(),
                text: "/user_id",
                echo: None,
            }));
        }
        all
    }

    fn router(&self, script: Script, settings: Settings) -> Router {
        let server = observed!(Server::new(Scripted(script.clone()), Open), script, settings);
        with_settings!(server, settings).router()
    }

    fn platform(_: &Operation) -> &'static str {
        "aui"
    }

    fn assert_served(&self, _: &Operation, answer: &Answer) {
        let body = answer.json();
        assert_eq!((answer.status, &body["code"]), (200, &json!(200)), "{answer:?}");
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{answer:?}");
        assert_ne!(body["result"], false, "{answer:?}");
    }

    fn refusal(&self, _: &Operation, answer: &Answer) -> Failure {
        let body = answer.json();
        let keys = ["code", "message", "error_code", "request_id"];
        assert!(body.as_object().unwrap().keys().all(|key| keys.contains(&&**key)), "{answer:?}");
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{answer:?}");
        // The clients look for the reason in the body.
        assert_eq!(answer.status, 200, "{answer:?}");
        Failure {
            status: body["code"].as_u64().expect("a number").try_into().unwrap(),
            code: body["error_code"].as_str().unwrap_or_default().into(),
            message: body["message"].as_str().expect("a text").into(),
            id: None,
        }
    }

    fn failure(&self, operation: &Operation, answer: &Answer, _: usize) -> Option<Failure> {
        // What the first base documents for a stop or a change that fails.
        if answer.json().get("result").is_some() {
            assert!(operation.path.starts_with(V1), "{answer:?}");
            assert_eq!(answer.json()["result"], false, "{answer:?}");
            return None;
        }
        Some(self.refusal(operation, answer))
    }

    // The first base answers that it is not done, and traces a warning of its own.
    fn traces_failures(&self, operation: &Operation) -> bool {
        let done = ["stopAIAgentInstance", "updateAIAgentInstance"].contains(&operation.name);
        !(done && operation.path.starts_with(V1))
    }

    fn shown(&self, _: &Operation, cause: Cause) -> (u16, String) {
        let (status, code) = match cause {
            Cause::Refused(status) => (status, "InvalidParameter"),
            Cause::Internal => (500, "InternalError"),
            Cause::Failed(501, None) => (501, "UnsupportedOperation"),
            Cause::Failed(status, code) => (status, code.unwrap_or_default()),
        };
        (status, code.into())
    }
}
