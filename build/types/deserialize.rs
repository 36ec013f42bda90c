//! Writes `Deserialize` of objects.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::field::Field;
use super::form::{adapter, meaningful, read_value};
use super::structs::Struct;
use crate::compiler::model::{Extra, Form, Presence};

impl Struct<'_> {
    pub(super) fn deserialize(&self) -> TokenStream {
        let name = self.name();
        let (map, key) = (self.variable("map"), self.variable("key"));
        let variables = self.fields.iter().map(variable);
        let extra = self.extra.map(|_| quote!(let mut extra = std::collections::BTreeMap::new();));
        let extra_field = self.extra.map(|_| quote!(extra,));
        let keys = self.keys(&map, &key);
        let values = self.fields.iter().map(value);
        let known = self.known_keys();
        quote! {
            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    codegen::read_object(deserializer)
                }
            }

            impl codegen::Object for #name {
                #known

                fn read<'de, M: codegen::Entries<'de>>(mut #map: M) -> Result<Self, M::Error> {
                    #(#variables)*
                    #extra
                    #keys
                    Ok(Self { #(#values,)* #extra_field })
                }
            }
        }
    }

    /// Returns a variable name that no field has.
    fn variable(&self, name: &str) -> Ident {
        match self.fields.iter().any(|field| field.ident == name) {
            true => format_ident!("{name}_"),
            false => format_ident!("{name}"),
        }
    }

    /// Writes the list of the keys, if an object without any of them can be read.
    fn known_keys(&self) -> Option<TokenStream> {
        let required = |field: &Field<'_>| {
            !field.is_option() && matches!(field.property.presence, Presence::Required)
        };
        if self.fields.is_empty() || self.fields.iter().any(required) {
            return None;
        }
        let keys = self.fields.iter().flat_map(|field| {
            let property = field.property;
            [&property.wire].into_iter().chain(&property.aliases)
        });
        Some(quote!(const KEYS: &'static [&'static str] = &[#(#keys),*];))
    }

    /// Writes the loop that reads the value of each key.
    fn keys(&self, map: &Ident, key: &Ident) -> TokenStream {
        let arms = self.fields.iter().flat_map(|field| self.arms(field, map));
        let other = match &self.object.extra {
            Some(extra) => self.extra_value(extra, map, key),
            None => quote!(#map.skip()?),
        };
        if self.fields.is_empty() {
            return match self.extra {
                Some(_) => quote!(while let Some(#key) = #map.key()? { #other }),
                None => quote!(while #map.key()?.is_some() { #other; }),
            };
        }
        quote! {
            while let Some(#key) = #map.key()? {
                match #key.as_str() {
                    #(#arms,)*
                    _ => #other,
                }
            }
        }
    }

    /// Writes the expression that keeps the value of a key without a field.
    fn extra_value(&self, extra: &Extra, map: &Ident, key: &Ident) -> TokenStream {
        let read = read_value(&extra.shape, map, false);
        match extra.shape.form {
            Form::Json => quote!({ extra.insert(#key.into(), #read); }),
            _ => quote!({
                if let Some(value) = #read {
                    extra.insert(#key.into(), value);
                }
            }),
        }
    }

    /// Writes the match arms of a field: one for each spelling of its key.
    fn arms(&self, field: &Field<'_>, map: &Ident) -> Vec<TokenStream> {
        let (ident, property) = (&field.ident, field.property);
        let wire = &property.wire;
        let read = match property.dispensable {
            true => self.read_dispensable(field, map),
            false => read_value(&property.shape, map, property.unset_up_to.is_some()),
        };
        if property.aliases.is_empty() {
            return vec![quote!(#wire => #ident = #read)];
        }
        let spellings = [wire].into_iter().chain(&property.aliases).enumerate();
        let arms = spellings.map(|(index, spelling)| {
            let index = proc_macro2::Literal::usize_unsuffixed(index);
            quote!(#spelling => #ident[#index] = #read)
        });
        arms.collect()
    }

    /// Writes the expression that reads a value that a program can do without.
    fn read_dispensable(&self, field: &Field<'_>, map: &Ident) -> TokenStream {
        let property = field.property;
        let wire = &property.wire;
        let adapter = adapter(&property.shape).unwrap_or_else(|| "codegen::Same".into());
        let adapter: TokenStream = adapter.parse().unwrap_or_default();
        let read = match self.is_object(&property.shape.form) {
            true => quote!(#map.dispensable_object::<#adapter, _>(#wire)?),
            false => quote!(#map.dispensable::<#adapter, _>(#wire)?),
        };
        if property.is_required() { quote!(Some(#read)) } else { read }
    }

    /// Whether a form is an object of this spec.
    fn is_object(&self, form: &Form) -> bool {
        let Form::Named(name) = form else { return false };
        self.model.objects().any(|(ty, _)| ty.rust == *name)
    }
}

/// Writes the variable for the value of a field: an array with one place for each spelling of its
/// key.
fn variable(field: &Field<'_>) -> TokenStream {
    let (ident, inner) = (&field.ident, field.inner());
    let property = field.property;
    match property.aliases.len() {
        // Whether the key was there, and its value.
        0 if property.dispensable && property.is_required() => {
            quote!(let mut #ident: Option<Option<#inner>> = None;)
        }
        0 => quote!(let mut #ident: Option<#inner> = None;),
        others => {
            let spellings = others + 1;
            let literal = proc_macro2::Literal::usize_unsuffixed(spellings);
            let none = std::iter::repeat_n(quote!(None), spellings);
            quote!(let mut #ident: [Option<#inner>; #literal] = [#(#none),*];)
        }
    }
}

/// Writes the initialiser of a field, from the variable with its value.
fn value(field: &Field<'_>) -> TokenStream {
    let (ident, property) = (&field.ident, field.property);
    let read = match property.aliases.is_empty() {
        true if property.dispensable && property.is_required() => {
            let wire = &property.wire;
            quote!(codegen::or_missing(#wire, #ident))
        }
        true => quote!(#ident),
        false => {
            let is_empty = match &property.shape.form {
                Form::Secret => quote!(|value| value.expose().is_empty()),
                Form::Text { .. } | Form::Array { .. } | Form::Map(_) => {
                    quote!(|value| value.is_empty())
                }
                _ => quote!(|_| false),
            };
            quote!(codegen::first_filled(#ident, #is_empty))
        }
    };
    let set = meaningful(property).map(|means| quote!(.filter(|value| #means)));
    let value = quote!(#read #set);
    let value = match (field.is_option(), property.presence) {
        (true, _) => value,
        (false, Presence::Required) => {
            let wire = &property.wire;
            quote!(codegen::required(#wire, #value)?)
        }
        (false, _) if property.part => {
            let ty = &field.ty;
            quote!(#value.unwrap_or_else(#ty::unset))
        }
        (false, _) if matches!(property.shape.form, Form::Named(_)) => {
            quote!(#value.map_or_else(codegen::empty_object, Ok)?)
        }
        (false, _) => quote!(#value.unwrap_or_default()),
    };
    field.initialiser(&value)
}
