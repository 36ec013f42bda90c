//! The JSON Schemas of the types.

use super::messages::{agent_messages, client_messages};
use super::*;
use crate::support::schemas;

fn schema<T: schemars::JsonSchema>() -> Value {
    schemars::schema_for!(T).into()
}

/// Returns whether a value fits a schema. Knows only the keywords of these schemas.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let kind = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some(other) => panic!("{other}"),
    };
    let number = value.as_f64();
    let length = value.as_str().map(|text| text.chars().count() as f64);
    let items = value.as_array().map(|items| items.len() as f64);
    let below = |found: Option<f64>, limit: &str| {
        found.zip(schema[limit].as_f64()).is_none_or(|(found, limit)| found <= limit)
    };
    let above = |found: Option<f64>, limit: &str| {
        found.zip(schema[limit].as_f64()).is_none_or(|(found, limit)| found >= limit)
    };
    let all = |list: &str| schema[list].as_array().into_iter().flatten();
    let reference = schema["$ref"].as_str().map(|name| {
        root.pointer(name.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{name}"))
    });
    kind && below(number, "maximum")
        && above(number, "minimum")
        && below(length, "maxLength")
        && above(length, "minLength")
        && below(items, "maxItems")
        && schema.get("const").is_none_or(|only| only == value)
        && schema.get("enum").is_none_or(|values| values.as_array().unwrap().contains(value))
        && all("required").all(|key| value.get(key.as_str().unwrap()).is_some())
        && all("allOf").all(|schema| fits(root, schema, value))
        && schema
            .get("oneOf")
            .is_none_or(|_| all("oneOf").filter(|schema| fits(root, schema, value)).count() == 1)
        && reference.is_none_or(|schema| fits(root, schema, value))
        && value
            .as_array()
            .into_iter()
            .flatten()
            .all(|item| schema.get("items").is_none_or(|schema| fits(root, schema, item)))
        && value.as_object().into_iter().flatten().all(|(key, value)| {
            schema["properties"].get(key).is_none_or(|schema| fits(root, schema, value))
        })
}

#[test]
fn the_schema_of_a_configuration_accepts_valid_documents_and_refuses_others() {
    let schema = schema::<AgentConfig>();
    for name in ["agent-config-default", "agent-config-joined", "agent-config-full"] {
        assert!(fits(&schema, &schema, &sample(name)), "{name}");
    }
    for (place, value) in [
        ("/Volume", json!(401)),
        ("/Volume", json!("100")),
        ("/AsrConfig/VadLevel", json!(12)),
        ("/AsrConfig/AsrHotWords", vec!["a"; 501].into()),
        ("/BackChannelingConfig/0/Probability", json!(1.5)),
        ("/LlmConfig/BailianAppParams", json!({})),
    ] {
        assert!(!fits(&schema, &schema, &document(place, value)), "{place}");
    }
}

#[test]
fn the_schema_of_a_configuration_describes_the_json_in_its_strings() {
    let schema = schema::<AgentConfig>();
    for place in ["WorkflowOverrideParams", "ExperimentalConfig"] {
        let property = &schema["properties"][place];
        assert_eq!(property["type"], "string");
        assert_eq!(property["contentMediaType"], "application/json");
        assert_eq!(property["contentSchema"], json!({"type": "object"}));
    }
    schemas::no_openapi_keywords(&schema);
}

#[test]
fn the_schemas_of_messages_have_an_arm_for_each_number_with_its_data() {
    fn check(schema: &Value, rows: Vec<(i64, Value, Value)>) {
        let arms = schema["oneOf"].as_array().unwrap();
        assert_eq!(arms.len(), rows.len());
        for (arm, (number, data, wire)) in arms.iter().zip(rows) {
            let arm = match arm["$ref"].as_str() {
                Some(name) => schema.pointer(name.strip_prefix('#').unwrap()).unwrap(),
                None => arm,
            };
            assert_eq!(arm["properties"]["type"]["enum"], json!([number]), "{arm}");
            // The data of two messages is not documented: any JSON is allowed, or none.
            let open = matches!(number, 1008 | 1009);
            let has_data = open || !data.is_null();
            assert_eq!(arm["properties"].get("data").is_some(), has_data, "{arm}");
            let required = arm["required"].as_array().unwrap();
            assert_eq!(required.contains(&json!("data")), !data.is_null(), "{arm}");
            assert!(required.contains(&json!("type")), "{arm}");
            assert!(fits(schema, schema, &wire), "{wire}");
        }
    }
    let agent = agent_messages().into_iter().map(|(n, data, m)| (n, data, written(&m)));
    check(&schema::<AgentMessage>(), agent.collect());
    let client = client_messages().into_iter().map(|(n, data, m)| (n, data, written(&m)));
    check(&schema::<ClientMessage>(), client.collect());
}

#[test]
fn the_schemas_of_messages_refuse_data_of_another_number() {
    let schema = schema::<AgentMessage>();
    for wire in [
        json!({"type": 1001, "data": {"text": "a"}}),
        json!({"type": 1001}),
        json!({"type": 1100}),
        json!({"data": {"state": 1}}),
    ] {
        assert!(!fits(&schema, &schema, &wire), "{wire}");
    }
}
