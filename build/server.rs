//! The server side: the trait that a bot implements, and the routes that lead to it.
//!
//! The module that includes the generated code brings the platform's own part into scope: `Rules`,
//! and, where the spec has event streams, `PacketWriter`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::docs::docs;
use super::model::{Answer, Method, Model, Operation, Place};
use super::names;
use super::names::form_path;
use super::settings::Settings;

/// The names of the trait, of its server and of its router.
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

/// The docs of the trait.
fn api_docs(model: &Model, settings: &Settings<'_>) -> String {
    let title = &model.title;
    let futures = "The futures must be `Send`: write the handlers as `async fn`.";
    if settings.wire_server {
        return format!(
            "The operations of the {title}, as its spec has them.\n\n\
             Implement [`Api`](super::Api) unless you want the wire itself: nothing that\n\
             [`Server`](super::Server) adds is done here, **not even the check of who calls**.\n\
             Serve it with [`wire_router`], or with [`WireServer`] to change the settings.\n\
             {futures}"
        );
    }
    let example = settings.api_docs;
    format!(
        "What a server of the {title} does.\n\n\
         Serve it with [`router`], or with [`Server`] to change the settings.\n{futures}\n\n{example}"
    )
}

/// The docs of the function that serves the trait.
fn router_docs(server: &Ident, settings: &Settings<'_>) -> String {
    let routes = "Returns the routes of `api` with the default settings";
    let example = if settings.api_docs.is_empty() { "" } else { "\n\n[`Api`] has an example." };
    format!("{routes}; [`{server}`] changes them.{example}")
}

/// The docs of the server.
fn server_docs(settings: &Settings<'_>) -> String {
    if settings.wire_server {
        return "Serves a [`WireApi`], with the settings of [`server::Server`].".into();
    }
    let own = settings.server_docs;
    format!("Serves an [`Api`], with the settings of [`server::Server`].\n\n{own}")
}

/// What the handler of an operation gives.
fn output(operation: &Operation, settings: &Settings<'_>) -> TokenStream {
    let stated = settings.outputs.iter().find(|(id, _)| *id == operation.id);
    match (&operation.answer, stated) {
        (Answer::Events(_), _) => quote!(()),
        (_, Some((_, ty))) => ty.parse().unwrap_or_default(),
        (Answer::Json(form), None) => {
            let path = form_path(form);
            quote!(#path)
        }
    }
}

/// What the handler takes besides `&self`: names and types.
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
    let events = matches!(operation.answer, Answer::Events(_));
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

/// The type that ties an operation together. The name must not be that of what it answers with.
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
        Answer::Events(_) => (
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
    }
}

/// The expression that reads the input from the request.
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
    };
    quote! {
        let handler = axum::routing::#method(codegen::#handler::<A, calls::#call>);
        let router = server.route(router, &operations::#constant, handler);
    }
}
