//! A field of a struct: its type, and its form in constructors and setters.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::compiler::model::{Form, Property};

pub(super) struct Field<'a> {
    pub(super) property: &'a Property,
    pub(super) ident: Ident,
    pub(super) ty: syn::Type,
}

impl Field<'_> {
    pub(super) fn is_option(&self) -> bool {
        self.property.is_option()
    }

    /// Returns the type inside the `Option`, or the type itself.
    pub(super) fn inner(&self) -> &syn::Type {
        match generic(&self.ty) {
            Some(inner) if self.is_option() => inner,
            _ => &self.ty,
        }
    }

    /// Writes the initialiser of the field in a struct expression.
    pub(super) fn initialiser(&self, value: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        match *ident == value.to_string() {
            true => quote!(#ident),
            false => quote!(#ident: #value),
        }
    }

    /// Writes the value of a field that is not set.
    pub(super) fn unset(&self) -> TokenStream {
        let ty = &self.ty;
        match ty {
            _ if self.is_option() => quote!(None),
            _ if self.property.part => quote!(#ty::unset()),
            ty if is_named(ty, "Vec") => quote!(Vec::new()),
            ty if is_named(ty, "BTreeMap") => quote!(std::collections::BTreeMap::new()),
            _ => quote!(serde_json::Map::new()),
        }
    }

    /// Returns the parameter of a constructor or setter: its type, and the expression to store.
    pub(super) fn parameter(&self) -> (TokenStream, TokenStream) {
        let ident = &self.ident;
        let inner = self.inner();
        if matches!(self.property.shape.form, Form::Duration { .. }) {
            return (quote!(#inner), quote!(#ident));
        }
        if is_named(inner, "Vec")
            && let Some(item) = generic(inner)
        {
            return match is_named(item, "String") {
                true => (
                    quote!(impl IntoIterator<Item = impl Into<String>>),
                    quote!(#ident.into_iter().map(Into::into).collect()),
                ),
                false => {
                    (quote!(impl IntoIterator<Item = #item>), quote!(#ident.into_iter().collect()))
                }
            };
        }
        match &self.property.shape.form {
            Form::Boolean | Form::Integer { .. } | Form::Number { .. } => {
                (quote!(#inner), quote!(#ident))
            }
            Form::Text { .. } | Form::Secret | Form::Json => {
                (quote!(impl Into<#inner>), quote!(#ident.into()))
            }
            _ => (quote!(#inner), quote!(#ident)),
        }
    }
}

/// Returns the type of a field: typify's type, except where typify knows no such type.
pub(super) fn field_type(property: &Property, made: &syn::Type) -> syn::Type {
    let inner = match generic(made) {
        Some(inner) if is_named(made, "Option") => inner,
        _ => made,
    };
    let inner = match property.shape.form {
        Form::Duration { .. } => syn::parse_quote!(std::time::Duration),
        _ => inner.clone(),
    };
    if property.is_option() { syn::parse_quote!(Option<#inner>) } else { inner }
}

pub(super) fn is_named(ty: &syn::Type, name: &str) -> bool {
    match ty {
        syn::Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| segment.ident == name)
        }
        _ => false,
    }
}

/// Returns the first generic argument.
pub(super) fn generic(ty: &syn::Type) -> Option<&syn::Type> {
    let syn::Type::Path(path) = ty else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments
    else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
