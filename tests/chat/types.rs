//! The types of chat completions: samples of what the platforms and the language models send, in the forms
//! that are right and in those that are read besides.

use std::collections::BTreeSet;

use callbot::chat::{
    ChatChunk, ChatCompletion, ChatRequest, Content, ContentPart, ErrorAnswer, FinishReason,
    Message, Role, ToolChoice, ToolChoiceMode, ToolType, VapiCallType,
};
use serde_json::{Value, json};

use crate::support::types::{self, Sample, places, read, texts, without, written};

fn samples() -> Vec<Sample<()>> {
    types::samples! { "chat-completions";
        "request-aicall": ChatRequest, ();
        "request-aicall-images": ChatRequest, ();
        "request-vapi": ChatRequest, ();
        "request-elevenlabs": ChatRequest, ();
        "request-agora": ChatRequest, ();
        "request-volcengine": ChatRequest, ();
        "request-trtc": ChatRequest, ();
        "request-tool-result": ChatRequest, ();
        "completion": ChatCompletion, ();
        "completion-tool-call": ChatCompletion, ();
        "completion-refusal": ChatCompletion, ();
        "chunk-text": ChatChunk, ();
        "chunk-tool-call": ChatChunk, ();
        "chunk-finish": ChatChunk, ();
        "chunk-usage": ChatChunk, ();
        "error": ErrorAnswer, ();
    }
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("chat-completions", &samples());
}

/// Returns the document without the nulls of fields that are not written as null.
fn plain(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|key, value| {
                    !value.is_null()
                        || ["finish_reason", "type", "param", "code", "logprobs"].contains(&&**key)
                });
                object.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[test]
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        assert_eq!(sample.read(&sample.json()), plain(sample.json()), "{}", sample.name);
    }
}

#[test]
fn odd_forms_of_json_are_read_as_the_plain_ones() {
    for sample in samples() {
        // JSON in a string is kept.
        let kept = match sample.name {
            "request-aicall" => "/extendData/userData",
            // A key without a field is kept, too.
            "request-agora" => "/messages/0/timestamp",
            "completion" => "/usage/prompt_tokens_details",
            "request-tool-result" => "/messages/2/tool_calls/0/function/arguments",
            "completion-tool-call" => "/choices/0/message/tool_calls/0/function/arguments",
            _ => "none",
        };
        sample.odd_forms_are_read(&[kept]);
    }
}

#[test]
fn what_a_request_can_do_without_does_not_refuse_it() {
    let required = ["/messages"];
    for sample in samples().into_iter().filter(|sample| sample.name.starts_with("request")) {
        let document = sample.json();
        let places = places(&document).into_iter().filter(|place| place.matches('/').count() == 1);
        for place in places {
            let (absent, null) = (without(document.clone(), &place), {
                let mut null = document.clone();
                types::set(&mut null, &place, Value::Null);
                null
            });
            for changed in [absent, null] {
                match (sample.read)(&changed) {
                    Ok(_) => assert!(!required.contains(&&*place), "{} {place}", sample.name),
                    Err(error) => {
                        assert_eq!((error.pointer(), error.message()), (&*place, "must be there"));
                        assert!(required.contains(&&*place), "{} {place}", sample.name);
                    }
                }
            }
            for odd in
                [json!([[4711]]), json!("4711"), json!(4711), json!({"4711": 4711}), json!(true)]
            {
                let mut changed = document.clone();
                types::set(&mut changed, &place, odd.clone());
                let is_read = (sample.read)(&changed).is_ok();
                assert!(is_read || place == "/messages", "{} {place} {odd}", sample.name);
            }
        }
    }
}

#[test]
fn what_callers_say_and_their_numbers_do_not_show() {
    let hidden = [
        "my balance",
        "my last",
        "Good",
        "Please",
        "euros",
        "says ten",
        "Hello",
        "greeting",
        "help with",
        "reason",
        "10.00",
        "9j/4AAQ",
        "What is",
        "4711",
        "13500000001",
        "4000000000",
        "4915100000001",
        "493000000001",
        "gold",
        "Ada",
        "north",
        "caller-7",
        "1001",
        "control.example",
        "fp_1",
        "1735787045000",
    ];
    let mut found = BTreeSet::<&str>::new();
    for sample in samples() {
        let text = sample.text.replace("reason\": {\"type", "").replace("finish_reason", "");
        found.extend(hidden.iter().filter(|hidden| text.contains(**hidden)));
        let (_, shown) = (sample.read)(&sample.json()).unwrap();
        let shown = shown.replace("reasoning_", "").replace("finish_reason", "");
        // A tool's parameters are not the caller's.
        let shown = shown.replace("\"reason\": Object", "");
        for text in hidden {
            assert!(!shown.contains(text), "{}: {text} in {shown}", sample.name);
        }
    }
    assert_eq!(found.len(), hidden.len(), "{found:?}");
}

#[test]
fn open_lists_keep_what_they_do_not_know() {
    texts! {
        Role: System = "system", Developer = "developer", User = "user", Assistant = "assistant",
            Tool = "tool", Function = "function", Plugin = "plugin";
        FinishReason: Stop = "stop", Length = "length", ToolCalls = "tool_calls",
            ContentFilter = "content_filter", FunctionCall = "function_call";
        ToolType: Function = "function";
        ToolChoiceMode: None = "none", Auto = "auto", Required = "required";
        VapiCallType: InboundPhoneCall = "inboundPhoneCall", OutboundPhoneCall = "outboundPhoneCall",
            WebCall = "webCall";
    }
}

#[test]
fn content_is_a_text_or_a_list_of_parts() {
    let text = |content: Value| read::<Message>(json!({"role": "user", "content": content}));
    assert_eq!(text(json!("Hi")).content, Some(Content::Text("Hi".into())));
    assert_eq!(text(json!("Hi")).text(), "Hi");
    assert_eq!(text(json!(null)).content, None);
    assert_eq!(text(json!(null)).text(), "");
    let parts = json!([
        {"type": "text", "text": "One "},
        {"type": "image_url", "image_url": {"url": "https://example.com/bill.jpg"}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "text", "text": "two"},
        {"type": "text"},
        "odd",
    ]);
    let message = text(parts);
    assert_eq!(message.text(), "One two");
    let Some(Content::Parts(list)) = &message.content else { panic!("{message:?}") };
    let known =
        |part: &ContentPart| matches!(part, ContentPart::TextPart(_) | ContentPart::ImagePart(_));
    assert_eq!(list.iter().map(known).collect::<Vec<_>>(), [true, true, false, true, false, false]);
    // What can't be read is never written.
    assert!(serde_json::to_string(&message).is_err());
    for odd in [json!(4711), json!(true), json!({"text": "4711"})] {
        let message = text(odd.clone());
        assert_eq!(message.text(), "");
        assert!(!format!("{message:?}").contains("4711"));
        assert_eq!(written(&message)["content"], odd);
    }
}

#[test]
fn a_tool_choice_is_a_rule_or_a_function() {
    let choice = |choice: Value| {
        let request = json!({"model": "m", "messages": [], "tool_choice": choice});
        read::<ChatRequest>(request).tool_choice
    };
    assert_eq!(choice(json!("required")), Some(ToolChoice::Mode(ToolChoiceMode::Required)));
    let Some(ToolChoice::Function(named)) =
        choice(json!({"type": "function", "function": {"name": "end_call"}}))
    else {
        panic!("a function")
    };
    assert_eq!((named.function.name.as_str(), named.type_), ("end_call", Some(ToolType::Function)));
    assert_eq!(choice(json!(null)), None);
}

#[test]
fn the_ids_of_the_platforms_are_read_from_numbers_and_data_from_json_in_strings() {
    let request = read::<ChatRequest>(json!({
        "model": 4,
        "messages": {"role": "user", "content": "Hi", "turn_id": 2},
        "extendData": "{\"instanceId\":7,\"sentenceId\":3,\"userData\":{\"vip\":\"gold\"}}",
        "round_id": 5,
        "turn_id": 2,
        "Custom": "{\"call_id\":\"f2c8a1d0\"}",
        "MetaInfo": "{\"branch\":\"north\"}",
        "stream": "true",
    }));
    let data = request.extend_data.unwrap();
    let ids =
        [&data.instance_id, &data.sentence_id, &request.round_id, &request.turn_id, &request.model];
    let ids: Vec<_> = ids.iter().map(|id| id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["7", "3", "5", "2", "4"]);
    assert_eq!(data.user_data.as_deref(), Some("{\"vip\":\"gold\"}"));
    assert_eq!(request.custom["call_id"], "f2c8a1d0");
    assert_eq!(request.meta_info["branch"], "north");
    assert_eq!(request.stream, Some(true));
    assert_eq!(request.messages[0].turn_id.as_deref(), Some("2"));
}

#[test]
fn the_nulls_of_a_chunk_and_of_an_error_are_written() {
    let chunk = json!({"id": "", "object": "chat.completion.chunk", "created": 0, "model": "",
        "choices": [{"index": 0, "delta": {}, "finish_reason": null}]});
    assert_eq!(written(&read::<ChatChunk>(chunk.clone())), chunk);
    let error = json!({"error": {"message": "no", "type": null, "param": null, "code": null}});
    assert_eq!(written(&read::<ErrorAnswer>(json!({"error": {"message": "no"}}))), error);
}
