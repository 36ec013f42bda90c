//! Objects: typify makes the field types, this stage writes the struct around them.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::visit_mut::VisitMut;

use super::docs::docs;
use super::model::{Also, Extra, Form, Model, Object, Presence, Property, Shape, Type};
use super::{Error, lower, names};

/// Writes every object of the spec, in the order of the spec.
pub(super) fn write(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    let fields = field_types(spec, model)?;
    let texts = texts(model);
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
                Some(ty) => Ok(Field { property, ident: names::ident(&property.rust), ty }),
                None => Err(Error::new(
                    spec,
                    &ty.pointer,
                    format!("typify made no field of `{}`", property.wire),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let written = Struct { ty, object, fields, extra: made.get(lower::EXTRA) };
        out.extend(written.definition());
        out.extend(written.methods());
        out.extend(written.debug());
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
    ty: &'a syn::Type,
}

impl Field<'_> {
    fn is_option(&self) -> bool {
        is_named(self.ty, "Option")
    }

    /// The type in the `Option`, or the type itself.
    fn inner(&self) -> &syn::Type {
        match generic(self.ty) {
            Some(inner) if self.is_option() => inner,
            _ => self.ty,
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
        if is_named(inner, "Vec")
            && let Some(item) = generic(inner)
        {
            return (quote!(impl IntoIterator<Item = #item>), quote!(#ident.into_iter().collect()));
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
    fields: Vec<Field<'a>>,
    /// The type of one value of the further keys.
    extra: Option<&'a syn::Type>,
}

impl Struct<'_> {
    fn name(&self) -> Ident {
        names::ident(&self.ty.rust)
    }

    fn hides(&self) -> bool {
        self.fields.iter().any(|field| field.property.personal)
            || self.object.extra.as_ref().is_some_and(|extra| extra.personal)
    }

    fn definition(&self) -> TokenStream {
        let name = self.name();
        let type_docs = type_docs(self.ty);
        let mut derives = vec![quote!(Clone), quote!(PartialEq)];
        if !self.hides() {
            derives.insert(0, quote!(Debug));
        }
        if !self.fields.iter().any(Field::is_demanded) {
            derives.push(quote!(Default));
        }
        derives.push(quote!(serde::Serialize));
        let fields = self.fields.iter().map(|field| {
            let Field { property, ident, ty } = field;
            let docs = docs(&property.description);
            let deprecated = deprecated(property.deprecated);
            let serde = self.serde_attribute(field);
            quote! { #docs #deprecated #serde pub #ident: #ty }
        });
        let extra = self.extra.iter().map(|ty| {
            quote! {
                /// Keys that the platform's document does not name, kept as they came.
                #[serde(flatten)]
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
        if field.is_option() {
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
                return quote!(#ident: Default::default());
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
        let docs = docs(if demanded.is_empty() {
            "All fields absent."
        } else {
            "With the fields that must be there; all others are absent."
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
                let read = read_value(field.inner(), &field.property.shape);
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
                    Form::Text { .. } | Form::Array { .. } | Form::Map(_) => {
                        quote!(|value| value.is_empty())
                    }
                    _ => quote!(|_| false),
                };
                quote!(wire::first_filled([#ident, #(#others),*], #empty))
            };
            match (field.is_option(), field.property.presence) {
                (true, _) if field.property.aliases.is_empty() => quote!(#ident),
                (true, _) => quote!(#ident: #value),
                (false, Presence::Required) => {
                    quote!(#ident: #value.ok_or_else(|| serde::de::Error::missing_field(#wire))?)
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
                Some(ty) => read_value(ty, &extra.shape),
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

/// Reads `Option<ty>` from the map, through the adapter of the shape.
fn read_value(ty: &syn::Type, shape: &Shape) -> TokenStream {
    match adapter(shape) {
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
        Form::JsonText(_) => true,
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
    let deprecated = deprecated(ty.deprecated);
    quote! { #docs #alias #deprecated }
}
