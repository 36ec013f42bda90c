//! Schemas of the spec for `schemars`.

use schemars::Schema;
use serde_json::Value;

/// The schema that the spec has for a type. `component` answers for the names it refers to.
#[must_use]
pub fn schema_of(text: &str, component: &mut dyn FnMut(&str) -> Option<Schema>) -> Schema {
    let mut value = serde_json::from_str(text).unwrap_or_default();
    resolve(&mut value, component);
    Schema::try_from(value).unwrap_or_default()
}

fn resolve(value: &mut Value, component: &mut dyn FnMut(&str) -> Option<Schema>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(name)) = map.get("$ref") {
                if let Some(schema) = component(name) {
                    *value = schema.into();
                }
                return;
            }
            map.values_mut().for_each(|value| resolve(value, component));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| resolve(value, component)),
        _ => {}
    }
}
