//! The app server with ICE as its upstream.

use super::*;

/// Returns a client of an app server over ICE.
fn app(ice: Client) -> aui::Client {
    let tokens = RtcTokens::new("app-1", "app key");
    let app = AppServer::new(ice, tokens)
        .agent(AgentType::Voice, "agent-1")
        .callers_may_set(aui::AgentSetting::ALL)
        .channel_id_length(None);
    let router = aui::router(app, AnyCaller);
    let transport = InMemoryTransport::new(router);
    aui::Client::builder("http://app", Base::V2).transport(transport).build().unwrap()
}

#[tokio::test]
async fn an_app_server_works_over_ice() {
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
async fn an_app_gets_the_failure_that_ice_reports() {
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
    // The server's key lacks a permission. The app's token is fine.
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
