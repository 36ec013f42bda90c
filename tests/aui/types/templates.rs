//! The deprecated templates, and the configurations that they stand for.

use super::*;

#[test]
fn the_default_template_equals_the_text_that_the_sdk_sends() {
    let template = Template::new().with_voice(TemplateConfig::new());
    let text = include_str!("../../fixtures/aicall/template-default.json").trim_end();
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
fn an_avatar_is_written_only_in_templates_that_show_one() {
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
fn the_template_of_a_chat_has_only_the_set_fields() {
    let chat = MessageTemplateConfig::new();
    assert_eq!(written(&Template::new().with_message(chat.clone())), json!({"MessageChat": {}}));
    let chat = chat.with_bailian_app_params(Map::new()).with_voice_id("v");
    assert_eq!(written(&Template::new().with_message(chat)), sample("template-message"));
}

#[test]
fn every_setting_of_a_template_is_in_its_configuration() {
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
fn settings_that_a_template_leaves_unset_stay_unset() {
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
