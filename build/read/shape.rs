//! The schema of a value: its form, and the JSON forms that are read besides.

use serde_json::Value;

use super::node::Node;
use super::reader::{COMMON, Reader};
use crate::compiler::error::Error;
use crate::compiler::model::{Also, Characters, Form, Shape, Unit};

pub(super) const JSON: Shape = Shape { form: Form::Json, also: Also::Nothing };

/// Rejects the keys of a schema that are neither given here nor allowed in its place.
type Known<'k> = &'k dyn Fn(&[&str]) -> Result<(), Error>;

impl<'a> Reader<'a, '_> {
    /// Reads the schema of a value. `extras` are the additional keys that its place allows.
    pub(super) fn shape(&self, node: &Node<'a>, extras: &[&str]) -> Result<Shape, Error> {
        let known = |keys: &[&str]| {
            let mut all = COMMON.to_vec();
            all.extend(extras);
            all.extend(keys);
            node.known(&all)
        };
        let also = match node.texts("x-also-reads")?.as_slice() {
            [] => Also::Nothing,
            [one] => match one.as_str() {
                "number" => Also::Number,
                "string" => Also::Text,
                "json-string" => Also::JsonText,
                "json" => Also::Json,
                other => {
                    return Err(node.error(format!("`x-also-reads` does not support `{other}`")));
                }
            },
            [json, other] if json == "json-string" && other == "text" => Also::JsonTextOrText,
            [json, other] if json == "json-string" && other == "unreadable" => {
                Also::JsonTextOrUnreadable
            }
            [item, json] if item == "item" && json == "json-string" => Also::Item,
            _ => {
                return Err(node.error(
                    "`x-also-reads` must have one entry, `json-string` and `text` or `unreadable`, or \
                     `item, json-string`",
                ));
            }
        };
        let form = self.form(node, &known)?;
        let fits = match also {
            Also::Nothing => true,
            Also::Number | Also::Json => matches!(form, Form::Text { .. }),
            Also::Text => {
                matches!(form, Form::Integer { .. } | Form::Number { .. } | Form::Boolean)
            }
            Also::JsonText => matches!(form, Form::Named(_) | Form::Foreign { .. } | Form::Map(_)),
            Also::Item => match &form {
                Form::Array { items, .. } => {
                    matches!(items.form, Form::Named(_)) && items.also == Also::Nothing
                }
                _ => false,
            },
            Also::JsonTextOrText => match &form {
                Form::Named(name) => self.is_one_text(name)?,
                _ => false,
            },
            Also::JsonTextOrUnreadable => match &form {
                Form::Named(name) => self
                    .component_of(name)?
                    .is_some_and(|component| component.get("x-tag").is_some()),
                _ => false,
            },
        };
        if !fits {
            return Err(node.error("`x-also-reads` does not match this type"));
        }
        Ok(Shape { form, also })
    }

    /// Whether the only required property of an object is a string, which can then replace the
    /// object.
    fn is_one_text(&self, rust: &str) -> Result<bool, Error> {
        let Some(schema) = self.component_of(rust)? else { return Ok(false) };
        Ok(match schema.texts("required")?.as_slice() {
            [one] => {
                schema.get("properties").and_then(|all| all.get(one)).is_some_and(|property| {
                    property.get("type").is_some_and(|ty| ty.value == "string")
                        && property.get("format").is_none()
                })
            }
            _ => false,
        })
    }

    fn form(&self, node: &Node<'a>, known: Known<'_>) -> Result<Form, Error> {
        if let Some(target) = node.get("$ref") {
            node.known(&["$ref"])?;
            return self.reference(&target);
        }
        if node.get("nullable").is_some() && node.get("type").is_none() {
            // Other tools pass over it, or refuse null.
            return Err(node.error("`nullable` needs a `type` beside it; say it of the component"));
        }
        if let Some(all) = node.get("allOf") {
            known(&["allOf"])?;
            let [one] = all
                .items()?
                .try_into()
                .map_err(|_: Vec<_>| all.error("`allOf` must contain one reference"))?;
            return self.named(&one);
        }
        let Some(ty) = type_name(node)? else {
            known(&[])?;
            return Ok(Form::Json);
        };
        if node.get("enum").is_some() {
            return Err(node.error("an enum must be a named component"));
        }
        match ty {
            "boolean" => {
                known(&["type"])?;
                Ok(Form::Boolean)
            }
            "integer" => integer(node, known),
            "number" => {
                known(&["type", "format", "minimum", "maximum"])?;
                let (min, max) = (node.number("minimum")?, node.number("maximum")?);
                Ok(Form::Number { min, max })
            }
            "string" => self.string(node, known),
            "array" => {
                known(&["type", "items", "minItems", "maxItems"])?;
                let items = self.shape(&node.need("items")?, &["x-also-reads"])?;
                let (min, max) = (node.count("minItems")?, node.count("maxItems")?);
                Ok(Form::Array { items: Box::new(items), min, max })
            }
            "object" => {
                known(&["type", "additionalProperties"])?;
                let values = match node.get("additionalProperties") {
                    Some(values) if values.value.is_object() => {
                        self.shape(&values, &["x-also-reads"])?
                    }
                    _ => JSON,
                };
                Ok(Form::Map(Box::new(values)))
            }
            other => Err(node.error(format!("the type `{other}` is not supported"))),
        }
    }

    fn string(&self, node: &Node<'a>, known: Known<'_>) -> Result<Form, Error> {
        if node.get("contentMediaType").is_some() {
            known(&["type", "contentMediaType", "contentSchema"])?;
            return Ok(Form::JsonText(Box::new(self.shape(&node.need("contentSchema")?, &[])?)));
        }
        match stated_format(node)? {
            "" => {
                known(&["type", "minLength", "maxLength", "pattern"])?;
                let (min, max) = (node.count("minLength")?, node.count("maxLength")?);
                let characters = node.get("pattern").map(|pattern| characters(&pattern));
                Ok(Form::Text { min, max, characters: characters.transpose()? })
            }
            "password" => {
                known(&["type", "format"])?;
                Ok(Form::Secret)
            }
            "json-string" => {
                known(&["type", "format", "x-content-schema"])?;
                let content = node.need("x-content-schema")?;
                Ok(Form::JsonText(Box::new(self.shape(&content, &[])?)))
            }
            other => match self.settings.formats.iter().find(|(format, _)| *format == other) {
                Some((_, path)) => {
                    known(&["type", "format"])?;
                    let name = path.rsplit("::").next().unwrap_or_default();
                    let component = other.into();
                    Ok(Form::Foreign { component, name: name.into(), path: (*path).into() })
                }
                None => Err(node.error(format!("the format `{other}` is not supported"))),
            },
        }
    }
}

/// Reads the set of characters that a pattern allows. Other patterns are not supported.
fn characters(pattern: &Node<'_>) -> Result<Characters, Error> {
    let unknown =
        || pattern.error("a pattern must be a set of characters, such as `^[0-9a-z_-]*$`");
    let text = pattern.text()?;
    let text = text.strip_prefix("^[").and_then(|rest| rest.strip_suffix("]*$"));
    let text = text.filter(|text| !text.is_empty()).ok_or_else(unknown)?;
    let mut ranges = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while let [first, more @ ..] = rest.as_slice() {
        let (range, more) = match more {
            ['-', last, more @ ..] if first <= last => ((*first, *last), more),
            _ => ((*first, *first), more),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        if !plain(range.0) || !plain(range.1) {
            return Err(unknown());
        }
        ranges.push(range);
        rest = more.to_vec();
    }
    Ok(Characters { text: text.into(), ranges })
}

/// Returns the type of a schema. A second type, `null`, only says that the value may be missing.
fn type_name<'a>(node: &Node<'a>) -> Result<Option<&'a str>, Error> {
    let Some(ty) = node.get("type") else { return Ok(None) };
    match ty.value {
        Value::Array(list) => {
            match list.iter().filter_map(Value::as_str).find(|ty| *ty != "null") {
                Some(name) => Ok(Some(name)),
                None => Err(ty.error("must be a type, or a type and null")),
            }
        }
        _ => ty.text().map(Some),
    }
}

/// Returns the format of a schema; empty if it has none.
fn stated_format<'a>(node: &Node<'a>) -> Result<&'a str, Error> {
    match node.get("format") {
        Some(format) => format.text(),
        None => Ok(""),
    }
}

fn integer(node: &Node<'_>, known: Known<'_>) -> Result<Form, Error> {
    known(&["type", "format", "minimum", "maximum", "x-unit"])?;
    let bits = match stated_format(node)? {
        "int32" => 32,
        "int64" => 64,
        _ => return Err(node.error("an integer must have the format int32 or int64")),
    };
    let (min, max) = (node.integer("minimum")?, node.integer("maximum")?);
    let Some(unit) = node.get("x-unit") else { return Ok(Form::Integer { bits, min, max }) };
    let unit = match unit.text()? {
        "seconds" => Unit::Seconds,
        "milliseconds" => Unit::Milliseconds,
        other => return Err(unit.error(format!("the unit `{other}` is not supported"))),
    };
    Ok(Form::Duration { unit, min, max })
}
