//! Wire forms: the adapter that reads and writes a value, and the numbers that mean "not set".

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::compiler::model::{Also, Form, Property, Shape, Unit};

/// Writes the condition under which a number is a value, if some numbers mean "not set".
pub(super) fn meaningful(property: &Property) -> Option<TokenStream> {
    compared(property, &quote!(>)).map(|(zero, compared)| match zero {
        true => quote!(!value.is_zero()),
        false => compared,
    })
}

/// Writes the condition under which a number means "not set".
pub(super) fn meaningless(property: &Property) -> Option<TokenStream> {
    compared(property, &quote!(<=)).map(|(zero, compared)| match zero {
        true => quote!(value.is_zero()),
        false => compared,
    })
}

/// Returns `true` for a duration, of which only zero can mean "not set"; otherwise `false` and the
/// comparison with the largest number that does.
fn compared(property: &Property, operator: &TokenStream) -> Option<(bool, TokenStream)> {
    let up_to = property.unset_up_to?;
    match &property.shape.form {
        // A `Duration` is never negative.
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

/// Whether a blank string in place of JSON in a string is an absent value. Where any JSON is
/// allowed, null is a value.
fn is_blankable(shape: &Shape) -> bool {
    match &shape.form {
        Form::JsonText(content) => {
            !matches!(content.form, Form::Json) && shape.also == Also::Nothing
        }
        _ => false,
    }
}

/// Writes the expression that reads an optional value from the map, through the adapter of the
/// shape. `unset` says whether a negative number may mean "not set".
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

/// Returns the adapter that reads and writes the wire form of a shape; `None` if serde's own form
/// is used.
pub(in crate::compiler) fn adapter(shape: &Shape) -> Option<String> {
    if matches!(shape.form, Form::Integer { .. } | Form::Number { .. }) {
        return Some("codegen::AnyNumber".into());
    }
    let this = match shape.also {
        Also::Nothing => None,
        Also::Number => Some("codegen::OrNumber"),
        Also::Text => Some("codegen::OrText"),
        Also::JsonTextOrUnreadable => Some("codegen::OrUnreadable<codegen::OrJsonText>"),
        Also::JsonText => Some("codegen::OrJsonText"),
        Also::JsonTextOrText => Some("codegen::OrJsonTextOrText"),
        Also::Json => Some("codegen::OrJson"),
        Also::Item => Some("codegen::OrItem"),
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

/// Whether the wire form differs from the form in which serde writes the type.
pub(in crate::compiler) fn writes_otherwise(shape: &Shape) -> bool {
    match &shape.form {
        Form::JsonText(_) | Form::Duration { .. } => true,
        Form::Array { items: inner, .. } | Form::Map(inner) => writes_otherwise(inner),
        _ => false,
    }
}
