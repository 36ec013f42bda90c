//! What other versions of the platform may send: unknown and missing fields, unknown numbers and
//! codes, ids as numbers and numbers as texts.

use callbot::duix::{Conversation, ConversationAnswer, Envelope, Resources, ResponseCode};
use callbot::wire::{Validate, decode};
use serde_json::{Value, json};

use super::{plain, put, sample, samples, strip};

#[test]
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        let mut written = sample.read(&sample.json());
        if !sample.raw {
            strip(&mut written);
        }
        assert_eq!(written, sample.plain(sample.json()), "{}", sample.name);
    }
}

#[test]
fn every_answer_is_an_envelope() {
    for sample in samples() {
        let document = sample.json();
        if document.get("success").is_none() {
            continue;
        }
        let envelope: Envelope = decode(sample.text.as_bytes()).unwrap();
        let expected = sample.plain(document);
        assert_eq!(envelope.success, expected["success"], "{}", sample.name);
        let code = envelope.code.as_ref().map(ResponseCode::as_str);
        assert_eq!(code, expected["code"].as_str(), "{}", sample.name);
        assert_eq!(envelope.message.as_deref(), expected["message"].as_str(), "{}", sample.name);
    }
}

#[test]
fn the_text_is_read_from_both_names_and_written_by_one() {
    let cases = [
        (r#"{"success":true,"message":"a"}"#, Some("a")),
        (r#"{"success":true,"msg":"a"}"#, Some("a")),
        (r#"{"success":true,"message":"a","msg":"b"}"#, Some("a")),
        (r#"{"msg":"b","message":"a","success":true}"#, Some("a")),
        (r#"{"success":true,"message":"","msg":"b"}"#, Some("b")),
        (r#"{"msg":"b","message":"","success":true}"#, Some("b")),
        (r#"{"success":true,"message":null,"msg":"b"}"#, Some("b")),
        (r#"{"success":true,"message":"a","msg":null}"#, Some("a")),
        (r#"{"success":true,"message":"","msg":null}"#, Some("")),
        (r#"{"success":true,"message":null,"msg":null}"#, None),
        (r#"{"success":true}"#, None),
    ];
    for (text, expected) in cases {
        let document = text.parse().unwrap();
        for sample in samples().iter().filter(|sample| sample.json().get("success").is_some()) {
            let written = sample.read(&document);
            assert_eq!(written["message"].as_str(), expected, "{}: {text}", sample.name);
            assert_eq!(written.get("msg"), None, "{}: {text}", sample.name);
            assert_eq!(written.get("message").is_some(), expected.is_some(), "{text}");
        }
    }
}

#[test]
fn unknown_fields_in_every_place_change_nothing() {
    let unknown = [json!("x"), json!(null), json!(7), json!([1, {"a": []}]), json!({"id": {}})];
    for sample in samples() {
        let mut objects = 0;
        for unknown in &unknown {
            // Before the known fields, and after them.
            for first in [true, false] {
                let mut document = sample.json();
                sample.each_object(&mut document, &mut |_, object| {
                    objects += 1;
                    let object = object.as_object_mut().unwrap();
                    let known = std::mem::take(object);
                    if first {
                        object.insert("unknownField".into(), unknown.clone());
                    }
                    object.extend(known);
                    object.insert("Success".into(), unknown.clone());
                    object.insert("conversation_id".into(), unknown.clone());
                });
                assert_eq!(sample.read(&document), sample.read(&sample.json()), "{}", sample.name);
            }
        }
        let expected = if sample.name == "conversation" { 2 + 3 + 1 + 8 } else { 1 };
        assert!(objects >= unknown.len() * 2 * expected, "{}", sample.name);
    }
}

/// The required fields.
const REQUIRED: [&str; 2] = ["/success", "/ttsName"];

#[test]
fn null_reads_as_absent_in_every_optional_place() {
    let mut places = 0;
    for sample in samples() {
        let (mut all_null, mut none) = (sample.json(), sample.json());
        let whole = sample.json();
        // The inner places first, while they still exist.
        for (parent, key) in sample.keys() {
            let pointer = format!("{parent}/{key}");
            if REQUIRED.contains(&pointer.as_str()) {
                continue;
            }
            places += 1;
            let place = format!("{} {pointer}", sample.name);
            let mut null = whole.clone();
            put(&mut null, &pointer, Value::Null);
            let mut absent = whole.clone();
            let remove = |document: &mut Value| {
                document.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(&key)
            };
            remove(&mut absent);
            let written = sample.read(&absent);
            assert_eq!(sample.read(&null), written, "{place}");
            // Nothing else is removed with it.
            let mut written = written;
            if !sample.raw {
                strip(&mut written);
            }
            assert_eq!(written, sample.plain(absent), "{place}");
            put(&mut all_null, &pointer, Value::Null);
            remove(&mut none);
            assert_eq!(sample.read(&all_null), sample.read(&none), "{place}");
        }
        let left = none.as_object().unwrap().len();
        assert!(left <= 2, "{}: {none}", sample.name);
    }
    // All objects of the conversation, and a few of each of the others.
    assert!(places > 150, "{places}");
}

#[test]
fn every_object_may_be_empty() {
    for sample in samples() {
        for (parent, key) in sample.keys() {
            let pointer = format!("{parent}/{key}");
            let mut document = sample.json();
            let place = document.pointer_mut(&pointer).unwrap();
            *place = match place {
                Value::Object(_) => json!({}),
                Value::Array(_) => json!([{}, {}]),
                _ => continue,
            };
            let expected = place.clone();
            let written = sample.read(&document);
            assert_eq!(written.pointer(&pointer), Some(&expected), "{} {pointer}", sample.name);
        }
    }
}

#[test]
fn a_missing_required_field_is_named() {
    for sample in samples() {
        let document = sample.json();
        let key = if document.get("success").is_some() { "success" } else { "ttsName" };
        for missing in [true, false] {
            let mut document = document.clone();
            match missing {
                true => drop(document.as_object_mut().unwrap().remove(key)),
                false => document[key] = Value::Null,
            }
            let error = (sample.read)(&document).unwrap_err();
            assert_eq!(error.pointer(), format!("/{key}"), "{}: {error}", sample.name);
            assert_eq!(error.message(), "must be there", "{}: {error}", sample.name);
        }
    }
}

/// The places of numeric enums.
fn numbers() -> Vec<String> {
    let flags = ["dataModelIsUsed", "knowledgeIsUsed", "fileIsUsed", "thirdIsUsed", "isFreedom"];
    let mut pointers: Vec<_> = flags.iter().map(|flag| format!("/data/{flag}")).collect();
    pointers.push("/data/detailDto/modelIdType".into());
    pointers.extend((0..8).map(|index| format!("/data/scriptDtoList/{index}/scriptType")));
    pointers
}

#[test]
fn unknown_numbers_of_every_enum_are_written_back_unchanged() {
    let sample = sample("conversation");
    for pointer in numbers() {
        for value in [0, 1, 2, 5, 7, 8, 99, -1, i64::from(i32::MAX) + 1, i64::MIN, i64::MAX] {
            // As a string in the document's table, as a number in its example.
            for wire in [json!(value), json!(value.to_string()), json!(format!(" {value} "))] {
                let mut document = sample.json();
                put(&mut document, &pointer, wire);
                let written = sample.read(&document);
                put(&mut document, &pointer, value.into());
                assert_eq!(plain(written), sample.plain(document), "{pointer} {value}");
            }
        }
    }
}

#[test]
fn unknown_codes_are_written_back_unchanged() {
    let mut answers = 0;
    for sample in samples() {
        if sample.json().get("success").is_none() {
            continue;
        }
        answers += 1;
        for value in ["Future", "", "ok", "50003", " 200", "失败", "\"\\\u{0}"] {
            let mut document = sample.json();
            document["code"] = value.into();
            let written = sample.read(&document);
            assert_eq!(written["code"], value, "{}", sample.name);
        }
        for (value, text) in [
            (json!(1006), "1006"),
            (json!(-1), "-1"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(1.5), "1.5"),
        ] {
            let mut document = sample.json();
            document["code"] = value;
            assert_eq!(sample.read(&document)["code"], text, "{}", sample.name);
        }
    }
    assert_eq!(answers, 16);
}

/// The places of ids, and of codes that look like ids.
const IDS: [(&str, &str); 17] = [
    ("concurrency", "/data/cropId"),
    ("conversation", "/data/id"),
    ("conversation", "/data/corpId"),
    ("conversation", "/data/userId"),
    ("conversation", "/data/detailDto/conversationId"),
    ("conversation", "/data/detailDto/modelId"),
    ("conversation", "/data/detailDto/ttsId"),
    ("conversation", "/data/detailDto/backgroundDto/backgroundCode"),
    ("conversation", "/data/modelDtoList/0/conversationId"),
    ("conversation", "/data/modelDtoList/0/modelId"),
    ("conversation", "/data/scriptDtoList/1/conversationId"),
    ("conversation", "/data/scriptDtoList/1/emotion"),
    ("create-avatar", "/data/taskId"),
    ("create-avatar-request", "/conversationId"),
    ("avatar", "/data/modelSceneId"),
    ("avatar", "/data/conversationId"),
    ("avatar", "/code"),
];

#[test]
fn ids_are_read_from_numbers_without_losing_a_digit() {
    for (name, pointer) in IDS {
        let sample = sample(name);
        for id in [
            "0",
            "7",
            "-7",
            // Too large for a double to hold exactly.
            "9007199254740993",
            "1591003727513522176",
            "1591003727513522177",
            "9223372036854775807",
            "9999999999999999999",
            "18446744073709551615",
        ] {
            let mut document = sample.json();
            let number = Value::Number(id.parse::<serde_json::Number>().unwrap());
            assert_eq!(number.to_string(), id);
            put(&mut document, pointer, number);
            let written = sample.read(&document);
            put(&mut document, pointer, id.into());
            assert_eq!(written, sample.read(&document), "{name} {pointer} {id}");
            assert_eq!(written.pointer(pointer), Some(&json!(id)), "{name} {pointer}");
        }
        // A text is kept unchanged.
        for id in ["", "007", "0513e935-041f-48e0-9330-652ef4194511", "编号", "1e5", " 7 "] {
            let mut document = sample.json();
            put(&mut document, pointer, id.into());
            assert_eq!(sample.read(&document).pointer(pointer), Some(&json!(id)), "{name}");
        }
    }
}

#[test]
fn nested_ids_are_whole_numbers_of_64_bits() {
    let sample = sample("conversation");
    for pointer in [
        "/data/conversationInfoDto/id",
        "/data/detailDto/id",
        "/data/detailDto/backgroundDto/id",
        "/data/modelDtoList/0/id",
        "/data/scriptDtoList/7/id",
    ] {
        for id in [0, -1, 9007199254740993, 1591003727513522177, i64::MAX, i64::MIN] {
            for wire in [json!(id), json!(id.to_string())] {
                let mut document = sample.json();
                put(&mut document, pointer, wire);
                assert_eq!(sample.read(&document).pointer(pointer), Some(&json!(id)), "{pointer}");
            }
        }
    }
}

#[test]
fn every_number_is_read_from_a_text_too() {
    let mut numbers = 0;
    for sample in samples().iter().filter(|sample| !sample.raw) {
        let mut all = sample.json();
        for (parent, key) in sample.keys() {
            let pointer = format!("{parent}/{key}");
            let mut document = sample.json();
            let Value::Number(number) = document.pointer(&pointer).unwrap().clone() else {
                continue;
            };
            numbers += 1;
            for text in [number.to_string(), format!(" {number} ")] {
                put(&mut document, &pointer, text.clone().into());
                let written = sample.read(&document);
                assert_eq!(written, sample.read(&sample.json()), "{} {pointer}", sample.name);
                put(&mut all, &pointer, text.into());
            }
        }
        assert_eq!(sample.read(&all), sample.read(&sample.json()), "{}", sample.name);
    }
    // Two of the concurrency in two samples, one of the avatar, and those of the conversation.
    assert_eq!(numbers, 4 + 1 + 6 + 5 + 15 + 2 + 3 + 8 * 2);
}

#[test]
fn the_numbers_of_a_voice_need_not_be_whole() {
    let sample = sample("conversation");
    for key in ["ttsVolume", "ttsSpeedRate", "ttsPitch"] {
        for (wire, expected) in [
            (json!(0.75), 0.75),
            (json!("0.75"), 0.75),
            (json!(-500), -500.0),
            (json!("1e2"), 100.0),
            (json!(0.1), 0.1),
        ] {
            let mut document = sample.json();
            document["data"]["detailDto"][key] = wire;
            assert_eq!(sample.read(&document)["data"]["detailDto"][key], expected, "{key}");
        }
    }
    // Values that JSON cannot hold are not written.
    let resources = Resources::new().with_tts_pitch(f64::NAN).with_tts_volume(f64::INFINITY);
    let answer = ConversationAnswer::new(true, ResponseCode::Ok)
        .with_data(Conversation::new().with_resources(resources));
    let violations = answer.validate().unwrap_err();
    let pointers: Vec<_> = violations.iter().map(|violation| violation.pointer()).collect();
    assert_eq!(pointers, ["/data/detailDto/ttsVolume", "/data/detailDto/ttsPitch"]);
}

#[test]
fn a_value_of_any_other_type_is_read_or_refused_with_its_place() {
    let garbage = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("SECRET-4711"),
        json!([]),
        json!(["SECRET-4711"]),
        json!({}),
        json!({"a": "SECRET-4711"}),
    ];
    let (mut read, mut refused) = (0, 0);
    for sample in samples() {
        for (parent, key) in sample.keys() {
            let pointer = format!("{parent}/{key}");
            for value in &garbage {
                let mut document = sample.json();
                put(&mut document, &pointer, value.clone());
                match (sample.read)(&document) {
                    Ok(written) => {
                        assert_eq!((sample.read)(&written), Ok(written), "{document}");
                        read += 1;
                    }
                    Err(error) => {
                        // The place may be an entry of a list.
                        assert!(error.pointer().starts_with(&pointer), "{error}: {pointer}");
                        assert!(!error.to_string().contains("4711"), "{error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} {refused}");
}
