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
    /// The paths below which servers have it; none when the base URL says it all.
    pub bases: &'static [&'static str],
    /// Other spellings of the path, which are served as well.
    pub spellings: &'static [&'static str],
    /// It starts or changes something: a client never makes it again, whatever its options say.
    pub once: bool,
}

impl Operation {
    /// An operation.
    #[must_use]
    pub const fn new(id: &'static str, method: Method, path: &'static str) -> Self {
        Self { id, method, path, secrets: &[], bases: &[], spellings: &[], once: false }
    }

    /// The same, with keys that hold secrets.
    #[must_use]
    pub const fn with_secrets(mut self, keys: &'static [&'static str]) -> Self {
        self.secrets = keys;
        self
    }

    /// The same, never made again by a client.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The same, below these paths.
    #[must_use]
    pub const fn with_bases(mut self, bases: &'static [&'static str]) -> Self {
        self.bases = bases;
        self
    }

    /// The same, with other spellings of its path.
    #[must_use]
    pub const fn with_spellings(mut self, spellings: &'static [&'static str]) -> Self {
        self.spellings = spellings;
        self
    }
}
