//! What a spec says, in the compiler's own words. Every later stage reads this and nothing else.

use serde_json::Value;

/// A whole spec.
#[derive(Debug)]
pub(super) struct Model {
    /// What the platform is, for the docs of the client and the server trait.
    pub title: String,
    pub types: Vec<Type>,
    pub operations: Vec<Operation>,
    /// The keys of the specs that this one refers to that hold secrets.
    pub foreign_secrets: std::collections::BTreeSet<String>,
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
    /// Other names under which rustdoc finds it.
    pub doc_aliases: Vec<String>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Object(Object),
    Enum(Enum),
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

impl Object {
    /// The name of the struct that names the required fields of an object, by its Rust name. It has
    /// one from four required fields on: that many values in a row are hard to tell apart.
    pub(super) fn companion(&self, rust: &str) -> Option<String> {
        const NAMED_FROM: usize = 4;
        let required = self.properties.iter().filter(|property| property.is_required());
        (required.count() >= NAMED_FROM).then(|| format!("{rust}Fields"))
    }
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
    /// What `default()` and `new()` set; absent otherwise.
    pub initial: Option<Value>,
    /// Numbers up to this one mean that nothing is set.
    pub unset_up_to: Option<i64>,
    /// An empty list or map is another value than none.
    pub empty_counts: bool,
    /// An object that is always there in Rust, and on the wire when something in it is set.
    pub part: bool,
    /// Written only when that property is, too; by its wire name.
    pub only_with: Option<String>,
    /// Read, and never written.
    pub never_written: bool,
    /// Other names under which rustdoc finds it.
    pub doc_aliases: Vec<String>,
}

impl Property {
    /// Whether it must be there when the object is made.
    pub(super) fn is_required(&self) -> bool {
        self.presence != Presence::Optional
    }

    /// Whether it is an `Option` in Rust. typify gives lists and maps none: an empty one is an
    /// absent one, unless `empty_counts`.
    pub(super) fn is_option(&self) -> bool {
        let optional = matches!(self.presence, Presence::Optional | Presence::MayBeMissing);
        optional && !self.part && (self.empty_counts || !self.shape.form.is_list())
    }

    /// Whether more than its being there decides if it is written.
    pub(super) fn has_rule(&self) -> bool {
        self.part || self.unset_up_to.is_some() || self.only_with.is_some()
    }
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
    /// A length of time, in whole units.
    Duration {
        unit: Unit,
        min: Option<i64>,
        max: Option<i64>,
    },
    Text {
        min: Option<u64>,
        max: Option<u64>,
        /// The only characters that it may have.
        characters: Option<Characters>,
    },
    /// A text that never shows.
    Secret,
    /// Anything.
    Json,
    /// A component of this spec, by its Rust name.
    Named(String),
    /// A type of another spec, or one written by hand: its name there, ours, and the path of it.
    Foreign {
        component: String,
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

impl Form {
    /// Whether it is a list or a map in Rust.
    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::Array { .. } | Self::Map(_) => true,
            Self::JsonText(content) => content.form.is_list(),
            _ => false,
        }
    }

    /// Visits this form and all that it holds.
    pub(super) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Array { items: inner, .. } | Self::Map(inner) | Self::JsonText(inner) => {
                inner.form.walk(visit);
            }
            _ => {}
        }
    }
}

/// A set of characters.
#[derive(Debug, Clone)]
pub(super) struct Characters {
    /// As the spec writes it, between brackets.
    pub text: String,
    pub ranges: Vec<(char, char)>,
}

/// The unit of a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

/// An open enum of texts or of integers.
#[derive(Debug)]
pub(super) struct Enum {
    pub variants: Vec<Variant>,
    /// The variants are errors, and this number is none of them: it means success.
    pub success: Option<i64>,
}

/// One value of an enum.
#[derive(Debug)]
pub(super) struct Variant {
    pub rust: String,
    pub description: String,
    pub value: EnumValue,
    /// Other numbers that are read as this one.
    pub also: Vec<i64>,
    /// Other names under which rustdoc finds it.
    pub doc_aliases: Vec<String>,
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
    /// The property that holds the arm; without it the tag stands among the arm's own properties.
    pub content: Option<String>,
    pub arms: Vec<Arm>,
}

#[derive(Debug)]
pub(super) struct Arm {
    pub value: EnumValue,
    /// The variant, which is also the name of the object when the union has no content.
    pub rust: String,
    pub description: String,
    /// What the variant holds.
    pub form: Option<Form>,
    /// Whether that may be missing.
    pub optional: bool,
    /// The platform's name of a variant that has another one.
    pub doc_aliases: Vec<String>,
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
    /// Other spellings of the path, which are served as well.
    pub also_at: Vec<String>,
    /// The paths below which servers have it; none when the spec names no such paths.
    pub bases: Vec<String>,
    pub description: String,
    /// Values in the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The object that holds the parameters, by its Rust name.
    pub parameters_type: Option<String>,
    pub body: Option<Form>,
    pub answer: Answer,
    /// Never made again by a client.
    pub once: bool,
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
        let spellings =
            secrets.flat_map(|property| [&property.wire].into_iter().chain(&property.aliases));
        spellings.chain(&self.foreign_secrets).map(String::as_str).collect()
    }

    /// Every form of the spec: of properties, further keys, arms, bodies and answers.
    pub(super) fn forms<'a>(&'a self, visit: &mut impl FnMut(&'a Form)) {
        for ty in &self.types {
            match &ty.kind {
                Kind::Object(object) => {
                    let extra = object.extra.iter().map(|extra| &extra.shape);
                    let shapes = object.properties.iter().map(|property| &property.shape);
                    shapes.chain(extra).for_each(|shape| shape.form.walk(visit));
                }
                Kind::Union(union) => {
                    union.arms.iter().filter_map(|arm| arm.form.as_ref()).for_each(&mut *visit);
                }
                Kind::Enum(_) => {}
            }
        }
        for operation in &self.operations {
            operation.body.iter().for_each(&mut *visit);
            let (Answer::Json(answer) | Answer::Events(answer)) = &operation.answer;
            visit(answer);
        }
    }

    /// The objects that are parts of others.
    pub(super) fn parts(&self) -> std::collections::BTreeSet<&str> {
        let properties = self.objects().flat_map(|(_, object)| &object.properties);
        let parts = properties.filter(|property| property.part);
        let names = parts.filter_map(|property| match &property.shape.form {
            Form::Named(name) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = (&Type, &Object)> {
        self.types.iter().filter_map(|ty| match &ty.kind {
            Kind::Object(object) => Some((ty, object)),
            _ => None,
        })
    }
}
