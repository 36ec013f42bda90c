//! The client: progenitor writes the requests, this stage the typed methods around them.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::docs;
use super::model::{Answer, Form, Kind, Model, Object, Operation, Place, Presence};
use super::{Error, names};

/// Writes `Client` and the private module `raw` that builds its requests.
pub(super) fn write(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    let raw = raw(spec, model)?;
    let methods = model.operations.iter().map(|operation| method(model, operation));
    let docs = docs(&format!("Calls a server of the {}.", model.title));
    Ok(quote! {
        use ::callbot::client;

        #docs
        ///
        /// Cheap to clone; all clones share their connections.
        #[derive(Debug, Clone)]
        pub struct Client {
            core: client::Core,
        }

        impl Client {
            /// A client of the server at `base_url`, with the default settings.
            ///
            /// # Errors
            /// When the URL is not an absolute http or https URL, or TLS can't be set up.
            pub fn new(base_url: &str) -> Result<Self, client::Error> {
                Self::builder(base_url).build()
            }

            /// A client of the server at `base_url`, with settings of one's own.
            #[must_use]
            pub fn builder(base_url: &str) -> client::Builder<Self> {
                client::Builder::new(base_url)
            }

            /// The same client, with other options for the calls that are made through it.
            #[must_use]
            pub fn with(&self, options: client::CallOptions) -> Self {
                Self { core: self.core.with(options) }
            }

            fn raw(&self) -> (raw::Client, client::Capture) {
                let capture = client::Capture::default();
                let (base_url, http) = self.core.connection();
                (raw::Client::new_with_client(base_url, http, capture.clone()), capture)
            }

            #(#methods)*
        }

        impl From<client::Core> for Client {
            fn from(core: client::Core) -> Self {
                Self { core }
            }
        }

        // The raw client never sends: it hands each finished request over.
        impl progenitor_client::ClientHooks<client::Capture> for raw::Client {
            async fn exec(
                &self,
                request: reqwest::Request,
                _: &progenitor_client::OperationInfo,
            ) -> reqwest::Result<reqwest::Response> {
                use progenitor_client::ClientInfo;
                Ok(self.inner().keep(request))
            }
        }

        #[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused)]
        mod raw {
            #raw
        }
    })
}

fn method(model: &Model, operation: &Operation) -> TokenStream {
    let name = names::ident(&names::snake(&operation.id));
    let constant = names::constant(&operation.id);
    let docs = docs(&format!("{}\n\n{ERRORS}", operation.description));
    let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
    let parameters = operation.parameters_type.as_deref().map(names::ident);
    let parameters_argument = parameters.iter().map(|ty| quote!(parameters: &#ty,));
    let parameters_check =
        parameters.iter().map(|_| quote!(client::check(operation, parameters)?;));
    let body = operation.body.as_ref().map(form_path);
    let body_argument = body.iter().map(|ty| quote!(request: &#ty,));
    let body_check = body.iter().map(|_| quote!(client::check(operation, request)?;));
    let arguments = raw_arguments(model, operation);
    let (answer, call) = match &operation.answer {
        Answer::Json(form) => {
            let ty = form_path(form);
            (quote!(client::Answer<#ty>), quote!(self.core.answer(operation, http).await))
        }
        Answer::Events(form) => {
            let ty = form_path(form);
            (quote!(client::EventStream<#ty>), quote!(self.core.events(operation, http).await))
        }
    };
    quote! {
        #docs
        #deprecated
        pub async fn #name(
            &self,
            #(#parameters_argument)*
            #(#body_argument)*
        ) -> Result<#answer, client::Error> {
            let operation = &operations::#constant;
            #(#parameters_check)*
            #(#body_check)*
            let (raw, capture) = self.raw();
            let built = raw.#name(#(#arguments),*).await;
            let http = capture.request(operation, built.err())?;
            #call
        }
    }
}

const ERRORS: &str = "# Errors
See [`client::Error`]: what breaks a rule of the spec is refused before it leaves, every deadline
has an error of its own, and a failure that the peer reports in the body is an error too.";

/// The arguments in progenitor's order: path, query by name, body, headers by name.
fn raw_arguments(model: &Model, operation: &Operation) -> Vec<TokenStream> {
    let ty = operation.parameters_type.as_deref().and_then(|name| model.find(name));
    let empty = Object::default();
    let object = match ty.map(|ty| &ty.kind) {
        Some(Kind::Object(object)) => object,
        _ => &empty,
    };
    let mut ordered: Vec<_> = operation.parameters.iter().zip(&object.properties).collect();
    ordered.sort_by_key(|(parameter, _)| {
        let position = match parameter.place {
            Place::Path => operation.path.find(&format!("{{{}}}", parameter.wire)).unwrap_or(0),
            _ => 0,
        };
        (parameter.place, position, parameter.wire.clone())
    });
    let mut arguments = Vec::new();
    let mut body = operation.body.as_ref().map(|_| quote!(request));
    for (parameter, property) in ordered {
        if parameter.place == Place::Header {
            arguments.extend(body.take());
        }
        let ident = names::ident(&property.rust);
        let wire = &parameter.wire;
        arguments.push(match (parameter.place, property.presence) {
            (Place::Path, _) => {
                quote!(&client::segment(operation, #wire, &parameters.#ident)?)
            }
            (_, Presence::Required) => quote!(&wire::parameter(&parameters.#ident)),
            _ => quote!(parameters.#ident.as_ref().map(wire::parameter).as_deref()),
        });
    }
    arguments.extend(body);
    arguments
}

/// The Rust path of a component.
pub(super) fn form_path(form: &Form) -> syn::Path {
    let path = match form {
        Form::Foreign { path, .. } => path,
        Form::Named(name) => name,
        _ => "serde_json::Value",
    };
    syn::parse_str(path).unwrap_or_else(|_| names::ident(path).into())
}

#[cfg(feature = "client")]
fn raw(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    use syn::visit_mut::VisitMut;

    let failed =
        |error: &dyn std::fmt::Display| Error::new(spec, "", format!("progenitor: {error}"));
    let document: openapiv3::OpenAPI =
        serde_json::from_value(super::lower::openapi(model)).map_err(|error| failed(&error))?;
    let mut settings = progenitor::GenerationSettings::default();
    settings.with_inner_type(quote!(::callbot::client::Capture));
    settings.with_hooks(progenitor::HooksMode::Expected);
    for ty in &model.types {
        settings.with_replacement(&ty.rust, format!("super::{}", ty.rust), std::iter::empty());
    }
    for (name, path) in super::lower::replacements(model) {
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

#[cfg(not(feature = "client"))]
fn raw(spec: &str, _: &Model) -> Result<TokenStream, Error> {
    Err(Error::new(spec, "", "a client needs the feature `client`"))
}

/// progenitor sends a header `api-version` that no platform of ours knows.
#[cfg(feature = "client")]
struct NoApiVersion;

#[cfg(feature = "client")]
impl syn::visit_mut::VisitMut for NoApiVersion {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| {
            !matches!(statement, syn::Stmt::Expr(syn::Expr::MethodCall(call), _)
                if quote!(#call).to_string().contains("\"api-version\""))
        });
        syn::visit_mut::visit_block_mut(self, block);
    }
}
