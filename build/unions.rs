//! Tagged unions: the tag belongs to the union, and an object of an unknown arm is kept whole.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::{aliases, docs, first_paragraph, type_docs};
use super::model::{Also, Arm, EnumValue, Kind, Model, Type, Union};
use super::names;
use super::names::form_path;

/// Writes every union of the spec.
pub(super) fn write(model: &Model) -> TokenStream {
    let keeping = model.also_read(Also::JsonTextOrUnreadable);
    model
        .types
        .iter()
        .filter_map(|ty| match &ty.kind {
            Kind::Union(union) => {
                let keeps = keeping.contains(ty.rust.as_str());
                Some(match &union.content {
                    Some(content) => write_enclosed(ty, union, content, keeps),
                    None => write_union(ty, union, keeps),
                })
            }
            _ => None,
        })
        .collect()
}

/// Writes the enum, the type of its unknown arm, `kind`, and the conversions. They do not depend on
/// where the tag is.
fn definition(ty: &Type, union: &Union, keeps: bool) -> TokenStream {
    let name = names::ident(&ty.rust);
    let unknown = format_ident!("Unknown{}", ty.rust);
    let type_docs = type_docs(ty);
    let tag = &union.tag;
    let variants = union.arms.iter().map(|arm| variant(union, arm));
    let kinds = union.arms.iter().map(|arm| {
        let (ident, text) = (names::ident(&arm.rust), text(&arm.value));
        let held = arm.form.as_ref().map(|_| quote!((_)));
        quote!(Self::#ident #held => #text.into())
    });
    let kind_docs = docs(&format!("Returns the value of `{tag}`."));
    let unknown_type = unknown_type(&name, &unknown, union);
    let from = from_arms(&name, union);
    let unreadable = keeps.then(|| {
        quote! {
            /// A value that can't be read, and the reason. It is never written, and only reading
            /// creates it.
            Unreadable(wire::Unreadable),
        }
    });
    let unreadable_kind = keeps.then(|| {
        quote! {
            Self::Unreadable(value) => codegen::unreadable_tag(value, #tag),
        }
    });
    let keep = keeps.then(|| {
        quote! {
            impl codegen::KeepUnreadable for #name {
                fn unreadable(value: wire::Unreadable) -> Self {
                    Self::Unreadable(value)
                }
            }
        }
    });
    quote! {
        #type_docs
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #name {
            #(#variants,)*
            /// A kind that this version does not know. It is written as it was read, and only
            /// reading creates it.
            Unknown(#unknown),
            #unreadable
        }

        #unknown_type

        impl #name {
            #kind_docs
            #[must_use]
            pub fn kind(&self) -> std::borrow::Cow<'_, str> {
                match self {
                    #(#kinds,)*
                    Self::Unknown(#unknown(object)) => codegen::tag_text(object, #tag),
                    #unreadable_kind
                }
            }
        }

        #keep

        #from
    }
}

/// Writes the variant of an arm.
fn variant(union: &Union, arm: &Arm) -> TokenStream {
    let ident = names::ident(&arm.rust);
    // The type of the object has the rest of its docs.
    let text = match union.content {
        Some(_) => arm.description.as_str(),
        None => first_paragraph(&arm.description),
    };
    let docs = docs(text);
    let aliases = aliases(&arm.doc_aliases);
    let form = arm.form.as_ref().map(form_path).map(|form| match arm.optional {
        true => quote!((Option<#form>)),
        false => quote!((#form)),
    });
    quote!(#docs #aliases #ident #form)
}

/// Writes the type that keeps an object of an unknown kind.
fn unknown_type(name: &Ident, unknown: &Ident, union: &Union) -> TokenStream {
    let tag = &union.tag;
    let unknown_docs =
        docs(&format!("An object for [`{name}`] of a kind that this version does not know."));
    let json_docs = docs(match union.content {
        Some(_) => "Returns the tag and its content.",
        None => "Returns the whole object, including its tag.",
    });
    quote! {
        #unknown_docs
        #[derive(Clone, PartialEq)]
        pub struct #unknown(serde_json::Map<String, serde_json::Value>);

        impl #unknown {
            #json_docs
            #[must_use]
            pub fn json(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.0
            }
        }

        impl std::fmt::Debug for #unknown {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                codegen::Hidden::object(f, &self.0, #tag)
            }
        }
    }
}

/// Writes a union whose tag is one of the properties of its arms.
fn write_union(ty: &Type, union: &Union, keeps: bool) -> TokenStream {
    let definition = definition(ty, union, keeps);
    let name = names::ident(&ty.rust);
    let unknown = format_ident!("Unknown{}", ty.rust);
    let tag = &union.tag;
    let arms: Vec<_> = union.arms.iter().map(|arm| names::ident(&arm.rust)).collect();
    let coded = is_coded(union);
    let values: Vec<_> = union.arms.iter().map(|arm| literal(&arm.value)).collect();
    let texts: Vec<_> = union.arms.iter().map(|arm| text(&arm.value)).collect();
    let tag_type = if coded { quote!(i64) } else { quote!(&'static str) };
    let coded = coded.then(|| {
        quote!(
            const CODED: bool = true;
        )
    });
    let unreadable = keeps.then(|| quote!(Self::Unreadable(_) => Err(codegen::never_written()),));
    quote! {
        #definition

        impl serde::Serialize for #name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(serde::Serialize)]
                struct Tagged<'a, T> {
                    #[serde(rename = #tag)]
                    tag: #tag_type,
                    #[serde(flatten)]
                    arm: &'a T,
                }

                match self {
                    #(Self::#arms(arm) => Tagged { tag: #values, arm }.serialize(serializer),)*
                    Self::Unknown(#unknown(object)) => object.serialize(serializer),
                    #unreadable
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                codegen::read_union(deserializer)
            }
        }

        impl codegen::Union for #name {
            const TAG: &'static str = #tag;
            #coded

            fn arm<'de, D: serde::Deserializer<'de>>(tag: &str, arm: D) -> codegen::Arm<Self, D, D::Error> {
                match tag {
                    #(#texts => codegen::Arm::Known(#arms::deserialize(arm).map(Self::#arms)),)*
                    _ => codegen::Arm::Unknown(arm),
                }
            }

            fn unknown(object: serde_json::Map<String, serde_json::Value>) -> Self {
                Self::Unknown(#unknown(object))
            }
        }
    }
}

/// Writes a union whose arms have their own property, beside the tag.
fn write_enclosed(ty: &Type, union: &Union, content: &str, keeps: bool) -> TokenStream {
    let definition = definition(ty, union, keeps);
    let name = names::ident(&ty.rust);
    let unknown = format_ident!("Unknown{}", ty.rust);
    let tag = &union.tag;
    let written = union.arms.iter().map(|arm| write_content(tag, content, arm));
    let read = union.arms.iter().map(read_content);
    let coded = is_coded(union).then(|| {
        quote!(
            const CODED: bool = true;
        )
    });
    let unreadable =
        keeps.then(|| quote!(Self::Unreadable(_) => return Err(codegen::never_written()),));
    quote! {
        #definition

        impl serde::Serialize for #name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = codegen::write_object(serializer)?;
                match self {
                    #(#written,)*
                    Self::Unknown(#unknown(object)) => map.entries(object)?,
                    #unreadable
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                codegen::read_enclosed(deserializer)
            }
        }

        impl codegen::Enclosed for #name {
            const TAG: &'static str = #tag;
            const CONTENT: &'static str = #content;
            #coded

            fn arm(tag: &str, content: Option<&serde_json::Value>) -> Option<Result<Self, wire::DecodeError>> {
                let read = match tag {
                    #(#read,)*
                    _ => return None,
                };
                Some(read)
            }

            fn unknown(object: serde_json::Map<String, serde_json::Value>) -> Self {
                Self::Unknown(#unknown(object))
            }
        }
    }
}

/// Writes the match arm that writes a tag and its content.
fn write_content(tag: &str, content: &str, arm: &Arm) -> TokenStream {
    let (ident, value) = (names::ident(&arm.rust), literal(&arm.value));
    match arm.form {
        Some(_) if arm.optional => quote! {
            Self::#ident(content) => {
                map.entry(#tag, &#value)?;
                if let Some(content) = content {
                    map.entry(#content, content)?;
                }
            }
        },
        Some(_) => quote! {
            Self::#ident(content) => {
                map.entry(#tag, &#value)?;
                map.entry(#content, content)?;
            }
        },
        None => quote!(Self::#ident => map.entry(#tag, &#value)?),
    }
}

/// Writes the match arm that reads the content of a tag.
fn read_content(arm: &Arm) -> TokenStream {
    let (ident, text) = (names::ident(&arm.rust), text(&arm.value));
    match arm.form {
        Some(_) if arm.optional => quote!(#text => Self::optional(content).map(Self::#ident)),
        Some(_) => quote!(#text => Self::content(content).map(Self::#ident)),
        None => quote!(#text => Ok(Self::#ident)),
    }
}

/// Writes a conversion from each type that only one arm contains.
fn from_arms(name: &Ident, union: &Union) -> TokenStream {
    let from = union.arms.iter().filter_map(|arm| {
        let held = form_path(arm.form.as_ref().filter(|_| !arm.optional)?);
        let same = |other: &&Arm| {
            let other = other.form.as_ref().map(form_path);
            other.is_some_and(|other| quote!(#other).to_string() == quote!(#held).to_string())
        };
        let alone = union.arms.iter().filter(|other| !other.optional).filter(same).count() == 1;
        let ident = names::ident(&arm.rust);
        alone.then(|| {
            quote! {
                impl From<#held> for #name {
                    fn from(arm: #held) -> Self {
                        Self::#ident(arm)
                    }
                }
            }
        })
    });
    quote!(#(#from)*)
}

/// Whether the tags are integers.
fn is_coded(union: &Union) -> bool {
    union.arms.iter().any(|arm| matches!(arm.value, EnumValue::Code(_)))
}

/// Returns the value of a tag as text.
fn text(value: &EnumValue) -> String {
    match value {
        EnumValue::Text(text) => text.clone(),
        EnumValue::Code(code) => code.to_string(),
    }
}

fn literal(value: &EnumValue) -> TokenStream {
    match value {
        EnumValue::Text(text) => quote!(#text),
        EnumValue::Code(code) => {
            let code = proc_macro2::Literal::i64_unsuffixed(*code);
            quote!(#code)
        }
    }
}
