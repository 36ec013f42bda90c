//! Writes the client: typed methods around the requests that progenitor writes.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::docs;
use super::error::Error;
use super::model::{Answer, FailureBody, Flag, Form, Model, Operation, Place, Presence};
use super::names::form_path;
use super::settings::Settings;
use super::{names, raw};

/// Writes the client and the private module `raw` that builds its requests.
pub(super) fn write(
    spec: &str,
    model: &Model,
    settings: &Settings<'_>,
) -> Result<TokenStream, Error> {
    let raw = raw::write(spec, model)?;
    let name = names::ident(if settings.wire_client { "WireClient" } else { "Client" });
    let methods = model.operations.iter().flat_map(|operation| methods(model, operation));
    let docs = docs(&client_docs(model, settings));
    let constructors = constructors();
    let failures = failures(model);
    Ok(quote! {
        #docs
        #[derive(Debug, Clone)]
        pub struct #name {
            core: codegen::Core,
        }

        impl #name {
            #constructors

            #(#methods)*
        }

        impl codegen::BuildClient for #name {
            type Settings = ();

            fn build(core: codegen::CoreBuilder, (): ()) -> Result<Self, client::Error> {
                core.build().map(Self::from)
            }
        }

        impl From<codegen::Core> for #name {
            fn from(core: codegen::Core) -> Self {
                Self { core }
            }
        }

        #(#failures)*

        mod raw {
            #raw
        }
    })
}

/// Writes which bodies of failures have which types.
fn failures(model: &Model) -> Vec<TokenStream> {
    let mut types: Vec<(String, syn::Path, Vec<TokenStream>)> = Vec::new();
    for operation in &model.operations {
        let constant = names::constant(&operation.id);
        for FailureBody { statuses: (first, last), form } in &operation.failures {
            let ty = form_path(form);
            let place = quote!((&operations::#constant, #first, #last));
            let name = quote!(#ty).to_string();
            match types.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, _, places)) => places.push(place),
                None => types.push((name, ty, vec![place])),
            }
        }
    }
    let write = |(_, ty, places): (String, syn::Path, Vec<TokenStream>)| {
        quote! {
            impl client::FailureBody for #ty {
                const PLACES: &'static [(&'static wire::Operation, u16, u16)] = &[#(#places),*];
            }
        }
    };
    types.into_iter().map(write).collect()
}

/// Returns the docs of the bodies with which an operation fails.
fn failure_docs(operation: &Operation) -> String {
    let lines = operation.failures.iter().map(|FailureBody { statuses, form }| {
        let path = form_path(form);
        let ty = quote!(#path).to_string().replace(' ', "");
        let statuses = match statuses {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first} to {last}"),
        };
        format!("\n- status {statuses}: [`{ty}`]")
    });
    let lines: String = lines.collect();
    match lines.is_empty() {
        true => lines,
        false => format!(
            "\n\nThe spec documents the bodies of these failures, which \
             [`body_as`](client::Error::body_as) reads:\n{lines}"
        ),
    }
}

/// Returns the docs of the client.
fn client_docs(model: &Model, settings: &Settings<'_>) -> String {
    let (title, own) = (&model.title, settings.client_docs);
    format!(
        "A client of the {title}.\n\n\
         Cheap to clone: all clones share their connections.\n\n{own}"
    )
}

/// Writes the functions that create a client, and the one that changes its options.
fn constructors() -> TokenStream {
    quote! {
            /// Returns a client of the server at `base_url`, with the default settings.
            ///
            /// # Errors
            /// If the URL is not an absolute http or https URL, or TLS can't be set up.
            pub fn new(base_url: &str) -> Result<Self, client::Error> {
                Self::builder(base_url).build()
            }

            /// Returns a builder for a client of the server at `base_url`.
            pub fn builder(base_url: &str) -> client::ClientBuilder<Self> {
                client::ClientBuilder::new(base_url, ())
            }

            /// Returns the same client with other options. Both share their connections.
            #[must_use]
            pub fn with_options(&self, options: client::CallOptions) -> Self {
                Self { core: self.core.with_options(options) }
            }
    }
}

/// Writes the method of an operation, or both methods if the request decides about a stream.
fn methods(model: &Model, operation: &Operation) -> Vec<TokenStream> {
    match &operation.answer {
        Answer::Json(form) => vec![method(model, operation, &Asks::Json(form, None))],
        Answer::Events(form) => vec![method(model, operation, &Asks::Events(form, None))],
        Answer::Either { json, events, flag } => {
            let asks = [Asks::Json(json, Some(flag)), Asks::Events(events, Some(flag))];
            asks.iter().map(|asks| method(model, operation, asks)).collect()
        }
    }
}

/// The answer that a method asks for, and the property of the body that it sets to get it.
enum Asks<'a> {
    Json(&'a Form, Option<&'a Flag>),
    Events(&'a Form, Option<&'a Flag>),
}

fn method(model: &Model, operation: &Operation, asks: &Asks<'_>) -> TokenStream {
    let raw = names::ident(&names::snake(&operation.id));
    let constant = names::constant(&operation.id);
    let (name, flag, note) = match asks {
        Asks::Events(_, Some(flag)) => {
            let name = names::snake(&operation.id) + names::STREAM;
            let note =
                format!("Sets `{}` to true in the request: the answer is a stream.", flag.wire);
            (names::ident(&name), Some((*flag, true)), format!("\n\n{note}"))
        }
        Asks::Json(_, Some(flag)) => {
            let note =
                format!("Sets `{}` to false in the request: the answer is one value.", flag.wire);
            (raw.clone(), Some((*flag, false)), format!("\n\n{note}"))
        }
        _ => (raw.clone(), None, String::new()),
    };
    let text = &operation.description;
    let docs = docs(&format!("{text}{note}\n\n{ERRORS}{}", failure_docs(operation)));
    let set = flag.map(|(flag, value)| {
        let ident = names::ident(&flag.rust);
        let value = if flag.is_option { quote!(Some(#value)) } else { quote!(#value) };
        quote! {
            let mut request = request.clone();
            request.#ident = #value;
            let request = &request;
        }
    });
    let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
    let parameters = operation.parameters_type.as_deref().map(names::ident);
    let parameters_argument = parameters.iter().map(|ty| quote!(parameters: &#ty,));
    let parameters_check =
        parameters.iter().map(|_| quote!(codegen::check(operation, parameters)?;));
    let body = operation.body.as_ref().map(form_path);
    let body_argument = body.iter().map(|ty| quote!(request: &#ty,));
    let body_check = body.iter().map(|_| quote!(codegen::check(operation, request)?;));
    let arguments = raw_arguments(model, operation);
    let headers = headers(model, operation);
    let mutable = (!headers.is_empty()).then(|| quote!(mut));
    let (answer, call) = match asks {
        Asks::Json(form, _) => {
            let ty = form_path(form);
            (quote!(client::Answer<#ty>), quote!(self.core.answer(operation, http).await))
        }
        Asks::Events(form, _) => {
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
            #set
            #(#parameters_check)*
            #(#body_check)*
            let built = raw::#raw(self.core.connection(), #(#arguments),*);
            let #mutable http = codegen::built(operation, built)?;
            #(#headers)*
            #call
        }
    }
}

const ERRORS: &str = "# Errors
See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
own error. A failure that the peer reports in its response is an error, too.";

/// Writes the statements that set the headers. progenitor's own order of headers and body is not
/// stable.
fn headers(model: &Model, operation: &Operation) -> Vec<TokenStream> {
    let headers =
        model.parameters(operation).filter(|(parameter, _)| parameter.place == Place::Header);
    let statements = headers.map(|(parameter, property)| {
        let (wire, ident) = (&parameter.wire, names::ident(&property.rust));
        let write = match property.shape.form {
            Form::Secret => quote!(codegen::secret_header),
            _ => quote!(codegen::header),
        };
        match property.presence {
            Presence::Required => quote! {
                #write(operation, &mut http, #wire, &parameters.#ident)?;
            },
            _ => quote! {
                if let Some(value) = &parameters.#ident {
                    #write(operation, &mut http, #wire, value)?;
                }
            },
        }
    });
    statements.collect()
}

/// Returns the arguments in progenitor's order: path, query by name, body.
fn raw_arguments(model: &Model, operation: &Operation) -> Vec<TokenStream> {
    let mut ordered: Vec<_> = model
        .parameters(operation)
        .filter(|(parameter, _)| parameter.place != Place::Header)
        .collect();
    ordered.sort_by_key(|(parameter, _)| {
        let position = match parameter.place {
            Place::Path => operation.path.find(&format!("{{{}}}", parameter.wire)).unwrap_or(0),
            _ => 0,
        };
        (parameter.place, position, parameter.wire.clone())
    });
    let arguments = ordered.into_iter().map(|(parameter, property)| {
        let ident = names::ident(&property.rust);
        let wire = &parameter.wire;
        match (parameter.place, property.presence) {
            (Place::Path, _) => {
                quote!(&codegen::segment(operation, #wire, &parameters.#ident)?)
            }
            (_, Presence::Required) => quote!(&codegen::parameter(&parameters.#ident)),
            _ => quote!(parameters.#ident.as_ref().map(codegen::parameter).as_deref()),
        }
    });
    arguments.chain(operation.body.as_ref().map(|_| quote!(request))).collect()
}
