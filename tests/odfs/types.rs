//! The types of ODFS by themselves: every documented sample, what else must be readable, the texts
//! with types of their own, and the views of several fields at once.

#![cfg(feature = "odfs")]

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use callbot::odfs::{
    CallScriptStep, CallTime, ChangeType, ChildIntent, DateTime, DtmfKeys, FilledSlot,
    FilledSlotFields, FlowResultType, Input, InputMode, IntentMatch, InteractOutParams, Interacted,
    InteractedInParams, InteractedInParamsFields, Language, ModelType, Prompt, PromptType,
    QueryOutParams, QueryType, RecognitionError, RecognitionId, Recognitions, Request, Response,
    Route, SPEC, TokenRequest, TokenResponse, Tone, TransferOutParams, TransferOutParamsFields,
    TransferResult, TransferType, TransferredInParams, TransferredInParamsFields,
};
use callbot::wire::{DecodeError, Validate, decode, decode_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::samples::fixtures;

/// Reads a document as one of the types: its JSON and its `Debug`.
type Reader = fn(&Value) -> Result<(Value, String), DecodeError>;

fn read_as<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    document: &Value,
) -> Result<(Value, String), DecodeError> {
    let value: T = decode_value(document)?;
    // Text and value are read by different code.
    let text: Result<T, _> = decode(document.to_string().as_bytes());
    assert!(text.as_ref() == Ok(&value), "the text reads otherwise: {document}");
    let shown = format!("{value:?} {value:#?}");
    Ok((serde_json::to_value(value).unwrap(), shown))
}

/// A wire sample, and the pointers that must be there to read it.
struct Sample {
    name: &'static str,
    text: &'static str,
    read: Reader,
    needed: &'static [&'static str],
}

macro_rules! samples {
    ($($name:literal: $type:ty, $needed:expr;)*) => {
        vec![$(Sample {
            name: $name,
            text: include_str!(concat!("../fixtures/odfs/", $name, ".json")),
            read: read_as::<$type>,
            needed: $needed,
        }),*]
    };
}

impl Sample {
    fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    fn read(&self, document: &Value) -> Value {
        let read = (self.read)(document);
        read.unwrap_or_else(|error| panic!("{}: {error}: {document}", self.name)).0
    }

    fn is_token(&self) -> bool {
        self.name.starts_with("token")
    }
}

const START: &[&str] = &[
    "/userid",
    "/inaction",
    "/inparams",
    "/inparams/call_id",
    "/inparams/call_sor_id",
    "/inparams/call_dst_id",
];
const INTERACTED: &[&str] = &[
    "/userid",
    "/inaction",
    "/inparams",
    "/inparams/call_id",
    "/inparams/call_dst_id",
    "/inparams/flow_result_type",
    "/inparams/input",
];
const TRANSFERRED: &[&str] = &[
    "/userid",
    "/inaction",
    "/inparams",
    "/inparams/call_id",
    "/inparams/call_dst_id",
    "/inparams/begin_trans",
    "/inparams/end_trans",
    "/inparams/trans_result",
];
const CAPTURE: &[&str] = &["/userid", "/inaction", "/inparams", "/inparams/call_dst_id"];
const INTERACT: &[&str] =
    &["/outaction", "/outparams", "/outparams/call_id", "/outparams/prompt_type"];
const RELEASE: &[&str] = &[
    "/outaction",
    "/outparams/call_id",
    "/outparams/call_sor_id",
    "/outparams/call_dst_id",
    "/outparams/start_time",
    "/outparams/end_time",
];
const TRANSFER: &[&str] = &[
    "/outaction",
    "/outparams",
    "/outparams/call_id",
    "/outparams/call_sor_id",
    "/outparams/trans_type",
];

/// The samples of the platform's document are named so; `full-` ones have every documented field.
fn samples() -> Vec<Sample> {
    samples! {
        "start": Request, START;
        "interacted": Request, INTERACTED;
        "hangup": Request, INTERACTED;
        "transferred": Request, TRANSFERRED;
        "document-interacted": Request, INTERACTED;
        "full-start": Request, START;
        "full-interacted": Request, INTERACTED;
        "full-transferred": Request, TRANSFERRED;
        "full-capture": Request, CAPTURE;
        "full-recognize": Request, CAPTURE;
        "document-interact": Response, INTERACT;
        "document-query": Response, INTERACT;
        "document-transfer": Response, TRANSFER;
        "document-release": Response, RELEASE;
        "transfer": Response, TRANSFER;
        "hangup-release": Response, RELEASE;
        "recognized": Response,
            &["/outaction", "/outparams", "/outparams/call_id", "/outparams/recognize_type"];
        "captured": Response, &["/outaction", "/outparams"];
        "family-refusal": Response, &["/outaction"];
        "full-interact": Response, INTERACT;
        "full-query": Response, INTERACT;
        "full-transfer": Response, TRANSFER;
        "full-release": Response, RELEASE;
        "token-request": TokenRequest, &["/appKey", "/appSecret"];
        "token-response": TokenResponse, &["/errorCode"];
        "intent-match": IntentMatch, &[];
        "filled-slot": FilledSlot, &["/beginIndex", "/endIndex", "/type", "/entity", "/tag"];
    }
}

fn sample(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).unwrap()
}

/// Where a value may be anything and is kept as it is.
const FREE: [&str; 5] =
    ["/outparams/xxx", "/extparams/anything", "/call_script", "/recomand_KP", "/sensitive_word"];

fn is_free(pointer: &str) -> bool {
    FREE.iter().any(|free| pointer.starts_with(free))
}

/// Pointer and value of everything in a document that a type describes, and of the document.
fn places(document: &Value) -> Vec<(String, Value)> {
    fn walk(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
        if is_free(at) {
            return;
        }
        found.push((at.into(), value.clone()));
        for (key, value) in value.as_object().into_iter().flatten() {
            walk(value, &format!("{at}/{key}"), found);
        }
    }
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().insert(key.into(), value);
}

fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    document
}

/// What a document is written as: numbers where numbers are documented.
fn documented(mut json: Value) -> Value {
    for key in ["ret", "outaction"] {
        if let Some(Value::String(text)) = json.get(key) {
            json[key] = text.parse().unwrap();
        }
    }
    json
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    let files: BTreeSet<_> = fixtures("odfs").into_iter().collect();
    let names = samples().into_iter().map(|sample| format!("{}.json", sample.name)).collect();
    assert_eq!(files, names);
}

#[test]
fn every_field_of_the_spec_is_in_a_sample() {
    let schemas = SPEC.split_once("\n  schemas:\n").unwrap().1;
    let fields: BTreeSet<_> = schemas
        .lines()
        .filter_map(|line| line.strip_prefix("        ")?.strip_suffix(':'))
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .filter(|key| *key != "mapping")
        .collect();
    assert!(fields.len() > 100, "{fields:?}");
    let texts: String = samples().iter().map(|sample| sample.text).collect();
    let unseen: Vec<_> =
        fields.into_iter().filter(|field| !texts.contains(&format!("\"{field}\":"))).collect();
    assert_eq!(unseen, [""; 0]);
}

#[test]
fn every_sample_is_written_back_as_it_came() {
    for sample in samples() {
        assert_eq!(sample.read(&sample.json()), documented(sample.json()), "{}", sample.name);
    }
}

#[test]
fn every_sample_of_the_document_is_what_its_page_says() {
    let Ok(Response::Interact(interact)) = decode(sample("document-interact").text.as_bytes())
    else {
        panic!()
    };
    let params = &interact.outparams;
    assert_eq!(params.prompt(), Prompt::FileByName("welcome"));
    assert_eq!(params.prompt_text.as_deref(), Some("Query the call fee."));
    let template = params.model_type.as_ref().unwrap();
    assert_eq!((template.max_keys(), template.hash_confirms()), (Some(12), Some(true)));
    let Ok(Request::Interacted(request)) = decode(sample("document-interacted").text.as_bytes())
    else {
        panic!()
    };
    let params = request.inparams;
    assert_eq!(params.meaning(), Input::Text("Help me query the call fee."));
    let time = params.result_time.unwrap();
    assert_eq!(time.time().unwrap().to_string(), "2018-09-04T07:16:03");
    let Ok(Response::Transfer(transfer)) = decode(sample("document-transfer").text.as_bytes())
    else {
        panic!()
    };
    assert_eq!(transfer.outparams.route(), Route::SkillQueueByAccessCode("123456789"));
}

#[test]
fn unknown_fields_in_every_object_are_written_back() {
    let unknown = [json!("x"), json!(null), json!(7), json!([1, {"a": []}]), json!({"type": "x"})];
    for sample in samples() {
        for unknown in &unknown {
            let mut document = sample.json();
            let objects = places(&document).into_iter().filter(|(_, value)| value.is_object());
            for (place, _) in objects {
                set(&mut document, &format!("{place}/unknownField"), unknown.clone());
            }
            let expected =
                documented(if sample.is_token() { sample.json() } else { document.clone() });
            assert_eq!(sample.read(&document), expected, "{}", sample.name);
        }
    }
}

#[test]
fn null_reads_as_absent_at_every_place_or_names_the_place() {
    for sample in samples() {
        let mut needed = BTreeSet::new();
        for (place, _) in places(&sample.json()).into_iter().skip(1) {
            let mut null = sample.json();
            set(&mut null, &place, Value::Null);
            let absent = without(sample.json(), &place);
            match (sample.read)(&null) {
                Ok((read, _)) => assert_eq!(read, sample.read(&absent), "{} {place}", sample.name),
                Err(error) => {
                    assert_eq!(error.message(), "must be there", "{} {error}", sample.name);
                    assert_eq!((sample.read)(&absent).unwrap_err(), error, "{}", sample.name);
                    needed.insert(error.pointer().to_owned());
                }
            }
        }
        let expected: BTreeSet<_> = sample.needed.iter().map(ToString::to_string).collect();
        assert_eq!(needed, expected, "{}", sample.name);
    }
}

#[test]
fn texts_are_read_from_numbers_and_numbers_from_texts_at_every_place() {
    let (mut texts, mut numbers) = (0, 0);
    for sample in samples() {
        for (place, value) in places(&sample.json()).into_iter().skip(1) {
            let mut document = sample.json();
            match value {
                Value::String(_) if ["/ret", "/outaction"].contains(&place.as_str()) => {}
                Value::String(_) => {
                    set(&mut document, &place, json!(7));
                    let read = sample.read(&document);
                    assert_eq!(read.pointer(&place).unwrap(), "7", "{} {place}", sample.name);
                    texts += 1;
                }
                Value::Number(number) => {
                    set(&mut document, &place, json!(number.to_string()));
                    assert_eq!(sample.read(&document), documented(sample.json()), "{place}");
                    numbers += 1;
                }
                _ => {}
            }
        }
    }
    assert!(texts > 200 && numbers > 25, "{texts} {numbers}");
}

#[test]
fn values_that_nobody_knows_are_written_back_at_every_place() {
    for sample in samples() {
        for (place, value) in places(&sample.json()).into_iter().skip(1) {
            let unknown = match value {
                Value::String(_) if ["/ret", "/outaction"].contains(&place.as_str()) => continue,
                Value::String(_) => vec![json!("Future"), json!(""), json!(" 9 "), json!("未来")],
                Value::Number(_) => vec![json!(99), json!(-99)],
                _ => continue,
            };
            for unknown in unknown {
                let mut document = sample.json();
                set(&mut document, &place, unknown);
                assert_eq!(sample.read(&document), documented(document), "{}", sample.name);
            }
        }
    }
}

#[test]
fn the_other_spelling_of_the_further_parameters_is_read() {
    for name in ["start", "interacted", "full-transferred", "full-capture", "full-recognize"] {
        let sample = sample(name);
        let mut document = sample.json();
        let moved = document.as_object_mut().unwrap().remove("extparams").unwrap();
        document["ExtParams"] = moved;
        assert_eq!(sample.read(&document), sample.json(), "{name}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_at_its_place_without_the_value() {
    for sample in samples() {
        for (place, value) in places(&sample.json()) {
            let wrong = if value.is_object() { json!("4711") } else { json!([4711]) };
            let mut document = sample.json();
            *document.pointer_mut(&place).unwrap() = wrong;
            match (sample.read)(&document) {
                // There any JSON will do.
                Ok(_) => assert_eq!(place, "/outparams/prompt_text", "{}", sample.name),
                Err(error) => {
                    assert_eq!(error.pointer(), place, "{} {error}", sample.name);
                    assert!(!format!("{error} {error:?}").contains("4711"), "{error}");
                }
            }
        }
    }
}

#[test]
fn nothing_private_shows() {
    const PRIVATE: &str = "hush-4711";
    const PERSONAL: [&str; 17] = [
        "input",
        "call_sor_id",
        "auth_token",
        "transin_data",
        "ieValue",
        "feedbackContent",
        "prompt_text",
        "answer_id",
        "route_value",
        "trans_data",
        "calling_num",
        "appSecret",
        "authToken",
        "entity",
        "unknownField",
        "xxx",
        "anything",
    ];
    let mut seen = BTreeSet::new();
    for sample in samples() {
        let mut document = sample.json();
        for (place, value) in places(&sample.json()) {
            if value.is_object() {
                set(&mut document, &format!("{place}/unknownField"), PRIVATE.into());
                set(&mut document, &format!("{place}/{PRIVATE}"), "x".into());
                seen.insert("unknownField".to_owned());
            }
            let key = place.rsplit('/').next().unwrap();
            if PERSONAL.contains(&key) {
                set(&mut document, &place, PRIVATE.into());
                seen.insert(key.to_owned());
            }
        }
        for free in ["/outparams/xxx", "/extparams/anything"] {
            if document.pointer(free).is_some() {
                set(&mut document, free, PRIVATE.into());
                seen.extend(free.rsplit('/').next().map(str::to_owned));
            }
        }
        if document.get("sensitive_word").is_some() {
            document["sensitive_word"] = json!({PRIVATE: [PRIVATE]});
        }
        let (_, shown) = (sample.read)(&document).unwrap();
        assert!(!shown.contains(PRIVATE), "{}: {shown}", sample.name);
        // What names a call is what one looks for in a log.
        if document.get("userid").is_some() {
            assert!(shown.contains("1528780879-9581"), "{shown}");
        }
    }
    assert_eq!(seen.len(), PERSONAL.len(), "{seen:?}");
    let id = RecognitionId::new(PRIVATE, "0").unwrap();
    let (unknown, other) = ("9".parse().unwrap(), "9".parse().unwrap());
    let shown: [&dyn Debug; 8] = [
        &Input::Text(PRIVATE),
        &Input::Keys(PRIVATE),
        &Input::Recognition(id),
        &Input::Other { kind: &FlowResultType::Other, input: PRIVATE },
        &Route::ThirdParty(PRIVATE),
        &Route::Unknown { kind: &unknown, value: PRIVATE },
        &Prompt::Tts(PRIVATE),
        &Prompt::Other { kind: &other, file: None, text: Some(PRIVATE) },
    ];
    for value in shown {
        let text = format!("{value:?} {value:#?}");
        assert!(!text.contains(PRIVATE) && text.contains("[hidden]"), "{text}");
    }
    assert_eq!(format!("{:?}", Input::HangUp), "HangUp");
    assert_eq!(format!("{:?}", Route::LastAgent), "LastAgent");
    assert_eq!(format!("{:?}", Route::ThirdParty("1")), "ThirdParty([hidden])");
    assert_eq!(format!("{:?}", Prompt::Video("/v.mp4")), "Video(\"/v.mp4\")");
}

// Play templates.

fn template(text: &str) -> ModelType {
    let template: ModelType = text.parse().unwrap();
    assert_eq!(template.to_string(), text);
    template
}

#[test]
fn every_text_of_a_play_template_comes_back() {
    let texts = (0..1000).map(|number| format!("{number:03}"));
    let texts = texts.chain((0..10_000_000).step_by(997).map(|number| format!("{number:07}")));
    let odd = ["", "1", "10", "10a", "1011", "101120", "10112010", "1O11201", " 101", "１０１"];
    for text in texts.chain(odd.map(str::to_owned)) {
        assert_eq!(serde_json::to_value(template(&text)).unwrap(), text);
        let read: ModelType = decode_value(&json!(text)).unwrap();
        assert_eq!(read, template(&text));
    }
    assert_eq!(decode_value::<ModelType>(&json!(1_011_201)), Ok(template("1011201")));
    assert_eq!(format!("{:?}", template("101")), "ModelType(\"101\")");
}

#[test]
fn the_documented_play_templates_are_made_and_taken_apart() {
    use InputMode::{BargeIn, NoBargeIn, Off};

    let keys = DtmfKeys::up_to(12).hash_confirms();
    for (made, text, speech, key) in [
        (ModelType::play_only(), "1000000", Off, Off),
        (ModelType::play_only().without_barge_in(), "1000000", Off, Off),
        (ModelType::keys(keys), "1011201", Off, BargeIn),
        (ModelType::keys(keys).without_barge_in(), "1021201", Off, NoBargeIn),
        (ModelType::speech(), "1100000", BargeIn, Off),
        (ModelType::speech().without_barge_in(), "1200000", NoBargeIn, Off),
        (ModelType::speech_and_keys(keys), "1111201", BargeIn, BargeIn),
        (ModelType::speech_and_keys(keys).without_barge_in(), "1221201", NoBargeIn, NoBargeIn),
    ] {
        for read in [made, template(text), template(&text[..3])] {
            assert!(read.is_documented(), "{text}");
            assert_eq!(read.validate(), Ok(()), "{text}");
            assert_eq!(read.plays(), Some(true), "{text}");
            assert_eq!((read.speech_mode(), read.key_mode()), (Some(speech), Some(key)), "{text}");
            let short = read.to_string().len() == 3;
            assert!(short || read == template(text), "{text}");
            let limits = (read.max_keys(), read.star_cancels(), read.hash_confirms());
            if key == Off || short {
                assert_eq!(limits, (None, None, None), "{text}");
            } else {
                assert_eq!(limits, (Some(12), Some(false), Some(true)), "{text}");
            }
        }
    }
    let one = ModelType::keys(DtmfKeys::up_to(1).star_cancels());
    assert_eq!((one.to_string().as_str(), one.star_cancels()), ("1010110", Some(true)));
    assert_eq!(ModelType::keys(DtmfKeys::up_to(99)).to_string(), "1019900");
}

#[test]
fn play_templates_that_nobody_documents_tell_what_they_can() {
    // What code of the protocol family sends.
    let family = template("0100000");
    assert_eq!((family.plays(), family.is_documented()), (Some(false), false));
    assert_eq!(family.speech_mode(), Some(InputMode::BargeIn));
    let mixed = template("1121000");
    assert_eq!(mixed.key_mode(), Some(InputMode::NoBargeIn));
    let odd = template("9931299");
    assert_eq!((odd.plays(), odd.speech_mode(), odd.key_mode()), (None, None, None));
    assert_eq!((odd.max_keys(), odd.star_cancels(), odd.hash_confirms()), (Some(12), None, None));
    let text = template("menu");
    assert_eq!((text.plays(), text.speech_mode(), text.key_mode()), (None, None, None));
    assert_eq!((text.max_keys(), text.star_cancels(), text.hash_confirms()), (None, None, None));
    // In the document's own sample the last four digits mean nothing.
    assert_eq!(template("1101200").max_keys(), None);
    assert_eq!(template("1101200").validate(), Ok(()));
}

#[test]
fn play_templates_that_nobody_documents_are_not_written() {
    for (bad, value, allowed) in [
        (template("0100000"), "0100000", "100, 101, 102, 110, 111, 120 or 122"),
        (template("112"), "112", "100, 101, 102"),
        (template("1211200"), "1211200", "100, 101, 102"),
        (template(""), "\"\"", "seven digits"),
        (template("10112010"), "\"10112010\"", "seven digits"),
        (template("1010001"), "0 keys", "1 to 99 keys"),
        (ModelType::keys(DtmfKeys::up_to(0)), "0 keys", "1 to 99 keys"),
        (ModelType::speech_and_keys(DtmfKeys::up_to(100)), "100 keys", "1 to 99 keys"),
        (template("1021220"), "1021220", "0 or 1"),
        (template("1221202"), "1221202", "0 or 1"),
    ] {
        let violations = bad.validate().unwrap_err();
        let [one] = violations.iter().collect::<Vec<_>>()[..] else { panic!("{violations}") };
        assert_eq!(one.value(), Some(value));
        assert!(one.allowed().starts_with(allowed), "{one}");
    }
    let params = InteractOutParams::from_prompt("c", Prompt::Tts("hi"), Language::Chinese);
    let bad = params.with_model_type(template("112")).validate().unwrap_err();
    assert_eq!(bad.iter().next().unwrap().pointer(), "/model_type");
}

// Times.

fn time(text: &str) -> CallTime {
    let time: CallTime = text.parse().unwrap();
    assert_eq!((time.as_str(), time.to_string().as_str()), (text, text));
    assert_eq!(serde_json::to_value(&time).unwrap(), text);
    assert_eq!(decode_value(&json!(text)).as_ref(), Ok(&time));
    time
}

#[test]
fn times_are_read_with_one_or_two_digits_of_the_second() {
    for (text, iso) in [
        ("2018090407:16:24", "2018-09-04T07:16:24"),
        ("2018090407:16:03", "2018-09-04T07:16:03"),
        ("2018090407:16:3", "2018-09-04T07:16:03"),
        ("2024022923:59:59", "2024-02-29T23:59:59"),
        ("0000010100:00:00", "0000-01-01T00:00:00"),
        ("9999123123:59:59", "9999-12-31T23:59:59"),
    ] {
        assert_eq!(time(text).time().map(|time| time.to_string()).as_deref(), Some(iso));
        let two_digits = text.len() == 16;
        assert_eq!(time(text).validate().is_ok(), two_digits, "{text}");
        assert_eq!(CallTime::from(time(text).time().unwrap()) == time(text), two_digits);
    }
}

#[test]
fn texts_that_are_no_times_are_kept_and_not_written() {
    for text in [
        "",
        "2018",
        "2018-09-04 07:16:24",
        "2018090407:16",
        "2018090407:16:",
        "2018090407:16:240",
        "2018090407:16:024",
        "2018090407:1:24",
        "201809047:16:24",
        "2018093107:16:24",
        "2023022907:16:24",
        "2018130407:16:24",
        "2018090424:00:00",
        "2018090407:60:00",
        "2018090407:16:60",
        "-018090407:16:24",
        "+018090407:16:24",
        "2018 90407:16:24",
        "2018090407:+6:24",
        "2018090407:16:-1",
        " 2018090407:16:24",
        "2018090407:16:24 ",
        "2018090407:16:24Z",
        "２０１８090407:16:24",
        "20180904é7:16:24",
    ] {
        assert_eq!(time(text).time(), None, "{text}");
        let error = time(text).validate().unwrap_err();
        let one = error.iter().next().unwrap();
        assert_eq!(one.value(), Some(format!("{text:?}").as_str()));
        assert_eq!(one.allowed(), "a time as yyyyMMddHH:mm:ss");
    }
}

#[test]
fn times_are_made_of_parts_that_exist() {
    assert_eq!(CallTime::from_parts(2018, 9, 4, 7, 16, 3), Some(time("2018090407:16:03")));
    assert_eq!(CallTime::from_parts(33, 1, 2, 3, 4, 5), Some(time("0033010203:04:05")));
    for (year, month, day, hour, minute, second) in [
        (2023, 2, 29, 0, 0, 0),
        (2023, 0, 1, 0, 0, 0),
        (2023, 1, 1, 24, 0, 0),
        (2023, 1, 1, 0, 60, 0),
        (2023, 1, 1, 0, 0, 60),
        (-1, 1, 1, 0, 0, 0),
        (10_000, 1, 1, 0, 0, 0),
    ] {
        assert_eq!(CallTime::from_parts(year, month, day, hour, minute, second), None);
    }
    let precise = DateTime::new(2018, 9, 4, 7, 16, 3, 999).unwrap();
    assert_eq!(CallTime::from(precise), time("2018090407:16:03"));
    let before = DateTime::new(-1, 1, 1, 0, 0, 0, 0).unwrap();
    assert!(CallTime::from(before).validate().is_err());
    let params = TransferredInParams::new(TransferredInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        begin_trans: time("2018090407:16:3"),
        end_trans: time(""),
        trans_result: TransferResult::Success,
        auth_token: "token".into(),
    });
    let violations = params.validate().unwrap_err();
    let found: Vec<_> = violations.iter().map(|one| one.pointer().to_owned()).collect();
    assert_eq!(found, ["/begin_trans", "/end_trans"]);
}

// Input.

fn result(kind: &str, input: &str, inter_no: Option<&str>) -> InteractedInParams {
    let mut params = InteractedInParams::new(InteractedInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        flow_result_type: kind.parse().unwrap(),
        input,
        auth_token: "token".into(),
    });
    params.inter_no = inter_no.map(str::to_owned);
    params
}

#[test]
fn the_words_of_the_protocol_are_known_whatever_the_kind() {
    for (word, meaning, kind) in [
        ("playover", Input::PlayOver, "3"),
        ("timeout", Input::Timeout, "-1"),
        ("nomatch", Input::NoMatch, "-1"),
        ("sys_err", Input::SystemError, "-1"),
        ("hangup", Input::HangUp, "-1"),
        ("recordend", Input::RecordEnd, "4"),
    ] {
        for kind in ["1", "2", "3", "4", "-1", "5", "–1", ""] {
            assert_eq!(result(kind, word, Some("0")).meaning(), meaning, "{kind} {word}");
            let upper = word.to_uppercase();
            let params = result(kind, &upper, None);
            if kind == "1" {
                assert_eq!(params.meaning(), Input::Text(&upper));
            } else {
                assert_eq!(params.meaning(), meaning, "{kind} {upper}");
            }
            let spaced = format!("{word} ");
            assert_ne!(result(kind, &spaced, None).meaning(), meaning);
        }
        let params = InteractedInParams::from_input("c", "10086", meaning.clone(), "token");
        assert_eq!((params.input.as_str(), params.flow_result_type.as_str()), (word, kind));
        assert_eq!(params.meaning(), meaning);
    }
}

#[test]
fn an_input_means_what_its_kind_says() {
    assert_eq!(result("1", "my bill", None).meaning(), Input::Text("my bill"));
    assert_eq!(result("1", "", None).meaning(), Input::Text(""));
    assert_eq!(result("2", "201801", Some("0")).meaning(), Input::Keys("201801"));
    assert_eq!(result("2", "*#", None).meaning(), Input::Keys("*#"));
    // Where the kind promises no text, a recognition id is not looked for.
    for kind in ["3", "4", "-1", "5", "future"] {
        let params = result(kind, "k@0", Some("0"));
        let expected = kind.parse().unwrap();
        assert_eq!(params.meaning(), Input::Other { kind: &expected, input: "k@0" });
    }
}

#[test]
fn speech_is_told_from_text_by_the_number_of_the_recognition() {
    for (input, inter_no, parts) in [
        ("asr:4711@0", Some("0"), Some(("asr:4711", "0"))),
        ("asr:4711+@+0", Some("0"), Some(("asr:4711", "0"))),
        ("a+@0", Some("0"), Some(("a+", "0"))),
        ("a@+0", Some("0"), None),
        ("host@node@12", Some("12"), Some(("host@node", "12"))),
        ("键@12", Some("12"), Some(("键", "12"))),
        ("asr:4711@0", None, None),
        ("asr:4711@0", Some(""), None),
        ("asr:4711@", Some(""), None),
        ("asr:4711@0", Some("1"), None),
        ("asr:4711@10", Some("0"), None),
        ("asr:4711@0", Some("00"), None),
        ("@0", Some("0"), None),
        ("+@+0", Some("0"), None),
        ("0", Some("0"), None),
        ("asr:47110", Some("0"), None),
        ("asr:4711@0 ", Some("0"), None),
        ("ann@example.com", Some("0"), None),
        ("write to ann@0", Some("0"), None),
        ("ann@\u{3000}b@0", Some("0"), None),
        ("Help me query the call fee.", Some("0"), None),
    ] {
        let params = result("1", input, inter_no);
        match (params.meaning(), parts) {
            (Input::Recognition(id), Some((key, number))) => {
                assert_eq!((id.key(), id.inter_no(), id.as_str()), (key, number, input));
            }
            (Input::Text(text), None) => assert_eq!(text, input),
            (meaning, _) => panic!("{input} {inter_no:?}: {meaning:?}"),
        }
    }
    let id = RecognitionId::new("asr:4711", "3").unwrap();
    assert_eq!((id.as_str(), id.key(), id.inter_no()), ("asr:4711@3", "asr:4711", "3"));
    for (key, number) in [("", "3"), ("k", ""), ("a key", "3")] {
        assert_eq!(RecognitionId::new(key, number), None);
    }
}

#[test]
fn what_is_made_of_an_input_means_that_input() {
    let id = RecognitionId::new("asr:4711", "3").unwrap();
    let kind = "9".parse().unwrap();
    for (input, kind, text, inter_no) in [
        (Input::Keys("12#"), "2", "12#", None),
        (Input::Text("my bill"), "1", "my bill", None),
        (Input::Recognition(id), "1", "asr:4711@3", Some("3")),
        (Input::Other { kind: &kind, input: "x" }, "9", "x", None),
    ] {
        let request = Interacted::from_input("c-1", "10086", input.clone(), "token");
        let params = &request.inparams;
        assert_eq!((request.user_id.as_str(), params.call_id.as_str()), ("c-1", "c-1"));
        assert_eq!((params.flow_result_type.as_str(), params.input.as_str()), (kind, text));
        assert_eq!(params.inter_no.as_deref(), inter_no);
        assert_eq!(params.auth_token.as_ref().unwrap().expose(), "token");
        assert_eq!(params.meaning(), input);
        assert_eq!(Request::from(request).validate(), Ok(()));
    }
}

#[test]
fn a_transfer_is_reported_once_more_as_hung_up() {
    let at = || time("2018090407:20:00");
    let params = TransferredInParams::new(TransferredInParamsFields {
        call_id: "c",
        call_dst_id: "10086",
        begin_trans: at(),
        end_trans: at(),
        trans_result: TransferResult::Success,
        auth_token: "token".into(),
    });
    assert!(!params.is_hang_up());
    for (input, hung_up) in
        [("hangup", true), ("Hangup", true), ("", false), ("timeout", false), ("hangup ", false)]
    {
        assert_eq!(params.clone().with_input(input).is_hang_up(), hung_up, "{input}");
    }
    let last = params.with_hang_up();
    assert_eq!((last.input.as_deref(), last.is_hang_up()), (Some("hangup"), true));
}

#[tokio::test]
async fn a_map_gives_the_texts_of_recognition_ids() {
    async fn look_up(
        texts: &impl Recognitions,
        key: &str,
    ) -> Result<Option<String>, RecognitionError> {
        texts.text(&RecognitionId::new(key, "0").unwrap()).await
    }
    let texts = HashMap::from([("asr:1".to_owned(), "my bill".to_owned())]);
    assert_eq!(look_up(&texts, "asr:1").await.unwrap().as_deref(), Some("my bill"));
    assert_eq!(look_up(&texts, "asr:2").await.unwrap(), None);
    assert_eq!(RecognitionError::new("out of order").to_string(), "out of order");
}

#[test]
fn an_error_of_a_store_keeps_its_source() {
    use std::error::Error;

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the store failed")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    let error = RecognitionError::new(Outer(std::io::Error::other("the disk is full")));
    assert_eq!(error.to_string(), "the store failed");
    assert_eq!(error.source().unwrap().to_string(), "the disk is full");
    assert!(error.downcast_ref::<Outer>().is_some());
    assert!(error.downcast_ref::<std::fmt::Error>().is_none());
}

// Routes.

fn transfer(kind: &str, value: &str) -> TransferOutParams {
    TransferOutParams::new(TransferOutParamsFields {
        call_id: "c",
        call_sor_id: "13500000001",
        trans_type: kind.parse().unwrap(),
        route_value: value,
    })
}

#[test]
fn a_route_goes_in_and_comes_out() {
    let unknown: TransferType = "99".parse().unwrap();
    for (route, kind, value) in [
        (Route::SkillQueueByAccessCode("1001"), "1", "1001"),
        (Route::Ivr("2001"), "2", "2001"),
        (Route::SkillQueueByName("Tariffs"), "3", "Tariffs"),
        (Route::Agent("47"), "4", "47"),
        (Route::ThirdParty("02512345678"), "5", "02512345678"),
        (Route::DigitalAssistance("6001"), "6", "6001"),
        (Route::LastAgent, "7", ""),
        (Route::SkillQueueOfAgent("47"), "8", "47"),
        (Route::MessageToLastAgent, "31", ""),
        (Route::MessageToSkillQueue("Tariffs"), "32", "Tariffs"),
        (Route::MessageToAgent("47"), "33", "47"),
        (Route::Unknown { kind: &unknown, value: "x" }, "99", "x"),
        (Route::Unknown { kind: &unknown, value: "" }, "99", ""),
    ] {
        let params = TransferOutParams::from_route("c", "13500000001", route);
        assert_eq!((params.trans_type.as_str(), params.route_value.as_str()), (kind, value));
        assert_eq!((params.call_id.as_str(), params.call_sor_id.as_str()), ("c", "13500000001"));
        assert_eq!(params.route(), route);
        assert_eq!((route.kind(), route.value()), (params.trans_type.clone(), value));
        assert_eq!(transfer(kind, value).route(), route);
        assert_eq!(params.validate(), Ok(()));
    }
}

#[test]
fn a_route_value_that_does_not_go_with_its_kind_is_read_and_not_written() {
    for kind in ["1", "2", "3", "4", "5", "6", "8", "32", "33"] {
        let error = transfer(kind, "").validate().unwrap_err().to_string();
        let expected = format!("/route_value: \"\", allowed: a target, as `trans_type` is {kind}");
        assert_eq!(error, expected);
    }
    for (kind, route) in [("7", Route::LastAgent), ("31", Route::MessageToLastAgent)] {
        let params = transfer(kind, "4711");
        assert_eq!(params.route(), route);
        let error = params.validate().unwrap_err().to_string();
        let expected = format!("/route_value: [hidden], allowed: \"\", as `trans_type` is {kind}");
        assert_eq!(error, expected);
        // Written back it still is.
        assert_eq!(serde_json::to_value(&params).unwrap()["route_value"], "4711");
    }
    let json = json!({"outaction": 11, "outparams": transfer("2", "")});
    let answer: Response = decode_value(&json).unwrap();
    let error = answer.validate().unwrap_err();
    assert_eq!(error.iter().next().unwrap().pointer(), "/outparams/route_value");
}

// Prompts.

#[test]
fn a_prompt_goes_in_and_comes_out() {
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
        // Other fields may stand beside, as in the document's sample.
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
fn a_prompt_without_what_it_demands_is_read_and_not_written() {
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
        // Elsewhere it means nothing, and may be empty.
        params.prompt_type = PromptType::FileByPath;
        assert_eq!(params.validate(), Ok(()));
    }
}

#[test]
fn a_query_demands_what_its_kind_needs() {
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

// JSON in `prompt_text`.

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
fn what_matching_found_goes_in_and_comes_out() {
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
fn the_documented_match_is_read_with_its_script_nested_or_in_a_string() {
    let nested = sample("intent-match").json();
    let mut text = nested.clone();
    text["call_script"] = nested["call_script"].to_string().into();
    let mut alone = nested.clone();
    alone["call_script"] = nested["call_script"][0].clone();
    for (json, count) in [(nested, 2), (text, 2), (alone, 1)] {
        // Real JSON in place of the string is read as well.
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
fn a_script_is_read_whatever_may_be_missing() {
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
fn what_case_filling_found_goes_in_and_comes_out() {
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
fn other_texts_are_neither() {
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
    // A tenant may edit the template: one key of its own is enough.
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

#[cfg(feature = "schemars")]
#[test]
fn every_type_answers_with_the_schema_of_the_spec() {
    for (schema, definitions) in
        [(schemars::schema_for!(Request), 20), (schemars::schema_for!(Response), 20)]
    {
        let schema = Value::from(schema);
        assert!(schema["$defs"].as_object().unwrap().len() >= definitions, "{schema:#}");
        assert!(!schema.to_string().contains("\"x-"), "{schema:#}");
    }
    let schema = Value::from(schemars::schema_for!(InteractOutParams));
    assert_eq!(schema["properties"]["model_type"]["format"], "play-template");
    assert_eq!(schema["required"], json!(["call_id", "prompt_type", "language"]));
    for (schema, format) in [
        (schemars::schema_for!(CallTime), "call-time"),
        (schemars::schema_for!(ModelType), "play-template"),
    ] {
        let schema = Value::from(schema);
        assert_eq!((&schema["type"], &schema["format"]), (&json!("string"), &json!(format)));
    }
}
