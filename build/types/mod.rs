//! Objects: typify provides the types of fields, and this stage writes the structs.

mod debug;
mod deserialize;
mod field;
mod form;
mod made;
mod methods;
mod required;
mod serialize;
mod structs;
mod unset;

use std::collections::BTreeMap;

use proc_macro2::TokenStream;

use self::field::{Field, field_type};
pub(super) use self::form::{adapter, writes_otherwise};
use self::made::field_types;
use self::structs::Struct;
use crate::compiler::error::Error;
use crate::compiler::model::{Also, Model};
use crate::compiler::{lower, names};

/// Writes every object of the spec, in the order of the spec.
pub(super) fn write(spec: &str, model: &Model) -> Result<TokenStream, Error> {
    let fields = field_types(spec, model)?;
    let texts = model.also_read(Also::JsonTextOrText);
    let parts = model.parts();
    let none = BTreeMap::new();
    let mut out = TokenStream::new();
    for (ty, object) in model.objects() {
        // For an object without fields, typify does not write a struct.
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
                    format!("typify wrote no field for `{}`", property.wire),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let is_part = parts.contains(ty.rust.as_str());
        let written = Struct { ty, object, model, fields, extra: made.get(lower::EXTRA), is_part };
        out.extend(written.definition());
        out.extend(written.methods());
        out.extend(written.settings());
        out.extend(written.debug());
        out.extend(written.required_fields());
        out.extend(written.serialize());
        out.extend(written.deserialize());
        if texts.contains(&ty.rust.as_str()) {
            out.extend(written.text_as_object());
        }
    }
    Ok(out)
}
