//! The types of AICall by themselves: what a configuration is written as and how strictly it is
//! checked, the enums and the errors by number, the messages of the data channel, and what private
//! or hostile texts become.

#![cfg(feature = "aicall")]
#![allow(deprecated)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use callbot::aicall::{
    AgentConfig, AgentErrorData, AgentErrorNotice, AgentFunction, AgentInfo, AgentLeaveData,
    AgentMessage, AgentState, AgentStateData, AgentType, AmbientSoundConfig, AsrConfig,
    AsrLanguage, AsrMaxSilenceData, AutoSpeechConfig, AutoSpeechContent, AutoSpeechLlmPending,
    AutoSpeechUserIdle, AvatarConfig, BackChannelingConfig, BailianAppParamsData, CallConfig,
    CallState, CaptureMode, ChatSyncConfig, ClientMessage, ConnectionStatus, CustomMessageData,
    CustomMessageToServerData, Eagerness, EmotionData, Envelope, ErrorCode, FrameMotionResult,
    GmtTime, HeadMotionResult, HumanTakeoverConnectedData, HumanTakeoverData, InterruptConfig,
    LeaveReason, LlmConfig, LlmFunctionMapping, LlmHistoryEntry, LlmReplyData, LookAwayResult,
    Message, MessageRole, MessageTemplateConfig, NoInterruptMode, PeopleCountResult,
    PronunciationRule, PronunciationType, RegistrationMode, RtcTokenData, RtcTokenRequestData,
    SendTextToAgentRequest, ShareConfig, SpeakerEmotion, SpeakingInterruptedData,
    SpeakingInterruptedReason, SpeechOrder, SpeechRateData, SubtitleData, SwitchData,
    SystemPromptData, TakeoverMode, Template, TemplateConfig, TriggerStage, TtsConfig, TtsEmotion,
    TtsLanguage, TurnDetectionConfig, TurnDetectionMode, UserSubtitleData, VcrBaseConfig,
    VcrConfig, VcrFrameMotionConfig, VcrResult, VisionCaptureRequest, VoiceIdData,
    VoiceprintConfig, VoiceprintResult,
};
use callbot::wire::{DecodeError, Validate, decode, decode_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

// Samples.

fn read<T: DeserializeOwned + PartialEq + Debug>(document: Value) -> T {
    try_read(&document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

fn try_read<T: DeserializeOwned + PartialEq + Debug>(document: &Value) -> Result<T, DecodeError> {
    let value = decode_value(document);
    // Text and value are read by different code.
    let text = decode(document.to_string().as_bytes());
    assert!(text == value, "the text reads otherwise: {document}: {text:?}");
    value
}

fn written<T: Serialize>(value: &T) -> Value {
    let text = serde_json::to_string(value).unwrap();
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(json, serde_json::from_str::<Value>(&text).unwrap());
    json
}

/// The same, whether a whole number is written as 1 or as 1.0.
fn plain(mut json: Value) -> Value {
    match &mut json {
        Value::Number(number) => {
            *number = serde_json::Number::from_f64(number.as_f64().unwrap()).unwrap()
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = plain(item.take())),
        Value::Object(object) => object.values_mut().for_each(|item| *item = plain(item.take())),
        _ => {}
    }
    json
}

/// Reads a document as one of the types, and writes it: the JSON and the `Debug`.
type Reader = fn(&Value) -> Result<(Value, String), DecodeError>;

fn read_as<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    document: &Value,
) -> Result<(Value, String), DecodeError> {
    let value: T = try_read(document)?;
    Ok((written(&value), format!("{value:?} {value:#?}")))
}

/// A wire sample, and the pointers that must be there to read it.
struct Sample {
    name: &'static str,
    text: &'static str,
    read: Reader,
    needed: &'static [&'static str],
}

macro_rules! samples {
    ($($name:literal: $type:ty, $needed:expr;)*) => {
        vec![$(Sample {
            name: $name,
            text: include_str!(concat!("../fixtures/aicall/", $name, ".json")),
            read: read_as::<$type>,
            needed: $needed,
        }),*]
    };
}

/// `full` ones have every field that is written.
fn samples() -> Vec<Sample> {
    samples! {
        "agent-config-default": AgentConfig, &[];
        "agent-config-joined": AgentConfig, &[];
        "agent-config-full": AgentConfig, &[];
        "vcr-config": VcrConfig, &[];
        "vcr-result": VcrResult, &[];
        "vcr-result-full": VcrResult, &[];
        "template-default": Template, &[];
        "template-message": Template, &[];
        "template-full": Template, &[];
        "call-config": CallConfig,
            &["/agentId", "/agentType", "/userId", "/chatSyncConfig/IMAIAgentId",
              "/chatSyncConfig/ReceiverId"];
        "chat-sync": ChatSyncConfig, &["/IMAIAgentId", "/ReceiverId"];
        "share": ShareConfig, &[];
        "share-full": ShareConfig, &[];
        "agent-info": AgentInfo, &[];
        "user-subtitle": Message<AgentMessage>, &["/type", "/data"];
        "send-text": Message<ClientMessage>, &["/type", "/data", "/data/text"];
        "vision-capture": VisionCaptureRequest, &[];
    }
}

impl Sample {
    fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    fn read(&self, document: &Value) -> Value {
        let read = (self.read)(document);
        read.unwrap_or_else(|error| panic!("{}: {error}: {document}", self.name)).0
    }
}

fn sample(name: &str) -> Value {
    samples().into_iter().find(|sample| sample.name == name).unwrap().json()
}

/// The pointers of a document, the empty one first.
fn places(document: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.into());
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}"), found));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(index, item)| walk(item, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

/// A document that is all but empty: what is at the pointer, and what must be around it.
fn document(pointer: &str, value: Value) -> Value {
    pointer.rsplit('/').filter(|key| !key.is_empty()).fold(value, |value, key| match key {
        "0" => json!([value]),
        key => json!({key: value}),
    })
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/aicall");
    let files: BTreeSet<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let names = samples().into_iter().map(|sample| format!("{}.json", sample.name)).collect();
    assert_eq!(files, names);
}

#[test]
fn every_sample_is_written_back_as_it_came() {
    for sample in samples() {
        assert_eq!(plain(sample.read(&sample.json())), plain(sample.json()), "{}", sample.name);
    }
}

#[test]
fn every_sample_keeps_the_rules() {
    fn check<T: DeserializeOwned + Validate>(name: &str) {
        let value: T = decode_value(&sample(name)).unwrap();
        assert_eq!(value.validate(), Ok(()), "{name}");
    }
    check::<AgentConfig>("agent-config-default");
    check::<AgentConfig>("agent-config-joined");
    check::<AgentConfig>("agent-config-full");
    check::<VcrConfig>("vcr-config");
    check::<VcrResult>("vcr-result");
    check::<VcrResult>("vcr-result-full");
    check::<Template>("template-default");
    check::<Template>("template-message");
    check::<Template>("template-full");
    check::<CallConfig>("call-config");
    check::<ChatSyncConfig>("chat-sync");
    check::<ShareConfig>("share");
    check::<ShareConfig>("share-full");
    check::<AgentInfo>("agent-info");
    check::<Message<AgentMessage>>("user-subtitle");
    check::<Message<ClientMessage>>("send-text");
    check::<VisionCaptureRequest>("vision-capture");
}

#[test]
fn null_reads_as_missing_at_every_place_or_names_the_place() {
    for sample in samples() {
        let mut needed = BTreeSet::new();
        for place in places(&sample.json()).into_iter().skip(1) {
            let (parent, key) = place.rsplit_once('/').unwrap();
            let mut absent = sample.json();
            let Value::Object(parent) = absent.pointer_mut(parent).unwrap() else { continue };
            parent.remove(key).unwrap();
            let mut null = sample.json();
            *null.pointer_mut(&place).unwrap() = Value::Null;
            match (sample.read)(&null) {
                Ok((read, _)) => assert_eq!(read, sample.read(&absent), "{} {place}", sample.name),
                Err(error) => {
                    assert_eq!(error.message(), "must be there", "{} {error}", sample.name);
                    assert_eq!((sample.read)(&absent).unwrap_err(), error, "{}", sample.name);
                    needed.insert(error.pointer().to_owned());
                }
            }
        }
        let expected: BTreeSet<_> = sample.needed.iter().map(ToString::to_string).collect();
        assert_eq!(needed, expected, "{}", sample.name);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_at_its_place_without_the_value() {
    for sample in samples() {
        for place in places(&sample.json()) {
            let mut document = sample.json();
            let value = document.pointer_mut(&place).unwrap();
            *value = if value.is_string() || value.is_number() || value.is_boolean() {
                json!([4711])
            } else {
                json!("4711")
            };
            let error = (sample.read)(&document).unwrap_err();
            assert_eq!(error.pointer(), place, "{} {error}", sample.name);
            assert!(!format!("{error} {error:?}").contains("4711"), "{error}");
        }
    }
}

#[test]
fn unknown_keys_are_ignored_outside_vcr() {
    for sample in samples() {
        let mut document = sample.json();
        for place in places(&sample.json()) {
            if !place.to_lowercase().contains("vcr")
                && !sample.name.starts_with("vcr")
                && let Value::Object(object) = document.pointer_mut(&place).unwrap()
            {
                object.insert("Future".into(), json!({"a": [1]}));
            }
        }
        assert_eq!(plain(sample.read(&document)), plain(sample.json()), "{}", sample.name);
    }
}

// Defaults.

#[test]
fn the_default_configuration_is_the_text_that_the_sdk_sends() {
    let text = include_str!("../fixtures/aicall/agent-config-default.json").trim_end();
    assert_eq!(serde_json::to_string(&AgentConfig::default()).unwrap(), text);
    assert_eq!(serde_json::to_string(&AgentConfig::new()).unwrap(), text);
    assert_eq!(AgentConfig::default().validate(), Ok(()));
}

#[test]
fn the_joined_example_is_what_its_text_says() {
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

fn object(json: Value) -> Map<String, Value> {
    let Value::Object(object) = json else { panic!("{json}") };
    object
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
        fn every_class_can_say_nothing() {
            $(
                assert_eq!(written(&$type::unset()), json!({}), stringify!($type));
                assert!($type::unset().is_unset(), stringify!($type));
                let empty = $default == json!({});
                assert_eq!($type::default().is_unset(), empty, stringify!($type));
            )*
        }

        #[test]
        fn what_is_missing_reads_as_unset_and_not_as_the_default() {
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
fn a_part_that_says_nothing_is_not_written() {
    let parts = ["Asr", "Tts", "Llm", "Avatar", "Interrupt", "Voiceprint", "TurnDetection", "Vcr"];
    let parts = parts.into_iter().chain(["AmbientSound", "AutoSpeech"]);
    for part in parts.map(|part| format!("{part}Config")) {
        let config: AgentConfig = read(json!({part.as_str(): {}}));
        assert_eq!(written(&config), json!({}), "{part}");
        assert!(config.is_unset(), "{part}");
    }
}

#[test]
fn a_class_that_is_not_a_part_is_written_even_when_it_says_nothing() {
    let config = json!({
        "BackChannelingConfig": [{}],
        "AutoSpeechConfig": {"LlmPending": {}, "UserIdle": {}},
        "VcrConfig": {"PeopleCount": {}, "StillFrameMotion": {}},
    });
    assert_eq!(written(&read::<AgentConfig>(config.clone())), config);
}

// What is written.

#[test]
fn fields_that_are_left_out_below_zero_are_written_from_zero_on() {
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
fn a_negative_length_of_time_is_read_as_not_set() {
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
    // What must be there can't be unset.
    let error = try_read::<ClientMessage>(&json!({"type": 1118, "data": {"asrMaxSilence": -1}}));
    assert_eq!(error.unwrap_err().pointer(), "/data/asrMaxSilence");
}

#[test]
fn fields_that_are_left_out_at_zero_are_written_above_it() {
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
fn numbers_that_mean_not_set_are_not_written_when_set_by_hand() {
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
fn texts_that_are_set_are_written_even_when_empty() {
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
fn lists_that_are_set_are_written_even_when_empty() {
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
fn lists_and_objects_that_must_have_something_are_left_out_when_empty() {
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
fn a_voiceprint_is_used_only_when_there_is_one() {
    let alone = VoiceprintConfig::new().with_use_voiceprint(true);
    assert_eq!(written(&alone), json!({}));
    assert!(alone.is_unset());
    let with = VoiceprintConfig::new().with_voiceprint_id("vp");
    assert_eq!(written(&with), json!({"VoiceprintId": "vp", "UseVoiceprint": false}));
    let unset = VoiceprintConfig::unset().with_voiceprint_id("vp");
    assert_eq!(written(&unset), json!({"VoiceprintId": "vp"}));
}

#[test]
fn the_volume_of_a_background_sound_needs_the_sound() {
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
fn the_session_of_a_chat_travels_apart() {
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
        // Peers that send the object itself are understood.
        assert_eq!(read::<AgentConfig>(document(place, value.clone())), config, "{place}");
    }
    let empty = json!({"WorkflowOverrideParams": "{}", "LlmConfig": {"BailianAppParams": "{}"}});
    assert_eq!(written(&read::<AgentConfig>(empty.clone())), empty);
}

#[test]
fn a_string_that_holds_no_object_is_refused_without_its_text() {
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
fn lengths_of_time_are_whole_units_of_the_wire() {
    let config = AgentConfig::unset()
        .with_max_idle_time(Duration::from_secs(90))
        .with_asr(AsrConfig::unset().with_max_silence(Duration::from_millis(1200)));
    assert_eq!(written(&config), json!({"MaxIdleTime": 90, "AsrConfig": {"AsrMaxSilence": 1200}}));
    let text: AgentConfig =
        read(json!({"MaxIdleTime": "90", "AsrConfig": {"AsrMaxSilence": 1200.0}}));
    assert_eq!(text, config);
}

#[test]
fn every_length_of_time_is_read_to_the_millisecond() {
    for millis in (0..=600_000).step_by(7) {
        let idle: AutoSpeechUserIdle = read(json!({"WaitTime": millis}));
        assert_eq!(idle.wait_time, Some(Duration::from_millis(millis)));
    }
}

// Rules.

/// A limited property: values just inside, and those just outside with what is said about them.
struct Limit {
    place: &'static str,
    check: fn(&Value) -> Result<Vec<Found>, DecodeError>,
    inside: Vec<Value>,
    outside: Vec<(Value, &'static str, &'static str)>,
}

/// Pointer, value and what would be allowed.
type Found = (String, String, String);

/// All that is wrong with a document, which is read and written in any case.
fn violations<T>(document: &Value) -> Result<Vec<Found>, DecodeError>
where
    T: DeserializeOwned + Serialize + Validate + PartialEq + Debug,
{
    let value: T = try_read(document)?;
    assert_eq!(plain(written(&value)), plain(document.clone()));
    let found = value.validate().err();
    Ok(found
        .iter()
        .flat_map(|found| found.iter())
        .map(|one| {
            let value = one.value().unwrap_or("missing").to_owned();
            (one.pointer().to_owned(), value, one.allowed().to_owned())
        })
        .collect())
}

/// Characters count, and not bytes.
fn letters(number: usize) -> String {
    "é".repeat(number)
}

fn contents(number: usize) -> Vec<Value> {
    vec![json!({"Text": "a", "Probability": 1.0 / number as f64}); number]
}

macro_rules! limits {
    ($($type:ty, $place:literal:
        $($inside:expr),* => $(($outside:expr, $shown:expr, $allowed:expr)),*;)*) => {
        vec![$(Limit {
            place: $place,
            check: violations::<$type>,
            inside: vec![$(json!($inside)),*],
            outside: vec![$((json!($outside), $shown, $allowed)),*],
        }),*]
    };
}

fn limits() -> Vec<Limit> {
    const SECONDS: &str = "whole seconds, 0 or more";
    const MILLIS: &str = "whole milliseconds, 0 or more";
    const SILENCE: &str = "whole milliseconds, 200 to 1200";
    const DELAY: &str = "whole milliseconds, 0 to 10000";
    const VAD: &str = "0 to turn it off, or 200 to 2000 milliseconds";
    const OUTPUT: &str = "0 to turn it off, or 1000 to 10000 milliseconds";
    const IDLE: &str = "whole milliseconds, 5000 to 600000";
    const PENDING: &str = "whole milliseconds, 500 to 10000";
    const LONG: &str = "at most 100 characters";

    limits! {
        AgentConfig, "/MaxIdleTime": 0, i32::MAX => (0.5, "500ms", SECONDS);
        AgentConfig, "/UserOnlineTimeout": 0, 1 => (1.5, "1.5s", SECONDS);
        AgentConfig, "/UserOfflineTimeout": 0, 1 => (1.5, "1.5s", SECONDS);
        AgentConfig, "/Volume": 0, 400
            => (401, "401", "0 to 400"), (i32::MAX, "2147483647", "0 to 400");
        AgentConfig, "/Greeting": "", letters(128)
            => (letters(129), "[hidden]", "at most 128 characters");
        AgentConfig, "/AsrConfig/AsrMaxSilence": 200, 1200
            => (0, "0ns", SILENCE), (199, "199ms", SILENCE), (1201, "1.201s", SILENCE),
               (200.5, "200.5ms", SILENCE);
        AgentConfig, "/AsrConfig/AsrHotWords": [""; 0], vec!["a"; 500]
            => (vec!["a"; 501], "501 items", "at most 500 items");
        AgentConfig, "/AsrConfig/AsrHotWords/0": "", letters(10)
            => (letters(11), "\"ééééééééééé\"", "at most 10 characters");
        AgentConfig, "/AsrConfig/VadLevel": 0, 11 => (12, "12", "0 to 11");
        AgentConfig, "/AsrConfig/VadDuration": 200, 2000
            => (1, "1ms", VAD), (199, "199ms", VAD),
               (2001, "2.001s", "whole milliseconds, 0 to 2000");
        AgentConfig, "/TtsConfig/VoiceId": "", letters(64)
            => (letters(65), format!("{:?}", letters(65)).leak(), "at most 64 characters");
        AgentConfig, "/TtsConfig/PronunciationRules": [""; 0], vec![json!({"Word": "a"}); 20]
            => (vec![json!({"Word": "a"}); 21], "21 items", "at most 20 items");
        AgentConfig, "/TtsConfig/SpeechRate": 0.5, 2.0
            => (0.49, "0.49", "0.5 to 2"), (2.01, "2.01", "0.5 to 2");
        AgentConfig, "/LlmConfig/LlmHistoryLimit": 0, i32::MAX =>;
        AgentConfig, "/LlmConfig/OutputMinLength": 0, 100 => (101, "101", "0 to 100");
        AgentConfig, "/LlmConfig/OutputMaxDelay": 0, 1000, 10000
            => (1, "1ms", OUTPUT), (999, "999ms", OUTPUT), (10001, "10.001s", DELAY);
        AgentConfig, "/TurnDetectionConfig/SemanticWaitDuration": 0, 10000
            => (10001, "10.001s", DELAY);
        AgentConfig, "/BackChannelingConfig/0/Probability": 0, 1
            => (-0.01, "-0.01", "0 to 1"), (1.01, "1.01", "0 to 1");
        AgentConfig, "/BackChannelingConfig/0/Words": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/BackChannelingConfig/0/Words/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AutoSpeechContent, "/Text": "", letters(100) => (letters(101), "[hidden]", LONG);
        AutoSpeechContent, "/Probability": 0, 1
            => (-0.01, "-0.01", "0 to 1"), (1.01, "1.01", "0 to 1");
        AgentConfig, "/AutoSpeechConfig/LlmPending/WaitTime": 500, 10000
            => (499, "499ms", PENDING), (10001, "10.001s", PENDING);
        AgentConfig, "/AutoSpeechConfig/LlmPending/Messages": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/AutoSpeechConfig/LlmPending/Messages/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AgentConfig, "/AutoSpeechConfig/UserIdle/WaitTime": 5000, 600_000
            => (4999, "4.999s", IDLE), (600_001, "600.001s", IDLE);
        AgentConfig, "/AutoSpeechConfig/UserIdle/MaxRepeats": 0, 10
            => (-1, "-1", "0 to 10"), (11, "11", "0 to 10");
        AgentConfig, "/AutoSpeechConfig/UserIdle/Messages": [""; 0], contents(1), contents(10)
            => (contents(11), "11 items", "at most 10 items");
        AgentConfig, "/AutoSpeechConfig/UserIdle/Messages/0/Text": "", letters(100)
            => (letters(101), "[hidden]", LONG);
        AgentConfig, "/VcrConfig/StillFrameMotion/CallbackDelay": 0, i32::MAX
            => (0.5, "500µs", MILLIS);
        VcrConfig, "/InvalidFrameMotion/CallbackDelay": 0, 5001 => (0.5, "500µs", MILLIS);
        Template, "/VoiceChat/UserOnlineTimeout": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/AvatarChat3D/UserOfflineTimeout": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/VisionChat/AsrMaxSilence": 200, 1200
            => (199, "199ms", SILENCE), (1201, "1.201s", SILENCE);
        Template, "/VideoChat/VadLevel": 0, 11 => (12, "12", "0 to 11");
        Template, "/VoiceChat/Volume": 0, 400 => (401, "401", "0 to 400");
        Template, "/VoiceChat/MaxIdleTime": 0, 1 => (0.5, "500ms", SECONDS);
        Template, "/VoiceChat/LlmHistoryLimit": 0, i32::MAX =>;
        Template, "/VoiceChat/Greeting": "", letters(128)
            => (letters(129), "[hidden]", "at most 128 characters");
        SendTextToAgentRequest, "/text": "a", letters(10_000)
            => ("", "[hidden]", "1 or more characters");
        VisionCaptureRequest, "/eachDuration": 0, 1 => (0.5, "500ms", SECONDS);
        VisionCaptureRequest, "/num": 0, i32::MAX => (-1, "-1", "0 or more");
        VisionCaptureRequest, "/duration": 0, 1 => (0.5, "500ms", SECONDS);
        SystemPromptData, "/prompt": "a", letters(10_000)
            => ("", "[hidden]", "1 or more characters");
        AsrMaxSilenceData, "/asrMaxSilence": 200, 1200
            => (199, "199ms", SILENCE), (1201, "1.201s", SILENCE);
        SpeechRateData, "/speechRate": 0.5, 2
            => (-1, "-1", "0.5 to 2"), (0, "0", "0.5 to 2"), (0.49, "0.49", "0.5 to 2"),
               (2.01, "2.01", "0.5 to 2");
    }
}

#[test]
fn values_just_inside_their_limits_are_written() {
    for Limit { place, check, inside, .. } in limits() {
        for value in inside {
            let document = document(place, value);
            assert_eq!(check(&document), Ok(vec![]), "{place}");
        }
    }
}

#[test]
fn values_just_outside_their_limits_are_read_and_not_written() {
    for Limit { place, check, outside, .. } in limits() {
        for (value, shown, allowed) in outside {
            let document = document(place, value);
            let expected = (place.to_owned(), shown.to_owned(), allowed.to_owned());
            assert_eq!(check(&document), Ok(vec![expected]), "{place}");
        }
    }
}

#[test]
fn the_volume_of_a_background_sound_is_a_percentage() {
    let sound = |volume| AmbientSoundConfig::new().with_resource_id("r").with_volume(volume);
    for inside in [0, 100] {
        assert_eq!(sound(inside).validate(), Ok(()));
    }
    for outside in [-1, 101] {
        let config = AgentConfig::unset().with_ambient_sound(sound(outside));
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, format!("/AmbientSoundConfig/Volume: {outside}, allowed: 0 to 100"));
        assert_eq!(read::<AmbientSoundConfig>(written(&sound(outside))), sound(outside));
    }
}

#[test]
fn numbers_below_zero_set_by_hand_are_refused() {
    let mut config = AgentConfig::unset().with_volume(-1);
    config.asr.vad_level = Some(-1);
    config.tts.speech_rate = Some(-1.0);
    config.llm.history_limit = Some(-1);
    config.llm.output_min_length = Some(-1);
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "/Volume: -1, allowed: 0 to 400; \
         /AsrConfig/VadLevel: -1, allowed: 0 to 11; \
         /TtsConfig/SpeechRate: -1, allowed: 0.5 to 2; \
         /LlmConfig/LlmHistoryLimit: -1, allowed: 0 or more; \
         /LlmConfig/OutputMinLength: -1, allowed: 0 to 100"
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let allowed =
            |error: callbot::wire::Violations| error.iter().next().unwrap().allowed().to_owned();
        let rate = TtsConfig::new().with_speech_rate(odd).validate().unwrap_err();
        assert_eq!(allowed(rate), "a finite number");
        let rate = ClientMessage::from(SpeechRateData::new(odd));
        assert_eq!(allowed(Message::new(rate, 1).to_json().unwrap_err()), "a finite number");
        let motion = FrameMotionResult::new().with_duration(odd).validate().unwrap_err();
        assert_eq!(allowed(motion), "a finite number");
        let away = LookAwayResult::new().with_duration(odd).validate().unwrap_err();
        assert_eq!(allowed(away), "a finite number");
        let content = AutoSpeechContent::new().with_probability(odd).validate().unwrap_err();
        assert_eq!(allowed(content), "a finite number");
    }
}

#[test]
fn durations_too_short_to_have_an_effect_are_refused_and_none_is_off() {
    let asr = |millis| AsrConfig::new().with_vad_duration(Duration::from_millis(millis));
    let llm = |millis| LlmConfig::new().with_output_max_delay(Duration::from_millis(millis));
    for (millis, good) in [(0, true), (1, false), (199, false), (200, true), (2000, true)] {
        assert_eq!(asr(millis).validate().is_ok(), good, "{millis}");
    }
    for (millis, good) in [(0, true), (1, false), (999, false), (1000, true), (10000, true)] {
        assert_eq!(llm(millis).validate().is_ok(), good, "{millis}");
    }
    let error = asr(1).validate().unwrap_err().to_string();
    let allowed = "0 to turn it off, or 200 to 2000 milliseconds";
    assert_eq!(error, format!("/VadDuration: 1ms, allowed: {allowed}"));
    let error = llm(999).validate().unwrap_err().to_string();
    let allowed = "0 to turn it off, or 1000 to 10000 milliseconds";
    assert_eq!(error, format!("/OutputMaxDelay: 999ms, allowed: {allowed}"));
}

#[test]
fn using_a_voiceprint_demands_one() {
    let using = VoiceprintConfig::new().with_use_voiceprint(true);
    let error = AgentConfig::new().with_voiceprint(using.clone()).validate().unwrap_err();
    assert_eq!(
        error.to_string(),
        "/VoiceprintConfig/VoiceprintId: missing, required when `UseVoiceprint` is true"
    );
    assert_eq!(using.with_voiceprint_id("vp").validate(), Ok(()));
    assert_eq!(VoiceprintConfig::new().with_use_voiceprint(false).validate(), Ok(()));
}

#[test]
fn texts_of_which_one_is_drawn_have_probabilities_that_add_up_to_one() {
    let contents = |probabilities: &[f64]| -> Vec<AutoSpeechContent> {
        let one = |p: &f64| AutoSpeechContent::new().with_text("a").with_probability(*p);
        probabilities.iter().map(one).collect()
    };
    for (probabilities, sum) in [
        (&[][..], None),
        (&[1.0], None),
        (&[0.5, 0.5], None),
        (&[0.0, 1.0], None),
        (&[0.1, 0.2, 0.3, 0.4], None),
        (&[0.333_333_3, 0.333_333_3, 0.333_333_3], None),
        (&[0.0], Some("0")),
        (&[0.5], Some("0.5")),
        (&[0.5, 0.499], Some("0.999")),
        (&[1.0, 0.25], Some("1.25")),
    ] {
        let words = BackChannelingConfig::new().with_words(contents(probabilities));
        let pending = AutoSpeechLlmPending::new().with_messages(contents(probabilities));
        let idle = AutoSpeechUserIdle::new().with_messages(contents(probabilities));
        let config = AgentConfig::new().with_back_channeling([words]).with_auto_speech(
            AutoSpeechConfig::new().with_llm_pending(pending).with_user_idle(idle),
        );
        let Some(sum) = sum else {
            assert_eq!(config.validate(), Ok(()), "{probabilities:?}");
            continue;
        };
        let told = config.validate().unwrap_err().to_string();
        let at =
            |place| format!("{place}: probabilities that add up to {sum}, allowed: a sum of 1");
        let expected = [
            at("/BackChannelingConfig/0/Words"),
            at("/AutoSpeechConfig/LlmPending/Messages"),
            at("/AutoSpeechConfig/UserIdle/Messages"),
        ];
        assert_eq!(told, expected.join("; "));
    }
    // One without a probability counts as certain, as the SDK has it.
    let unset = AutoSpeechContent::unset().with_text("a");
    let one = BackChannelingConfig::new().with_words([unset.clone()]);
    assert_eq!(one.validate(), Ok(()));
    assert!(BackChannelingConfig::new().with_words([unset.clone(), unset]).validate().is_err());
}

#[test]
fn an_agent_whose_names_are_missing_is_read_and_not_written() {
    let info: AgentInfo = read(json!({}));
    assert_eq!(
        info.validate().unwrap_err().to_string(),
        "/ai_agent_instance_id: missing, required; /channel_id: missing, required; \
         /ai_agent_user_id: missing, required"
    );
}

#[test]
fn limits_hold_wherever_a_configuration_stands() {
    let loud = AgentConfig::unset().with_volume(401);
    let call = CallConfig::new("a", AgentType::Voice, "u")
        .with_agent_config(loud)
        .with_template_config(TemplateConfig::unset().with_volume(402));
    assert_eq!(
        call.validate().unwrap_err().to_string(),
        "/agentConfig/Volume: 401, allowed: 0 to 400; \
         /templateConfig/Volume: 402, allowed: 0 to 400"
    );
    let template = Template::new().with_video(TemplateConfig::unset().with_vad_level(12));
    let share = ShareConfig::new().with_template(template);
    assert_eq!(
        share.validate().unwrap_err().to_string(),
        "/TemplateConfig/VideoChat/VadLevel: 12, allowed: 0 to 11"
    );
}

// VCR.

#[test]
fn unknown_keys_of_vcr_are_kept_at_each_level() {
    let config = json!({
        "StillFrameMotion": {"Enabled": true, "CallbackDelay": 1000, "Depth": {"a": [null]}},
        "InvalidFrameMotion": {"Enabled": false, "CallbackDelay": 1, "Depth": "x"},
        "PeopleCount": {"Enabled": true, "Max": 3},
        "Equipment": {"Enabled": true, "Kinds": ["phone"]},
        "HeadMotion": {"Enabled": true, "": 1.5},
        "LookAway": {"Enabled": true, "enabled": false},
        "Smile": {"Enabled": true},
        "stillFrameMotion": null,
    });
    assert_eq!(written(&read::<VcrConfig>(config.clone())), config);
    let agent = json!({"VcrConfig": config});
    assert_eq!(written(&read::<AgentConfig>(agent.clone())), agent);
    let result = json!({
        "stillFrameMotion": {"duration": 1.5, "x": 1},
        "invalidFrameMotion": {"duration": 2.5, "x": [{}]},
        "peopleCount": {"count": 2, "faces": [{"id": 1}]},
        "equipment": {"mobilePhoneCount": 0, "headPhoneCount": 1, "watchCount": 2, "x": "y"},
        "headMotion": {"nodDetected": true, "shakeDetected": false, "x": null},
        "lookAway": {"count": 1, "duration": 0.5, "x": true},
        "smile": {"detected": true},
        "PeopleCount": 7,
    });
    assert_eq!(written(&read::<VcrResult>(result.clone())), result);
    let message = json!({"type": 1018, "data": result});
    assert_eq!(written(&read::<Message<AgentMessage>>(message.clone())), message);
}

#[test]
fn an_unknown_key_alone_makes_vcr_worth_writing() {
    let config = AgentConfig::unset().with_vcr(VcrConfig::unset().with_extra("Smile", true));
    assert!(!config.is_unset());
    assert_eq!(written(&config), json!({"VcrConfig": {"Smile": true}}));
}

#[test]
fn typed_parts_of_vcr_win_and_leave_the_unknown_keys_beside_them() {
    let mut config: VcrConfig = read(json!({
        "PeopleCount": {"Enabled": false, "Max": 3}, "Smile": 1,
    }));
    config.people_count.as_mut().unwrap().enabled = Some(true);
    config.head_motion = Some(VcrBaseConfig::new());
    assert_eq!(
        written(&config),
        json!({
            "PeopleCount": {"Enabled": true, "Max": 3},
            "HeadMotion": {"Enabled": false},
            "Smile": 1,
        })
    );
}

#[test]
fn an_unknown_key_of_vcr_cannot_stand_in_for_a_typed_one() {
    fn check(value: &impl Validate, places: &[&str]) {
        let violations = value.validate().unwrap_err();
        let found: Vec<_> = violations.iter().map(|one| one.pointer()).collect();
        assert_eq!(found, places, "{violations}");
    }
    let config = VcrConfig::new()
        .with_extra("LookAway", 1)
        .with_people_count(VcrBaseConfig::new().with_extra("Enabled", true));
    check(&config, &["/PeopleCount/Enabled", "/LookAway"]);
    let motion = VcrFrameMotionConfig::new().with_extra("CallbackDelay", 1);
    check(&VcrConfig::new().with_still_frame_motion(motion), &["/StillFrameMotion/CallbackDelay"]);
    let result = VcrResult::new()
        .with_extra("equipment", 1)
        .with_people_count(PeopleCountResult::new().with_extra("count", 1))
        .with_head_motion(HeadMotionResult::new().with_extra("nodDetected", true));
    check(&result, &["/peopleCount/count", "/headMotion/nodDetected", "/equipment"]);
    let message = AgentMessage::from(VcrResult::new().with_extra("lookAway", 1));
    check(&Message::from(message), &["/data/lookAway"]);
}

// Enums.

fn check_texts<T>(table: &[(T, &str)])
where
    T: DeserializeOwned + Serialize + PartialEq + Debug + Display + FromStr<Err: Debug>,
{
    for (variant, text) in table {
        assert_eq!(written(variant), json!(text));
        assert_eq!(read::<T>(json!(text)), *variant);
        assert_eq!(text.parse::<T>().unwrap(), *variant);
        assert_eq!(variant.to_string(), *text);
    }
    let other = table.iter().flat_map(|(_, text)| [text.to_uppercase(), format!(" {text}")]);
    let odd = ["Future", "", " 9 ", "未来", "0", "\"\u{0}</script>"].map(str::to_owned);
    for unknown in other.chain(odd).filter(|text| table.iter().all(|(_, known)| known != text)) {
        let value: T = read(json!(unknown));
        assert!(table.iter().all(|(variant, _)| *variant != value), "{unknown}");
        assert_eq!(written(&value), json!(unknown));
        assert_eq!(unknown.parse::<T>().unwrap(), value);
        assert!(format!("{value:?}").starts_with("Unknown("), "{value:?}");
    }
}

fn check_numbers<T>(from: fn(i64) -> T, code: fn(T) -> i64, table: &[(T, i64)])
where
    T: DeserializeOwned + Serialize + PartialEq + Debug + Display + Copy + FromStr<Err: Debug>,
{
    for &(variant, number) in table {
        assert_eq!(written(&variant), json!(number));
        assert_eq!(read::<T>(json!(number)), variant);
        assert_eq!(read::<T>(json!(number.to_string())), variant);
        assert_eq!(number.to_string().parse::<T>().unwrap(), variant);
        assert_eq!((from(number), code(variant)), (variant, number));
        assert_eq!(variant.to_string(), format!("{variant:?}"));
    }
    for unknown in [-1, 99, 9999, i64::MIN, i64::MAX] {
        let value: T = read(json!(unknown));
        assert!(table.iter().all(|(variant, _)| *variant != value), "{unknown}");
        assert_eq!((written(&value), value.to_string()), (json!(unknown), unknown.to_string()));
        assert_eq!((from(unknown), code(value)), (value, unknown));
    }
    assert!(decode_value::<T>(&json!("Listening")).is_err());
    assert!("".parse::<T>().is_err());
}

macro_rules! texts {
    ($($type:ident: $($variant:ident = $text:literal),*;)*) => {
        $(check_texts(&[$(($type::$variant, $text)),*]);)*
    };
}

macro_rules! numbers {
    ($($type:ident: $($variant:ident = $number:literal),*;)*) => {
        $(check_numbers($type::from_code, $type::code, &[$(($type::$variant, $number)),*]);)*
    };
}

#[test]
fn every_value_of_the_enums_of_texts_goes_both_ways() {
    texts! {
        AgentType: Voice = "VoiceChat", Avatar = "AvatarChat3D", Vision = "VisionChat",
            Video = "VideoChat", Message = "MessageChat";
        TurnDetectionMode: Normal = "Normal", Semantic = "Semantic";
        AsrLanguage: Mandarin = "zh_mandarin", English = "en", ChineseAndEnglish = "zh_en",
            Spanish = "es", Japanese = "jp";
        TtsLanguage: Chinese = "Chinese", Cantonese = "Chinese,Yue", English = "English",
            Arabic = "Arabic", Russian = "Russian", Spanish = "Spanish", French = "French",
            Portuguese = "Portuguese", German = "German", Turkish = "Turkish", Dutch = "Dutch",
            Ukrainian = "Ukrainian", Vietnamese = "Vietnamese", Indonesian = "Indonesian",
            Japanese = "Japanese", Italian = "Italian", Korean = "Korean", Thai = "Thai",
            Polish = "Polish", Romanian = "Romanian", Greek = "Greek", Czech = "Czech",
            Finnish = "Finnish", Hindi = "Hindi", Auto = "auto";
        TtsEmotion: Happy = "happy", Sad = "sad", Angry = "angry", Fearful = "fearful",
            Disgusted = "disgusted", Surprised = "surprised", Calm = "calm";
        NoInterruptMode: Cache = "cache", Discard = "discard";
        Eagerness: Low = "Low", Medium = "Medium", High = "High";
        CaptureMode: Single = "single", Continuous = "continuous";
        RegistrationMode: Explicit = "Explicit", Implicit = "Implicit";
        TriggerStage: PauseDetected = "pause_detected";
        SpeechOrder: Random = "random", Sequence = "sequence";
        PronunciationType: Replacement = "replacement";
        MessageRole: User = "user", Assistant = "assistant", System = "system",
            Function = "function", Plugin = "plugin", Tool = "tool";
        AgentFunction: HangUp = "hangup";
        SpeakerEmotion: Neutral = "neutral", Happy = "happy", Angry = "angry", Sad = "sad";
    }
}

#[test]
fn every_value_of_the_enums_of_numbers_goes_both_ways() {
    numbers! {
        AgentState: Listening = 1, Thinking = 2, Speaking = 3;
        SpeakingInterruptedReason: UnknownReason = 0, Words = 1, Voice = 2, InterruptSpeaking = 3,
            SpeechBroadcast = 4, LlmQuery = 5;
        VoiceprintResult: Off = 0, Unregistered = 1, DetectedSpeaker = 2, UndetectedSpeaker = 3,
            DetectedSpeakerWithAiVad = 4, UndetectedSpeakerWithAiVad = 5, NotKnown = 100;
        CallState: NotStarted = 0, Connecting = 1, Connected = 2, Over = 3, Error = 4;
        ConnectionStatus: Initialized = 0, Disconnected = 1, Connecting = 2, Connected = 3,
            Reconnecting = 4, Failed = 5;
        TakeoverMode: HumanVoice = 1, AgentVoice = 0;
        LeaveReason: Idle = 2001, TakeoverEnded = 2002, Other = 0;
        AgentErrorNotice: AvatarRoutesExhausted = 4001, PullFailed = 4004, AsrFailed = 4005,
            AvatarServiceFailed = 4006;
    }
}

#[test]
fn agent_types_have_the_numbers_of_the_sdk() {
    for (kind, number) in [
        (AgentType::Voice, 0),
        (AgentType::Avatar, 1),
        (AgentType::Vision, 2),
        (AgentType::Video, 3),
        (AgentType::Message, 11),
    ] {
        assert_eq!(kind.number(), Some(number));
        assert_eq!(AgentType::from_number(number), Some(kind));
    }
    for unknown in [-1, 4, 10, 12, i64::MAX] {
        assert_eq!(AgentType::from_number(unknown), None);
    }
    assert_eq!("FutureChat".parse::<AgentType>().unwrap().number(), None);
}

#[test]
fn an_unknown_text_in_a_configuration_is_written_back_and_kept_in_its_place() {
    let config = json!({
        "AsrConfig": {"AsrLanguageId": "tlh"},
        "TtsConfig": {"LanguageId": "Klingon", "Emotion": "smug"},
        "InterruptConfig": {"NoInterruptMode": "queue"},
        "TurnDetectionConfig": {"Mode": "Psychic", "Eagerness": "Extreme"},
    });
    let read: AgentConfig = read(config.clone());
    assert_eq!(read.validate(), Ok(()));
    assert_eq!(written(&read), config);
}

// Errors.

/// Variant, number in the document and in the current SDK, text.
type ErrorRow = (ErrorCode, Option<i64>, Option<i64>, &'static str);

macro_rules! errors {
    ($($variant:ident $documented:expr, $current:expr, $text:expr;)*) => {
        [$((ErrorCode::$variant, $documented, $current, $text)),*]
    };
    (both: $($variant:ident $number:literal $text:literal;)*) => {
        errors! { $($variant Some($number), Some($number), $text;)* }
    };
}

fn errors() -> Vec<ErrorRow> {
    let both = errors! { both:
        InvalidAction -1 "Invalid operation";
        InvalidParameters -2 "Invalid parameters";
        NetworkError -3 "Network error";
        InternalError -4 "Internal error";
        BeginCallFailed -10000 "Failed to start the call.";
        ConnectionFailed -10001 "A connection problem occurred.";
        PublishFailed -10002 "Stream ingest failed.";
        SubscribeFailed -10003 "Stream pulling failed.";
        TokenExpired -10004 "Call authentication expired.";
        KickedByUserReplace -10005
            "The call cannot proceed because another user logged on with the same name.";
        KickedBySystem -10006 "The call cannot proceed because the user was kicked by the system.";
        KickedByChannelTerminated -10007
            "The call cannot proceed because the channel was destroyed.";
        LocalDeviceException -10008 "The call cannot proceed due to an on-premises device issue.";
        AgentLeaveChannel -10101 "The agent left the channel (the agent ended the call).";
        AgentPullFailed -10102 "The agent failed to pull the stream.";
        AgentAsrFailed -10103 "The agent's ASR failed.";
        AvatarServiceFailed -10201 "Failed to start the digital agent service.";
        AvatarRoutesExhausted -10202
            "The number of concurrent digital agent ingest endpoints was exceeded.";
        AgentSubscriptionRequired -10203
            "The call could not be initiated because the daily free trial quota was exceeded.";
        AgentNotFound -10204 "The agent was not found (the agent ID does not exist).";
        ChatTextMessageSendFailed -10301 "Failed to send the text message.";
        ChatTextMessageReceiveFailed -10302 "Failed to receive the text message.";
        ChatAttachmentUploading -10332
            "The attachment is still uploading. The message can be sent only after the upload is \
             complete.";
        UnknownError -40000 "Unknown error";
    };
    let other = errors! {
        ChatVoiceRecordFailed Some(-10310), Some(-10305), "Failed to record the voice message.";
        ChatVoiceMessageSendFailed Some(-10311), Some(-10303), "Failed to send the voice message.";
        ChatVoiceMessageReceiveFailed Some(-10312), Some(-10304),
            "Failed to receive the voice message.";
        ChatPlayMessageReceiveFailed Some(-10321), None, "Failed to receive the playback message.";
        ChatLogNotFound Some(-10331), Some(-10306), "The chat history was not found.";
        // Without a text in the document.
        ChatAttachmentSenderSending None, Some(-10333),
            "The sender of the attachment is still sending.";
        ChatAttachmentSenderDestroyed None, Some(-10334),
            "The sender of the attachment was released, so the message can no longer be sent.";
    };
    both.into_iter().chain(other).collect()
}

#[test]
fn every_error_is_read_by_both_numbers_and_written_by_the_documented_one() {
    for (error, documented, current, message) in errors() {
        for number in [documented, current].into_iter().flatten() {
            assert_eq!(ErrorCode::from_code(number), Some(error), "{number}");
            assert_eq!(read::<ErrorCode>(json!(number)), error);
            assert_eq!(read::<ErrorCode>(json!(number.to_string())), error);
        }
        let number = documented.or(current).unwrap();
        assert_eq!((error.code(), written(&error)), (number, json!(number)));
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn no_number_stands_for_two_errors() {
    let mut seen = BTreeMap::new();
    for (error, documented, current, _) in errors() {
        for number in [documented, current].into_iter().flatten() {
            let other = seen.insert(number, error);
            assert!(other.is_none_or(|other| other == error), "{number}");
        }
    }
    assert_eq!(seen.len(), 31 + 4);
}

#[test]
fn zero_is_success_and_no_error() {
    assert_eq!(ErrorCode::from_code(0), None);
    for zero in [json!(0), json!("0")] {
        let error = decode_value::<ErrorCode>(&zero).unwrap_err();
        assert_eq!(error.to_string(), "expected the code of an error, but 0 means success");
    }
}

#[test]
fn errors_that_nobody_documents_are_kept() {
    for number in [1, -5, -10009, -10335, -40001, i64::MIN, i64::MAX] {
        let error = ErrorCode::from_code(number).unwrap();
        assert!(matches!(error, ErrorCode::Unknown(_)), "{number}");
        assert_eq!((error.code(), written(&error)), (number, json!(number)));
        assert_eq!(read::<ErrorCode>(json!(number)), error);
        assert_eq!(error.to_string(), format!("Error code {number}."));
    }
    assert_ne!(ErrorCode::from_code(-40001), Some(ErrorCode::UnknownError));
}

#[test]
fn an_error_code_is_an_error_of_rust() {
    fn is_error<E: std::error::Error + Send + Sync + Copy + 'static>(_: E) {}
    is_error(ErrorCode::TokenExpired);
    let error: Box<dyn std::error::Error + Send + Sync> = ErrorCode::TokenExpired.into();
    assert_eq!(error.downcast_ref(), Some(&ErrorCode::TokenExpired));
    assert_eq!(format!("{:>30}", ErrorCode::TokenExpired), "  Call authentication expired.");
}

#[test]
fn what_an_agent_notes_becomes_an_error() {
    for (number, error) in [
        (4001, Some(ErrorCode::AvatarRoutesExhausted)),
        (4004, Some(ErrorCode::AgentPullFailed)),
        (4005, Some(ErrorCode::AgentAsrFailed)),
        (4006, Some(ErrorCode::AvatarServiceFailed)),
        (4000, None),
        (4002, None),
        (0, None),
    ] {
        assert_eq!(AgentErrorNotice::from_code(number).error(), error, "{number}");
    }
}

#[test]
fn misspelt_names_of_the_platform_are_no_names_of_rust() {
    let mut names: String = errors().iter().map(|row| format!("{:?} ", row.0)).collect();
    for number in 0..6 {
        names += &format!("{:?} ", SpeakingInterruptedReason::from_code(number));
        names += &format!("{:?} ", VoiceprintResult::from_code(number));
    }
    names += &format!("{:?} ", RtcTokenData::new("t"));
    names += &format!("{:?} ", AgentMessage::VoiceprintCleared(None));
    names += &format!("{:?} ", ClientMessage::from(RtcTokenRequestData::new("u")));
    assert!(names.contains("InvalidParameters") && names.contains("SpeechBroadcast"), "{names}");
    for odd in [
        "Parames",
        "UnknowError",
        "BroadCast",
        "Responsed",
        "ClearSucceed",
        "SenderDestroy ",
        "Unregister ",
        "ASR",
        "AIVad",
    ] {
        assert!(!names.contains(odd), "{odd}");
    }
}

// The data channel.

macro_rules! messages {
    ($($number:literal, $data:expr => $message:expr;)*) => {
        vec![$(($number, $data, $message.into())),*]
    };
}

/// Number, data and value; no data is null.
fn agent_messages() -> Vec<(i64, Value, AgentMessage)> {
    use AgentMessage as M;

    let vcr = VcrResult::new().with_people_count(PeopleCountResult::new().with_count(2));
    let subtitle = UserSubtitleData::new("hello", 1, true);
    messages! {
        0, json!(null) => M::Nothing;
        1000, json!({"code": 4004}) => AgentErrorData::new(AgentErrorNotice::PullFailed);
        1001, json!({"state": 2}) => AgentStateData::new(AgentState::Thinking);
        1002, json!({"text": "hi", "sentenceId": 3, "end": false})
            => SubtitleData::new("hi", 3, false);
        1003, json!({"text": "hello", "sentenceId": 1, "end": true, "voiceprint": 4})
            => subtitle.with_voiceprint(VoiceprintResult::DetectedSpeakerWithAiVad);
        1004, json!({"enable": true}) => M::VoiceInterruptChanged(SwitchData::new(true));
        1005, json!({"voiceId": "v"}) => VoiceIdData::new("v");
        1006, json!({"token": "t"}) => RtcTokenData::new("t");
        1007, json!({"enable": false}) => M::PushToTalkChanged(SwitchData::new(false));
        1008, json!(null) => M::VoiceprintUseChanged(None);
        1009, json!(null) => M::VoiceprintCleared(None);
        1010, json!({"reason": 2001, "message": "idle"})
            => AgentLeaveData::new(LeaveReason::Idle, "idle");
        1011, json!({"message": "{\"a\":[1]}"}) => CustomMessageData::new(json!({"a": [1]}));
        1012, json!({"takeoverUid": "h", "takeoverMode": 1})
            => HumanTakeoverData::new("h", TakeoverMode::HumanVoice);
        1013, json!({"takeoverUid": "h"}) => HumanTakeoverConnectedData::new("h");
        1014, json!({"emotion": "happy", "sentenceId": 4})
            => EmotionData::new(SpeakerEmotion::Happy, 4);
        1015, json!({"enable": true}) => M::VisionCaptureChanged(SwitchData::new(true));
        1016, json!({"reason": 5})
            => SpeakingInterruptedData::new(SpeakingInterruptedReason::LlmQuery);
        1017, json!({"text": "all", "sentenceId": 5}) => LlmReplyData::new("all", 5);
        1018, json!({"peopleCount": {"count": 2}}) => vcr;
    }
}

/// Number, data and value; no data is null.
fn client_messages() -> Vec<(i64, Value, ClientMessage)> {
    use ClientMessage as M;

    let vcr = VcrConfig::new().with_people_count(VcrBaseConfig::new().with_enabled(true));
    let capture = VisionCaptureRequest::new()
        .with_text("see?")
        .with_mode(CaptureMode::Single)
        .with_each_duration(Duration::from_secs(6))
        .with_num(1)
        .with_duration(Duration::from_secs(60))
        .with_user_data("{\"a\":1}");
    messages! {
        1100, json!(null) => M::StopAgent;
        1101, json!(null) => M::InterruptSpeaking;
        1102, json!({"enable": true}) => M::EnableVoiceInterrupt(SwitchData::new(true));
        1103, json!({"voiceId": "v"}) => VoiceIdData::new("v");
        1104, json!({"userId": "u1"}) => RtcTokenRequestData::new("u1");
        1105, json!({"enable": false}) => M::EnablePushToTalk(SwitchData::new(false));
        1106, json!(null) => M::StartPushToTalk;
        1107, json!(null) => M::FinishPushToTalk;
        1108, json!(null) => M::CancelPushToTalk;
        1109, json!({"enable": true}) => M::UseVoiceprint(SwitchData::new(true));
        1110, json!(null) => M::ClearVoiceprint;
        1111, json!({"text": "What is this?", "enableInterrupt": 1})
            => SendTextToAgentRequest::new("What is this?");
        1112, json!({"message": "any {text"}) => CustomMessageToServerData::new("any {text");
        1113, json!({
            "text": "see?", "mode": "single", "eachDuration": 6, "num": 1, "duration": 60,
            "userData": "{\"a\":1}",
        }) => capture;
        1114, json!(null) => M::StopVisionCapture;
        1115, json!({"prompt": "Be kind."}) => SystemPromptData::new("Be kind.");
        1116, json!({"PeopleCount": {"Enabled": true}}) => vcr;
        1117, json!({"params": "{\"b\":2}"}) => BailianAppParamsData::new(object(json!({"b": 2})));
        1118, json!({"asrMaxSilence": 200}) => AsrMaxSilenceData::new(Duration::from_millis(200));
        1119, json!(null) => M::QueryAgentState;
        1120, json!({"speechRate": 2.0}) => SpeechRateData::new(2.0);
    }
}

fn message(kind: &Value, data: &Value) -> Value {
    if data.is_null() { json!({"type": kind}) } else { json!({"type": kind, "data": data}) }
}

#[test]
fn every_message_of_an_agent_goes_both_ways() {
    for (number, data, expected) in agent_messages() {
        let wire = message(&json!(number), &data);
        assert_eq!(read::<AgentMessage>(wire.clone()), expected);
        assert_eq!(written(&expected), wire);
        assert_eq!(expected.kind(), number.to_string());
        assert_eq!(expected.validate(), Ok(()));
        assert_eq!(read::<AgentMessage>(message(&json!(number.to_string()), &data)), expected);
    }
    let numbers: Vec<_> = agent_messages().iter().map(|row| row.0).collect();
    assert_eq!(numbers, [0].into_iter().chain(1000..=1018).collect::<Vec<_>>());
}

#[test]
fn every_message_of_a_client_goes_both_ways() {
    for (number, data, expected) in client_messages() {
        let wire = message(&json!(number), &data);
        assert_eq!(read::<ClientMessage>(wire.clone()), expected);
        assert_eq!(written(&expected), wire);
        assert_eq!(expected.kind(), number.to_string());
        assert_eq!(expected.validate(), Ok(()));
        assert_eq!(read::<ClientMessage>(message(&json!(number.to_string()), &data)), expected);
    }
    let numbers: Vec<_> = client_messages().iter().map(|row| row.0).collect();
    assert_eq!(numbers, (1100..=1120).collect::<Vec<_>>());
}

#[test]
fn every_message_travels_in_its_envelope() {
    for (number, data, body) in client_messages() {
        let text = Message::new(body.clone(), 9).with_sender_id("u1").to_json().unwrap();
        let mut expected = message(&json!(number), &data);
        let envelope = object(json!({"seqId": 9, "senderId": "u1", "receiverId": ""}));
        expected.as_object_mut().unwrap().extend(envelope);
        assert_eq!(text.parse::<Value>().unwrap(), expected);
        let back = Message::<ClientMessage>::from_json(text.as_bytes()).unwrap();
        assert_eq!(back.body, body);
        assert_eq!(
            (back.envelope.seq_id, back.envelope.sender_id.as_deref()),
            (Some(9), Some("u1"))
        );
    }
}

#[test]
fn the_samples_of_both_directions_are_what_they_say() {
    let heard = include_bytes!("../fixtures/aicall/user-subtitle.json");
    let heard = Message::<AgentMessage>::from_json(heard).unwrap();
    let AgentMessage::UserSubtitle(subtitle) = &heard.body else { panic!("{heard:?}") };
    assert_eq!((subtitle.text.as_str(), subtitle.sentence_id, subtitle.end), ("hello", 1, true));
    assert_eq!(subtitle.voiceprint, Some(VoiceprintResult::DetectedSpeakerWithAiVad));
    let expected =
        Envelope::new().with_seq_id(7).with_sender_id("agent-uid").with_receiver_id("u1");
    assert_eq!(heard.envelope, expected);
    let text = include_str!("../fixtures/aicall/send-text.json").trim_end();
    let ask = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
    let ask = Message::new(ask, 1).with_sender_id("u1").with_receiver_id("agent-uid");
    assert_eq!(ask.to_json().unwrap(), text);
}

#[test]
fn a_message_without_its_names_and_its_number_is_read() {
    let message: Message<AgentMessage> = read(json!({"type": 1001, "data": {"state": 3}}));
    assert_eq!(message.envelope, Envelope::new());
    assert_eq!(message, AgentMessage::from(AgentStateData::new(AgentState::Speaking)).into());
    assert_eq!(written(&message), json!({"type": 1001, "data": {"state": 3}}));
}

#[test]
fn the_envelope_is_read_in_any_order_and_from_other_kinds() {
    let text =
        br#"{"receiverId":8,"seqId":"5","data":{"state":"1"},"x":[],"senderId":7,"type":"1001"}"#;
    let message = Message::<AgentMessage>::from_json(text).unwrap();
    let expected = Envelope::new().with_seq_id(5).with_sender_id("7").with_receiver_id("8");
    assert_eq!(message.envelope, expected);
    assert_eq!(message.body, AgentStateData::new(AgentState::Listening).into());
}

#[test]
fn kinds_that_nobody_knows_are_kept_as_they_came() {
    for wire in [
        json!({"type": 1019, "data": {"a": [1, null]}, "seqId": 3}),
        json!({"type": 2000}),
        json!({"type": -1, "data": "text"}),
        json!({"type": "ready_resp"}),
        json!({"type": "ready_resp", "data": {"ok": true}, "senderId": "a", "receiverId": ""}),
        json!({"type": "", "data": []}),
    ] {
        let agent: Message<AgentMessage> = read(wire.clone());
        let AgentMessage::Unknown(unknown) = &agent.body else { panic!("{agent:?}") };
        assert_eq!(unknown.json().get("type"), wire.get("type"));
        assert_eq!(unknown.json().get("data"), wire.get("data"));
        assert_eq!(agent.to_json().unwrap().parse::<Value>().unwrap(), wire);
        let client: Message<ClientMessage> = read(wire.clone());
        assert!(matches!(&client.body, ClientMessage::Unknown(_)), "{client:?}");
        assert_eq!(client.to_json().unwrap().parse::<Value>().unwrap(), wire);
        assert_eq!(agent.body.kind(), client.body.kind());
    }
    assert_eq!(read::<AgentMessage>(json!({"type": "ready_resp"})).kind(), "ready_resp");
    // What a client says is nothing that an agent says.
    let client: AgentMessage = read(json!({"type": 1100}));
    assert!(matches!(client, AgentMessage::Unknown(_)));
}

#[test]
fn unknown_values_within_known_messages_survive() {
    for wire in [
        json!({"type": 1000, "data": {"code": 4999}}),
        json!({"type": 1001, "data": {"state": 9}}),
        json!({"type": 1003, "data": {"text": "", "sentenceId": 0, "end": false, "voiceprint": 6}}),
        json!({"type": 1010, "data": {"reason": 2003, "message": ""}}),
        json!({"type": 1012, "data": {"takeoverUid": "h", "takeoverMode": 2}}),
        json!({"type": 1014, "data": {"emotion": "smug", "sentenceId": 1}}),
        json!({"type": 1016, "data": {"reason": 6}}),
    ] {
        let message: Message<AgentMessage> = read(wire.clone());
        assert!(!matches!(message.body, AgentMessage::Unknown(_)), "{wire}");
        assert_eq!(message.to_json().unwrap().parse::<Value>().unwrap(), wire);
    }
    let capture = json!({"type": 1113, "data": {"mode": "burst"}});
    assert_eq!(written(&read::<ClientMessage>(capture.clone())), capture);
}

#[test]
fn data_that_nobody_documents_does_not_make_a_message_unreadable() {
    for number in [1008, 1009] {
        let sent = json!({"type": number, "data": {"enable": [true]}});
        let message: AgentMessage = read(sent.clone());
        assert_eq!(message.kind(), number.to_string());
        assert_eq!(written(&message), sent);
        assert!(!format!("{message:?}").contains("true"), "{message:?}");
    }
    let nothing: AgentMessage = read(json!({"type": 0, "data": {"enable": [true]}}));
    assert_eq!(nothing, AgentMessage::Nothing);
    let stop: ClientMessage = read(json!({"type": 1100, "data": {}}));
    assert_eq!(stop, ClientMessage::StopAgent);
}

#[test]
fn whole_numbers_are_read_from_texts_and_with_a_point() {
    let config: AgentConfig = read(json!({"Volume": "150", "AsrConfig": {"VadLevel": 3.0}}));
    assert_eq!((config.volume, config.asr.vad_level), (Some(150), Some(3)));
    let result: VcrResult = read(json!({"peopleCount": {"count": 2.0}}));
    assert_eq!(result, VcrResult::new().with_people_count(PeopleCountResult::new().with_count(2)));
    for odd in [json!(1.5), json!("1.5"), json!(1e300), json!("many")] {
        assert!(try_read::<AgentConfig>(&json!({"Volume": odd})).is_err(), "{odd}");
    }
}

#[test]
fn what_may_be_missing_in_data_reads_as_nothing() {
    for (number, data) in [
        (1002, json!({"text": "", "sentenceId": 0, "end": false})),
        (1003, json!({"text": "", "sentenceId": 0, "end": false})),
        (1013, json!({"takeoverUid": ""})),
        (1017, json!({"text": "", "sentenceId": 0})),
        (1018, json!({})),
    ] {
        let bare: AgentMessage = read(json!({"type": number, "data": {}}));
        assert_eq!(bare, read(json!({"type": number, "data": data})));
        assert_eq!(bare.validate(), Ok(()));
    }
}

#[test]
fn what_is_wrong_with_a_message_is_told_by_its_place() {
    for (text, error) in [
        (
            r#"{"type":1002,"data":{"text":5}}"#,
            "/data/text: invalid type: integer, expected a string",
        ),
        (
            r#"{"type":1003,"data":{"text":["hush"]}}"#,
            "/data/text: invalid type: sequence, expected a string",
        ),
        (r#"{"type":1001,"data":{}}"#, "/data/state: must be there"),
        (r#"{"type":1001,"data":null}"#, "/data: must be there"),
        (r#"{"type":1001}"#, "/data: must be there"),
        (r#"{"type":1001,"data":"hush"}"#, "/data: invalid type: string, expected an object"),
        (
            r#"{"type":1018,"data":{"peopleCount":{"count":"hush"}}}"#,
            "/data/peopleCount/count: invalid value: string, expected a number or a boolean in the string",
        ),
        (r#"{"data":{}}"#, "/type: must be there"),
        (r#"{"type":null}"#, "/type: must be there"),
        (r#"{"type":true}"#, "/type: expected a string or a number"),
        (
            r#"{"type":1100,"seqId":{}}"#,
            "/seqId: invalid type: map, expected a number, a boolean, or a string that contains one",
        ),
        (
            r#"{"type":1100,"senderId":[]}"#,
            "/senderId: invalid type: sequence, expected a string or a number",
        ),
        ("[]", "invalid type: sequence, expected an object"),
        ("5", "invalid type: integer, expected an object"),
    ] {
        let told = Message::<AgentMessage>::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(told.to_string(), error, "{text}");
        let value = decode_value::<Message<AgentMessage>>(&text.parse().unwrap()).unwrap_err();
        assert_eq!(value, told, "{text}");
    }
    for text in ["", "hush", "{\"type\":1100", "{\"type\":1100} hush"] {
        let told = Message::<ClientMessage>::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(told.pointer(), "", "{text}");
        assert!(told.message().starts_with("not JSON: ") && !told.message().contains("hush"));
    }
    assert!(Message::<ClientMessage>::from_json(b"{\"type\":1100,\"x\":\"\xff\"}").is_err());
}

#[test]
fn a_message_that_breaks_a_rule_does_not_leave() {
    let millis = Duration::from_millis;
    for (body, error) in [
        (
            SendTextToAgentRequest::new("").into(),
            "/data/text: [hidden], allowed: 1 or more characters",
        ),
        (SystemPromptData::new("").into(), "/data/prompt: [hidden], allowed: 1 or more characters"),
        (
            AsrMaxSilenceData::new(millis(199)).into(),
            "/data/asrMaxSilence: 199ms, allowed: whole milliseconds, 200 to 1200",
        ),
        (
            AsrMaxSilenceData::new(millis(1201)).into(),
            "/data/asrMaxSilence: 1.201s, allowed: whole milliseconds, 200 to 1200",
        ),
        (SpeechRateData::new(0.49).into(), "/data/speechRate: 0.49, allowed: 0.5 to 2"),
        (SpeechRateData::new(2.01).into(), "/data/speechRate: 2.01, allowed: 0.5 to 2"),
        (
            VisionCaptureRequest::new().with_num(-1).with_duration(millis(1)).into(),
            "/data/num: -1, allowed: 0 or more; \
             /data/duration: 1ms, allowed: whole seconds, 0 or more",
        ),
    ] as [(ClientMessage, &str); 7]
    {
        assert_eq!(Message::new(body, 1).to_json().unwrap_err().to_string(), error);
    }
    for (wire, error) in [
        (json!({"type": 1010, "data": {}}), "/data/reason: missing, required"),
        (
            json!({"type": 1012, "data": {"takeoverUid": "h"}}),
            "/data/takeoverMode: missing, required",
        ),
    ] {
        let message: Message<AgentMessage> = read(wire);
        assert_eq!(message.to_json().unwrap_err().to_string(), error);
    }
}

#[test]
fn a_capture_is_single_or_goes_on() {
    let capture = VisionCaptureRequest::new();
    assert!(!capture.is_single());
    assert!(capture.with_mode(CaptureMode::Single).is_single());
    assert!(!VisionCaptureRequest::unset().is_single());
}

#[test]
fn custom_messages_of_an_agent_are_any_json_in_a_string() {
    for value in [json!(null), json!(7), json!("text"), json!([1, {}]), json!({"a": null})] {
        let message = AgentMessage::from(CustomMessageData::new(value.clone()));
        let wire = json!({"type": 1011, "data": {"message": value.to_string()}});
        assert_eq!(written(&message), wire);
        assert_eq!(read::<AgentMessage>(wire), message);
    }
    let error = try_read::<AgentMessage>(&json!({"type": 1011, "data": {"message": "hush"}}));
    let error = error.unwrap_err();
    assert_eq!(error.pointer(), "/data/message");
    assert!(!error.to_string().contains("hush"), "{error}");
}

// Privacy.

#[test]
fn nothing_that_is_said_shows() {
    const PRIVATE: &str = "hush-4711";
    let texts = [
        "/Greeting",
        "/WakeUpQuery",
        "/AsrConfig/CustomParams",
        "/LlmConfig/LlmSystemPrompt",
        "/LlmConfig/OpenAIExtraQuery",
        "/LlmConfig/LlmHistory/0/Content",
        "/BackChannelingConfig/0/Words/0/Text",
        "/AutoSpeechConfig/LlmPending/Messages/0/Text",
        "/AutoSpeechConfig/UserIdle/HangupEndWord",
    ];
    let objects = ["/WorkflowOverrideParams", "/ExperimentalConfig", "/LlmConfig/BailianAppParams"];
    let inner = json!({PRIVATE: PRIVATE}).to_string();
    let agent = texts.into_iter().map(|place| document(place, PRIVATE.into()));
    let agent = agent.chain(objects.map(|place| document(place, inner.clone().into())));
    for document in agent {
        let (_, shown) = read_as::<AgentConfig>(&document).unwrap();
        assert!(!shown.contains(PRIVATE) && shown.contains("[hidden]"), "{document} {shown}");
    }
    let documents: [(Reader, Value); 6] = [
        (
            read_as::<TemplateConfig>,
            json!({
                "Greeting": PRIVATE, "WakeUpQuery": PRIVATE, "LlmSystemPrompt": PRIVATE,
                "BailianAppParams": inner, "WorkflowOverrideParams": inner,
                "LlmHistory": [{"Content": PRIVATE}],
            }),
        ),
        (read_as::<MessageTemplateConfig>, json!({"BailianAppParams": inner})),
        (
            read_as::<CallConfig>,
            json!({
                "agentId": "a", "agentType": "VoiceChat", "userId": "u",
                "userJoinToken": PRIVATE, "userData": PRIVATE,
            }),
        ),
        (read_as::<ShareConfig>, json!({"UserData": PRIVATE})),
        (read_as::<AgentInfo>, json!({"Token": PRIVATE})),
        (read_as::<VisionCaptureRequest>, json!({"text": PRIVATE, "userData": PRIVATE})),
    ];
    for (read, document) in documents {
        let (_, shown) = read(&document).unwrap();
        assert!(!shown.contains(PRIVATE) && shown.contains("[hidden]"), "{document} {shown}");
    }
}

#[test]
fn nothing_that_is_said_in_a_message_shows() {
    const PRIVATE: &str = "hush-4711";
    let inner = json!({PRIVATE: PRIVATE}).to_string();
    for wire in [
        json!({"type": 1002, "data": {"text": PRIVATE}}),
        json!({"type": 1003, "data": {"text": PRIVATE}}),
        json!({"type": 1006, "data": {"token": PRIVATE}}),
        json!({"type": 1011, "data": {"message": inner}}),
        json!({"type": 1017, "data": {"text": PRIVATE}}),
        json!({"type": 4711, "data": {"text": PRIVATE}}),
        json!({"type": "ready_resp", "data": PRIVATE}),
    ] {
        let message: Message<AgentMessage> = read(wire);
        let shown = format!("{message:?} {message:#?}");
        assert!(!shown.contains(PRIVATE) && shown.contains("[hidden]"), "{shown}");
    }
    for wire in [
        json!({"type": 1111, "data": {"text": PRIVATE}}),
        json!({"type": 1112, "data": {"message": PRIVATE}}),
        json!({"type": 1113, "data": {"text": PRIVATE, "userData": PRIVATE}}),
        json!({"type": 1115, "data": {"prompt": PRIVATE}}),
        json!({"type": 1117, "data": {"params": inner}}),
        json!({"type": 4711, "data": [PRIVATE]}),
    ] {
        let message: Message<ClientMessage> = read(wire);
        let shown = format!("{message:?} {message:#?}");
        assert!(!shown.contains(PRIVATE) && shown.contains("[hidden]"), "{shown}");
    }
}

// Other spellings.

#[test]
fn both_spellings_of_back_channeling_are_read_and_the_sdks_is_written() {
    let expected = AgentConfig::unset()
        .with_back_channeling([BackChannelingConfig::unset().with_enable(true)]);
    for list in ["BackChannelingConfig", "BackChannelingConfigs"] {
        for flag in ["Enable", "Enabled"] {
            let config: AgentConfig = read(json!({list: [{flag: true}]}));
            assert_eq!(config, expected, "{list} {flag}");
        }
    }
    assert_eq!(written(&expected), json!({"BackChannelingConfig": [{"Enable": true}]}));
}

#[test]
fn the_spelling_that_says_something_wins() {
    let both = json!({
        "BackChannelingConfigs": [{"Enabled": false}], "BackChannelingConfig": [{"Enable": true}],
    });
    assert_eq!(read::<AgentConfig>(both).back_channeling[0].enable, Some(true));
    let one = json!({"BackChannelingConfig": [], "BackChannelingConfigs": [{"Enabled": true}]});
    assert_eq!(read::<AgentConfig>(one).back_channeling[0].enable, Some(true));
    let flags = json!({"Enabled": false, "Enable": true});
    assert_eq!(read::<BackChannelingConfig>(flags).enable, Some(true));
    let null = json!({"Enable": null, "Enabled": true});
    assert_eq!(read::<BackChannelingConfig>(null).enable, Some(true));
}

#[test]
fn a_running_agent_is_read_from_all_three_answers() {
    let expected = AgentInfo::new("i1", "c1", "a1").with_rtc_token("t1").with_request_id("r1");
    for answer in [
        json!({
            "code": 200, "ai_agent_instance_id": "i1", "channel_id": "c1",
            "ai_agent_user_id": "a1", "rtc_auth_token": "t1", "request_id": "r1",
        }),
        json!({
            "InstanceId": "i1", "ChannelId": "c1", "AIAgentUserId": "a1", "Token": "t1",
            "RequestId": "r1",
        }),
        json!({
            "instanceId": "i1", "channelId": "c1", "userId": "a1", "rtcToken": "t1", "reqId": "r1",
        }),
        // The first spelling with a value counts.
        json!({
            "ai_agent_instance_id": "", "InstanceId": null, "instanceId": "i1", "channel_id": "c1",
            "ChannelId": "c2", "userId": "a2", "ai_agent_user_id": "a1", "Token": "t1",
            "request_id": "r1", "reqId": "",
        }),
    ] {
        let info: AgentInfo = read(answer);
        assert_eq!(info, expected);
        assert_eq!(info.rtc_token.unwrap().expose(), "t1");
    }
    for key in ["workflow_type", "WorkflowType"] {
        let info: AgentInfo = read(json!({key: "AvatarChat3D"}));
        assert_eq!(info.agent_type, Some(AgentType::Avatar));
    }
    // A number in the SDK's own objects, which would be no type.
    assert_eq!(read::<AgentInfo>(json!({"agentType": 1})).agent_type, None);
    let numbers: AgentInfo = read(json!({"InstanceId": 1, "channelId": 2, "ai_agent_user_id": 3}));
    assert_eq!(numbers, AgentInfo::new("1", "2", "3"));
}

#[test]
fn an_empty_token_leaves_its_place_to_another_spelling() {
    let info: AgentInfo = read(json!({"rtc_auth_token": "", "Token": "t1"}));
    assert_eq!(info.rtc_token.unwrap().expose(), "t1");
}

#[test]
fn names_that_arrive_as_numbers_are_texts() {
    let call: CallConfig = read(json!({"agentId": 1, "agentType": "VoiceChat", "userId": 2}));
    assert_eq!((call.agent_id.as_str(), call.user_id.as_str()), ("1", "2"));
    let share: ShareConfig = read(json!({"TemporaryAIAgentId": 1, "RequestId": 2}));
    assert_eq!(written(&share), json!({"TemporaryAIAgentId": "1", "RequestId": "2"}));
}

// Shares.

#[test]
fn a_share_is_what_its_token_says() {
    let share: ShareConfig = read(sample("share"));
    let expected = ShareConfig::new()
        .with_share_id("share1")
        .with_agent_type(AgentType::Vision)
        .with_expire_time("2026-01-02 03:04:05".parse().unwrap())
        .with_template(Template::new())
        .with_region("cn-shanghai");
    assert_eq!(share, expected);
    let text = include_str!("../fixtures/aicall/share.json").trim_end();
    assert_eq!(serde_json::to_string(&share).unwrap(), text);
}

#[test]
fn times_of_shares_are_seconds_of_gmt_in_the_years_of_their_text() {
    for (text, unix) in [
        ("1970-01-01 00:00:00", 0),
        ("2026-01-02 03:04:05", 1_767_323_045),
        ("2024-02-29 23:59:59", 1_709_251_199),
        ("9999-12-31 23:59:59", 253_402_300_799),
    ] {
        let time = GmtTime::from_unix(unix).unwrap();
        assert_eq!((time.to_string().as_str(), time.unix()), (text, unix));
        assert_eq!(text.parse(), Ok(time));
        assert_eq!(read::<GmtTime>(json!(text)), time);
        assert_eq!(written(&time), json!(text));
        assert_eq!(GmtTime::try_from(SystemTime::from(time)), Ok(time));
    }
    assert_eq!(GmtTime::from_unix(253_402_300_800), None);
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert!(GmtTime::try_from(before).is_err());
    let fraction = SystemTime::UNIX_EPOCH + Duration::from_millis(1999);
    assert_eq!(GmtTime::try_from(fraction).unwrap().unix(), 1);
    assert_eq!("2026-01-02T03:04:05Z".parse::<GmtTime>().unwrap().unix(), 1_767_323_045);
}

#[test]
fn texts_that_are_no_times_are_refused_without_the_text() {
    for text in [
        "",
        "hush",
        "2026-01-02",
        "2026-13-02 03:04:05",
        "2023-02-29 00:00:00",
        "1969-12-31 23:59:59",
    ] {
        let error = try_read::<ShareConfig>(&json!({"ExpireTime": text})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/ExpireTime: expected a time in the form `YYYY-MM-DD HH:MM:SS`, in the years 1970 to 9999"
        );
    }
}

// Templates.

#[test]
fn the_default_template_is_the_text_that_the_sdk_sends() {
    let template = Template::new().with_voice(TemplateConfig::new());
    let text = include_str!("../fixtures/aicall/template-default.json").trim_end();
    assert_eq!(serde_json::to_string(&template).unwrap(), text);
    assert_eq!(written(&Template::new()), json!({}));
}

#[test]
fn a_template_has_its_settings_under_the_key_of_its_type() {
    for kind in [AgentType::Voice, AgentType::Avatar, AgentType::Vision, AgentType::Video] {
        let settings = TemplateConfig::new().with_volume(7);
        let template = Template::of(&kind, settings.clone()).unwrap();
        assert_eq!(written(&template), json!({kind.as_str(): written(&settings)}));
        assert_eq!(template.settings(&kind), Some(&settings));
        let others = [AgentType::Voice, AgentType::Avatar, AgentType::Vision, AgentType::Video];
        for other in others.into_iter().filter(|other| *other != kind) {
            assert_eq!(template.settings(&other), None);
        }
    }
    for kind in [AgentType::Message, "FutureChat".parse().unwrap()] {
        assert_eq!(Template::of(&kind, TemplateConfig::new()), None);
        let all: Template = read(sample("template-message"));
        assert_eq!(all.settings(&kind), None);
    }
}

#[test]
fn a_digital_human_is_only_in_the_templates_that_show_one() {
    let settings = TemplateConfig::unset().with_avatar_id("av");
    for kind in [AgentType::Avatar, AgentType::Video] {
        let template = Template::of(&kind, settings.clone()).unwrap();
        assert_eq!(written(&template), json!({kind.as_str(): {"AvatarId": "av"}}));
    }
    for kind in [AgentType::Voice, AgentType::Vision] {
        let template = Template::of(&kind, settings.clone()).unwrap();
        assert_eq!(written(&template), json!({kind.as_str(): {}}));
    }
}

#[test]
fn the_template_of_a_chat_has_only_what_is_set() {
    let chat = MessageTemplateConfig::new();
    assert_eq!(written(&Template::new().with_message(chat.clone())), json!({"MessageChat": {}}));
    let chat = chat.with_bailian_app_params(Map::new()).with_voice_id("v");
    assert_eq!(written(&Template::new().with_message(chat)), sample("template-message"));
}

#[test]
fn every_setting_of_a_template_lands_in_the_configuration() {
    let mut json = sample("template-full")["AvatarChat3D"].take();
    let never_written = object(json!({
        "UseVoiceprint": true, "VoiceprintId": "vp", "AvatarUrl": "https://example.com/a.png",
    }));
    json.as_object_mut().unwrap().extend(never_written);
    let config = AgentConfig::from(read::<TemplateConfig>(json));
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(
        written(&config),
        json!({
            "EnablePushToTalk": true,
            "GracefulShutdown": true,
            "EnableIntelligentSegment": false,
            "MaxIdleTime": 601,
            "UserOnlineTimeout": 61,
            "UserOfflineTimeout": 6,
            "Volume": 200,
            "Greeting": "Hello.",
            "WakeUpQuery": "Who are you?",
            "WorkflowOverrideParams": "{\"a\":1}",
            "AsrConfig": {
                "AsrLanguageId": "en",
                "AsrMaxSilence": 500,
                "AsrHotWords": ["Qwen"],
                "VadLevel": 3,
            },
            "TtsConfig": {"VoiceId": "v", "VoiceIdList": ["v", "w"]},
            "LlmConfig": {
                "LlmHistoryLimit": 9,
                "LlmSystemPrompt": "You are kind.",
                "BailianAppParams": "{\"b\":2}",
                "LlmHistory": [{"Role": "user", "Content": "Hi"}],
            },
            "AvatarConfig": {"AvatarId": "av"},
            "InterruptConfig": {"EnableVoiceInterrupt": false, "InterruptWords": ["Excuse me"]},
            "VoiceprintConfig": {"VoiceprintId": "vp", "UseVoiceprint": true},
            "VcrConfig": {"PeopleCount": {"Enabled": true}},
            "AvatarUrl": "https://example.com/a.png",
            "AvatarUrlType": "USER",
        })
    );
}

#[test]
fn what_a_template_does_not_set_the_configuration_does_not_set() {
    assert_eq!(AgentConfig::from(TemplateConfig::unset()), AgentConfig::unset());
    let default = AgentConfig::from(TemplateConfig::default());
    assert_eq!(
        written(&default),
        json!({
            "EnablePushToTalk": false,
            "GracefulShutdown": false,
            "EnableIntelligentSegment": true,
            "Volume": 100,
            "AsrConfig": {"VadLevel": 11},
            "InterruptConfig": {"EnableVoiceInterrupt": true},
        })
    );
}

// Hostile texts.

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
        // As it travels to the app server: JSON within JSON.
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
fn json_nested_deep_survives_or_is_refused_by_its_place() {
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
fn a_key_that_stands_twice_is_read_once() {
    let config: AgentConfig = decode(br#"{"Volume": 401, "Volume": 7}"#).unwrap();
    assert_eq!(config, AgentConfig::unset().with_volume(7));
}

#[test]
fn a_number_beyond_its_kind_is_refused_by_its_place() {
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

// Classes that only ICE has.

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

// Schemas.

#[cfg(feature = "schemars")]
mod schemas {
    use super::*;

    fn schema<T: schemars::JsonSchema>() -> Value {
        schemars::schema_for!(T).into()
    }

    /// Whether a value fits a schema, as far as these schemas go.
    fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
        let kind = match schema["type"].as_str() {
            None => true,
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some(other) => panic!("{other}"),
        };
        let number = value.as_f64();
        let length = value.as_str().map(|text| text.chars().count() as f64);
        let items = value.as_array().map(|items| items.len() as f64);
        let below = |found: Option<f64>, limit: &str| {
            found.zip(schema[limit].as_f64()).is_none_or(|(found, limit)| found <= limit)
        };
        let above = |found: Option<f64>, limit: &str| {
            found.zip(schema[limit].as_f64()).is_none_or(|(found, limit)| found >= limit)
        };
        let all = |list: &str| schema[list].as_array().into_iter().flatten();
        let reference = schema["$ref"].as_str().map(|name| {
            root.pointer(name.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{name}"))
        });
        kind && below(number, "maximum")
            && above(number, "minimum")
            && below(length, "maxLength")
            && above(length, "minLength")
            && below(items, "maxItems")
            && schema.get("const").is_none_or(|only| only == value)
            && schema.get("enum").is_none_or(|values| values.as_array().unwrap().contains(value))
            && all("required").all(|key| value.get(key.as_str().unwrap()).is_some())
            && all("allOf").all(|schema| fits(root, schema, value))
            && schema.get("oneOf").is_none_or(|_| {
                all("oneOf").filter(|schema| fits(root, schema, value)).count() == 1
            })
            && reference.is_none_or(|schema| fits(root, schema, value))
            && value
                .as_array()
                .into_iter()
                .flatten()
                .all(|item| schema.get("items").is_none_or(|schema| fits(root, schema, item)))
            && value.as_object().into_iter().flatten().all(|(key, value)| {
                schema["properties"].get(key).is_none_or(|schema| fits(root, schema, value))
            })
    }

    #[test]
    fn the_schema_of_a_configuration_takes_what_is_written_and_no_more() {
        let schema = schema::<AgentConfig>();
        for name in ["agent-config-default", "agent-config-joined", "agent-config-full"] {
            assert!(fits(&schema, &schema, &sample(name)), "{name}");
        }
        for (place, value) in [
            ("/Volume", json!(401)),
            ("/Volume", json!("100")),
            ("/AsrConfig/VadLevel", json!(12)),
            ("/AsrConfig/AsrHotWords", vec!["a"; 501].into()),
            ("/BackChannelingConfig/0/Probability", json!(1.5)),
            ("/LlmConfig/BailianAppParams", json!({})),
        ] {
            assert!(!fits(&schema, &schema, &document(place, value)), "{place}");
        }
    }

    #[test]
    fn the_schema_of_a_configuration_says_what_is_in_its_strings() {
        let schema = schema::<AgentConfig>();
        for place in ["WorkflowOverrideParams", "ExperimentalConfig"] {
            let property = &schema["properties"][place];
            assert_eq!(property["type"], "string");
            assert_eq!(property["contentMediaType"], "application/json");
            assert_eq!(property["contentSchema"], json!({"type": "object"}));
        }
        assert!(!schema.to_string().contains("\"x-"), "{schema}");
    }

    #[test]
    fn the_schemas_of_messages_have_an_arm_for_each_number_with_its_data() {
        fn check(schema: &Value, rows: Vec<(i64, Value, Value)>) {
            let arms = schema["oneOf"].as_array().unwrap();
            assert_eq!(arms.len(), rows.len());
            for (arm, (number, data, wire)) in arms.iter().zip(rows) {
                let arm = match arm["$ref"].as_str() {
                    Some(name) => schema.pointer(name.strip_prefix('#').unwrap()).unwrap(),
                    None => arm,
                };
                assert_eq!(arm["properties"]["type"]["enum"], json!([number]), "{arm}");
                // What comes with two of them is not documented: anything may, or nothing.
                let open = matches!(number, 1008 | 1009);
                let has_data = open || !data.is_null();
                assert_eq!(arm["properties"].get("data").is_some(), has_data, "{arm}");
                let required = arm["required"].as_array().unwrap();
                assert_eq!(required.contains(&json!("data")), !data.is_null(), "{arm}");
                assert!(required.contains(&json!("type")), "{arm}");
                assert!(fits(schema, schema, &wire), "{wire}");
            }
        }
        let agent = agent_messages().into_iter().map(|(n, data, m)| (n, data, written(&m)));
        check(&schema::<AgentMessage>(), agent.collect());
        let client = client_messages().into_iter().map(|(n, data, m)| (n, data, written(&m)));
        check(&schema::<ClientMessage>(), client.collect());
    }

    #[test]
    fn the_schemas_of_messages_refuse_data_of_another_number() {
        let schema = schema::<AgentMessage>();
        for wire in [
            json!({"type": 1001, "data": {"text": "a"}}),
            json!({"type": 1001}),
            json!({"type": 1100}),
            json!({"data": {"state": 1}}),
        ] {
            assert!(!fits(&schema, &schema, &wire), "{wire}");
        }
    }
}
