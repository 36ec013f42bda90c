//! Ids, numbers and codes, which arrive as numbers or as texts.

use super::*;

/// The pointers of the number enums.
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
            // The document's table has a string, its example a number.
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

/// The texts that are ids, or codes that look like ids: sample and pointer.
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
fn ids_that_arrive_as_numbers_become_texts_without_losing_a_digit() {
    for (name, pointer) in IDS {
        let sample = sample(name);
        for id in [
            "0",
            "7",
            "-7",
            // Beyond the integers that a double holds exactly.
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
        // A text stays unchanged.
        for id in ["", "007", "0513e935-041f-48e0-9330-652ef4194511", "编号", "1e5", " 7 "] {
            let mut document = sample.json();
            put(&mut document, pointer, id.into());
            assert_eq!(sample.read(&document).pointer(pointer), Some(&json!(id)), "{name}");
        }
    }
}

#[test]
fn nested_ids_are_64_bit_integers() {
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
fn every_number_may_arrive_as_a_text() {
    let mut numbers = 0;
    for sample in samples().iter().filter(|sample| !sample.about.0) {
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
    // Two in each concurrency, one in the avatar, and those of the conversation.
    assert_eq!(numbers, 4 + 1 + 6 + 5 + 15 + 2 + 3 + 8 * 2);
}

#[test]
fn the_numbers_of_a_voice_may_be_fractions() {
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
    // Numbers that JSON cannot hold are not written.
    let resources = Resources::new().with_tts_pitch(f64::NAN).with_tts_volume(f64::INFINITY);
    let answer = ConversationAnswer::new(true, ResponseCode::Ok)
        .with_data(Conversation::new().with_resources(resources));
    let violations = answer.validate().unwrap_err();
    let pointers: Vec<_> = violations.iter().map(|violation| violation.pointer()).collect();
    assert_eq!(pointers, ["/data/detailDto/ttsVolume", "/data/detailDto/ttsPitch"]);
}
