//! What a configuration starts with, and what a missing part reads as.

use super::*;

#[test]
fn the_default_configuration_equals_the_text_that_the_sdk_sends() {
    let text = include_str!("../../fixtures/aicall/agent-config-default.json").trim_end();
    assert_eq!(serde_json::to_string(&AgentConfig::default()).unwrap(), text);
    assert_eq!(serde_json::to_string(&AgentConfig::new()).unwrap(), text);
    assert_eq!(AgentConfig::default().validate(), Ok(()));
}

#[test]
fn the_joined_example_is_read_field_by_field() {
    let config: AgentConfig = read(sample("agent-config-joined"));
    let ok = AutoSpeechContent::new().with_text("ok");
    let mut expected = AgentConfig::unset()
        .with_asr(
            AsrConfig::unset()
                .with_language_id(AsrLanguage::ChineseAndEnglish)
                .with_max_silence(Duration::from_millis(400))
                .with_vad_level(0)
                .with_vad_duration(Duration::from_millis(300)),
        )
        .with_tts(TtsConfig::unset().with_voice_id("v").with_speech_rate(1.5))
        .with_llm(
            LlmConfig::unset()
                .with_history_limit(0)
                .with_bailian_app_params(object(json!({"x": {"y": 1}})))
                .with_complete_reply(true)
                .with_history_sync_with_tts(true),
        )
        .with_avatar(AvatarConfig::unset().with_avatar_id("av"))
        .with_interrupt(
            InterruptConfig::unset()
                .with_enable_voice_interrupt(false)
                .with_no_interrupt_mode(NoInterruptMode::Cache),
        )
        .with_voiceprint(
            VoiceprintConfig::unset().with_voiceprint_id("vp").with_use_voiceprint(true),
        )
        .with_turn_detection(
            TurnDetectionConfig::unset()
                .with_end_words(["over".to_owned()])
                .with_mode(TurnDetectionMode::Normal),
        )
        .with_ambient_sound(AmbientSoundConfig::new().with_resource_id("r"))
        .with_back_channeling([BackChannelingConfig::new().with_words([ok.clone()])]);
    expected.auto_speech.user_idle = Some(AutoSpeechUserIdle::new().with_messages([ok]));
    assert_eq!(config, expected);
}

macro_rules! with_defaults {
    ($($type:ident: $default:expr;)*) => {
        #[test]
        fn every_class_starts_with_the_values_of_the_sdk() {
            $(
                assert_eq!(plain(written(&$type::default())), plain($default), stringify!($type));
                assert_eq!($type::new(), $type::default());
            )*
        }

        #[test]
        fn every_class_can_be_unset() {
            $(
                assert_eq!(written(&$type::unset()), json!({}), stringify!($type));
                assert!($type::unset().is_unset(), stringify!($type));
                let empty = $default == json!({});
                assert_eq!($type::default().is_unset(), empty, stringify!($type));
            )*
        }

        #[test]
        fn missing_fields_read_as_unset_and_not_as_the_default() {
            $(
                assert_eq!(read::<$type>(json!({})), $type::unset(), stringify!($type));
                assert_eq!(read::<$type>($default).validate(), Ok(()), stringify!($type));
            )*
        }
    };
}

with_defaults! {
    AgentConfig: sample("agent-config-default");
    AsrConfig: json!({"VadLevel": 11});
    TtsConfig: json!({});
    PronunciationRule: json!({"Type": "replacement"});
    LlmConfig: json!({"LlmCompleteReply": false, "HistorySyncWithTTS": false});
    AvatarConfig: json!({});
    InterruptConfig: json!({"EnableVoiceInterrupt": true});
    VoiceprintConfig: json!({});
    TurnDetectionConfig: json!({"Mode": "Semantic"});
    AmbientSoundConfig: json!({});
    BackChannelingConfig: json!({
        "Enable": false, "TriggerStage": "pause_detected", "Probability": 0.5, "Words": [],
    });
    AutoSpeechContent: json!({"Text": "", "Probability": 1});
    AutoSpeechConfig: json!({});
    AutoSpeechLlmPending: json!({"WaitTime": 3000, "Messages": []});
    AutoSpeechUserIdle: json!({"WaitTime": 10000, "MaxRepeats": 5, "Messages": []});
    VcrConfig: json!({});
    VcrBaseConfig: json!({"Enabled": false});
    VcrFrameMotionConfig: json!({"Enabled": false, "CallbackDelay": 3000});
    TemplateConfig: sample("template-default")["VoiceChat"].take();
    VisionCaptureRequest: sample("vision-capture");
}

#[test]
fn a_missing_part_reads_as_unset_in_all_its_fields() {
    let config: AgentConfig = read(json!({"Volume": 1}));
    assert_eq!(config, AgentConfig::unset().with_volume(1));
    assert_eq!(config.asr.vad_level, None);
    assert_eq!(config.llm.complete_reply, None);
    assert_eq!(config.interrupt.enable_voice_interrupt, None);
    assert_eq!(config.turn_detection.mode, None);
    assert_eq!(config.voiceprint.use_voiceprint, None);
    assert_eq!(config.ambient_sound.volume, None);
    assert_eq!(written(&config), json!({"Volume": 1}));
}

#[test]
fn an_unset_part_is_not_written() {
    let parts = ["Asr", "Tts", "Llm", "Avatar", "Interrupt", "Voiceprint", "TurnDetection", "Vcr"];
    let parts = parts.into_iter().chain(["AmbientSound", "AutoSpeech"]);
    for part in parts.map(|part| format!("{part}Config")) {
        let config: AgentConfig = read(json!({part.as_str(): {}}));
        assert_eq!(written(&config), json!({}), "{part}");
        assert!(config.is_unset(), "{part}");
    }
}

#[test]
fn a_class_that_is_not_a_part_is_written_even_if_unset() {
    let config = json!({
        "BackChannelingConfig": [{}],
        "AutoSpeechConfig": {"LlmPending": {}, "UserIdle": {}},
        "VcrConfig": {"PeopleCount": {}, "StillFrameMotion": {}},
    });
    assert_eq!(written(&read::<AgentConfig>(config.clone())), config);
}
