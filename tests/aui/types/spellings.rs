//! Fields that the platform spells in more than one way.

use super::*;

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
fn the_spelling_with_a_value_wins() {
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
fn a_running_agent_is_read_from_all_three_forms_of_answer() {
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
    // The SDK's own objects have a number here, which is not a type.
    assert_eq!(read::<AgentInfo>(json!({"agentType": 1})).agent_type, None);
    let numbers: AgentInfo = read(json!({"InstanceId": 1, "channelId": 2, "ai_agent_user_id": 3}));
    assert_eq!(numbers, AgentInfo::new("1", "2", "3"));
}

#[test]
fn an_empty_token_gives_way_to_another_spelling() {
    let info: AgentInfo = read(json!({"rtc_auth_token": "", "Token": "t1"}));
    assert_eq!(info.rtc_token.unwrap().expose(), "t1");
}

#[test]
fn ids_that_arrive_as_numbers_become_texts() {
    let call: CallConfig = read(json!({"agentId": 1, "agentType": "VoiceChat", "userId": 2}));
    assert_eq!((call.agent_id.as_str(), call.user_id.as_str()), ("1", "2"));
    let share: ShareConfig = read(json!({"TemporaryAIAgentId": 1, "RequestId": 2}));
    assert_eq!(written(&share), json!({"TemporaryAIAgentId": "1", "RequestId": "2"}));
}
