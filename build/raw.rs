//! The requests: progenitor's code up to the point where it would send them, over this crate's
//! types.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Map, Value, json};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};

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
    let file: syn::File = syn::parse2(tokens).map_err(|error| failed(&error))?;
    let mut requests = Vec::new();
    for operation in &model.operations {
        let name = names::ident(&names::snake(&operation.id));
        let method = method(&file, &name).and_then(request);
        requests.push(method.ok_or_else(|| failed(&format!("it wrote no request for `{name}`")))?);
    }
    let requests = quote!(#(#requests)*);
    let text = requests.to_string();
    let used = ["QueryParam", "encode_path"].into_iter().filter(|name| text.contains(name));
    let used: Vec<_> = used.map(names::ident).collect();
    let import = (!used.is_empty()).then(|| quote!(use progenitor_client::{#(#used),*};));
    Ok(quote!(#import use super::*; #requests))
}

/// Returns the method of progenitor's client with this name.
fn method<'a>(file: &'a syn::File, name: &Ident) -> Option<&'a syn::ImplItemFn> {
    let impls = file.items.iter().filter_map(|item| match item {
        syn::Item::Impl(item) if item.trait_.is_none() => Some(&item.items),
        _ => None,
    });
    impls.flatten().find_map(|item| match item {
        syn::ImplItem::Fn(method) if method.sig.ident == *name => Some(method),
        _ => None,
    })
}

/// Returns the part of a method that builds the request: its statements `let url = …` and `let mut
/// request = …`. The statements after them send it and read the response, as `client::core` does
/// here.
fn request(method: &syn::ImplItemFn) -> Option<TokenStream> {
    let variable = |name: &str| {
        method.block.stmts.iter().find_map(|statement| match statement {
            syn::Stmt::Local(local) => match (&local.pat, &local.init) {
                (syn::Pat::Ident(pattern), Some(init)) if pattern.ident == name => {
                    Some((*init.expr).clone())
                }
                _ => None,
            },
            _ => None,
        })
    };
    let (mut url, syn::Expr::Try(built)) = (variable("url")?, variable("request")?) else {
        return None;
    };
    let mut built = *built.expr;
    let mut plain = Plain { encoded: Vec::new() };
    plain.visit_expr_mut(&mut url);
    plain.visit_expr_mut(&mut built);
    let encoded = plain.encoded.iter().map(|text| quote!(let #text = encode_path(#text);));
    let name = &method.sig.ident;
    let arguments = method.sig.inputs.iter().filter_map(|argument| match argument {
        syn::FnArg::Typed(argument) => {
            let mut argument = argument.clone();
            Plain { encoded: Vec::new() }.visit_type_mut(&mut argument.ty);
            Some(argument)
        }
        syn::FnArg::Receiver(_) => None,
    });
    Some(quote! {
        pub(super) fn #name(
            to: codegen::Connection<'_>,
            #(#arguments),*
        ) -> codegen::BuiltRequest {
            #(#encoded)*
            let url = #url;
            #built
        }
    })
}

/// Turns progenitor's method into a function without what is useless here: the lifetimes of
/// arguments, the header `api-version`, and conversions of strings to strings.
struct Plain {
    /// The variables that are encoded before they go into the URL.
    encoded: Vec<syn::Expr>,
}

impl VisitMut for Plain {
    fn visit_type_reference_mut(&mut self, ty: &mut syn::TypeReference) {
        ty.lifetime = None;
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        visit_mut::visit_path_mut(self, path);
        let outside = ["super", "progenitor_client"];
        if path.segments.first().is_some_and(|first| outside.iter().any(|name| first.ident == name))
        {
            path.segments = path.segments.iter().skip(1).cloned().collect();
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            syn::Expr::MethodCall(call) if call.method == "headers" => {
                *expr = (*call.receiver).clone();
            }
            syn::Expr::Field(field) if quote!(#field).to_string() == "to . baseurl" => {
                *expr = syn::parse_quote!(to.base_url);
            }
            syn::Expr::Path(path) if path.path.is_ident("self") => *expr = syn::parse_quote!(to),
            _ => {}
        }
    }

    fn visit_macro_mut(&mut self, url: &mut syn::Macro) {
        let arguments = Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        let Ok(mut arguments) = url.parse_body_with(arguments) else { return };
        for argument in &mut arguments {
            if let Some(text) = encoded(argument).cloned() {
                *argument = text.clone();
                self.encoded.push(text);
            }
            self.visit_expr_mut(argument);
        }
        let arguments = arguments.iter();
        url.tokens = quote!(#(#arguments),*);
    }
}

/// Returns the text in `encode_path(&text.to_string())`.
fn encoded(argument: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Call(call) = argument else { return None };
    let Some(syn::Expr::Reference(reference)) = call.args.first() else { return None };
    match &*reference.expr {
        syn::Expr::MethodCall(text) if text.method == "to_string" => Some(&text.receiver),
        _ => None,
    }
}

/// Returns the OpenAPI document that progenitor reads: requests as they are, and every response as
/// raw bytes, since this crate decodes responses, envelopes and streams itself.
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
        // Headers are set on the built request.
        .filter(|(parameter, _)| parameter.place != Place::Header)
        .map(|(parameter, property)| {
            let place = if parameter.place == Place::Path { "path" } else { "query" };
            json!({
                "name": parameter.wire,
                "in": place,
                "required": property.presence == Presence::Required,
                // `Display` writes every value as text.
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
