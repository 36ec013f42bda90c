//! What the code that the build compiles from the specs is written against.
//!
//! It is public because compiled code names this crate as its users do. It is not for use by hand,
//! is not documented, and is exempt from semantic versioning: any release may change it. What users
//! need of these modules is in [`client`](crate::client), [`server`](crate::server) and
//! [`wire`](crate::wire).

// JSON: objects, unions and the forms in which platforms write values.
pub use crate::wire::duration::{Milliseconds, OrUnset, Seconds};
pub use crate::wire::enclosed::{Enclosed, read_content, read_enclosed};
pub use crate::wire::forms::{
    JsonText, JsonTextOrBlank, OrJson, OrJsonText, OrJsonTextOrText, OrNumber, OrText,
    first_filled, parameter, read_code, read_text, tag_text,
};
pub use crate::wire::hidden::Hidden;
#[cfg(feature = "schemars")]
pub use crate::wire::schema::schema_of;
pub use crate::wire::union::{Arm, Key, Union, read_union, salvage};
pub use crate::wire::validate::Report;
pub use serde_with::de::DeserializeAsWrap as ReadAs;
pub use serde_with::ser::SerializeAsWrap as WriteAs;
pub use serde_with::{As, Same};

// Clients: how a request is made of typed arguments, and what an answer says.
#[cfg(feature = "client")]
pub use crate::client::builder::{BuildClient, CoreBuilder};
#[cfg(feature = "client")]
pub use crate::client::core::Core;
#[cfg(feature = "client")]
pub use crate::client::outcome::{Outcome, Reported, Step};
#[cfg(feature = "client")]
pub use crate::client::request::{Capture, check, header, secret_header, segment};

// Servers: routes, and the rules that a platform's module brings.
#[cfg(feature = "server")]
pub use crate::server::call::{AnswerCall, Call, EventsCall, Routes, answer, events};
#[cfg(feature = "server")]
pub use crate::server::frame::Frame;
#[cfg(feature = "server")]
pub use crate::server::incoming::{Incoming, ParameterLocation};
#[cfg(feature = "server")]
pub use crate::server::rules::{Answers, Dates, PacketKind, Reads, Rules, Speaks, WritePackets};
