//! Writes `Serialize` of objects for which serde can't derive it.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::Field;
use super::form::{adapter, meaningful, writes_otherwise};
use super::structs::Struct;
use crate::compiler::model::Presence;

impl Struct<'_> {
    /// Writes `Serialize` of an object whose fields have rules for when they are written.
    pub(super) fn serialize(&self) -> TokenStream {
        if !self.has_rules() {
            return TokenStream::new();
        }
        let name = self.name();
        let written = self.fields.iter().filter(|field| !field.property.never_written);
        let fields = written.map(|field| self.entry(field));
        let extra = self.extra.map(|_| quote!(map.entries(&self.extra)?;));
        quote! {
            impl serde::Serialize for #name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = codegen::write_object(serializer)?;
                    #(#fields)*
                    #extra
                    map.end()
                }
            }
        }
    }

    /// Writes the statement that writes a field, under its conditions.
    fn entry(&self, field: &Field<'_>) -> TokenStream {
        let Field { property, ident, .. } = field;
        let wire = &property.wire;
        if property.presence == Presence::NullIfUnset {
            return match adapter(&property.shape) {
                Some(adapter) if writes_otherwise(&property.shape) => {
                    let adapter: TokenStream = adapter.parse().unwrap_or_default();
                    quote!(map.entry_as::<Option<#adapter>, _>(#wire, &self.#ident)?;)
                }
                _ => quote!(map.entry(#wire, &self.#ident)?;),
            };
        }
        let value = match field.is_option() {
            true => quote!(value),
            false => quote!(&self.#ident),
        };
        let entry = match adapter(&property.shape) {
            Some(adapter) if writes_otherwise(&property.shape) => {
                let adapter: TokenStream = adapter.parse().unwrap_or_default();
                let variable = (!field.is_option()).then(|| quote!(let value = #value;));
                quote!(#variable map.entry_as::<#adapter, _>(#wire, value)?;)
            }
            _ => quote!(map.entry(#wire, #value)?;),
        };
        if field.is_option() {
            let means = meaningful(property).map(|means| quote!(&& #means));
            let with = self.goes_with(property).map(|other| quote!(&& self.#other.is_some()));
            return quote! { if let Some(value) = &self.#ident #means #with { #entry } };
        }
        match property.presence {
            Presence::Optional if property.part => {
                quote! { if !self.#ident.is_unset() { #entry } }
            }
            Presence::Optional => quote! { if !self.#ident.is_empty() { #entry } },
            _ => entry,
        }
    }
}
