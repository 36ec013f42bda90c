//! Turns descriptions of the spec into doc comments.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Property, Type};
use super::names;

/// Writes a doc comment, with one `///` for each line.
pub(super) fn docs(text: &str) -> TokenStream {
    let lines = text.trim_end().lines().map(|line| {
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        quote!(#[doc = #line])
    });
    quote!(#(#lines)*)
}

/// Returns the first paragraph of a description.
pub(super) fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or(text)
}

/// Writes other names under which rustdoc finds an item.
pub(super) fn aliases<'a>(names: impl IntoIterator<Item = &'a String>) -> TokenStream {
    let names = names.into_iter();
    quote!(#(#[doc(alias = #names)])*)
}

/// Writes the names under which rustdoc finds a property besides its own: those of the spec, and
/// its wire name if that differs.
pub(super) fn property_aliases(property: &Property) -> TokenStream {
    let named = property.doc_aliases.contains(&property.wire);
    let other = names::snake(&property.wire) != property.rust && !named;
    aliases(property.doc_aliases.iter().chain(other.then_some(&property.wire)))
}

pub(super) fn deprecated(deprecated: bool) -> TokenStream {
    if deprecated { quote!(#[deprecated]) } else { TokenStream::new() }
}

/// Writes the docs of a type, its name at the platform as an alias, and `deprecated`.
pub(super) fn type_docs(ty: &Type) -> TokenStream {
    let docs = docs(&ty.description);
    let alias = (ty.name != ty.rust).then(|| {
        let name = &ty.name;
        quote!(#[doc(alias = #name)])
    });
    let aliases = aliases(&ty.doc_aliases);
    let deprecated = deprecated(ty.deprecated);
    quote! { #docs #alias #aliases #deprecated }
}
