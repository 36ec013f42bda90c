//! `Default`, `unset` and `is_unset` of objects that start with values.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::Field;
use super::form::meaningless;
use super::structs::Struct;
use crate::compiler::model::Property;

impl Struct<'_> {
    /// `Default`, `unset` and `is_unset` of an object that starts with values, or is a part.
    pub(super) fn settings(&self) -> TokenStream {
        let name = self.name();
        if self.object.properties.iter().any(Property::is_required)
            || !(self.has_initials() || self.is_part)
        {
            return TokenStream::new();
        }
        let default = self.has_initials().then(|| {
            quote! {
                impl Default for #name {
                    /// Returns the initial values of the spec.
                    fn default() -> Self {
                        Self::new()
                    }
                }
            }
        });
        let values = self.fields.iter().map(|field| field.initialiser(&field.unset()));
        let extra = self.extra.map(|_| quote!(extra: std::collections::BTreeMap::new()));
        let left_out = self.fields.iter().filter_map(|field| self.is_left_out(field));
        let no_extra = self.extra.iter().map(|_| quote!(self.extra.is_empty()));
        let conditions: Vec<_> = left_out.chain(no_extra).collect();
        quote! {
            #default

            impl #name {
                /// Creates a value with nothing set. What is not set is not written, and the platform's
                /// own setting applies.
                #[must_use]
                pub fn unset() -> Self {
                    Self { #(#values,)* #extra }
                }

                /// Returns `true` if nothing of it would be written.
                #[must_use]
                pub fn is_unset(&self) -> bool {
                    #(#conditions)&&*
                }
            }
        }
    }

    /// The condition under which a field is left out; none when it always is.
    fn is_left_out(&self, field: &Field<'_>) -> Option<TokenStream> {
        let Field { property, ident, .. } = field;
        if property.never_written {
            return None;
        }
        if property.part {
            return Some(quote!(self.#ident.is_unset()));
        }
        let unset = match (meaningless(property), field.is_option()) {
            (Some(nothing), _) => quote!(self.#ident.as_ref().is_none_or(|value| #nothing)),
            (None, true) => quote!(self.#ident.is_none()),
            (None, false) => quote!(self.#ident.is_empty()),
        };
        Some(match self.goes_with(property) {
            Some(other) => quote!((#unset || self.#other.is_none())),
            None => unset,
        })
    }
}
