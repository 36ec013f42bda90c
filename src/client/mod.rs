//! What all clients share: settings, deadlines, retries and typed event streams.
//!
//! A client checks each request against the spec before it sends it. All calls then go the same way:
//! deadlines, retries and tracing around a [`Transport`], which is the place to sign or record
//! requests.

mod builder;
pub(crate) mod core;
mod error;
mod events;
#[cfg(feature = "server")]
mod in_memory;
pub(crate) mod outcome;
pub(crate) mod request;
mod tls;
mod transport;

pub use builder::{Builder, CallOptions, Retries};
pub use core::Answer;
#[cfg(any(feature = "duix", feature = "odfs"))]
pub(crate) use core::within;
pub use error::{Deadline, Error};
pub use events::EventStream;
#[cfg(feature = "server")]
pub use in_memory::InMemory;
pub use outcome::Failure;
#[cfg(feature = "aui")]
pub(crate) use request::pairs;
pub use transport::{Transport, TransportError};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    core::Core,
    outcome::{Outcome, Reported, Step},
};
