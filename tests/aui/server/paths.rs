//! The paths, the bases and the forms of a request.

use super::*;

#[tokio::test]
async fn every_operation_calls_its_handler_at_each_of_its_bases() {
    let mut bench = Bench::new().await;
    let mut ids = std::collections::HashSet::new();
    for (path, name, body) in places() {
        let answer = bench.ask(&path, &body).await;
        let id = answer.json()["request_id"].to_string();
        assert!(ids.insert(id), "a request id is repeated");
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
async fn only_generate_is_served_at_a_second_spelling() {
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
        // A text is kept unchanged.
        for text in ["", "plain", "{\"a\": 1}"] {
            let body = json!({"user_id": "u1", "workflow_type": "VoiceChat", "user_data": text});
            bench.ask(&format!("{base}/startAIAgentInstance"), &body).await.good();
            assert_eq!(bench.heard()["request"]["user_data"], text);
        }
    }
    let body = json!({"user_id": 1, "channel_id": 2});
    bench.ask(&format!("{V2}/getRtcAuthToken"), &body).await.good();
    assert_eq!(bench.heard()["request"], json!({"user_id": "1", "channel_id": "2"}));
    // Optional fields may be missing.
    for (name, body) in [("generateAIAgentCall", json!({})), ("getRtcAuthToken", json!({}))] {
        bench.ask(&format!("{V2}/{name}"), &body).await.good();
        assert_eq!(bench.heard()["request"], json!({}));
    }
    // The template may be missing as well.
    let body = json!({"ai_agent_instance_id": "i-a", "agent_config": "{}"});
    bench.ask(&format!("{V1}/updateAIAgentInstance"), &body).await.good();
    assert_eq!(bench.heard()["request"], body);
}

#[tokio::test]
async fn an_integer_beyond_64_bits_is_refused_as_an_id() {
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
        ("GenerateAIAgentCall", include_str!("../../fixtures/aui/document-generate-request.json")),
        ("generateAIAgentCall", include_str!("../../fixtures/aui/generate-request.json")),
        ("startAIAgentInstance", include_str!("../../fixtures/aui/document-start-request.json")),
        ("stopAIAgentInstance", include_str!("../../fixtures/aui/document-stop-request.json")),
        ("updateAIAgentInstance", include_str!("../../fixtures/aui/document-update-request.json")),
    ] {
        for base in [V1, V2] {
            let mut body: Value = serde_json::from_str(sample).unwrap();
            if body.get("ai_agent_instance_id").is_some() {
                body["ai_agent_instance_id"] = "i-a".into();
            }
            bench.ask(&format!("{base}/{name}"), &body).await.good();
            let mut request = bench.heard()["request"].clone();
            if body["template_config"] == "{\"xxx\":\"xxxx\"}" {
                // Its key is not the key of an agent type.
                assert_eq!(request["template_config"], "{}");
                request["template_config"] = body["template_config"].clone();
            }
            assert_eq!(request, body);
        }
    }
}

#[tokio::test]
async fn the_body_limit_applies_at_both_bases() {
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
async fn only_the_chosen_bases_are_served() {
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
