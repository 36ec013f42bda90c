//! Open enums: every known value, and what happens to others.

use super::*;

#[test]
fn every_text_enum_is_read_and_written() {
    types::texts! {
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
        TtsModel: Speech01Turbo = "speech-01-turbo", Speech02Turbo = "speech-02-turbo";
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
fn every_number_enum_is_read_and_written() {
    types::numbers! {
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
fn an_unknown_enum_value_in_a_configuration_is_written_back() {
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
