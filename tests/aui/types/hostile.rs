//! Texts and numbers that try to break out of their place.

use super::*;

const HOSTILE: [&str; 8] = [
    "\"quotes\" 'and' \\backslashes\\ \\\"both\\\"",
    "\u{0}\u{1}\u{1f}\n\r\t\u{7f}\u{2028}\u{2029}\u{feff}",
    "👩‍👩‍👧‍👦 \u{1f600} e\u{301} \u{202e}rtl",
    "</script><script>alert(1)</script><!--",
    "{\"type\":1100}",
    "\",\"Volume\":401,\"x\":\"",
    "'; DROP TABLE calls; -- ${jndi:ldap://x} %00 ../..",
    "未来\u{10ffff}",
];

#[test]
fn hostile_texts_survive_in_free_texts() {
    for text in HOSTILE {
        let config = AgentConfig::unset()
            .with_greeting(text)
            .with_wake_up_query(text)
            .with_llm(LlmConfig::new().with_system_prompt(text).with_openai_extra_query(text))
            .with_asr(AsrConfig::new().with_custom_params(text))
            .with_vcr(VcrConfig::new().with_extra(text, text));
        assert_eq!(config.validate(), Ok(()));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(decode(json.as_bytes()), Ok(config.clone()));
        // As it is sent to the app server: JSON in a JSON string.
        let outer = serde_json::to_string(&json!({"agent_config": json})).unwrap();
        let outer: Value = serde_json::from_str(&outer).unwrap();
        assert_eq!(decode(outer["agent_config"].as_str().unwrap().as_bytes()), Ok(config));
        let ask = ClientMessage::from(SendTextToAgentRequest::new(text));
        let ask = Message::new(ask, 1).with_sender_id(text).with_receiver_id(text);
        assert_eq!(Message::from_json(ask.to_json().unwrap().as_bytes()), Ok(ask));
        let chat = ClientMessage::from(CustomMessageToServerData::new(text));
        let json = Message::new(chat.clone(), 1).to_json().unwrap();
        assert_eq!(Message::from_json(json.as_bytes()).map(|message| message.body), Ok(chat));
    }
}

#[test]
fn hostile_texts_survive_in_json_in_strings() {
    for text in HOSTILE {
        let params = object(json!({text: [text, {text: text}]}));
        let config = AgentConfig::unset()
            .with_workflow_override_params(params.clone())
            .with_experimental(params.clone())
            .with_llm(LlmConfig::unset().with_bailian_app_params(params.clone()));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(decode(json.as_bytes()), Ok(config));
        for message in [
            json!({"type": 1117, "data": {"params": json!(params).to_string()}}),
            json!({"type": 1113, "data": {"userData": json!(params).to_string()}}),
        ] {
            assert_eq!(written(&read::<ClientMessage>(message.clone())), message);
        }
        let custom = AgentMessage::from(CustomMessageData::new(json!(params)));
        let json = Message::new(custom.clone(), 1).to_json().unwrap();
        assert_eq!(Message::from_json(json.as_bytes()).map(|message| message.body), Ok(custom));
    }
}

#[test]
fn deeply_nested_json_survives_or_is_refused_with_its_place() {
    let nested = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for place in ["/WorkflowOverrideParams", "/ExperimentalConfig", "/LlmConfig/BailianAppParams"] {
        let good = document(place, json!(nested(120)));
        assert_eq!(written(&read::<AgentConfig>(good.clone())), good);
        for depth in [128, 1000, 100_000] {
            let bad = document(place, json!(nested(depth)));
            let error = try_read::<AgentConfig>(&bad).unwrap_err();
            assert!(error.pointer().starts_with(place), "{error}");
            assert!(error.message().contains("recursion limit"), "{error}");
        }
    }
    let message = format!(r#"{{"type":1018,"data":{}}}"#, nested(100_000));
    let error = Message::<AgentMessage>::from_json(message.as_bytes()).unwrap_err();
    assert!(error.message().contains("recursion limit"), "{error}");
    let custom = json!({"type": 1011, "data": {"message": nested(100_000)}});
    let error = try_read::<Message<AgentMessage>>(&custom).unwrap_err();
    assert!(error.pointer().starts_with("/data/message"), "{error}");
}

#[test]
fn a_text_that_is_too_long_is_refused_without_its_text() {
    let long = format!("{}{}", HOSTILE[0], "x".repeat(1_000_000));
    let error = AgentConfig::new().with_greeting(long).validate().unwrap_err().to_string();
    assert_eq!(error, "/Greeting: [hidden], allowed: at most 128 characters");
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let config: AgentConfig = decode(br#"{"Volume": 401, "Volume": 7}"#).unwrap();
    assert_eq!(config, AgentConfig::unset().with_volume(7));
}

#[test]
fn a_number_out_of_its_range_is_refused_with_its_place() {
    for (place, number) in [
        ("/Volume", json!(2_147_483_648_i64)),
        ("/LlmConfig/LlmHistoryLimit", json!(1e300)),
        ("/MaxIdleTime", json!(1e300)),
        ("/AsrConfig/AsrMaxSilence", json!("inf")),
    ] {
        let error = try_read::<AgentConfig>(&document(place, number)).unwrap_err();
        assert_eq!(error.pointer(), place, "{error}");
    }
}
