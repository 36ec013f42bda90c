//! Adds imports to the generated code, in place of long paths inside it.

use std::collections::{BTreeMap, BTreeSet};

use quote::quote;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};

use super::error::Error;
use super::model::Model;

/// The paths that are imported where they are used. Stages write the whole path.
const IMPORTED: [&str; 12] = [
    "serde::Deserialize",
    "serde::Deserializer",
    "serde::Serialize",
    "serde::Serializer",
    "serde_json::Map",
    "serde_json::Value",
    "std::borrow::Cow",
    "std::collections::BTreeMap",
    "std::fmt",
    "std::str::FromStr",
    "std::sync::Arc",
    "std::time::Duration",
];

/// The modules of this crate that generated code names. Stages write only the name.
const MODULES: [&str; 4] = ["client", "codegen", "server", "wire"];

/// Shortens the paths of imported items, and returns the imports. A type of the spec must not have
/// the name of one of them.
pub(super) fn shorten(spec: &str, model: &Model, file: &mut syn::File) -> Result<String, Error> {
    let mut shorten = Shorten { used: BTreeSet::new() };
    shorten.visit_file_mut(file);
    for ty in &model.types {
        if shorten.used.iter().any(|path| split(path).1 == ty.rust) {
            let message = format!("`{}` is the name of an import of the generated code", ty.rust);
            return Err(Error::new(spec, &ty.pointer, message));
        }
    }
    Ok(imports(&shorten.used))
}

/// Returns the `use` declarations: first those of the standard library, then those of crates.
fn imports(used: &BTreeSet<&'static str>) -> String {
    let mut parents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in used {
        let (parent, name) = split(path);
        parents.entry(parent).or_default().push(name);
    }
    let group = |standard: bool| -> String {
        let parents = parents.iter().filter(|(parent, _)| parent.starts_with("std") == standard);
        let mut lines: Vec<_> = parents
            .map(|(parent, names)| match names.as_slice() {
                [name] => format!("use {parent}::{name};\n"),
                _ => format!("use {parent}::{{{}}};\n", names.join(", ")),
            })
            .collect();
        lines.sort();
        lines.concat()
    };
    let groups = [group(true), group(false)];
    groups.iter().filter(|group| !group.is_empty()).map(|group| format!("{group}\n")).collect()
}

/// Splits a path into its parent and the name in it.
fn split(path: &'static str) -> (&'static str, &'static str) {
    path.rsplit_once("::").unwrap_or(("::callbot", path))
}

struct Shorten {
    used: BTreeSet<&'static str>,
}

impl VisitMut for Shorten {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        visit_mut::visit_path_mut(self, path);
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [first, _, ..] = names.as_slice()
            && let Some(module) = MODULES.iter().find(|module| *module == first)
        {
            self.used.insert(module);
        }
        for imported in IMPORTED {
            let parts: Vec<_> = imported.split("::").collect();
            if names.iter().zip(&parts).filter(|(name, part)| name == part).count() == parts.len() {
                self.used.insert(imported);
                path.leading_colon = None;
                path.segments = path.segments.iter().skip(parts.len() - 1).cloned().collect();
                return;
            }
        }
    }

    fn visit_attribute_mut(&mut self, attribute: &mut syn::Attribute) {
        if attribute.path().is_ident("derive")
            && let Ok(mut derived) =
                attribute.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated)
        {
            derived.iter_mut().for_each(|path| self.visit_path_mut(path));
            attribute.meta = syn::parse_quote!(derive(#derived));
        }
        // Finds the paths inside strings, which stages write as they are imported.
        if attribute.path().is_ident("serde")
            && quote!(#attribute).to_string().contains("codegen::")
        {
            self.used.insert("codegen");
        }
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        // Other modules have their own imports.
        let sees_all = module.content.as_ref().is_some_and(|(_, items)| {
            items.iter().any(|item| quote!(#item).to_string() == "use super :: * ;")
        });
        if sees_all {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }
}
