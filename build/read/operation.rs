//! Operations: their paths, bodies and responses.

use super::node::Node;
use super::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{Answer, FailureBody, Flag, Form, Method, Model, Operation, Property};
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
            "x-stream-if",
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
        let body = self.body(&node)?;
        let (success, failures) = self.responses(&node)?;
        let answer = answer(&node, success.json, success.events, body.as_ref(), model)?;
        let (parameters, parameters_type) = self.parameters(&id, path, &node, model)?;
        for other in &model.operations {
            let taken = |either: &Answer, id: &str, other: &str| {
                let stream = names::snake(id) + names::STREAM;
                matches!(either, Answer::Either { .. }) && stream == names::snake(other)
            };
            if other.id == id {
                return Err(node.error(format!("a second operation has the id `{id}`")));
            }
            if taken(&answer, &id, &other.id) || taken(&other.answer, &other.id, &id) {
                return Err(node.error(format!(
                    "the method that asks for a stream has the name of `{}`",
                    other.id
                )));
            }
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
            ends_with: success.ends_with,
            failures,
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
            ("application/json", media) => self.named(&media.need("schema")?).map(Some),
            (media, _) => Err(body.error(format!("a body of `{media}` is not supported"))),
        }
    }

    /// Reads the successful response, and the bodies of failures.
    fn responses(&self, operation: &Node<'a>) -> Result<(Success, Vec<FailureBody>), Error> {
        let responses = operation.need("responses")?;
        let (mut success, mut refusals) = (None, Vec::new());
        for (key, response) in responses.entries()? {
            response.known(&["description", "content"])?;
            response.description()?;
            let Some(statuses) = statuses(key) else {
                return Err(response.error("a status must be 200 to 299, 400 to 599, 4XX or 5XX"));
            };
            if statuses.0 >= 400 {
                let form = match response.get("content") {
                    Some(_) => self.failure(&response)?,
                    None => None,
                };
                refusals.push((statuses, form));
            } else if success.is_none() {
                success = Some((statuses, self.success(&response)?));
            } else {
                return Err(responses.error("an operation must have one successful response"));
            }
        }
        let Some((statuses, mut success)) = success else {
            return Err(
                responses.error("a successful response is missing, expected one with a status 2XX")
            );
        };
        let others = std::mem::take(&mut success.failures);
        let others = others.into_iter().map(|form| FailureBody { statuses, form });
        Ok((success, others.chain(split(refusals)).collect()))
    }

    /// Reads the successful response, and the failures that come with the same status.
    fn success(&self, response: &Node<'a>) -> Result<Success, Error> {
        let mut success = Success::default();
        let content = response.need("content")?;
        for (media, node) in content.entries()? {
            let schema = node.need("schema")?;
            let (place, schema) = match media {
                "application/json" => {
                    node.known(&MEDIA)?;
                    (&mut success.json, schema)
                }
                "text/event-stream" => {
                    let mut known = MEDIA.to_vec();
                    known.push("x-ends-with");
                    node.known(&known)?;
                    success.ends_with =
                        node.get("x-ends-with").map(|end| marker(&end)).transpose()?;
                    (&mut success.events, event_data(&schema)?)
                }
                media => {
                    let message = format!("a response of `{media}` is not supported");
                    return Err(response.error(message));
                }
            };
            let (form, failures) = self.forms(&schema)?;
            *place = Some(form);
            for failure in failures {
                // Both media types may have it.
                if !success.failures.contains(&failure) {
                    success.failures.push(failure);
                }
            }
        }
        Ok(success)
    }

    /// Reads the forms of a successful response. With `anyOf` the first one is the answer, and the
    /// others are failures.
    fn forms(&self, schema: &Node<'a>) -> Result<(Form, Vec<Form>), Error> {
        let Some(forms) = schema.get("anyOf") else {
            return Ok((self.named(schema)?, Vec::new()));
        };
        schema.known(&["anyOf"])?;
        let read =
            forms.items()?.iter().map(|form| self.named(form)).collect::<Result<Vec<_>, _>>()?;
        match read.split_first() {
            Some((answer, failures)) if !failures.is_empty() => {
                Ok((answer.clone(), failures.to_vec()))
            }
            _ => Err(forms.error("must have the answer first, and then failures")),
        }
    }

    /// Reads the body of a failure. A text has no type.
    fn failure(&self, response: &Node<'a>) -> Result<Option<Form>, Error> {
        match self.media(response)? {
            ("application/json", media) => self.named(&media.need("schema")?).map(Some),
            ("text/plain", _) => Ok(None),
            (media, _) => Err(response.error(format!("a response of `{media}` is not supported"))),
        }
    }

    /// Returns the only media type of a body, and its entry.
    fn media(&self, node: &Node<'a>) -> Result<(&'a str, Node<'a>), Error> {
        let content = node.need("content")?;
        let mut entries = content.entries()?;
        match (entries.next(), entries.next()) {
            (Some((media, node)), None) => {
                node.known(&MEDIA)?;
                node.need("schema")?;
                Ok((media, node))
            }
            _ => Err(content.error("a body must have exactly one media type")),
        }
    }
}

/// The keys that every media type may have.
const MEDIA: [&str; 3] = ["schema", "example", "examples"];

/// A successful response: the answer of each media type, and the failures with the same status.
#[derive(Default)]
struct Success {
    json: Option<Form>,
    events: Option<Form>,
    ends_with: Option<String>,
    failures: Vec<Form>,
}

/// Returns the answer of an operation, given the answers of its media types.
fn answer(
    operation: &Node<'_>,
    json: Option<Form>,
    events: Option<Form>,
    body: Option<&Form>,
    model: &Model,
) -> Result<Answer, Error> {
    let flag = operation.get("x-stream-if");
    match (json, events, flag) {
        (Some(json), Some(events), Some(name)) => {
            let flag = flag_of(&name, body, model)?;
            Ok(Answer::Either { json, events, flag })
        }
        (Some(_), Some(_), None) => Err(operation.error(
            "an operation with two media types needs `x-stream-if`, the property that asks for a stream",
        )),
        (_, _, Some(name)) => Err(name.error(
            "`x-stream-if` is for operations that answer with `application/json` and \
             `text/event-stream`",
        )),
        (Some(json), None, None) => Ok(Answer::Json(json)),
        (None, Some(events), None) => Ok(Answer::Events(events)),
        (None, None, None) => Err(operation.error("a successful response must have a media type")),
    }
}

/// Returns the property of the body that asks for a stream.
fn flag_of(name: &Node<'_>, body: Option<&Form>, model: &Model) -> Result<Flag, Error> {
    let wire = name.text()?;
    let properties = model.objects().find_map(|(ty, object)| match body {
        Some(Form::Named(body)) if ty.rust == *body => Some(&object.properties),
        _ => None,
    });
    let property = properties.into_iter().flatten().find(|property| property.wire == wire);
    match property {
        Some(property @ Property { rust, .. }) if matches!(property.shape.form, Form::Boolean) => {
            Ok(Flag { rust: rust.clone(), wire: wire.into(), is_option: property.is_option() })
        }
        _ => Err(name.error(format!("the body has no boolean property `{wire}`"))),
    }
}

/// Returns the data of the event that ends a stream.
fn marker(node: &Node<'_>) -> Result<String, Error> {
    let text = node.text()?;
    // Readers trim it, and a stream of JSON may have it as a packet.
    let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
    if text.is_empty() || is_json || text.trim() != text || text.contains(['\n', '\r']) {
        return Err(node.error(
            "must be one line that is not JSON, without spaces around it, such as `[DONE]`",
        ));
    }
    Ok(text.into())
}

/// Returns the schema of the JSON in the data of an event, given the schema of the event.
fn event_data<'a>(event: &Node<'a>) -> Result<Node<'a>, Error> {
    event.known(&["type", "required", "properties"])?;
    let properties = event.need("properties")?;
    properties.known(&["data"])?;
    let data = properties.need("data")?;
    data.known(&["type", "format", "x-content-schema"])?;
    let is_json = data.get("format").is_some_and(|format| format.value == "json-string");
    if event.texts("required")? != ["data"] || !is_json {
        return Err(event.error("an event must have `data`, which is a `json-string`"));
    }
    data.need("x-content-schema")
}

/// Returns the first and the last of the statuses that a key of `responses` names.
fn statuses(key: &str) -> Option<(u16, u16)> {
    match key {
        "4XX" => Some((400, 499)),
        "5XX" => Some((500, 599)),
        _ => {
            let status: u16 = key.parse().ok()?;
            let known = matches!(status, 200..=299 | 400..=599) && key.len() == 3;
            known.then_some((status, status))
        }
    }
}

/// Takes the statuses that have an entry of their own out of the ranges, as OpenAPI does. An entry
/// without a form has a body of no type.
fn split(entries: Vec<((u16, u16), Option<Form>)>) -> Vec<FailureBody> {
    let single = entries.iter().filter(|((first, last), _)| first == last);
    let mut single: Vec<_> = single.map(|((status, _), _)| *status).collect();
    single.sort_unstable();
    let mut failures = Vec::new();
    for ((start, last), form) in entries {
        let Some(form) = form else { continue };
        let mut first = start;
        for &status in
            single.iter().filter(|status| start < last && (start..=last).contains(status))
        {
            if first < status {
                failures.push(FailureBody { statuses: (first, status - 1), form: form.clone() });
            }
            first = status + 1;
        }
        if first <= last {
            failures.push(FailureBody { statuses: (first, last), form });
        }
    }
    failures
}

/// Returns the other spellings of a path.
fn also_at(item: &Node<'_>) -> Result<Vec<String>, Error> {
    let paths = item.texts("x-also-at")?;
    match paths.iter().all(|path| path.starts_with('/') && !path.contains('{')) {
        true => Ok(paths),
        false => Err(item.error("`x-also-at` must list paths without parameters")),
    }
}
