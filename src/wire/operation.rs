//! An operation of a platform.

use http::Method;

/// One operation of a platform, as its spec names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId` of the spec, such as `beginSession`.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, parameters in braces.
    pub path: &'static str,
    /// The keys that hold secrets, in requests and answers.
    pub secrets: &'static [&'static str],
}

impl Operation {
    /// An operation.
    #[must_use]
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self { id, method, path, secrets: &[] }
    }

    /// The same, with keys that hold secrets.
    #[must_use]
    pub const fn with_secrets(mut self, keys: &'static [&'static str]) -> Self {
        self.secrets = keys;
        self
    }
}
