//! Wire forms: which adapter reads and writes a value, and which numbers mean that nothing is set.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::compiler::model::{Also, Form, Property, Shape, Unit};

/// The condition that a number which is there means something, where some mean nothing.
pub(super) fn meaningful(property: &Property) -> Option<TokenStream> {
    compared(property, &quote!(>)).map(|(zero, compared)| match zero {
        true => quote!(!value.is_zero()),
        false => compared,
    })
}

/// The condition that a number which is there means nothing.
pub(super) fn meaningless(property: &Property) -> Option<TokenStream> {
    compared(property, &quote!(<=)).map(|(zero, compared)| match zero {
        true => quote!(value.is_zero()),
        false => compared,
    })
}

/// Whether no more than zero means nothing, of a length of time; or else the comparison with the
/// largest number that does.
fn compared(property: &Property, operator: &TokenStream) -> Option<(bool, TokenStream)> {
    let up_to = property.unset_up_to?;
    match &property.shape.form {
        // No `Duration` can hold less than nothing.
        Form::Duration { .. } if up_to < 0 => None,
        Form::Duration { .. } => Some((true, TokenStream::new())),
        Form::Number { .. } => {
            let up_to = proc_macro2::Literal::f64_unsuffixed(up_to as f64);
            Some((false, quote!(*value #operator #up_to)))
        }
        _ => {
            let up_to = proc_macro2::Literal::i64_unsuffixed(up_to);
            Some((false, quote!(*value #operator #up_to)))
        }
    }
}

/// Whether a blank text, where JSON in a string is expected, is none. Where any JSON may stand, null
/// is a value.
fn is_blankable(shape: &Shape) -> bool {
    match &shape.form {
        Form::JsonText(content) => {
            !matches!(content.form, Form::Json) && shape.also == Also::Nothing
        }
        _ => false,
    }
}

/// Reads an optional value from the map, through the adapter of the shape. `unset` is whether a
/// negative number may stand for a value that is not set.
pub(super) fn read_value(shape: &Shape, map: &Ident, unset: bool) -> TokenStream {
    let Some(adapter) = adapter(shape) else { return quote!(#map.value()?) };
    let adapter: TokenStream = adapter.parse().unwrap_or_default();
    match shape.form {
        _ if is_blankable(shape) => quote!(#map.json_text()?),
        Form::Duration { .. } if unset => {
            quote!(#map.duration::<#adapter>()?)
        }
        _ => quote!(#map.value_as::<#adapter, _>()?),
    }
}

/// The adapter that reads and writes the wire form of a shape; none when serde's own will do.
pub(super) fn adapter(shape: &Shape) -> Option<String> {
    let this = match shape.also {
        Also::Nothing => None,
        Also::Number => Some("codegen::OrNumber"),
        Also::Text => Some("codegen::OrText"),
        Also::JsonText => Some("codegen::OrJsonText"),
        Also::JsonTextOrText => Some("codegen::OrJsonTextOrText"),
        Also::Json => Some("codegen::OrJson"),
    };
    if let Some(this) = this {
        return Some(this.into());
    }
    match &shape.form {
        Form::JsonText(_) => Some("codegen::JsonText".into()),
        Form::Duration { unit: Unit::Seconds, .. } => Some("codegen::Seconds".into()),
        Form::Duration { unit: Unit::Milliseconds, .. } => Some("codegen::Milliseconds".into()),
        Form::Array { items, .. } => adapter(items).map(|inner| format!("Vec<{inner}>")),
        Form::Map(values) => {
            adapter(values).map(|inner| format!("BTreeMap<codegen::Same, {inner}>"))
        }
        _ => None,
    }
}

/// Whether the wire form is another one than that of the type.
pub(super) fn writes_otherwise(shape: &Shape) -> bool {
    match &shape.form {
        Form::JsonText(_) | Form::Duration { .. } => true,
        Form::Array { items: inner, .. } | Form::Map(inner) => writes_otherwise(inner),
        _ => false,
    }
}
