//! The JSON Schema of a tool's arguments, and the arguments of a call.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Why the arguments of a tool call do not fit.
#[derive(Debug)]
pub(super) struct BadArguments(pub String);

/// Returns the schema of the arguments, and whether the function takes none.
///
/// All schemas are written in place, since not every server follows references, and objects allow no other
/// keys, as OpenAI's strict mode wants it.
pub(super) fn parameters<T: JsonSchema>() -> (Map<String, Value>, bool) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let takes_nothing = schema.get("type").is_some_and(|kind| kind == "null");
    let mut schema = match schema {
        Value::Object(schema) if !takes_nothing => schema,
        _ => Map::from_iter([("type".to_owned(), json!("object"))]),
    };
    schema.remove("title");
    // OpenAI requires the key.
    schema.entry("properties").or_insert_with(|| json!({}));
    let mut schema = Value::Object(schema);
    close(&mut schema);
    match schema {
        Value::Object(schema) => (schema, takes_nothing),
        _ => (Map::new(), takes_nothing),
    }
}

/// Forbids other keys in all objects that name theirs.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let names_keys = object.get("properties").is_some_and(Value::is_object);
            if names_keys && object.get("type").is_some_and(|kind| kind == "object") {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Returns the arguments that a model wrote as JSON. Some models write nothing if there are none.
pub(super) fn parse(arguments: &str) -> Result<Value, BadArguments> {
    match arguments.trim() {
        "" => Ok(json!({})),
        arguments => serde_json::from_str(arguments)
            .map_err(|error| BadArguments(format!("The arguments are not JSON: {error}"))),
    }
}

/// Reads arguments as the type that a tool takes.
pub(super) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, BadArguments> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { "$".to_owned() } else { format!("$.{path}") };
        BadArguments(format!("The arguments are invalid, at {at}: {}", error.inner()))
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Order {
        /// The name on the menu.
        name: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Line {
        count: Option<u8>,
    }

    #[test]
    fn a_schema_has_no_references_and_allows_no_other_keys() {
        let (schema, takes_nothing) = parameters::<Order>();
        assert!(!takes_nothing);
        let line = json!({
            "type": "object",
            "properties": {
                "count": {"type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255},
            },
            "additionalProperties": false,
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "The name on the menu."},
                "lines": {"type": "array", "items": line},
            },
            "required": ["name", "lines"],
            "additionalProperties": false,
        });
        assert_eq!(Value::Object(schema), expected);
        let (schema, takes_nothing) = parameters::<()>();
        assert!(takes_nothing);
        let expected = json!({"type": "object", "properties": {}, "additionalProperties": false});
        assert_eq!(Value::Object(schema), expected);
    }

    #[test]
    fn arguments_that_do_not_fit_are_named_by_their_place() {
        let read = |text: &str| parse(text).and_then(read::<Order>);
        let order = read(r#"{"name": "Margherita", "lines": [{"count": 2}]}"#).unwrap();
        assert_eq!((order.name.as_str(), order.lines[0].count), ("Margherita", Some(2)));
        for (arguments, error) in [
            ("", "The arguments are invalid, at $: missing field `name`"),
            (
                r#"{"name": "M", "lines": [{"count": "two"}]}"#,
                "The arguments are invalid, at $.lines[0].count: invalid type: string \"two\", expected u8",
            ),
            ("{", "The arguments are not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(read(arguments).unwrap_err().0, error);
        }
    }
}
