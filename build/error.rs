//! The error of a spec.

use std::fmt;

/// A spec that can't be compiled: the file, the place in it, and what is wrong there.
#[derive(Debug)]
pub struct Error {
    spec: String,
    pointer: String,
    message: String,
}

impl Error {
    pub(super) fn new(spec: &str, pointer: &str, message: impl Into<String>) -> Self {
        Self { spec: spec.into(), pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}: {}", self.spec, self.pointer, self.message)
    }
}

impl std::error::Error for Error {}

/// Returns a key as one segment of a JSON pointer.
pub(super) fn segment(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}
