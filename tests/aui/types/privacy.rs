//! What callers say does not show in `Debug`.

use super::*;

#[test]
fn private_texts_of_configurations_do_not_show() {
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
fn private_texts_of_messages_do_not_show() {
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
