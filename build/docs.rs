//! Descriptions of the spec to doc comments.

use proc_macro2::TokenStream;
use quote::quote;

/// A doc comment, one `///` for each line.
pub(super) fn docs(text: &str) -> TokenStream {
    let lines = text.trim_end().lines().map(|line| {
        let line = if line.is_empty() { String::new() } else { format!(" {line}") };
        quote!(#[doc = #line])
    });
    quote!(#(#lines)*)
}

/// Other names under which rustdoc finds an item.
pub(super) fn aliases<'a>(names: impl IntoIterator<Item = &'a String>) -> TokenStream {
    let names = names.into_iter();
    quote!(#(#[doc(alias = #names)])*)
}
