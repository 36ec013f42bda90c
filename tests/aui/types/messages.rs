//! The messages of the data channel, and their envelope.

use super::*;

macro_rules! messages {
    ($($number:literal, $data:expr => $message:expr;)*) => {
        vec![$(($number, $data, $message.into())),*]
    };
}

/// Number, data and value. Null means no data.
pub(super) fn agent_messages() -> Vec<(i64, Value, AgentMessage)> {
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

/// Number, data and value. Null means no data.
pub(super) fn client_messages() -> Vec<(i64, Value, ClientMessage)> {
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
fn every_message_of_an_agent_is_read_and_written() {
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
fn every_message_of_a_client_is_read_and_written() {
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
fn every_message_is_written_in_its_envelope() {
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
fn the_samples_of_both_directions_are_read_field_by_field() {
    let heard = include_bytes!("../../fixtures/aicall/user-subtitle.json");
    let heard = Message::<AgentMessage>::from_json(heard).unwrap();
    let AgentMessage::UserSubtitle(subtitle) = &heard.body else { panic!("{heard:?}") };
    assert_eq!((subtitle.text.as_str(), subtitle.sentence_id, subtitle.end), ("hello", 1, true));
    assert_eq!(subtitle.voiceprint, Some(VoiceprintResult::DetectedSpeakerWithAiVad));
    let expected =
        Envelope::new().with_seq_id(7).with_sender_id("agent-uid").with_receiver_id("u1");
    assert_eq!(heard.envelope, expected);
    let text = include_str!("../../fixtures/aicall/send-text.json").trim_end();
    let ask = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
    let ask = Message::new(ask, 1).with_sender_id("u1").with_receiver_id("agent-uid");
    assert_eq!(ask.to_json().unwrap(), text);
}

#[test]
fn a_message_without_an_envelope_is_read() {
    let message: Message<AgentMessage> = read(json!({"type": 1001, "data": {"state": 3}}));
    assert_eq!(message.envelope, Envelope::new());
    assert_eq!(message, AgentMessage::from(AgentStateData::new(AgentState::Speaking)).into());
    assert_eq!(written(&message), json!({"type": 1001, "data": {"state": 3}}));
}

#[test]
fn the_envelope_is_read_in_any_order_and_from_other_json_types() {
    let text =
        br#"{"receiverId":8,"seqId":"5","data":{"state":"1"},"x":[],"senderId":7,"type":"1001"}"#;
    let message = Message::<AgentMessage>::from_json(text).unwrap();
    let expected = Envelope::new().with_seq_id(5).with_sender_id("7").with_receiver_id("8");
    assert_eq!(message.envelope, expected);
    assert_eq!(message.body, AgentStateData::new(AgentState::Listening).into());
}

#[test]
fn messages_of_unknown_kinds_are_kept_unchanged() {
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
    // A message of a client is unknown as a message of an agent.
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
fn undocumented_data_does_not_make_a_message_unreadable() {
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
fn integers_are_read_from_texts_and_with_a_decimal_point() {
    let config: AgentConfig = read(json!({"Volume": "150", "AsrConfig": {"VadLevel": 3.0}}));
    assert_eq!((config.volume, config.asr.vad_level), (Some(150), Some(3)));
    let result: VcrResult = read(json!({"peopleCount": {"count": 2.0}}));
    assert_eq!(result, VcrResult::new().with_people_count(PeopleCountResult::new().with_count(2)));
    for odd in [json!(1.5), json!("1.5"), json!(1e300), json!("many")] {
        assert!(try_read::<AgentConfig>(&json!({"Volume": odd})).is_err(), "{odd}");
    }
}

#[test]
fn missing_optional_data_reads_as_empty() {
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
fn an_error_in_a_message_has_its_place() {
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
            "/data/peopleCount/count: invalid value: string, expected a number in the string",
        ),
        (r#"{"data":{}}"#, "/type: must be there"),
        (r#"{"type":null}"#, "/type: must be there"),
        (r#"{"type":true}"#, "/type: expected a string or a number"),
        (
            r#"{"type":1100,"seqId":{}}"#,
            "/seqId: invalid type: map, expected a number, or a string that contains one",
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
fn an_invalid_message_is_not_written() {
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
fn a_capture_is_single_or_continuous() {
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
