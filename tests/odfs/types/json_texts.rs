//! JSON in `prompt_text`: intent matches and filled slots.

use super::*;

fn saying(text: impl Into<String>) -> InteractOutParams {
    InteractOutParams::from_prompt("c", Prompt::Text(""), Language::Chinese).with_prompt_text(text)
}

fn steps() -> Vec<CallScriptStep> {
    let children = [ChildIntent::new("c1", "Asks for the number", "1")];
    vec![
        CallScriptStep::new("", "Greets", "").with_child_intents(children),
        CallScriptStep::new("c2", "Says goodbye", ""),
    ]
}

#[test]
fn an_intent_match_is_written_and_read_back() {
    let found = IntentMatch::from_script("Asks for the call fee", &steps())
        .with_sentiment_analysis("negative".parse().unwrap())
        .with_sentiment_analysis_score(80)
        .with_extra("more", json!({"a": [null]}));
    assert_eq!(found.validate(), Ok(()));
    assert_eq!(found.script().as_ref(), Ok(&steps()));
    // The documented type of the script is a string of JSON.
    assert!(found.call_script.as_ref().unwrap().is_string());
    let params = saying("").with_intent_match(&found);
    assert_eq!(params.intent_match(), Ok(Some(found.clone())));
    let wire = serde_json::to_value(&params).unwrap();
    let read: InteractOutParams = decode_value(&wire).unwrap();
    assert_eq!(read.intent_match(), Ok(Some(found)));
    assert_eq!(params.filled_slots(), Ok(None));
}

#[test]
fn the_documented_match_is_read_with_a_nested_script_or_one_in_a_string() {
    let nested = sample("intent-match").json();
    let mut text = nested.clone();
    text["call_script"] = nested["call_script"].to_string().into();
    let mut alone = nested.clone();
    alone["call_script"] = nested["call_script"][0].clone();
    for (json, count) in [(nested, 2), (text, 2), (alone, 1)] {
        // JSON instead of the string is read as well.
        for wire in [json.clone(), json.to_string().into()] {
            let params = json!({"call_id": "c", "prompt_type": "3", "prompt_text": wire});
            let params: InteractOutParams = decode_value(&params).unwrap();
            let found = params.intent_match().unwrap().unwrap();
            assert_eq!(serde_json::to_value(&found).unwrap(), json);
            assert_eq!(found.intent.as_deref(), Some("Asks for the call fee"));
            assert_eq!(found.validate(), Ok(()));
            let script = found.script().unwrap();
            assert_eq!(script.len(), count);
            assert_eq!(script[0].intent_description, "Greets");
            assert_eq!(script[0].child_intents[0].intent_code, "c1");
        }
    }
}

#[test]
fn a_script_with_missing_parts_is_read() {
    let with = |script: Value| IntentMatch::new("i", script);
    for script in [json!(null), json!(""), json!(" "), json!([]), json!("[]")] {
        let found: IntentMatch =
            decode_value(&json!({"Intend": "i", "call_script": script})).unwrap();
        assert_eq!(found.script(), Ok(vec![]), "{script}");
    }
    let bare = with(json!([{"more": 1}])).script().unwrap();
    assert_eq!(bare, [CallScriptStep::new("", "", "").with_extra("more", 1)]);
    for (script, pointer) in [
        (json!("{ {intentcode: \"\"} }"), "/call_script"),
        (json!("[{\"childintent\": [{\"status\": []}]}]"), "/call_script/0/childintent/0/status"),
        (json!([{}, {"intentDsp": {}}]), "/call_script/1/intentDsp"),
        (json!(["x"]), "/call_script/0"),
        (json!(7), "/call_script"),
    ] {
        let found = with(script);
        assert_eq!(found.script().unwrap_err().pointer(), pointer);
        let error = found.validate().unwrap_err();
        assert_eq!(error.iter().next().unwrap().pointer(), "/call_script");
    }
    let nameless = IntentMatch::from_script("i", &[CallScriptStep::new("c", "", "")]);
    let error = nameless.validate().unwrap_err();
    assert_eq!(error.iter().next().unwrap().pointer(), "/call_script/0/intentDsp");
}

#[test]
fn filled_slots_are_written_and_read_back() {
    let slot = FilledSlot::new(FilledSlotFields {
        begin_index: "8",
        end_index: "14",
        entity_type: "place",
        entity: "Nanjing",
        tag: "object level 2",
    });
    assert_eq!(serde_json::to_value(&slot).unwrap(), sample("filled-slot").json());
    for slots in
        [vec![], vec![slot.clone()], vec![slot.clone().with_extra("more", 1), slot.clone()]]
    {
        let params = saying("").with_filled_slots(&slots);
        assert!(params.prompt_text.as_ref().unwrap().starts_with('['));
        assert_eq!(params.filled_slots(), Ok(Some(slots)));
        assert_eq!(params.intent_match(), Ok(None));
    }
    assert_eq!(saying(sample("filled-slot").text).filled_slots(), Ok(Some(vec![slot])));
}

#[test]
fn other_texts_are_neither_a_match_nor_slots() {
    let mut absent = saying("");
    absent.prompt_text = None;
    let texts = [
        "",
        "Query the call fee.",
        "4711",
        "true",
        "null",
        "\"Intend\"",
        "{}",
        "{\"Intend\":",
        "{\"role\": \"staff\"}",
        "{\"title\": \"A card\"}",
        "[1, 2]",
        "[{\"title\": \"x\"}]",
        "[[]]",
    ];
    for params in texts.map(saying).into_iter().chain([absent]) {
        assert_eq!(params.intent_match(), Ok(None), "{:?}", params.prompt_text);
        assert_eq!(params.filled_slots(), Ok(None), "{:?}", params.prompt_text);
    }
    // A tenant may edit the template, so one of its keys is enough.
    for key in ["Intend", "call_script", "sentiment_analysis", "sensitive_word", "recomand_KP"] {
        let found = saying(json!({key: null}).to_string()).intent_match();
        assert!(matches!(found, Ok(Some(_))), "{key}: {found:?}");
    }
}

#[test]
fn an_error_in_the_text_has_the_whole_pointer_and_no_value() {
    for (json, pointer) in [
        (json!({"Intend": ["4711"]}), "/prompt_text/Intend"),
        (
            json!({"Intend": "i", "sentiment_analysis_score": "4711x"}),
            "/prompt_text/sentiment_analysis_score",
        ),
        (
            json!({"Intend": "i", "sensitive_word": {"a/b": [{"4711": 1}]}}),
            "/prompt_text/sensitive_word/a~1b/0",
        ),
    ] {
        let error = saying(json.to_string()).intent_match().unwrap_err();
        assert_eq!(error.pointer(), pointer);
        assert!(!error.to_string().contains("4711"), "{error}");
    }
    let slot = sample("filled-slot").json();
    for (json, pointer) in [
        (without(slot.clone(), "/tag"), "/prompt_text/tag"),
        (json!([slot, {"entity": {"4711": 1}}]), "/prompt_text/1/entity"),
        (json!([slot, "4711"]), "/prompt_text/1"),
    ] {
        let error = saying(json.to_string()).filled_slots().unwrap_err();
        assert_eq!(error.pointer(), pointer);
        assert!(!error.to_string().contains("4711"), "{error}");
    }
}
