//! Unions by JSON type: the type of the value decides which variant holds it, and a value of another
//! type is kept whole.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::{docs, type_docs};
use super::model::{Form, JsonKind, Kind, KindArm, Kinds, Model, Shape, Type};
use super::names;
use super::types::adapter;

/// Writes every union by JSON type of the spec.
pub(super) fn write(model: &Model) -> TokenStream {
    let unions = model.types.iter().filter_map(|ty| match &ty.kind {
        Kind::Kinds(kinds) => Some(union(ty, kinds)),
        _ => None,
    });
    unions.collect()
}

fn union(ty: &Type, kinds: &Kinds) -> TokenStream {
    let name = names::ident(&ty.rust);
    let unknown = format_ident!("Unknown{}", ty.rust);
    let type_docs = type_docs(ty);
    let variants = kinds.arms.iter().map(|arm| {
        let (docs, ident, held) =
            (docs(&arm.description), names::ident(&arm.rust), held(&arm.shape));
        quote!(#docs #ident(#held))
    });
    let idents: Vec<_> = kinds.arms.iter().map(|arm| names::ident(&arm.rust)).collect();
    let json: Vec<_> = kinds.arms.iter().map(|arm| json_kind(arm.json)).collect();
    let reads = kinds.arms.iter().map(read);
    let writes = kinds.arms.iter().map(write_arm);
    let unknown_type = unknown_type(&name, &unknown);
    let from = from_arms(&name, kinds);
    quote! {
        #type_docs
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #(#variants,)*
            /// A value of a JSON type that this version does not know here. It is written as it was
            /// read, and only reading creates it.
            Unknown(#unknown),
        }

        #unknown_type

        impl #name {
            /// Returns the JSON type of the value.
            #[must_use]
            pub fn kind(&self) -> wire::JsonKind {
                match self {
                    #(Self::#idents(_) => wire::JsonKind::#json,)*
                    Self::Unknown(#unknown(value)) => wire::JsonKind::of(value),
                }
            }
        }

        #from

        impl serde::Serialize for #name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(#writes,)*
                    Self::Unknown(#unknown(value)) => value.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                codegen::read_kinds(deserializer)
            }
        }

        impl codegen::Kinds for #name {
            fn arm<'de, D: serde::Deserializer<'de>>(
                kind: wire::JsonKind,
                value: D,
            ) -> codegen::Arm<Self, D, D::Error> {
                match kind {
                    #(#reads,)*
                    _ => codegen::Arm::Unknown(value),
                }
            }

            fn unknown(value: serde_json::Value) -> Self {
                Self::Unknown(#unknown(value))
            }
        }
    }
}

/// Writes the type that keeps a value of an unknown JSON type.
fn unknown_type(name: &Ident, unknown: &Ident) -> TokenStream {
    let text =
        format!("A value for [`{name}`] of a JSON type that this version does not know there.");
    let docs = docs(&text);
    quote! {
        #docs
        #[derive(Clone, PartialEq)]
        pub struct #unknown(serde_json::Value);

        impl #unknown {
            /// Returns the whole value.
            #[must_use]
            pub fn json(&self) -> &serde_json::Value {
                &self.0
            }
        }

        impl std::fmt::Debug for #unknown {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                codegen::Hidden::value(f, &self.0)
            }
        }
    }
}

/// Writes the match arm that reads a value of one JSON type.
fn read(arm: &KindArm) -> TokenStream {
    let (ident, json, held) = (names::ident(&arm.rust), json_kind(arm.json), held(&arm.shape));
    let read = match adapter(&arm.shape) {
        Some(adapter) => {
            let adapter: TokenStream = adapter.parse().unwrap_or_default();
            quote!(codegen::As::<#adapter>::deserialize(value))
        }
        None => quote!(<#held>::deserialize(value)),
    };
    quote!(wire::JsonKind::#json => codegen::Arm::Known(#read.map(Self::#ident)))
}

/// Writes the match arm that writes the value of a variant.
fn write_arm(arm: &KindArm) -> TokenStream {
    let ident = names::ident(&arm.rust);
    match adapter(&arm.shape).filter(|_| super::types::writes_otherwise(&arm.shape)) {
        Some(adapter) => {
            let adapter: TokenStream = adapter.parse().unwrap_or_default();
            quote!(Self::#ident(value) => codegen::As::<#adapter>::serialize(value, serializer))
        }
        None => quote!(Self::#ident(value) => value.serialize(serializer)),
    }
}

/// Writes a conversion from the value of each arm, unless another arm has values of the same type.
fn from_arms(name: &Ident, kinds: &Kinds) -> TokenStream {
    let text = |shape: &Shape| held(shape).to_string();
    let from = kinds.arms.iter().filter_map(|arm| {
        let (ident, held) = (names::ident(&arm.rust), held(&arm.shape));
        let same = kinds.arms.iter().filter(|other| text(&other.shape) == text(&arm.shape));
        let borrowed = matches!(arm.shape.form, Form::Text { .. }).then(|| {
            quote! {
                impl From<&str> for #name {
                    fn from(value: &str) -> Self {
                        Self::#ident(value.into())
                    }
                }
            }
        });
        (same.count() == 1).then(|| {
            quote! {
                impl From<#held> for #name {
                    fn from(value: #held) -> Self {
                        Self::#ident(value)
                    }
                }

                #borrowed
            }
        })
    });
    from.collect()
}

/// Returns the Rust type of a value.
fn held(shape: &Shape) -> TokenStream {
    match &shape.form {
        Form::Boolean => quote!(bool),
        Form::Integer { bits: 32, .. } => quote!(i32),
        Form::Integer { .. } => quote!(i64),
        Form::Number { .. } => quote!(f64),
        Form::Duration { .. } => quote!(std::time::Duration),
        Form::Text { .. } => quote!(String),
        Form::Secret => quote!(wire::Secret),
        Form::Json => quote!(serde_json::Value),
        Form::Named(_) | Form::Foreign { .. } => {
            let path = names::form_path(&shape.form);
            quote!(#path)
        }
        Form::Array { items, .. } => {
            let item = held(items);
            quote!(Vec<#item>)
        }
        Form::Map(values) if matches!(values.form, Form::Json) => {
            quote!(serde_json::Map<String, serde_json::Value>)
        }
        Form::Map(values) => {
            let value = held(values);
            quote!(std::collections::BTreeMap<String, #value>)
        }
        Form::JsonText(content) => held(content),
    }
}

fn json_kind(kind: JsonKind) -> Ident {
    names::ident(match kind {
        JsonKind::Boolean => "Boolean",
        JsonKind::Number => "Number",
        JsonKind::String => "String",
        JsonKind::Array => "Array",
        JsonKind::Object => "Object",
    })
}
