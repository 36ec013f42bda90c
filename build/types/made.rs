//! The types of fields, as typify creates them from the lowered spec.

use std::collections::BTreeMap;

use syn::visit_mut::VisitMut;

use crate::compiler::error::Error;
use crate::compiler::lower;
use crate::compiler::model::Model;

/// Returns the type that typify gives to every field, by struct and wire name.
pub(super) fn field_types(
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

/// Returns the wire name of one of typify's fields: its `rename`, or its own name.
fn wire_name(field: &syn::Field) -> Option<String> {
    let mut name = field.ident.as_ref()?.to_string();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // The values of other keys are skipped.
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

/// Shortens `::std::option::Option<::std::string::String>` to `Option<String>`.
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
