//! `Deserialize` of objects.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::field::Field;
use super::form::{meaningful, read_value};
use super::structs::Struct;
use crate::compiler::model::{Extra, Form, Presence};

impl Struct<'_> {
    // The variables of the loop end in `_`, as no field's does.
    pub(super) fn deserialize(&self) -> TokenStream {
        let name = self.name();
        let mut spellings = Vec::new();
        for field in &self.fields {
            spellings.push((field, field.ident.clone(), field.property.wire.as_str()));
            for (index, alias) in field.property.aliases.iter().enumerate() {
                let variable = format_ident!("{}_{}", field.ident, index + 2);
                spellings.push((field, variable, alias));
            }
        }
        let variables = spellings.iter().map(|(field, variable, _)| {
            let inner = field.inner();
            quote!(let mut #variable: Option<#inner> = None;)
        });
        let arms: Vec<_> = spellings
            .iter()
            .map(|(field, variable, wire)| {
                let unset = field.property.unset_up_to.is_some();
                let read = read_value(field.inner(), &field.property.shape, unset);
                quote!(#wire => #variable = #read)
            })
            .collect();
        let (extra_variable, keys, extra_field) = self.keys(&arms);
        let values = self.fields.iter().map(value);
        quote! {
            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Fields;

                    impl<'de> serde::de::Visitor<'de> for Fields {
                        type Value = #name;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map_: M) -> Result<#name, M::Error> {
                            #(#variables)*
                            #extra_variable
                            #keys
                            Ok(#name { #(#values,)* #extra_field })
                        }
                    }

                    deserializer.deserialize_map(Fields)
                }
            }
        }
    }

    /// The loop over the keys, the variable that it fills with the further ones, and their field.
    fn keys(&self, arms: &[TokenStream]) -> (TokenStream, TokenStream, TokenStream) {
        let (extra_variable, extra_arm, extra_field) = match &self.object.extra {
            Some(extra) => self.extra_parts(extra),
            None => (
                TokenStream::new(),
                quote!(map_.next_value::<serde::de::IgnoredAny>()?;),
                TokenStream::new(),
            ),
        };
        let keys = if arms.is_empty() && self.object.extra.is_none() {
            quote!(while map_.next_key::<serde::de::IgnoredAny>()?.is_some())
        } else {
            quote!(while let Some(key_) = map_.next_key::<codegen::Key<'de>>()?)
        };
        let field = if arms.is_empty() {
            extra_arm
        } else {
            quote!(match key_.as_str() { #(#arms,)* _ => { #extra_arm } })
        };
        (extra_variable, quote!(#keys { #field }), extra_field)
    }

    fn extra_parts(&self, extra: &Extra) -> (TokenStream, TokenStream, TokenStream) {
        let ty = self.extra;
        let arm = if matches!(extra.shape.form, Form::Json) {
            quote!(extra.insert(key_.into(), map_.next_value()?);)
        } else {
            let read = match ty {
                Some(ty) => read_value(ty, &extra.shape, false),
                None => quote!(map_.next_value()?),
            };
            quote! {
                if let Some(value) = #read {
                    extra.insert(key_.into(), value);
                }
            }
        };
        (quote!(let mut extra = std::collections::BTreeMap::new();), arm, quote!(extra))
    }
}

/// The initialiser of a field, of the variables that hold what was read of its spellings.
fn value(field: &Field<'_>) -> TokenStream {
    let ident = &field.ident;
    let wire = &field.property.wire;
    let others =
        (0..field.property.aliases.len()).map(|index| format_ident!("{}_{}", ident, index + 2));
    let value = if field.property.aliases.is_empty() {
        quote!(#ident)
    } else {
        let empty = match &field.property.shape.form {
            Form::Secret => quote!(|value: &wire::Secret| value.expose().is_empty()),
            Form::Text { .. } | Form::Array { .. } | Form::Map(_) => {
                quote!(|value| value.is_empty())
            }
            _ => quote!(|_| false),
        };
        quote!(codegen::first_filled([#ident, #(#others),*], #empty))
    };
    let unset = meaningful(field.property).map(|means| quote!(.filter(|value| #means)));
    let value = quote!(#value #unset);
    match (field.is_option(), field.property.presence) {
        (true, _) if field.property.aliases.is_empty() && unset.is_none() => quote!(#ident),
        (true, _) => quote!(#ident: #value),
        (false, Presence::Required) => {
            quote!(#ident: #value.ok_or_else(|| serde::de::Error::missing_field(#wire))?)
        }
        (false, _) if field.property.part => {
            let ty = &field.ty;
            quote!(#ident: #value.unwrap_or_else(#ty::unset))
        }
        (false, _) => quote!(#ident: #value.unwrap_or_default()),
    }
}
