//! A value of a document and its place, which every error names.

use serde_json::{Map, Value};

use crate::compiler::error::{Error, segment};

/// A value of the document, and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) spec: &'a str,
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

impl<'a> Node<'a> {
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.spec, &self.pointer, message)
    }

    pub(super) fn child(&self, key: &str, value: &'a Value) -> Node<'a> {
        Node { spec: self.spec, value, pointer: format!("{}{}", self.pointer, segment(key)) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.value.get(key).map(|value| self.child(key, value))
    }

    pub(super) fn need(&self, key: &str) -> Result<Node<'a>, Error> {
        self.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, Error> {
        self.value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    pub(super) fn entries(
        &self,
    ) -> Result<impl Iterator<Item = (&'a str, Node<'a>)> + use<'a>, Error> {
        let node = self.clone();
        Ok(self.object()?.iter().map(move |(key, value)| (key.as_str(), node.child(key, value))))
    }

    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, Error> {
        let items = self.value.as_array().ok_or_else(|| self.error("must be an array"))?;
        Ok(items.iter().enumerate().map(|(i, value)| self.child(&i.to_string(), value)).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.value.as_str().ok_or_else(|| self.error("must be a string"))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        let Some(list) = self.get(key) else { return Ok(Vec::new()) };
        list.items()?.iter().map(|item| item.text().map(String::from)).collect()
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Error> {
        let Some(flag) = self.get(key) else { return Ok(false) };
        flag.value.as_bool().ok_or_else(|| flag.error("must be true or false"))
    }

    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Error> {
        let Some(count) = self.get(key) else { return Ok(None) };
        count.value.as_u64().map(Some).ok_or_else(|| count.error("must be a whole number"))
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Error> {
        let Some(number) = self.get(key) else { return Ok(None) };
        number.value.as_i64().map(Some).ok_or_else(|| number.error("must be an integer"))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(number) = self.get(key) else { return Ok(None) };
        number.value.as_f64().map(Some).ok_or_else(|| number.error("must be a number"))
    }

    pub(super) fn known(&self, keys: &[&str]) -> Result<(), Error> {
        for key in self.object()?.keys() {
            if !keys.contains(&key.as_str()) {
                return Err(self.error(format!("`{key}` is not supported here")));
            }
        }
        Ok(())
    }

    pub(super) fn description(&self) -> Result<String, Error> {
        let text = self.need("description")?.text()?.trim();
        if text.is_empty() {
            return Err(self.error("the description must not be empty"));
        }
        Ok(text.into())
    }
}
