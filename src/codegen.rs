//! For the code that the build script generates from the specs.
//!
//! It is public because generated code refers to this crate as its users do. It is not meant for
//! use by hand, is not documented, and is exempt from semantic versioning: any release may change
//! it. For users there are [`client`](crate::client), [`server`](crate::server) and
//! [`wire`](crate::wire).

// JSON: objects, unions, and the forms in which platforms write values.
pub use crate::wire::dispensable::{OrItem, or_missing};
pub use crate::wire::duration::{Milliseconds, Seconds};
pub use crate::wire::enclosed::{Enclosed, read_enclosed};
pub use crate::wire::forms::{
    JsonText, OrJson, OrJsonText, OrJsonTextOrText, OrNumber, OrText, first_filled, parameter,
    read_code, read_text, tag_text,
};
pub use crate::wire::hidden::Hidden;
pub use crate::wire::kinds::{Kinds, read_kinds};
pub use crate::wire::number::AnyNumber;
pub use crate::wire::object::{
    Entries, Object, Writer, empty_object, read_object, required, write_object,
};
#[cfg(feature = "schemars")]
pub use crate::wire::schema::{schema_of, subschema};
pub use crate::wire::union::{Arm, Union, read_union, salvage};
pub use crate::wire::unreadable::{KeepUnreadable, OrUnreadable, never_written, unreadable_tag};
pub use crate::wire::validate::Report;
pub use serde_with::{As, Same};

// Clients: building requests from typed arguments, and reading outcomes from responses.
#[cfg(feature = "client")]
pub use crate::client::builder::{BuildClient, CoreBuilder};
#[cfg(feature = "client")]
pub use crate::client::core::{Connection, Core};
#[cfg(feature = "client")]
pub use crate::client::outcome::{Outcome, Reported, Step};
#[cfg(feature = "client")]
pub use crate::client::request::{
    BuiltRequest, RequestBuilder, Requests, built, check, header, secret_header, segment,
};

// Servers: routes, and the rules that the module of a platform implements.
#[cfg(feature = "server")]
pub use crate::server::call::{
    AnswerCall, Call, EitherCall, EventsCall, Routes, answer, either, events,
};
#[cfg(feature = "server")]
pub use crate::server::frame::Frame;
#[cfg(feature = "server")]
pub use crate::server::incoming::{Incoming, ParameterLocation};
#[cfg(feature = "server")]
pub use crate::server::rules::{
    Answers, Dates, Delivery, FoldPackets, PacketKind, Reads, Rules, Speaks, WritePackets,
};
