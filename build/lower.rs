//! Makes the copy that typify accepts: without bounds, defaults, tags, wire forms and enums. Later
//! stages restore from the model what is left out here.

use serde_json::{Map, Value, json};

use super::model::{Form, Kind, Model, Object, Presence, Shape};

/// The name under which the values of an object's extra keys are lowered.
pub(super) const EXTRA: &str = "extra$";

/// Returns the components as typify reads them, by Rust name. `base` is the prefix of a
/// definition's reference.
pub(super) fn definitions(model: &Model, base: &str) -> Map<String, Value> {
    let mut definitions = Map::new();
    for ty in &model.types {
        let schema = match &ty.kind {
            Kind::Object(object) => lower_object(object, base, &mut definitions),
            // Other stages write these types; the lowered copy needs only the name.
            Kind::Enum(_) | Kind::Union(_) | Kind::Kinds(_) => json!({"type": "string"}),
        };
        definitions.insert(ty.rust.clone(), schema);
    }
    definitions
}

/// Returns the names that typify must not write itself, with the Rust paths to use in their place.
pub(super) fn replacements(model: &Model) -> Vec<(String, String)> {
    let mut named: Vec<_> = model
        .types
        .iter()
        .filter(|ty| !matches!(ty.kind, Kind::Object(_)))
        .map(|ty| (ty.rust.clone(), ty.rust.clone()))
        .collect();
    model.forms(&mut |form| {
        if let Form::Foreign { name, path, .. } = form {
            named.push((name.clone(), path.clone()));
        }
    });
    named.sort();
    named.dedup();
    named
}

fn lower_object(object: &Object, base: &str, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for property in &object.properties {
        properties.insert(property.wire.clone(), lower(&property.shape, base, definitions));
        if matches!(property.presence, Presence::Required | Presence::MissingIsDefault) {
            required.push(property.wire.clone());
        }
    }
    if let Some(extra) = &object.extra {
        // Lowered as a field, so that typify returns the type of one value.
        properties.insert(EXTRA.into(), lower(&extra.shape, base, definitions));
        required.push(EXTRA.into());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

fn lower(shape: &Shape, base: &str, definitions: &mut Map<String, Value>) -> Value {
    match &shape.form {
        Form::Boolean => json!({"type": "boolean"}),
        Form::Integer { bits, .. } => json!({"type": "integer", "format": format!("int{bits}")}),
        // typify knows no units; the `types` stage puts `Duration` in its place.
        Form::Duration { .. } => json!({"type": "integer", "format": "int64"}),
        Form::Number { .. } => json!({"type": "number", "format": "double"}),
        Form::Text { .. } => json!({"type": "string"}),
        Form::Secret => json!({"type": "string", "format": "password"}),
        Form::Json => json!({}),
        Form::Named(name) => json!({"$ref": format!("{base}{name}")}),
        Form::Foreign { name, .. } => {
            definitions.insert(name.clone(), json!({"type": "string"}));
            json!({"$ref": format!("{base}{name}")})
        }
        Form::Array { items, .. } => {
            json!({"type": "array", "items": lower(items, base, definitions)})
        }
        Form::Map(values) => {
            json!({"type": "object", "additionalProperties": lower(values, base, definitions)})
        }
        Form::JsonText(content) => lower(content, base, definitions),
    }
}
