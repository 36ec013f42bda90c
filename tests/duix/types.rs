//! The types of the DUIX management API: the documented examples whole, what other versions of the
//! platform may send, and what is written back. The fixtures are the examples of the platform's
//! document, and envelopes by its tables and by newer pages; that of a conversation had a stray
//! backslash in its prompt, which made it no JSON.

#![cfg(all(feature = "duix", feature = "client", feature = "server"))]

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use callbot::duix::{
    Avatar, AvatarAnswer, Background, Concurrency, ConcurrencyAnswer, Conversation,
    ConversationAnswer, CreateAvatarAnswer, CreateAvatarRequest, CreatedAvatar, Envelope, Flag,
    LanguageModel, ModelIdType, Persona, Resources, ResponseCode, SPEC, Script, ScriptType,
    SessionsAnswer, StopAllSessionsAnswer, StopSessionAnswer, operations,
};
use callbot::wire::{DecodeError, Validate, decode, decode_value};
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::samples::{Reader, each_object, fixtures, read_as};

/// A wire sample.
struct Sample {
    name: &'static str,
    text: &'static str,
    read: Reader,
    /// Whether all below `data` is kept as it is, since nothing is known of it.
    raw: bool,
}

macro_rules! samples {
    ($($name:literal: $type:ty, $raw:literal;)*) => {
        [$(Sample {
            name: $name,
            text: include_str!(concat!("../fixtures/duix/", $name, ".json")),
            read: read_as::<$type>,
            raw: $raw,
        }),*]
    };
}

fn samples() -> [Sample; 18] {
    samples! {
        "avatar": AvatarAnswer, false;
        "concurrency": ConcurrencyAnswer, false;
        "concurrency-filled": ConcurrencyAnswer, false;
        "conversation": ConversationAnswer, false;
        "create-avatar": CreateAvatarAnswer, false;
        "create-avatar-request": CreateAvatarRequest, false;
        "create-avatar-request-shortest": CreateAvatarRequest, false;
        "envelope-bare": Envelope, false;
        "envelope-empty": Envelope, false;
        "envelope-newer": Envelope, false;
        "failure-both": ConcurrencyAnswer, false;
        "failure-message": AvatarAnswer, false;
        "failure-msg": CreateAvatarAnswer, false;
        "failure-with-data": Envelope, true;
        "sessions": SessionsAnswer, true;
        "stop-all-sessions": StopAllSessionsAnswer, true;
        "stop-all-sessions-newer": StopAllSessionsAnswer, true;
        "stop-session": StopSessionAnswer, true;
    }
}

fn sample(name: &str) -> Sample {
    samples().into_iter().find(|sample| sample.name == name).unwrap()
}

impl Sample {
    fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    /// What is written of a document. It must be readable, and then be written as it is.
    fn read(&self, document: &Value) -> Value {
        let read = |document: &Value| {
            (self.read)(document)
                .unwrap_or_else(|error| panic!("{}: {error}: {document}", self.name))
        };
        let written = read(document);
        assert_eq!(read(&written), written, "{}: {document}", self.name);
        written
    }

    /// The document as it is written back: without what says nothing, and with one text.
    fn plain(&self, mut document: Value) -> Value {
        let raw = document.get_mut("data").filter(|_| self.raw).map(Value::take);
        strip(&mut document);
        let object = document.as_object_mut().unwrap();
        // Newer pages call the text `msg`, and the document has both names at once. They are one
        // field here, written by the document's name: the first text that is not empty.
        if let Some(other) = object.remove("msg") {
            let text = object.entry("message").or_insert_with(|| "".into());
            if *text == "" {
                *text = other;
            }
        }
        if self.name == "failure-with-data" {
            // The envelope as such has no data.
            return document;
        }
        if let Some(raw) = raw.filter(|raw| !raw.is_null()) {
            document["data"] = raw;
        }
        document
    }

    /// Every place of the document that has a field of its own: the pointers of an object and of
    /// its keys.
    fn keys(&self) -> Vec<(String, String)> {
        let mut keys = Vec::new();
        let mut document = self.json();
        self.each_object(&mut document, &mut |at, object| {
            keys.extend(object.as_object().unwrap().keys().map(|key| (at.to_owned(), key.clone())));
        });
        keys
    }

    /// Changes every object of a document whose fields are known.
    fn each_object(&self, document: &mut Value, change: &mut dyn FnMut(&str, &mut Value)) {
        let raw = document.get_mut("data").filter(|_| self.raw).map(Value::take);
        each_object(document, |_| false, change);
        if let Some(raw) = raw {
            document["data"] = raw;
        }
    }
}

/// Takes nulls and empty lists away, and writes whole numbers as such: 0 and 0.0 are the same.
fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null() && *value != json!([]));
            object.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Number(number) => {
            if let (None, Some(float)) = (number.as_i64(), number.as_f64())
                && float.fract() == 0.0
                && float.abs() < 1e9
            {
                *value = (float as i64).into();
            }
        }
        _ => {}
    }
}

fn plain(mut value: Value) -> Value {
    strip(&mut value);
    value
}

/// A place in a document, made if it is not there.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        object => object[key] = value,
    }
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    let mut files = fixtures("duix");
    // Those have tests of their own.
    files.retain(|name| !name.starts_with("dialogue"));
    assert_eq!(files, samples().map(|sample| format!("{}.json", sample.name)));
}

/// The conversation of the document's example, made by hand.
fn documented() -> Conversation {
    let script = |id, kind, text: &str| {
        Script::new()
            .with_id(id)
            .with_conversation_id("108")
            .with_script_type(kind)
            .with_script_content(text)
            .with_emotion("0")
    };
    let audio = |file: &str| {
        let folder =
            "https://digital-public-dev.obs.cn-east-3.myhuaweicloud.com/tts-proxy/2024-02-20";
        format!("{folder}/{file}.wav")
    };
    let sorry = "Sorry, I don't quite understand what you mean";
    Conversation::new()
        .with_id("108")
        .with_conversation_name("Unnamed-18:04")
        .with_language("zh")
        .with_corp_id("1003645")
        .with_user_id("3959")
        .with_max_conversation(2)
        .with_uses_data_model(Flag::Yes)
        .with_uses_knowledge(Flag::Yes)
        .with_uses_files(Flag::No)
        .with_uses_third_party(Flag::No)
        .with_is_freedom(Flag::No)
        .with_persona(
            Persona::new()
                .with_id(109)
                .with_name("1")
                .with_nick_name("")
                .with_gender(1)
                .with_age(0)
                .with_height(0)
                .with_weight(0)
                .with_characters("")
                .with_back_story(""),
        )
        .with_resources(
            Resources::new()
                .with_id(95)
                .with_conversation_id("108")
                .with_proportion("16:9")
                .with_terminal_type(0)
                .with_model_id("321486924406853")
                .with_model_id_type(ModelIdType::Cloud)
                .with_model_name("Model name")
                .with_scene_type(0)
                .with_background(1)
                .with_background_details(
                    Background::new()
                        .with_id(1)
                        .with_background_code("1591003727513522176")
                        .with_background_name("zuoyi.jpg")
                        .with_background_url("/video-server/jpg/1592809647136509954.jpg")
                        .with_file_type(0)
                        .with_proportion("16:9"),
                )
                .with_tts_id("15")
                .with_tts_name("guina")
                .with_tts_url("")
                .with_tts_volume(0.0)
                .with_tts_speaker("zhifeng_emo")
                .with_tts_speed_rate(0.0)
                .with_tts_pitch(0.0)
                .with_tts_source(20)
                .with_sample_picture_url("/model/2023/02/06/c5348a17fac75feb0152a0c599b7af87.png")
                .with_video_width(1920)
                .with_video_height(1920)
                .with_human_proportion("9:16")
                .with_human_width(540)
                .with_human_height(960)
                .with_human_x(690)
                .with_human_y(120),
        )
        .with_models([LanguageModel::new()
            .with_id(487)
            .with_conversation_id("108")
            .with_large_model_type(0)
            .with_model_code(0)
            .with_large_name("chatbot_law")
            .with_model_id("1")
            .with_prompt(
                "Task: Your name is Zhang San, a real celebrity with a mischievous tone, humor, \
                 and a love for joking. Chatting with fans and friends, generating content replies \
                 in an oral style. Requirements for generation: 1. Use my own name, 2. Meet the \
                 persona, 3. Prohibit the generation of English content, all must be generated in \
                 Chinese. 4. Within 30 words.",
            )
            .with_bot_url("")])
        .with_scripts([
            script(2728, ScriptType::WakeUpWord, "Els silvrants"),
            script(2729, ScriptType::OpeningLine, "Hello, welcome to Duix").with_tts_content(
                audio("1800-_-633043663081836544--FC34641E6EB0A22404C845E219904E81"),
            ),
            script(2730, ScriptType::WaitingPhrase, "Wait a moment, I'll think about it")
                .with_tts_content(audio(
                    "1630-_-633043667485855744--3F501A3CA51F4DFAFBACE254DD2E3E32",
                )),
            script(2731, ScriptType::UnknownQuestion, sorry).with_tts_content(audio(
                "2300-_-633043669830471680--2C5A656A6FBEA2CE09037F21F3DF8434",
            )),
            script(2732, ScriptType::Farewell, sorry).with_tts_content(audio(
                "560-_-633043672326082560--051995577E5C4B5818F952C04A7997E2",
            )),
            script(2733, ScriptType::InterruptionPhrase, "Stop talking"),
            script(2734, ScriptType::InterruptionSentence, "Okay, you can speak first")
                .with_tts_content(audio(
                    "1600-_-633043674196742144--FC70FD95B50E8CEC9D9151905AE13F7F",
                )),
            script(2735, ScriptType::GuidingPhrase, "What is a digital person").with_tts_content(
                audio("1080-_-633043676541358080--414A4CBCE8B52677F05DAECFD1437BD0"),
            ),
        ])
}

#[test]
fn the_documented_conversation_is_read_into_fields_one_by_one() {
    let sample = sample("conversation");
    let answer: ConversationAnswer = decode(sample.text.as_bytes()).unwrap();
    assert!(answer.success);
    assert_eq!(answer.code, Some(ResponseCode::Ok));
    assert_eq!(answer.message.as_deref(), Some("SUCCESS"));
    let conversation = answer.data.unwrap();
    assert_eq!(conversation, documented());
    // What the fields that can hold anything hold: the example has null for each of them, and an
    // empty list.
    let resources = conversation.resources.as_ref().unwrap();
    for (name, any) in [
        ("config", &conversation.config),
        ("asr_provider", &conversation.asr_provider),
        ("kb_conversation", &conversation.kb_conversation),
        ("third_party", &conversation.third_party),
        ("image_id", &resources.image_id),
        ("scene_id", &resources.scene_id),
        ("model_config", &resources.model_config),
        ("tts_config", &resources.tts_config),
        ("local_model_info", &resources.local_model_info),
        ("user_id", &resources.background_details.as_ref().unwrap().user_id),
    ] {
        assert_eq!(*any, None, "{name}");
    }
    assert_eq!(conversation.knowledge, [] as [Value; 0]);
    // What is made by hand is written as the document has it.
    let made = ConversationAnswer::new(true, ResponseCode::Ok)
        .with_message("SUCCESS")
        .with_data(documented());
    assert_eq!(plain(serde_json::to_value(&made).unwrap()), sample.plain(sample.json()));
    // In its order, too.
    let keys = |value: &Value| -> Vec<String> {
        let known = |key: &&String| !sample.json()["data"][key.as_str()].is_null();
        value["data"].as_object().unwrap().keys().filter(known).cloned().collect()
    };
    let mut expected = keys(&sample.json());
    expected.retain(|key| key != "knowledgeDtoList");
    assert_eq!(keys(&serde_json::to_value(&made).unwrap()), expected);
}

#[test]
fn what_can_be_anything_is_kept_as_it_is() {
    let sample = sample("conversation");
    let anything =
        json!({"id": 1591003727513522176_u64, "b": [1, null, 2.5, {}], "c": "", "d": []});
    for pointer in [
        "/data/conversationConfigDto",
        "/data/asrProvider",
        "/data/kbConversationDto",
        "/data/thirdDto",
        "/data/detailDto/imageId",
        "/data/detailDto/sceneId",
        "/data/detailDto/modelConfig",
        "/data/detailDto/ttsConfig",
        "/data/detailDto/localModelInfo",
        "/data/detailDto/backgroundDto/userId",
    ] {
        for value in [anything.clone(), json!(""), json!(u64::MAX), json!(false), json!([])] {
            let mut document = sample.json();
            put(&mut document, pointer, value.clone());
            assert_eq!(sample.read(&document).pointer(pointer), Some(&value), "{pointer}");
        }
    }
    let mut document = sample.json();
    let items = json!([anything, null, "", 7, []]);
    document["data"]["knowledgeDtoList"] = items.clone();
    assert_eq!(sample.read(&document)["data"]["knowledgeDtoList"], items);
    for (name, data) in [("sessions", items), ("stop-all-sessions", anything)] {
        let sample = self::sample(name);
        let mut document = sample.json();
        document["data"] = data.clone();
        assert_eq!(sample.read(&document)["data"], data, "{name}");
    }
}

#[test]
fn every_sample_is_written_back_as_it_came() {
    for sample in samples() {
        let mut written = sample.read(&sample.json());
        if !sample.raw {
            strip(&mut written);
        }
        assert_eq!(written, sample.plain(sample.json()), "{}", sample.name);
    }
}

#[test]
fn the_other_examples_are_read_into_fields_one_by_one() {
    let concurrency = |name: &str| {
        let answer: ConcurrencyAnswer = decode(sample(name).text.as_bytes()).unwrap();
        (answer.code.unwrap(), answer.message, answer.data.unwrap())
    };
    let (code, message, data) = concurrency("concurrency");
    assert_eq!((code.as_str(), message.as_deref()), ("", Some("")));
    assert_eq!(data, Concurrency::new().with_corp_id("").with_total(0).with_in_use(0));
    let (code, _, data) = concurrency("concurrency-filled");
    assert_eq!(code, ResponseCode::Ok);
    assert_eq!(data, Concurrency::new().with_corp_id("1003645").with_total(10).with_in_use(2));

    let stopped =
        |name: &str| -> StopAllSessionsAnswer { decode(sample(name).text.as_bytes()).unwrap() };
    let answer = stopped("stop-all-sessions");
    assert!(answer.success);
    assert_eq!((answer.code.unwrap().as_str(), answer.data), ("", Some(json!(""))));
    let answer = stopped("stop-all-sessions-newer");
    assert_eq!((answer.code, answer.data), (Some(ResponseCode::OkNewer), Some(json!({}))));
    assert_eq!(answer.message.as_deref(), Some("success"));

    let answer: AvatarAnswer = decode(sample("avatar").text.as_bytes()).unwrap();
    let expected = Avatar::new()
        .with_name("Anna")
        .with_model_scene_id("1")
        .with_conversation_id("1591003727513522176")
        .with_cover_image("/cover/1.png")
        .with_status(2)
        .with_processing_step("done");
    assert_eq!(answer.data, Some(expected));
    let answer: CreateAvatarAnswer = decode(sample("create-avatar").text.as_bytes()).unwrap();
    assert_eq!(answer.data, Some(CreatedAvatar::new().with_task_id("1")));
    let request: CreateAvatarRequest =
        decode(sample("create-avatar-request").text.as_bytes()).unwrap();
    let mut expected = CreateAvatarRequest::new("voice-1");
    assert_ne!(request, expected);
    expected.conversation_id = Some("108".into());
    expected.cover_image = Some("data:image/png;base64,iVBORw0KGgo=".into());
    expected.default_speaking_language = Some("English".into());
    expected.greetings = Some("Hello, what can I do for you?".into());
    expected.name = Some("Anna".into());
    expected.profile = Some("A friendly clerk at the front desk of a bank.".into());
    assert_eq!(request, expected);
    // A picture may show somebody.
    assert!(!format!("{request:?}{request:#?}").contains("iVBOR"));
    assert!(format!("{request:?}").contains("voice-1"));
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
            // Before the fields that are known, and behind them.
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

/// The fields that must be there.
const REQUIRED: [&str; 2] = ["/success", "/ttsName"];

#[test]
fn null_and_nothing_are_the_same_in_every_optional_place() {
    let mut places = 0;
    for sample in samples() {
        let (mut all_null, mut none) = (sample.json(), sample.json());
        let whole = sample.json();
        // The inner places first, so that they are still there.
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
            // Nothing else goes with it.
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
    // All of the conversation's, and a few of each of the others'.
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
fn what_must_be_there_is_named_when_it_is_not() {
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

/// Where the enums of numbers are.
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

/// Where texts are that are ids, or codes that look like them.
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
fn ids_that_come_as_numbers_are_texts_without_a_digit_lost() {
    for (name, pointer) in IDS {
        let sample = sample(name);
        for id in [
            "0",
            "7",
            "-7",
            // Beyond what a double holds exactly.
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
        // A text stays what it is.
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
fn every_number_may_come_as_a_text() {
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
    // Two times two of the concurrency, one of the avatar, and those of the conversation.
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
    // What no JSON can hold does not leave.
    let resources = Resources::new().with_tts_pitch(f64::NAN).with_tts_volume(f64::INFINITY);
    let answer = ConversationAnswer::new(true, ResponseCode::Ok)
        .with_data(Conversation::new().with_resources(resources));
    let violations = answer.validate().unwrap_err();
    let pointers: Vec<_> = violations.iter().map(|violation| violation.pointer()).collect();
    assert_eq!(pointers, ["/data/detailDto/ttsVolume", "/data/detailDto/ttsPitch"]);
}

#[test]
fn any_other_kind_of_value_is_read_or_refused_at_its_place() {
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
                        // An entry of a list may be meant.
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
fn names_that_are_misspelt_on_the_wire_are_right_here() {
    let concurrency = Concurrency::new().with_corp_id("7").with_total(3).with_in_use(1);
    let wire = json!({"cropId": "7", "totalConcurrentNumber": 3, "userConcurrentNumber": 1});
    assert_eq!(serde_json::to_value(&concurrency).unwrap(), wire);
    assert_eq!(decode_value::<Concurrency>(&wire), Ok(concurrency.clone()));
    assert_eq!(concurrency.corp_id.as_deref(), Some("7"));
    // The right spelling is that of another type.
    let read: Concurrency = decode_value(&json!({"corpId": "7"})).unwrap();
    assert_eq!(read.corp_id, None);
    let conversation = Conversation::new().with_corp_id("7");
    assert_eq!(serde_json::to_value(&conversation).unwrap(), json!({"corpId": "7"}));
    assert!(operations::STOP_ALL_SESSIONS_OF_APP.path.ends_with("/distroyCallSessionsByAppId"));
    assert_eq!(operations::STOP_ALL_SESSIONS_OF_APP.id, "stopAllSessionsOfApp");
}

#[test]
fn the_operations_are_those_of_the_document_and_of_newer_pages() {
    let base = "/duix-openapi-v2/sdk";
    for (operation, id, method, path) in [
        (&operations::CONCURRENCY, "concurrency", Method::GET, "/v2/getconcurrentNumber"),
        (&operations::SESSIONS, "sessions", Method::GET, "/v2/getconcurrentList"),
        (
            &operations::STOP_ALL_SESSIONS_OF_APP,
            "stopAllSessionsOfApp",
            Method::GET,
            "/v2/distroyCallSessionsByAppId",
        ),
        (&operations::STOP_SESSION, "stopSession", Method::GET, "/v2/sessionStop"),
        (&operations::CONVERSATION, "conversation", Method::GET, "/getConversationById"),
        (&operations::CONVERSATION_V2, "conversationV2", Method::GET, "/v2/getConversationById"),
        (&operations::CREATE_AVATAR, "createAvatar", Method::POST, "/v2/createAvatar"),
        (&operations::AVATAR, "avatar", Method::GET, "/v2/queryAvatar"),
    ] {
        assert_eq!((operation.id, &operation.method), (id, &method));
        assert_eq!(operation.path, format!("{base}{path}"), "{id}");
    }
}

#[test]
fn new_takes_what_must_be_there_and_leaves_the_rest_out() {
    fn written(value: impl Serialize + Validate) -> Value {
        value.validate().unwrap();
        serde_json::to_value(value).unwrap()
    }
    let bare = json!({"success": false, "code": "1009"});
    let code = || ResponseCode::QuotaUsedUp;
    for value in [
        written(Envelope::new(false, code())),
        written(ConcurrencyAnswer::new(false, code())),
        written(SessionsAnswer::new(false, code())),
        written(StopAllSessionsAnswer::new(false, code())),
        written(StopSessionAnswer::new(false, code())),
        written(ConversationAnswer::new(false, code())),
        written(CreateAvatarAnswer::new(false, code())),
        written(AvatarAnswer::new(false, code())),
    ] {
        assert_eq!(value, bare);
    }
    for value in [
        written(Concurrency::new()),
        written(Conversation::new()),
        written(Persona::new()),
        written(Resources::new()),
        written(Background::new()),
        written(LanguageModel::new()),
        written(Script::new()),
        written(CreatedAvatar::new()),
        written(Avatar::new()),
    ] {
        assert_eq!(value, json!({}));
    }
    assert_eq!(written(CreateAvatarRequest::new("v")), json!({"ttsName": "v"}));
    // A code may be missing in what is read, and not in what is written.
    let read: Envelope = decode(br#"{"success":true}"#).unwrap();
    let violations = read.validate().unwrap_err();
    assert_eq!(violations.to_string(), "/code: missing, required");
}

#[test]
fn enums_of_numbers_have_names_and_numbers() {
    #[track_caller]
    fn check<T>(known: &[(i64, T, &str)], code: fn(T) -> i64, from_code: fn(i64) -> T)
    where
        T: Copy + PartialEq + Debug + Display + FromStr<Err: Debug> + Serialize + DeserializeOwned,
    {
        for (number, value, name) in known {
            assert_eq!((code(*value), from_code(*number)), (*number, *value));
            assert_eq!((value.to_string().as_str(), format!("{value:?}").as_str()), (*name, *name));
            assert_eq!(number.to_string().parse::<T>().unwrap(), *value);
            assert_eq!(serde_json::to_value(value).unwrap(), json!(number));
        }
        for unknown in [known.len() as i64, -1, i64::MAX, i64::MIN] {
            let value = from_code(unknown);
            assert!(known.iter().all(|(_, known, _)| *known != value), "{unknown}");
            assert_eq!((code(value), value.to_string()), (unknown, unknown.to_string()));
            assert_eq!(from_code(unknown), value);
            assert_eq!(decode_value::<T>(&json!(unknown)), Ok(value));
        }
        assert!("x".parse::<T>().is_err() && "".parse::<T>().is_err());
    }
    use ScriptType::*;
    check(
        &[
            (0, WakeUpWord, "WakeUpWord"),
            (1, OpeningLine, "OpeningLine"),
            (2, WaitingPhrase, "WaitingPhrase"),
            (3, UnknownQuestion, "UnknownQuestion"),
            (4, Farewell, "Farewell"),
            (5, InterruptionPhrase, "InterruptionPhrase"),
            (6, InterruptionSentence, "InterruptionSentence"),
            (7, GuidingPhrase, "GuidingPhrase"),
        ],
        ScriptType::code,
        ScriptType::from_code,
    );
    check(
        &[(0, ModelIdType::Cloud, "Cloud"), (1, ModelIdType::Local, "Local")],
        ModelIdType::code,
        ModelIdType::from_code,
    );
    check(&[(0, Flag::No, "No"), (1, Flag::Yes, "Yes")], Flag::code, Flag::from_code);
}

#[test]
fn a_flag_is_on_if_it_is_one() {
    for (code, on) in [(0, false), (1, true), (2, false), (-1, false)] {
        assert_eq!(Flag::from_code(code).is_on(), on, "{code}");
    }
    assert_eq!((Flag::from(true), Flag::from(false)), (Flag::Yes, Flag::No));
}

#[test]
fn codes_have_names_and_texts() {
    use ResponseCode::*;
    for (text, code) in [
        ("200", Ok),
        ("0", OkNewer),
        ("-1", SystemException),
        ("1005", TokenEmpty),
        ("1006", TokenInvalid),
        ("1007", DialogueNotFound),
        ("1009", QuotaUsedUp),
        ("2002", SessionNotFound),
        ("40001", BadAppIdOrSecret),
        ("40002", InternalError),
    ] {
        assert_eq!((code.as_str(), code.to_string().as_str()), (text, text));
        assert_eq!(text.parse::<ResponseCode>(), Result::Ok(code.clone()));
        assert_eq!(serde_json::to_value(&code).unwrap(), text);
    }
    for text in ["", "1008", "200 ", "+1", "00"] {
        let code: ResponseCode = text.parse().unwrap();
        assert!(matches!(code, Unknown(_)), "{text}");
        assert_eq!(code.as_str(), text);
    }
}

#[cfg(feature = "schemars")]
mod schemas {
    use schemars::schema_for;

    use super::*;

    macro_rules! schemas {
        ($($type:ident),* $(,)?) => {
            [$((stringify!($type), Value::from(schema_for!($type)))),*]
        };
    }

    fn schemas() -> [(&'static str, Value); 22] {
        schemas![
            Avatar,
            AvatarAnswer,
            Background,
            Concurrency,
            ConcurrencyAnswer,
            Conversation,
            ConversationAnswer,
            CreateAvatarAnswer,
            CreateAvatarRequest,
            CreatedAvatar,
            Envelope,
            Flag,
            LanguageModel,
            ModelIdType,
            Persona,
            Resources,
            ResponseCode,
            Script,
            ScriptType,
            SessionsAnswer,
            StopAllSessionsAnswer,
            StopSessionAnswer,
        ]
    }

    /// Calls `visit` with every object of a schema.
    fn each(value: &Value, visit: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visit(object);
                object.values().for_each(|value| each(value, visit));
            }
            Value::Array(items) => items.iter().for_each(|value| each(value, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_type_answers_with_the_schema_of_the_spec() {
        for (name, schema) in schemas() {
            assert_eq!(schema["title"], name);
            let is_enum = schema.get("enum").is_some();
            let kind = match name {
                "ResponseCode" => "string",
                "Flag" | "ModelIdType" | "ScriptType" => "integer",
                _ => "object",
            };
            assert_eq!(schema["type"], kind, "{name}");
            assert_eq!(is_enum, kind != "object", "{name}");
            assert_eq!(schema.get("properties").is_some(), kind == "object", "{name}");
            let mut referred = BTreeSet::new();
            each(&schema, &mut |object| {
                if let Some(Value::String(description)) = object.get("description") {
                    for line in description.lines().map(str::trim) {
                        assert!(SPEC.contains(line), "not in the spec: {line}");
                    }
                }
                if let Some(Value::Object(properties)) = object.get("properties") {
                    for (key, property) in properties {
                        assert!(property["description"].is_string(), "{name} {key}: {property}");
                    }
                }
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(schema.pointer(pointer).is_some(), "{name}: {pointer}");
                    referred.insert(pointer.rsplit_once('/').unwrap().1.to_owned());
                }
                let own = object
                    .keys()
                    .find(|key| key.starts_with("x-") || *key == "nullable" || *key == "example");
                assert_eq!(own, None, "{name}: words of OpenAPI in a JSON Schema");
            });
            assert!(schema["description"].is_string(), "{name}");
            let defined: BTreeSet<_> = schema["$defs"]
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys().cloned())
                .collect();
            assert_eq!(referred, defined, "{name}");
        }
    }

    #[test]
    fn a_conversation_has_the_fields_of_the_example_in_its_order() {
        let example = sample("conversation").json();
        for (name, pointer) in [
            ("Conversation", "/data"),
            ("Persona", "/data/conversationInfoDto"),
            ("Resources", "/data/detailDto"),
            ("Background", "/data/detailDto/backgroundDto"),
            ("LanguageModel", "/data/modelDtoList/0"),
            ("Script", "/data/scriptDtoList/0"),
        ] {
            let schema = schemas().into_iter().find(|(other, _)| *other == name).unwrap().1;
            let keys = |value: &Value| -> Vec<String> {
                value.as_object().unwrap().keys().cloned().collect()
            };
            let shown = keys(example.pointer(pointer).unwrap());
            let fields = keys(&schema["properties"]);
            let sorted = |keys: &[String]| keys.iter().cloned().collect::<BTreeSet<_>>();
            assert_eq!(sorted(&fields), sorted(&shown), "{name}");
            assert_eq!(schema.get("required"), None, "{name}");
        }
    }

    #[test]
    fn values_and_required_fields_are_in_the_schema() {
        let at = |name: &str, pointer: &str| {
            let (_, schema) = schemas().into_iter().find(|(other, _)| *other == name).unwrap();
            schema
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{name} {pointer}: {schema:#}"))
                .clone()
        };
        for (name, pointer, expected) in [
            ("ScriptType", "/enum", json!([0, 1, 2, 3, 4, 5, 6, 7])),
            ("ModelIdType", "/enum", json!([0, 1])),
            ("Flag", "/enum", json!([0, 1])),
            (
                "ResponseCode",
                "/enum",
                json!(["200", "0", "-1", "1005", "1006", "1007", "1009", "2002", "40001", "40002"]),
            ),
            ("Envelope", "/required", json!(["success", "code"])),
            ("AvatarAnswer", "/required", json!(["success", "code"])),
            ("CreateAvatarRequest", "/required", json!(["ttsName"])),
            ("Concurrency", "/properties/cropId/type", json!(["string", "null"])),
            ("Resources", "/properties/ttsVolume/type", json!(["number", "null"])),
            ("Script", "/properties/id/type", json!(["integer", "null"])),
            (
                "CreateAvatarRequest",
                "/properties/defaultSpeakingLanguage/default",
                json!("English"),
            ),
        ] {
            assert_eq!(at(name, pointer), expected, "{name} {pointer}");
        }
    }
}
