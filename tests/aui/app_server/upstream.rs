//! What goes upstream, and what happens to its failures.

use super::*;
use crate::support::traces::traced;

#[tokio::test]
async fn every_field_of_a_request_goes_upstream() {
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
async fn an_instance_stays_in_the_region_where_it_was_started() {
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
async fn a_failure_of_the_upstream_is_passed_on() {
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
fn an_upstream_error_always_has_an_error_status() {
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
async fn a_failed_stop_or_update_is_reported_in_the_form_of_the_base() {
    let error = UpstreamError::new(409, "busy").with_code("Busy").with_request_id("upstream-9");
    let record = Record { fails: Some(error), starts_succeed: true, ..Record::default() };
    let bench = Bench::over(|_| record, |app, _| app);
    let id = bench.started().await.instance_id;
    let stop = StopInstanceRequest::new(&id);
    let busy = (200, 409, String::from("Busy"), String::from("busy"));
    assert_eq!(failure(bench.a.stop_instance(&stop).await), busy);
    assert_eq!(failure(bench.a.update_instance(&update(&id)).await), busy);
    assert_eq!(failure(bench.a.describe_instance(&describe(&id)).await), busy);
    let (traces, _guard) = traced();
    for error in [
        bench.old_a.stop_instance(&stop).await.unwrap_err(),
        bench.old_a.update_instance(&update(&id)).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("result: false"), "{error}");
    }
    for operation in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let operation = format!("operation=\"{operation}\"");
        let lines = traces.with(&["WARN", "answered with `result: false`: busy", &operation]);
        assert_eq!(lines.len(), 1, "{}", traces.text());
    }
    // The instance still runs and is remembered as long as before.
    bench.hand.forward(2 * HOUR);
    assert_eq!(failure(bench.a.describe_instance(&describe(&id)).await), busy);
}

#[tokio::test]
async fn a_failed_start_leaves_nothing_behind() {
    let fails = Some(UpstreamError::new(500, "x"));
    let record = Record { fails, ..Record::default() };
    let bench = Bench::over(|_| record.clone(), |app, _| app.max_instances(1));
    for _ in 0..3 {
        assert_eq!(codes(bench.a.start_instance(&start()).await).1, 500);
        assert_eq!(codes(bench.a.generate_call(&generate()).await).1, 500);
    }
}

#[tokio::test]
async fn the_in_memory_upstream_keeps_the_newest_10_000_instances() {
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
async fn an_instance_in_memory_has_a_limit_in_bytes() {
    let agents = InMemoryAgents::new(RtcTokens::new("app", "key"));
    let generate = |bytes: usize| {
        let request = ice::GenerateCallRequest::new("agent-1").with_user_data("x".repeat(bytes));
        agents.generate(None, request)
    };
    assert_eq!(generate(33_000).await.unwrap_err().code(), Some("InvalidParameter"));
    let id = generate(30_000).await.unwrap().instance_id;
    let update = |bytes: usize| {
        let request = ice::UpdateInstanceRequest::new(&id).with_user_data("y".repeat(bytes));
        agents.update(None, request)
    };
    assert_eq!(update(33_000).await.unwrap_err().code(), Some("InvalidParameter"));
    let described = agents.describe(None, ice::DescribeInstanceRequest::new(&id)).await.unwrap();
    assert_eq!(
        described.instance.user_data,
        Some("x".repeat(30_000)),
        "a refused change changes nothing"
    );
    update(1).await.unwrap();
}
