//! Open enums: a variant for each value that the platform names, and an arm for values that it adds
//! later. An enum of error codes is also an error type, and has no variant for success.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::{aliases, docs, type_docs};
use super::model::{self, EnumValue, Kind, Model, Type, Variant};
use super::names;

/// Writes every enum of the spec.
pub(super) fn write(model: &Model) -> TokenStream {
    let mut out = TokenStream::new();
    for ty in &model.types {
        if let Kind::Enum(model::Enum { variants, success }) = &ty.kind {
            let coded = variants.iter().any(|variant| matches!(variant.value, EnumValue::Code(_)));
            out.extend(Enum { ty, variants, coded, success: *success }.write());
        }
    }
    out
}

struct Enum<'a> {
    ty: &'a Type,
    variants: &'a [Variant],
    coded: bool,
    success: Option<i64>,
}

impl Enum<'_> {
    fn write(&self) -> TokenStream {
        let name = names::ident(&self.ty.rust);
        let unknown = format_ident!("Unknown{}", self.ty.rust);
        let type_docs = type_docs(self.ty);
        let variants = self.variants.iter().map(|variant| {
            let ident = names::ident(&variant.rust);
            let docs = docs(&variant.description);
            let aliases = aliases(&variant.doc_aliases);
            quote! { #docs #aliases #ident }
        });
        let unknown_docs = docs(&format!("A value of [`{name}`] that this version does not know."));
        let (inner, copy) = match self.coded {
            true => (quote!(i64), quote!(Copy,)),
            false => (quote!(Box<str>), TokenStream::new()),
        };
        let access =
            if self.coded { self.code(&name, &unknown) } else { self.text(&name, &unknown) };
        quote! {
            #type_docs
            #[derive(Debug, Clone, #copy PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub enum #name {
                #(#variants,)*
                /// A value that this version does not know. It is written as it was read. Only
                /// reading creates it, so that a known value is always its own variant.
                Unknown(#unknown),
            }

            #unknown_docs
            #[derive(Debug, Clone, #copy PartialEq, Eq, Hash)]
            pub struct #unknown(#inner);

            #access
        }
    }

    /// Writes the methods of an enum of strings.
    fn text(&self, name: &Ident, unknown: &Ident) -> TokenStream {
        let (idents, texts): (Vec<_>, Vec<_>) = self
            .variants
            .iter()
            .filter_map(|variant| match &variant.value {
                EnumValue::Text(text) => Some((names::ident(&variant.rust), text)),
                EnumValue::Code(_) => None,
            })
            .unzip();
        quote! {
            impl #name {
                /// Returns the text on the wire.
                #[must_use]
                pub fn as_str(&self) -> &str {
                    match self {
                        #(Self::#idents => #texts,)*
                        Self::Unknown(#unknown(text)) => text,
                    }
                }
            }

            impl std::str::FromStr for #name {
                type Err = std::convert::Infallible;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    let value = match text {
                        #(#texts => Self::#idents,)*
                        other => Self::Unknown(#unknown(other.into())),
                    };
                    Ok(value)
                }
            }

            impl std::fmt::Display for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.pad(self.as_str())
                }
            }

            impl serde::Serialize for #name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    codegen::read_text(deserializer)
                }
            }
        }
    }

    /// Writes the methods of an enum of integers.
    fn code(&self, name: &Ident, unknown: &Ident) -> TokenStream {
        let literal = proc_macro2::Literal::i64_unsuffixed;
        let (idents, codes): (Vec<_>, Vec<_>) = self
            .variants
            .iter()
            .filter_map(|variant| match variant.value {
                EnumValue::Code(code) => Some((names::ident(&variant.rust), literal(code))),
                EnumValue::Text(_) => None,
            })
            .unzip();
        let read = self.variants.iter().zip(&codes).map(|(variant, code)| {
            let also = variant.also.iter().copied().map(literal);
            quote!(#code #(| #also)*)
        });
        let read: Vec<_> = read.collect();
        let code = quote! {
            /// Returns the number on the wire.
            #[must_use]
            pub fn code(self) -> i64 {
                match self {
                    #(Self::#idents => #codes,)*
                    Self::Unknown(#unknown(code)) => code,
                }
            }
        };
        if let Some(success) = self.success {
            let success = literal(success);
            let from_code = quote! {
                match code {
                    #success => None,
                    #(#read => Some(Self::#idents),)*
                    other => Some(Self::Unknown(#unknown(other))),
                }
            };
            return self.errors(name, unknown, &code, &from_code);
        }
        self.numbers(name, unknown, &code, &read)
    }

    /// Writes the methods of an enum of integers that are not error codes.
    fn numbers(
        &self,
        name: &Ident,
        unknown: &Ident,
        code: &TokenStream,
        read: &[TokenStream],
    ) -> TokenStream {
        let idents: Vec<_> =
            self.variants.iter().map(|variant| names::ident(&variant.rust)).collect();
        let labels = idents.iter().map(ToString::to_string);
        quote! {
            impl #name {
                #code

                /// Returns the variant of a number.
                #[must_use]
                pub fn from_code(code: i64) -> Self {
                    match code {
                        #(#read => Self::#idents,)*
                        other => Self::Unknown(#unknown(other)),
                    }
                }
            }

            impl std::str::FromStr for #name {
                type Err = std::num::ParseIntError;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    text.parse().map(Self::from_code)
                }
            }

            impl std::fmt::Display for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    match self {
                        #(Self::#idents => f.pad(#labels),)*
                        Self::Unknown(#unknown(code)) => code.fmt(f),
                    }
                }
            }

            impl serde::Serialize for #name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_i64(self.code())
                }
            }

            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    codegen::read_code(deserializer).map(Self::from_code)
                }
            }
        }
    }

    /// Writes the methods of an enum of error codes.
    fn errors(
        &self,
        name: &Ident,
        unknown: &Ident,
        code: &TokenStream,
        from_code: &TokenStream,
    ) -> TokenStream {
        let idents = self.variants.iter().map(|variant| names::ident(&variant.rust));
        let messages = self.variants.iter().map(|variant| {
            let message = variant.description.split("\n\n").next().unwrap_or_default();
            message.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let success = self.success.unwrap_or_default();
        let docs = docs(&format!(
            "Returns the error of a number; `None` for {success}, which means success."
        ));
        let refused = format!("expected the code of an error, but {success} means success");
        quote! {
            impl #name {
                #code

                #docs
                #[must_use]
                pub fn from_code(code: i64) -> Option<Self> {
                    #from_code
                }
            }

            impl std::fmt::Display for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    match self {
                        #(Self::#idents => f.pad(#messages),)*
                        Self::Unknown(#unknown(code)) => write!(f, "Error code {code}."),
                    }
                }
            }

            impl std::error::Error for #name {}

            impl serde::Serialize for #name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_i64(self.code())
                }
            }

            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let code = codegen::read_code(deserializer)?;
                    Self::from_code(code).ok_or_else(|| serde::de::Error::custom(#refused))
                }
            }
        }
    }
}
