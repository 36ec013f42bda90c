//! [`AppServer`], the app server that is ready to use, through its client and over an upstream in
//! memory or one that records: what it starts, which tokens it makes, what it remembers, and for whom.

#![cfg(all(feature = "aui", feature = "client", feature = "server"))]
#![allow(deprecated)]

mod abuse;
mod instances;
mod ownership;
mod policy;
mod starting;
mod tokens;
mod upstream;

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use callbot::aicall::{
    AgentConfig, AgentType, ChatSyncConfig, ErrorCode, Template, TemplateConfig,
};
use callbot::aui::ice::{self, InstanceStatus, Region};
use callbot::aui::{
    AgentSetting, Api, AppServer, Base, ChatTokenRequest, Client, DescribeInstanceRequest,
    GenerateCallRequest, InMemoryAgents, KnownCallers, Ownership, Principal, Resource,
    RtcTokenRequest, Server, StartInstanceInChannelRequest, StartInstanceInChannelRequestFields,
    StartInstanceRequest, StopInstanceRequest, UpdateInstanceRequest, Upstream, UpstreamError,
    error_code,
};
use callbot::aui::{ChatToken, ChatTokens, RtcTokenError, RtcTokens};
use callbot::client::{self, Error};
use callbot::clock::Clock;
use tokio::task::JoinSet;

const NOW: i64 = 1_700_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A clock that the test moves.
#[derive(Debug, Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }

    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Hand {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.now().try_into().unwrap())
    }
}

fn secs(seconds: i64) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap())
}

fn tokens(hand: &Hand) -> RtcTokens {
    RtcTokens::new("app-1", "key-1").clock(hand.clone())
}

/// An app server, and the clients of two principals, `a` and `b`.
struct Bench {
    hand: Hand,
    tokens: RtcTokens,
    a: Client,
    b: Client,
    /// The client of `a` at the documented base.
    old_a: Client,
    /// The client of `b` at the documented base.
    old_b: Client,
}

impl Bench {
    fn over<U: Upstream>(
        upstream: impl FnOnce(RtcTokens) -> U,
        settings: impl FnOnce(AppServer<U>, &Hand) -> AppServer<U>,
    ) -> Self {
        let hand = Hand::new();
        let tokens = tokens(&hand);
        let app = AppServer::new(upstream(tokens.clone()), tokens.clone())
            .agent(AgentType::Voice, "agent-voice")
            .agent(AgentType::Avatar, "agent-avatar")
            .callers_may_set(AgentSetting::ALL)
            .channel_id_length(None)
            .clock(hand.clone());
        let callers = KnownCallers::new().caller("a", "token-a").caller("b", "token-b");
        let router = Server::new(settings(app, &hand), callers).router();
        let client = |base, token| {
            let transport = client::InMemoryTransport::new(router.clone());
            let builder = Client::builder("http://app", base).transport(transport);
            builder.authorization(token).build().unwrap()
        };
        Self {
            a: client(Base::V2, "token-a"),
            b: client(Base::V2, "token-b"),
            old_a: client(Base::V1, "token-a"),
            old_b: client(Base::V1, "token-b"),
            hand,
            tokens,
        }
    }

    fn new() -> Self {
        Self::over(|tokens| InMemoryAgents::new(tokens).missing_agent("missing"), |app, _| app)
    }

    /// Starts an instance of `a`.
    async fn started(&self) -> callbot::aui::StartedInstance {
        self.a.start_instance(&start()).await.unwrap().into_inner()
    }
}

fn generate() -> GenerateCallRequest {
    GenerateCallRequest::new(Template::new()).with_agent_id("agent-1").with_user_id("u1")
}

fn start() -> StartInstanceRequest {
    StartInstanceRequest::new("u1", AgentType::Voice)
}

fn in_channel(channel: &str) -> StartInstanceInChannelRequest {
    StartInstanceInChannelRequest::new(StartInstanceInChannelRequestFields {
        user_id: "u1",
        agent_id: "agent-1",
        channel_id: channel,
        workflow_type: AgentType::Voice,
        region: "cn-shanghai",
    })
}

fn describe(id: &str) -> DescribeInstanceRequest {
    DescribeInstanceRequest::new("u1", id)
}

fn voice(voice: &str) -> AgentConfig {
    let mut config = AgentConfig::unset();
    config.tts.voice_id = Some(voice.into());
    config
}

fn update(id: &str) -> UpdateInstanceRequest {
    UpdateInstanceRequest::new(id, Template::new())
}

#[track_caller]
fn failure<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, i32, String, String) {
    let error = result.expect_err("a failure");
    let failure = error.failure().unwrap_or_else(|| panic!("no failure: {error:?}"));
    assert!(failure.request_id().is_some_and(|id| !id.is_empty()), "{error:?}");
    (
        error.status().unwrap().as_u16(),
        failure.status().unwrap(),
        failure.code().into(),
        failure.message().unwrap().into(),
    )
}

/// Returns the HTTP status, the `code` and the `error_code` of a failure.
#[track_caller]
fn codes<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, i32, String) {
    let (http, code, error_code, _) = failure(result);
    (http, code, error_code)
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An app server without router and client, which would check requests as well.
fn desk() -> (AppServer<InMemoryAgents>, Principal, RtcTokens) {
    let tokens = tokens(&Hand::new());
    let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens.clone())
        .agent(AgentType::Voice, "agent-voice")
        .channel_id_length(None)
        .clock(Hand::new());
    (app, Principal::new("a"), tokens)
}

/// The name and the region of a call.
type Noted = (&'static str, Option<String>);

/// An upstream that records its requests.
#[derive(Clone, Default)]
struct Record {
    calls: Arc<Mutex<Vec<Noted>>>,
    starts: Arc<Mutex<Vec<ice::StartInstanceRequest>>>,
    generated: Arc<Mutex<Vec<ice::GenerateCallRequest>>>,
    updates: Arc<Mutex<Vec<ice::UpdateInstanceRequest>>>,
    channels: Arc<Mutex<Vec<String>>>,
    fails: Option<UpstreamError>,
    /// Whether starts succeed even if everything else fails.
    starts_succeed: bool,
    slow: bool,
}

impl Record {
    async fn note(
        &self,
        name: &'static str,
        region: Option<&Region>,
    ) -> Result<usize, UpstreamError> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push((name, region.map(ToString::to_string)));
            calls.len()
        };
        if self.slow {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.starts_succeed && matches!(name, "generate" | "start") {
            return Ok(number);
        }
        self.fails.clone().map_or(Ok(number), Err)
    }

    fn count(&self, name: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(other, _)| *other == name).count()
    }

    fn regions(&self) -> Vec<Noted> {
        self.calls.lock().unwrap().clone()
    }

    fn starts(&self) -> Vec<ice::StartInstanceRequest> {
        self.starts.lock().unwrap().clone()
    }
}

impl Upstream for Record {
    async fn generate(
        &self,
        region: Option<&Region>,
        request: ice::GenerateCallRequest,
    ) -> Result<ice::GenerateCallResponse, UpstreamError> {
        let number = self.note("generate", region).await?;
        self.generated.lock().unwrap().push(request);
        let id = |kind: &str| format!("{kind}-{number}");
        Ok(ice::GenerateCallResponse::new(ice::GenerateCallResponseFields {
            instance_id: &id("i"),
            channel_id: &id("c"),
            agent_user_id: &id("a"),
            token: "upstream-token".into(),
        })
        .with_request_id("upstream-1"))
    }

    async fn start(
        &self,
        region: Option<&Region>,
        request: ice::StartInstanceRequest,
    ) -> Result<ice::StartInstanceResponse, UpstreamError> {
        let number = self.note("start", region).await?;
        self.channels.lock().unwrap().push(request.runtime_config.channel_id.clone());
        self.starts.lock().unwrap().push(request);
        Ok(ice::StartInstanceResponse::new(format!("i-{number}")).with_request_id("upstream-1"))
    }

    async fn stop(
        &self,
        region: Option<&Region>,
        _: ice::StopInstanceRequest,
    ) -> Result<ice::StopInstanceResponse, UpstreamError> {
        self.note("stop", region).await?;
        Ok(ice::StopInstanceResponse::new())
    }

    async fn update(
        &self,
        region: Option<&Region>,
        request: ice::UpdateInstanceRequest,
    ) -> Result<ice::UpdateInstanceResponse, UpstreamError> {
        self.note("update", region).await?;
        self.updates.lock().unwrap().push(request);
        Ok(ice::UpdateInstanceResponse::new())
    }

    async fn describe(
        &self,
        region: Option<&Region>,
        _: ice::DescribeInstanceRequest,
    ) -> Result<ice::DescribeInstanceResponse, UpstreamError> {
        self.note("describe", region).await?;
        let channel = self.channels.lock().unwrap().last().cloned().unwrap_or_default();
        let part = |token: &str| {
            ice::WorkflowRuntimeConfig::new().with_channel_id(&channel).with_auth_token(token)
        };
        let runtime = ice::InstanceRuntimeConfig::new()
            .with_channel_id(&channel)
            .with_auth_token("agent-token-1")
            .with_voice_chat(part("agent-token-2"))
            .with_vision_chat(part("agent-token-3"))
            .with_avatar_chat_3d(part("agent-token-4"));
        let instance = ice::Instance::new().with_runtime_config(runtime);
        Ok(ice::DescribeInstanceResponse::new(instance).with_request_id("upstream-1"))
    }
}
