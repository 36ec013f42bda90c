//! Every sample of the document, with unknown, missing and other values in every place.

use std::collections::BTreeSet;
use std::fmt::Debug;

use callbot::odfs::{
    CallTime, FilledSlot, FlowResultType, Input, IntentMatch, InteractOutParams, ModelType, Prompt,
    RecognitionId, Request, Response, Route, SPEC, TokenRequest, TokenResponse,
};
use callbot::wire::{DecodeError, decode, decode_value};
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

/// A wire sample, and the pointers that are required to read it.
pub(super) struct Sample {
    name: &'static str,
    pub(super) text: &'static str,
    read: Reader,
    needed: &'static [&'static str],
}

macro_rules! samples {
    ($($name:literal: $type:ty, $needed:expr;)*) => {
        vec![$(Sample {
            name: $name,
            text: include_str!(concat!("../../fixtures/odfs/", $name, ".json")),
            read: read_as::<$type>,
            needed: $needed,
        }),*]
    };
}

impl Sample {
    pub(super) fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    pub(super) fn read(&self, document: &Value) -> Value {
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

/// The samples that begin with `document-` are from the platform's document, and those that begin with
/// `full-` have every documented field.
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

pub(super) fn sample(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).unwrap()
}

/// The places at which a value of any type is kept unchanged.
const FREE: [&str; 5] =
    ["/outparams/xxx", "/extparams/anything", "/call_script", "/recomand_KP", "/sensitive_word"];

fn is_free(pointer: &str) -> bool {
    FREE.iter().any(|free| pointer.starts_with(free))
}

/// The pointers and values of a document and of everything in it that a type describes.
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

pub(super) fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    document
}

/// The document as it is written: with numbers where numbers are documented.
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
fn every_sample_is_written_back_unchanged() {
    for sample in samples() {
        assert_eq!(sample.read(&sample.json()), documented(sample.json()), "{}", sample.name);
    }
}

#[test]
fn every_sample_of_the_document_is_read_as_its_page_describes() {
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
fn unknown_values_are_written_back_at_every_place() {
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
fn the_other_spelling_of_extparams_is_read() {
    for name in ["start", "interacted", "full-transferred", "full-capture", "full-recognize"] {
        let sample = sample(name);
        let mut document = sample.json();
        let moved = document.as_object_mut().unwrap().remove("extparams").unwrap();
        document["ExtParams"] = moved;
        assert_eq!(sample.read(&document), sample.json(), "{name}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place_and_without_the_value() {
    for sample in samples() {
        for (place, value) in places(&sample.json()) {
            let wrong = if value.is_object() { json!("4711") } else { json!([4711]) };
            let mut document = sample.json();
            *document.pointer_mut(&place).unwrap() = wrong;
            match (sample.read)(&document) {
                // Any JSON is accepted there.
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
fn debug_shows_nothing_private() {
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
        // The id of a call shows, since logs are searched for it.
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
