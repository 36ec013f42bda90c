//! Writes the companion of an object with many required fields, which names them in `new`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::debug::debug_of;
use super::field::Field;
use super::structs::Struct;
use crate::compiler::docs::{deprecated, docs, first_paragraph};
use crate::compiler::model::Form;
use crate::compiler::names;

impl Struct<'_> {
    /// Returns the name of the companion; `None` if `new` takes the required fields one by one.
    fn companion(&self) -> Option<Ident> {
        self.object.companion(&self.ty.rust).map(|name| names::ident(&name))
    }

    /// Returns the parameters of `new`, and the values of the required fields in it.
    pub(super) fn new_parameters(&self) -> (TokenStream, Vec<TokenStream>) {
        let required = self.required();
        if let Some(companion) = self.companion() {
            let lifetime = self.lifetime().map(|_| quote!(<'_>));
            let values = required.iter().map(|field| {
                let ident = &field.ident;
                match field.property.shape.form {
                    Form::Text { .. } => quote!(fields.#ident.into()),
                    _ => quote!(fields.#ident),
                }
            });
            return (quote!(fields: #companion #lifetime), values.collect());
        }
        let (parameters, values): (Vec<_>, Vec<_>) = required
            .iter()
            .map(|field| {
                let ident = &field.ident;
                let (ty, value) = field.parameter();
                (quote!(#ident: #ty), value)
            })
            .unzip();
        (quote!(#(#parameters),*), values)
    }

    /// Writes the companion, and its `Debug`, which hides what the object hides.
    pub(super) fn required_fields(&self) -> TokenStream {
        let Some(companion) = self.companion() else { return TokenStream::new() };
        let name = &self.ty.rust;
        let struct_docs =
            docs(&format!("The required fields of [`{name}`], as [`{name}::new`] takes them."));
        let lifetime = self.lifetime().map(|lifetime| quote!(<#lifetime>));
        let required = self.required();
        let fields = required.iter().map(|field| {
            let Field { property, ident, .. } = field;
            let docs = docs(first_paragraph(&property.description));
            let deprecated = deprecated(property.deprecated);
            let inner = field.inner();
            match property.shape.form {
                Form::Text { .. } => quote!(#docs #deprecated pub #ident: &'a str),
                _ => quote!(#docs #deprecated pub #ident: #inner),
            }
        });
        let hides = required.iter().any(|field| field.property.personal);
        let derives = if hides { quote!(Clone) } else { quote!(Debug, Clone) };
        let anonymous = self.lifetime().map(|_| quote!(<'_>));
        let debug = hides.then(|| debug_of(&companion, anonymous, &required, None));
        quote! {
            #struct_docs
            #[derive(#derives)]
            pub struct #companion #lifetime { #(#fields,)* }

            #debug
        }
    }

    fn required(&self) -> Vec<&Field<'_>> {
        self.fields.iter().filter(|field| field.property.is_required()).collect()
    }

    /// Returns the lifetime of the texts that the companion borrows, if it borrows any.
    fn lifetime(&self) -> Option<TokenStream> {
        let borrows = |field: &&Field<'_>| matches!(field.property.shape.form, Form::Text { .. });
        self.required().iter().any(borrows).then(|| quote!('a))
    }
}
