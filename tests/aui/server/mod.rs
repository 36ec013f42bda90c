//! App servers in the bytes of the wire: the paths of both bases, which requests are refused and how,
//! who may do what, and which web pages may call.

#![cfg(all(feature = "aui", feature = "server"))]

mod access;
mod bad_requests;
mod browsers;
mod handlers;
mod paths;
mod traces;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use callbot::aui::ice::{InstanceRuntimeConfig, InstanceStatus, WorkflowRuntimeConfig};
use callbot::aui::{
    AccessDenied, AnyCaller, Api, Ask, Authorizer, Base, ChatTokenAnswer, ChatTokenAnswerFields,
    ChatTokenRequest, DescribeInstanceRequest, GenerateCallRequest, GeneratedCall,
    GeneratedCallFields, InstanceDescription, InstanceInChannel, KnownCallers, Ownership,
    Principal, Resource, RtcTokenAnswer, RtcTokenRequest, Server, StartInstanceInChannelRequest,
    StartInstanceRequest, StartedInstance, StartedInstanceFields, StopInstanceRequest,
    UpdateInstanceRequest, router,
};
use callbot::server::Error;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::peer::*;

const V1: &str = "/api/v1/aiagent";
const V2: &str = "/api/v2/aiagent";

/// The operations of both bases, with a request of principal `a` for each.
fn common() -> [(&'static str, Value); 5] {
    [
        (
            "generateAIAgentCall",
            json!({"ai_agent_id": "agent-1", "user_id": "u1", "expire": 86400,
                "template_config": "{}"}),
        ),
        ("startAIAgentInstance", json!({"user_id": "u1", "workflow_type": "VoiceChat"})),
        ("stopAIAgentInstance", json!({"ai_agent_instance_id": "i-a"})),
        ("updateAIAgentInstance", json!({"ai_agent_instance_id": "i-a", "template_config": "{}"})),
        ("generateMessageChatToken", json!({"ai_agent_id": "agent-1", "user_id": "u1"})),
    ]
}

/// The operations of only the current base.
fn current() -> [(&'static str, Value); 3] {
    [
        (
            "startAIAgentInstanceWithChannel",
            json!({"user_id": "u1", "ai_agent_id": "agent-1", "channel_id": "c-a",
                "workflow_type": "VoiceChat", "region": "cn-shanghai"}),
        ),
        ("describeAIAgentInstance", json!({"user_id": "u1", "ai_agent_instance_id": "i-a"})),
        ("getRtcAuthToken", json!({"user_id": "u1", "channel_id": "c-a"})),
    ]
}

/// The path and the name of each operation, with a request of principal `a`.
fn places() -> Vec<(String, &'static str, Value)> {
    let at = |base: &str, (name, body)| (format!("{base}/{name}"), name, body);
    let documented = common().map(|one| at(V1, one)).into_iter();
    documented
        .chain(common().map(|one| at(V2, one)))
        .chain(current().map(|one| at(V2, one)))
        .collect()
}

/// Returns the body with another value for a key. `None` removes the key.
fn changed(body: &Value, key: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let object = body.as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.into(), value),
        None => object.remove(key),
    };
    body
}

/// What the handlers do.
enum Act {
    Well,
    Fail(fn() -> Error),
    Panic,
    /// Never ends. Notifies when it begins and when it is dropped.
    Hang {
        begun: Arc<Notify>,
        dropped: Arc<Notify>,
    },
}

/// An app server that reports its requests. The last letter of an id names its owner.
struct Desk {
    told: UnboundedSender<Value>,
    act: Act,
}

struct Note(Arc<Notify>);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Desk {
    async fn act<T>(
        &self,
        name: &str,
        caller: &Principal,
        request: impl Serialize,
        answer: T,
    ) -> Result<T, Error> {
        let told = json!({"name": name, "caller": caller.name(), "request": request});
        self.told.send(told).unwrap();
        match &self.act {
            Act::Well => Ok(answer),
            Act::Fail(error) => Err(error()),
            Act::Panic => panic!("the secret of the handler"),
            Act::Hang { begun, dropped } => {
                let _note = Note(dropped.clone());
                begun.notify_one();
                std::future::pending().await
            }
        }
    }
}

impl Api for Desk {
    async fn owns(&self, caller: &Principal, resource: Resource<'_>) -> Result<Ownership, Error> {
        let id = match resource {
            Resource::Instance(id) => id.strip_prefix("i-"),
            Resource::Channel(id) => id.strip_prefix("c-"),
            _ => None,
        };
        Ok(match id {
            Some("broken") => return Err(std::io::Error::other("the secret of the store").into()),
            Some(owner) if owner == caller.name() => Ownership::Own,
            Some(_) => Ownership::Foreign,
            None => Ownership::Unknown,
        })
    }

    async fn generate_call(
        &self,
        caller: &Principal,
        request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        let answer = GeneratedCall::new(GeneratedCallFields {
            rtc_token: "rtc-token-1".into(),
            agent_id: "agent-1",
            agent_user_id: "a1",
            channel_id: "c1",
            instance_id: "i1",
        });
        self.act("generate_call", caller, request, answer).await
    }

    async fn start_instance(
        &self,
        caller: &Principal,
        request: StartInstanceRequest,
    ) -> Result<StartedInstance, Error> {
        let answer = StartedInstance::new(StartedInstanceFields {
            instance_id: "i1",
            rtc_token: "rtc-token-1".into(),
            agent_user_id: "a1",
            channel_id: "c1",
        });
        self.act("start_instance", caller, request, answer).await
    }

    async fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> Result<(), Error> {
        self.act("stop_instance", caller, request, ()).await
    }

    async fn update_instance(
        &self,
        caller: &Principal,
        request: UpdateInstanceRequest,
    ) -> Result<(), Error> {
        self.act("update_instance", caller, request, ()).await
    }

    async fn chat_token(
        &self,
        caller: &Principal,
        request: ChatTokenRequest,
    ) -> Result<ChatTokenAnswer, Error> {
        let answer = ChatTokenAnswer::new(ChatTokenAnswerFields {
            app_id: "app-1",
            app_sign: "sign-1".into(),
            token: "chat-token-1".into(),
            user_id: "u1",
            expires_at: 1_699_423_634,
        });
        self.act("chat_token", caller, request, answer).await
    }

    async fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> Result<InstanceInChannel, Error> {
        let answer = InstanceInChannel::new("i1", "a1");
        self.act("start_instance_in_channel", caller, request, answer).await
    }

    async fn describe_instance(
        &self,
        caller: &Principal,
        request: DescribeInstanceRequest,
    ) -> Result<InstanceDescription, Error> {
        let part = WorkflowRuntimeConfig::new().with_auth_token("agent-token-2");
        let runtime = InstanceRuntimeConfig::new()
            .with_channel_id("c1")
            .with_auth_token("agent-token-1")
            .with_voice_chat(part);
        let answer = InstanceDescription::new()
            .with_status(InstanceStatus::Executing)
            .with_runtime_config(runtime);
        self.act("describe_instance", caller, request, answer).await
    }

    async fn rtc_token(
        &self,
        caller: &Principal,
        request: RtcTokenRequest,
    ) -> Result<RtcTokenAnswer, Error> {
        let answer = RtcTokenAnswer::new("rtc-token-1", 1_699_423_634).with_channel_id("c1");
        self.act("rtc_token", caller, request, answer).await
    }
}

/// Accepts any token except `no` as the name of the principal, and reports what it was asked.
struct Door(UnboundedSender<Value>);

impl Authorizer for Door {
    async fn authorize(&self, ask: Ask<'_>) -> Result<Principal, AccessDenied> {
        let shown = ask.authorization.map(|token| token.expose());
        let asked = json!({
            "operation": ask.operation.id, "authorization": shown, "user": ask.user_id,
            "channel": ask.channel_id, "instance": ask.instance_id, "agent": ask.agent_id,
        });
        self.0.send(asked).unwrap();
        match shown {
            Some("no") => Err(AccessDenied::new("log in first")),
            Some("hang") => std::future::pending().await,
            Some("panic") => panic!("the secret of the authorizer"),
            name => Ok(Principal::new(name.unwrap_or("a"))),
        }
    }
}

struct Bench {
    address: SocketAddr,
    peer: Peer,
    heard: UnboundedReceiver<Value>,
    asked: UnboundedReceiver<Value>,
}

impl Bench {
    async fn with(
        act: Act,
        settings: impl FnOnce(Server<Desk, Door>) -> Server<Desk, Door>,
    ) -> Self {
        let ((told, heard), (asks, asked)) = (unbounded_channel(), unbounded_channel());
        let server = settings(Server::new(Desk { told, act }, Door(asks)));
        let address = start_router(server.router()).await;
        Self { address, peer: Peer::connect(address).await, heard, asked }
    }

    async fn acting(act: Act) -> Self {
        Self::with(act, |server| server).await
    }

    async fn new() -> Self {
        Self::acting(Act::Well).await
    }

    async fn ask(&mut self, path: &str, body: &Value) -> Answer {
        self.peer.ask(&Post::json(path, body)).await
    }

    async fn ask_as(&mut self, caller: &str, path: &str, body: &Value) -> Answer {
        self.peer.ask(&Post::json(path, body).header("Authorization", caller)).await
    }

    #[track_caller]
    fn heard(&mut self) -> Value {
        self.heard.try_recv().expect("no handler was called")
    }

    #[track_caller]
    fn nothing_heard(&mut self) {
        assert!(self.heard.try_recv().is_err(), "a handler was called");
    }
}

impl Answer {
    /// Checks a success. Returns its fields without `code` and the request id.
    #[track_caller]
    fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        let mut body = self.json();
        let object = body.as_object_mut().unwrap();
        assert_eq!(object.remove("code"), Some(json!(200)), "{self:?}");
        assert!(self.body.contains("\"code\":200"), "a number: {self:?}");
        let id = object.remove("request_id");
        assert!(id.as_ref().and_then(Value::as_str).is_some_and(|id| !id.is_empty()), "{self:?}");
        body
    }

    /// Checks a failure with this HTTP status and this `code`. Returns its message.
    #[track_caller]
    fn failure(&self, status: u16, code: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        let keys = ["code", "message", "error_code", "request_id"];
        assert!(body.as_object().unwrap().keys().all(|key| keys.contains(&&**key)), "{self:?}");
        assert_eq!(body["code"], json!(code), "{self:?}");
        assert!(self.body.contains(&format!("\"code\":{code}")), "a number: {self:?}");
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{self:?}");
        let message = body["message"].as_str().expect("a message");
        assert!(!message.is_empty(), "{self:?}");
        message.into()
    }

    #[track_caller]
    fn error_code(&self) -> Value {
        self.json()["error_code"].clone()
    }
}

fn stops(path: &str) -> bool {
    path.ends_with("/stopAIAgentInstance") || path.ends_with("/updateAIAgentInstance")
}

/// Calls a router without a socket, so that time can be paused.
async fn in_memory(router: axum::Router, base: &str, name: &str) -> Value {
    use http_body_util::BodyExt;
    use tower_service::Service;

    let body = common().into_iter().find(|(other, _)| *other == name).unwrap().1;
    let request = http::Request::post(format!("{base}/{name}"))
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()))
        .unwrap();
    let mut router = router;
    let response = router.call(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}
