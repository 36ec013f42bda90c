//! Every file of `tests/fixtures/odfs`: read and written back, with parts missing, with parts of another
//! kind, and with private texts.

use super::*;

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("odfs", &samples());
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
fn every_sample_of_the_document_is_read_as_its_page_says() {
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
fn null_reads_as_missing_or_the_error_names_the_place() {
    for sample in samples() {
        let places = places(&sample.json()).into_iter().map(|(place, _)| place);
        let required = types::null_reads_as_missing(&sample, places);
        let expected: BTreeSet<_> = sample.about.iter().map(ToString::to_string).collect();
        assert_eq!(required, expected, "{}", sample.name);
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
fn the_second_spelling_of_extparams_is_read() {
    for name in ["start", "interacted", "full-transferred", "full-capture", "full-recognize"] {
        let sample = sample(name);
        let mut document = sample.json();
        let moved = document.as_object_mut().unwrap().remove("extparams").unwrap();
        document["ExtParams"] = moved;
        assert_eq!(sample.read(&document), sample.json(), "{name}");
    }
}

/// The fields of requests whose value decides the answer. The others may be missing or unreadable.
const DECISIVE: [&str; 9] = [
    "",
    "/userid",
    "/inaction",
    "/inparams",
    "/inparams/auth_token",
    "/inparams/flow_result_type",
    "/inparams/input",
    "/inparams/inter_no",
    "/inparams/trans_result",
];

fn is_request(sample: &Sample<&[&str]>) -> bool {
    sample.json().get("inaction").is_some()
}

#[test]
fn a_value_of_another_kind_is_refused_at_its_place_without_the_value() {
    for sample in samples() {
        let places = places(&sample.json()).into_iter().map(|(place, _)| place);
        let places = places.filter(|place| !is_request(&sample) || DECISIVE.contains(&&**place));
        types::another_kind_is_refused(&sample, places, &["/outparams/prompt_text"]);
    }
}

#[test]
fn a_value_of_another_kind_reads_as_missing_where_the_flow_can_do_without() {
    let mut count = 0;
    for sample in samples().into_iter().filter(is_request) {
        for (place, value) in places(&sample.json()) {
            if DECISIVE.contains(&&*place) {
                continue;
            }
            let other = if value.is_object() { json!("4711") } else { json!([4711]) };
            let mut document = sample.json();
            set(&mut document, &place, other);
            let missing = sample.read(&without(sample.json(), &place));
            assert_eq!(sample.read(&document), missing, "{} {place}", sample.name);
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn private_texts_do_not_show() {
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
        // The call id shows, as logs are searched for it.
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
fn every_type_has_the_schema_of_the_spec() {
    use crate::support::schemas;

    for (schema, definitions) in
        [(schemars::schema_for!(Request), 20), (schemars::schema_for!(Response), 20)]
    {
        let schema = Value::from(schema);
        assert!(schema["$defs"].as_object().unwrap().len() >= definitions, "{schema:#}");
        schemas::no_openapi_keywords(&schema);
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

#[test]
fn odd_forms_of_json_are_read_at_every_place() {
    for sample in samples() {
        sample.odd_forms_are_read(&["/extparams/anything", "/recomand_KP/1/id"]);
    }
}
