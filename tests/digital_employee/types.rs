//! The types of Digital Employee: how they are built, their defaults, open enums, unions, what is hidden,
//! what is checked before writing, and their schemas.

use std::fmt::Debug;

use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, Acknowledgement,
    BeginSessionRequest, BeginSessionRequestFields, Control, DataType, DialogueRequest,
    DialogueRequestFields, EndSessionRequest, EndSessionRequestFields, Event, Extra, GatherDtmf,
    HangUp, Input, Packet, PacketData, PacketFields, ResponseCode, SynthesizerConfig, Terminator,
    Transfer, TransferType, VendorParams, Voice,
};
use callbot::wire::{Validate, decode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::types;

fn written(value: impl Serialize) -> Value {
    types::written(&value)
}

#[test]
fn new_takes_the_required_fields_and_leaves_the_rest_unset() {
    let data = || PacketData::new(true, 7);
    let cases = [
        (
            written(BeginSessionRequest::new(BeginSessionRequestFields {
                request_id: "r",
                tenant_id: 1,
                instance_id: "i",
                script_id: "c",
                session_id: "s",
                stream_id: "t",
                vendor_params: VendorParams::new("1", "2"),
            })),
            json!({"requestId": "r", "tenantId": 1, "instanceId": "i", "scriptId": "c",
                "sessionId": "s", "streamId": "t",
                "vendorParams": {"callingNumber": "1", "calledNumber": "2"}}),
        ),
        (
            written(DialogueRequest::new(DialogueRequestFields {
                request_id: "r",
                tenant_id: 1,
                instance_id: "i",
                script_id: "c",
                session_id: "s",
                stream_id: "t",
                utterance: "",
            })),
            json!({"requestId": "r", "tenantId": 1, "instanceId": "i", "scriptId": "c",
                "sessionId": "s", "streamId": "t", "utterance": ""}),
        ),
        (
            written(AbortDialogueRequest::new(AbortDialogueRequestFields {
                request_id: "r",
                tenant_id: 1,
                instance_id: "i",
                session_id: "s",
                stream_id: "t",
                type_: AbortType::Canceled,
            })),
            json!({"requestId": "r", "tenantId": 1, "instanceId": "i", "sessionId": "s",
                "streamId": "t", "type": "Canceled"}),
        ),
        (
            written(EndSessionRequest::new(EndSessionRequestFields {
                request_id: "r",
                tenant_id: 1,
                instance_id: "i",
                script_id: "c",
                session_id: "s",
            })),
            json!({"requestId": "r", "tenantId": 1, "instanceId": "i", "scriptId": "c",
                "sessionId": "s"}),
        ),
        (
            written(Packet::new(PacketFields {
                request_id: "r",
                http_status_code: 200,
                code: ResponseCode::Ok,
                data: data(),
            })),
            json!({"requestId": "r", "httpStatusCode": 200, "code": "OK",
                "data": {"streamEnd": true, "updatedTime": 7}}),
        ),
        (
            written(Acknowledgement::new("r", 500, ResponseCode::Error)),
            json!({"requestId": "r", "httpStatusCode": 500, "code": "Error"}),
        ),
        (written(Extra::new()), json!({})),
        (written(Control::from(HangUp::new())), json!({"type": "HangUp"})),
        (written(Control::from(Voice::new())), json!({"type": "Voice"})),
        (
            written(Control::from(Transfer::new(TransferType::Agent, "a"))),
            json!({"type": "Transfer", "transferType": "Agent", "transferee": "a"}),
        ),
        (
            written(Control::from(GatherDtmf::new(Terminator::Hash, 4, 5))),
            json!({"type": "GatherDtmf", "terminator": "#", "maxDigits": 4, "timeout": 5}),
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
    }
}

#[test]
fn each_with_method_sets_one_field() {
    let voice =
        SynthesizerConfig::new("v").with_volume(1.5).with_pitch_rate(2.0).with_speech_rate(-3.0);
    let controls = [
        Voice::new()
            .with_interruptible(true)
            .with_silence_detection_timeout(3)
            .with_synthesizer_config(voice)
            .into(),
        GatherDtmf::new(Terminator::Hash, 1, 2).with_disable_voice_input(false).into(),
        Transfer::new(TransferType::External, "123").with_transferor("456").into(),
        HangUp::new().with_delay(4).with_reason("done").into(),
    ];
    let data = PacketData::new(false, 8)
        .with_session_id("s")
        .with_stream_id("t")
        .with_answer("a")
        .with_controls(controls);
    let packet = Packet::new(PacketFields {
        request_id: "r",
        http_status_code: 200,
        code: ResponseCode::Ok,
        data,
    })
    .with_message("m");
    assert_eq!(
        written(&packet),
        json!({"requestId": "r", "httpStatusCode": 200, "code": "OK", "message": "m",
            "data": {"streamEnd": false, "updatedTime": 8, "sessionId": "s", "streamId": "t",
                "answer": "a", "controlParamsList": [
                {"type": "Voice", "interruptible": true, "silenceDetectionTimeout": 3,
                    "synthesizerConfig":
                        {"voice": "v", "volume": 1.5, "pitchRate": 2.0, "speechRate": -3.0}},
                {"type": "GatherDtmf", "terminator": "#", "maxDigits": 1, "timeout": 2,
                    "disableVoiceInput": false},
                {"type": "Transfer", "transferType": "External", "transferee": "123",
                    "transferor": "456"},
                {"type": "HangUp", "delay": 4, "reason": "done"}]}})
    );
    assert_eq!(packet.validate(), Ok(()));
    let extra = Extra::new().with_data_type(DataType::Dtmf).with_dtmf("12");
    let request = DialogueRequest::new(DialogueRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "i",
        script_id: "c",
        session_id: "s",
        stream_id: "t",
        utterance: "",
    })
    .with_extras([extra]);
    assert_eq!(written(request)["extras"], json!([{"dataType": "DTMF", "dtmf": "12"}]));
    let abort = AbortDialogueRequest::new(AbortDialogueRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "i",
        session_id: "s",
        stream_id: "t",
        type_: AbortType::Canceled,
    });
    let abort = written(abort.with_script_id("c").with_answer("a"));
    assert_eq!((&abort["scriptId"], &abort["answer"]), (&json!("c"), &json!("a")));
    let context =
        written(VendorParams::new("1", "2").with_extra("vip", "x").with_extra("vip", "gold"));
    assert_eq!(context, json!({"callingNumber": "1", "calledNumber": "2", "vip": "gold"}));
    let ack = Acknowledgement::new("r", 200, ResponseCode::Ok).with_message("m");
    assert_eq!(ack.message.as_deref(), Some("m"));
}

#[test]
fn absent_fields_count_as_the_default_of_the_spec() {
    let (hang_up, voice) = (HangUp::new(), Voice::new());
    let gather = GatherDtmf::new(Terminator::Hash, 1, 5);
    let config = SynthesizerConfig::new("v");
    assert_eq!((hang_up.delay_or_default(), hang_up.with_delay(3).delay_or_default()), (0, 3));
    assert!(gather.disable_voice_input_or_default());
    assert!(!gather.with_disable_voice_input(false).disable_voice_input_or_default());
    assert_eq!(
        (voice.interruptible_or_default(), voice.silence_detection_timeout_or_default()),
        (false, 5)
    );
    let voice = voice.with_interruptible(true).with_silence_detection_timeout(9);
    assert_eq!(
        (voice.interruptible_or_default(), voice.silence_detection_timeout_or_default()),
        (true, 9)
    );
    let defaults = [
        config.volume_or_default(),
        config.pitch_rate_or_default(),
        config.speech_rate_or_default(),
    ];
    assert_eq!(defaults, [50.0, 0.0, 0.0]);
    let config = config.with_volume(1.0).with_pitch_rate(2.0).with_speech_rate(3.0);
    let set = [
        config.volume_or_default(),
        config.pitch_rate_or_default(),
        config.speech_rate_or_default(),
    ];
    assert_eq!(set, [1.0, 2.0, 3.0]);
}

#[test]
fn open_enums_know_their_values_and_keep_others() {
    types::texts! {
        DataType: Dtmf = "DTMF", Silence = "Silence";
        AbortType: Canceled = "Canceled", Interrupted = "Interrupted";
        ResponseCode: Ok = "OK", Exception = "Exception", Error = "Error";
        TransferType: SkillGroup = "SkillGroup", Agent = "Agent", External = "External";
        Terminator: Hash = "#";
    }
}

#[test]
fn a_control_has_its_kind_and_an_unknown_one_keeps_its_json() {
    let known: [(Control, &str); 4] = [
        (HangUp::new().into(), "HangUp"),
        (Transfer::new(TransferType::Agent, "a").into(), "Transfer"),
        (GatherDtmf::new(Terminator::Hash, 1, 5).into(), "GatherDtmf"),
        (Voice::new().into(), "Voice"),
    ];
    for (control, kind) in known {
        assert_eq!(control.kind(), kind);
        assert_eq!(written(&control)["type"], kind);
        assert_eq!(decode(written(&control).to_string().as_bytes()), Ok(control));
    }
    let json = json!({"type": "SendSms", "to": "13500000001", "nested": {"a": [1, null]}});
    let control: Control = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(control.kind(), "SendSms");
    assert_eq!(written(&control), json);
    let Control::Unknown(unknown) = &control else { panic!("{control:?}") };
    assert_eq!(Value::Object(unknown.json().clone()), json);
    let shown = format!("{control:?}");
    assert!(shown.contains("SendSms") && !shown.contains("13500000001"), "{shown}");
}

#[test]
fn private_texts_do_not_show_in_the_debug_of_a_request() {
    const PRIVATE: &str = "4711-hush";
    let begin = BeginSessionRequest::new(BeginSessionRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: "t-1",
        vendor_params: VendorParams::new(PRIVATE, PRIVATE)
            .with_extra("card", PRIVATE)
            .with_extra(PRIVATE, "x"),
    });
    let extra = Extra::new().with_data_type(DataType::Dtmf).with_dtmf(PRIVATE);
    let dialogue = DialogueRequest::new(DialogueRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        script_id: "sc-1",
        session_id: "s-1",
        stream_id: "t-1",
        utterance: PRIVATE,
    })
    .with_extras([extra.clone()]);
    let abort = AbortDialogueRequest::new(AbortDialogueRequestFields {
        request_id: "r-1",
        tenant_id: 1,
        instance_id: "n1",
        session_id: "s-1",
        stream_id: "t-1",
        type_: AbortType::Canceled,
    })
    .with_answer(PRIVATE);
    let shown: [&dyn Debug; 7] = [
        &begin,
        &begin.vendor_params,
        &dialogue,
        &extra,
        &abort,
        &Input::Speech(PRIVATE),
        &Input::Keys(PRIVATE.into()),
    ];
    for value in shown {
        let text = format!("{value:?} {value:#?}");
        assert!(!text.contains(PRIVATE), "{text}");
        assert!(text.contains("[hidden]"), "{text}");
    }
    // The ids of the call show, as logs are searched for them.
    for text in [format!("{begin:?}"), format!("{dialogue:?}"), format!("{abort:?}")] {
        assert!(text.contains("r-1") && text.contains("s-1") && text.contains("t-1"), "{text}");
    }
    // Values that can't be read do not show either.
    for json in [
        json!({"utterance": {PRIVATE: 1}}),
        json!({"streamId": [PRIVATE]}),
        json!({"extras": PRIVATE}),
        json!({"extras": [{"dtmf": [PRIVATE]}]}),
        json!({"utterance": 4711}),
    ] {
        let mut document = written(&dialogue);
        document.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        let error = decode::<DialogueRequest>(document.to_string().as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("4711"), "{error}");
    }
}

#[test]
fn all_violations_are_listed_with_place_value_and_range() {
    let config = SynthesizerConfig::new("v").with_volume(f64::NAN).with_speech_rate(f64::INFINITY);
    let controls: [Control; 6] = [
        HangUp::new().with_delay(11).into(),
        GatherDtmf::new(Terminator::Hash, 0, 11).into(),
        Voice::new().with_silence_detection_timeout(0).with_synthesizer_config(config).into(),
        Transfer::new(TransferType::External, "x").into(),
        Transfer::new(TransferType::SkillGroup, "x").into(),
        HangUp::new().with_delay(-1).into(),
    ];
    let mut packet = Packet::new(PacketFields {
        request_id: "r",
        http_status_code: 200,
        code: ResponseCode::Ok,
        data: PacketData::new(true, 1).with_controls(controls),
    });
    packet.request_id = None;
    packet.data.as_mut().unwrap().updated_time = None;
    let violations = packet.validate().unwrap_err();
    let found: Vec<_> =
        violations.iter().map(|one| (one.pointer(), one.value(), one.allowed())).collect();
    let list = "/data/controlParamsList";
    let expected = [
        ("/requestId".into(), None, "required"),
        ("/data/updatedTime".into(), None, "required"),
        (format!("{list}/0/delay"), Some("11"), "0 to 10"),
        (format!("{list}/1/maxDigits"), Some("0"), "1 to 100"),
        (format!("{list}/1/timeout"), Some("11"), "1 to 10"),
        (format!("{list}/2/silenceDetectionTimeout"), Some("0"), "1 to 10"),
        (format!("{list}/2/synthesizerConfig/volume"), Some("NaN"), "a finite number"),
        (format!("{list}/2/synthesizerConfig/speechRate"), Some("inf"), "a finite number"),
        (format!("{list}/3/transferor"), None, "required when `transferType` is External"),
        (format!("{list}/5/delay"), Some("-1"), "0 to 10"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(pointer, value, allowed)| (pointer.as_str(), *value, *allowed))
        .collect();
    assert_eq!(found, expected);
    let text = violations.to_string();
    for (pointer, ..) in expected {
        assert!(text.contains(pointer), "{text}");
    }
    packet.data = None;
    assert_eq!(
        packet.validate().unwrap_err().to_string(),
        "/requestId: missing, required; /data: missing, required"
    );
}

#[test]
fn the_bounds_of_every_range_are_allowed() {
    let gather =
        |digits, timeout| Control::from(GatherDtmf::new(Terminator::Hash, digits, timeout));
    let voice = |silence| Control::from(Voice::new().with_silence_detection_timeout(silence));
    let hang_up = |delay| Control::from(HangUp::new().with_delay(delay));
    for (control, valid) in [
        (hang_up(0), true),
        (hang_up(10), true),
        (hang_up(-1), false),
        (hang_up(11), false),
        (gather(1, 1), true),
        (gather(100, 10), true),
        (gather(0, 5), false),
        (gather(101, 5), false),
        (gather(5, 0), false),
        (gather(5, 11), false),
        (voice(1), true),
        (voice(10), true),
        (voice(0), false),
        (voice(11), false),
    ] {
        assert_eq!(control.validate().is_ok(), valid, "{control:?}");
        // Ranges apply only to writing: values out of range are read.
        assert_eq!(decode(written(&control).to_string().as_bytes()), Ok(control));
    }
}

#[test]
fn a_terminator_other_than_the_hash_key_is_a_violation() {
    let gather = GatherDtmf::new("*".parse().unwrap(), 4, 5);
    let violations = gather.validate().unwrap_err();
    assert_eq!(violations.iter().next().unwrap().pointer(), "/terminator");
}

#[test]
fn a_context_key_that_has_a_field_is_a_violation() {
    let context =
        VendorParams::new("1", "2").with_extra("calledNumber", "4711").with_extra("vip", "x");
    let violations = context.validate().unwrap_err();
    let [one] = violations.iter().collect::<Vec<_>>()[..] else { panic!("{violations}") };
    assert_eq!(one.pointer(), "/calledNumber");
    assert!(!violations.to_string().contains("4711"), "{violations}");
}

#[test]
fn the_input_of_a_turn_is_dtmf_or_silence_or_otherwise_speech() {
    let extra = |kind: &str| Extra::new().with_data_type(kind.parse().unwrap());
    let keys = |kind: &str, keys: &str| extra(kind).with_dtmf(keys);
    for (utterance, extras, expected) in [
        ("hello", vec![], Input::Speech("hello")),
        (" hello ", vec![], Input::Speech(" hello ")),
        ("", vec![], Input::Silence),
        (" \t\n", vec![], Input::Silence),
        ("", vec![keys("Noise", "12#")], Input::Silence),
        ("hello", vec![keys("DTMF", "12#")], Input::Keys("12#".into())),
        ("", vec![keys("dtmf", "12#")], Input::Keys("12#".into())),
        ("hello", vec![extra("SILENCE")], Input::Silence),
        ("hello", vec![keys("Noise", "1"), Extra::new()], Input::Speech("hello")),
        // Several extras are one input, in order, and the keys count more than silence.
        (
            "",
            vec![keys("DTMF", "1"), keys("dtmf", "2"), keys("DTMF", "3")],
            Input::Keys("123".into()),
        ),
        ("", vec![extra("Silence"), extra("DTMF"), keys("DTMF", "4")], Input::Keys("4".into())),
        // The time for keys has passed.
        ("", vec![extra("DTMF")], Input::Silence),
        ("", vec![keys("DTMF", ""), keys("DTMF", " ")], Input::Silence),
        ("hello", vec![extra("DTMF")], Input::Silence),
    ] {
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "i",
            script_id: "c",
            session_id: "s",
            stream_id: "t",
            utterance,
        })
        .with_extras(extras);
        assert!(request.input() == expected, "{utterance:?}: {request:?}: {:?}", request.extras);
    }
}

#[test]
fn events_are_created_from_texts_and_from_controls() {
    let hang_up = HangUp::new().with_delay(1);
    let both = Event::text("Bye").with(hang_up.clone()).with(Voice::new());
    assert_eq!((both.text.as_str(), both.controls.len()), ("Bye", 2));
    assert_eq!(Event::from("Bye"), Event::from("Bye".to_owned()));
    assert_eq!(Event::from(hang_up.clone()), Event::control(Control::HangUp(hang_up)));
    assert_eq!(Event::default(), Event::text(""));
}

#[cfg(feature = "schemars")]
mod schemas {
    use callbot::digital_employee::{BeginSessionRequest, Control, Packet, SPEC};
    use schemars::schema_for;
    use serde_json::Value;

    use crate::support::schemas;

    #[test]
    fn every_reference_leads_to_a_definition_and_every_definition_is_referred_to() {
        for (schema, expected) in [
            (
                schema_for!(Packet),
                "Control GatherDtmf HangUp PacketData ResponseCode SynthesizerConfig Terminator \
                 Transfer TransferType Voice",
            ),
            (
                schema_for!(Control),
                "GatherDtmf HangUp SynthesizerConfig Terminator Transfer TransferType Voice",
            ),
            (schema_for!(BeginSessionRequest), "VendorParams"),
        ] {
            let schema = Value::from(schema);
            let defined = schemas::definitions(&schema);
            assert_eq!(defined.into_iter().collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn every_type_and_every_field_has_the_description_of_the_spec() {
        let schema = Value::from(schema_for!(Packet));
        let described = schemas::descriptions(&schema, SPEC);
        // Every type, and the fields of all seven objects.
        assert_eq!(described, 11 + 5 + 6 + 3 + 4 + 5 + 4 + 4);
        let answer = &schema["$defs"]["PacketData"]["properties"]["answer"]["description"];
        assert!(answer.as_str().unwrap().starts_with("The text to speak: the **whole** answer"));
    }

    #[test]
    fn ranges_defaults_values_and_required_fields_are_in_the_schema() {
        let schema = Value::from(schema_for!(Packet));
        let at = |pointer: &str| {
            schema
                .pointer(&format!("/$defs/{pointer}"))
                .unwrap_or_else(|| panic!("{pointer}: {schema:#}"))
        };
        for (pointer, expected) in [
            ("HangUp/properties/delay/maximum", "10"),
            ("HangUp/properties/delay/default", "0"),
            ("HangUp/required", r#"["type"]"#),
            ("HangUp/properties/type/enum", r#"["HangUp"]"#),
            ("GatherDtmf/properties/maxDigits/minimum", "1"),
            ("GatherDtmf/required", r##"["type","terminator","maxDigits","timeout"]"##),
            ("TransferType/enum", r#"["SkillGroup","Agent","External"]"#),
        ] {
            assert_eq!(at(pointer).to_string(), expected, "{pointer}");
        }
        assert_eq!(at("Control/oneOf").as_array().unwrap().len(), 4);
        let answer = at("PacketData/properties/answer/type");
        assert_eq!(*answer, serde_json::json!(["string", "null"]));
        schemas::no_openapi_keywords(&schema);
    }
}
