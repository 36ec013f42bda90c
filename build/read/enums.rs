//! Enums: a name, a description and other spellings for each value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::node::Node;
use super::reader::{COMMON, Reader};
use crate::compiler::error::Error;
use crate::compiler::model::{Enum, EnumValue, Variant};

impl<'a> Reader<'a, '_> {
    pub(super) fn enumeration(&self, schema: &Node<'a>) -> Result<Enum, Error> {
        let mut known = COMMON.to_vec();
        known.extend([
            "type",
            "nullable",
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
        let values = values(schema)?;
        let varnames = schema.texts("x-enum-varnames")?;
        let descriptions = schema.texts("x-enum-descriptions")?;
        if varnames.len() != values.len() || descriptions.len() != values.len() {
            return Err(schema.error(
                "`x-enum-varnames` and `x-enum-descriptions` need one entry for each value",
            ));
        }
        let integer = match schema.need("type")?.text()? {
            "string" => false,
            "integer" => true,
            other => return Err(schema.error(format!("an enum of `{other}` is not supported"))),
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
        let mut variants = Vec::new();
        for ((node, rust), description) in values.iter().zip(varnames).zip(descriptions) {
            let value = enum_value(node)?;
            let also = also(&others.next().unwrap_or_default(), integer)?;
            let aliases = aliases.next().unwrap_or_default();
            let aliases = aliases.iter().map(|alias| alias.text().map(String::from));
            let doc_aliases = aliases.collect::<Result<_, _>>()?;
            if integer != matches!(value, EnumValue::Code(_)) {
                return Err(node.error("the value does not match the enum's type"));
            }
            if rust == "Unknown" {
                return Err(node.error("`Unknown` is the name of the arm for unknown values"));
            }
            variants.push(Variant { rust, description, value, also, doc_aliases });
        }
        unique_numbers(&values, &variants)?;
        let success_value = success.map(EnumValue::Code);
        variants.retain(|variant| Some(&variant.value) != success_value.as_ref());
        Ok(Enum { variants, success })
    }
}

/// Returns the values of an enum. A nullable one also lists null, which other tools refuse otherwise,
/// and which is not a value here.
fn values<'a>(schema: &Node<'a>) -> Result<Vec<Node<'a>>, Error> {
    let list = schema.need("enum")?;
    let mut values = list.items()?;
    let all = values.len();
    values.retain(|value| !value.value.is_null());
    if schema.flag("nullable")? != (values.len() + 1 == all) {
        return Err(list.error("must list null once if the enum is nullable, and never otherwise"));
    }
    Ok(values)
}

/// Returns the other numbers that are read as a value.
fn also(others: &[Node<'_>], integer: bool) -> Result<Vec<i64>, Error> {
    let number = |other: &Node<'_>| {
        let number = other.value.as_i64().filter(|_| integer);
        number.ok_or_else(|| other.error("must be an integer, since its enum is of integers"))
    };
    others.iter().map(number).collect()
}

/// Rejects a number that belongs to two values.
fn unique_numbers(values: &[Node<'_>], variants: &[Variant]) -> Result<(), Error> {
    let mut numbers = BTreeSet::new();
    for (node, variant) in values.iter().zip(variants) {
        let EnumValue::Code(code) = variant.value else { continue };
        for number in variant.also.iter().chain([&code]) {
            if !numbers.insert(*number) {
                return Err(node.error(format!("`{number}` occurs twice")));
            }
        }
    }
    Ok(())
}

/// Returns a list of lists, one for each value of an enum; empty if the key is missing.
fn lists<'a>(node: &Node<'a>, key: &str, count: usize) -> Result<Vec<Vec<Node<'a>>>, Error> {
    let Some(lists) = node.get(key) else { return Ok(Vec::new()) };
    let lists = lists.items()?;
    if lists.len() != count {
        return Err(node.error(format!("`{key}` needs a list for each value")));
    }
    lists.iter().map(Node::items).collect()
}

pub(super) fn enum_value(node: &Node<'_>) -> Result<EnumValue, Error> {
    match node.value {
        Value::String(text) => Ok(EnumValue::Text(text.clone())),
        value => match value.as_i64() {
            Some(code) => Ok(EnumValue::Code(code)),
            None => Err(node.error("an enum value must be a string or an integer")),
        },
    }
}
