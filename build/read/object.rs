//! Objects: their properties, extra keys, and conditions between properties.

use serde_json::Value;

use super::node::Node;
use super::reader::{COMMON, Reader};
use super::shape::JSON;
use crate::compiler::error::Error;
use crate::compiler::model::{Demand, Extra, Form, Object, Presence, Property};

impl<'a> Reader<'a, '_> {
    pub(super) fn object(&self, name: &str, schema: &Node<'a>) -> Result<Object, Error> {
        let mut known = COMMON.to_vec();
        known.extend([
            "type",
            "nullable",
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
            only_with(&object, &properties)?;
        }
        if let Some(extra) = schema.get("additionalProperties") {
            object.extra = Some(self.extra(&extra, &object)?);
        }
        if let Some(demands) = schema.get("x-demands") {
            for demand in demands.items()? {
                object.demands.push(read_demand(&demand, &object)?);
            }
        }
        Ok(object)
    }

    /// Reads the values of extra keys.
    fn extra(&self, extra: &Node<'a>, object: &Object) -> Result<Extra, Error> {
        if object.properties.iter().any(|property| property.rust == "extra") {
            return Err(extra.error("no property may be named `extra`: the extra keys are"));
        }
        match extra.value {
            Value::Bool(true) => Ok(Extra { shape: JSON, personal: false }),
            Value::Bool(false) => {
                Err(extra.error("must not be false: unknown keys are never rejected"))
            }
            _ => Ok(Extra {
                shape: self.shape(extra, &["x-personal", "x-also-reads"])?,
                personal: extra.flag("x-personal")?,
            }),
        }
    }
}

/// Checks that `x-only-with` is on an optional property, and names another one.
fn only_with(object: &Object, properties: &Node<'_>) -> Result<(), Error> {
    for property in &object.properties {
        let Some(with) = &property.only_with else { continue };
        let other = object.properties.iter().find(|other| other.wire == *with);
        if !other.is_some_and(Property::is_option) || !property.is_option() {
            let message = "`x-only-with` must join two optional properties";
            return Err(properties.child(&property.wire, properties.value).error(message));
        }
    }
    Ok(())
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
        return Err(when.error("`when` must name one property"));
    };
    if !matches!(property(name)?.shape.form, Form::Named(_)) {
        return Err(when.error("the property of `when` must be an enum"));
    }
    let require = node.texts("require")?;
    for name in &require {
        if property(name)?.presence != Presence::Optional {
            return Err(node.error(format!("`{name}` must be optional to be required here")));
        }
    }
    Ok(Demand { when: (name.into(), value.text()?.into()), require })
}
