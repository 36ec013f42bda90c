//! The properties of objects: whether they must exist, their initial values, and when they are
//! written.

use serde_json::Value;

use super::enums::enum_value;
use super::node::Node;
use super::reader::Reader;
use crate::compiler::error::Error;
use crate::compiler::model::{Form, Presence, Property, Shape};
use crate::compiler::names;

/// The keys that a property may have besides those of its schema.
const ON_PROPERTY: [&str; 18] = [
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
    "x-unset-is-null",
    "x-unreadable-is-missing",
    "x-personal",
    "x-only-known",
    "nullable",
    "default",
];

impl<'a> Reader<'a, '_> {
    pub(super) fn property(
        &self,
        wire: &str,
        node: &Node<'a>,
        required: &[String],
    ) -> Result<Property, Error> {
        let shape = self.shape(node, &ON_PROPERTY)?;
        let required = required.iter().any(|name| name == wire);
        let presence = self.presence(node, &shape.form, required)?;
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
        let initial = match node.get("x-initial") {
            Some(initial) => Some(self.initial(&initial, &shape.form, presence)?),
            None => None,
        };
        let only_with = node.get("x-only-with").map(|name| name.text().map(String::from));
        Ok(Property {
            wire: wire.into(),
            rust: rust_name(node, wire)?,
            description: node.description()?,
            presence,
            only_known: only_known(node, &shape)?,
            aliases: aliases(node, presence)?,
            personal: node.flag("x-personal")?,
            deprecated: node.flag("deprecated")?,
            default: default(node, presence)?,
            initial,
            unset_up_to: unset_up_to(node, &shape.form, presence)?,
            empty_counts,
            part,
            only_with: only_with.transpose()?,
            never_written,
            dispensable: dispensable(node, &shape.form, presence)?,
            doc_aliases: node.texts("x-doc-aliases")?,
            shape,
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
            return Err(node.error("must be a value of its property, which must be optional"));
        }
        Ok(node.value.clone())
    }

    /// Returns whether a property must exist, and how it is read if it is missing.
    fn presence(&self, node: &Node<'a>, form: &Form, required: bool) -> Result<Presence, Error> {
        let missing = node.get("x-missing-reads-as");
        let presence = match (required, node.flag("x-may-be-missing")?, &missing) {
            (false, false, None) => Presence::Optional,
            (true, false, None) => Presence::Required,
            (true, true, None) => Presence::MayBeMissing,
            (true, false, Some(value)) => {
                let empty = value.value.as_object().is_some_and(serde_json::Map::is_empty);
                let fits = is_default(value.value, form) || (empty && self.reads_empty(form)?);
                if !fits {
                    return Err(value.error(
                        "must be \"\", false, 0 or [], and of the property's type, or {} for an \
                         object that can be read from {}",
                    ));
                }
                Presence::MissingIsDefault
            }
            _ => {
                let message = "`x-may-be-missing` and `x-missing-reads-as` are for required properties, \
                               and only one of them can be set";
                return Err(node.error(message));
            }
        };
        let nullable = node.flag("nullable")? || is_nullable_type(node);
        if node.flag("x-unset-is-null")? {
            let null = nullable || self.is_nullable(form)?;
            if presence != Presence::Required || !null || form.is_list() {
                return Err(node.error(
                    "`x-unset-is-null` is for required properties that are nullable, but not for lists \
                     and maps",
                ));
            }
            return Ok(Presence::NullIfUnset);
        }
        if nullable && presence == Presence::Required {
            return Err(
                node.error("a required property must not be nullable without `x-unset-is-null`")
            );
        }
        Ok(presence)
    }

    /// Whether a form is a component of this spec that may be null.
    fn is_nullable(&self, form: &Form) -> Result<bool, Error> {
        let Form::Named(name) = form else { return Ok(false) };
        let Some(schema) = self.component_of(name)? else { return Ok(false) };
        let Some(arms) = schema.get("oneOf") else { return schema.flag("nullable") };
        arms.items()?.iter().try_fold(false, |found, arm| Ok(found || arm.flag("nullable")?))
    }

    /// Whether a form is an object of this spec that can be read from `{}`.
    fn reads_empty(&self, form: &Form) -> Result<bool, Error> {
        let Form::Named(name) = form else { return Ok(false) };
        let Some(schema) = self.component_of(name)? else { return Ok(false) };
        if schema.get("type").is_none_or(|ty| ty.value != "object") {
            return Ok(false);
        }
        let required = schema.texts("required")?;
        let properties = schema.get("properties");
        Ok(required.iter().all(|name| {
            let property = properties.as_ref().and_then(|all| all.get(name));
            property.is_some_and(|property| {
                ["x-may-be-missing", "x-missing-reads-as"]
                    .iter()
                    .any(|key| property.get(key).is_some())
            })
        }))
    }

    /// Whether a form is an object of this spec without required properties.
    fn is_optional_object(&self, form: &Form) -> Result<bool, Error> {
        let Form::Named(name) = form else { return Ok(false) };
        let Some(schema) = self.component_of(name)? else { return Ok(false) };
        let object = schema.get("type").is_some_and(|ty| ty.value == "object");
        Ok(object && schema.texts("required")?.is_empty())
    }
}

/// Returns the Rust name of a property or a parameter.
pub(super) fn rust_name(node: &Node<'_>, wire: &str) -> Result<String, Error> {
    match node.get("x-rust-name") {
        Some(rust) => Ok(rust.text()?.into()),
        None => Ok(names::snake(wire)),
    }
}

/// Whether a value is the default of a form's Rust type.
fn is_default(value: &Value, form: &Form) -> bool {
    match form {
        Form::Text { .. } => value == "",
        Form::Boolean => value == false,
        Form::Integer { .. } => value == 0,
        Form::Array { .. } => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    }
}

/// Returns the value that the platform uses if the property is absent.
fn default(node: &Node<'_>, presence: Presence) -> Result<Option<Value>, Error> {
    let default = node.get("default").map(|default| default.value.clone());
    if default.is_some() && presence != Presence::Optional {
        return Err(node.error("only an optional property may have a default"));
    }
    Ok(default)
}

/// Returns other spellings of the key.
fn aliases(node: &Node<'_>, presence: Presence) -> Result<Vec<String>, Error> {
    let aliases = node.texts("x-aliases")?;
    let option =
        matches!(presence, Presence::Optional | Presence::MayBeMissing | Presence::NullIfUnset);
    if !aliases.is_empty() && !option {
        return Err(node.error("`x-aliases` are for properties that may be missing"));
    }
    Ok(aliases)
}

/// Returns whether a value that does not match its type is read as if it was missing.
fn dispensable(node: &Node<'_>, form: &Form, presence: Presence) -> Result<bool, Error> {
    let dispensable = node.flag("x-unreadable-is-missing")?;
    let has = |key| node.get(key).is_some();
    let unset_duration = matches!(form, Form::Duration { .. }) && has("x-unset-up-to");
    let required_alias = presence != Presence::Optional && has("x-aliases");
    if dispensable && (presence == Presence::Required || required_alias || unset_duration) {
        return Err(node.error(
            "`x-unreadable-is-missing` is for properties that may be missing, but neither for required \
             ones with `x-aliases` nor for durations with `x-unset-up-to`",
        ));
    }
    Ok(dispensable)
}

/// Returns the largest number that means "not set".
fn unset_up_to(node: &Node<'_>, form: &Form, presence: Presence) -> Result<Option<i64>, Error> {
    let Some(up_to) = node.get("x-unset-up-to") else { return Ok(None) };
    match (up_to.value.as_i64(), form) {
        _ if presence != Presence::Optional => {}
        (Some(number), Form::Integer { .. } | Form::Number { .. }) => return Ok(Some(number)),
        // A duration is never negative.
        (Some(number @ -1..=0), Form::Duration { .. }) => return Ok(Some(number)),
        _ => {}
    }
    Err(up_to.error("must be an integer, on an optional number; with a unit -1 or 0"))
}

fn is_nullable_type(node: &Node<'_>) -> bool {
    match node.get("type").map(|ty| ty.value) {
        Some(Value::Array(types)) => types.iter().any(|ty| ty == "null"),
        _ => false,
    }
}

fn only_known(node: &Node<'_>, shape: &Shape) -> Result<bool, Error> {
    let only_known = node.flag("x-only-known")?;
    if only_known && !matches!(shape.form, Form::Named(_)) {
        return Err(node.error("`x-only-known` is for enums"));
    }
    Ok(only_known)
}

fn within<T: PartialOrd>(value: T, min: Option<T>, max: Option<T>) -> bool {
    min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max)
}
