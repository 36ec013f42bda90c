//! Prompts and queries.

use super::*;

#[test]
fn a_prompt_is_written_and_read_back() {
    let (audio, unknown) = (PromptType::VariableAudio, "99".parse().unwrap());
    let record = |beep| Prompt::Record { path: "/r.wav", beep };
    for (prompt, json) in [
        (Prompt::FileByPath("/w.wav"), json!({"prompt_type": "0", "prompt_wav": "/w.wav"})),
        (Prompt::FileByName("w"), json!({"prompt_type": "1", "prompt_wav": "w"})),
        (Prompt::Tts("hi"), json!({"prompt_type": "2", "prompt_text": "hi"})),
        (Prompt::Text("hi"), json!({"prompt_type": "3", "prompt_text": "hi"})),
        (record(true), json!({"prompt_type": "4", "prompt_wav": "/r.wav", "tone": "true"})),
        (record(false), json!({"prompt_type": "4", "prompt_wav": "/r.wav", "tone": "false"})),
        (Prompt::Video("/v.mp4"), json!({"prompt_type": "5", "prompt_wav": "/v.mp4"})),
        (Prompt::Multimedia("m"), json!({"prompt_type": "6", "prompt_text": "m"})),
        (Prompt::Card("{}"), json!({"prompt_type": "7", "prompt_text": "{}"})),
        (
            Prompt::Other { kind: &audio, file: Some("a"), text: None },
            json!({"prompt_type": "8", "prompt_wav": "a"}),
        ),
        (
            Prompt::Other { kind: &unknown, file: None, text: Some("b") },
            json!({"prompt_type": "99", "prompt_text": "b"}),
        ),
    ] {
        let params = InteractOutParams::from_prompt("c", prompt, Language::English);
        let mut expected = json;
        expected["call_id"] = "c".into();
        expected["language"] = "1".into();
        assert_eq!(serde_json::to_value(&params).unwrap(), expected);
        assert_eq!(params.prompt(), prompt);
        assert_eq!(prompt.kind(), params.prompt_type);
        assert_eq!(params.validate(), Ok(()));
        // Other fields may be set as well, as in the document's sample.
        let mut beside = params.clone();
        beside.prompt_wav.get_or_insert_default();
        beside.prompt_text.get_or_insert_with(|| "beside".into());
        if !matches!(prompt, Prompt::Other { .. }) {
            assert_eq!(beside.prompt(), prompt);
        }
        assert_eq!(beside.validate(), Ok(()));
    }
}

#[test]
fn a_prompt_without_its_required_fields_is_read_but_not_written() {
    let interact =
        |kind: &str| InteractOutParams::new("c", kind.parse().unwrap(), Language::Chinese);
    for (kind, demanded, empty) in [
        ("0", &["/prompt_wav"][..], Prompt::FileByPath("")),
        ("1", &["/prompt_wav"], Prompt::FileByName("")),
        ("2", &["/prompt_text"], Prompt::Tts("")),
        ("3", &["/prompt_text"], Prompt::Text("")),
        ("4", &["/prompt_wav", "/tone"], Prompt::Record { path: "", beep: false }),
        ("5", &["/prompt_wav"], Prompt::Video("")),
        ("6", &["/prompt_text"], Prompt::Multimedia("")),
        ("7", &["/prompt_text"], Prompt::Card("")),
    ] {
        let params = interact(kind);
        assert_eq!(params.prompt(), empty);
        let violations = params.validate().unwrap_err();
        let found: Vec<_> = violations.iter().map(|one| one.pointer()).collect();
        assert_eq!(found, demanded, "{kind}");
        assert!(violations.to_string().contains(&format!("`prompt_type` is {kind}")));
        let nameless = InteractOutParams::from_prompt("c", empty, Language::Chinese).validate();
        assert_eq!(nameless.is_err(), demanded[0] == "/prompt_wav", "{kind}");
    }
    for kind in ["8", "9", "10", "99"] {
        assert_eq!(interact(kind).validate(), Ok(()));
    }
    for (tone, beep, allowed) in [
        (Some("true"), true, true),
        (Some("false"), false, true),
        (Some("TRUE"), true, false),
        (Some(""), false, false),
        (Some("1"), false, false),
        (None, false, false),
    ] {
        let mut params = interact("4").with_prompt_wav("/r.wav");
        params.tone = tone.map(|tone| tone.parse::<Tone>().unwrap());
        assert_eq!(params.prompt(), Prompt::Record { path: "/r.wav", beep });
        assert_eq!(params.validate().is_ok(), allowed, "{tone:?}");
        // With other prompts it has no meaning, and may be empty.
        params.prompt_type = PromptType::FileByPath;
        assert_eq!(params.validate(), Ok(()));
    }
}

#[test]
fn a_query_requires_the_fields_of_its_kind() {
    let query = |kind| QueryOutParams::new("c", kind);
    assert_eq!(query(QueryType::CurrentQueue).validate(), Ok(()));
    assert_eq!(query(QueryType::QueueOfAgent).validate(), Ok(()));
    let queue = query(QueryType::QueueById);
    assert!(queue.validate().unwrap_err().to_string().starts_with("/skill_id: missing"));
    assert_eq!(queue.with_skill_id("77").validate(), Ok(()));
    let switch = query(QueryType::SwitchMedia);
    assert!(switch.validate().unwrap_err().to_string().starts_with("/changeType: missing"));
    assert_eq!(switch.with_change_type(ChangeType::Audio).validate(), Ok(()));
}
