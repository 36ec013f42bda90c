//! JSON Schemas: what the spec says of a type, for users of the feature `schemars`.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value, json};

use super::model::Model;
use super::names;

/// Writes a `JsonSchema` for every component; the schema is that of the spec.
pub(super) fn write(model: &Model, document: &Value) -> TokenStream {
    let components = document.pointer("/components/schemas").or_else(|| document.get("$defs"));
    let mut out = TokenStream::new();
    for ty in &model.types {
        let Some(schema) = components.and_then(|components| components.get(&ty.name)) else {
            continue;
        };
        let mut named = Vec::new();
        let schema = convert(schema, &mut named);
        named.sort();
        named.dedup();
        let name = names::ident(&ty.rust);
        let rust = &ty.rust;
        let text = raw_literal(&schema);
        let arms: Vec<_> = named
            .iter()
            .filter_map(|target| {
                let ty = model.types.iter().find(|ty| ty.name == *target)?;
                let path = names::ident(&ty.rust);
                Some(quote!(#target => Some(generator.subschema_for::<#path>())))
            })
            .collect();
        let (generator, component) = if arms.is_empty() {
            (quote!(_), quote!(|_| None))
        } else {
            (quote!(generator), quote!(|name| match name { #(#arms,)* _ => None }))
        };
        out.extend(quote! {
            #[cfg(feature = "schemars")]
            impl schemars::JsonSchema for #name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    #rust.into()
                }

                fn schema_id() -> std::borrow::Cow<'static, str> {
                    concat!(module_path!(), "::", #rust).into()
                }

                fn json_schema(#generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    wire::schema_of(#text, &mut #component)
                }
            }
        });
    }
    out
}

/// The schema as a raw string, so that the written code shows it as it is.
fn raw_literal(schema: &Value) -> TokenStream {
    let text = serde_json::to_string_pretty(schema).unwrap_or_default();
    format!("r##\"{text}\"##").parse().unwrap_or_else(|_| quote!(#text))
}

/// OpenAPI 3.0 to JSON Schema: `nullable`, `example` and the extension keys have other forms there.
fn convert(schema: &Value, named: &mut Vec<String>) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                match key.as_str() {
                    "example" => {
                        out.insert("examples".into(), json!([value]));
                    }
                    "nullable" | "discriminator" | "externalDocs" => {}
                    "x-content-schema" => {
                        out.insert("contentMediaType".into(), "application/json".into());
                        out.insert("contentSchema".into(), convert(value, named));
                    }
                    key if key.starts_with("x-") => {}
                    "properties" => {
                        let properties = value.as_object().into_iter().flatten();
                        let properties: Map<_, _> = properties
                            .map(|(name, schema)| (name.clone(), convert(schema, named)))
                            .collect();
                        out.insert(key.clone(), properties.into());
                    }
                    "default" | "enum" | "const" => {
                        out.insert(key.clone(), value.clone());
                    }
                    "$ref" => {
                        let name = value.as_str().and_then(|text| text.rsplit('/').next());
                        named.extend(name.map(String::from));
                        out.insert(key.clone(), name.into());
                    }
                    _ => {
                        out.insert(key.clone(), convert(value, named));
                    }
                }
            }
            if map.get("nullable") == Some(&true.into())
                && let Some(ty) = out.get("type").cloned()
            {
                out.insert("type".into(), json!([ty, "null"]));
            }
            out.into()
        }
        Value::Array(items) => items.iter().map(|item| convert(item, named)).collect(),
        other => other.clone(),
    }
}
