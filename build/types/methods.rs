//! Writes the constructor, the setters, and the accessors of defaults.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::field::Field;
use super::structs::Struct;
use crate::compiler::docs::docs;
use crate::compiler::model::{EnumValue, Form, Kind, Unit};
use crate::compiler::names;

impl Struct<'_> {
    pub(super) fn methods(&self) -> TokenStream {
        let name = self.name();
        let (parameters, required) = self.new_parameters();
        let nothing_required = required.is_empty();
        let mut required = required.into_iter();
        let values = self.fields.iter().map(|field| {
            if !field.property.is_required() {
                return field.initialiser(&self.initial(field));
            }
            let value = required.next().unwrap_or_default();
            field.initialiser(&if field.is_option() { quote!(Some(#value)) } else { value })
        });
        let extra = self.extra.map(|_| quote!(extra: std::collections::BTreeMap::new()));
        let setters = self.fields.iter().filter(|field| !field.property.is_required()).map(setter);
        let extra_setter = self.extra_setter();
        let defaults = self.fields.iter().filter_map(default_accessor);
        let docs = docs(match (nothing_required, self.has_initials()) {
            (true, false) => "Creates a value with all fields absent.",
            (true, true) => "Creates a value with the initial values of the spec.",
            (false, false) => "Creates a value from its required fields. All others are absent.",
            (false, true) => {
                "Creates a value from its required fields and the initial values of the spec."
            }
        });
        quote! {
            impl #name {
                #docs
                #[must_use]
                pub fn new(#parameters) -> Self {
                    Self { #(#values,)* #extra }
                }
                #(#setters)*
                #extra_setter
                #(#defaults)*
            }
        }
    }

    /// Writes the setter of extra keys.
    fn extra_setter(&self) -> Option<TokenStream> {
        let extra = self.object.extra.as_ref()?;
        let ty = self.extra;
        let (ty, value) = match extra.shape.form {
            Form::Text { .. } | Form::Json => (quote!(impl Into<#ty>), quote!(value.into())),
            _ => (quote!(#ty), quote!(value)),
        };
        Some(quote! {
            /// Adds a key that the spec does not name.
            #[must_use]
            pub fn with_extra(mut self, key: impl Into<String>, value: #ty) -> Self {
                self.extra.insert(key.into(), #value);
                self
            }
        })
    }

    /// Writes the value of a field in a new object.
    fn initial(&self, field: &Field<'_>) -> TokenStream {
        let property = field.property;
        let Some(initial) = &property.initial else {
            let ty = &field.ty;
            return if property.part { quote!(#ty::new()) } else { field.unset() };
        };
        let value = match (&property.shape.form, initial) {
            (Form::Duration { unit, .. }, initial) => {
                let number = proc_macro2::Literal::u64_unsuffixed(initial.as_u64().unwrap_or(0));
                let unit = match unit {
                    Unit::Seconds => quote!(from_secs),
                    Unit::Milliseconds => quote!(from_millis),
                };
                quote!(std::time::Duration::#unit(#number))
            }
            (Form::Number { .. }, initial) => {
                let number = proc_macro2::Literal::f64_unsuffixed(initial.as_f64().unwrap_or(0.0));
                quote!(#number)
            }
            (Form::Text { .. }, initial) => {
                let text = initial.as_str().unwrap_or_default();
                quote!(#text.into())
            }
            (Form::Array { .. }, _) => quote!(Vec::new()),
            (Form::Named(name), initial) => {
                let ty = names::ident(name);
                let variant = self.variant(name, initial);
                quote!(#ty::#variant)
            }
            (_, initial) => initial.to_string().parse().unwrap_or_default(),
        };
        if field.is_option() { quote!(Some(#value)) } else { value }
    }

    /// Returns the variant of an enum's value.
    fn variant(&self, name: &str, value: &serde_json::Value) -> Option<Ident> {
        let ty = self.model.types.iter().find(|ty| ty.rust == name)?;
        let Kind::Enum(of) = &ty.kind else { return None };
        let variant = of.variants.iter().find(|variant| match &variant.value {
            EnumValue::Text(text) => value == text,
            EnumValue::Code(code) => value == code,
        });
        variant.map(|variant| names::ident(&variant.rust))
    }

    /// Writes conversions from text, for an object that needs only one text.
    pub(super) fn text_as_object(&self) -> TokenStream {
        let name = self.name();
        quote! {
            impl From<String> for #name {
                fn from(text: String) -> Self {
                    Self::new(text)
                }
            }

            impl From<&str> for #name {
                fn from(text: &str) -> Self {
                    Self::new(text)
                }
            }
        }
    }
}

/// Writes a setter, such as `with_delay`.
fn setter(field: &Field<'_>) -> TokenStream {
    let ident = &field.ident;
    let setter = format_ident!("with_{}", field.property.rust);
    let (ty, value) = field.parameter();
    let value = if field.is_option() { quote!(Some(#value)) } else { value };
    let docs = docs(&format!("Sets [`{0}`](Self::{0}).", field.ident));
    quote! {
        #docs
        #[must_use]
        pub fn #setter(mut self, #ident: #ty) -> Self {
            self.#ident = #value;
            self
        }
    }
}

/// Writes an accessor such as `delay_or_default`, which returns the default if the field is absent.
fn default_accessor(field: &Field<'_>) -> Option<TokenStream> {
    let default = field.property.default.as_ref()?;
    let ident = &field.ident;
    let accessor = format_ident!("{}_or_default", field.property.rust);
    let text =
        format!("Returns [`{ident}`](Self::{ident}), or its default `{default}` if it is absent.");
    let docs = docs(&text);
    let inner = field.inner();
    let value: TokenStream = match &field.property.shape.form {
        Form::Number { .. } => format!("{:?}", default.as_f64()?).parse().ok()?,
        Form::Boolean | Form::Integer { .. } => default.to_string().parse().ok()?,
        _ => return None,
    };
    Some(quote! {
        #docs
        #[must_use]
        pub fn #accessor(&self) -> #inner {
            self.#ident.unwrap_or(#value)
        }
    })
}
