//! Writes the JSON Schemas of the spec, for users of the feature `schemars`.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value, json};

use super::model::{Form, Model};
use super::names;

/// Writes a `JsonSchema` for every component, with the schema of the spec.
pub(super) fn write(model: &Model, document: &Value) -> TokenStream {
    let components = document.pointer("/components/schemas").or_else(|| document.get("$defs"));
    let mut foreign = Vec::new();
    model.forms(&mut |form| {
        if let Form::Foreign { component, path, .. } = form {
            foreign.push((component, path));
        }
    });
    let mut out = TokenStream::new();
    for ty in &model.types {
        let Some(schema) = components.and_then(|components| components.get(&ty.name)) else {
            continue;
        };
        let mut named = Vec::new();
        let schema = convert(&without_null(schema), &mut named);
        let schema = unwrap(schema, model, components, &mut named);
        named.sort();
        named.dedup();
        let name = names::ident(&ty.rust);
        let (rust, suffix) = (&ty.rust, format!("::{}", ty.rust));
        let text = raw_literal(&schema);
        let components: Vec<_> = named
            .iter()
            .filter_map(|target| {
                let own = model.types.iter().find(|ty| ty.name == *target);
                let path = match own {
                    Some(ty) => names::ident(&ty.rust).into(),
                    None => {
                        let (_, path) = foreign.iter().find(|(name, _)| *name == target)?;
                        syn::parse_str::<syn::Path>(path).ok()?
                    }
                };
                Some(quote!((#target, codegen::subschema::<#path>)))
            })
            .collect();
        out.extend(quote! {
            impl schemars::JsonSchema for #name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    #rust.into()
                }

                fn schema_id() -> std::borrow::Cow<'static, str> {
                    concat!(module_path!(), #suffix).into()
                }

                fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    codegen::schema_of(#text, generator, &[#(#components),*])
                }
            }
        });
    }
    out
}

/// Returns the schema of a component without null: the type in Rust has no such value.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(map) = &mut schema {
        map.shift_remove("nullable");
        for arm in map.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
            arm.as_object_mut().and_then(|arm| arm.shift_remove("nullable"));
        }
        if let Some(Value::Array(values)) = map.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
    schema
}

/// Replaces the names of components that only wrap the content of an arm, which have no type, by
/// their schemas.
fn unwrap(
    schema: Value,
    model: &Model,
    components: Option<&Value>,
    named: &mut Vec<String>,
) -> Value {
    let Value::Object(mut map) = schema else { return schema };
    let Some(Value::Array(arms)) = map.get_mut("oneOf") else { return map.into() };
    for arm in arms {
        let name = arm.get("$ref").and_then(Value::as_str).unwrap_or_default();
        let wrap = components.and_then(|components| components.get(name));
        if let Some(wrap) = wrap
            && model.types.iter().all(|ty| ty.name != name)
        {
            *arm = convert(wrap, named);
        }
    }
    map.into()
}

/// Returns the schema as a raw string, so that the generated code shows it unescaped.
fn raw_literal(schema: &Value) -> TokenStream {
    let mut text = String::new();
    pretty(schema, 0, &mut text);
    format!("r##\"{text}\"##").parse().unwrap_or_else(|_| quote!(#text))
}

/// Prints JSON, on several lines where one line is too short.
fn pretty(value: &Value, indent: usize, out: &mut String) {
    const WIDTH: usize = 96;
    let short = one_line(value);
    if indent + short.len() <= WIDTH {
        out.push_str(&short);
        return;
    }
    let (open, close, entries): (_, _, Vec<_>) = match value {
        Value::Object(map) => (
            '{',
            '}',
            map.iter().map(|(key, value)| (format!("{}: ", json!(key)), value)).collect(),
        ),
        Value::Array(items) => {
            ('[', ']', items.iter().map(|value| (String::new(), value)).collect())
        }
        _ => {
            out.push_str(&short);
            return;
        }
    };
    out.push(open);
    for (index, (key, value)) in entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        out.push_str(&format!("{comma}\n{:1$}{key}", "", indent + 2));
        pretty(value, indent + 2, out);
    }
    out.push_str(&format!("\n{:1$}{close}", "", indent));
}

/// Prints JSON on one line, with spaces.
fn one_line(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries =
                map.iter().map(|(key, value)| format!("{}: {}", json!(key), one_line(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Converts OpenAPI 3.0 to JSON Schema, where `nullable`, `example` and the extension keys differ.
fn convert(schema: &Value, named: &mut Vec<String>) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                match key.as_str() {
                    "example" => {
                        out.insert("examples".into(), json!([value]));
                    }
                    "nullable" | "externalDocs" => {}
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
            if map.get("x-unset-is-null") == Some(&true.into())
                && let Some(reference) = out.shift_remove("allOf")
            {
                // The component has no null in Rust, but the property is written as one.
                out.insert("anyOf".into(), json!([{"allOf": reference}, {"type": "null"}]));
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
