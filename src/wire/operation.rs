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
}

impl Operation {
    /// An operation.
    #[must_use]
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self { id, method, path }
    }
}
