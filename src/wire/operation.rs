//! The description of an operation.

use http::Method;

/// An operation of a platform, as its spec describes it. The module of a platform lists them in
/// `operations`.
///
/// ```
/// # #[cfg(feature = "duix")] {
/// use callbot::duix::operations;
///
/// assert_eq!(operations::CONCURRENCY.id, "concurrency");
/// assert_eq!(operations::CONCURRENCY.method, "GET");
/// assert_eq!(operations::CONCURRENCY.path, "/duix-openapi-v2/sdk/v2/getconcurrentNumber");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The `operationId` of the spec, such as `beginSession`.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL, parameters in braces.
    pub path: &'static str,
    /// The keys of values that are secret, in requests and responses.
    pub secrets: &'static [&'static str],
    /// The base paths below which servers have the operation; empty if the base URL already
    /// includes them.
    pub bases: &'static [&'static str],
    /// Other spellings of the path, which are served as well.
    pub spellings: &'static [&'static str],
    /// Whether the operation starts or changes something. A client then never retries it, whatever
    /// its options are.
    pub once: bool,
    /// The data of the event that ends a stream, after its last packet; `None` if the last packet
    /// ends it.
    pub ends_with: Option<&'static str>,
}

impl Operation {
    /// Creates the description of an operation.
    #[must_use]
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self {
            id,
            method,
            path,
            secrets: &[],
            bases: &[],
            spellings: &[],
            once: false,
            ends_with: None,
        }
    }

    /// Sets the keys of secret values.
    #[must_use]
    pub const fn with_secrets(mut self, keys: &'static [&'static str]) -> Self {
        self.secrets = keys;
        self
    }

    /// Forbids retries of the operation.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Sets the data of the event that ends a stream.
    #[must_use]
    pub const fn with_end(mut self, data: &'static str) -> Self {
        self.ends_with = Some(data);
        self
    }

    /// Sets the base paths of the operation.
    #[must_use]
    pub const fn with_bases(mut self, bases: &'static [&'static str]) -> Self {
        self.bases = bases;
        self
    }

    /// Sets other spellings of the path.
    #[must_use]
    pub const fn with_spellings(mut self, spellings: &'static [&'static str]) -> Self {
        self.spellings = spellings;
        self
    }
}
