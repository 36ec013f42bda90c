//! Turns wire names into Rust names.

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span};

use super::model::Form;

/// The end of the name of the method that asks for a stream, for an operation that can also answer with
/// JSON.
pub(super) const STREAM: &str = "_stream";

/// Returns an identifier. A keyword gets a trailing underscore, as typify does it.
pub(super) fn ident(name: &str) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(ident) => ident,
        Err(_) => Ident::new(&format!("{name}_"), Span::call_site()),
    }
}

/// Converts `updatedTime` to `updated_time`.
pub(super) fn snake(name: &str) -> String {
    name.to_snake_case()
}

/// Converts `beginSession` to `BeginSession`.
pub(super) fn camel(name: &str) -> String {
    name.to_upper_camel_case()
}

/// Converts `beginSession` to `BEGIN_SESSION`.
pub(super) fn constant(name: &str) -> Ident {
    ident(&name.to_shouty_snake_case())
}

/// Returns the Rust path of a component.
pub(super) fn form_path(form: &Form) -> syn::Path {
    let path = match form {
        Form::Foreign { path, .. } => path,
        Form::Named(name) => name,
        _ => "serde_json::Value",
    };
    syn::parse_str(path).unwrap_or_else(|_| ident(path).into())
}
