//! Unions: the components that are arms, and the tag that tells them apart.

use super::enums::enum_value;
use super::node::Node;
use super::reader::{COMMON, Reader};
use crate::compiler::error::Error;
use crate::compiler::model::{Arm, Form, Kind, Union};

impl<'a> Reader<'a, '_> {
    /// Finds the arms of all unions first, since a tag belongs to the union, not to the arm.
    pub(super) fn find_tags(&mut self) -> Result<(), Error> {
        let schemas = self.schemas.clone();
        for (_, schema) in schemas.entries()? {
            let (Some(_), Some(tag)) = (schema.get("oneOf"), schema.get("x-tag")) else { continue };
            let tag = tag.text()?;
            for arm in arms(&schema)? {
                let name = self.local_name(&arm)?;
                let Some(property) = self.component_property(&name, tag) else {
                    return Err(arm.error(format!("`{name}` has no property `{tag}`")));
                };
                // Without it, other tools read an object without the tag as any of the arms.
                if !self.schemas.need(&name)?.texts("required")?.iter().any(|key| key == tag) {
                    return Err(property.error("the tag of an arm must be required"));
                }
                let stated = match property.need("enum")?.items()?.as_slice() {
                    [one] => enum_value(one)?,
                    _ => {
                        return Err(property.error("the tag of an arm must have exactly one value"));
                    }
                };
                if schema.get("x-content").is_some() {
                    self.wraps.insert(name.clone());
                }
                self.tags.push((name, tag.into(), stated));
            }
        }
        Ok(())
    }

    pub(super) fn union(&self, schema: &Node<'a>) -> Result<Kind, Error> {
        let mut known = COMMON.to_vec();
        known.extend(["oneOf", "x-tag", "x-content", "x-rust-name", "x-doc-aliases"]);
        schema.known(&known)?;
        let content =
            schema.get("x-content").map(|key| key.text().map(String::from)).transpose()?;
        let tag = schema.need("x-tag")?.text()?.into();
        let mut union = Union { tag, content, arms: Vec::new() };
        for target in arms(schema)? {
            let name = self.local_name(&target)?;
            let tag = self.tags.iter().find(|(arm, ..)| *arm == name);
            let Some((_, _, value)) = tag else { return Err(target.error("the arm has no tag")) };
            let value = value.clone();
            let component = self.schemas.need(&name)?;
            let rust = self.rust_name(&name)?;
            let (form, optional) = match &union.content {
                Some(key) => self.content(&component, key)?,
                None => (Some(Form::Named(rust.clone())), false),
            };
            let doc_aliases = match &union.content {
                Some(_) if rust != name => vec![name],
                _ => Vec::new(),
            };
            let description = component.description()?;
            union.arms.push(Arm { value, rust, description, form, optional, doc_aliases });
        }
        Ok(Kind::Union(union))
    }

    /// Returns the content of an arm, and whether it may be missing. The component of the arm has a
    /// tag and at most one more property.
    fn content(&self, component: &Node<'a>, key: &str) -> Result<(Option<Form>, bool), Error> {
        let mut known = COMMON.to_vec();
        known.extend(["type", "properties", "required", "x-rust-name"]);
        component.known(&known)?;
        let properties = component.need("properties")?;
        let Some(content) = properties.get(key) else {
            return match properties.object()?.len() {
                1 => Ok((None, false)),
                _ => Err(properties.error(format!("an arm must have only its tag and `{key}`"))),
            };
        };
        if properties.object()?.len() != 2 {
            return Err(properties.error(format!("an arm must have only its tag and `{key}`")));
        }
        let required = component.texts("required")?.iter().any(|name| name == key);
        Ok((Some(self.named(&content)?), !required))
    }
}

/// Returns the references to the arms of a union.
fn arms<'a>(schema: &Node<'a>) -> Result<Vec<Node<'a>>, Error> {
    let reference = |arm: &Node<'a>| {
        arm.known(&["$ref"])?;
        arm.need("$ref")
    };
    schema.need("oneOf")?.items()?.iter().map(reference).collect()
}
