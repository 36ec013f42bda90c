//! The spec compiler: turns an OpenAPI or JSON Schema file into readable Rust.
//!
//! Each stage has a file or folder. In the order in which a spec passes through them: [`yaml`]
//! parses the text, [`read`] checks it and builds the [`model`], [`lower`] makes the copy that
//! typify accepts, then [`types`], [`enums`], [`unions`], [`kinds`], [`validate`], [`schema`],
//! [`operations`], `client` with `raw`, and [`server`] write the Rust, and [`imports`] and
//! [`layout`](mod@layout) format it. No stage knows a platform by name.

#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "client")]
mod client;
mod docs;
mod enums;
mod error;
mod imports;
mod kinds;
mod layout;
mod lower;
mod model;
mod names;
mod operations;
#[cfg(feature = "client")]
mod raw;
mod read;
mod schema;
mod server;
mod settings;
mod types;
mod unions;
mod validate;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::Error;
use layout::layout;
use quote::quote;
pub use settings::Settings;

/// Compiles one spec to the text of a Rust module.
pub fn compile(spec: &Path, settings: &Settings<'_>) -> Result<String, Error> {
    let name = spec.file_name().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(spec)
        .map_err(|error| Error::new(&name, "", format!("can't be read: {error}")))?;
    compile_text(&name, &text, spec.parent().unwrap_or(Path::new(".")), settings)
}

/// Compiles the text of a spec. `name` is the file name that errors show; `folder` contains the
/// specs that it refers to.
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
        kinds::write(&model),
        validate::write(&model),
    ];
    if settings.schemas {
        items.push(schema::write(&model, &document));
    }
    if !model.operations.is_empty() {
        items.push(operations::write(&model));
    }
    #[cfg(feature = "client")]
    if settings.client && !model.operations.is_empty() {
        items.push(client::write(name, &model, settings)?);
    }
    if settings.server && !model.operations.is_empty() {
        items.push(server::write(&model, settings));
    }
    let mut file: syn::File = syn::parse2(quote!(#(#items)*))
        .map_err(|error| Error::new(name, "", format!("the compiler wrote bad Rust: {error}")))?;
    let imports = imports::shorten(name, &model, &mut file)?;
    Ok(layout(name, &imports, file))
}
