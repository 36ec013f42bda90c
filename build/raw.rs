//! The raw requests: progenitor's code over our types, without what it would add of its own.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value, json};
use syn::visit_mut::VisitMut;

use super::error::Error;
use super::model::{Form, Model, Operation, Place, Presence};
use super::{lower, names};

/// Writes the content of the module `raw`.
pub(super) fn write(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    let failed =
        |error: &dyn std::fmt::Display| Error::new(spec, "", format!("progenitor: {error}"));
    let document: openapiv3::OpenAPI =
        serde_json::from_value(openapi(model)).map_err(|error| failed(&error))?;
    let mut settings = progenitor::GenerationSettings::default();
    settings.with_inner_type(quote!(::callbot::codegen::Capture));
    settings.with_hooks(progenitor::HooksMode::Expected);
    for ty in &model.types {
        settings.with_replacement(&ty.rust, format!("super::{}", ty.rust), std::iter::empty());
    }
    for (name, path) in lower::replacements(model) {
        if path.contains("::") {
            settings.with_replacement(name, path, std::iter::empty());
        }
    }
    let tokens = progenitor::Generator::new(&settings)
        .generate_tokens(&document)
        .map_err(|error| failed(&error))?;
    let mut file: syn::File = syn::parse2(tokens).map_err(|error| failed(&error))?;
    // Types are ours, and so is the client that users see.
    file.items.retain(|item| !matches!(item, syn::Item::Mod(_)));
    for item in &mut file.items {
        if let syn::Item::Impl(item) = item {
            item.items.retain(
                |item| !matches!(item, syn::ImplItem::Fn(method) if method.sig.ident == "new"),
            );
        }
    }
    NoApiVersion.visit_file_mut(&mut file);
    let items = file.items;
    Ok(quote!(#(#items)*))
}

/// progenitor sends a header `api-version` that no platform of ours knows.
struct NoApiVersion;

impl VisitMut for NoApiVersion {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| {
            !matches!(statement, syn::Stmt::Expr(syn::Expr::MethodCall(call), _)
                if quote!(#call).to_string().contains("\"api-version\""))
        });
        syn::visit_mut::visit_block_mut(self, block);
    }
}

/// The OpenAPI document that progenitor reads: requests as they are, every answer raw bytes, since
/// decoding, envelopes and streams are ours.
fn openapi(model: &Model) -> Value {
    let mut paths = Map::new();
    for operation in &model.operations {
        let method = operation.method.as_str().to_ascii_lowercase();
        let item = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        if let Value::Object(item) = item {
            item.insert(method, lower_operation(model, operation));
        }
    }
    // All components are replaced, so their content does not matter.
    let schemas: Map<_, _> = lower::definitions(model, "#/components/schemas/")
        .into_iter()
        .map(|(name, _)| (name, json!({"type": "string"})))
        .collect();
    json!({
        "openapi": "3.0.3",
        "info": {"title": model.title, "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn lower_operation(model: &Model, operation: &Operation) -> Value {
    let parameters: Vec<_> = model
        .parameters(operation)
        // Headers are set on the finished request.
        .filter(|(parameter, _)| parameter.place != Place::Header)
        .map(|(parameter, property)| {
            let place = if parameter.place == Place::Path { "path" } else { "query" };
            json!({
                "name": parameter.wire,
                "in": place,
                "required": property.presence == Presence::Required,
                // Written as text by `Display`, whatever it is.
                "schema": {"type": "string"},
            })
        })
        .collect();
    let mut lowered = Map::new();
    lowered.insert("operationId".into(), names::snake(&operation.id).into());
    lowered.insert("parameters".into(), parameters.into());
    let raw = json!({"application/octet-stream": {"schema": {}}});
    lowered.insert("responses".into(), json!({"default": {"description": "raw", "content": raw}}));
    if let Some(Form::Named(name) | Form::Foreign { name, .. }) = &operation.body {
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        let content = json!({"application/json": {"schema": schema}});
        lowered.insert("requestBody".into(), json!({"required": true, "content": content}));
    }
    lowered.into()
}
