//! Shared by the readers of all parts of a spec: names, references, tags.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::node::Node;
use crate::compiler::error::Error;
use crate::compiler::model::{EnumValue, Form};
use crate::compiler::names;
use crate::compiler::settings::Settings;

/// The keys that every schema may have.
pub(super) const COMMON: [&str; 6] =
    ["description", "title", "example", "examples", "deprecated", "externalDocs"];

pub(super) struct Reader<'a, 's> {
    pub(super) root: Node<'a>,
    pub(super) schemas: Node<'a>,
    pub(super) others: &'s BTreeMap<String, Value>,
    pub(super) settings: &'s Settings<'s>,
    /// The components that are arms, each with its union's tag and the tag's value.
    pub(super) tags: Vec<(String, String, EnumValue)>,
    /// The components that only wrap the content of an arm. They have no type.
    pub(super) wraps: BTreeSet<String>,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn component_property(&self, name: &str, property: &str) -> Option<Node<'a>> {
        self.schemas.get(name)?.get("properties")?.get(property)
    }

    /// Returns the name of the component that a `$ref` refers to.
    pub(super) fn local_name(&self, target: &Node<'a>) -> Result<String, Error> {
        let text = target.text()?;
        let name = text
            .strip_prefix("#/components/schemas/")
            .or_else(|| text.strip_prefix("#/$defs/"))
            .ok_or_else(|| target.error("must refer to a component of this spec"))?;
        if self.schemas.get(name).is_none() {
            return Err(target.error(format!("there is no component `{name}`")));
        }
        Ok(name.into())
    }

    /// Returns the Rust name of a component.
    pub(super) fn rust_name(&self, name: &str) -> Result<String, Error> {
        match self.schemas.get(name).and_then(|schema| schema.get("x-rust-name")) {
            Some(rust) => Ok(rust.text()?.into()),
            None => Ok(names::camel(name)),
        }
    }

    pub(super) fn reference(&self, target: &Node<'a>) -> Result<Form, Error> {
        let text = target.text()?;
        if text.starts_with('#') {
            return Ok(Form::Named(self.rust_name(&self.local_name(target)?)?));
        }
        let (file, inner) =
            text.split_once('#').ok_or_else(|| target.error("a reference must contain a `#`"))?;
        let file = file.strip_prefix("./").unwrap_or(file);
        let module = self.settings.modules.iter().find(|(name, _)| *name == file);
        let Some((_, module)) = module else {
            return Err(target.error(format!("no module is set for the spec `{file}`")));
        };
        let Some(component) = self.others.get(file).and_then(|other| other.pointer(inner)) else {
            return Err(target.error(format!("`{file}` has no `{inner}`")));
        };
        let name = inner.rsplit('/').next().unwrap_or_default();
        let rust = match component.get("x-rust-name").and_then(Value::as_str) {
            Some(rust) => rust.into(),
            None => names::camel(name),
        };
        let path = format!("{module}::{rust}");
        Ok(Form::Foreign { component: name.into(), name: rust, path })
    }

    /// Reads a reference to a named component.
    pub(super) fn named(&self, schema: &Node<'a>) -> Result<Form, Error> {
        schema.known(&["$ref"])?;
        self.reference(&schema.need("$ref")?)
    }

    /// Returns the component with this Rust name.
    pub(super) fn component_of(&self, rust: &str) -> Result<Option<Node<'a>>, Error> {
        for (name, schema) in self.schemas.entries()? {
            if self.rust_name(name)? == rust {
                return Ok(Some(schema));
            }
        }
        Ok(None)
    }
}
