//! The checked reading of a spec. What this stage does not know stops the build.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::model::{
    Also, Answer, Arm, Characters, Demand, Enum, EnumValue, Extra, Form, Kind, Method, Model,
    Object, Operation, Parameter, Place, Presence, Property, Shape, Type, Union, Unit, Variant,
};
use super::{Error, Settings, names};

/// Reads a whole document: OpenAPI 3.0, or a JSON Schema of `$defs`. `others` are the documents that
/// it may refer to, by file name.
pub(super) fn read(
    spec: &str,
    document: &Value,
    others: &BTreeMap<String, Value>,
    settings: &Settings<'_>,
) -> Result<Model, Error> {
    let root = Node { spec, value: document, pointer: String::new() };
    let schemas = match root.get("openapi") {
        Some(version) => {
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
                return Err(version.error("only OpenAPI 3.0 is read"));
            }
            let components = root.need("components")?;
            components.known(&["schemas", "securitySchemes"])?;
            components.need("schemas")?
        }
        None => {
            root.known(&["$schema", "$id", "title", "description", "$defs"])?;
            root.need("$defs")?
        }
    };
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
    let mut seen = BTreeSet::new();
    for ty in &model.types {
        if !seen.insert(&ty.rust) {
            let message = format!("a second type has the Rust name `{}`", ty.rust);
            return Err(Error::new(spec, &ty.pointer, message));
        }
    }
    Ok(model)
}

/// A key as one segment of a JSON pointer.
pub(super) fn segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A value of the document, and where it stands.
#[derive(Clone)]
struct Node<'a> {
    spec: &'a str,
    value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.spec, &self.pointer, message)
    }

    fn child(&self, key: &str, value: &'a Value) -> Node<'a> {
        Node { spec: self.spec, value, pointer: format!("{}{}", self.pointer, segment(key)) }
    }

    fn get(&self, key: &str) -> Option<Node<'a>> {
        self.value.get(key).map(|value| self.child(key, value))
    }

    fn need(&self, key: &str) -> Result<Node<'a>, Error> {
        self.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    fn object(&self) -> Result<&'a Map<String, Value>, Error> {
        self.value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    fn entries(&self) -> Result<impl Iterator<Item = (&'a str, Node<'a>)> + use<'a>, Error> {
        let node = self.clone();
        Ok(self.object()?.iter().map(move |(key, value)| (key.as_str(), node.child(key, value))))
    }

    fn items(&self) -> Result<Vec<Node<'a>>, Error> {
        let items = self.value.as_array().ok_or_else(|| self.error("must be an array"))?;
        Ok(items.iter().enumerate().map(|(i, value)| self.child(&i.to_string(), value)).collect())
    }

    fn text(&self) -> Result<&'a str, Error> {
        self.value.as_str().ok_or_else(|| self.error("must be a string"))
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let Some(list) = self.get(key) else { return Ok(Vec::new()) };
        list.items()?.iter().map(|item| item.text().map(String::from)).collect()
    }

    fn flag(&self, key: &str) -> Result<bool, Error> {
        let Some(flag) = self.get(key) else { return Ok(false) };
        flag.value.as_bool().ok_or_else(|| flag.error("must be true or false"))
    }

    fn count(&self, key: &str) -> Result<Option<u64>, Error> {
        let Some(count) = self.get(key) else { return Ok(None) };
        count.value.as_u64().map(Some).ok_or_else(|| count.error("must be a whole number"))
    }

    fn known(&self, keys: &[&str]) -> Result<(), Error> {
        for key in self.object()?.keys() {
            if !keys.contains(&key.as_str()) {
                return Err(self.error(format!("the compiler does not know `{key}` here")));
            }
        }
        Ok(())
    }

    fn description(&self) -> Result<String, Error> {
        let text = self.need("description")?.text()?.trim();
        if text.is_empty() {
            return Err(self.error("the description is empty"));
        }
        Ok(text.into())
    }
}

/// What every schema may carry.
const COMMON: [&str; 6] =
    ["description", "title", "example", "examples", "deprecated", "externalDocs"];
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

struct Reader<'a, 's> {
    root: Node<'a>,
    schemas: Node<'a>,
    others: &'s BTreeMap<String, Value>,
    settings: &'s Settings<'s>,
    /// Component and the tag that its union keeps for it, with the tag's value.
    tags: Vec<(String, String, EnumValue)>,
    /// Components that only wrap the content of an arm; no type is made of them.
    wraps: BTreeSet<String>,
}

impl<'a> Reader<'a, '_> {
    /// Finds the arms of all unions first: a tag belongs to the union, not to the arm.
    fn find_tags(&mut self) -> Result<(), Error> {
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
                    _ => return Err(property.error("the tag of an arm has exactly one value")),
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

    fn component_property(&self, name: &str, property: &str) -> Option<Node<'a>> {
        self.schemas.get(name)?.get("properties")?.get(property)
    }

    /// The component that a `$ref` text names.
    fn local_name(&self, target: &Node<'a>) -> Result<String, Error> {
        let text = target.text()?;
        let name = text
            .strip_prefix("#/components/schemas/")
            .or_else(|| text.strip_prefix("#/$defs/"))
            .ok_or_else(|| target.error("must name a component of this spec"))?;
        if self.schemas.get(name).is_none() {
            return Err(target.error(format!("there is no component `{name}`")));
        }
        Ok(name.into())
    }

    /// The Rust name of a component.
    fn rust_name(&self, name: &str) -> Result<String, Error> {
        match self.schemas.get(name).and_then(|schema| schema.get("x-rust-name")) {
            Some(rust) => Ok(rust.text()?.into()),
            None => Ok(names::camel(name)),
        }
    }

    fn reference(&self, target: &Node<'a>) -> Result<Form, Error> {
        let text = target.text()?;
        if text.starts_with('#') {
            return Ok(Form::Named(self.rust_name(&self.local_name(target)?)?));
        }
        let (file, inner) =
            text.split_once('#').ok_or_else(|| target.error("a reference has a `#`"))?;
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

    fn component(&self, name: &str, schema: Node<'a>) -> Result<Type, Error> {
        let kind = if schema.get("oneOf").is_some() {
            self.union(&schema)?
        } else if schema.get("enum").is_some() {
            Kind::Enum(self.enumeration(&schema)?)
        } else if schema.get("type").and_then(|ty| ty.value.as_str()) == Some("object") {
            Kind::Object(self.object(name, &schema)?)
        } else {
            return Err(schema.error("a component is an object, an enum or a union"));
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

    fn union(&self, schema: &Node<'a>) -> Result<Kind, Error> {
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

    /// What an arm holds whose component has a tag and at most one more property, and whether that may
    /// be missing.
    fn content(&self, component: &Node<'a>, key: &str) -> Result<(Option<Form>, bool), Error> {
        let mut known = COMMON.to_vec();
        known.extend(["type", "properties", "required", "x-rust-name"]);
        component.known(&known)?;
        let properties = component.need("properties")?;
        let Some(content) = properties.get(key) else {
            return match properties.object()?.len() {
                1 => Ok((None, false)),
                _ => Err(properties.error(format!("an arm has its tag and `{key}`, no more"))),
            };
        };
        if properties.object()?.len() != 2 {
            return Err(properties.error(format!("an arm has its tag and `{key}`, no more")));
        }
        let required = component.texts("required")?.iter().any(|name| name == key);
        Ok((Some(self.named(&content)?), !required))
    }

    fn enumeration(&self, schema: &Node<'a>) -> Result<Enum, Error> {
        let mut known = COMMON.to_vec();
        known.extend([
            "type",
            "format",
            "enum",
            "x-enum-varnames",
            "x-enum-descriptions",
            "x-enum-doc-aliases",
            "x-enum-also",
            "x-error-codes",
            "x-rust-name",
            "x-doc-aliases",
        ]);
        schema.known(&known)?;
        let values = schema.need("enum")?.items()?;
        let varnames = schema.texts("x-enum-varnames")?;
        let descriptions = schema.texts("x-enum-descriptions")?;
        if varnames.len() != values.len() || descriptions.len() != values.len() {
            return Err(schema.error(
                "`x-enum-varnames` and `x-enum-descriptions` have an entry for each value",
            ));
        }
        let integer = match schema.need("type")?.text()? {
            "string" => false,
            "integer" => true,
            other => return Err(schema.error(format!("an enum of `{other}` is not known"))),
        };
        let success = match schema.get("x-error-codes") {
            Some(success) if values.iter().any(|value| value.value == success.value) && integer => {
                success.value.as_i64()
            }
            Some(success) => return Err(success.error("must be one of the enum's numbers")),
            None => None,
        };
        let mut aliases = lists(schema, "x-enum-doc-aliases", values.len())?.into_iter();
        let mut others = lists(schema, "x-enum-also", values.len())?.into_iter();
        let mut numbers = BTreeSet::new();
        let mut variants = Vec::new();
        for ((value, rust), description) in values.iter().zip(varnames).zip(descriptions) {
            let read = enum_value(value)?;
            let mut doc_aliases = Vec::new();
            for alias in aliases.next().unwrap_or_default() {
                doc_aliases.push(alias.text()?.into());
            }
            let mut also = Vec::new();
            for other in others.next().unwrap_or_default() {
                let number = other.value.as_i64().filter(|_| integer);
                also.push(number.ok_or_else(|| other.error("must be an integer, as its enum is"))?);
            }
            if let EnumValue::Code(code) = read {
                for number in also.iter().chain([&code]) {
                    if !numbers.insert(*number) {
                        return Err(value.error(format!("`{number}` stands twice")));
                    }
                }
            }
            if integer != matches!(read, EnumValue::Code(_)) {
                return Err(value.error("the value is not of the enum's type"));
            }
            if rust == "Unknown" {
                return Err(value.error("`Unknown` is the name of the open arm"));
            }
            if success.is_some_and(|success| read == EnumValue::Code(success)) {
                continue;
            }
            variants.push(Variant { rust, description, value: read, also, doc_aliases });
        }
        Ok(Enum { variants, success })
    }

    fn object(&self, name: &str, schema: &Node<'a>) -> Result<Object, Error> {
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

    /// The component with this Rust name.
    fn component_of(&self, rust: &str) -> Result<Option<Node<'a>>, Error> {
        for (name, schema) in self.schemas.entries()? {
            if self.rust_name(name)? == rust {
                return Ok(Some(schema));
            }
        }
        Ok(None)
    }

    /// Reads the schema of a value; `extras` are the further keys that its place allows.
    fn shape(&self, node: &Node<'a>, extras: &[&str]) -> Result<Shape, Error> {
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
                other => return Err(node.error(format!("`x-also-reads` has no `{other}`"))),
            },
            [json, text] if json == "json-string" && text == "text" => Also::JsonTextOrText,
            _ => return Err(node.error("`x-also-reads` has one entry, or `json-string, text`")),
        };
        let form = self.form(node, &known)?;
        let fits = match also {
            Also::Nothing => true,
            Also::Number | Also::Json => matches!(form, Form::Text { .. }),
            Also::Text => {
                matches!(form, Form::Integer { .. } | Form::Number { .. } | Form::Boolean)
            }
            Also::JsonText => matches!(form, Form::Named(_) | Form::Foreign { .. } | Form::Map(_)),
            Also::JsonTextOrText => match &form {
                Form::Named(name) => self.is_one_text(name)?,
                _ => false,
            },
        };
        if !fits {
            return Err(node.error("`x-also-reads` does not go with this type"));
        }
        Ok(Shape { form, also })
    }

    /// Whether an object needs one text and no more: such a text can stand for the object.
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

    fn form(
        &self,
        node: &Node<'a>,
        known: &dyn Fn(&[&str]) -> Result<(), Error>,
    ) -> Result<Form, Error> {
        if let Some(target) = node.get("$ref") {
            node.known(&["$ref"])?;
            return self.reference(&target);
        }
        if let Some(all) = node.get("allOf") {
            known(&["allOf"])?;
            return match all.items()?.as_slice() {
                [one] => {
                    one.known(&["$ref"])?;
                    self.reference(&one.need("$ref")?)
                }
                _ => Err(all.error("`allOf` only describes one reference")),
            };
        }
        let Some(ty) = node.get("type") else {
            known(&[])?;
            return Ok(Form::Json);
        };
        let ty = match ty.value {
            Value::Array(list) => list
                .iter()
                .filter_map(Value::as_str)
                .find(|name| *name != "null")
                .ok_or_else(|| ty.error("must be a type, or a type and null"))?,
            _ => ty.text()?,
        };
        let format = match node.get("format") {
            Some(format) => format.text()?,
            None => "",
        };
        if node.get("enum").is_some() {
            return Err(node.error("an enum is a named component"));
        }
        match ty {
            "boolean" => {
                known(&["type"])?;
                Ok(Form::Boolean)
            }
            "integer" => {
                known(&["type", "format", "minimum", "maximum", "x-unit"])?;
                let bits = match format {
                    "int32" => 32,
                    "int64" => 64,
                    _ => return Err(node.error("an integer has the format int32 or int64")),
                };
                let bound = |key| match node.get(key) {
                    None => Ok(None),
                    Some(bound) => match bound.value.as_i64() {
                        Some(value) => Ok(Some(value)),
                        None => Err(bound.error("must be an integer")),
                    },
                };
                let (min, max) = (bound("minimum")?, bound("maximum")?);
                let Some(unit) = node.get("x-unit") else {
                    return Ok(Form::Integer { bits, min, max });
                };
                let unit = match unit.text()? {
                    "seconds" => Unit::Seconds,
                    "milliseconds" => Unit::Milliseconds,
                    other => return Err(unit.error(format!("the unit `{other}` is not known"))),
                };
                Ok(Form::Duration { unit, min, max })
            }
            "number" => {
                known(&["type", "format", "minimum", "maximum"])?;
                let bound = |key| node.get(key).and_then(|bound| bound.value.as_f64());
                Ok(Form::Number { min: bound("minimum"), max: bound("maximum") })
            }
            "string" => self.string(node, format, known),
            "array" => {
                known(&["type", "items", "minItems", "maxItems"])?;
                let items = node.need("items")?;
                Ok(Form::Array {
                    items: Box::new(self.shape(&items, &["x-also-reads"])?),
                    min: node.count("minItems")?,
                    max: node.count("maxItems")?,
                })
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
            other => Err(node.error(format!("the type `{other}` is not known"))),
        }
    }

    fn string(
        &self,
        node: &Node<'a>,
        format: &str,
        known: &dyn Fn(&[&str]) -> Result<(), Error>,
    ) -> Result<Form, Error> {
        if node.get("contentMediaType").is_some() {
            known(&["type", "contentMediaType", "contentSchema"])?;
            return Ok(Form::JsonText(Box::new(self.shape(&node.need("contentSchema")?, &[])?)));
        }
        match format {
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
                    let component = format.into();
                    Ok(Form::Foreign { component, name: name.into(), path: (*path).into() })
                }
                None => Err(node.error(format!("the format `{other}` is not known"))),
            },
        }
    }

    fn path(&self, path: &str, item: Node<'a>, model: &mut Model) -> Result<(), Error> {
        for (method, node) in item.entries()? {
            let method = match method {
                "servers" | "x-also-at" => continue,
                "get" => Method::Get,
                "post" => Method::Post,
                "put" => Method::Put,
                "delete" => Method::Delete,
                "patch" => Method::Patch,
                other => {
                    return Err(item.error(format!("the compiler does not know `{other}` here")));
                }
            };
            self.operation(path, method, &item, node, model)?;
        }
        Ok(())
    }

    /// The paths below which a path is served: servers without a host.
    fn bases(&self, item: &Node<'a>) -> Result<Vec<String>, Error> {
        let Some(servers) = item.get("servers").or_else(|| self.root.get("servers")) else {
            return Ok(Vec::new());
        };
        let mut bases = Vec::new();
        for server in servers.items()? {
            server.known(&["url", "description"])?;
            let url = server.need("url")?.text()?;
            if url.starts_with('/') && url.len() > 1 {
                bases.push(url.into());
            }
        }
        Ok(bases)
    }

    fn operation(
        &self,
        path: &str,
        method: Method,
        item: &Node<'a>,
        node: Node<'a>,
        model: &mut Model,
    ) -> Result<(), Error> {
        node.known(&[
            "security",
            "x-once",
            "operationId",
            "summary",
            "description",
            "tags",
            "deprecated",
            "externalDocs",
            "parameters",
            "requestBody",
            "responses",
        ])?;
        let id: String = node.need("operationId")?.text()?.into();
        let summary = node.need("summary")?.text()?.trim();
        let description = format!("{summary}\n\n{}", node.description()?);
        let body = match node.get("requestBody") {
            Some(body) => {
                body.known(&["description", "required", "content"])?;
                if !body.flag("required")? {
                    return Err(body.error("a body that may be missing is not known"));
                }
                let (media, schema) = self.media(&body)?;
                if media != "application/json" {
                    return Err(body.error(format!("a body of `{media}` is not known")));
                }
                Some(self.named(&schema)?)
            }
            None => None,
        };
        let responses = node.need("responses")?;
        let mut answer = None;
        for (status, response) in responses.entries()? {
            response.known(&["description", "content"])?;
            if !status.starts_with('2') {
                continue;
            }
            if answer.is_some() {
                return Err(responses.error("an operation has one successful response"));
            }
            let (media, schema) = self.media(&response)?;
            answer = Some(match media {
                "application/json" => Answer::Json(self.named(&schema)?),
                "text/event-stream" => Answer::Events(self.named(&schema)?),
                other => return Err(response.error(format!("an answer of `{other}` is not known"))),
            });
        }
        let answer = answer.ok_or_else(|| responses.error("there is no successful response"))?;
        let (parameters, parameters_type) = self.parameters(&id, path, &node, model)?;
        if model.operations.iter().any(|other| other.id == id) {
            return Err(node.error(format!("a second operation has the id `{id}`")));
        }
        model.operations.push(Operation {
            id,
            method,
            path: path.into(),
            also_at: also_at(item)?,
            bases: self.bases(item)?,
            description,
            parameters,
            parameters_type,
            body,
            answer,
            once: node.flag("x-once")?,
            deprecated: node.flag("deprecated")?,
        });
        Ok(())
    }

    /// The only media type of a body, and its schema.
    fn media(&self, node: &Node<'a>) -> Result<(&'a str, Node<'a>), Error> {
        let content = node.need("content")?;
        let mut entries = content.entries()?;
        match (entries.next(), entries.next()) {
            (Some((media, node)), None) => {
                node.known(&["schema", "example", "examples"])?;
                Ok((media, node.need("schema")?))
            }
            _ => Err(content.error("a body has exactly one media type")),
        }
    }

    /// A reference to a named component.
    fn named(&self, schema: &Node<'a>) -> Result<Form, Error> {
        schema.known(&["$ref"])?;
        self.reference(&schema.need("$ref")?)
    }

    /// Reads the parameters; they become the properties of an object of their own.
    fn parameters(
        &self,
        id: &str,
        path: &str,
        operation: &Node<'a>,
        model: &mut Model,
    ) -> Result<(Vec<Parameter>, Option<String>), Error> {
        let mut parameters = Vec::new();
        let mut object = Object::default();
        let list = match operation.get("parameters") {
            Some(list) => list.items()?,
            None => Vec::new(),
        };
        for node in list {
            node.known(&[
                "name",
                "in",
                "required",
                "description",
                "schema",
                "example",
                "x-rust-name",
            ])?;
            let wire = node.need("name")?.text()?;
            let place = match node.need("in")?.text()? {
                "path" => Place::Path,
                "query" => Place::Query,
                "header" => Place::Header,
                other => return Err(node.error(format!("a parameter in `{other}` is not known"))),
            };
            if place == Place::Path && !path.contains(&format!("{{{wire}}}")) {
                return Err(node.error(format!("`{path}` has no `{{{wire}}}`")));
            }
            let mut shape = self.shape(&node.need("schema")?, &["default"])?;
            // In a path, a query or a header every value is a text.
            shape.also = match &shape.form {
                Form::Boolean | Form::Integer { .. } | Form::Number { .. } => Also::Text,
                Form::Text { .. } | Form::Secret => Also::Nothing,
                Form::Named(_) => Also::Nothing,
                _ => return Err(node.error("a parameter is a scalar or an enum")),
            };
            let rust = match node.get("x-rust-name") {
                Some(rust) => rust.text()?.into(),
                None => names::snake(wire),
            };
            let presence = match node.flag("required")? {
                true => Presence::Required,
                false => Presence::Optional,
            };
            let description = node.description()?;
            object.properties.push(parameter(wire, rust, description, presence, shape));
            parameters.push(Parameter { wire: wire.into(), place });
        }
        for (wire, description) in self.credentials(operation)? {
            let shape = Shape { form: Form::Secret, also: Also::Nothing };
            let rust = names::snake(&wire);
            let presence = Presence::Optional;
            object.properties.push(parameter(&wire, rust, description, presence, shape));
            parameters.push(Parameter { wire, place: Place::Header });
        }
        if parameters.is_empty() {
            return Ok((parameters, None));
        }
        let rust = format!("{}Parameters", names::camel(id));
        model.types.push(Type {
            name: rust.clone(),
            rust: rust.clone(),
            pointer: format!("{}/parameters", operation.pointer),
            description: format!("What `{id}` takes in its path, query and headers."),
            deprecated: false,
            doc_aliases: Vec::new(),
            kind: Kind::Object(object),
        });
        Ok((parameters, Some(rust)))
    }

    /// The headers of an operation's security schemes, and their descriptions.
    fn credentials(&self, operation: &Node<'a>) -> Result<Vec<(String, String)>, Error> {
        let Some(security) = operation.get("security").or_else(|| self.root.get("security")) else {
            return Ok(Vec::new());
        };
        let mut headers = Vec::new();
        for requirement in security.items()? {
            if requirement.object()?.len() > 1 {
                return Err(requirement.error("two schemes at once are not known"));
            }
            for (name, scopes) in requirement.entries()? {
                if !scopes.items()?.is_empty() {
                    return Err(scopes.error("scopes are not known"));
                }
                let components = self.root.need("components")?;
                let Some(scheme) = components.need("securitySchemes")?.get(name) else {
                    return Err(requirement.error(format!("there is no scheme `{name}`")));
                };
                scheme.known(&["type", "in", "name", "description"])?;
                let place = (scheme.need("type")?.text()?, scheme.need("in")?.text()?);
                if place != ("apiKey", "header") {
                    return Err(scheme.error("only an `apiKey` in a header is known"));
                }
                let header: String = scheme.need("name")?.text()?.into();
                if headers.iter().all(|(other, _)| *other != header) {
                    headers.push((header, scheme.description()?));
                }
            }
        }
        Ok(headers)
    }
}

/// The property of a parameter.
fn parameter(
    wire: &str,
    rust: String,
    description: String,
    presence: Presence,
    shape: Shape,
) -> Property {
    Property {
        wire: wire.into(),
        rust,
        description,
        presence,
        shape,
        aliases: Vec::new(),
        personal: false,
        only_known: false,
        deprecated: false,
        default: None,
        initial: None,
        unset_up_to: None,
        empty_counts: false,
        part: false,
        only_with: None,
        never_written: false,
        doc_aliases: Vec::new(),
    }
}

/// The set of characters that a pattern allows; other patterns are not known.
fn characters(pattern: &Node<'_>) -> Result<Characters, Error> {
    let unknown = || pattern.error("a pattern is a set of characters, such as `^[0-9a-z_-]*$`");
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

/// Other spellings of a path.
fn also_at(item: &Node<'_>) -> Result<Vec<String>, Error> {
    let paths = item.texts("x-also-at")?;
    match paths.iter().all(|path| path.starts_with('/') && !path.contains('{')) {
        true => Ok(paths),
        false => Err(item.error("`x-also-at` has paths without parameters")),
    }
}

fn within<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> bool {
    min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
}

/// The keys of another spec that hold secrets.
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

/// A list of lists, one for each value of an enum; empty when the key is not there.
fn lists<'a>(node: &Node<'a>, key: &str, count: usize) -> Result<Vec<Vec<Node<'a>>>, Error> {
    let Some(lists) = node.get(key) else { return Ok(Vec::new()) };
    let lists = lists.items()?;
    if lists.len() != count {
        return Err(node.error(format!("`{key}` has a list for each value")));
    }
    lists.iter().map(Node::items).collect()
}

const JSON: Shape = Shape { form: Form::Json, also: Also::Nothing };

fn is_nullable_type(node: &Node<'_>) -> bool {
    match node.get("type").map(|ty| ty.value) {
        Some(Value::Array(types)) => types.iter().any(|ty| ty == "null"),
        _ => false,
    }
}

fn enum_value(node: &Node<'_>) -> Result<EnumValue, Error> {
    match node.value {
        Value::String(text) => Ok(EnumValue::Text(text.clone())),
        value => match value.as_i64() {
            Some(code) => Ok(EnumValue::Code(code)),
            None => Err(node.error("a value of an enum is a string or an integer")),
        },
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
