//! The struct of an object: its definition, and the questions that other parts ask about it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::field::{Field, is_named};
use super::form::{adapter, writes_otherwise};
use crate::compiler::docs::{deprecated, docs, property_aliases, type_docs};
use crate::compiler::model::{Model, Object, Presence, Property, Type};
use crate::compiler::names;

pub(super) struct Struct<'a> {
    pub(super) ty: &'a Type,
    pub(super) object: &'a Object,
    pub(super) model: &'a Model,
    pub(super) fields: Vec<Field<'a>>,
    /// The value type of extra keys.
    pub(super) extra: Option<&'a syn::Type>,
    /// Whether it is a part of another object.
    pub(super) is_part: bool,
}

impl Struct<'_> {
    pub(super) fn name(&self) -> Ident {
        names::ident(&self.ty.rust)
    }

    pub(super) fn hides(&self) -> bool {
        self.fields.iter().any(|field| field.property.personal)
            || self.object.extra.as_ref().is_some_and(|extra| extra.personal)
    }

    /// Whether `default()` sets values, so that it differs from an object with no field set.
    pub(super) fn has_initials(&self) -> bool {
        let properties = || self.object.properties.iter();
        properties().any(|property| property.initial.is_some() || property.part)
    }

    /// Whether a field has a rule for when it is written, besides being set.
    pub(super) fn has_rules(&self) -> bool {
        self.object.properties.iter().any(Property::has_rule)
    }

    /// Returns the other field that must be set for this one to be written.
    pub(super) fn goes_with(&self, property: &Property) -> Option<&Ident> {
        let with = property.only_with.as_ref()?;
        let other = self.fields.iter().find(|other| other.property.wire == *with)?;
        Some(&other.ident)
    }

    pub(super) fn definition(&self) -> TokenStream {
        let name = self.name();
        let type_docs = type_docs(self.ty);
        let mut derives = vec![quote!(Clone), quote!(PartialEq)];
        if !self.hides() {
            derives.insert(0, quote!(Debug));
        }
        if !self.object.properties.iter().any(Property::is_required) && !self.has_initials() {
            derives.push(quote!(Default));
        }
        let derived = !self.has_rules();
        if derived {
            derives.push(quote!(serde::Serialize));
        }
        let fields = self.fields.iter().map(|field| {
            let Field { property, ident, ty } = field;
            let docs = docs(&property.description);
            let aliases = property_aliases(property);
            let deprecated = deprecated(property.deprecated);
            let serde = derived.then(|| self.serde_attribute(field));
            quote! { #docs #aliases #deprecated #serde pub #ident: #ty }
        });
        let flatten = derived.then(|| quote!(#[serde(flatten)]));
        let extra = self.extra.iter().map(|ty| {
            quote! {
                /// The keys that the spec does not name, as they were read.
                #flatten
                pub extra: std::collections::BTreeMap<String, #ty>
            }
        });
        quote! {
            #type_docs
            #[derive(#(#derives),*)]
            #[non_exhaustive]
            pub struct #name { #(#fields,)* #(#extra,)* }
        }
    }

    fn serde_attribute(&self, field: &Field<'_>) -> TokenStream {
        let Field { property, ident, ty } = field;
        let mut parts = Vec::new();
        if *ident != property.wire {
            let wire = &property.wire;
            parts.push(quote!(rename = #wire));
        }
        if property.never_written {
            parts.push(quote!(skip_serializing));
        } else if property.presence == Presence::NullIfUnset {
            // Written, whatever it is.
        } else if field.is_option() {
            parts.push(quote!(skip_serializing_if = "Option::is_none"));
        } else if property.presence == Presence::Optional {
            let empty = match ty {
                ty if is_named(ty, "Vec") => "Vec::is_empty",
                ty if is_named(ty, "BTreeMap") => "BTreeMap::is_empty",
                _ => "Map::is_empty",
            };
            parts.push(quote!(skip_serializing_if = #empty));
        }
        // Most adapters differ only in reading; then serde writes.
        if writes_otherwise(&property.shape)
            && let Some(adapter) = adapter(&property.shape)
        {
            let option = field.is_option();
            let adapter = if option { format!("Option<{adapter}>") } else { adapter };
            let with = format!("codegen::As::<{adapter}>::serialize");
            parts.push(quote!(serialize_with = #with));
        }
        if parts.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#parts),*)]) }
    }
}
