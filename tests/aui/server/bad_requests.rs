//! Requests that are refused before a handler is called.

use super::*;

#[tokio::test]
async fn a_malformed_request_is_refused_with_its_place() {
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
async fn an_expiry_that_is_not_a_duration_is_refused() {
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
async fn an_error_in_a_json_string_has_its_place_in_the_string() {
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
async fn a_body_that_is_too_large_or_of_another_media_type_is_refused() {
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
async fn deep_nesting_is_refused_and_the_server_keeps_working() {
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
                // The same in a string. Only configurations are parsed.
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
async fn a_blank_instance_id_counts_as_missing() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        // The next test covers the documented base.
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
async fn a_blank_instance_id_is_an_error_at_the_documented_base_too() {
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
    // The clients use the status of a refusal, unless they find a code.
    let answer = Peer::connect(bench.address).await.ask(&refused).await;
    assert!(answer.error_code().is_null(), "{answer:?}");
    bench.nothing_heard();
}
