//! The types of the dialogue: what other versions of the platform may send, and random answers.

use callbot::duix::Flag;
use callbot::duix::dialogue::{
    Delta, DialogueAnswer, DialogueData, DialogueRequest, Operations, SpokenAnswer, TipPhrases,
};
use callbot::wire::{decode, decode_value};
use fastrand::Rng;
use serde_json::{Value, json};

use super::{DELTA, FAILURE, LAST, OBJECT, REQUEST, TEXT, enveloped};
use crate::support::types::{Sample, each_object, every_file_is_listed, samples};

/// What is known of a sample: the text as which it is written back, and its optional fields, by the
/// pointer of an object and by their names.
struct About {
    written: &'static str,
    optional: &'static [(&'static str, &'static [&'static str])],
}

const SCREEN: &[(&str, &[&str])] = &[
    ("", &["msg", "data"]),
    ("/data", &["question", "intent", "errorMsg", "extra"]),
    ("/data/answer", &["operations"]),
    ("/data/answer/operations", &["tipPhrases", "canShowText"]),
];
const PLAIN: &[(&str, &[&str])] =
    &[("", &["msg", "data"]), ("/data", &["question", "intent", "errorMsg", "extra"])];
const AS_OBJECT: &str = r#"{"code":"200","success":true,"data":{"conversationId":"c-1",
    "answer":{"answer":"This is the demo bot."}}}"#;

fn samples() -> Vec<Sample<About>> {
    samples! {
        "duix-dialogue";
        "request": DialogueRequest, About { written: REQUEST, optional: &[("", &["dh-context"])] };
        "answer-object": DialogueAnswer, About { written: OBJECT, optional: SCREEN };
        "answer-json-text": DialogueAnswer, About { written: AS_OBJECT, optional: PLAIN };
        "answer-text": DialogueAnswer, About { written: AS_OBJECT, optional: PLAIN };
        "failure": DialogueAnswer, About { written: FAILURE, optional: &[("", &["msg", "data"])] };
        "delta": Delta, About { written: DELTA, optional: &[] };
        "delta-last": Delta, About { written: LAST, optional: &[] };
    }
}

fn object<'v>(document: &'v mut Value, pointer: &str) -> &'v mut serde_json::Map<String, Value> {
    document.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap()
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    every_file_is_listed("duix-dialogue", &samples());
}

#[test]
fn every_sample_is_written_back_with_its_answer_as_an_object() {
    for sample in samples() {
        assert_eq!(sample.read(&sample.json()), sample.about.written.parse::<Value>().unwrap());
    }
}

#[test]
fn unknown_fields_change_nothing_and_those_of_a_screen_are_kept() {
    let unknown = [json!("x"), json!(null), json!(7), json!([1, {"a": []}]), json!({"answer": 1})];
    for sample in samples() {
        for unknown in &unknown {
            let (mut document, mut kept) = (sample.json(), Vec::new());
            each_object(&mut document, "", &mut |at, object| {
                // These texts may hold any JSON, and are kept.
                if at == "/dh-context" || at == "/data/extra" {
                    return;
                }
                object["unknownField"] = unknown.clone();
                if at.contains("/operations") {
                    kept.push(at.to_owned());
                }
            });
            assert_ne!(document, sample.json());
            let mut expected = sample.read(&sample.json());
            for at in &kept {
                object(&mut expected, at).insert("unknownField".into(), unknown.clone());
            }
            assert_eq!(kept.len(), if sample.text == OBJECT { 2 } else { 0 });
            assert_eq!(sample.read(&document), expected, "{document}");
        }
    }
}

#[test]
fn null_reads_as_absent_for_every_optional_field() {
    for sample in samples() {
        let mut all = sample.json();
        for (pointer, names) in sample.about.optional.iter().rev() {
            for name in *names {
                let mut null = sample.json();
                object(&mut null, pointer).insert((*name).into(), Value::Null);
                let mut absent = null.clone();
                object(&mut absent, pointer).remove(*name);
                assert_eq!(sample.read(&null), sample.read(&absent), "{pointer}/{name}");
                let written = sample.read(&absent).pointer(&format!("{pointer}/{name}")).cloned();
                assert_eq!(written, None, "{pointer}/{name}");
                object(&mut all, pointer).insert((*name).into(), Value::Null);
                sample.read(&all);
            }
        }
    }
}

#[test]
fn a_missing_or_null_required_field_is_named() {
    for (text, pointers) in [
        (REQUEST, &["/dh-question", "/dh-conversation-id"][..]),
        (
            OBJECT,
            &[
                "/code",
                "/success",
                "/data/conversationId",
                "/data/answer",
                "/data/answer/answer",
                "/data/answer/operations/tipPhrases/phrases",
            ],
        ),
        (TEXT, &["/code", "/success", "/data/conversationId", "/data/answer"]),
        (FAILURE, &["/code", "/success"]),
        (DELTA, &["/answer", "/isEnd"]),
    ] {
        let sample = samples().into_iter().find(|sample| sample.text == text).unwrap();
        for pointer in pointers {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let mut null = sample.json();
            *null.pointer_mut(pointer).unwrap() = Value::Null;
            let mut absent = sample.json();
            object(&mut absent, parent).remove(key).unwrap();
            for document in [null, absent] {
                let error = (sample.read)(&document).unwrap_err();
                assert_eq!((error.pointer(), error.message()), (*pointer, "must be there"));
            }
        }
    }
}

#[test]
fn ids_are_read_from_numbers_and_extra_information_from_json() {
    let id = 1_872_654_850_191_564_817_u64;
    for sample in samples() {
        let mut document = sample.json();
        each_object(&mut document, "", &mut |_, object| {
            for key in ["sid", "dh-code", "dh-conversation-id", "conversationId"] {
                if let Some(value) = object.get_mut(key) {
                    *value = id.into();
                }
            }
            for key in ["extra", "dh-context"] {
                if let Some(value) = object.get_mut(key) {
                    *value = json!({"a": [1, null]});
                }
            }
        });
        let written = sample.read(&document).to_string();
        assert!(!written.contains(&format!(":{id}")), "{written}");
        let ids = |text: String| text.matches(&id.to_string()).count();
        assert_eq!(ids(written.clone()), ids(document.to_string()));
        let kept = r#""{\"a\":[1,null]}""#;
        assert_eq!(written.contains(kept), document.to_string().contains(r#"{"a":[1,null]}"#));
    }
}

/// Random texts.
fn random_text(rng: &mut Rng) -> String {
    const PIECES: [&str; 18] = [
        "",
        " ",
        "a",
        "\"",
        "\\",
        "\n",
        "\r\n",
        "\u{0}",
        "余额",
        "🙂",
        "{",
        "}",
        "{}",
        "[",
        ":",
        "\"answer\"",
        ",",
        "\u{FEFF}",
    ];
    (0..rng.usize(..8)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect()
}

#[test]
fn random_answers_are_read_alike_from_an_object_and_from_a_string() {
    let mut rng = Rng::with_seed(0x4455_4958);
    for _ in 0..5_000 {
        let mut spoken = SpokenAnswer::new(random_text(&mut rng));
        if rng.bool() {
            let mut operations = Operations::new();
            if rng.bool() {
                operations.can_show_text = Some(Flag::from_code(rng.i64(-1..3)));
            }
            if rng.bool() {
                let phrases = (0..rng.usize(..3)).map(|_| random_text(&mut rng));
                operations.tip_phrases = Some(TipPhrases::new(phrases.collect::<Vec<_>>()));
            }
            if rng.bool() {
                let key = format!("key{}", random_text(&mut rng));
                operations = operations.with_extra(key, random_text(&mut rng));
            }
            spoken = spoken.with_operations(operations);
        }
        let answer = DialogueAnswer::new("200", true).with_data(DialogueData::new("c-1", spoken));
        let object = serde_json::to_value(&answer).unwrap();
        let mut text = object.clone();
        text["data"]["answer"] = object["data"]["answer"].to_string().into();
        for document in [object, text] {
            assert_eq!(decode_value::<DialogueAnswer>(&document).as_ref(), Ok(&answer));
            let bytes = document.to_string();
            assert_eq!(decode::<DialogueAnswer>(bytes.as_bytes()).as_ref(), Ok(&answer));
        }
    }
}

#[test]
fn random_texts_are_spoken_text_unless_they_are_a_json_object() {
    let mut rng = Rng::with_seed(0x4455_4959);
    let (mut words, mut objects) = (0, 0);
    for _ in 0..20_000 {
        let text = random_text(&mut rng);
        let read = decode_value::<DialogueAnswer>(&enveloped(text.as_str()));
        if matches!(decode(text.as_bytes()), Ok(Value::Object(_))) {
            assert_eq!(read.unwrap_err().pointer(), "/data/answer/answer", "{text:?}");
            objects += 1;
        } else {
            assert_eq!(read.unwrap().data.unwrap().answer, SpokenAnswer::new(text));
            words += 1;
        }
    }
    assert!(words > 10_000 && objects > 100, "{words} {objects}");
}

#[test]
fn odd_forms_of_json_are_read_at_every_place() {
    for sample in samples() {
        sample.odd_forms_are_read(&[]);
    }
}
