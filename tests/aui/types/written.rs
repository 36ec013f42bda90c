//! Which fields are written, and how.

use super::*;

#[test]
fn fields_that_negative_numbers_unset_are_written_from_zero() {
    let agent = [
        "/MaxIdleTime",
        "/UserOnlineTimeout",
        "/UserOfflineTimeout",
        "/Volume",
        "/AsrConfig/AsrMaxSilence",
        "/AsrConfig/VadLevel",
        "/LlmConfig/LlmHistoryLimit",
        "/LlmConfig/OutputMinLength",
        "/LlmConfig/OutputMaxDelay",
        "/TurnDetectionConfig/SemanticWaitDuration",
    ];
    let template = [
        "/UserOnlineTimeout",
        "/UserOfflineTimeout",
        "/AsrMaxSilence",
        "/VadLevel",
        "/Volume",
        "/MaxIdleTime",
        "/LlmHistoryLimit",
    ];
    let agent = agent.map(|place| (place, read_as::<AgentConfig> as Reader));
    let template = template.map(|place| (place, read_as::<TemplateConfig> as Reader));
    for (place, read) in agent.into_iter().chain(template) {
        for below in [json!(-1), json!(-2), json!(i32::MIN)] {
            assert_eq!(read(&document(place, below)).unwrap().0, json!({}), "{place}");
        }
        for from in [json!(0), json!(1), json!(i32::MAX)] {
            let document = document(place, from);
            assert_eq!(read(&document).unwrap().0, document, "{place}");
        }
    }
}

#[test]
fn a_negative_duration_is_read_as_unset() {
    for (place, read) in [
        ("/AutoSpeechConfig/LlmPending/WaitTime", read_as::<AgentConfig> as Reader),
        ("/AutoSpeechConfig/UserIdle/WaitTime", read_as::<AgentConfig>),
        ("/VcrConfig/StillFrameMotion/CallbackDelay", read_as::<AgentConfig>),
        ("/eachDuration", read_as::<VisionCaptureRequest>),
        ("/duration", read_as::<VisionCaptureRequest>),
    ] {
        let (parent, _) = place.rsplit_once('/').unwrap();
        let unset = if parent.is_empty() { json!({}) } else { document(parent, json!({})) };
        assert_eq!(read(&document(place, json!(-1))).unwrap().0, unset, "{place}");
        assert_eq!(read(&document(place, json!(0))).unwrap().0, document(place, json!(0)));
    }
    // A required field can't be unset.
    let error = try_read::<ClientMessage>(&json!({"type": 1118, "data": {"asrMaxSilence": -1}}));
    assert_eq!(error.unwrap_err().pointer(), "/data/asrMaxSilence");
}

#[test]
fn fields_that_zero_unsets_are_written_above_zero() {
    for (place, above) in
        [("/AsrConfig/VadDuration", json!(1)), ("/TtsConfig/SpeechRate", json!(0.01))]
    {
        for not_above in [json!(0), json!(0.0), json!(-0.0), json!(-1), json!(-0.5)] {
            assert_eq!(written(&read::<AgentConfig>(document(place, not_above))), json!({}));
        }
        let above = document(place, above);
        assert_eq!(written(&read::<AgentConfig>(above.clone())), above);
    }
}

#[test]
fn numbers_that_mean_unset_are_not_written_even_if_set_explicitly() {
    let mut config = AgentConfig::unset().with_volume(-1);
    config.asr.vad_level = Some(-1);
    config.asr.vad_duration = Some(Duration::ZERO);
    config.tts.speech_rate = Some(-1.0);
    config.llm.history_limit = Some(-1);
    config.llm.output_min_length = Some(-1);
    assert_eq!(written(&config), json!({}));
    assert!(config.is_unset());
    let template = TemplateConfig::unset().with_volume(-1).with_vad_level(-1);
    assert_eq!(written(&template.with_llm_history_limit(-1)), json!({}));
    let zero = AgentConfig::unset().with_tts(TtsConfig::unset().with_speech_rate(0.0));
    assert_eq!(written(&zero), json!({}));
}

#[test]
fn set_texts_are_written_even_if_empty() {
    let places = [
        "/Greeting",
        "/WakeUpQuery",
        "/PreConnectAudioUrl",
        "/AsrConfig/AsrLanguageId",
        "/AsrConfig/CustomParams",
        "/TtsConfig/VoiceId",
        "/TtsConfig/LanguageId",
        "/TtsConfig/Emotion",
        "/TtsConfig/ModelId",
        "/LlmConfig/LlmSystemPrompt",
        "/LlmConfig/OpenAIExtraQuery",
        "/AvatarConfig/AvatarId",
        "/InterruptConfig/NoInterruptMode",
        "/VoiceprintConfig/VoiceprintId",
        "/TurnDetectionConfig/Eagerness",
        "/AmbientSoundConfig/ResourceId",
    ];
    for place in places {
        let empty = document(place, json!(""));
        assert_eq!(written(&read::<AgentConfig>(empty.clone())), empty, "{place}");
    }
}

#[test]
fn set_lists_are_written_even_if_empty() {
    for place in [
        "/AsrConfig/AsrHotWords",
        "/TtsConfig/PronunciationRules",
        "/InterruptConfig/InterruptWords",
    ] {
        let empty = document(place, json!([]));
        assert_eq!(written(&read::<AgentConfig>(empty.clone())), empty, "{place}");
        assert_eq!(written(&read::<AgentConfig>(document(place, Value::Null))), json!({}));
    }
}

#[test]
fn lists_and_objects_that_must_not_be_empty_are_left_out() {
    for (place, empty) in [
        ("/TurnDetectionConfig/TurnEndWords", json!([])),
        ("/BackChannelingConfig", json!([])),
        ("/BackChannelingConfigs", json!([])),
        ("/ExperimentalConfig", json!("{}")),
        ("/TtsConfig/VoiceIdList", json!([])),
        ("/LlmConfig/LlmHistory", json!([])),
        ("/LlmConfig/FunctionMap", json!([])),
    ] {
        assert_eq!(written(&read::<AgentConfig>(document(place, empty))), json!({}), "{place}");
    }
    for place in ["/InterruptWords", "/AsrHotWords", "/LlmHistory", "/VoiceIdList"] {
        let template: TemplateConfig = read(document(place, json!([])));
        assert_eq!(written(&template), json!({}), "{place}");
    }
}

#[test]
fn the_use_of_a_voiceprint_is_written_only_with_the_voiceprint() {
    let alone = VoiceprintConfig::new().with_use_voiceprint(true);
    assert_eq!(written(&alone), json!({}));
    assert!(alone.is_unset());
    let with = VoiceprintConfig::new().with_voiceprint_id("vp");
    assert_eq!(written(&with), json!({"VoiceprintId": "vp", "UseVoiceprint": false}));
    let unset = VoiceprintConfig::unset().with_voiceprint_id("vp");
    assert_eq!(written(&unset), json!({"VoiceprintId": "vp"}));
}

#[test]
fn the_volume_of_an_ambient_sound_is_written_only_with_the_sound() {
    assert_eq!(written(&AmbientSoundConfig::new().with_volume(7)), json!({}));
    let off = AmbientSoundConfig::new().with_resource_id("");
    assert_eq!(written(&off), json!({"ResourceId": "", "Volume": 100}));
}

#[test]
fn fields_that_the_sdk_lacks_are_read_from_templates_and_never_written() {
    let template: TemplateConfig = read(json!({
        "UseVoiceprint": true, "VoiceprintId": "vp", "AvatarUrl": "https://example.com/a.png",
    }));
    assert_eq!(template.use_voiceprint, Some(true));
    assert_eq!(template.voiceprint_id.as_deref(), Some("vp"));
    assert_eq!(template.avatar_url.as_deref(), Some("https://example.com/a.png"));
    assert_eq!(written(&template), json!({}));
    assert!(template.is_unset());
}

#[test]
fn the_session_of_a_chat_is_not_written_with_it() {
    let chat: ChatSyncConfig =
        read(json!({"IMAIAgentId": "agent-1", "ReceiverId": "u1", "sessionId": "s1"}));
    assert_eq!(chat, ChatSyncConfig::new("agent-1", "u1").with_session_id("s1"));
    assert_eq!(written(&chat), sample("chat-sync"));
}

#[test]
fn objects_in_strings_are_objects_in_rust_and_strings_on_the_wire() {
    let value = json!({"a": {"b": [1, "\"", null]}});
    for place in ["/WorkflowOverrideParams", "/ExperimentalConfig", "/LlmConfig/BailianAppParams"] {
        let text = document(place, json!(value.to_string()));
        let config: AgentConfig = read(text.clone());
        assert_eq!(written(&config), text, "{place}");
        // Peers may send the object itself.
        assert_eq!(read::<AgentConfig>(document(place, value.clone())), config, "{place}");
    }
    let empty = json!({"WorkflowOverrideParams": "{}", "LlmConfig": {"BailianAppParams": "{}"}});
    assert_eq!(written(&read::<AgentConfig>(empty.clone())), empty);
}

#[test]
fn a_string_without_a_json_object_is_refused_without_its_text() {
    for place in ["/WorkflowOverrideParams", "/ExperimentalConfig", "/LlmConfig/BailianAppParams"] {
        for text in ["hush", "{\"a\":\"hush", "[\"hush\"]", "\"hush\"", "{} hush"] {
            let error = try_read::<AgentConfig>(&document(place, json!(text))).unwrap_err();
            assert!(error.pointer().starts_with(place), "{error}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
        for nothing in ["", "  ", "null"] {
            assert_eq!(read::<AgentConfig>(document(place, json!(nothing))), AgentConfig::unset());
        }
    }
}

#[test]
fn durations_are_written_in_whole_units() {
    let config = AgentConfig::unset()
        .with_max_idle_time(Duration::from_secs(90))
        .with_asr(AsrConfig::unset().with_max_silence(Duration::from_millis(1200)));
    assert_eq!(written(&config), json!({"MaxIdleTime": 90, "AsrConfig": {"AsrMaxSilence": 1200}}));
    let text: AgentConfig =
        read(json!({"MaxIdleTime": "90", "AsrConfig": {"AsrMaxSilence": 1200.0}}));
    assert_eq!(text, config);
}

#[test]
fn durations_are_read_to_the_millisecond() {
    for millis in (0..=600_000).step_by(7) {
        let idle: AutoSpeechUserIdle = read(json!({"WaitTime": millis}));
        assert_eq!(idle.wait_time, Some(Duration::from_millis(millis)));
    }
}

#[test]
fn entries_of_histories_and_functions_are_read_and_written() {
    let entry = LlmHistoryEntry::new().with_role(MessageRole::User).with_content("Hi");
    assert_eq!(written(&entry), json!({"Role": "user", "Content": "Hi"}));
    let function = LlmFunctionMapping::new()
        .with_function(AgentFunction::HangUp)
        .with_match_function("end_call");
    assert_eq!(written(&function), json!({"Function": "hangup", "MatchFunction": "end_call"}));
    let config = LlmConfig::unset().with_history([entry]).with_function_map([function]);
    assert_eq!(read::<LlmConfig>(written(&config)), config);
}
