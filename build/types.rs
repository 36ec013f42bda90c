//! Objects: typify makes the field types, this stage writes the struct around them.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;

use super::docs::{aliases, docs};
use super::model::{
    Also, EnumValue, Extra, Form, Kind, Model, Object, Presence, Property, Shape, Type, Unit,
};
use super::{Error, lower, names};

/// Writes every object of the spec, in the order of the spec.
pub(super) fn write(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    let fields = field_types(spec, model)?;
    let texts = texts(model);
    let parts = model.parts();
    let none = BTreeMap::new();
    let mut out = TokenStream::new();
    out.extend(quote!(
        use ::callbot::wire;
    ));
    for (ty, object) in model.objects() {
        // Of an object without fields typify makes something else than a struct.
        let made = fields.get(&ty.rust).unwrap_or(&none);
        let fields = object
            .properties
            .iter()
            .map(|property| match made.get(&property.wire) {
                Some(ty) => Ok(Field {
                    property,
                    ident: names::ident(&property.rust),
                    ty: field_type(property, ty),
                }),
                None => Err(Error::new(
                    spec,
                    &ty.pointer,
                    format!("typify made no field of `{}`", property.wire),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let is_part = parts.contains(ty.rust.as_str());
        let written = Struct { ty, object, model, fields, extra: made.get(lower::EXTRA), is_part };
        out.extend(written.definition());
        out.extend(written.methods());
        out.extend(written.settings());
        out.extend(written.debug());
        out.extend(written.serialize());
        out.extend(written.deserialize());
        if texts.contains(&ty.rust.as_str()) {
            out.extend(written.text_as_object());
        }
    }
    Ok(out)
}

/// The objects for which a text may stand, by their Rust names.
fn texts(model: &Model) -> BTreeSet<&str> {
    fn find<'a>(shape: &'a Shape, found: &mut BTreeSet<&'a str>) {
        match &shape.form {
            Form::Named(name) if shape.also == Also::JsonTextOrText => {
                found.insert(name);
            }
            Form::Array { items: inner, .. } | Form::Map(inner) | Form::JsonText(inner) => {
                find(inner, found);
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (_, object) in model.objects() {
        let extra = object.extra.iter().map(|extra| &extra.shape);
        let shapes = object.properties.iter().map(|property| &property.shape).chain(extra);
        shapes.for_each(|shape| find(shape, &mut found));
    }
    found
}

/// Asks typify for the type of every field: struct, wire name, type.
fn field_types(
    spec: &str,
    model: &Model,
) -> Result<BTreeMap<String, BTreeMap<String, syn::Type>>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(spec, "", format!("typify: {error}"));
    let mut settings = typify::TypeSpaceSettings::default();
    settings.with_map_type("::std::collections::BTreeMap");
    for (name, path) in lower::replacements(model) {
        settings.with_replacement(name, path, std::iter::empty());
    }
    let password = serde_json::json!({"type": "string", "format": "password"});
    let password = serde_json::from_value(password).map_err(|error| failed(&error))?;
    settings.with_conversion(password, "wire::Secret", std::iter::empty());
    let definitions: BTreeMap<String, schemars08::schema::Schema> = serde_json::from_value(
        serde_json::Value::Object(lower::definitions(model, "#/definitions/")),
    )
    .map_err(|error| failed(&error))?;
    let mut space = typify::TypeSpace::new(&settings);
    space.add_ref_types(definitions).map_err(|error| failed(&error))?;
    let file: syn::File = syn::parse2(space.to_stream()).map_err(|error| failed(&error))?;
    let mut types = BTreeMap::new();
    for item in file.items {
        let syn::Item::Struct(item) = item else { continue };
        let fields = item.fields.into_iter().filter_map(|mut field| {
            ShortPaths.visit_type_mut(&mut field.ty);
            Some((wire_name(&field)?, field.ty))
        });
        types.insert(item.ident.to_string(), fields.collect());
    }
    Ok(types)
}

/// The wire name of a field that typify made: its `rename`, or its own name.
fn wire_name(field: &syn::Field) -> Option<String> {
    let mut name = field.ident.as_ref()?.to_string();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // Values of other keys are read over.
        let _ = attribute.parse_nested_meta(|meta| {
            if let Ok(value) = meta.value() {
                let text: syn::LitStr = value.parse()?;
                if meta.path.is_ident("rename") {
                    name = text.value();
                }
            }
            Ok(())
        });
    }
    Some(name)
}

/// The type of a field: what typify made of it, but for what typify does not know.
fn field_type(property: &Property, made: &syn::Type) -> syn::Type {
    let inner = match generic(made) {
        Some(inner) if is_named(made, "Option") => inner,
        _ => made,
    };
    let inner = match property.shape.form {
        Form::Duration { .. } => syn::parse_quote!(std::time::Duration),
        _ => inner.clone(),
    };
    if property.is_option() { syn::parse_quote!(Option<#inner>) } else { inner }
}

/// Writes `Option<String>` for `::std::option::Option<::std::string::String>`.
struct ShortPaths;

impl VisitMut for ShortPaths {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        syn::visit_mut::visit_path_mut(self, path);
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let prelude = ["Option", "String", "Vec"];
        match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["std", _, last] if prelude.contains(last) => {
                path.leading_colon = None;
                path.segments = path.segments.iter().skip(2).cloned().collect();
            }
            ["std", ..] | ["serde_json", ..] => path.leading_colon = None,
            _ => {}
        }
    }
}

struct Field<'a> {
    property: &'a Property,
    ident: Ident,
    ty: syn::Type,
}

impl Field<'_> {
    fn is_option(&self) -> bool {
        self.property.is_option()
    }

    /// The type in the `Option`, or the type itself.
    fn inner(&self) -> &syn::Type {
        match generic(&self.ty) {
            Some(inner) if self.is_option() => inner,
            _ => &self.ty,
        }
    }

    /// Whether `new` asks for it.
    fn is_demanded(&self) -> bool {
        self.property.presence != Presence::Optional
    }

    /// The parameter of a constructor or setter: its type, and the expression that is stored.
    fn parameter(&self) -> (TokenStream, TokenStream) {
        let ident = &self.ident;
        let inner = self.inner();
        if matches!(self.property.shape.form, Form::Duration { .. }) {
            return (quote!(#inner), quote!(#ident));
        }
        if is_named(inner, "Vec")
            && let Some(item) = generic(inner)
        {
            return match is_named(item, "String") {
                true => (
                    quote!(impl IntoIterator<Item = impl Into<String>>),
                    quote!(#ident.into_iter().map(Into::into).collect()),
                ),
                false => {
                    (quote!(impl IntoIterator<Item = #item>), quote!(#ident.into_iter().collect()))
                }
            };
        }
        match &self.property.shape.form {
            Form::Boolean | Form::Integer { .. } | Form::Number { .. } => {
                (quote!(#inner), quote!(#ident))
            }
            Form::Text { .. } | Form::Secret | Form::Json => {
                (quote!(impl Into<#inner>), quote!(#ident.into()))
            }
            _ => (quote!(#inner), quote!(#ident)),
        }
    }
}

fn is_named(ty: &syn::Type, name: &str) -> bool {
    match ty {
        syn::Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| segment.ident == name)
        }
        _ => false,
    }
}

/// The first generic argument.
fn generic(ty: &syn::Type) -> Option<&syn::Type> {
    let syn::Type::Path(path) = ty else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments
    else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

struct Struct<'a> {
    ty: &'a Type,
    object: &'a Object,
    model: &'a Model,
    fields: Vec<Field<'a>>,
    /// The type of one value of the further keys.
    extra: Option<&'a syn::Type>,
    /// Whether it is a part of another object.
    is_part: bool,
}

impl Struct<'_> {
    fn name(&self) -> Ident {
        names::ident(&self.ty.rust)
    }

    fn hides(&self) -> bool {
        self.fields.iter().any(|field| field.property.personal)
            || self.object.extra.as_ref().is_some_and(|extra| extra.personal)
    }

    /// Whether `default()` has values, so that nothing being set is something else.
    fn has_initials(&self) -> bool {
        let properties = || self.object.properties.iter();
        properties().any(|property| property.initial.is_some() || property.part)
    }

    /// Whether more than its being there decides if a field is written.
    fn has_rules(&self) -> bool {
        self.object.properties.iter().any(Property::has_rule)
    }

    fn definition(&self) -> TokenStream {
        let name = self.name();
        let type_docs = type_docs(self.ty);
        let mut derives = vec![quote!(Clone), quote!(PartialEq)];
        if !self.hides() {
            derives.insert(0, quote!(Debug));
        }
        if !self.fields.iter().any(Field::is_demanded) && !self.has_initials() {
            derives.push(quote!(Default));
        }
        let derived = !self.has_rules();
        if derived {
            derives.push(quote!(serde::Serialize));
        }
        let fields = self.fields.iter().map(|field| {
            let Field { property, ident, ty } = field;
            let docs = docs(&property.description);
            let aliases = aliases(property.doc_names());
            let deprecated = deprecated(property.deprecated);
            let serde = derived.then(|| self.serde_attribute(field));
            quote! { #docs #aliases #deprecated #serde pub #ident: #ty }
        });
        let flatten = derived.then(|| quote!(#[serde(flatten)]));
        let extra = self.extra.iter().map(|ty| {
            quote! {
                /// Keys that the platform's document does not name, kept as they came.
                #flatten
                pub extra: std::collections::BTreeMap<String, #ty>
            }
        });
        quote! {
            #type_docs
            #[derive(#(#derives),*)]
            #[non_exhaustive]
            pub struct #name { #(#fields,)* #(#extra,)* }
        }
    }

    fn serde_attribute(&self, field: &Field<'_>) -> TokenStream {
        let Field { property, ident, ty } = field;
        let mut parts = Vec::new();
        if *ident != property.wire {
            let wire = &property.wire;
            parts.push(quote!(rename = #wire));
        }
        if property.never_written {
            parts.push(quote!(skip_serializing));
        } else if field.is_option() {
            parts.push(quote!(skip_serializing_if = "Option::is_none"));
        } else if property.presence == Presence::Optional {
            let empty = match ty {
                ty if is_named(ty, "Vec") => "Vec::is_empty",
                ty if is_named(ty, "BTreeMap") => "std::collections::BTreeMap::is_empty",
                _ => "serde_json::Map::is_empty",
            };
            parts.push(quote!(skip_serializing_if = #empty));
        }
        // Most adapters only differ in what they read; the writing is serde's own.
        if writes_otherwise(&property.shape)
            && let Some(adapter) = adapter(&property.shape)
        {
            let option = field.is_option();
            let adapter = if option { format!("Option<{adapter}>") } else { adapter };
            let with = format!("wire::As::<{adapter}>::serialize");
            parts.push(quote!(serialize_with = #with));
        }
        if parts.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#parts),*)]) }
    }

    fn methods(&self) -> TokenStream {
        let name = self.name();
        let demanded: Vec<_> = self.fields.iter().filter(|field| field.is_demanded()).collect();
        let parameters = demanded.iter().map(|field| {
            let ident = &field.ident;
            let (ty, _) = field.parameter();
            quote!(#ident: #ty)
        });
        let values = self.fields.iter().map(|field| {
            let ident = &field.ident;
            if !field.is_demanded() {
                let value = self.initial(field);
                return quote!(#ident: #value);
            }
            let (_, value) = field.parameter();
            let value = if field.is_option() { quote!(Some(#value)) } else { value };
            if *ident == value.to_string() { value } else { quote!(#ident: #value) }
        });
        let extra = self.extra.iter().map(|_| quote!(extra: Default::default()));
        let setters = self.fields.iter().filter(|field| !field.is_demanded()).map(|field| {
            let ident = &field.ident;
            let setter = format_ident!("with_{}", field.property.rust);
            let (ty, value) = field.parameter();
            let value = if field.is_option() { quote!(Some(#value)) } else { value };
            let docs = docs(&format!("Sets [`{0}`](Self::{0}).", field.ident));
            quote! {
                #docs
                #[must_use]
                pub fn #setter(mut self, #ident: #ty) -> Self {
                    self.#ident = #value;
                    self
                }
            }
        });
        let extra_setter = self.object.extra.iter().map(|extra| {
            let ty = self.extra;
            let (ty, value) = match extra.shape.form {
                Form::Text { .. } | Form::Json => (quote!(impl Into<#ty>), quote!(value.into())),
                _ => (quote!(#ty), quote!(value)),
            };
            quote! {
                /// Adds a key that the platform's document does not name.
                #[must_use]
                pub fn with_extra(mut self, key: impl Into<String>, value: #ty) -> Self {
                    self.extra.insert(key.into(), #value);
                    self
                }
            }
        });
        let defaults = self.fields.iter().filter_map(default_accessor);
        let many = (demanded.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
        let docs = docs(match (demanded.is_empty(), self.has_initials()) {
            (true, false) => "All fields absent.",
            (true, true) => "The values that the spec has at first.",
            (false, false) => "With the fields that must be there; all others are absent.",
            (false, true) => {
                "With the fields that must be there, and the values that the spec has at first."
            }
        });
        quote! {
            impl #name {
                #docs
                #many
                #[must_use]
                pub fn new(#(#parameters),*) -> Self {
                    Self { #(#values,)* #(#extra,)* }
                }
                #(#setters)*
                #(#extra_setter)*
                #(#defaults)*
            }
        }
    }

    /// The value of a field in a new object.
    fn initial(&self, field: &Field<'_>) -> TokenStream {
        let property = field.property;
        let Some(initial) = &property.initial else { return quote!(Default::default()) };
        let value = match (&property.shape.form, initial) {
            (Form::Duration { unit, .. }, initial) => {
                let number = proc_macro2::Literal::u64_unsuffixed(initial.as_u64().unwrap_or(0));
                let unit = match unit {
                    Unit::Seconds => quote!(from_secs),
                    Unit::Milliseconds => quote!(from_millis),
                };
                quote!(std::time::Duration::#unit(#number))
            }
            (Form::Number { .. }, initial) => {
                let number = proc_macro2::Literal::f64_unsuffixed(initial.as_f64().unwrap_or(0.0));
                quote!(#number)
            }
            (Form::Text { .. }, initial) => {
                let text = initial.as_str().unwrap_or_default();
                quote!(#text.into())
            }
            (Form::Array { .. }, _) => quote!(Vec::new()),
            (Form::Named(name), initial) => {
                let ty = names::ident(name);
                let variant = self.variant(name, initial);
                quote!(#ty::#variant)
            }
            (_, initial) => initial.to_string().parse().unwrap_or_default(),
        };
        if field.is_option() { quote!(Some(#value)) } else { value }
    }

    /// The variant of a value of an enum.
    fn variant(&self, name: &str, value: &serde_json::Value) -> Option<Ident> {
        let ty = self.model.types.iter().find(|ty| ty.rust == name)?;
        let Kind::Enum(of) = &ty.kind else { return None };
        let variant = of.variants.iter().find(|variant| match &variant.value {
            EnumValue::Text(text) => value == text,
            EnumValue::Code(code) => value == code,
        });
        variant.map(|variant| names::ident(&variant.rust))
    }

    /// `Default`, `unset` and `is_unset` of an object that starts with values, or is a part.
    fn settings(&self) -> TokenStream {
        let name = self.name();
        if self.fields.iter().any(Field::is_demanded) || !(self.has_initials() || self.is_part) {
            return TokenStream::new();
        }
        let default = self.has_initials().then(|| {
            quote! {
                impl Default for #name {
                    /// The values that the spec has at first.
                    fn default() -> Self {
                        Self::new()
                    }
                }
            }
        });
        let values = self.fields.iter().map(|Field { property, ident, ty }| {
            let value =
                if property.part { quote!(#ty::unset()) } else { quote!(Default::default()) };
            quote!(#ident: #value)
        });
        let extra = self.extra.iter().map(|_| quote!(extra: Default::default()));
        let left_out = self.fields.iter().filter_map(|field| self.is_left_out(field));
        let no_extra = self.extra.iter().map(|_| quote!(self.extra.is_empty()));
        let conditions: Vec<_> = left_out.chain(no_extra).collect();
        quote! {
            #default

            impl #name {
                /// Nothing set: what is not set is not written, and the platform's own setting holds.
                #[must_use]
                pub fn unset() -> Self {
                    Self { #(#values,)* #(#extra,)* }
                }

                /// Whether nothing of it would be written.
                #[must_use]
                pub fn is_unset(&self) -> bool {
                    #(#conditions)&&*
                }
            }
        }
    }

    /// The condition under which a field is left out; none when it always is.
    fn is_left_out(&self, field: &Field<'_>) -> Option<TokenStream> {
        let Field { property, ident, .. } = field;
        if property.never_written {
            return None;
        }
        if property.part {
            return Some(quote!(self.#ident.is_unset()));
        }
        let unset = match (meaningless(property), field.is_option()) {
            (Some(nothing), _) => quote!(self.#ident.as_ref().is_none_or(|value| #nothing)),
            (None, true) => quote!(self.#ident.is_none()),
            (None, false) => quote!(self.#ident.is_empty()),
        };
        Some(match self.goes_with(property) {
            Some(other) => quote!((#unset || self.#other.is_none())),
            None => unset,
        })
    }

    /// The other field that must be set for this one to be written.
    fn goes_with(&self, property: &Property) -> Option<&Ident> {
        let with = property.only_with.as_ref()?;
        let other = self.fields.iter().find(|other| other.property.wire == *with)?;
        Some(&other.ident)
    }

    /// `Serialize` of an object in which more than their being there decides what is written.
    fn serialize(&self) -> TokenStream {
        if !self.has_rules() {
            return TokenStream::new();
        }
        let name = self.name();
        let fields =
            self.fields.iter().filter(|field| !field.property.never_written).map(|field| {
                let Field { property, ident, .. } = field;
                let wire = &property.wire;
                let value = match field.is_option() {
                    true => quote!(value),
                    false => quote!(&self.#ident),
                };
                let value = match adapter(&property.shape) {
                    Some(adapter) if writes_otherwise(&property.shape) => {
                        let adapter: TokenStream = adapter.parse().unwrap_or_default();
                        quote!(&wire::WriteAs::<_, #adapter>::new(#value))
                    }
                    _ => value,
                };
                let entry = quote!(map.serialize_entry(#wire, #value)?;);
                if field.is_option() {
                    let means = meaningful(property).map(|means| quote!(&& #means));
                    let with =
                        self.goes_with(property).map(|other| quote!(&& self.#other.is_some()));
                    return quote! { if let Some(value) = &self.#ident #means #with { #entry } };
                }
                match property.presence {
                    Presence::Optional if property.part => {
                        quote! { if !self.#ident.is_unset() { #entry } }
                    }
                    Presence::Optional => quote! { if !self.#ident.is_empty() { #entry } },
                    _ => entry,
                }
            });
        let extra = self.extra.iter().map(|_| {
            quote! {
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
            }
        });
        quote! {
            impl serde::Serialize for #name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    use serde::ser::SerializeMap as _;

                    let mut map = serializer.serialize_map(None)?;
                    #(#fields)*
                    #(#extra)*
                    map.end()
                }
            }
        }
    }

    /// A text alone, for an object that needs no more.
    fn text_as_object(&self) -> TokenStream {
        let name = self.name();
        quote! {
            impl From<String> for #name {
                fn from(text: String) -> Self {
                    Self::new(text)
                }
            }

            impl From<&str> for #name {
                fn from(text: &str) -> Self {
                    Self::new(text)
                }
            }
        }
    }

    /// `Debug` that shows neither what callers say nor their numbers.
    fn debug(&self) -> TokenStream {
        if !self.hides() {
            return TokenStream::new();
        }
        let ident = self.name();
        let name = &self.ty.rust;
        let fields = self.fields.iter().map(|field| {
            let Field { property, ident, .. } = field;
            let name = ident.to_string();
            match property.personal {
                true => quote!(.field(#name, &wire::Hidden::of(&self.#ident))),
                false => quote!(.field(#name, &self.#ident)),
            }
        });
        let extra = self.object.extra.iter().map(|extra| match extra.personal {
            true => quote!(.field("extra", &wire::Hidden::of(&self.extra))),
            false => quote!(.field("extra", &self.extra)),
        });
        quote! {
            impl std::fmt::Debug for #ident {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#name) #(#fields)* #(#extra)* .finish()
                }
            }
        }
    }

    // The variables of the loop end in `_`, as no field's does.
    fn deserialize(&self) -> TokenStream {
        let name = self.name();
        let mut spellings = Vec::new();
        for field in &self.fields {
            spellings.push((field, field.ident.clone(), field.property.wire.as_str()));
            for (index, alias) in field.property.aliases.iter().enumerate() {
                let variable = format_ident!("{}_{}", field.ident, index + 2);
                spellings.push((field, variable, alias));
            }
        }
        let variables = spellings.iter().map(|(field, variable, _)| {
            let inner = field.inner();
            quote!(let mut #variable: Option<#inner> = None;)
        });
        let arms: Vec<_> = spellings
            .iter()
            .map(|(field, variable, wire)| {
                let unset = field.property.unset_up_to.is_some();
                let read = read_value(field.inner(), &field.property.shape, unset);
                quote!(#wire => #variable = #read)
            })
            .collect();
        let (extra_variable, extra_arm, extra_field) = match &self.object.extra {
            Some(extra) => self.extra_parts(extra),
            None => (
                TokenStream::new(),
                quote!(map_.next_value::<serde::de::IgnoredAny>()?;),
                TokenStream::new(),
            ),
        };
        let keys = if arms.is_empty() && self.object.extra.is_none() {
            quote!(while map_.next_key::<serde::de::IgnoredAny>()?.is_some())
        } else {
            quote!(while let Some(key_) = map_.next_key::<wire::Key<'de>>()?)
        };
        let field = if arms.is_empty() {
            extra_arm
        } else {
            quote!(match key_.as_str() { #(#arms,)* _ => { #extra_arm } })
        };
        let values = self.fields.iter().map(|field| {
            let ident = &field.ident;
            let wire = &field.property.wire;
            let others = (0..field.property.aliases.len())
                .map(|index| format_ident!("{}_{}", ident, index + 2));
            let value = if field.property.aliases.is_empty() {
                quote!(#ident)
            } else {
                let empty = match &field.property.shape.form {
                    Form::Secret => quote!(|value: &wire::Secret| value.expose().is_empty()),
                    Form::Text { .. } | Form::Array { .. } | Form::Map(_) => {
                        quote!(|value| value.is_empty())
                    }
                    _ => quote!(|_| false),
                };
                quote!(wire::first_filled([#ident, #(#others),*], #empty))
            };
            let unset = meaningful(field.property).map(|means| quote!(.filter(|value| #means)));
            let value = quote!(#value #unset);
            match (field.is_option(), field.property.presence) {
                (true, _) if field.property.aliases.is_empty() && unset.is_none() => quote!(#ident),
                (true, _) => quote!(#ident: #value),
                (false, Presence::Required) => {
                    quote!(#ident: #value.ok_or_else(|| serde::de::Error::missing_field(#wire))?)
                }
                (false, _) if field.property.part => {
                    let ty = &field.ty;
                    quote!(#ident: #value.unwrap_or_else(#ty::unset))
                }
                (false, _) => quote!(#ident: #value.unwrap_or_default()),
            }
        });
        quote! {
            impl<'de> serde::Deserialize<'de> for #name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Fields;

                    impl<'de> serde::de::Visitor<'de> for Fields {
                        type Value = #name;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map_: M) -> Result<#name, M::Error> {
                            #(#variables)*
                            #extra_variable
                            #keys {
                                #field
                            }
                            Ok(#name { #(#values,)* #extra_field })
                        }
                    }

                    deserializer.deserialize_map(Fields)
                }
            }
        }
    }

    fn extra_parts(&self, extra: &Extra) -> (TokenStream, TokenStream, TokenStream) {
        let ty = self.extra;
        let arm = if matches!(extra.shape.form, Form::Json) {
            quote!(extra.insert(key_.into(), map_.next_value()?);)
        } else {
            let read = match ty {
                Some(ty) => read_value(ty, &extra.shape, false),
                None => quote!(map_.next_value()?),
            };
            quote! {
                if let Some(value) = #read {
                    extra.insert(key_.into(), value);
                }
            }
        };
        (quote!(let mut extra = std::collections::BTreeMap::new();), arm, quote!(extra))
    }
}

/// The condition that a number which is there means something, where some mean nothing.
fn meaningful(property: &Property) -> Option<TokenStream> {
    compared(property, &quote!(>)).map(|(zero, compared)| match zero {
        true => quote!(!value.is_zero()),
        false => compared,
    })
}

/// The condition that a number which is there means nothing.
fn meaningless(property: &Property) -> Option<TokenStream> {
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

/// Reads `Option<ty>` from the map, through the adapter of the shape. `unset` is whether a number
/// less than nothing may stand for a value that is not set.
fn read_value(ty: &syn::Type, shape: &Shape, unset: bool) -> TokenStream {
    match adapter(shape) {
        Some(_) if is_blankable(shape) => {
            quote!(map_.next_value::<wire::ReadAs<Option<#ty>, wire::JsonTextOrBlank>>()?.into_inner())
        }
        Some(adapter) if unset && matches!(shape.form, Form::Duration { .. }) => {
            let adapter: TokenStream = adapter.parse().unwrap_or_default();
            quote!(map_.next_value::<wire::ReadAs<Option<#ty>, wire::OrUnset<#adapter>>>()?.into_inner())
        }
        Some(adapter) => {
            let adapter: TokenStream = adapter.parse().unwrap_or_default();
            quote!(map_.next_value::<wire::ReadAs<Option<#ty>, Option<#adapter>>>()?.into_inner())
        }
        None => quote!(map_.next_value()?),
    }
}

/// The adapter that reads and writes the wire form of a shape; none when serde's own will do.
fn adapter(shape: &Shape) -> Option<String> {
    let this = match shape.also {
        Also::Nothing => None,
        Also::Number => Some("wire::OrNumber"),
        Also::Text => Some("wire::OrText"),
        Also::JsonText => Some("wire::OrJsonText"),
        Also::JsonTextOrText => Some("wire::OrJsonTextOrText"),
        Also::Json => Some("wire::OrJson"),
    };
    if let Some(this) = this {
        return Some(this.into());
    }
    match &shape.form {
        Form::JsonText(_) => Some("wire::JsonText".into()),
        Form::Duration { unit: Unit::Seconds, .. } => Some("wire::Seconds".into()),
        Form::Duration { unit: Unit::Milliseconds, .. } => Some("wire::Milliseconds".into()),
        Form::Array { items, .. } => adapter(items).map(|inner| format!("Vec<{inner}>")),
        Form::Map(values) => {
            adapter(values).map(|inner| format!("std::collections::BTreeMap<wire::Same, {inner}>"))
        }
        _ => None,
    }
}

/// Whether the wire form is another one than that of the type.
fn writes_otherwise(shape: &Shape) -> bool {
    match &shape.form {
        Form::JsonText(_) | Form::Duration { .. } => true,
        Form::Array { items: inner, .. } | Form::Map(inner) => writes_otherwise(inner),
        _ => false,
    }
}

/// `delay_or_default`: the value that counts when the field is absent.
fn default_accessor(field: &Field<'_>) -> Option<TokenStream> {
    let default = field.property.default.as_ref()?;
    let ident = &field.ident;
    let accessor = format_ident!("{}_or_default", field.property.rust);
    let text =
        format!("[`{ident}`](Self::{ident}), or what counts when it is absent: `{default}`.");
    let docs = docs(&text);
    let inner = field.inner();
    let value: TokenStream = match &field.property.shape.form {
        Form::Number { .. } => format!("{:?}", default.as_f64()?).parse().ok()?,
        Form::Boolean | Form::Integer { .. } => default.to_string().parse().ok()?,
        _ => return None,
    };
    Some(quote! {
        #docs
        #[must_use]
        pub fn #accessor(&self) -> #inner {
            self.#ident.unwrap_or(#value)
        }
    })
}

fn deprecated(deprecated: bool) -> TokenStream {
    if deprecated { quote!(#[deprecated]) } else { TokenStream::new() }
}

/// Docs of a type, its name at the platform as an alias, and `deprecated`.
pub(super) fn type_docs(ty: &Type) -> TokenStream {
    let docs = docs(&ty.description);
    let alias = (ty.name != ty.rust).then(|| {
        let name = &ty.name;
        quote!(#[doc(alias = #name)])
    });
    let aliases = aliases(&ty.doc_aliases);
    let deprecated = deprecated(ty.deprecated);
    quote! { #docs #alias #aliases #deprecated }
}
