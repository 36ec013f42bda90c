//! The app server that is ready to use, over the upstream in memory and others, through its client:
//! what it starts, the tokens that it makes, what it remembers, and for whom.

#![cfg(all(feature = "aui", feature = "client", feature = "server"))]
#![allow(deprecated)]

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

/// A clock that is set by hand.
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

/// An app server, and who calls it.
struct Bench {
    hand: Hand,
    tokens: RtcTokens,
    a: Client,
    b: Client,
    /// At the documented base.
    old_a: Client,
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

    /// An instance of `a`.
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

/// What matters of a failure: HTTP status, code, `error_code`.
#[track_caller]
fn codes<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, i32, String) {
    let (http, code, error_code, _) = failure(result);
    (http, code, error_code)
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[tokio::test]
async fn a_call_of_an_agent_has_ids_and_a_real_token() {
    let bench = Bench::new();
    for client in [&bench.a, &bench.old_a] {
        let made = client.generate_call(&generate()).await.unwrap();
        for id in [&made.channel_id, &made.instance_id, made.agent_user_id.as_ref().unwrap()] {
            assert!(is_id(id), "{id}");
        }
        assert_eq!((&*made.agent_id, &made.workflow_type), ("agent-1", &None));
        assert_eq!(made.code, Some(200));
        let token = bench.tokens.check(made.rtc_token.expose()).unwrap();
        assert_eq!((&token.channel_id, &*token.user_id), (&made.channel_id, "u1"));
        assert_eq!(token.expires_at, NOW + DAY);
    }
}

#[tokio::test]
async fn a_call_of_a_type_gets_the_agent_of_that_type() {
    let bench = Bench::new();
    let of = |agent_type| GenerateCallRequest::new(Template::new()).with_workflow_type(agent_type);
    for (agent_type, agent) in
        [(AgentType::Voice, "agent-voice"), (AgentType::Avatar, "agent-avatar")]
    {
        let made = bench.a.generate_call(&of(agent_type.clone())).await.unwrap();
        assert_eq!((&*made.agent_id, &made.workflow_type), (agent, &Some(agent_type.clone())));
        // A blank id is none, and one that is there counts.
        let made = bench.a.generate_call(&of(agent_type.clone()).with_agent_id(" ")).await.unwrap();
        assert_eq!(made.agent_id, agent);
        let made = bench.a.generate_call(&of(agent_type).with_agent_id("agent-9")).await.unwrap();
        assert_eq!(made.agent_id, "agent-9");
    }
    let strange: AgentType = "x\"\n".repeat(100).parse().unwrap();
    for agent_type in [AgentType::Vision, AgentType::Video, strange] {
        let result = bench.a.generate_call(&of(agent_type.clone())).await;
        let (http, code, error_code, message) = failure(result);
        assert_eq!((http, code, &*error_code), (200, 400, "InvalidParameter"));
        assert!(message.starts_with("/workflow_type: ") && message.len() < 400, "{message}");
        let result = bench.a.start_instance(&StartInstanceRequest::new("u1", agent_type)).await;
        assert_eq!(codes(result), (200, 400, "InvalidParameter".into()));
    }
    let result = bench.a.generate_call(&GenerateCallRequest::new(Template::new())).await;
    let missing = (200, 400, "MissingParameter".into(), "/ai_agent_id: must be there".into());
    assert_eq!(failure(result), missing);
}

#[tokio::test]
async fn an_agent_that_is_missing_is_not_found() {
    let bench = Bench::over(
        |tokens| InMemoryAgents::new(tokens).missing_agent("missing"),
        |app, _| app.agent(AgentType::Vision, "missing"),
    );
    for client in [&bench.a, &bench.old_a] {
        let request = GenerateCallRequest::new(Template::new());
        let by_id = client.generate_call(&request.clone().with_agent_id("missing")).await;
        let by_type = client.generate_call(&request.with_workflow_type(AgentType::Vision)).await;
        let started =
            client.start_instance(&StartInstanceRequest::new("u1", AgentType::Vision)).await;
        for error in [by_id.unwrap_err(), by_type.unwrap_err(), started.unwrap_err()] {
            assert_eq!(error_code(&error), ErrorCode::AgentNotFound, "{error}");
            assert_eq!(error.status().unwrap(), 200);
        }
    }
    let mut request = in_channel("c1");
    request.agent_id = "missing".into();
    let error = bench.a.start_instance_in_channel(&request).await.unwrap_err();
    assert_eq!(error_code(&error), ErrorCode::AgentNotFound);
}

#[tokio::test]
async fn without_a_user_one_is_made() {
    let bench = Bench::new();
    let mut users = HashSet::new();
    for user in [None, Some("")] {
        let mut request = GenerateCallRequest::new(Template::new()).with_agent_id("agent-1");
        request.user_id = user.map(Into::into);
        let made = bench.a.generate_call(&request).await.unwrap();
        let user = bench.tokens.check(made.rtc_token.expose()).unwrap().user_id;
        assert!(is_id(&user) && users.insert(user.clone()), "{user}");
    }
}

#[tokio::test]
async fn the_token_of_a_user_lives_as_long_as_asked_and_a_day_at_most() {
    let bench = Bench::new();
    for (expire, life) in [
        (None, DAY),
        (Some(0), DAY),
        (Some(1), 1),
        (Some(24), 24),
        (Some(3600), 3600),
        (Some(DAY), DAY),
        (Some(DAY + 1), DAY),
        (Some(7 * DAY), DAY),
    ] {
        let (mut call, mut instance) = (generate(), start());
        call.expire = expire.map(secs);
        instance.expire = expire.map(secs);
        for client in [&bench.a, &bench.old_a] {
            let made = client.generate_call(&call).await.unwrap();
            let started = client.start_instance(&instance).await.unwrap();
            for (token, channel) in
                [(&made.rtc_token, &made.channel_id), (&started.rtc_token, &started.channel_id)]
            {
                let token = bench.tokens.check(token.expose()).unwrap();
                assert_eq!(token.expires_at, NOW + life, "{expire:?}");
                assert_eq!((&token.channel_id, &*token.user_id), (channel, "u1"));
            }
        }
    }
    let answer = bench.a.rtc_token(&RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!(answer.expires_at, NOW + DAY);
}

#[tokio::test]
async fn the_life_that_the_operator_set_counts_for_all_tokens_of_users() {
    let hand = Hand::new();
    let tokens = tokens(&hand).lifetime(secs(HOUR));
    let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens.clone())
        .agent(AgentType::Voice, "agent-voice");
    let caller = Principal::new("a");
    let answer = app.rtc_token(&caller, RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!(answer.expires_at, NOW + HOUR);
    let started = app.start_instance(&caller, start()).await.unwrap();
    assert_eq!(tokens.check(started.rtc_token.expose()).unwrap().expires_at, NOW + HOUR);
}

#[tokio::test]
async fn the_token_of_an_agent_lives_for_7_days_and_goes_upstream_only() {
    let record = Record::default();
    let bench = Bench::over(|_| record.clone(), |app, _| app);
    let started = bench.started().await;
    bench.a.start_instance_in_channel(&in_channel("room-1")).await.unwrap();
    let starts = record.starts();
    for (index, channel) in [&*started.channel_id, "room-1"].into_iter().enumerate() {
        let runtime = &starts[index].runtime_config;
        let token = bench.tokens.check(runtime.auth_token.expose()).unwrap();
        assert_eq!((&*token.channel_id, &*runtime.channel_id), (channel, channel));
        assert_eq!(token.user_id, runtime.agent_user_id);
        assert_eq!(token.expires_at, NOW + 7 * DAY);
        assert_ne!(runtime.auth_token.expose(), started.rtc_token.expose());
    }
    assert_eq!(starts[0].runtime_config.agent_user_id, started.agent_user_id);
    bench.hand.forward(7 * DAY - 1);
    let token = starts[0].runtime_config.auth_token.expose();
    assert!(bench.tokens.check(token).is_ok());
    bench.hand.forward(1);
    assert_eq!(bench.tokens.check(token), Err(RtcTokenError::Expired));
}

#[tokio::test]
async fn an_instance_that_is_started_can_be_described() {
    let bench = Bench::new();
    let mut config = voice("v1");
    config.greeting = Some("Hello!".into());
    let mut settings = TemplateConfig::unset();
    settings.volume = Some(50);
    let template = Template::new().with_voice(settings);
    let request = start()
        .with_agent_config(config.clone())
        .with_template_config(template.clone())
        .with_user_data("{\"a\":1}");
    let started = bench.a.start_instance(&request).await.unwrap();
    for id in [&started.channel_id, &started.instance_id, &started.agent_user_id] {
        assert!(is_id(id), "{id}");
    }
    let described = bench.a.describe_instance(&describe(&started.instance_id)).await.unwrap();
    assert_eq!(described.status, Some(InstanceStatus::Executing));
    assert_eq!(described.agent_config, Some(config));
    assert_eq!(described.template_config, Some(template));
    assert_eq!(described.user_data.as_deref(), Some("{\"a\":1}"));
    let runtime = described.runtime_config.as_ref().unwrap();
    assert_eq!(runtime.channel_id.as_ref(), Some(&started.channel_id));
    assert_eq!(runtime.agent_user_id.as_ref(), Some(&started.agent_user_id));

    let made = bench.a.generate_call(&generate()).await.unwrap();
    let described = bench.a.describe_instance(&describe(&made.instance_id)).await.unwrap();
    assert_eq!(described.status, Some(InstanceStatus::Created));
    // The web client fails without them.
    assert_eq!(described.agent_config, Some(AgentConfig::unset()));
    assert_eq!(described.template_config, Some(Template::new()));
}

#[tokio::test]
async fn a_description_never_has_the_token_of_the_agent() {
    let record = Record::default();
    for over in [true, false] {
        let bench = match over {
            true => Bench::over(|_| record.clone(), |app, _| app),
            false => Bench::new(),
        };
        let started = bench.started().await;
        let described = bench.a.describe_instance(&describe(&started.instance_id)).await.unwrap();
        let text = serde_json::to_string(&*described).unwrap();
        assert!(text.contains(&started.channel_id), "{text}");
        assert!(!text.contains("AuthToken") && !text.contains("agent-token"), "{text}");
    }
}

#[tokio::test]
async fn ids_never_come_twice() {
    let bench = Bench::new();
    let mut ids = HashSet::new();
    for _ in 0..200 {
        let made = bench.a.generate_call(&generate()).await.unwrap().into_inner();
        let started = bench.started().await;
        let token = bench.a.rtc_token(&RtcTokenRequest::new("u1")).await.unwrap().into_inner();
        for id in [
            made.channel_id,
            made.instance_id,
            made.agent_user_id.unwrap(),
            started.channel_id,
            started.instance_id,
            started.agent_user_id,
            token.channel_id.unwrap(),
        ] {
            assert!(is_id(&id) && ids.insert(id.clone()), "{id}");
        }
    }
}

#[tokio::test]
async fn an_agent_is_started_in_the_channel_that_is_named() {
    let bench = Bench::new();
    let token = bench.a.rtc_token(&RtcTokenRequest::new("u1")).await.unwrap();
    let channel = token.channel_id.clone().unwrap();
    for channel in [&*channel, "room-1", &"r".repeat(64)] {
        let started = bench.a.start_instance_in_channel(&in_channel(channel)).await.unwrap();
        assert!(is_id(&started.instance_id) && is_id(&started.agent_user_id));
        let described = bench.a.describe_instance(&describe(&started.instance_id)).await.unwrap();
        let runtime = described.runtime_config.clone().unwrap();
        assert_eq!(runtime.channel_id.as_deref(), Some(channel));
        assert_eq!(runtime.agent_user_id, Some(started.agent_user_id.clone()));
        // It is the caller's now.
        let request = RtcTokenRequest::new("u2").with_channel_id(channel);
        bench.a.rtc_token(&request).await.unwrap();
        assert_eq!(codes(bench.b.rtc_token(&request).await), (403, 403, "403".into()));
        let started = bench.b.start_instance_in_channel(&in_channel(channel)).await;
        assert_eq!(codes(started), (403, 403, "403".into()));
    }
}

/// An app server without a router and a client, which has rules of its own.
fn desk() -> (AppServer<InMemoryAgents>, Principal, RtcTokens) {
    let tokens = tokens(&Hand::new());
    let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens.clone())
        .agent(AgentType::Voice, "agent-voice")
        .channel_id_length(None)
        .clock(Hand::new());
    (app, Principal::new("a"), tokens)
}

#[tokio::test]
async fn ids_of_users_and_channels_keep_the_rules() {
    let (app, a, tokens) = desk();
    let voice = |id: &str| StartInstanceRequest::new(id, AgentType::Voice);
    let token = RtcTokenRequest::new;
    for id in ["u 1", "u.1", "u/1", "用户", "u\n1"] {
        for (field, error) in [
            ("user_id", app.generate_call(&a, generate().with_user_id(id)).await.unwrap_err()),
            ("user_id", app.start_instance(&a, voice(id)).await.unwrap_err()),
            ("user_id", app.rtc_token(&a, token(id)).await.unwrap_err()),
            ("channel_id", app.rtc_token(&a, token("u1").with_channel_id(id)).await.unwrap_err()),
            ("channel_id", app.start_instance_in_channel(&a, in_channel(id)).await.unwrap_err()),
        ] {
            let error = error.to_string();
            assert!(error.starts_with(&format!("/{field}: \"u")) || id == "用户", "{error}");
            assert!(error.ends_with(", allowed: characters of 0-9A-Za-z_-"), "{error}");
        }
    }
    let long =
        app.rtc_token(&a, RtcTokenRequest::new("u".repeat(65))).await.unwrap_err().to_string();
    assert!(long.ends_with(", allowed: 1 to 64 characters"), "{long}");
    let answer = app.rtc_token(&a, token("u-1_A").with_channel_id("room-1")).await.unwrap();
    let token = tokens.check(answer.rtc_token.expose()).unwrap();
    assert_eq!((&*token.user_id, &*token.channel_id), ("u-1_A", "room-1"));
    for blank in [" ", "\t"] {
        for (field, error) in [
            ("user_id", app.start_instance(&a, voice(blank)).await.unwrap_err()),
            ("user_id", app.rtc_token(&a, RtcTokenRequest::new(blank)).await.unwrap_err()),
            ("channel_id", app.start_instance_in_channel(&a, in_channel(blank)).await.unwrap_err()),
        ] {
            assert_eq!(error.to_string(), format!("/{field}: must be there"));
        }
    }
}

#[tokio::test]
async fn a_region_has_the_form_of_one() {
    let (app, a, _) = desk();
    for region in ["x", "CN-shanghai", "cn-shanghai.evil.example", "a-b@c", "../..", "cn-"] {
        let error = app.generate_call(&a, generate().with_region(region)).await.unwrap_err();
        assert!(error.to_string().starts_with("/region: "), "{error}");
    }
    for region in ["cn-shanghai", "ap-southeast-1", "", " "] {
        app.generate_call(&a, generate().with_region(region)).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_gets_a_token_for_the_name_of_the_agent() {
    let bench = Bench::new();
    let started = bench.started().await;
    let agent = RtcTokenRequest::new(&started.agent_user_id).with_channel_id(&started.channel_id);
    let refused = codes(bench.a.rtc_token(&agent).await);
    assert_eq!(refused, (200, 400, "InvalidParameter".into()));
    bench.a.rtc_token(&agent.with_channel_id("room-9")).await.unwrap();
}

#[tokio::test]
async fn an_instance_whose_caller_has_gone_is_stopped() {
    let record = Record { slow: true, ..Record::default() };
    let bench = Bench::over(|_| record.clone(), |app, _| app);
    for name in ["start", "generate"] {
        let client = bench.a.clone();
        let gone = tokio::spawn(async move {
            match name {
                "start" => client.start_instance(&start()).await.map(drop),
                _ => client.generate_call(&generate()).await.map(drop),
            }
        });
        while record.count(name) == 0 {
            tokio::task::yield_now().await;
        }
        gone.abort();
        let stopped = async {
            while record.count("stop") == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap();
        record.calls.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn an_expiry_out_of_range_is_refused() {
    let hand = Hand::new();
    let app = AppServer::new(InMemoryAgents::new(tokens(&hand)), tokens(&hand))
        .agent(AgentType::Voice, "agent-voice")
        .chat_tokens(ChatTokens::new("app-1", "key-1", "sign-1"));
    let caller = Principal::new("a");
    for expire in [secs(7 * DAY + 1), Duration::from_millis(1500), Duration::MAX] {
        for error in [
            app.generate_call(&caller, generate().with_expire(expire)).await.unwrap_err(),
            app.start_instance(&caller, start().with_expire(expire)).await.unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("/expire: "), "{error}");
        }
    }
    let part = ChatTokenRequest::new("x", "u1").with_expire(Duration::from_millis(1500));
    let error = app.chat_token(&caller, part).await.unwrap_err();
    assert!(error.to_string().starts_with("/expire: "), "{error}");
}

#[tokio::test]
async fn an_update_is_merged_into_what_is_there() {
    let bench = Bench::new();
    let mut config = voice("v1");
    config.greeting = Some("Hello!".into());
    config.asr.vad_level = Some(3);
    let request = start().with_agent_config(config.clone());
    let started = bench.a.start_instance(&request).await.unwrap();
    let id = &started.instance_id;

    let mut change = voice("v2");
    change.volume = Some(80);
    let mut settings = TemplateConfig::unset();
    settings.greeting = Some("Hi!".into());
    let template = Template::new().with_voice(settings);
    let request = UpdateInstanceRequest::new(id, template.clone()).with_agent_config(change);
    bench.a.update_instance(&request).await.unwrap();
    config.tts.voice_id = Some("v2".into());
    config.volume = Some(80);
    let described = bench.a.describe_instance(&describe(id)).await.unwrap();
    assert_eq!(described.agent_config, Some(config.clone()));
    assert_eq!(described.template_config, Some(template.clone()));

    // At the documented base as well.
    let mut settings = TemplateConfig::unset();
    settings.volume = Some(10);
    let request = UpdateInstanceRequest::new(id, Template::new().with_voice(settings));
    bench.old_a.update_instance(&request).await.unwrap();
    let described = bench.a.describe_instance(&describe(id)).await.unwrap();
    let mut expected = template.voice.unwrap();
    expected.volume = Some(10);
    assert_eq!(described.template_config, Some(Template::new().with_voice(expected)));
    assert_eq!(described.agent_config, Some(config), "it changed without being named");
}

#[tokio::test]
async fn an_update_out_of_range_is_refused_and_changes_nothing() {
    let hand = Hand::new();
    let record = Record::default();
    let app = AppServer::new(record.clone(), tokens(&hand))
        .agent(AgentType::Voice, "agent-voice")
        .clock(hand);
    let caller = Principal::new("a");
    let started = app.start_instance(&caller, start()).await.unwrap();
    let mut config = voice("v2");
    config.volume = Some(401);
    config.asr.vad_level = Some(12);
    let mut settings = TemplateConfig::unset();
    settings.vad_level = Some(-7);
    let template = Template::new().with_voice(settings);
    let request = UpdateInstanceRequest::new(&started.instance_id, template.clone())
        .with_agent_config(config.clone());
    let error = app.update_instance(&caller, request).await.unwrap_err().to_string();
    let places = ["/agent_config/Volume: 401", "/agent_config/AsrConfig/VadLevel: 12"];
    for place in places.into_iter().chain(["/template_config/VoiceChat/VadLevel: -7"]) {
        assert!(error.contains(place), "{error}");
    }
    assert_eq!(record.count("update"), 0);
    // The same before anything is started.
    let (before, generated) = (record.count("start"), record.count("generate"));
    let call = generate().with_agent_config(config.clone());
    assert!(app.generate_call(&caller, call).await.is_err());
    assert!(app.start_instance(&caller, start().with_template_config(template)).await.is_err());
    let request = in_channel("c1").with_agent_config(config);
    assert!(app.start_instance_in_channel(&caller, request).await.is_err());
    assert_eq!((record.count("start"), record.count("generate")), (before, generated));
}

#[tokio::test]
async fn an_update_of_nothing_is_refused() {
    let hand = Hand::new();
    let record = Record::default();
    let app = AppServer::new(record.clone(), tokens(&hand)).agent(AgentType::Voice, "agent-voice");
    let caller = Principal::new("a");
    let started = app.start_instance(&caller, start()).await.unwrap();
    let mut request = update(&started.instance_id);
    request.template_config = None;
    let error = app.update_instance(&caller, request).await.unwrap_err().to_string();
    assert_eq!(error, "/template_config: must be there");
    assert_eq!(record.count("update"), 0);
}

#[tokio::test]
async fn an_instance_can_be_stopped_twice_and_not_be_changed_then() {
    let bench = Bench::new();
    for client in [&bench.a, &bench.old_a] {
        let id = bench.started().await.instance_id;
        for _ in 0..2 {
            client.stop_instance(&StopInstanceRequest::new(&id)).await.unwrap();
            let described = bench.a.describe_instance(&describe(&id)).await.unwrap();
            assert_eq!(described.status, Some(InstanceStatus::Finished));
        }
        let request = update(&id).with_agent_config(voice("v2"));
        let (http, code, error_code, _) = failure(bench.a.update_instance(&request).await);
        assert_eq!((http, code, &*error_code), (200, 404, "InstanceNotFound"));
        let error = bench.old_a.update_instance(&request).await.unwrap_err();
        assert!(error.to_string().contains("result: false"), "{error}");
    }
}

#[tokio::test]
async fn what_nobody_started_is_not_there() {
    let bench = Bench::new();
    let none = (200, 404, String::from("InstanceNotFound"));
    let request = StopInstanceRequest::new("nobody's");
    assert_eq!(codes(bench.a.stop_instance(&request).await), none);
    assert_eq!(codes(bench.a.update_instance(&update("nobody's")).await), none);
    assert_eq!(codes(bench.a.describe_instance(&describe("nobody's")).await), none);
    let error = bench.old_a.stop_instance(&request).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 200);
}

#[tokio::test]
async fn only_who_started_an_instance_may_touch_it() {
    let bench = Bench::new();
    let refused = (403, 403, String::from("403"));
    let in_channel = bench.a.start_instance_in_channel(&in_channel("room-1")).await.unwrap();
    let made = bench.a.generate_call(&generate()).await.unwrap();
    let ids = [
        bench.started().await.instance_id,
        in_channel.instance_id.clone(),
        made.instance_id.clone(),
    ];
    for id in ids {
        for stopped in [false, true] {
            let stop = StopInstanceRequest::new(&id).with_user_id("u1");
            for client in [&bench.b, &bench.old_b] {
                assert_eq!(codes(client.stop_instance(&stop).await), refused);
                assert_eq!(codes(client.update_instance(&update(&id)).await), refused);
            }
            assert_eq!(codes(bench.b.describe_instance(&describe(&id)).await), refused);
            if !stopped {
                let described = bench.a.describe_instance(&describe(&id)).await.unwrap();
                assert_ne!(described.status, Some(InstanceStatus::Finished));
            }
            bench.a.stop_instance(&stop).await.unwrap();
        }
    }
    // Nor its channel.
    for channel in ["room-1", &made.channel_id] {
        let request = RtcTokenRequest::new("u1").with_channel_id(channel);
        assert_eq!(codes(bench.b.rtc_token(&request).await), refused);
        bench.a.rtc_token(&request).await.unwrap();
    }
}

#[tokio::test]
async fn an_app_server_keeps_what_is_anothers_even_without_a_router() {
    let hand = Hand::new();
    let app = AppServer::new(InMemoryAgents::new(tokens(&hand)), tokens(&hand))
        .agent(AgentType::Voice, "agent-voice")
        .clock(hand.clone());
    let (a, b) = (Principal::new("a"), Principal::new("b"));
    let started = app.start_instance(&a, start()).await.unwrap();
    let id = &started.instance_id;
    assert!(app.stop_instance(&b, StopInstanceRequest::new(id)).await.is_err());
    assert!(app.update_instance(&b, update(id)).await.is_err());
    assert!(app.describe_instance(&b, describe(id)).await.is_err());
    let channel = &started.channel_id;
    let token = RtcTokenRequest::new("u1").with_channel_id(channel);
    assert!(app.rtc_token(&b, token.clone()).await.is_err());
    assert!(app.start_instance_in_channel(&b, in_channel(channel)).await.is_err());
    assert!(app.rtc_token(&a, token).await.is_ok());
    for (caller, expected) in [(&a, Ownership::Own), (&b, Ownership::Foreign)] {
        assert_eq!(app.owns(caller, Resource::Instance(id)).await.unwrap(), expected);
        assert_eq!(app.owns(caller, Resource::Channel(channel)).await.unwrap(), expected);
        let other = app.owns(caller, Resource::Instance(channel)).await.unwrap();
        assert_eq!(other, Ownership::Unknown);
    }
    hand.forward(DAY);
    for caller in [&a, &b] {
        let error = app.describe_instance(caller, describe(id)).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no such instance");
        let owned = app.owns(caller, Resource::Channel(channel)).await.unwrap();
        assert_eq!(owned, Ownership::Unknown);
    }
}

#[tokio::test]
async fn what_is_remembered_is_forgotten_a_day_after_it_was_named() {
    let bench = Bench::new();
    let started = bench.started().await;
    let (id, channel) = (&started.instance_id, &started.channel_id);
    let token = RtcTokenRequest::new("u1").with_channel_id(channel);
    bench.hand.forward(DAY - 1);
    bench.a.describe_instance(&describe(id)).await.unwrap();
    bench.a.rtc_token(&token).await.unwrap();
    bench.hand.forward(DAY - 1);
    assert_eq!(codes(bench.b.describe_instance(&describe(id)).await).0, 403);
    assert_eq!(codes(bench.b.rtc_token(&token).await).0, 403);
    bench.hand.forward(1);
    for client in [&bench.a, &bench.b] {
        let none = (200, 404, String::from("InstanceNotFound"));
        assert_eq!(codes(client.describe_instance(&describe(id)).await), none);
        assert_eq!(codes(client.stop_instance(&StopInstanceRequest::new(id)).await), none);
    }
    // The channel is free again.
    bench.b.rtc_token(&token).await.unwrap();
    assert_eq!(codes(bench.a.rtc_token(&token).await).0, 403);
}

#[tokio::test]
async fn a_channel_is_kept_for_a_day_from_its_last_token_on() {
    let bench = Bench::new();
    let token = RtcTokenRequest::new("u1").with_channel_id("room-1");
    bench.a.rtc_token(&token).await.unwrap();
    for _ in 0..3 {
        bench.hand.forward(DAY - 1);
        assert_eq!(codes(bench.b.rtc_token(&token).await).0, 403);
        bench.a.rtc_token(&token).await.unwrap();
    }
    bench.hand.forward(DAY);
    bench.b.rtc_token(&token).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_was_stopped_is_remembered_for_an_hour() {
    let bench = Bench::new();
    let id = bench.started().await.instance_id;
    let stop = StopInstanceRequest::new(&id);
    bench.a.stop_instance(&stop).await.unwrap();
    bench.hand.forward(HOUR - 1);
    bench.a.describe_instance(&describe(&id)).await.unwrap();
    // To stop it again does not make it any longer.
    bench.a.stop_instance(&stop).await.unwrap();
    bench.hand.forward(1);
    assert_eq!(codes(bench.a.describe_instance(&describe(&id)).await).1, 404);
}

#[tokio::test]
async fn more_than_can_be_remembered_is_refused_with_503() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(2));
    let full = (200, 503, String::from("ServiceUnavailable"));
    let first = bench.started().await;
    bench.a.generate_call(&generate()).await.unwrap();
    for client in [&bench.a, &bench.b, &bench.old_b] {
        assert_eq!(codes(client.generate_call(&generate()).await), full);
        assert_eq!(codes(client.start_instance(&start()).await), full);
    }
    assert_eq!(codes(bench.b.start_instance_in_channel(&in_channel("c1")).await), full);
    assert_eq!(codes(bench.b.rtc_token(&RtcTokenRequest::new("u1")).await), full);
    // What is there goes on.
    bench.a.describe_instance(&describe(&first.instance_id)).await.unwrap();
    bench.a.update_instance(&update(&first.instance_id)).await.unwrap();
    bench.a.stop_instance(&StopInstanceRequest::new(&first.instance_id)).await.unwrap();
    // A day later there is room.
    bench.hand.forward(DAY);
    bench.b.generate_call(&generate()).await.unwrap();
    bench.b.start_instance(&start()).await.unwrap();
    assert_eq!(codes(bench.b.start_instance(&start()).await), full);

    let none = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(0));
    assert_eq!(codes(none.a.start_instance(&start()).await), full);
}

#[tokio::test]
async fn an_instance_that_was_stopped_makes_room_after_its_hour() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(2));
    for _ in 0..2 {
        let id = bench.started().await.instance_id;
        bench.a.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
    }
    bench.hand.forward(HOUR);
    bench.a.start_instance(&start()).await.unwrap();
}

#[tokio::test]
async fn a_token_for_a_channel_that_is_known_needs_no_room() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(1));
    let channel = bench.started().await.channel_id;
    bench.a.rtc_token(&RtcTokenRequest::new("u1").with_channel_id(channel)).await.unwrap();
}

#[tokio::test]
async fn many_at_once_do_not_pass_the_limit() {
    let record = Record { slow: true, ..Record::default() };
    let bench = Bench::over(|_| record.clone(), |app, _| app.max_instances(5));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let client = bench.a.clone();
        tasks.spawn(async move { client.start_instance(&start()).await.is_ok() });
    }
    let started = tasks.join_all().await.into_iter().filter(|started| *started).count();
    assert_eq!(started, 5);
}

#[tokio::test]
async fn an_rtc_token_is_for_the_channel_that_is_asked_for_or_a_new_one() {
    let bench = Bench::new();
    let named = RtcTokenRequest::new("u1").with_channel_id("room-1");
    let answer = bench.a.rtc_token(&named).await.unwrap();
    assert_eq!(answer.channel_id.as_deref(), Some("room-1"));
    let token = bench.tokens.check(answer.rtc_token.expose()).unwrap();
    assert_eq!((&*token.channel_id, &*token.user_id), ("room-1", "u1"));
    assert_eq!((token.expires_at, answer.expires_at), (NOW + DAY, NOW + DAY));
    // Another user of the same caller.
    let other = RtcTokenRequest::new("u2").with_channel_id("room-1");
    let answer = bench.a.rtc_token(&other).await.unwrap();
    assert_eq!(bench.tokens.check(answer.rtc_token.expose()).unwrap().user_id, "u2");
    assert_eq!(codes(bench.b.rtc_token(&named).await), (403, 403, "403".into()));
    for blank in [None, Some("")] {
        let mut request = RtcTokenRequest::new("u1");
        request.channel_id = blank.map(Into::into);
        let answer = bench.b.rtc_token(&request).await.unwrap();
        let channel = answer.channel_id.clone().unwrap();
        assert!(is_id(&channel), "{channel}");
        let token = bench.tokens.check(answer.rtc_token.expose()).unwrap();
        assert_eq!(token.channel_id, channel);
        // It is the caller's own.
        let again = RtcTokenRequest::new("u1").with_channel_id(channel);
        assert_eq!(codes(bench.a.rtc_token(&again).await).0, 403);
        bench.b.rtc_token(&again).await.unwrap();
    }
}

#[tokio::test]
async fn chat_tokens_are_real_where_there_are_any() {
    let bench = Bench::new();
    let request = ChatTokenRequest::new("agent-1", "user_1");
    for client in [&bench.a, &bench.old_a] {
        let (http, code, _, message) = failure(client.chat_token(&request).await);
        assert_eq!((http, code, &*message), (200, 501, "the operation is not supported"));
    }
    let hand = Hand::new();
    let chat = ChatTokens::new("chat-app", "chat-key", "chat-sign").clock(hand.clone());
    let settings = |app: AppServer<_>| app.chat_tokens(chat.clone());
    let admin = ChatTokenRequest::new("agent-1", "user_1").with_role("admin");
    let bench = Bench::over(InMemoryAgents::new, |app, _| settings(app));
    assert_eq!(codes(bench.a.chat_token(&admin).await), (403, 403, "403".into()));
    let bench = Bench::over(InMemoryAgents::new, |app, _| settings(app).allow_admin_chats());
    for client in [&bench.a, &bench.old_a] {
        for (role, expire, expected, life) in [
            (None, None, "", HOUR),
            (Some(""), Some(0), "", HOUR),
            (Some(""), Some(1), "", 1),
            (Some("admin"), Some(60), "admin", 60),
            (Some("admin"), Some(HOUR), "admin", HOUR),
        ] {
            let mut request = request.clone();
            request.role = role.map(Into::into);
            request.expire = expire.map(secs);
            let answer = client.chat_token(&request).await.unwrap().into_inner();
            assert_eq!((&*answer.app_id, &*answer.user_id), ("chat-app", "user_1"));
            assert_eq!(answer.role.as_deref(), Some(expected));
            assert_eq!(answer.expires_at, NOW + life);
            let token = ChatToken::new(
                answer.app_id,
                answer.app_sign,
                answer.token,
                answer.user_id,
                answer.expires_at,
            )
            .with_nonce(answer.nonce.unwrap())
            .with_role(expected);
            chat.check(&token).unwrap();
        }
    }
}

#[tokio::test]
async fn chat_tokens_keep_the_rules() {
    let chat = ChatTokens::new("chat-app", "chat-key", "chat-sign").clock(Hand::new());
    let (app, a, _) = desk();
    let app = app.chat_tokens(chat);
    let request = |user: &str| ChatTokenRequest::new("agent-1", user);
    for (request, says) in [
        (request("user-1"), "/user_id: \"user-1\", allowed: "),
        (request("user 1"), "/user_id: \"user 1\", allowed: "),
        (request(" "), "/user_id: must be there"),
        (ChatTokenRequest::new(" ", "user_1"), "/ai_agent_id: must be there"),
        (request("user_1").with_role("root"), "/role: "),
        (request("user_1").with_role("Admin"), "/role: "),
    ] {
        let error = app.chat_token(&a, request).await.unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
    }
    // More than an hour is an hour.
    let request = request("user_1").with_expire(secs(7 * DAY));
    let answer = app.chat_token(&a, request).await.unwrap();
    assert_eq!(answer.expires_at, NOW + HOUR);
}

/// The name and the region of a call.
type Noted = (&'static str, Option<String>);

/// An upstream that notes what it gets, and answers so.
#[derive(Clone, Default)]
struct Record {
    calls: Arc<Mutex<Vec<Noted>>>,
    starts: Arc<Mutex<Vec<ice::StartInstanceRequest>>>,
    generated: Arc<Mutex<Vec<ice::GenerateCallRequest>>>,
    updates: Arc<Mutex<Vec<ice::UpdateInstanceRequest>>>,
    channels: Arc<Mutex<Vec<String>>>,
    fails: Option<UpstreamError>,
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

#[tokio::test]
async fn what_a_request_has_goes_upstream() {
    let record = Record::default();
    let bench = Bench::over(|_| record.clone(), |app, _| app);
    let sync = || ChatSyncConfig::new("chat-1", "u1");
    let mut settings = TemplateConfig::unset();
    settings.volume = Some(50);
    let template = Template::new().with_voice(settings);
    let mut call = GenerateCallRequest::new(template.clone())
        .with_agent_id("agent-1")
        .with_user_id("u1")
        .with_expire(secs(7 * DAY))
        .with_agent_config(voice("v1"))
        .with_user_data("d")
        .with_session_id("s-1")
        .with_chat_sync_config(sync())
        .with_region("cn-beijing");
    let made = bench.a.generate_call(&call).await.unwrap();
    assert_eq!(
        (&*made.instance_id, &*made.channel_id, made.agent_user_id.as_deref()),
        ("i-1", "c-1", Some("a-1"))
    );
    assert_eq!(made.rtc_token.expose(), "upstream-token");
    assert_eq!(made.request_id.as_deref(), Some("upstream-1"));
    let expected = ice::GenerateCallRequest::new("agent-1")
        .with_user_id("u1")
        .with_expire(secs(7 * DAY))
        .with_agent_config(voice("v1"))
        .with_template_config(template.clone())
        .with_chat_sync_config(sync())
        .with_session_id("s-1")
        .with_user_data("d");
    assert_eq!(record.generated.lock().unwrap()[0], expected);
    call.expire = None;
    bench.a.generate_call(&call).await.unwrap();
    assert_eq!(record.generated.lock().unwrap()[1].expire, Some(secs(DAY)));

    let request = start()
        .with_template_config(template.clone())
        .with_agent_config(voice("v1"))
        .with_user_data("d")
        .with_session_id("s-1")
        .with_chat_sync_config(sync());
    bench.a.start_instance(&request).await.unwrap();
    let request = in_channel("room-1")
        .with_template_config(template.clone())
        .with_agent_config(voice("v1"))
        .with_user_data("d")
        .with_session_id("s-1")
        .with_chat_sync_config(sync());
    bench.a.start_instance_in_channel(&request).await.unwrap();
    for (started, agent) in record.starts().iter().zip(["agent-voice", "agent-1"]) {
        let expected = ice::StartInstanceRequest::new(agent, started.runtime_config.clone())
            .with_agent_config(voice("v1"))
            .with_template_config(template.clone())
            .with_chat_sync_config(sync())
            .with_session_id("s-1")
            .with_user_data("d");
        assert_eq!(*started, expected);
    }
    let request =
        UpdateInstanceRequest::new("i-1", template.clone()).with_agent_config(voice("v2"));
    bench.a.update_instance(&request).await.unwrap();
    let expected = ice::UpdateInstanceRequest::new("i-1")
        .with_agent_config(voice("v2"))
        .with_template_config(template);
    assert_eq!(record.updates.lock().unwrap()[0], expected);
}

#[tokio::test]
async fn an_instance_stays_in_the_region_in_which_it_was_started() {
    let record = Record::default();
    let bench = Bench::over(|_| record.clone(), |app, _| app);
    let call = generate().with_region("cn-beijing");
    let ids = [
        bench.a.generate_call(&call).await.unwrap().instance_id.clone(),
        bench.a.start_instance_in_channel(&in_channel("c1")).await.unwrap().instance_id.clone(),
        bench.a.start_instance(&start()).await.unwrap().instance_id.clone(),
        bench.a.generate_call(&generate().with_region(" ")).await.unwrap().instance_id.clone(),
    ];
    let regions = [Some("cn-beijing"), Some("cn-shanghai"), None, None];
    let seen: Vec<_> = record.regions().into_iter().map(|(_, region)| region).collect();
    assert_eq!(seen, regions.map(|region| region.map(String::from)));
    for (id, region) in ids.iter().zip(regions) {
        record.calls.lock().unwrap().clear();
        let other = describe(id).with_region("us-west-1");
        bench.a.describe_instance(&other).await.unwrap();
        bench.a.update_instance(&update(id)).await.unwrap();
        bench.a.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
        let region = region.map(String::from);
        let expected = [("describe", region.clone()), ("update", region.clone()), ("stop", region)];
        assert_eq!(record.regions(), expected);
    }
}

#[tokio::test]
async fn what_the_upstream_says_of_a_failure_goes_out() {
    for (error, code, error_code_, expected) in [
        (
            UpstreamError::new(403, "The free trial is used up.")
                .with_code("Forbidden.SubscriptionRequired")
                .with_request_id("upstream-1"),
            403,
            "Forbidden.SubscriptionRequired",
            ErrorCode::AgentSubscriptionRequired,
        ),
        (
            UpstreamError::new(404, "gone").with_code("AgentNotFound").with_request_id("r"),
            404,
            "AgentNotFound",
            ErrorCode::AgentNotFound,
        ),
        (
            UpstreamError::new(599, "x").with_code("InternalServerError").with_request_id("r"),
            599,
            "InternalServerError",
            ErrorCode::InternalError,
        ),
        (
            UpstreamError::new(503, "later").with_request_id("r"),
            503,
            "503",
            ErrorCode::BeginCallFailed,
        ),
        (
            UpstreamError::new(200, "odd").with_request_id("r"),
            500,
            "500",
            ErrorCode::BeginCallFailed,
        ),
        (
            UpstreamError::new(403, "no").with_request_id("r"),
            403,
            "403",
            ErrorCode::BeginCallFailed,
        ),
    ] {
        let record = Record { fails: Some(error.clone()), ..Record::default() };
        let bench = Bench::over(|_| record.clone(), |app, _| app);
        for result in [
            bench.a.generate_call(&generate()).await.map(drop),
            bench.old_a.generate_call(&generate()).await.map(drop),
            bench.a.start_instance(&start()).await.map(drop),
            bench.old_a.start_instance(&start()).await.map(drop),
            bench.a.start_instance_in_channel(&in_channel("c1")).await.map(drop),
        ] {
            let found = result.unwrap_err();
            assert_eq!(error_code(&found), expected, "{found}");
            assert_eq!(found.request_id(), error.request_id());
            let (http, found_code, found_error, message) = failure(Err::<(), _>(found));
            assert_eq!((http, found_code, &*found_error), (200, code, error_code_));
            assert_eq!(message, error.message());
        }
    }
}

#[test]
fn an_error_of_the_upstream_has_a_status_of_an_error() {
    for (given, status) in
        [(0, 500), (200, 500), (399, 500), (400, 400), (599, 599), (600, 500), (u16::MAX, 500)]
    {
        assert_eq!(UpstreamError::new(given, "x").status(), status, "{given}");
    }
    let error = UpstreamError::new(404, "gone").with_code("AgentNotFound").with_request_id("r");
    let parts = (error.code(), error.message(), error.request_id());
    assert_eq!(parts, (Some("AgentNotFound"), "gone", Some("r")));
    assert_eq!(error.to_string(), "upstream: 404 AgentNotFound: gone");
}

#[tokio::test]
async fn an_upstream_that_fails_at_an_instance_that_runs_is_told_by_base() {
    let record = Record::default();
    let failing = Record {
        fails: Some(
            UpstreamError::new(409, "busy").with_code("Busy").with_request_id("upstream-9"),
        ),
        ..record.clone()
    };
    /// Starts well, and fails at all else.
    struct Half(Record, Record);

    impl Upstream for Half {
        async fn generate(
            &self,
            region: Option<&Region>,
            request: ice::GenerateCallRequest,
        ) -> Result<ice::GenerateCallResponse, UpstreamError> {
            self.0.generate(region, request).await
        }

        async fn start(
            &self,
            region: Option<&Region>,
            request: ice::StartInstanceRequest,
        ) -> Result<ice::StartInstanceResponse, UpstreamError> {
            self.0.start(region, request).await
        }

        async fn stop(
            &self,
            region: Option<&Region>,
            request: ice::StopInstanceRequest,
        ) -> Result<ice::StopInstanceResponse, UpstreamError> {
            self.1.stop(region, request).await
        }

        async fn update(
            &self,
            region: Option<&Region>,
            request: ice::UpdateInstanceRequest,
        ) -> Result<ice::UpdateInstanceResponse, UpstreamError> {
            self.1.update(region, request).await
        }

        async fn describe(
            &self,
            region: Option<&Region>,
            request: ice::DescribeInstanceRequest,
        ) -> Result<ice::DescribeInstanceResponse, UpstreamError> {
            self.1.describe(region, request).await
        }
    }

    let bench = Bench::over(|_| Half(record, failing), |app, _| app);
    let id = bench.started().await.instance_id;
    let stop = StopInstanceRequest::new(&id);
    let busy = (200, 409, String::from("Busy"), String::from("busy"));
    assert_eq!(failure(bench.a.stop_instance(&stop).await), busy);
    assert_eq!(failure(bench.a.update_instance(&update(&id)).await), busy);
    assert_eq!(failure(bench.a.describe_instance(&describe(&id)).await), busy);
    for error in [
        bench.old_a.stop_instance(&stop).await.unwrap_err(),
        bench.old_a.update_instance(&update(&id)).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("result: false"), "{error}");
    }
    // It still runs, and is remembered as long.
    bench.hand.forward(2 * HOUR);
    assert_eq!(failure(bench.a.describe_instance(&describe(&id)).await), busy);
}

#[tokio::test]
async fn a_start_that_failed_leaves_nothing_behind() {
    let fails = Some(UpstreamError::new(500, "x"));
    let record = Record { fails, ..Record::default() };
    let bench = Bench::over(|_| record.clone(), |app, _| app.max_instances(1));
    for _ in 0..3 {
        assert_eq!(codes(bench.a.start_instance(&start()).await).1, 500);
        assert_eq!(codes(bench.a.generate_call(&generate()).await).1, 500);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_at_once_never_mix() {
    let bench = Bench::new();
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let (own, other) = match number % 2 {
            0 => (bench.a.clone(), bench.b.clone()),
            _ => (bench.b.clone(), bench.a.clone()),
        };
        let tokens = bench.tokens.clone();
        tasks.spawn(async move {
            let user = format!("u{number}");
            let name = format!("v{number}");
            let started = StartInstanceRequest::new(&user, AgentType::Voice)
                .with_agent_config(voice(&name))
                .with_user_data(&name);
            let started = own.start_instance(&started).await.unwrap();
            let token = tokens.check(started.rtc_token.expose()).unwrap();
            assert_eq!((token.user_id, &token.channel_id), (user.clone(), &started.channel_id));
            let call = GenerateCallRequest::new(Template::new())
                .with_agent_id("agent-1")
                .with_user_id(&user)
                .with_user_data(&name);
            let made = own.generate_call(&call).await.unwrap();
            let mut ids = vec![];
            for (id, channel) in [
                (started.instance_id.clone(), started.channel_id.clone()),
                (made.instance_id.clone(), made.channel_id.clone()),
            ] {
                let described = own.describe_instance(&describe(&id)).await.unwrap();
                assert_eq!(described.user_data.as_ref(), Some(&name));
                let runtime = described.runtime_config.as_ref().unwrap();
                assert_eq!(runtime.channel_id.as_ref(), Some(&channel));
                let stop = StopInstanceRequest::new(&id);
                assert_eq!(codes(other.stop_instance(&stop).await).0, 403);
                assert_eq!(codes(other.describe_instance(&describe(&id)).await).0, 403);
                let token = RtcTokenRequest::new(&user).with_channel_id(&channel);
                assert_eq!(codes(other.rtc_token(&token).await).0, 403);
                own.rtc_token(&token).await.unwrap();
                own.stop_instance(&stop).await.unwrap();
                ids.extend([id, channel]);
            }
            // All want the same channel; of two callers one has it.
            let shared = RtcTokenRequest::new(&user).with_channel_id("shared");
            (ids, number % 2, own.rtc_token(&shared).await.is_ok())
        });
    }
    let (mut ids, mut winners) = (HashSet::new(), HashSet::new());
    for (some, caller, shared) in tasks.join_all().await {
        for id in some {
            assert!(ids.insert(id.clone()), "{id} comes twice");
        }
        if shared {
            winners.insert(caller);
        }
    }
    assert_eq!((ids.len(), winners.len()), (800, 1));
}

#[tokio::test]
async fn the_upstream_in_memory_keeps_the_newest_10_000_instances() {
    let upstream = InMemoryAgents::new(tokens(&Hand::new()));
    let mut ids = vec![];
    for _ in 0..10_002 {
        let made = upstream.generate(None, ice::GenerateCallRequest::new("agent-1")).await;
        ids.push(made.unwrap().instance_id);
    }
    for (number, there) in [(0, false), (1, false), (2, true), (10_001, true)] {
        let described = upstream.describe(None, ice::DescribeInstanceRequest::new(&ids[number]));
        assert_eq!(described.await.is_ok(), there, "{number}");
    }
}

#[tokio::test]
async fn no_secret_shows_in_debug() {
    let tokens = RtcTokens::new("app-1", "secret-key");
    let upstream = InMemoryAgents::new(tokens.clone());
    let app = AppServer::new(upstream, tokens)
        .agent(AgentType::Voice, "agent-voice")
        .chat_tokens(ChatTokens::new("app-1", "secret-key", "secret-sign"));
    let started = app.start_instance(&Principal::new("a"), start()).await.unwrap();
    let callers = KnownCallers::new().caller("a", "secret-token");
    let mut shown = format!("{app:?} {:?} {started:?} {callers:?}", app.upstream());
    shown += &format!("{:?}", Server::new(app, callers));
    assert!(!shown.contains("secret-") && !shown.contains(started.rtc_token.expose()), "{shown}");
}
