//! Unions: the components that are arms, and the tag that tells them apart.

use std::collections::BTreeSet;

use super::enums::enum_value;
use super::node::Node;
use super::reader::{COMMON, Reader};
use crate::compiler::error::Error;
use crate::compiler::model::{Arm, EnumValue, Form, Kind, Union};

impl<'a> Reader<'a, '_> {
    /// Finds the arms of all unions first, since a tag belongs to the union, not to the arm.
    pub(super) fn find_tags(&mut self) -> Result<(), Error> {
        let schemas = self.schemas.clone();
        for (_, schema) in schemas.entries()? {
            if schema.get("oneOf").is_none() {
                continue;
            }
            let discriminator = schema.need("discriminator")?;
            discriminator.known(&["propertyName", "mapping"])?;
            let tag = discriminator.need("propertyName")?.text()?;
            for (value, target) in discriminator.need("mapping")?.entries()? {
                let name = self.local_name(&target)?;
                let property = self.component_property(&name, tag);
                let Some(property) = property else {
                    return Err(target.error(format!("`{name}` has no property `{tag}`")));
                };
                let only = property.need("enum")?.items()?;
                let stated = match only.as_slice() {
                    [one] => enum_value(one)?,
                    _ => {
                        return Err(property.error("the tag of an arm must have exactly one value"));
                    }
                };
                let agrees = match &stated {
                    EnumValue::Text(text) => text == value,
                    EnumValue::Code(code) => code.to_string() == value,
                };
                if !agrees {
                    return Err(property.error(format!("the union maps this arm to `{value}`")));
                }
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
        known.extend(["oneOf", "discriminator", "x-content", "x-rust-name", "x-doc-aliases"]);
        schema.known(&known)?;
        let content =
            schema.get("x-content").map(|key| key.text().map(String::from)).transpose()?;
        let discriminator = schema.need("discriminator")?;
        let mapping = discriminator.need("mapping")?;
        let mut arms = Vec::new();
        for (_, target) in mapping.entries()? {
            let name = self.local_name(&target)?;
            let tag = self.tags.iter().find(|(arm, ..)| *arm == name);
            let Some((_, _, value)) = tag else { return Err(target.error("the arm has no tag")) };
            let component = self.schemas.need(&name)?;
            let rust = self.rust_name(&name)?;
            let (form, optional) = match &content {
                Some(key) => self.content(&component, key)?,
                None => (Some(Form::Named(rust.clone())), false),
            };
            let doc_aliases = match &content {
                Some(_) if rust != name => vec![name],
                _ => Vec::new(),
            };
            let description = component.description()?;
            let value = value.clone();
            arms.push(Arm { value, rust, description, form, optional, doc_aliases });
        }
        let mut listed = BTreeSet::new();
        for arm in schema.need("oneOf")?.items()? {
            arm.known(&["$ref"])?;
            listed.insert(self.rust_name(&self.local_name(&arm.need("$ref")?)?)?);
        }
        if listed != arms.iter().map(|arm| arm.rust.clone()).collect() {
            return Err(schema.error("`oneOf` and the mapping of the discriminator differ"));
        }
        let tag = discriminator.need("propertyName")?.text()?.into();
        Ok(Kind::Union(Union { tag, content, arms }))
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
