//! Writes the operations of a spec as statics, which client and router share.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{Model, Operation};
use super::{docs, names};

/// Writes one static per operation.
pub(super) fn write(model: &Model) -> TokenStream {
    let secrets = model.secrets();
    let statics = model.operations.iter().map(|operation| {
        let constant = names::constant(&operation.id);
        let Operation { id, path, .. } = operation;
        let method = names::ident(operation.method.as_str());
        let docs = docs::docs(&format!("`{} {path}`.", operation.method.as_str()));
        let secrets = (!secrets.is_empty()).then(|| quote!(.with_secrets(SECRETS)));
        let (bases, also_at) = (&operation.bases, &operation.also_at);
        let bases = (!bases.is_empty()).then(|| quote!(.with_bases(&[#(#bases),*])));
        let also_at = (!also_at.is_empty()).then(|| quote!(.with_spellings(&[#(#also_at),*])));
        let once = operation.once.then(|| quote!(.once()));
        let end = operation.ends_with.iter().map(|end| quote!(.with_end(#end)));
        quote! {
            #docs
            pub static #constant: Operation =
                Operation::new(#id, Method::#method, #path) #secrets #bases #also_at #once #(#end)*;
        }
    });
    let secrets = (!secrets.is_empty()).then(|| {
        let secrets = secrets.iter();
        quote! {
            /// The keys of secret values, in requests and responses.
            const SECRETS: &[&str] = &[#(#secrets),*];
        }
    });
    quote! {
        /// The operations of the platform: id, method and path of each.
        pub mod operations {
            use ::callbot::wire::Operation;
            use http::Method;

            #secrets

            #(#statics)*
        }
    }
}
