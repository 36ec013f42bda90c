//! App servers in the bytes of the wire: the paths of both bases, what is refused and how, who may do
//! what, and what browsers are told.

#![cfg(all(feature = "aui", feature = "server"))]

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

/// The operations that both bases have, and a request of caller `a` for each.
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

/// The operations that only the current base has.
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

/// Where each operation is served, with a request of caller `a`.
fn places() -> Vec<(String, &'static str, Value)> {
    let at = |base: &str, (name, body)| (format!("{base}/{name}"), name, body);
    let documented = common().map(|one| at(V1, one)).into_iter();
    documented
        .chain(common().map(|one| at(V2, one)))
        .chain(current().map(|one| at(V2, one)))
        .collect()
}

/// The body with another value for a key; `None` takes the key away.
fn changed(body: &Value, key: &str, value: Option<Value>) -> Value {
    let mut body = body.clone();
    let object = body.as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.into(), value),
        None => object.remove(key),
    };
    body
}

/// What handlers do when they are asked.
enum Act {
    Well,
    Fail(fn() -> Error),
    Panic,
    /// Never ends, and says when it was begun and when it was dropped.
    Hang {
        begun: Arc<Notify>,
        dropped: Arc<Notify>,
    },
}

/// An app server that tells what reaches it. The last letter of an id is its owner.
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

/// Takes everybody for whom the token names but `no`, and tells what was asked.
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
    /// A success; what it holds besides `code` and the id of the request.
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

    /// A failure with these statuses; its message.
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

#[tokio::test]
async fn every_operation_has_its_handler_and_its_answer_at_its_bases() {
    let mut bench = Bench::new().await;
    let mut ids = std::collections::HashSet::new();
    for (path, name, body) in places() {
        let answer = bench.ask(&path, &body).await;
        let id = answer.json()["request_id"].to_string();
        assert!(ids.insert(id), "an id of a request comes twice");
        let (handler, expected) = match name {
            "generateAIAgentCall" => (
                "generate_call",
                json!({"rtc_auth_token": "rtc-token-1", "ai_agent_id": "agent-1",
                    "ai_agent_user_id": "a1", "channel_id": "c1", "ai_agent_instance_id": "i1"}),
            ),
            "startAIAgentInstance" => (
                "start_instance",
                json!({"ai_agent_instance_id": "i1", "rtc_auth_token": "rtc-token-1",
                    "ai_agent_user_id": "a1", "channel_id": "c1"}),
            ),
            "stopAIAgentInstance" => ("stop_instance", json!({"result": true})),
            "updateAIAgentInstance" => ("update_instance", json!({"result": true})),
            "generateMessageChatToken" => (
                "chat_token",
                json!({"app_id": "app-1", "app_sign": "sign-1", "token": "chat-token-1",
                    "user_id": "u1", "timestamp": 1_699_423_634}),
            ),
            "startAIAgentInstanceWithChannel" => (
                "start_instance_in_channel",
                json!({"ai_agent_instance_id": "i1", "ai_agent_user_id": "a1"}),
            ),
            "describeAIAgentInstance" => (
                "describe_instance",
                json!({"status": "Executing", "runtime_config": json!({
                    "ChannelId": "c1", "AuthToken": "agent-token-1",
                    "VoiceChat": {"AuthToken": "agent-token-2"},
                }).to_string()}),
            ),
            _ => (
                "rtc_token",
                json!({"rtc_auth_token": "rtc-token-1", "timestamp": 1_699_423_634,
                    "channel_id": "c1"}),
            ),
        };
        assert_eq!(answer.good(), expected, "{path}");
        let heard = json!({"name": handler, "caller": "a", "request": body});
        assert_eq!(bench.heard(), heard, "{path}");
    }
}

#[tokio::test]
async fn both_spellings_of_generate_are_served_and_no_other_one_of_any_path() {
    let mut bench = Bench::new().await;
    let body = &common()[0].1;
    for base in [V1, V2] {
        for name in ["generateAIAgentCall", "GenerateAIAgentCall"] {
            bench.ask(&format!("{base}/{name}"), body).await.good();
            assert_eq!(bench.heard()["name"], "generate_call");
        }
        for name in [
            "GENERATEAIAGENTCALL",
            "generateaiagentcall",
            "GenerateAiAgentCall",
            "generateAIAgentCall/",
            "/generateAIAgentCall",
            "StartAIAgentInstance",
            "StopAIAgentInstance",
            "UpdateAIAgentInstance",
            "GenerateMessageChatToken",
            "GetRtcAuthToken",
            "DescribeAIAgentInstance",
            "cosyVoiceClone",
            "getOssConfig",
            "",
        ] {
            let answer = bench.ask(&format!("{base}/{name}"), body).await;
            assert_eq!(answer.status, 404, "{base}/{name}");
            bench.nothing_heard();
        }
    }
    for path in ["/generateAIAgentCall", "/api/v3/aiagent/generateAIAgentCall", "/API/V1/aiagent/x"]
    {
        assert_eq!(bench.ask(path, body).await.status, 404, "{path}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let post = Post::json(&format!("{V1}/generateAIAgentCall"), body).method(method);
        assert_eq!(bench.peer.ask(&post).await.status, 405, "{method}");
        bench.nothing_heard();
    }
}

#[tokio::test]
async fn operations_of_the_current_base_are_404_at_the_documented_one() {
    let mut bench = Bench::new().await;
    for (name, body) in current() {
        assert_eq!(bench.ask(&format!("{V1}/{name}"), &body).await.status, 404, "{name}");
        bench.nothing_heard();
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_its_place() {
    let mut bench = Bench::new().await;
    for (path, name, valid) in places() {
        for (body, start) in [
            ("", "not JSON: "),
            ("{", "not JSON: "),
            ("not json", "not JSON: "),
            ("\u{feff}{}", "not JSON: "),
            ("[]", "invalid type: sequence"),
            ("null", "invalid type: null"),
            ("\"{}\"", "invalid type: string"),
        ] {
            let answer = bench.peer.ask(&Post::new(&path, body)).await;
            let message = answer.failure(200, 400);
            assert!(message.starts_with(start), "{path} {body:?}: {message}");
            bench.nothing_heard();
        }
        let required: &[&str] = match name {
            "generateAIAgentCall" | "getRtcAuthToken" => &[],
            "startAIAgentInstance" => &["user_id", "workflow_type"],
            "stopAIAgentInstance" | "updateAIAgentInstance" => &["ai_agent_instance_id"],
            "generateMessageChatToken" => &["user_id", "ai_agent_id"],
            "describeAIAgentInstance" => &["user_id", "ai_agent_instance_id"],
            _ => &["user_id", "ai_agent_id", "channel_id", "workflow_type", "region"],
        };
        for key in required {
            for value in [None, Some(Value::Null)] {
                let answer = bench.ask(&path, &changed(&valid, key, value)).await;
                assert_eq!(answer.failure(200, 400), format!("/{key}: must be there"), "{path}");
                bench.nothing_heard();
            }
        }
        for key in valid.as_object().unwrap().keys() {
            let wrong = if key.ends_with("_config") { json!(7) } else { json!({"a": "4711"}) };
            let answer = bench.ask(&path, &changed(&valid, key, Some(wrong))).await;
            let message = answer.failure(200, 400);
            assert!(message.starts_with(&format!("/{key}: ")), "{path}: {message}");
            assert!(!message.contains("4711"), "the value shows: {message}");
            bench.nothing_heard();
        }
    }
}

#[tokio::test]
async fn an_expiry_that_is_no_length_of_time_is_refused() {
    let mut bench = Bench::new().await;
    for name in ["generateAIAgentCall", "startAIAgentInstance", "generateMessageChatToken"] {
        let valid = common().into_iter().find(|(other, _)| *other == name).unwrap().1;
        for wrong in
            [json!(-1), json!("a day"), json!(true), json!([1]), json!(1e300), json!("NaN")]
        {
            let body = changed(&valid, "expire", Some(wrong.clone()));
            let message = bench.ask(&format!("{V1}/{name}"), &body).await.failure(200, 400);
            assert!(message.starts_with("/expire: "), "{wrong}: {message}");
        }
        for right in [json!(86400), json!("86400"), json!(86400.0)] {
            let body = changed(&valid, "expire", Some(right));
            bench.ask(&format!("{V1}/{name}"), &body).await.good();
            assert_eq!(bench.heard()["request"]["expire"], 86400);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_in_a_json_text_is_refused_with_its_place_in_it() {
    let mut bench = Bench::new().await;
    for (path, _, valid) in places() {
        if path.ends_with("Token") || path.contains("stop") || path.contains("describe") {
            continue;
        }
        for (key, text, place) in [
            (
                "template_config",
                r#"{"VoiceChat":{"VadLevel":[1]}}"#,
                "/template_config/VoiceChat/VadLevel: invalid type: sequence",
            ),
            (
                "template_config",
                r#"{"AvatarChat3D":{"InterruptWords":["a",{"b":1}]}}"#,
                "/template_config/AvatarChat3D/InterruptWords/1: invalid type: map",
            ),
            ("template_config", r#"{"VoiceChat":"#, "/template_config/VoiceChat: not JSON: "),
            ("template_config", "{} {}", "/template_config: not JSON: "),
            ("template_config", "[]", "/template_config: invalid type: sequence"),
            (
                "agent_config",
                r#"{"AsrConfig":{"VadLevel":{}}}"#,
                "/agent_config/AsrConfig/VadLevel: invalid type: map",
            ),
            (
                "agent_config",
                r#"{"LlmConfig":{"BailianAppParams":"{"}}"#,
                "/agent_config/LlmConfig/BailianAppParams: not JSON: ",
            ),
        ] {
            let answer = bench.ask(&path, &changed(&valid, key, Some(text.into()))).await;
            let message = answer.failure(200, 400);
            assert!(message.starts_with(place), "{path} {text}: {message}");
            bench.nothing_heard();
        }
    }
    let body = json!({"user_id": "u1", "template_config": "{}",
        "chat_sync_config": "{\"IMAIAgentId\":\"x\"}"});
    let message = bench.ask(&format!("{V1}/generateAIAgentCall"), &body).await.failure(200, 400);
    assert_eq!(message, "/chat_sync_config/ReceiverId: must be there");
}

#[tokio::test]
async fn a_body_that_is_too_large_or_of_another_kind_is_refused() {
    let mut bench = Bench::new().await;
    for (path, _, valid) in places() {
        let large = changed(&valid, "unknown", Some("x".repeat(1024 * 1024).into()));
        let answer = bench.ask(&path, &large).await;
        assert!(answer.failure(200, 413).contains("1048576"), "{answer:?}");
        bench.peer = Peer::connect(bench.address).await;
        for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
            let post = Post::json(&path, &valid).content_type(Some(media));
            let message = bench.peer.ask(&post).await.failure(200, 415);
            assert!(message.contains("application/json"), "{media}: {message}");
        }
        bench.nothing_heard();
        for media in [None, Some("application/json;charset=UTF-8"), Some("Application/JSON")] {
            bench.peer.ask(&Post::json(&path, &valid).content_type(media)).await.good();
            bench.heard();
        }
    }
}

#[tokio::test]
async fn deep_nesting_is_refused_and_the_server_goes_on() {
    let mut bench = Bench::new().await;
    let deep = "[".repeat(10_000);
    let objects = "{\"a\":".repeat(5_000);
    for (path, _, valid) in places() {
        for key in ["unknown", "user_data", "template_config", "agent_config", "user_id"] {
            let open = changed(&valid, key, None).to_string();
            let open = open.trim_end_matches('}');
            for nested in [&deep, &objects] {
                let body = format!("{open},\"{key}\":{nested}");
                let answer = bench.peer.ask(&Post::new(&path, body)).await;
                answer.failure(200, 400);
                // As a text, too. Only the configurations are read.
                let body = changed(&valid, key, Some(nested.as_str().into()));
                let answer = bench.ask(&path, &body).await;
                if key.ends_with("_config") && valid.get(key).is_some() {
                    let message = answer.failure(200, 400);
                    assert!(message.starts_with(&format!("/{key}")), "{message}");
                    assert!(message.len() < 1000, "{message}");
                } else {
                    assert_eq!(answer.status, 200);
                }
            }
        }
        bench.ask(&path, &valid).await.good();
    }
}

#[tokio::test]
async fn what_a_handler_says_goes_out_as_it_is_with_http_200() {
    let error: fn() -> Error = || {
        Error::public("The free trial is used up.")
            .status(403)
            .code("Forbidden.SubscriptionRequired")
            .request_id("upstream-1")
    };
    let mut bench = Bench::acting(Act::Fail(error)).await;
    for (path, _, body) in places() {
        let answer = bench.ask(&path, &body).await;
        if path.starts_with(V1) && stops(&path) {
            assert_eq!(answer.good(), json!({"result": false}), "{path}");
            continue;
        }
        assert_eq!(answer.failure(200, 403), "The free trial is used up.");
        let expected = json!({
            "code": 403, "message": "The free trial is used up.",
            "error_code": "Forbidden.SubscriptionRequired", "request_id": "upstream-1",
        });
        assert_eq!(answer.json(), expected, "{path}");
    }
}

#[tokio::test]
async fn an_error_that_is_not_meant_for_the_app_does_not_show() {
    let error: fn() -> Error = || std::io::Error::other("the secret of the handler").into();
    for act in [Act::Fail(error), Act::Panic] {
        let panics = matches!(act, Act::Panic);
        let mut bench = Bench::acting(act).await;
        for (path, _, body) in places() {
            let answer = bench.ask(&path, &body).await;
            assert!(!answer.body.contains("secret"), "{answer:?}");
            if path.starts_with(V1) && stops(&path) && !panics {
                assert_eq!(answer.good(), json!({"result": false}), "{path}");
            } else {
                assert_eq!(answer.failure(200, 500), "internal error", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_to_tell_the_owner_or_the_caller_is_internal() {
    let mut bench = Bench::new().await;
    let body =
        json!({"user_id": "u1", "ai_agent_instance_id": "i-broken", "template_config": "{}"});
    for name in ["stopAIAgentInstance", "updateAIAgentInstance", "describeAIAgentInstance"] {
        let answer = bench.ask(&format!("{V2}/{name}"), &body).await;
        assert_eq!(answer.failure(200, 500), "internal error");
    }
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let answer = bench.ask(&format!("{V1}/{name}"), &body).await;
        assert_eq!(answer.good(), json!({"result": false}));
    }
    for (path, _, body) in places() {
        let answer = bench.ask_as("panic", &path, &body).await;
        assert_eq!(answer.failure(200, 500), "internal error");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
    bench.nothing_heard();
}

#[tokio::test]
async fn the_deadline_counts_for_handlers_and_for_authorizers() {
    for caller in ["a", "hang"] {
        let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let act = Act::Hang { begun, dropped: dropped.clone() };
        let limit = Some(Duration::from_millis(50));
        let mut bench = Bench::with(act, |server| server.deadline(limit)).await;
        for (path, _, body) in places() {
            let answer = bench.ask_as(caller, &path, &body).await;
            assert_eq!(answer.failure(200, 500), "no answer in time", "{path}");
            if caller == "a" {
                soon("the end of the handler", dropped.notified()).await;
            }
        }
    }
}

#[tokio::test]
async fn without_a_deadline_a_handler_has_all_time_and_30_s_is_the_default() {
    tokio::time::pause();
    for (limit, expected) in [(None, 30), (Some(Some(Duration::from_secs(3))), 3)] {
        let (told, _heard) = unbounded_channel();
        let act = Act::Hang { begun: Arc::default(), dropped: Arc::default() };
        let mut server = Server::new(Desk { told, act }, AnyCaller);
        if let Some(limit) = limit {
            server = server.deadline(limit);
        }
        let start = tokio::time::Instant::now();
        let body = in_memory(server.router(), V2, "generateAIAgentCall").await;
        assert_eq!(body["message"], "no answer in time");
        assert_eq!(start.elapsed().as_secs(), expected);
    }
    let (told, _heard) = unbounded_channel();
    let act = Act::Hang { begun: Arc::default(), dropped: Arc::default() };
    let server = Server::new(Desk { told, act }, AnyCaller).deadline(None);
    let asked = in_memory(server.router(), V2, "generateAIAgentCall");
    let day = Duration::from_secs(24 * 3600);
    assert!(tokio::time::timeout(day, asked).await.is_err(), "it ended");
}

/// Asks a router without a socket, so that time can be paused.
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

#[tokio::test]
async fn a_refused_caller_gets_403_with_a_body_everywhere() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let answer = bench.ask_as("no", &path, &body).await;
        assert_eq!(answer.failure(403, 403), "log in first", "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        bench.nothing_heard();
        assert_eq!(bench.asked.try_recv().unwrap()["operation"], name);
        // The next request of the same connection is judged anew.
        bench.ask_as("a", &path, &body).await.good();
        bench.heard();
        bench.asked.try_recv().unwrap();
    }
}

#[tokio::test]
async fn a_refused_caller_learns_nothing_of_instances_and_channels() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        let mut seen = std::collections::HashSet::new();
        for id in ["a", "b", "nobody", "broken"] {
            let mut body = body.clone();
            for (key, prefix) in [("ai_agent_instance_id", "i"), ("channel_id", "c")] {
                if body.get(key).is_some() {
                    body[key] = format!("{prefix}-{id}").into();
                }
            }
            seen.insert(bench.ask_as("no", &path, &body).await.failure(403, 403));
        }
        assert_eq!(seen.len(), 1, "{path}: {seen:?}");
    }
}

#[tokio::test]
async fn the_authorizer_gets_the_value_of_authorization_as_it_is() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        for (sent, got) in [
            (Some("token-1"), Some("token-1")),
            (Some("Bearer token-1"), Some("Bearer token-1")),
            (Some("bearer  token-1"), Some("bearer  token-1")),
            (Some("Basic dTpw"), Some("Basic dTpw")),
            (Some("a, b;c=\"d\""), Some("a, b;c=\"d\"")),
            (Some("4711"), Some("4711")),
            (Some("{\"a\":1}"), Some("{\"a\":1}")),
            (Some(""), None),
            (Some("  "), None),
            (None, None),
        ] {
            let mut post = Post::json(&path, &body);
            if let Some(sent) = sent {
                post = post.header("authorization", sent);
            }
            bench.peer.ask(&post).await;
            let asked = bench.asked.try_recv().expect("the authorizer was not asked");
            assert_eq!(asked["authorization"], json!(got), "{path} {sent:?}");
        }
    }
}

#[tokio::test]
async fn the_authorizer_gets_what_the_request_names() {
    let mut bench = Bench::new().await;
    for (path, name, mut body) in places() {
        for spaced in [false, true] {
            let mut named = json!({"operation": name, "authorization": null});
            for (key, ask) in [
                ("user_id", "user"),
                ("channel_id", "channel"),
                ("ai_agent_instance_id", "instance"),
                ("ai_agent_id", "agent"),
            ] {
                if spaced && let Some(value) = body.get_mut(key) {
                    *value = format!(" {} ", value.as_str().unwrap()).into();
                }
                // As it is: the handler gets the same.
                named[ask] = body.get(key).cloned().unwrap_or_default();
            }
            bench.ask(&path, &body).await;
            assert_eq!(bench.asked.try_recv().unwrap(), named, "{path}");
        }
    }
    // Fields that an operation may have.
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let body = json!({"ai_agent_instance_id": "i-a", "user_id": "u7", "template_config": "{}"});
        bench.ask(&format!("{V1}/{name}"), &body).await;
        assert_eq!(bench.asked.try_recv().unwrap()["user"], "u7", "{name}");
    }
}

#[tokio::test]
async fn what_is_another_callers_is_refused_with_403() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let what = match name {
            "stopAIAgentInstance" | "updateAIAgentInstance" | "describeAIAgentInstance" => {
                "the instance belongs to another caller"
            }
            "startAIAgentInstanceWithChannel" | "getRtcAuthToken" => {
                "the channel belongs to another caller"
            }
            _ => continue,
        };
        let answer = bench.ask_as("b", &path, &body).await;
        assert_eq!(answer.failure(403, 403), what, "{path}");
        bench.nothing_heard();
        bench.ask_as("a", &path, &body).await.good();
        assert_eq!(bench.heard()["caller"], "a");
        // With blanks around it an id is another one, which is not known.
        if what.contains("instance") {
            let key = "ai_agent_instance_id";
            let spaced = format!("\u{a0} {}\t", body[key].as_str().unwrap());
            bench.ask_as("b", &path, &changed(&body, key, Some(spaced.into()))).await;
            bench.nothing_heard();
        }
    }
}

#[tokio::test]
async fn an_instance_that_is_not_known_is_404_and_a_channel_is_for_the_handler() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let unknown = |key| changed(&body, key, Some("nobody's".into()));
        match name {
            "stopAIAgentInstance" | "updateAIAgentInstance" | "describeAIAgentInstance" => {
                let answer = bench.ask(&path, &unknown("ai_agent_instance_id")).await;
                bench.nothing_heard();
                if path.starts_with(V1) {
                    assert_eq!(answer.good(), json!({"result": false}));
                } else {
                    answer.failure(200, 404);
                    assert_eq!(answer.error_code(), "InstanceNotFound");
                }
            }
            "startAIAgentInstanceWithChannel" | "getRtcAuthToken" => {
                bench.ask(&path, &unknown("channel_id")).await.good();
                assert_eq!(bench.heard()["request"]["channel_id"], "nobody's");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_blank_instance_id_is_a_parameter_that_is_missing() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        // At the documented base: the next test.
        if body.get("ai_agent_instance_id").is_none() || path.starts_with(V1) {
            continue;
        }
        for blank in ["", " ", "\t\n", "\u{3000}"] {
            let blank = changed(&body, "ai_agent_instance_id", Some(blank.into()));
            let answer = bench.ask(&path, &blank).await;
            assert_eq!(answer.failure(200, 400), "/ai_agent_instance_id: must be there");
            assert_eq!(answer.error_code(), "MissingParameter");
            bench.nothing_heard();
        }
    }
}

#[tokio::test]
async fn a_blank_instance_id_is_no_mere_false_at_the_documented_base() {
    let mut bench = Bench::new().await;
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let body = json!({"ai_agent_instance_id": " ", "template_config": "{}"});
        let answer = bench.ask(&format!("{V1}/{name}"), &body).await;
        assert_eq!(answer.failure(200, 400), "/ai_agent_instance_id: must be there");
    }
}

#[tokio::test]
async fn every_failure_has_an_error_code() {
    let mut bench = Bench::new().await;
    let path = format!("{V2}/startAIAgentInstance");
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let refused = Post::new(&path, common()[1].1.to_string()).header("Authorization", "no");
    for post in [
        Post::new(&path, "{"),
        Post::new(&path, "{}"),
        Post::new(&path, r#"{"user_id":{}}"#),
        Post::new(&path, "{}").content_type(Some("text/plain")),
        Post::new(&path, large),
    ] {
        let answer = Peer::connect(bench.address).await.ask(&post).await;
        assert!(answer.error_code().is_string(), "{post:?}: {answer:?}");
    }
    // The clients look at the status of a refusal, unless they find a code.
    let answer = Peer::connect(bench.address).await.ask(&refused).await;
    assert!(answer.error_code().is_null(), "{answer:?}");
    bench.nothing_heard();
}

#[tokio::test]
async fn the_other_forms_of_a_request_are_read() {
    let mut bench = Bench::new().await;
    for base in [V1, V2] {
        let body = json!({
            "ai_agent_id": 17, "user_id": 4711, "session_id": 9_007_199_254_740_993_u64,
            "expire": "60", "unknown": {"deep": [null, 1.5]},
            "template_config": {"VoiceChat": {"VoiceId": "v1"}},
            "agent_config": {"Greeting": "Hello!"},
            "user_data": {"b": [1, true], "a": null},
            "chat_sync_config": {"IMAIAgentId": 7, "ReceiverId": "u1"},
            "workflow_type": "HologramChat", "region": null,
        });
        bench.ask(&format!("{base}/generateAIAgentCall"), &body).await.good();
        let mut request = bench.heard()["request"].clone();
        let user_data = request.as_object_mut().unwrap().remove("user_data").unwrap();
        let user_data: Value = serde_json::from_str(user_data.as_str().unwrap()).unwrap();
        assert_eq!(user_data, body["user_data"]);
        let expected = json!({
            "ai_agent_id": "17", "user_id": "4711", "session_id": "9007199254740993", "expire": 60,
            "template_config": "{\"VoiceChat\":{\"VoiceId\":\"v1\"}}",
            "agent_config": "{\"Greeting\":\"Hello!\"}",
            "chat_sync_config": "{\"IMAIAgentId\":\"7\",\"ReceiverId\":\"u1\"}",
            "workflow_type": "HologramChat",
        });
        assert_eq!(request, expected);
        // A text stays as it is.
        for text in ["", "plain", "{\"a\": 1}"] {
            let body = json!({"user_id": "u1", "workflow_type": "VoiceChat", "user_data": text});
            bench.ask(&format!("{base}/startAIAgentInstance"), &body).await.good();
            assert_eq!(bench.heard()["request"]["user_data"], text);
        }
    }
    let body = json!({"user_id": 1, "channel_id": 2});
    bench.ask(&format!("{V2}/getRtcAuthToken"), &body).await.good();
    assert_eq!(bench.heard()["request"], json!({"user_id": "1", "channel_id": "2"}));
    // What is in no way needed may be left out.
    for (name, body) in [("generateAIAgentCall", json!({})), ("getRtcAuthToken", json!({}))] {
        bench.ask(&format!("{V2}/{name}"), &body).await.good();
        assert_eq!(bench.heard()["request"], json!({}));
    }
    // Nor has the template to be there.
    let body = json!({"ai_agent_instance_id": "i-a", "agent_config": "{}"});
    bench.ask(&format!("{V1}/updateAIAgentInstance"), &body).await.good();
    assert_eq!(bench.heard()["request"], body);
}

#[tokio::test]
async fn a_whole_number_beyond_64_bits_is_no_id() {
    let mut bench = Bench::new().await;
    let body = r#"{"user_id":123456789012345678901234567890,"workflow_type":"VoiceChat"}"#;
    let answer = bench.peer.ask(&Post::new(&format!("{V1}/startAIAgentInstance"), body)).await;
    assert!(answer.failure(200, 400).starts_with("/user_id: "));
    bench.nothing_heard();
}

#[tokio::test]
async fn the_documents_sample_requests_are_served() {
    let mut bench = Bench::new().await;
    for (name, sample) in [
        ("GenerateAIAgentCall", include_str!("../fixtures/aui/document-generate-request.json")),
        ("generateAIAgentCall", include_str!("../fixtures/aui/generate-request.json")),
        ("startAIAgentInstance", include_str!("../fixtures/aui/document-start-request.json")),
        ("stopAIAgentInstance", include_str!("../fixtures/aui/document-stop-request.json")),
        ("updateAIAgentInstance", include_str!("../fixtures/aui/document-update-request.json")),
    ] {
        for base in [V1, V2] {
            let mut body: Value = serde_json::from_str(sample).unwrap();
            if body.get("ai_agent_instance_id").is_some() {
                body["ai_agent_instance_id"] = "i-a".into();
            }
            bench.ask(&format!("{base}/{name}"), &body).await.good();
            let mut request = bench.heard()["request"].clone();
            if body["template_config"] == "{\"xxx\":\"xxxx\"}" {
                // Its key is no agent's.
                assert_eq!(request["template_config"], "{}");
                request["template_config"] = body["template_config"].clone();
            }
            assert_eq!(request, body);
        }
    }
}

#[tokio::test]
async fn known_callers_are_told_by_their_whole_token() {
    let (told, mut heard) = unbounded_channel();
    let callers = KnownCallers::new().caller("a", "token-a").caller("b", "token-b").caller("e", "");
    let address = start_router(router(Desk { told, act: Act::Well }, callers)).await;
    let mut peer = Peer::connect(address).await;
    for (token, caller) in [
        (Some("token-a"), Some("a")),
        (Some("token-b"), Some("b")),
        (Some("token-"), None),
        (Some("token-aa"), None),
        (Some("TOKEN-A"), None),
        (Some("Bearer token-a"), None),
        (Some(""), None),
        (None, None),
    ] {
        for (path, _, body) in places() {
            let owner = caller.unwrap_or("a");
            let body = body.to_string().replace("-a\"", &format!("-{owner}\""));
            let mut post = Post::new(&path, body);
            if let Some(token) = token {
                post = post.header("Authorization", token);
            }
            let answer = peer.ask(&post).await;
            match caller {
                Some(caller) => {
                    answer.good();
                    assert_eq!(heard.try_recv().unwrap()["caller"], caller);
                }
                None => {
                    answer.failure(403, 403);
                    assert!(heard.try_recv().is_err(), "a handler was called");
                }
            }
        }
    }
}

/// A preflight.
fn preflight(path: &str, origin: &str) -> Post {
    Post::new(path, "")
        .method("OPTIONS")
        .content_type(None)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization,content-type")
}

/// The headers that concern browsers.
fn cors(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn by_default_no_page_may_call() {
    let mut bench = Bench::new().await;
    let empty = Bench::with(Act::Well, |server| server.allow_origins([""; 0]).unwrap()).await;
    for (path, _, body) in places() {
        for address in [bench.address, empty.address] {
            let mut peer = Peer::connect(address).await;
            let post = Post::json(&path, &body).header("Origin", "https://app.example");
            let answer = peer.ask(&post).await;
            answer.good();
            assert_eq!(cors(&answer), [""; 0]);
            let answer = peer.ask(&preflight(&path, "https://app.example")).await;
            assert_eq!((answer.status, cors(&answer)), (405, vec![]));
        }
    }
    bench.heard();
}

#[tokio::test]
async fn pages_of_listed_origins_may_call_and_no_others() {
    let origins = ["https://app.example", "http://localhost:8080"];
    let mut bench = Bench::with(Act::Well, |server| server.allow_origins(origins).unwrap()).await;
    for (path, _, body) in places() {
        for origin in ["https://app.example", "http://localhost:8080"] {
            let answer = bench.peer.ask(&preflight(&path, origin)).await;
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            let list = |name| {
                let text = answer.header(name).to_ascii_lowercase();
                let mut list: Vec<_> = text.split(',').map(|item| item.trim().to_owned()).collect();
                list.sort_unstable();
                list
            };
            let headers = list("access-control-allow-headers");
            assert_eq!(headers, ["authorization", "content-type"]);
            let methods = list("access-control-allow-methods");
            assert_eq!(methods, ["delete", "get", "patch", "post", "put"]);
            bench.nothing_heard();
            // The answers have to be readable, the refusals as well.
            for caller in ["a", "no"] {
                let post = Post::json(&path, &body).header("Authorization", caller);
                let answer = bench.peer.ask(&post.header("Origin", origin)).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin);
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
                assert!(answer.header("vary").to_ascii_lowercase().contains("origin"));
            }
            bench.heard();
        }
        for origin in [
            "https://other.example",
            "http://app.example",
            "https://app.example:443",
            "https://app.example.evil.example",
            "https://sub.app.example",
            "https://APP.example",
            "null",
            "*",
        ] {
            let answer = bench.peer.ask(&preflight(&path, origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            let post = Post::json(&path, &body).header("Origin", origin);
            let answer = bench.peer.ask(&post).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            bench.heard();
        }
    }
}

#[tokio::test]
async fn pages_of_every_origin_may_call_where_that_is_allowed() {
    let mut bench = Bench::with(Act::Well, |server| {
        server.allow_origins(["https://app.example"]).unwrap().allow_any_origin()
    })
    .await;
    for (path, _, body) in places() {
        for origin in ["https://app.example", "http://localhost:5173", "null"] {
            for post in [
                preflight(&path, origin),
                Post::json(&path, &body).header("Origin", origin),
                Post::json(&path, &body).header("Origin", origin).header("Authorization", "no"),
            ] {
                let answer = bench.peer.ask(&post).await;
                assert_eq!(answer.header("access-control-allow-origin"), origin, "{post:?}");
                assert_eq!(answer.header("access-control-allow-credentials"), "true");
            }
        }
    }
}

#[test]
fn what_is_no_origin_is_refused() {
    for bad in [
        "*",
        "",
        "null",
        "app.example",
        "https://",
        "https://app.example/",
        "https://App.example",
        "https://app.example/path",
        "https://a b",
        "https://app.example\n",
        "://app.example",
    ] {
        let server = Server::new(Desk { told: unbounded_channel().0, act: Act::Well }, AnyCaller);
        let error = server.allow_origins(["https://good.example", bad]).unwrap_err();
        assert!(error.to_string().contains("invalid origin"), "{error}");
    }
    for good in ["http://localhost:5173", "https://[::1]:8443", "capacitor://localhost"] {
        let server = Server::new(Desk { told: unbounded_channel().0, act: Act::Well }, AnyCaller);
        drop(server.allow_origins([good]).unwrap().router());
    }
}

#[tokio::test]
async fn the_settings_count_at_both_bases() {
    let mut bench = Bench::with(Act::Well, |server| server.body_limit(100)).await;
    for (path, _, _) in places() {
        let mut body = format!("{{\"a\":\"{}\"}}", "x".repeat(91));
        assert_eq!(body.len(), 99);
        assert_ne!(bench.peer.ask(&Post::new(&path, body.clone())).await.json()["code"], 413);
        body.insert(6, 'x');
        assert_ne!(bench.peer.ask(&Post::new(&path, body.clone())).await.json()["code"], 413);
        body.insert(6, 'x');
        let answer = Peer::connect(bench.address).await.ask(&Post::new(&path, body)).await;
        assert!(answer.failure(200, 413).contains("100 bytes"));
    }
}

#[tokio::test]
async fn only_the_bases_that_were_chosen_are_served() {
    for (bases, v1, v2) in [
        (vec![Base::V1], true, false),
        (vec![Base::V2], false, true),
        (vec![Base::V1, Base::V2], true, true),
        (vec![Base::V2, Base::V1, Base::V2], true, true),
        (vec![], false, false),
    ] {
        let mut bench = Bench::with(Act::Well, |server| server.bases(bases.clone())).await;
        for (path, _, body) in places() {
            let served = if path.starts_with(V1) { v1 } else { v2 };
            let answer = bench.ask(&path, &body).await;
            assert_eq!(answer.status, if served { 200 } else { 404 }, "{bases:?} {path}");
        }
        for (name, body) in current() {
            assert_eq!(bench.ask(&format!("{V1}/{name}"), &body).await.status, 404);
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_ends_its_handler_and_nothing_else() {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let act = Act::Hang { begun: begun.clone(), dropped: dropped.clone() };
    let mut bench = Bench::acting(act).await;
    for (path, _, body) in places() {
        for reset in [false, true] {
            let mut peer = Peer::connect(bench.address).await;
            peer.send(&Post::json(&path, &body)).await;
            soon("the handler", begun.notified()).await;
            if reset {
                peer.reset()
            } else {
                peer.close()
            }
            soon("the end of the handler", dropped.notified()).await;
            bench.heard();
            // Gone before the request was whole.
            let bytes = Post::json(&path, &body).bytes();
            let mut peer = Peer::connect(bench.address).await;
            peer.write(&bytes[..bytes.len() - 3]).await;
            if reset { peer.reset() } else { peer.close() }
        }
        let answer = bench.ask_as("no", &path, &body).await;
        answer.failure(403, 403);
        bench.nothing_heard();
    }
}

#[tokio::test]
async fn secrets_do_not_get_into_the_trace() {
    let (traces, _guard) = traced();
    let mut bench = Bench::with(Act::Well, |server| server.trace_content(true)).await;
    for (path, name, body) in places() {
        let mut body = changed(&body, "token", Some("sent-token-1".into()));
        body["Authorization"] = "sent-token-2".into();
        body["user_data"] = json!({"rtc_auth_token": "sent-token-3"});
        let _ = bench.ask_as("a", &path, &body).await;
        bench.ask_as("no", &path, &body).await;
        bench
            .peer
            .ask(
                &Post::new(&path, "{\"token\":\"sent-token-4")
                    .header("authorization", "auth-secret"),
            )
            .await;
        bench.ask_as("auth-secret", &path, &body).await;
        assert!(!traces.with(&[name, "request"]).is_empty(), "{name} is not traced");
    }
    for shown in ["agent-1", "cn-shanghai", "answer", "request"] {
        assert!(!traces.with(&[shown]).is_empty(), "no {shown}");
    }
    for secret in ["rtc-token-1", "sign-1", "chat-token-1", "sent-token", "auth-secret"] {
        assert_eq!(traces.with(&[secret]), [""; 0], "{secret}");
    }
}

#[tokio::test]
async fn the_token_of_an_agent_does_not_get_into_the_trace() {
    let (traces, _guard) = traced();
    let mut bench = Bench::with(Act::Well, |server| server.trace_content(true)).await;
    let body = &current()[1].1;
    bench.ask(&format!("{V2}/describeAIAgentInstance"), body).await.good();
    assert_eq!(traces.with(&["agent-token"]), [""; 0]);
}

#[tokio::test]
async fn without_a_setting_no_content_is_traced() {
    let (traces, _guard) = traced();
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        bench.ask(&path, &changed(&body, "user_id", Some("the-user-1".into()))).await.good();
    }
    assert_eq!(traces.with(&["the-user-1"]), [""; 0]);
    assert_eq!(traces.with(&["rtc-token-1"]), [""; 0]);
}

#[tokio::test]
async fn chat_tokens_are_not_offered_unless_the_api_has_them() {
    struct Plain;

    impl Api for Plain {
        async fn owns(&self, _: &Principal, _: Resource<'_>) -> Result<Ownership, Error> {
            Ok(Ownership::Own)
        }

        async fn generate_call(
            &self,
            _: &Principal,
            _: GenerateCallRequest,
        ) -> Result<GeneratedCall, Error> {
            Err(Error::unsupported())
        }

        async fn start_instance(
            &self,
            _: &Principal,
            _: StartInstanceRequest,
        ) -> Result<StartedInstance, Error> {
            Err(Error::unsupported())
        }

        async fn stop_instance(&self, _: &Principal, _: StopInstanceRequest) -> Result<(), Error> {
            Ok(())
        }

        async fn update_instance(
            &self,
            _: &Principal,
            _: UpdateInstanceRequest,
        ) -> Result<(), Error> {
            Ok(())
        }

        async fn start_instance_in_channel(
            &self,
            _: &Principal,
            _: StartInstanceInChannelRequest,
        ) -> Result<InstanceInChannel, Error> {
            Err(Error::unsupported())
        }

        async fn describe_instance(
            &self,
            _: &Principal,
            _: DescribeInstanceRequest,
        ) -> Result<InstanceDescription, Error> {
            Ok(InstanceDescription::new().with_code(500).with_request_id("mine"))
        }

        async fn rtc_token(
            &self,
            _: &Principal,
            _: RtcTokenRequest,
        ) -> Result<RtcTokenAnswer, Error> {
            Err(Error::unsupported())
        }
    }

    let address = start_router(router(Plain, AnyCaller)).await;
    let mut peer = Peer::connect(address).await;
    for base in [V1, V2] {
        let post = Post::json(&format!("{base}/generateMessageChatToken"), &common()[4].1);
        assert!(peer.ask(&post).await.failure(200, 501).contains("not supported"));
    }
    // A success has the code 200 whatever the handler put there, and the id that it put there.
    let post = Post::json(&format!("{V2}/describeAIAgentInstance"), &current()[1].1);
    assert_eq!(peer.ask(&post).await.json(), json!({"code": 200, "request_id": "mine"}));
}
