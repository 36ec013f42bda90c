//! Every file of `tests/fixtures/duix`: written back, with unknown fields, with parts missing, and with
//! parts of another kind.

use super::*;

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("duix", &samples());
}

#[test]
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        let mut written = sample.read(&sample.json());
        if !sample.about.0 {
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
fn unknown_fields_change_nothing_at_any_place() {
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
fn null_reads_as_absent_at_every_optional_place() {
    let mut places = 0;
    for sample in samples() {
        let (mut all_null, mut none) = (sample.json(), sample.json());
        let whole = sample.json();
        // The inner places come first, while they still exist.
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
            // Nothing else is lost with it.
            let mut written = written;
            if !sample.about.0 {
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
    // All places of the conversation, and a few of each other sample.
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

#[test]
fn a_value_of_another_kind_is_read_or_refused_at_its_place() {
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
                    Ok(first) => {
                        assert_eq!((sample.read)(&first.0), Ok(first), "{document}");
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

#[test]
fn odd_forms_of_json_are_read_at_every_place() {
    for sample in samples() {
        sample.odd_forms_are_read(&[]);
    }
}
