//! Objects with initial values, durations, errors with numbers, and unions with the tag beside the
//! content.

use std::time::Duration;

use callbot::wire::{Validate, decode};
use serde_json::{Value, json};

use crate::compiled::shared::{Address, BellConfig, DoorMode, HouseConfig, HouseError, HouseEvent};

fn written(config: &HouseConfig) -> Value {
    serde_json::to_value(config).unwrap()
}

fn read(json: Value) -> HouseConfig {
    decode(json.to_string().as_bytes()).unwrap()
}

#[test]
fn an_object_starts_with_the_values_of_the_spec_or_with_nothing() {
    let config = HouseConfig::default();
    assert_eq!(
        written(&config),
        json!({"Lit": true, "Idle": 60, "Share": 0.5, "Door": {"Locked": false, "Mode": "swing"}})
    );
    assert_eq!(config, HouseConfig::new());
    assert_eq!(config.door.mode, Some(DoorMode::Swing));
    assert!(!config.is_unset() && config.bell.is_unset());
    assert_eq!(written(&HouseConfig::unset()), json!({}));
    assert!(HouseConfig::unset().is_unset());
}

#[test]
fn missing_fields_read_as_unset_even_within_a_missing_part() {
    assert_eq!(read(json!({})), HouseConfig::unset());
    assert_eq!(read(json!({"Door": {}, "Bell": null})), HouseConfig::unset());
    assert_eq!(read(json!({"Door": {"Locked": true}})).door.mode, None);
}

#[test]
fn numbers_that_mean_unset_are_read_as_unset_and_not_written() {
    let nothing = json!({"Idle": -1, "Fade": 0, "Level": -1, "Rate": 0, "Door": {}});
    assert_eq!(read(nothing), HouseConfig::unset());
    assert_eq!(read(json!({"Fade": -5, "Rate": -0.5, "Level": -7})), HouseConfig::unset());
    let least = json!({"Idle": 0, "Fade": 1, "Level": 0, "Rate": 0.1});
    assert_eq!(
        written(&read(least.clone())),
        json!({"Idle": 0, "Fade": 1, "Level": 0, "Rate": 0.1})
    );
    let dark = HouseConfig::unset().with_fade(Duration::ZERO).with_level(-1).with_rate(-1.0);
    assert_eq!(written(&dark), json!({}));
    assert!(dark.is_unset());
}

#[test]
fn durations_are_whole_numbers_of_their_unit() {
    let config = HouseConfig::unset()
        .with_idle(Duration::from_secs(90))
        .with_fade(Duration::from_millis(250));
    assert_eq!(written(&config), json!({"Idle": 90, "Fade": 250}));
    let config = read(json!({"Idle": "90", "Fade": 250.0, "Pause": 1.5}));
    assert_eq!(config.idle, Some(Duration::from_secs(90)));
    assert_eq!(config.fade, Some(Duration::from_millis(250)));
    assert_eq!(config.pause, Some(Duration::from_millis(1500)));
    let config = HouseConfig::unset()
        .with_idle(Duration::from_millis(1500))
        .with_fade(Duration::from_secs(3))
        .with_pause(Duration::from_nanos(1));
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "/Idle: 1.5s, allowed: whole seconds, 0 to 600; \
         /Fade: 3s, allowed: whole milliseconds, at most 2000; \
         /Pause: 1ns, allowed: whole seconds"
    );
    for (json, says) in [
        (r#"{"Pause":-1}"#, "/Pause: expected a duration: a number, 0 or more"),
        (r#"{"Pause":"soon"}"#, "/Pause: invalid value: string, expected a number in the string"),
        (
            r#"{"Idle":[]}"#,
            "/Idle: invalid type: sequence, expected a number, or a string that contains one",
        ),
        (r#"{"Idle":1e300}"#, "/Idle: expected a duration: a number, 0 or more"),
    ] {
        assert_eq!(decode::<HouseConfig>(json.as_bytes()).unwrap_err().to_string(), says);
    }
}

#[test]
fn an_empty_list_differs_from_none_if_the_spec_says_so() {
    let none: [&str; 0] = [];
    let config =
        HouseConfig::unset().with_names(none).with_words(none).with_params(Default::default());
    assert_eq!(written(&config), json!({"Names": [], "Params": "{}"}));
    assert_eq!(read(json!({"Names": [], "Params": "{}", "Words": []})), config);
}

#[test]
fn a_blank_text_instead_of_json_reads_as_none() {
    for nothing in ["", " ", "null"] {
        assert_eq!(read(json!({"Params": nothing})), HouseConfig::unset());
    }
    let error = decode::<HouseConfig>(br#"{"Params":"[]"}"#).unwrap_err();
    assert_eq!(error.to_string(), "/Params: invalid type: sequence, expected a map");
}

#[test]
fn a_field_that_depends_on_another_is_written_only_with_it() {
    let loud = BellConfig::unset().with_loud(true);
    assert!(loud.is_unset());
    assert_eq!(written(&HouseConfig { bell: loud.clone(), ..HouseConfig::unset() }), json!({}));
    let config = HouseConfig { bell: loud.with_tune("ding"), ..HouseConfig::unset() };
    assert_eq!(written(&config), json!({"Bell": {"Tune": "ding", "Loud": true}}));
    let long =
        HouseConfig { bell: BellConfig::unset().with_tune("dingdong"), ..HouseConfig::unset() };
    assert_eq!(
        long.validate().unwrap_err().to_string(),
        r#"/Bell/Tune: "dingdong", allowed: at most 4 characters"#
    );
}

#[test]
fn a_text_must_match_its_pattern() {
    for tune in ["", "a", "z9_-", "-"] {
        assert_eq!(BellConfig::unset().with_tune(tune).validate(), Ok(()));
    }
    for tune in ["A", "a b", "ä", "a\n", "{"] {
        assert_eq!(
            BellConfig::unset().with_tune(tune).validate().unwrap_err().to_string(),
            format!("/Tune: {tune:?}, allowed: characters of a-z0-9_-")
        );
    }
    let long = BellConfig::unset().with_tune("ab".repeat(51)).validate().unwrap_err().to_string();
    assert_eq!(long, format!("/Tune: \"{}\"…, allowed: at most 4 characters", "ab".repeat(50)));
}

#[test]
fn a_field_that_is_never_written_is_read() {
    let config = read(json!({"Old": "oak"}));
    assert_eq!(config.old.as_deref(), Some("oak"));
    assert_eq!(written(&config), json!({}));
}

#[test]
fn an_error_enum_has_two_numbers_a_message_and_no_success() {
    assert_eq!(HouseError::from_code(0), None);
    assert_eq!(HouseError::from_code(-2), Some(HouseError::Flooded));
    assert_eq!(HouseError::from_code(-20), Some(HouseError::Flooded));
    assert_eq!(HouseError::Flooded.code(), -20);
    let error: &dyn std::error::Error = &HouseError::Flooded;
    assert_eq!(error.to_string(), "The cellar is under water.");
    let unknown = HouseError::from_code(-77).unwrap();
    assert_eq!((unknown.code(), unknown.to_string()), (-77, "Error code -77.".into()));
    assert_eq!(decode::<HouseError>(b"-2").unwrap(), HouseError::Flooded);
    assert_eq!(serde_json::to_string(&HouseError::Flooded).unwrap(), "-20");
    assert_eq!(
        decode::<HouseError>(b"0").unwrap_err().to_string(),
        "expected the code of an error, but 0 means success"
    );
}

#[test]
fn a_union_may_have_its_tag_beside_its_content() {
    let rings = json!({"seq": 1, "data": {"Tune": "ding"}, "type": 1});
    let event: HouseEvent = decode(rings.to_string().as_bytes()).unwrap();
    assert_eq!(event, HouseEvent::Rings(BellConfig::unset().with_tune("ding")));
    assert_eq!(serde_json::to_value(&event).unwrap(), json!({"type": 1, "data": {"Tune": "ding"}}));
    assert_eq!(event.kind(), "1");
    let sleeps: HouseEvent = decode(br#"{"type":"3","data":null}"#).unwrap();
    assert_eq!(sleeps, HouseEvent::Sleeps);
    assert_eq!(serde_json::to_string(&sleeps).unwrap(), r#"{"type":3}"#);
    for (json, held) in [
        (r#"{"type":4,"data":{"city":"Ulm"}}"#, Some(Address::new("Ulm"))),
        (r#"{"type":4}"#, None),
    ] {
        let moves: HouseEvent = decode(json.as_bytes()).unwrap();
        assert_eq!(moves, HouseEvent::Moves(held));
        assert_eq!(serde_json::to_string(&moves).unwrap(), json);
    }
    assert!(HouseEvent::Moves(Some(Address::new(""))).validate().is_err());
    assert!(HouseEvent::Moves(None).validate().is_ok());
    let unknown: HouseEvent = decode(br#"{"type":9,"seq":4,"data":[1]}"#).unwrap();
    assert_eq!(unknown.kind(), "9");
    assert_eq!(serde_json::to_value(&unknown).unwrap(), json!({"type": 9, "data": [1]}));
    assert_eq!(format!("{unknown:?}"), r#"Unknown({"type": Number(9), "data": [hidden]})"#);
    for (json, says) in [
        (r#"{"type":2,"data":{"city":7}}"#, "/data/city: invalid type: integer, expected a string"),
        (r#"{"type":2}"#, "/data: must be there"),
        (r#"{"data":{}}"#, "/type: must be there"),
        (r#"{"type":[]}"#, "/type: expected a string or a number"),
        ("[]", "invalid type: sequence, expected an object"),
    ] {
        assert_eq!(decode::<HouseEvent>(json.as_bytes()).unwrap_err().to_string(), says);
    }
    let fails = HouseEvent::from(Address::new(""));
    assert_eq!(
        fails.validate().unwrap_err().to_string(),
        r#"/data/city: "", allowed: 1 or more characters"#
    );
}
