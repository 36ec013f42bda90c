//! Writes the server side: the trait that a bot implements, and its routes.
//!
//! The module that includes the generated code brings the platform's own items into scope: `Rules`,
//! and `PacketWriter` if the spec has event streams.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::docs;
use super::model::{Answer, Method, Model, Operation, Place};
use super::names;
use super::names::form_path;
use super::settings::Settings;

/// The names of the trait, its server and its router.
struct Names {
    api: Ident,
    server: Ident,
    router: Ident,
}

impl Names {
    fn new(settings: &Settings<'_>) -> Self {
        let [api, server, router] = match settings.wire_server {
            true => ["WireApi", "WireServer", "wire_router"],
            false => ["Api", "Server", "router"],
        };
        Self { api: names::ident(api), server: names::ident(server), router: names::ident(router) }
    }
}

/// Writes `Api`, `Server` and `router`, or `WireApi`, `WireServer` and `wire_router`.
pub(super) fn write(model: &Model, settings: &Settings<'_>) -> TokenStream {
    let Names { api, server, router } = Names::new(settings);
    let methods = model.operations.iter().map(|operation| method(operation, settings));
    let calls = model.operations.iter().map(|operation| call(operation, &api, settings));
    let routes = model.operations.iter().map(route);
    let operations = model.operations.iter().map(|operation| names::constant(&operation.id));
    let api_docs = docs(&api_docs(model, settings));
    let server_docs = docs(&server_docs(settings));
    let router_docs = docs(&router_docs(&server, settings));
    quote! {
        #api_docs
        pub trait #api: Send + Sync + 'static {
            #(#methods)*
        }

        #server_docs
        pub type #server<A> = server::Server<A, Rules>;

        #router_docs
        pub fn #router<A: #api>(api: A) -> axum::Router {
            #server::new(api).router()
        }

        impl<A: #api> codegen::Routes<A> for Rules {
            const OPERATIONS: &'static [&'static wire::Operation] =
                &[#(&operations::#operations),*];

            fn routes(server: #server<A>) -> axum::Router {
                let router = axum::Router::new();
                #(#routes)*
                router.with_state(std::sync::Arc::new(server))
            }
        }

        mod calls {
            use super::*;

            #(#calls)*
        }
    }
}

/// Returns the docs of the trait.
fn api_docs(model: &Model, settings: &Settings<'_>) -> String {
    let title = &model.title;
    let futures = "Write the handlers as `async fn`; their futures must be `Send`.";
    if settings.wire_server {
        return format!(
            "The operations of the {title}, as the spec defines them.\n\n\
             Implement [`Api`](super::Api) instead unless you need the wire itself: these routes lack\n\
             what [`Server`](super::Server) adds, and perform **no authorization**. Serve it with\n\
             [`wire_router`], or with [`WireServer`] to change the settings. {futures}"
        );
    }
    let example = settings.api_docs;
    format!(
        "The handlers of the {title}. Implement this trait to serve it.\n\n\
         Pass your type to [`router`], or to [`Server`] to change the settings.\n\
         {futures}\n\n{example}"
    )
}

/// Returns the docs of the function that serves the trait.
fn router_docs(server: &Ident, settings: &Settings<'_>) -> String {
    let routes = "Returns the routes of `api` with the default settings";
    let example = if settings.api_docs.is_empty() { "" } else { "\n\n[`Api`] has an example." };
    format!("{routes}. Use [`{server}`] to change them.{example}")
}

/// Returns the docs of the server.
fn server_docs(settings: &Settings<'_>) -> String {
    if settings.wire_server {
        return "Serves a [`WireApi`] with the settings of [`server::Server`].".into();
    }
    let own = settings.server_docs;
    format!("Serves an [`Api`] with the settings of [`server::Server`].\n\n{own}")
}

/// Returns the output type of an operation's handler.
fn output(operation: &Operation, settings: &Settings<'_>) -> TokenStream {
    let stated = settings.outputs.iter().find(|(id, _)| *id == operation.id);
    match (&operation.answer, stated) {
        (Answer::Events(_) | Answer::Either { .. }, _) => quote!(()),
        (_, Some((_, ty))) => ty.parse().unwrap_or_default(),
        (Answer::Json(form), None) => {
            let path = form_path(form);
            quote!(#path)
        }
    }
}

/// Returns the names and types of a handler's inputs, without `&self`.
fn inputs(operation: &Operation) -> Vec<(TokenStream, TokenStream)> {
    let parameters = operation.parameters_type.as_deref().map(|name| {
        let ty = names::ident(name);
        (quote!(parameters), quote!(#ty))
    });
    let body = operation.body.as_ref().map(|form| {
        let ty = form_path(form);
        (quote!(request), quote!(#ty))
    });
    parameters.into_iter().chain(body).collect()
}

fn method(operation: &Operation, settings: &Settings<'_>) -> TokenStream {
    let name = names::ident(&names::snake(&operation.id));
    let docs = docs(&operation.description);
    let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
    let output = output(operation, settings);
    let inputs = inputs(operation);
    let (arguments, types): (Vec<_>, Vec<_>) = inputs.into_iter().unzip();
    let events = !matches!(operation.answer, Answer::Json(_));
    let reply = events.then(|| quote!(reply: &mut server::Sink<PacketWriter>));
    let optional = settings.optional.contains(&operation.id.as_str());
    let takes = events || !arguments.is_empty();
    let unused = (optional && takes).then(|| quote!(#[allow(unused_variables)]));
    let end = if optional {
        let value = match output.to_string().as_str() {
            "()" if !events => quote!(Ok(())),
            _ => quote!(Err(server::Error::unsupported())),
        };
        quote! { { async { #value } } }
    } else {
        quote!(;)
    };
    quote! {
        #docs
        #deprecated
        #unused
        fn #name(
            &self,
            #(#arguments: #types,)*
            #reply
        ) -> impl Future<Output = Result<#output, server::Error>> + Send #end
    }
}

/// Returns the name of the type that describes a call. It must differ from the types of the spec.
fn call_name(operation: &Operation) -> Ident {
    format_ident!("{}Call", names::camel(&operation.id))
}

fn call(operation: &Operation, api: &Ident, settings: &Settings<'_>) -> TokenStream {
    let call = call_name(operation);
    let name = names::ident(&names::snake(&operation.id));
    let constant = names::constant(&operation.id);
    let (arguments, types): (Vec<_>, Vec<_>) = inputs(operation).into_iter().unzip();
    let (input, pattern) = match types.as_slice() {
        [one] => {
            let argument = arguments.iter();
            (quote!(#one), quote!(#(#argument)*))
        }
        _ => (quote!((#(#types),*)), quote!((#(#arguments),*))),
    };
    let reads = read(operation);
    let incoming = if types.is_empty() { quote!(_) } else { quote!(incoming) };
    let comma = (!arguments.is_empty()).then(|| quote!(,));
    let (kind, output, given, reply, reply_type) = match operation.answer {
        Answer::Events(_) | Answer::Either { .. } => (
            quote!(codegen::EventsCall<A>),
            None,
            quote!(()),
            Some(quote!(#comma reply)),
            Some(quote!(, reply: &mut server::Sink<PacketWriter>)),
        ),
        Answer::Json(_) => {
            let output = output(operation, settings);
            let output = Some(quote!(type Output = #output;));
            (quote!(codegen::AnswerCall<A>), output, quote!(Self::Output), None, None)
        }
    };
    let streams = match &operation.answer {
        Answer::Either { flag, .. } => {
            let ident = names::ident(&flag.rust);
            let asked = match flag.is_option {
                true => quote!(request.#ident == Some(true)),
                false => quote!(request.#ident),
            };
            // The body is the last input.
            let request = match types.len() {
                1 => quote!(request),
                _ => quote!((_, request)),
            };
            Some(quote! {
                impl<A: #api> codegen::EitherCall<A> for #call {
                    fn streams(#request: &#input) -> bool {
                        #asked
                    }
                }
            })
        }
        _ => None,
    };
    quote! {
        pub(super) struct #call;

        impl<A: #api> codegen::Call<A> for #call {
            type Rules = Rules;
            type Input = #input;

            const OPERATION: &'static wire::Operation = &operations::#constant;

            fn read(#incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
                #reads
            }
        }

        impl<A: #api> #kind for #call {
            #output

            async fn call(
                api: &A,
                #pattern: #input
                #reply_type
            ) -> Result<#given, server::Error> {
                api.#name(#(#arguments),* #reply).await
            }
        }

        #streams
    }
}

/// Writes the expression that reads the input from the request.
fn read(operation: &Operation) -> TokenStream {
    let parameters = operation.parameters_type.as_ref().map(|_| {
        let places = operation.parameters.iter().map(|parameter| {
            let wire = &parameter.wire;
            let place = match parameter.place {
                Place::Path => quote!(Path),
                Place::Query => quote!(Query),
                Place::Header => quote!(Header),
            };
            quote!((codegen::ParameterLocation::#place, #wire))
        });
        quote!(let names = [#(#places),*];)
    });
    match (parameters, &operation.body) {
        (Some(names), Some(_)) => {
            quote! { #names Ok((incoming.parameters(&names)?, incoming.body()?)) }
        }
        (Some(names), None) => quote! { #names incoming.parameters(&names) },
        (None, Some(_)) => quote!(incoming.body()),
        (None, None) => quote!(Ok(())),
    }
}

fn route(operation: &Operation) -> TokenStream {
    let constant = names::constant(&operation.id);
    let call = call_name(operation);
    let method = match operation.method {
        Method::Get => quote!(get),
        Method::Post => quote!(post),
        Method::Put => quote!(put),
        Method::Delete => quote!(delete),
        Method::Patch => quote!(patch),
    };
    let handler = match operation.answer {
        Answer::Json(_) => quote!(answer),
        Answer::Events(_) => quote!(events),
        Answer::Either { .. } => quote!(either),
    };
    quote! {
        let handler = axum::routing::#method(codegen::#handler::<A, calls::#call>);
        let router = server.route(router, &operations::#constant, handler);
    }
}
