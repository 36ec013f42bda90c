//! The schemas of the spec, for `schemars`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// The name of a component in the spec, and the function that creates its schema.
type Component<'a> = (&'a str, fn(&mut SchemaGenerator) -> Schema);

/// Returns the schema of a type as the spec has it. `components` are those that it refers to.
#[must_use]
pub fn schema_of(
    text: &str,
    generator: &mut SchemaGenerator,
    components: &[Component<'_>],
) -> Schema {
    let mut value = serde_json::from_str(text).unwrap_or_default();
    resolve(&mut value, &mut |name| {
        let (_, schema) = components.iter().find(|(component, _)| *component == name)?;
        Some(schema(generator))
    });
    Schema::try_from(value).unwrap_or_default()
}

/// Returns a reference to the schema of a type.
#[must_use]
pub fn subschema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
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
