//! Formats the generated code.

use syn::{ImplItem, Item, TraitItem, parse_quote};

/// Marks a blank line with a doc comment, since the printer drops blank lines.
const BLANK: &str = "[blank]";

/// Prints a file below its header and imports, with blank lines between items.
pub(super) fn layout(spec: &str, imports: &str, mut file: syn::File) -> String {
    space_items(&mut file.items);
    let header = format!("// Compiled from `specs/{spec}`. Change the spec, not this file.");
    let mut out = format!("{header}\n\n{imports}");
    for line in prettyplease::unparse(&file).lines() {
        if line.trim_start().strip_prefix("///") != Some(BLANK) {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn space_items(items: &mut [Item]) {
    let mut before = None;
    for item in items {
        match item {
            Item::Impl(item) => space_impl(&mut item.items),
            Item::Trait(item) => space_trait(&mut item.items),
            Item::Mod(item) => {
                item.content.iter_mut().for_each(|(_, items)| space_items(items));
            }
            _ => {}
        }
        let kind = std::mem::discriminant(item);
        let joined = before == Some(kind) && matches!(item, Item::Use(_));
        if before.is_some() && !joined {
            space(attributes(item));
        }
        before = Some(kind);
    }
}

fn space_impl(items: &mut [ImplItem]) {
    let mut before = None;
    for item in items {
        let kind = std::mem::discriminant(item);
        let (attributes, joins) = match item {
            ImplItem::Fn(item) => (&mut item.attrs, false),
            ImplItem::Const(item) => (&mut item.attrs, true),
            ImplItem::Type(item) => (&mut item.attrs, true),
            _ => continue,
        };
        if before.is_some() && !(joins && before == Some(kind)) {
            space(Some(attributes));
        }
        before = Some(kind);
    }
}

fn space_trait(items: &mut [TraitItem]) {
    for item in items.iter_mut().skip(1) {
        if let TraitItem::Fn(item) = item {
            space(Some(&mut item.attrs));
        }
    }
}

/// Adds a blank line above an item.
fn space(attributes: Option<&mut Vec<syn::Attribute>>) {
    if let Some(attributes) = attributes {
        attributes.insert(0, parse_quote!(#[doc = #BLANK]));
    }
}

/// Returns the attributes of an item, for the kinds of items that stages write.
fn attributes(item: &mut Item) -> Option<&mut Vec<syn::Attribute>> {
    match item {
        Item::Const(item) => Some(&mut item.attrs),
        Item::Enum(item) => Some(&mut item.attrs),
        Item::Fn(item) => Some(&mut item.attrs),
        Item::Impl(item) => Some(&mut item.attrs),
        Item::Mod(item) => Some(&mut item.attrs),
        Item::Static(item) => Some(&mut item.attrs),
        Item::Struct(item) => Some(&mut item.attrs),
        Item::Trait(item) => Some(&mut item.attrs),
        Item::Type(item) => Some(&mut item.attrs),
        Item::Use(item) => Some(&mut item.attrs),
        _ => None,
    }
}
