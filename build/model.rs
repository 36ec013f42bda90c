//! What a spec says, in the compiler's own words. Every later stage reads this and nothing else.

use serde_json::Value;

/// A whole spec.
#[derive(Debug)]
pub(super) struct Model {
    /// What the platform is, for the docs of the client and the server trait.
    pub title: String,
    pub types: Vec<Type>,
    pub operations: Vec<Operation>,
}

/// A named component.
#[derive(Debug)]
pub(super) struct Type {
    /// The platform's name.
    pub name: String,
    /// Ours.
    pub rust: String,
    pub pointer: String,
    pub description: String,
    pub deprecated: bool,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Object(Object),
    /// An open enum of texts or of integers.
    Enum(Vec<Variant>),
    Union(Union),
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub properties: Vec<Property>,
    /// Further keys are kept, and hold this.
    pub extra: Option<Extra>,
    pub demands: Vec<Demand>,
    /// The platform's module has further checks, in `check_by_hand`.
    pub by_hand: bool,
    /// Keys that a union keeps for itself.
    pub tags: Vec<String>,
}

/// What the keys hold that an object keeps although it does not name them.
#[derive(Debug)]
pub(super) struct Extra {
    pub shape: Shape,
    pub personal: bool,
}

#[derive(Debug)]
pub(super) struct Property {
    pub wire: String,
    pub rust: String,
    pub description: String,
    pub presence: Presence,
    pub shape: Shape,
    /// Other spellings that are read; the first one with a value wins.
    pub aliases: Vec<String>,
    /// What a caller says, presses or is reached at: hidden in `Debug` and in errors.
    pub personal: bool,
    /// An enum whose unknown values are not written.
    pub only_known: bool,
    pub deprecated: bool,
    /// What the platform takes when the field is absent.
    pub default: Option<Value>,
}

/// Whether a property must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    /// Required, but read as the type's default when it is missing or null.
    MissingIsDefault,
    /// Demanded when written, `Option` when read.
    MayBeMissing,
    Optional,
}

/// `when` the property holds this value, `require` must be there.
#[derive(Debug)]
pub(super) struct Demand {
    pub when: (String, String),
    pub require: Vec<String>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub form: Form,
    /// JSON forms that are read besides the one that is written.
    pub also: Also,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Also {
    Nothing,
    /// A number where a text is written.
    Number,
    /// A text where a number is written.
    Text,
    /// The JSON text of the value in a string.
    JsonText,
    /// The JSON text of the object in a string, or a string that is the object's one required text.
    JsonTextOrText,
    /// Any JSON where a text is written; it is read as its JSON text.
    Json,
}

#[derive(Debug, Clone)]
pub(super) enum Form {
    Boolean,
    Integer {
        bits: u8,
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Text {
        min: Option<u64>,
        max: Option<u64>,
    },
    /// A text that never shows.
    Secret,
    /// Anything.
    Json,
    /// A component of this spec, by its Rust name.
    Named(String),
    /// A component of another spec: its name here, and the path of its Rust type.
    Foreign {
        name: String,
        path: String,
    },
    Array {
        items: Box<Shape>,
        min: Option<u64>,
        max: Option<u64>,
    },
    Map(Box<Shape>),
    /// JSON in a string.
    JsonText(Box<Shape>),
}

/// One value of an enum.
#[derive(Debug)]
pub(super) struct Variant {
    pub rust: String,
    pub description: String,
    pub value: EnumValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum EnumValue {
    Text(String),
    Code(i64),
}

/// Objects that one property tells apart.
#[derive(Debug)]
pub(super) struct Union {
    pub tag: String,
    pub arms: Vec<Arm>,
}

#[derive(Debug)]
pub(super) struct Arm {
    pub value: EnumValue,
    /// The variant, which is also the name of the object.
    pub rust: String,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
    Patch,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
        }
    }
}

#[derive(Debug)]
pub(super) struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub description: String,
    /// Values in the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The object that holds the parameters, by its Rust name.
    pub parameters_type: Option<String>,
    pub body: Option<Form>,
    pub answer: Answer,
    pub deprecated: bool,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub wire: String,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

#[derive(Debug)]
pub(super) enum Answer {
    Json(Form),
    /// A stream of these.
    Events(Form),
}

impl Model {
    /// The parameters of an operation, each with the property that holds it.
    #[cfg(feature = "client")]
    pub(super) fn parameters<'a>(
        &'a self,
        operation: &'a Operation,
    ) -> impl Iterator<Item = (&'a Parameter, &'a Property)> {
        let holder = operation.parameters_type.as_deref();
        let mut objects = self.objects().filter(move |(ty, _)| Some(ty.rust.as_str()) == holder);
        let properties = objects.next().map(|(_, object)| object.properties.as_slice());
        operation.parameters.iter().zip(properties.unwrap_or_default())
    }

    /// The keys of bodies that hold secrets.
    pub(super) fn secrets(&self) -> std::collections::BTreeSet<&str> {
        let properties = self.objects().flat_map(|(_, object)| &object.properties);
        let secrets = properties.filter(|property| matches!(property.shape.form, Form::Secret));
        secrets.map(|property| property.wire.as_str()).collect()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = (&Type, &Object)> {
        self.types.iter().filter_map(|ty| match &ty.kind {
            Kind::Object(object) => Some((ty, object)),
            _ => None,
        })
    }
}
