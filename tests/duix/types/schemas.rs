//! The JSON Schemas of the types.

use schemars::schema_for;

use super::*;
use crate::support::schemas;

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

#[test]
fn every_type_has_the_schema_of_the_spec() {
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
        schemas::descriptions(&schema, SPEC);
        schemas::definitions(&schema);
        schemas::no_openapi_keywords(&schema);
        assert!(schema["description"].is_string(), "{name}");
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
        let keys =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
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
        schema.pointer(pointer).unwrap_or_else(|| panic!("{name} {pointer}: {schema:#}")).clone()
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
        ("CreateAvatarRequest", "/properties/defaultSpeakingLanguage/default", json!("English")),
    ] {
        assert_eq!(at(name, pointer), expected, "{name} {pointer}");
    }
}
