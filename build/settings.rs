//! What is compiled, and how.

/// What is compiled, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Write the async client.
    #[cfg(feature = "client")]
    pub client: bool,
    /// Name the client `WireClient`: a client written by hand stands around it.
    #[cfg(feature = "client")]
    pub wire_client: bool,
    /// Write the `Api` trait and its router.
    pub server: bool,
    /// Name the server side `WireApi`, `WireServer` and `wire_router`: the platform's module has an
    /// `Api`, a `Server` and a `router` of its own, and two items must not share one page of the docs.
    pub wire_server: bool,
    /// Appended to the docs of `Client`: an example.
    #[cfg(feature = "client")]
    pub client_docs: &'a str,
    /// Appended to the docs of `Api`: an example, which the docs of `router` refer to.
    pub api_docs: &'a str,
    /// Appended to the docs of `Server`: the platform's settings, and an example.
    pub server_docs: &'a str,
    /// Write a `schemars::JsonSchema` for every type.
    pub schemas: bool,
    /// Where the types of other specs live: file name, path of the Rust module.
    pub modules: &'a [(&'a str, &'a str)],
    /// Texts that have a type of their own, written by hand: the `format` of the spec, path of the
    /// Rust type. It reads, writes and validates itself.
    pub formats: &'a [(&'a str, &'a str)],
    /// What the handler of an operation gives when that is not the whole answer:
    /// `operationId`, Rust type.
    pub outputs: &'a [(&'a str, &'a str)],
    /// Operations that a server may leave out, by `operationId`: the trait has a body for them.
    pub optional: &'a [&'a str],
}
