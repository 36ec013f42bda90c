//! The settings of the compiler.

/// The settings of the compiler: what to write, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Writes the async client.
    #[cfg(feature = "client")]
    pub client: bool,
    /// Names the client `WireClient`, since a hand-written client wraps it.
    #[cfg(feature = "client")]
    pub wire_client: bool,
    /// The text about the platform in the docs of the client, with an example.
    #[cfg(feature = "client")]
    pub client_docs: &'a str,
    /// Writes the `Api` trait and its router.
    pub server: bool,
    /// Names the server side `WireApi`, `WireServer` and `wire_router`. The platform's module has
    /// its own `Api`, `Server` and `router`, and two items must not share one page of the docs.
    pub wire_server: bool,
    /// The example in the docs of `Api`, to which the docs of `router` refer.
    pub api_docs: &'a str,
    /// The text about the platform in the docs of `Server`, with an example.
    pub server_docs: &'a str,
    /// Writes a `schemars::JsonSchema` for every type.
    pub schemas: bool,
    /// The Rust modules of other specs: file name, path of the module.
    pub modules: &'a [(&'a str, &'a str)],
    /// Strings with a hand-written type: the `format` of the spec, path of the Rust type. The type
    /// implements its own reading, writing and validation.
    pub formats: &'a [(&'a str, &'a str)],
    /// The output types of handlers that do not return the whole response: `operationId`, Rust
    /// type.
    pub outputs: &'a [(&'a str, &'a str)],
    /// The operations that a server may leave out, by `operationId`: the trait provides a body for
    /// them.
    pub optional: &'a [&'a str],
}
