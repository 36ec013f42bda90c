//! The content of a spec, in the compiler's terms. All later stages read only this.

use serde_json::Value;

/// A whole spec.
#[derive(Debug)]
pub(super) struct Model {
    /// The name of the platform, for the docs of the client and the server trait.
    pub title: String,
    pub types: Vec<Type>,
    pub operations: Vec<Operation>,
    /// The keys with secret values in the specs that this one refers to.
    pub foreign_secrets: std::collections::BTreeSet<String>,
}

/// A named component.
#[derive(Debug)]
pub(super) struct Type {
    /// The platform's name.
    pub name: String,
    /// The Rust name.
    pub rust: String,
    pub pointer: String,
    pub description: String,
    pub deprecated: bool,
    /// Other names under which rustdoc finds the type.
    pub doc_aliases: Vec<String>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Object(Object),
    Enum(Enum),
    Union(Union),
    Kinds(Kinds),
}

#[derive(Debug, Default)]
pub(super) struct Object {
    pub properties: Vec<Property>,
    /// The values of extra keys, if the object keeps such keys.
    pub extra: Option<Extra>,
    pub demands: Vec<Demand>,
    /// The platform's module has more checks, in `check_by_hand`.
    pub by_hand: bool,
    /// Keys that belong to a union and not to this object.
    pub tags: Vec<String>,
}

impl Object {
    /// Returns the name of the struct that names the required fields of an object, given its Rust
    /// name. An object with at least four required fields has one, since so many positional values
    /// are hard to tell apart.
    pub(super) fn companion(&self, rust: &str) -> Option<String> {
        const NAMED_FROM: usize = 4;
        let required = self.properties.iter().filter(|property| property.is_required());
        (required.count() >= NAMED_FROM).then(|| format!("{rust}Fields"))
    }
}

/// The values of the keys that an object keeps although it does not name them.
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
    /// Other spellings that are read. The first one with a value wins.
    pub aliases: Vec<String>,
    /// Personal data of a caller: text, keys or numbers. Hidden in `Debug` and in errors.
    pub personal: bool,
    /// An enum whose unknown values must not be written.
    pub only_known: bool,
    pub deprecated: bool,
    /// The value that the platform uses if the field is absent.
    pub default: Option<Value>,
    /// The value that `default()` and `new()` set; without one the field is absent.
    pub initial: Option<Value>,
    /// Numbers up to this one mean "not set".
    pub unset_up_to: Option<i64>,
    /// An empty list or map differs from an absent one.
    pub empty_counts: bool,
    /// An object that always exists in Rust, and on the wire if any of its fields is set.
    pub part: bool,
    /// The wire name of a property without which this one is not written.
    pub only_with: Option<String>,
    /// Read, but never written.
    pub never_written: bool,
    /// A value that does not match its type is read as if it was missing.
    pub dispensable: bool,
    /// Other names under which rustdoc finds the property.
    pub doc_aliases: Vec<String>,
}

impl Property {
    /// Whether a value is needed to create the object.
    pub(super) fn is_required(&self) -> bool {
        !matches!(self.presence, Presence::Optional | Presence::NullIfUnset)
    }

    /// Whether it is an `Option` in Rust. Lists and maps are not, in typify and here: an empty one
    /// is an absent one, unless `empty_counts`.
    pub(super) fn is_option(&self) -> bool {
        let optional = matches!(
            self.presence,
            Presence::Optional | Presence::MayBeMissing | Presence::NullIfUnset
        );
        optional && !self.part && (self.empty_counts || !self.shape.form.is_list())
    }

    /// Whether it has a rule for when it is written, besides being set.
    pub(super) fn has_rule(&self) -> bool {
        self.part || self.unset_up_to.is_some() || self.only_with.is_some()
    }
}

/// Whether a property must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    /// Required, but read as the default of its type if it is missing or null.
    MissingIsDefault,
    /// Required when written, but an `Option` when read.
    MayBeMissing,
    /// Always written, as null if it is not set.
    NullIfUnset,
    Optional,
}

/// The properties that are required if the property of `when` has its value.
#[derive(Debug)]
pub(super) struct Demand {
    pub when: (String, String),
    pub require: Vec<String>,
}

/// The schema of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub form: Form,
    /// The JSON forms that are read besides the one that is written.
    pub also: Also,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Also {
    Nothing,
    /// A number where a string is written.
    Number,
    /// A string where a number is written.
    Text,
    /// The JSON text of the value in a string.
    JsonText,
    /// The JSON text of the object in a string, or a string that is the object's one required
    /// field.
    JsonTextOrText,
    /// The JSON text of the value in a string, and anything else, which is kept as it is.
    JsonTextOrUnreadable,
    /// Any JSON where a string is written. The value is its JSON text.
    Json,
    /// One item without its list, or the JSON text of the item or of the list in a string.
    Item,
}

#[derive(Debug, Clone, PartialEq)]
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
    /// A duration, in whole units.
    Duration {
        unit: Unit,
        min: Option<i64>,
        max: Option<i64>,
    },
    Text {
        min: Option<u64>,
        max: Option<u64>,
        /// The only allowed characters.
        characters: Option<Characters>,
    },
    /// A text that must not be shown.
    Secret,
    /// Any JSON.
    Json,
    /// A component of this spec, by its Rust name.
    Named(String),
    /// A type of another spec, or a hand-written one: its name there, its Rust name, and its path.
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

    /// Visits this form and all forms inside it.
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
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Characters {
    /// The set as the spec writes it, between brackets.
    pub text: String,
    pub ranges: Vec<(char, char)>,
}

/// The unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

/// An open enum of strings or of integers.
#[derive(Debug)]
pub(super) struct Enum {
    pub variants: Vec<Variant>,
    /// If the variants are error codes, the number that means success. It is not a variant.
    pub success: Option<i64>,
}

/// One value of an enum.
#[derive(Debug)]
pub(super) struct Variant {
    pub rust: String,
    pub description: String,
    pub value: EnumValue,
    /// Other numbers that are read as this value.
    pub also: Vec<i64>,
    /// Other names under which rustdoc finds the variant.
    pub doc_aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum EnumValue {
    Text(String),
    Code(i64),
}

/// A union of objects that are told apart by one property.
#[derive(Debug)]
pub(super) struct Union {
    pub tag: String,
    /// The property that contains the arm. Without it the tag is one of the arm's own properties.
    pub content: Option<String>,
    pub arms: Vec<Arm>,
}

#[derive(Debug)]
pub(super) struct Arm {
    pub value: EnumValue,
    /// The name of the variant, and also of the object if the union has no content property.
    pub rust: String,
    pub description: String,
    /// The type that the variant contains.
    pub form: Option<Form>,
    /// Whether the content may be missing.
    pub optional: bool,
    /// The platform's name of the variant, if it differs.
    pub doc_aliases: Vec<String>,
}

/// A union of values that are told apart by their JSON types.
#[derive(Debug)]
pub(super) struct Kinds {
    pub arms: Vec<KindArm>,
}

#[derive(Debug)]
pub(super) struct KindArm {
    pub json: JsonKind,
    /// The name of the variant.
    pub rust: String,
    pub description: String,
    /// The value that the variant contains.
    pub shape: Shape,
}

/// The type of a JSON value. Null has none: it is an absent value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonKind {
    Boolean,
    Number,
    String,
    Array,
    Object,
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
    /// The base paths below which servers have the operation; empty if the spec names none.
    pub bases: Vec<String>,
    pub description: String,
    /// The values in the path, the query and the headers.
    pub parameters: Vec<Parameter>,
    /// The Rust name of the object with the parameters.
    pub parameters_type: Option<String>,
    pub body: Option<Form>,
    pub answer: Answer,
    /// The data of the event that ends a stream, after its last packet.
    pub ends_with: Option<String>,
    /// The bodies of failures that the spec documents.
    pub failures: Vec<FailureBody>,
    /// A client must not retry it.
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

/// A body with which an operation fails.
#[derive(Debug)]
pub(super) struct FailureBody {
    /// The first and the last of the HTTP statuses that it comes with. Only the client's stage reads it.
    #[cfg_attr(not(feature = "client"), allow(dead_code))]
    pub statuses: (u16, u16),
    pub form: Form,
}

#[derive(Debug)]
pub(super) enum Answer {
    Json(Form),
    /// A stream of these packets.
    Events(Form),
    /// The request decides.
    Either {
        json: Form,
        events: Form,
        /// The boolean property of the body that asks for a stream.
        flag: Flag,
    },
}

impl Answer {
    /// Returns the types of the answer and of the packets.
    pub(super) fn forms(&self) -> impl Iterator<Item = &Form> {
        let (first, second) = match self {
            Self::Json(form) | Self::Events(form) => (form, None),
            Self::Either { json, events, .. } => (json, Some(events)),
        };
        [first].into_iter().chain(second)
    }
}

/// A boolean property.
#[derive(Debug)]
pub(super) struct Flag {
    pub rust: String,
    #[cfg_attr(not(feature = "client"), allow(dead_code))]
    pub wire: String,
    pub is_option: bool,
}

impl Model {
    /// Returns the parameters of an operation, each with its property.
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

    /// Returns the keys with secret values.
    pub(super) fn secrets(&self) -> std::collections::BTreeSet<&str> {
        let properties = self.objects().flat_map(|(_, object)| &object.properties);
        let secrets = properties.filter(|property| matches!(property.shape.form, Form::Secret));
        let spellings =
            secrets.flat_map(|property| [&property.wire].into_iter().chain(&property.aliases));
        spellings.chain(&self.foreign_secrets).map(String::as_str).collect()
    }

    /// Visits every form of the spec: of properties, extra keys, arms, bodies and responses.
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
                Kind::Kinds(kinds) => {
                    kinds.arms.iter().for_each(|arm| arm.shape.form.walk(visit));
                }
                Kind::Enum(_) => {}
            }
        }
        for operation in &self.operations {
            operation.body.iter().for_each(&mut *visit);
            operation.answer.forms().for_each(&mut *visit);
            operation.failures.iter().for_each(|failure| visit(&failure.form));
        }
    }

    /// Returns the Rust names of the types that are also read in this form somewhere.
    pub(super) fn also_read(&self, also: Also) -> std::collections::BTreeSet<&str> {
        fn find<'a>(shape: &'a Shape, also: Also, found: &mut std::collections::BTreeSet<&'a str>) {
            match &shape.form {
                Form::Named(name) if shape.also == also => {
                    found.insert(name);
                }
                Form::Array { items: inner, .. } | Form::Map(inner) | Form::JsonText(inner) => {
                    find(inner, also, found);
                }
                _ => {}
            }
        }
        let mut found = std::collections::BTreeSet::new();
        for (_, object) in self.objects() {
            let extra = object.extra.iter().map(|extra| &extra.shape);
            let shapes = object.properties.iter().map(|property| &property.shape).chain(extra);
            shapes.for_each(|shape| find(shape, also, &mut found));
        }
        for ty in &self.types {
            if let Kind::Kinds(kinds) = &ty.kind {
                kinds.arms.iter().for_each(|arm| find(&arm.shape, also, &mut found));
            }
        }
        found
    }

    /// Returns the objects that are parts of others.
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
