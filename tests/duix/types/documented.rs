//! The documented examples, read into fields one by one.

use super::*;

/// The conversation of the document's example, built in Rust.
fn documented() -> Conversation {
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
        .with_resources(documented_resources())
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
        .with_scripts(documented_scripts())
}

fn documented_resources() -> Resources {
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
        .with_human_y(120)
}

fn documented_scripts() -> [Script; 8] {
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
    [
        script(2728, ScriptType::WakeUpWord, "Els silvrants"),
        script(2729, ScriptType::OpeningLine, "Hello, welcome to Duix")
            .with_tts_content(audio("1800-_-633043663081836544--FC34641E6EB0A22404C845E219904E81")),
        script(2730, ScriptType::WaitingPhrase, "Wait a moment, I'll think about it")
            .with_tts_content(audio("1630-_-633043667485855744--3F501A3CA51F4DFAFBACE254DD2E3E32")),
        script(2731, ScriptType::UnknownQuestion, sorry)
            .with_tts_content(audio("2300-_-633043669830471680--2C5A656A6FBEA2CE09037F21F3DF8434")),
        script(2732, ScriptType::Farewell, sorry)
            .with_tts_content(audio("560-_-633043672326082560--051995577E5C4B5818F952C04A7997E2")),
        script(2733, ScriptType::InterruptionPhrase, "Stop talking"),
        script(2734, ScriptType::InterruptionSentence, "Okay, you can speak first")
            .with_tts_content(audio("1600-_-633043674196742144--FC70FD95B50E8CEC9D9151905AE13F7F")),
        script(2735, ScriptType::GuidingPhrase, "What is a digital person")
            .with_tts_content(audio("1080-_-633043676541358080--414A4CBCE8B52677F05DAECFD1437BD0")),
    ]
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
    // The fields of any JSON: the example has null for each of them, and one empty list.
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
    // The built conversation is written as the document has it.
    let made = ConversationAnswer::new(true, ResponseCode::Ok)
        .with_message("SUCCESS")
        .with_data(documented());
    assert_eq!(plain(serde_json::to_value(&made).unwrap()), sample.plain(sample.json()));
    // In the same order, too.
    let keys = |value: &Value| -> Vec<String> {
        let known = |key: &&String| !sample.json()["data"][key.as_str()].is_null();
        value["data"].as_object().unwrap().keys().filter(known).cloned().collect()
    };
    let mut expected = keys(&sample.json());
    expected.retain(|key| key != "knowledgeDtoList");
    assert_eq!(keys(&serde_json::to_value(&made).unwrap()), expected);
}

#[test]
fn fields_of_any_json_are_kept_unchanged() {
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
    // A picture may show a person.
    assert!(!format!("{request:?}{request:#?}").contains("iVBOR"));
    assert!(format!("{request:?}").contains("voice-1"));
}

#[test]
fn misspelled_names_of_the_wire_are_corrected_in_rust() {
    let concurrency = Concurrency::new().with_corp_id("7").with_total(3).with_in_use(1);
    let wire = json!({"cropId": "7", "totalConcurrentNumber": 3, "userConcurrentNumber": 1});
    assert_eq!(serde_json::to_value(&concurrency).unwrap(), wire);
    assert_eq!(decode_value::<Concurrency>(&wire), Ok(concurrency.clone()));
    assert_eq!(concurrency.corp_id.as_deref(), Some("7"));
    // The correct spelling belongs to another type.
    let read: Concurrency = decode_value(&json!({"corpId": "7"})).unwrap();
    assert_eq!(read.corp_id, None);
    let conversation = Conversation::new().with_corp_id("7");
    assert_eq!(serde_json::to_value(&conversation).unwrap(), json!({"corpId": "7"}));
    assert!(operations::STOP_ALL_SESSIONS_OF_APP.path.ends_with("/distroyCallSessionsByAppId"));
    assert_eq!(operations::STOP_ALL_SESSIONS_OF_APP.id, "stopAllSessionsOfApp");
}

#[test]
fn the_operations_equal_those_of_the_document_and_newer_pages() {
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
fn new_takes_the_required_fields_and_leaves_the_rest_unset() {
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
    // A code may be missing on reading, but not on writing.
    let read: Envelope = decode(br#"{"success":true}"#).unwrap();
    let violations = read.validate().unwrap_err();
    assert_eq!(violations.to_string(), "/code: missing, required");
}
