//! Operations: their paths, bodies and responses.

use super::node::Node;
use super::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{Answer, Form, Method, Model, Operation};

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
                    return Err(item.error(format!("`{other}` is not supported here")));
                }
            };
            self.operation(path, method, &item, node, model)?;
        }
        Ok(())
    }

    /// Returns the base paths of a path: the servers without a host.
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
        let (body, answer) = (self.body(&node)?, self.answer(&node)?);
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

    /// Reads the body of a request, if it has one.
    fn body(&self, operation: &Node<'a>) -> Result<Option<Form>, Error> {
        let Some(body) = operation.get("requestBody") else { return Ok(None) };
        body.known(&["description", "required", "content"])?;
        if !body.flag("required")? {
            return Err(body.error("an optional body is not supported"));
        }
        match self.media(&body)? {
            ("application/json", schema) => self.named(&schema).map(Some),
            (media, _) => Err(body.error(format!("a body of `{media}` is not supported"))),
        }
    }

    /// Reads the successful response.
    fn answer(&self, operation: &Node<'a>) -> Result<Answer, Error> {
        let responses = operation.need("responses")?;
        let mut answer = None;
        for (status, response) in responses.entries()? {
            response.known(&["description", "content"])?;
            if !status.starts_with('2') {
                continue;
            }
            if answer.is_some() {
                return Err(responses.error("an operation must have one successful response"));
            }
            let (media, schema) = self.media(&response)?;
            answer = Some(match media {
                "application/json" => Answer::Json(self.named(&schema)?),
                "text/event-stream" => Answer::Events(self.named(&schema)?),
                other => {
                    return Err(response.error(format!("a response of `{other}` is not supported")));
                }
            });
        }
        answer.ok_or_else(|| responses.error("there is no successful response"))
    }

    /// Returns the only media type of a body, and its schema.
    fn media(&self, node: &Node<'a>) -> Result<(&'a str, Node<'a>), Error> {
        let content = node.need("content")?;
        let mut entries = content.entries()?;
        match (entries.next(), entries.next()) {
            (Some((media, node)), None) => {
                node.known(&["schema", "example", "examples"])?;
                Ok((media, node.need("schema")?))
            }
            _ => Err(content.error("a body must have exactly one media type")),
        }
    }
}

/// Returns the other spellings of a path.
fn also_at(item: &Node<'_>) -> Result<Vec<String>, Error> {
    let paths = item.texts("x-also-at")?;
    match paths.iter().all(|path| path.starts_with('/') && !path.contains('{')) {
        true => Ok(paths),
        false => Err(item.error("`x-also-at` must list paths without parameters")),
    }
}
