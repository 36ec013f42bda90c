//! Writes `validate()`: ranges, lengths, counts, required fields and conditions between fields. For
//! other rules, the platform's module has a `check_by_hand`.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::model::{
    Also, Arm, Characters, Demand, Form, Kind, Kinds, Model, Object, Presence, Property, Shape,
    Type, Unit,
};
use super::names;

/// Writes the checks of every type of the spec.
pub(super) fn write(model: &Model) -> TokenStream {
    let keeping = model.also_read(Also::JsonTextOrUnreadable);
    let stage = Stage { limited: limited(model, &keeping), keeping };
    model
        .types
        .iter()
        .map(|ty| {
            let name = names::ident(&ty.rust);
            let body = stage.body(ty);
            let check = (!body.is_empty()).then(|| {
                quote! {
                    fn check(&self, report: &mut codegen::Report<'_>) {
                        #body
                    }
                }
            });
            quote!(impl wire::Validate for #name { #check })
        })
        .collect()
}

/// Returns the types that have limits, directly or in their fields. Only those are checked.
fn limited(model: &Model, keeping: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut stage = Stage { limited: BTreeSet::new(), keeping: keeping.clone() };
    loop {
        let before = stage.limited.len();
        for ty in &model.types {
            if !stage.body(ty).is_empty() {
                stage.limited.insert(ty.rust.clone());
            }
        }
        if stage.limited.len() == before {
            return stage.limited;
        }
    }
}

struct Stage<'a> {
    limited: BTreeSet<String>,
    /// The unions that keep values that can't be read.
    keeping: BTreeSet<&'a str>,
}

/// A value in the generated code.
struct Place {
    /// The value as a place expression, such as `self.delay`.
    place: TokenStream,
    /// The value itself, for a `Copy` type.
    copy: TokenStream,
    /// A reference to the value.
    reference: TokenStream,
}

impl Place {
    fn field(property: &Property) -> Self {
        let ident = names::ident(&property.rust);
        let place = quote!(self.#ident);
        Self { copy: place.clone(), reference: quote!(&#place), place }
    }

    /// Returns the place of a variable that contains a reference.
    fn variable(name: &str) -> Self {
        let name = names::ident(name).into_token_stream();
        Self { place: name.clone(), copy: quote!(*#name), reference: name }
    }
}

impl Stage<'_> {
    fn body(&self, ty: &Type) -> TokenStream {
        match &ty.kind {
            Kind::Object(object) => self.object(object),
            Kind::Union(union) => {
                let limited = |arm: &&Arm| match &arm.form {
                    Some(Form::Named(name)) => self.limited.contains(name),
                    Some(_) => true,
                    None => false,
                };
                let limited: Vec<_> = union.arms.iter().filter(limited).collect();
                let report = match &union.content {
                    Some(content) => quote!(&mut report.field(#content)),
                    None => quote!(report),
                };
                let arms: Vec<_> = limited
                    .iter()
                    .map(|arm| {
                        let ident = names::ident(&arm.rust);
                        let held = if arm.optional { quote!(Some(arm)) } else { quote!(arm) };
                        quote!(Self::#ident(#held))
                    })
                    .collect();
                let keeps = self.keeping.contains(ty.rust.as_str());
                if arms.is_empty() && !keeps {
                    return TokenStream::new();
                }
                if let [arm] = arms.as_slice()
                    && union.arms.len() > 1
                    && !keeps
                {
                    return quote! { if let #arm = self { arm.check(#report); } };
                }
                let whole =
                    arms.len() == union.arms.len() && limited.iter().all(|arm| !arm.optional);
                let rest = if whole { quote!(Self::Unknown(_)) } else { quote!(_) };
                let unreadable = keeps.then(|| quote!(Self::Unreadable(_) => report.unreadable(),));
                quote! {
                    match self {
                        #(#arms => arm.check(#report),)*
                        #unreadable
                        #rest => {}
                    }
                }
            }
            Kind::Kinds(kinds) => self.kinds(kinds),
            // Any value may be written, known or not: the peer decides.
            Kind::Enum(_) => TokenStream::new(),
        }
    }

    fn kinds(&self, kinds: &Kinds) -> TokenStream {
        let arms = kinds.arms.iter().filter_map(|arm| {
            let ident = names::ident(&arm.rust);
            let check = match &arm.shape.form {
                // The report is lent already.
                Form::Named(name) => {
                    self.limited.contains(name).then(|| quote!(value.check(report);))?
                }
                _ => self.shape(&arm.shape, &Place::variable("value"), &quote!(report))?,
            };
            Some((ident, check))
        });
        let arms: Vec<_> = arms.collect();
        match arms.as_slice() {
            [] => TokenStream::new(),
            [(ident, check)] => quote! { if let Self::#ident(value) = self { #check } },
            _ => {
                let arms =
                    arms.iter().map(|(ident, check)| quote!(Self::#ident(value) => { #check }));
                quote! { match self { #(#arms)* _ => {} } }
            }
        }
    }

    fn object(&self, object: &Object) -> TokenStream {
        let properties = object.properties.iter().map(|property| self.property(property));
        let demands = object.demands.iter().map(|demand| check_demand(object, demand));
        let extra = object.extra.iter().map(|extra| {
            let known = object.properties.iter().map(|property| &property.wire).chain(&object.tags);
            let values =
                self.shape(&extra.shape, &Place::variable("value"), &quote!(report.field(key)));
            let values = values.map(|check| quote! { for (key, value) in &self.extra { #check } });
            let known: Vec<_> = known.collect();
            let named = (!known.is_empty()).then(|| {
                quote! {
                    let named = [#(#known),*];
                    report.further_keys(&self.extra, &named);
                }
            });
            quote! { #named #values }
        });
        let by_hand = object.by_hand.then(|| quote! { self.check_by_hand(report); });
        quote! { #(#properties)* #(#demands)* #by_hand #(#extra)* }
    }

    fn property(&self, property: &Property) -> TokenStream {
        if property.never_written {
            return TokenStream::new();
        }
        let wire = &property.wire;
        let report = match property.personal {
            true => quote!(report.field(#wire).private()),
            false => quote!(report.field(#wire)),
        };
        if property.only_known {
            return only_known(property, &report);
        }
        if !property.is_option() {
            let place = Place::field(property);
            let check = self.shape(&property.shape, &place, &report).unwrap_or_default();
            let needs_items = matches!(property.shape.form, Form::Array { min: Some(_), .. });
            if needs_items && property.presence == Presence::Optional {
                let place = place.place;
                return quote! { if !#place.is_empty() { #check } };
            }
            return check;
        }
        let ident = names::ident(&property.rust);
        let check = self.shape(&property.shape, &Place::variable("value"), &report);
        match (check, property.presence == Presence::MayBeMissing) {
            (None, false) => TokenStream::new(),
            (None, true) => quote! { if self.#ident.is_none() { report.missing(#wire); } },
            (Some(check), false) => quote! { if let Some(value) = &self.#ident { #check } },
            (Some(check), true) => quote! {
                match &self.#ident {
                    Some(value) => { #check }
                    None => report.missing(#wire),
                }
            },
        }
    }

    /// Writes the statements that check a value; `None` if every value is allowed.
    fn shape(&self, shape: &Shape, value: &Place, report: &TokenStream) -> Option<TokenStream> {
        let Place { place, copy, reference } = value;
        match &shape.form {
            Form::Boolean | Form::Json | Form::Secret => None,
            Form::Integer { min, max, .. } => {
                let literal = proc_macro2::Literal::i64_unsuffixed;
                let range = range(min.map(literal), max.map(literal))?;
                Some(quote! { #report.integer(#copy, #range); })
            }
            Form::Duration { unit, min, max } => {
                let literal = proc_macro2::Literal::i64_unsuffixed;
                let range = range(min.map(literal), max.map(literal)).unwrap_or_else(|| quote!(..));
                let unit = match unit {
                    Unit::Seconds => quote!(seconds),
                    Unit::Milliseconds => quote!(milliseconds),
                };
                Some(quote! { #report.#unit(#copy, #range); })
            }
            Form::Number { min, max } => {
                let literal = proc_macro2::Literal::f64_unsuffixed;
                // Checked even without bounds: JSON has no NaN and no infinity.
                let range = range(min.map(literal), max.map(literal)).unwrap_or_else(|| quote!(..));
                Some(quote! { #report.number(#copy, #range); })
            }
            Form::Text { min, max, characters } => {
                let length =
                    counts(*min, *max).map(|range| quote! { #report.length(#reference, #range); });
                let characters = characters.as_ref().map(|Characters { text, ranges }| {
                    let (first, last): (Vec<_>, Vec<_>) = ranges.iter().copied().unzip();
                    quote! { #report.characters(#reference, &[#((#first, #last)),*], #text); }
                });
                (length.is_some() || characters.is_some()).then(|| quote! { #length #characters })
            }
            Form::Named(name) if !self.limited.contains(name) => None,
            Form::Named(_) | Form::Foreign { .. } => Some(quote! { #place.check(&mut #report); }),
            Form::JsonText(content) => self.shape(content, value, report),
            Form::Array { items, min, max } => {
                let count =
                    counts(*min, *max).map(|range| quote! { #report.count(#place.len(), #range); });
                let item = Place::variable("item");
                let each = self.shape(items, &item, &quote!(#report.item(index))).map(|check| {
                    quote! { for (index, item) in #place.iter().enumerate() { #check } }
                });
                (count.is_some() || each.is_some()).then(|| quote! { #count #each })
            }
            Form::Map(values) => {
                let item = Place::variable("item");
                let check = self.shape(values, &item, &quote!(#report.field(key)))?;
                Some(quote! { for (key, item) in #reference { #check } })
            }
        }
    }
}

/// Rejects an unknown value of an enum, which only reading creates.
fn only_known(property: &Property, report: &TokenStream) -> TokenStream {
    let Form::Named(name) = &property.shape.form else { return TokenStream::new() };
    let (ident, ty) = (names::ident(&property.rust), names::ident(name));
    let refuse = quote!(#report.violation(Some(value.to_string()), "a documented value"));
    match property.presence {
        Presence::Required | Presence::MissingIsDefault => quote! {
            if let value @ #ty::Unknown(_) = &self.#ident { #refuse; }
        },
        _ => quote! {
            if let Some(value @ #ty::Unknown(_)) = &self.#ident { #refuse; }
        },
    }
}

fn check_demand(object: &Object, demand: &Demand) -> TokenStream {
    let (name, value) = &demand.when;
    let find = |wire: &str| object.properties.iter().find(|property| property.wire == wire);
    let Some(when) = find(name) else { return TokenStream::new() };
    let ident = names::ident(&when.rust);
    let holds = match when.presence {
        Presence::Required | Presence::MissingIsDefault => quote!(self.#ident.as_str() == #value),
        _ => quote!(self.#ident.as_ref().is_some_and(|value| value.as_str() == #value)),
    };
    let condition = format!("`{name}` is {value}");
    let required = demand.require.iter().filter_map(|wire| {
        let property = find(wire)?;
        let ident = names::ident(&property.rust);
        let absent = if property.is_option() { quote!(is_none) } else { quote!(is_empty) };
        Some(quote! {
            if #holds && self.#ident.#absent() {
                report.demanded(#wire, #condition);
            }
        })
    });
    quote! { #(#required)* }
}

fn counts(min: Option<u64>, max: Option<u64>) -> Option<TokenStream> {
    let literal = proc_macro2::Literal::u64_unsuffixed;
    range(min.map(literal), max.map(literal))
}

fn range<T: ToTokens>(min: Option<T>, max: Option<T>) -> Option<TokenStream> {
    match (min, max) {
        (None, None) => None,
        (Some(min), None) => Some(quote!(#min..)),
        (None, Some(max)) => Some(quote!(..=#max)),
        (Some(min), Some(max)) => Some(quote!(#min..=#max)),
    }
}
