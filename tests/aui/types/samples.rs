//! Every file of `tests/fixtures/aicall`: read and written back, with parts missing, and with parts of
//! another kind.

use super::*;

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("aicall", &samples());
}

#[test]
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        assert_eq!(plain(sample.read(&sample.json())), plain(sample.json()), "{}", sample.name);
    }
}

#[test]
fn every_sample_is_valid() {
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
fn null_reads_as_missing_or_the_error_names_the_place() {
    for sample in samples() {
        let required = types::null_reads_as_missing(&sample, types::places(&sample.json()));
        let expected: BTreeSet<_> = sample.about.iter().map(ToString::to_string).collect();
        assert_eq!(required, expected, "{}", sample.name);
    }
}

#[test]
fn a_value_of_another_kind_is_refused_at_its_place_without_the_value() {
    for sample in samples() {
        types::another_kind_is_refused(&sample, types::places(&sample.json()), &[]);
    }
}

#[test]
fn unknown_keys_are_ignored_outside_vcr() {
    for sample in samples() {
        let mut document = sample.json();
        for place in types::places(&sample.json()) {
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

#[test]
fn odd_forms_of_json_are_read_at_every_place() {
    for sample in samples() {
        sample.odd_forms_are_read(&[
            "/LlmConfig/BailianAppParams",
            "/WorkflowOverrideParams",
            "/AvatarChat3D/BailianAppParams",
            "/AvatarChat3D/WorkflowOverrideParams",
            "/userData",
            "/UserData",
        ]);
    }
}
