//! The parameters of operations: values in the path, the query and the headers, and credentials.

use super::node::Node;
use super::property::rust_name;
use super::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{
    Also, Form, Kind, Model, Object, Parameter, Place, Presence, Property, Shape, Type,
};
use crate::compiler::names;

impl<'a> Reader<'a, '_> {
    /// Reads the parameters. They become the properties of a separate object.
    pub(super) fn parameters(
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
            let (parameter, property) = self.parameter(path, &node)?;
            object.properties.push(property);
            parameters.push(parameter);
        }
        for (wire, description) in self.credentials(operation)? {
            let shape = Shape { form: Form::Secret, also: Also::Nothing };
            let rust = names::snake(&wire);
            object.properties.push(property(&wire, rust, description, Presence::Optional, shape));
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
            description: format!(
                "The parameters of `{id}` in the path, the query and the headers."
            ),
            deprecated: false,
            doc_aliases: Vec::new(),
            kind: Kind::Object(object),
        });
        Ok((parameters, Some(rust)))
    }

    /// Reads a parameter, and its property.
    fn parameter(&self, path: &str, node: &Node<'a>) -> Result<(Parameter, Property), Error> {
        node.known(&["name", "in", "required", "description", "schema", "example", "x-rust-name"])?;
        let wire = node.need("name")?.text()?;
        let place = match node.need("in")?.text()? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            other => return Err(node.error(format!("a parameter in `{other}` is not supported"))),
        };
        if place == Place::Path && !path.contains(&format!("{{{wire}}}")) {
            return Err(node.error(format!("`{path}` has no `{{{wire}}}`")));
        }
        let mut shape = self.shape(&node.need("schema")?, &["default"])?;
        // In a path, a query or a header every value is a text.
        shape.also = match &shape.form {
            Form::Boolean | Form::Integer { .. } | Form::Number { .. } => Also::Text,
            Form::Text { .. } | Form::Secret | Form::Named(_) => Also::Nothing,
            _ => return Err(node.error("a parameter must be a scalar or an enum")),
        };
        let presence = match node.flag("required")? {
            true => Presence::Required,
            false => Presence::Optional,
        };
        let rust = rust_name(node, wire)?;
        let property = property(wire, rust, node.description()?, presence, shape);
        Ok((Parameter { wire: wire.into(), place }, property))
    }

    /// Returns the headers of an operation's security schemes, and their descriptions.
    fn credentials(&self, operation: &Node<'a>) -> Result<Vec<(String, String)>, Error> {
        let Some(security) = operation.get("security").or_else(|| self.root.get("security")) else {
            return Ok(Vec::new());
        };
        let mut headers = Vec::new();
        for requirement in security.items()? {
            if requirement.object()?.len() > 1 {
                return Err(requirement.error("two schemes together are not supported"));
            }
            for (name, scopes) in requirement.entries()? {
                if !scopes.items()?.is_empty() {
                    return Err(scopes.error("scopes are not supported"));
                }
                let components = self.root.need("components")?;
                let Some(scheme) = components.need("securitySchemes")?.get(name) else {
                    return Err(requirement.error(format!("there is no scheme `{name}`")));
                };
                scheme.known(&["type", "in", "name", "description"])?;
                let place = (scheme.need("type")?.text()?, scheme.need("in")?.text()?);
                if place != ("apiKey", "header") {
                    return Err(scheme.error("only an `apiKey` in a header is supported"));
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

/// Returns the property of a parameter.
fn property(
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
        dispensable: false,
        doc_aliases: Vec::new(),
    }
}
