//! Which agent is started in which channel, and which requests are refused.

use super::*;
use crate::support::events::Events;

#[tokio::test]
async fn a_call_of_an_agent_has_ids_and_a_valid_token() {
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
        // A blank agent id counts as missing. Any other takes precedence over the type.
        let made = bench.a.generate_call(&of(agent_type.clone()).with_agent_id(" ")).await.unwrap();
        assert_eq!(made.agent_id, agent);
        let made = bench.a.generate_call(&of(agent_type).with_agent_id("agent-9")).await.unwrap();
        assert_eq!(made.agent_id, "agent-9");
    }
    // The answer does not repeat a type that the document does not have.
    let other = of("OtherChat".parse().unwrap()).with_agent_id("agent-9");
    assert_eq!(bench.a.generate_call(&other).await.unwrap().workflow_type, None);
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
async fn a_missing_agent_is_not_found() {
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
async fn a_missing_user_id_is_generated() {
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
async fn a_started_instance_can_be_described() {
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
async fn ids_are_never_repeated() {
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
async fn an_agent_is_started_in_the_named_channel() {
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
        // The channel belongs to `a` now.
        let request = RtcTokenRequest::new("u2").with_channel_id(channel);
        bench.a.rtc_token(&request).await.unwrap();
        assert_eq!(codes(bench.b.rtc_token(&request).await), (403, 403, "403".into()));
        let started = bench.b.start_instance_in_channel(&in_channel(channel)).await;
        assert_eq!(codes(started), (403, 403, "403".into()));
    }
}

#[tokio::test]
async fn invalid_ids_of_users_and_channels_are_refused() {
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
async fn a_malformed_region_is_refused() {
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
async fn an_instance_is_stopped_if_the_client_disconnects_while_it_starts() {
    let (record, events) = (Record { slow: true, ..Record::default() }, Events::default());
    let bench = Bench::over(|_| record.clone(), |app, _| app.observer(events.clone()));
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
            while record.count("stop") == 0 || events.all().len() < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap();
        let operation = match name {
            "start" => "startAIAgentInstance",
            _ => "generateAIAgentCall",
        };
        let expected = ["started", "stopped"].map(|done| format!("agent_{done} {operation}"));
        assert_eq!(events.all(), expected);
        events.clear();
        record.calls.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn an_agent_that_starts_or_is_stopped_is_an_event() {
    let events = Events::default();
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.observer(events.clone()));
    let made = bench.a.generate_call(&generate()).await.unwrap();
    let started = bench.a.start_instance(&start()).await.unwrap();
    // Another caller's is not stopped.
    bench.b.stop_instance(&StopInstanceRequest::new(&made.instance_id)).await.unwrap_err();
    for id in [&made.instance_id, &started.instance_id] {
        bench.a.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
    }
    let starts = ["generateAIAgentCall", "startAIAgentInstance"];
    let mut expected: Vec<_> = starts.map(|by| format!("agent_started {by}")).into();
    expected.extend(vec!["agent_stopped stopAIAgentInstance".to_owned(); 2]);
    assert_eq!(events.all(), expected);
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
