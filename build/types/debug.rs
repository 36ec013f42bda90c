//! Writes `Debug` of objects that contain what callers say.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::field::Field;
use super::structs::Struct;

impl Struct<'_> {
    /// Writes a `Debug` that shows neither what callers say nor their numbers.
    pub(super) fn debug(&self) -> TokenStream {
        if !self.hides() {
            return TokenStream::new();
        }
        let fields: Vec<_> = self.fields.iter().collect();
        let extra = self.object.extra.as_ref().map(|extra| match extra.personal {
            true => quote!(.field("extra", &codegen::Hidden)),
            false => quote!(.field("extra", &self.extra)),
        });
        debug_of(&self.name(), None, &fields, extra)
    }
}

/// Writes `Debug` of a struct with these fields.
pub(super) fn debug_of(
    name: &Ident,
    generics: Option<TokenStream>,
    fields: &[&Field<'_>],
    extra: Option<TokenStream>,
) -> TokenStream {
    let text = name.to_string();
    let fields = fields.iter().map(|field| {
        let Field { property, ident, .. } = field;
        let name = ident.to_string();
        match property.personal {
            true => quote!(.field(#name, &codegen::Hidden)),
            false => quote!(.field(#name, &self.#ident)),
        }
    });
    quote! {
        impl std::fmt::Debug for #name #generics {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(#text) #(#fields)* #extra .finish()
            }
        }
    }
}
