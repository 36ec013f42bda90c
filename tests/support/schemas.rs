//! What the tests of every platform's JSON Schemas share.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Calls `visit` with every object of a schema.
pub(crate) fn each(value: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| each(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| each(value, visit)),
        _ => {}
    }
}

/// Checks that every reference leads to a definition, and that every definition is referred to.
/// Returns the names of the definitions.
#[track_caller]
pub(crate) fn definitions(schema: &Value) -> BTreeSet<String> {
    let mut referred = BTreeSet::new();
    each(schema, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{pointer}: {schema}");
            referred.insert(pointer.rsplit_once('/').unwrap().1.to_owned());
        }
    });
    let defined = schema["$defs"].as_object().into_iter().flat_map(|all| all.keys().cloned());
    assert_eq!(referred, defined.collect(), "{schema}");
    referred
}

/// Checks that every property has a description, and that every description is text of the spec.
/// Returns how many descriptions there are.
#[track_caller]
pub(crate) fn descriptions(schema: &Value, spec: &str) -> usize {
    let mut described = 0;
    each(schema, &mut |object| {
        if let Some(Value::String(description)) = object.get("description") {
            for line in description.lines().map(str::trim) {
                assert!(spec.contains(line), "not in the spec: {line}");
            }
            described += 1;
        }
        if let Some(Value::Object(properties)) = object.get("properties") {
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{name}: {property}");
            }
        }
    });
    described
}

/// Checks that no keyword that only OpenAPI has is left in a JSON Schema.
#[track_caller]
pub(crate) fn no_openapi_keywords(schema: &Value) {
    each(schema, &mut |object| {
        let own = object
            .keys()
            .find(|key| key.starts_with("x-") || *key == "nullable" || *key == "example");
        assert_eq!(own, None, "{schema}");
    });
}
