//! Video content recognition (VCR): typed parts, and the unknown keys beside them.

use super::*;

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
fn vcr_with_only_an_unknown_key_is_written() {
    let config = AgentConfig::unset().with_vcr(VcrConfig::unset().with_extra("Smile", true));
    assert!(!config.is_unset());
    assert_eq!(written(&config), json!({"VcrConfig": {"Smile": true}}));
}

#[test]
fn typed_parts_of_vcr_replace_only_their_own_keys() {
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
fn an_unknown_key_of_vcr_cannot_replace_a_typed_one() {
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
