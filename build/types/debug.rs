//! `Debug` of objects that hold what callers say.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::Field;
use super::structs::Struct;

impl Struct<'_> {
    /// `Debug` that shows neither what callers say nor their numbers.
    pub(super) fn debug(&self) -> TokenStream {
        if !self.hides() {
            return TokenStream::new();
        }
        let ident = self.name();
        let name = &self.ty.rust;
        let fields = self.fields.iter().map(|field| {
            let Field { property, ident, .. } = field;
            let name = ident.to_string();
            match property.personal {
                true => quote!(.field(#name, &codegen::Hidden)),
                false => quote!(.field(#name, &self.#ident)),
            }
        });
        let extra = self.object.extra.iter().map(|extra| match extra.personal {
            true => quote!(.field("extra", &codegen::Hidden)),
            false => quote!(.field("extra", &self.extra)),
        });
        quote! {
            impl std::fmt::Debug for #ident {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#name) #(#fields)* #(#extra)* .finish()
                }
            }
        }
    }
}
