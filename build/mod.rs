//! The spec compiler: an OpenAPI or JSON Schema file in, readable Rust out.
//!
//! One file per stage, in the order in which a spec goes through them: [`yaml`] reads the text,
//! [`read`] checks it and builds the [`model`], [`lower`] makes the copy that typify can take, and
//! [`types`], [`enums`], [`unions`], [`validate`], [`schema`], `raw` with `client`, and [`server`]
//! write the Rust. No stage knows a platform by name.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "client")]
mod client;
mod docs;
mod enums;
mod error;
mod lower;
mod model;
mod names;
#[cfg(feature = "client")]
mod raw;
mod read;
mod schema;
mod server;
mod types;
mod unions;
mod validate;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::Error;
use proc_macro2::TokenStream;
use quote::quote;

/// What is compiled, and how.
#[derive(Debug, Default)]
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
    /// What the docs of `Server` say about the platform, with an example.
    pub server_docs: &'a str,
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

/// Compiles one spec to the text of a Rust module.
pub fn compile(spec: &Path, settings: &Settings<'_>) -> Result<String, Error> {
    let name = spec.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(spec)
        .map_err(|error| Error::new(&name, "", format!("can't be read: {error}")))?;
    compile_text(&name, &text, spec.parent().unwrap_or(Path::new(".")), settings)
}

/// Compiles the text of a spec; `name` is the file name that errors show, and `folder` has the specs
/// that it refers to.
pub fn compile_text(
    name: &str,
    text: &str,
    folder: &Path,
    settings: &Settings<'_>,
) -> Result<String, Error> {
    let document = yaml::parse(name, text)?;
    let mut others = BTreeMap::new();
    for (file, _) in settings.modules {
        let text = std::fs::read_to_string(folder.join(file))
            .map_err(|error| Error::new(file, "", format!("can't be read: {error}")))?;
        others.insert((*file).to_owned(), yaml::parse(file, &text)?);
    }
    let model = read::read(name, &document, &others, settings)?;
    let mut items = vec![
        types::write(name, &model)?,
        enums::write(&model),
        unions::write(&model),
        validate::write(&model),
        schema::write(&model, &document),
    ];
    if !model.operations.is_empty() {
        items.push(operations(&model));
    }
    #[cfg(feature = "client")]
    if settings.client && !model.operations.is_empty() {
        let client = if settings.wire_client { "WireClient" } else { "Client" };
        items.push(client::write(name, &model, client)?);
    }
    if settings.server && !model.operations.is_empty() {
        items.push(server::write(&model, settings));
    }
    let file: syn::File = syn::parse2(quote!(#(#items)*))
        .map_err(|error| Error::new(name, "", format!("the compiler wrote bad Rust: {error}")))?;
    Ok(layout(name, &prettyplease::unparse(&file)))
}

/// One static per operation, shared by client and router.
fn operations(model: &model::Model) -> TokenStream {
    let secrets = model.secrets();
    let statics = model.operations.iter().map(|operation| {
        let constant = names::constant(&operation.id);
        let model::Operation { id, path, .. } = operation;
        let method = names::ident(operation.method.as_str());
        let docs = docs::docs(&format!("`{} {path}`.", operation.method.as_str()));
        let secrets = (!secrets.is_empty()).then(|| quote!(.with_secrets(&[#(#secrets),*])));
        let (bases, also_at) = (&operation.bases, &operation.also_at);
        let bases = (!bases.is_empty()).then(|| quote!(.with_bases(&[#(#bases),*])));
        let also_at = (!also_at.is_empty()).then(|| quote!(.with_spellings(&[#(#also_at),*])));
        let once = operation.once.then(|| quote!(.once()));
        quote! {
            #docs
            pub static #constant: Operation =
                Operation::new(#id, http::Method::#method, #path) #secrets #bases #also_at #once;
        }
    });
    quote! {
        /// The operations of the platform: id, method and path of each.
        pub mod operations {
            use ::callbot::wire::Operation;

            #(#statics)*
        }
    }
}

/// Puts the header on top and a blank line between items, which the printer leaves out.
fn layout(name: &str, code: &str) -> String {
    let mut out = format!("// Compiled from `specs/{name}`. Change the spec, not this file.\n");
    let mut finished = true;
    for line in code.lines() {
        let item = line.trim_start();
        let of_items = line.len() - item.len() <= 4;
        if of_items && finished && starts_item(item) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        let comment = item.starts_with("//");
        finished = of_items && !comment && (item.starts_with('}') || item.ends_with(';'));
    }
    out
}

/// Whether an item, its docs or its attributes begin on this line.
fn starts_item(line: &str) -> bool {
    const STARTS: [&str; 12] = [
        "///",
        "//",
        "#[",
        "pub(",
        "pub struct",
        "pub enum",
        "pub fn",
        "pub async",
        "fn ",
        "async fn",
        "impl",
        "mod ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}
