//! Reads and checks a spec. Anything unknown stops the build.

mod enums;
mod kinds;
mod node;
mod object;
mod operation;
mod parameters;
mod property;
mod reader;
mod shape;
mod unions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::node::Node;
use self::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{Kind, Model, Type};
use crate::compiler::settings::Settings;

/// Reads a whole document: OpenAPI 3.0, or a JSON Schema with `$defs`. `others` contains the
/// documents that it may refer to, by file name.
pub(super) fn read(
    spec: &str,
    document: &Value,
    others: &BTreeMap<String, Value>,
    settings: &Settings<'_>,
) -> Result<Model, Error> {
    let root = Node { spec, value: document, pointer: String::new() };
    let schemas = schemas(&root)?;
    let title = match root.get("info") {
        Some(info) => info.need("title")?.text()?,
        None => root.need("title")?.text()?,
    };
    let mut reader = Reader {
        root: root.clone(),
        schemas: schemas.clone(),
        others,
        settings,
        tags: Vec::new(),
        wraps: BTreeSet::new(),
    };
    reader.find_tags()?;
    let mut foreign_secrets = BTreeSet::new();
    others.values().for_each(|other| secrets(other, &mut foreign_secrets));
    let mut model =
        Model { title: title.into(), types: Vec::new(), operations: Vec::new(), foreign_secrets };
    for (name, schema) in schemas.entries()? {
        if !reader.wraps.contains(name) {
            model.types.push(reader.component(name, schema)?);
        }
    }
    if let Some(paths) = root.get("paths") {
        for (path, item) in paths.entries()? {
            reader.path(path, item, &mut model)?;
        }
    }
    unique_names(spec, &model)?;
    Ok(model)
}

/// Returns the components of a document, and checks the document's own keys.
fn schemas<'a>(root: &Node<'a>) -> Result<Node<'a>, Error> {
    let Some(version) = root.get("openapi") else {
        root.known(&["$schema", "$id", "title", "description", "$defs"])?;
        return root.need("$defs");
    };
    root.known(&[
        "openapi",
        "info",
        "servers",
        "tags",
        "externalDocs",
        "security",
        "paths",
        "components",
    ])?;
    if !version.text()?.starts_with("3.0.") {
        return Err(version.error("only OpenAPI 3.0 is supported"));
    }
    let components = root.need("components")?;
    components.known(&["schemas", "securitySchemes"])?;
    components.need("schemas")
}

/// Rejects two types with the same Rust name: typify would silently use the first one for both. The
/// types that the compiler adds count, too.
fn unique_names(spec: &str, model: &Model) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for ty in &model.types {
        let added = match &ty.kind {
            Kind::Object(object) => object.companion(&ty.rust),
            Kind::Enum(_) | Kind::Union(_) | Kind::Kinds(_) => Some(format!("Unknown{}", ty.rust)),
        };
        for name in [ty.rust.clone()].into_iter().chain(added) {
            if seen.contains(&name) {
                let message = format!("a second type has the Rust name `{name}`");
                return Err(Error::new(spec, &ty.pointer, message));
            }
            seen.insert(name);
        }
    }
    Ok(())
}

impl<'a> Reader<'a, '_> {
    fn component(&self, name: &str, schema: Node<'a>) -> Result<Type, Error> {
        let kind = if schema.get("oneOf").is_some() && schema.get("x-tag").is_some() {
            self.union(&schema)?
        } else if schema.get("oneOf").is_some() {
            self.kinds(&schema)?
        } else if schema.get("enum").is_some() {
            Kind::Enum(self.enumeration(&schema)?)
        } else if schema.get("type").and_then(|ty| ty.value.as_str()) == Some("object") {
            Kind::Object(self.object(name, &schema)?)
        } else {
            return Err(schema.error("a component must be an object, an enum or a union"));
        };
        Ok(Type {
            name: name.into(),
            rust: self.rust_name(name)?,
            description: schema.description()?,
            deprecated: schema.flag("deprecated")?,
            doc_aliases: schema.texts("x-doc-aliases")?,
            pointer: schema.pointer,
            kind,
        })
    }
}

/// Finds the keys with secret values in another spec.
fn secrets(document: &Value, found: &mut BTreeSet<String>) {
    let properties = document.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if property.get("format").is_some_and(|format| format == "password") {
            found.insert(name.clone());
            let aliases = property.get("x-aliases").and_then(Value::as_array);
            let aliases = aliases.into_iter().flatten().filter_map(Value::as_str);
            found.extend(aliases.map(String::from));
        }
    }
    match document {
        Value::Object(map) => map.values().for_each(|value| secrets(value, found)),
        Value::Array(items) => items.iter().for_each(|value| secrets(value, found)),
        _ => {}
    }
}
