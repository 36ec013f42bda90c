//! Objects: their properties, further keys, and the demands between them.

use serde_json::Value;

use super::enums::enum_value;
use super::node::Node;
use super::reader::{COMMON, Reader};
use super::shape::JSON;
use crate::compiler::error::Error;
use crate::compiler::model::{Demand, Extra, Form, Object, Presence, Property, Shape};
use crate::compiler::names;

/// What a property may carry besides.
const ON_PROPERTY: [&str; 16] = [
    "x-rust-name",
    "x-doc-aliases",
    "x-initial",
    "x-unset-up-to",
    "x-empty-counts",
    "x-part",
    "x-only-with",
    "x-never-written",
    "x-aliases",
    "x-also-reads",
    "x-may-be-missing",
    "x-missing-reads-as",
    "x-personal",
    "x-only-known",
    "nullable",
    "default",
];

impl<'a> Reader<'a, '_> {
    pub(super) fn object(&self, name: &str, schema: &Node<'a>) -> Result<Object, Error> {
        let mut known = COMMON.to_vec();
        known.extend([
            "type",
            "properties",
            "required",
            "additionalProperties",
            "x-demands",
            "x-checked-by-hand",
            "x-rust-name",
            "x-doc-aliases",
        ]);
        schema.known(&known)?;
        let required = schema.texts("required")?;
        let by_hand = schema.flag("x-checked-by-hand")?;
        let mut object = Object { by_hand, ..Object::default() };
        if let Some(properties) = schema.get("properties") {
            for name in &required {
                if properties.get(name).is_none() {
                    return Err(schema.error(format!("`{name}` is required but not a property")));
                }
            }
            for (wire, property) in properties.entries()? {
                if self.tags.iter().any(|(arm, tag, _)| arm == name && tag == wire) {
                    object.tags.push(wire.into());
                    continue;
                }
                object.properties.push(self.property(wire, &property, &required)?);
            }
            for property in &object.properties {
                let Some(with) = &property.only_with else { continue };
                let other = object.properties.iter().find(|other| other.wire == *with);
                if !other.is_some_and(Property::is_option) || !property.is_option() {
                    let message = "`x-only-with` joins two optional properties";
                    return Err(properties.child(&property.wire, properties.value).error(message));
                }
            }
        }
        if let Some(extra) = schema.get("additionalProperties") {
            if object.properties.iter().any(|property| property.rust == "extra") {
                return Err(extra.error("`extra` is the name of the further keys"));
            }
            object.extra = Some(match extra.value {
                Value::Bool(true) => Extra { shape: JSON, personal: false },
                Value::Bool(false) => return Err(extra.error("unknown keys are never refused")),
                _ => Extra {
                    shape: self.shape(&extra, &["x-personal", "x-also-reads"])?,
                    personal: extra.flag("x-personal")?,
                },
            });
        }
        if let Some(demands) = schema.get("x-demands") {
            for demand in demands.items()? {
                object.demands.push(read_demand(&demand, &object)?);
            }
        }
        Ok(object)
    }

    fn property(
        &self,
        wire: &str,
        node: &Node<'a>,
        required: &[String],
    ) -> Result<Property, Error> {
        let shape = self.shape(node, &ON_PROPERTY)?;
        let nullable = node.flag("nullable")? || is_nullable_type(node);
        let required = required.iter().any(|name| name == wire);
        let missing = node.get("x-missing-reads-as");
        let presence = match (required, node.flag("x-may-be-missing")?, &missing) {
            (false, false, None) => Presence::Optional,
            (true, false, None) => Presence::Required,
            (true, true, None) => Presence::MayBeMissing,
            (true, false, Some(value)) => {
                let is_default = match &shape.form {
                    Form::Text { .. } => value.value == "",
                    Form::Boolean => value.value == false,
                    Form::Integer { .. } => value.value == 0,
                    Form::Array { .. } => value.value.as_array().is_some_and(Vec::is_empty),
                    _ => false,
                };
                if !is_default {
                    return Err(
                        value.error("only \"\", false, 0 and [] can stand for a missing value")
                    );
                }
                Presence::MissingIsDefault
            }
            _ => {
                return Err(node.error(
                    "`x-may-be-missing` and `x-missing-reads-as` are for required properties, one at a time",
                ));
            }
        };
        if nullable && presence == Presence::Required {
            return Err(node.error("a required property is not nullable"));
        }
        let default = node.get("default").map(|default| default.value.clone());
        if default.is_some() && presence != Presence::Optional {
            return Err(node.error("only an optional property has a default"));
        }
        let rust = match node.get("x-rust-name") {
            Some(rust) => rust.text()?.into(),
            None => names::snake(wire),
        };
        let aliases = node.texts("x-aliases")?;
        let option = matches!(presence, Presence::Optional | Presence::MayBeMissing);
        if !aliases.is_empty() && !option {
            return Err(node.error("`x-aliases` are for properties that may be missing"));
        }
        let optional = presence == Presence::Optional;
        let part = node.flag("x-part")?;
        if part && !(optional && self.is_optional_object(&shape.form)?) {
            return Err(node.error("`x-part` is for an optional object of optional properties"));
        }
        let never_written = node.flag("x-never-written")?;
        if never_written && !optional {
            return Err(node.error("`x-never-written` is for optional properties"));
        }
        let empty_counts = node.flag("x-empty-counts")?;
        if empty_counts && !(optional && shape.form.is_list()) {
            return Err(node.error("`x-empty-counts` is for optional lists and maps"));
        }
        let unset_up_to = match node.get("x-unset-up-to") {
            None => None,
            Some(up_to) => match (up_to.value.as_i64(), &shape.form) {
                (Some(up_to), Form::Integer { .. } | Form::Number { .. }) if optional => {
                    Some(up_to)
                }
                // Less than nothing is never a length of time.
                (Some(up_to @ -1..=0), Form::Duration { .. }) if optional => Some(up_to),
                _ => {
                    let message = "must be an integer, on an optional number; -1 or 0 with a unit";
                    return Err(up_to.error(message));
                }
            },
        };
        let initial = match node.get("x-initial") {
            Some(initial) => Some(self.initial(&initial, &shape.form, presence)?),
            None => None,
        };
        let only_with = node.get("x-only-with").map(|name| name.text().map(String::from));
        Ok(Property {
            wire: wire.into(),
            rust,
            description: node.description()?,
            presence,
            only_known: only_known(node, &shape)?,
            shape,
            aliases,
            personal: node.flag("x-personal")?,
            deprecated: node.flag("deprecated")?,
            default,
            initial,
            unset_up_to,
            empty_counts,
            part,
            only_with: only_with.transpose()?,
            never_written,
            doc_aliases: node.texts("x-doc-aliases")?,
        })
    }

    /// Checks an initial value against the type of its property.
    fn initial(&self, node: &Node<'a>, form: &Form, presence: Presence) -> Result<Value, Error> {
        let fits = match form {
            Form::Boolean => node.value.is_boolean(),
            Form::Integer { min, max, .. } => {
                node.value.as_i64().is_some_and(|value| within(value, *min, *max))
            }
            Form::Duration { min, max, .. } => {
                node.value.as_i64().is_some_and(|value| value >= 0 && within(value, *min, *max))
            }
            Form::Number { min, max } => {
                node.value.as_f64().is_some_and(|value| within(value, *min, *max))
            }
            Form::Text { .. } => node.value.is_string(),
            Form::Array { .. } => node.value.as_array().is_some_and(Vec::is_empty),
            Form::Named(name) => {
                let value = enum_value(node)?;
                self.component_of(name)?.is_some_and(|schema| {
                    let values = schema.get("enum").and_then(|values| values.items().ok());
                    let values = values.unwrap_or_default();
                    values.iter().any(|known| enum_value(known).ok().as_ref() == Some(&value))
                })
            }
            _ => false,
        };
        if presence != Presence::Optional || !fits {
            return Err(node.error("is no value of this property, or the property is not optional"));
        }
        Ok(node.value.clone())
    }

    /// Whether a form is an object of this spec of which nothing must be there.
    fn is_optional_object(&self, form: &Form) -> Result<bool, Error> {
        let Form::Named(name) = form else { return Ok(false) };
        let Some(schema) = self.component_of(name)? else { return Ok(false) };
        let object = schema.get("type").is_some_and(|ty| ty.value == "object");
        Ok(object && schema.texts("required")?.is_empty())
    }
}

fn within<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> bool {
    min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
}

fn is_nullable_type(node: &Node<'_>) -> bool {
    match node.get("type").map(|ty| ty.value) {
        Some(Value::Array(types)) => types.iter().any(|ty| ty == "null"),
        _ => false,
    }
}

fn only_known(node: &Node<'_>, shape: &Shape) -> Result<bool, Error> {
    let only_known = node.flag("x-only-known")?;
    if only_known && !matches!(shape.form, Form::Named(_)) {
        return Err(node.error("`x-only-known` is for enums"));
    }
    Ok(only_known)
}

fn read_demand(node: &Node<'_>, object: &Object) -> Result<Demand, Error> {
    node.known(&["when", "require"])?;
    let property = |name: &str| {
        let found = object.properties.iter().find(|property| property.wire == name);
        found.ok_or_else(|| node.error(format!("there is no property `{name}`")))
    };
    let when = node.need("when")?;
    let mut entries = when.entries()?;
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return Err(when.error("a demand looks at one property"));
    };
    if !matches!(property(name)?.shape.form, Form::Named(_)) {
        return Err(when.error("a demand looks at an enum"));
    }
    let require = node.texts("require")?;
    for name in &require {
        if property(name)?.presence != Presence::Optional {
            return Err(node.error(format!("`{name}` is not optional")));
        }
    }
    Ok(Demand { when: (name.into(), value.text()?.into()), require })
}
