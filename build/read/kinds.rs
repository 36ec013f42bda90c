//! Unions whose arms have different JSON types.

use super::node::Node;
use super::reader::{COMMON, Reader};
use crate::compiler::error::Error;
use crate::compiler::model::{EnumValue, Form, JsonKind, Kind, KindArm, Kinds, Shape};

impl<'a> Reader<'a, '_> {
    pub(super) fn kinds(&self, schema: &Node<'a>) -> Result<Kind, Error> {
        let mut known = COMMON.to_vec();
        known.extend(["oneOf", "x-rust-name", "x-doc-aliases"]);
        schema.known(&known)?;
        let mut arms: Vec<KindArm> = Vec::new();
        let mut nullable = false;
        for node in schema.need("oneOf")?.items()? {
            if node.flag("nullable")? && std::mem::replace(&mut nullable, true) {
                return Err(node.error("only one arm of a union may be nullable"));
            }
            let arm = self.kind_arm(&node)?;
            if arms.iter().any(|other| other.json == arm.json) {
                return Err(node.error(
                    "two arms have the same JSON type; objects that one property tells apart need `x-tag`",
                ));
            }
            if arms.iter().any(|other| other.rust == arm.rust) {
                return Err(node.error(format!("a second arm has the name `{}`", arm.rust)));
            }
            if arm.rust == "Unknown" {
                return Err(
                    node.error("no arm may be named `Unknown`: the values of other types are")
                );
            }
            arms.push(arm);
        }
        if arms.len() < 2 {
            return Err(schema.error("a union needs two arms"));
        }
        Ok(Kind::Kinds(Kinds { arms }))
    }

    /// Reads an arm: a component with its own name and description, or a schema with both beside it.
    fn kind_arm(&self, node: &Node<'a>) -> Result<KindArm, Error> {
        let plain = node.get("$ref").is_some();
        let shape = self.shape(node, if plain { &[] } else { &["x-rust-name", "nullable"] })?;
        let Some(json) = self.json_kind(&shape)? else {
            return Err(node.error(
                "an arm must be a string, a number, a boolean, an array, or an object or enum of this \
                 spec",
            ));
        };
        let component = match &shape.form {
            Form::Named(name) if plain => self.component_of(name)?,
            _ => None,
        };
        let (rust, description) = match (&shape.form, component) {
            (Form::Named(name), Some(component)) => (name.clone(), component.description()?),
            _ => (node.need("x-rust-name")?.text()?.into(), node.description()?),
        };
        Ok(KindArm { json, rust, description, shape })
    }

    /// Returns the JSON type in which a value is written; `None` if it is unknown, or has several.
    fn json_kind(&self, shape: &Shape) -> Result<Option<JsonKind>, Error> {
        Ok(match &shape.form {
            Form::Boolean => Some(JsonKind::Boolean),
            Form::Integer { .. } | Form::Number { .. } => Some(JsonKind::Number),
            Form::Text { .. } => Some(JsonKind::String),
            Form::Array { .. } => Some(JsonKind::Array),
            Form::Map(_) => Some(JsonKind::Object),
            Form::Named(name) => match self.component_of(name)? {
                Some(component) if component.get("enum").is_some() => {
                    match self.enumeration(&component)?.variants.first() {
                        Some(variant) if matches!(variant.value, EnumValue::Code(_)) => {
                            Some(JsonKind::Number)
                        }
                        _ => Some(JsonKind::String),
                    }
                }
                Some(component) if component.get("oneOf").is_some() => {
                    component.get("x-tag").map(|_| JsonKind::Object)
                }
                Some(_) => Some(JsonKind::Object),
                None => None,
            },
            _ => None,
        })
    }
}
