//! Writes `Default`, `unset` and `is_unset` of objects that start with values.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::Field;
use super::form::meaningless;
use super::structs::Struct;
use crate::compiler::model::{Presence, Property};

impl Struct<'_> {
    /// Writes `Default`, `unset` and `is_unset` of an object that starts with values, or that is a
    /// part.
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
                /// Creates a value with no field set. Fields that are not set are not written, so
                /// the platform's own settings apply.
                #[must_use]
                pub fn unset() -> Self {
                    Self { #(#values,)* #extra }
                }

                /// Returns `true` if no field would be written.
                #[must_use]
                pub fn is_unset(&self) -> bool {
                    #(#conditions)&&*
                }
            }
        }
    }

    /// Writes the condition under which a field is not written; `None` for one that is never written.
    fn is_left_out(&self, field: &Field<'_>) -> Option<TokenStream> {
        let Field { property, ident, .. } = field;
        if property.never_written {
            return None;
        }
        if property.presence == Presence::NullIfUnset {
            return Some(quote!(false));
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
