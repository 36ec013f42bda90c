//! Operations: paths, bodies, answers and parameters.

use super::node::Node;
use super::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{
    Also, Answer, Form, Kind, Method, Model, Object, Operation, Parameter, Place, Presence,
    Property, Shape, Type,
};
use crate::compiler::names;

impl<'a> Reader<'a, '_> {
    pub(super) fn path(&self, path: &str, item: Node<'a>, model: &mut Model) -> Result<(), Error> {
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

/// Other spellings of a path.
fn also_at(item: &Node<'_>) -> Result<Vec<String>, Error> {
    let paths = item.texts("x-also-at")?;
    match paths.iter().all(|path| path.starts_with('/') && !path.contains('{')) {
        true => Ok(paths),
        false => Err(item.error("`x-also-at` has paths without parameters")),
    }
}
