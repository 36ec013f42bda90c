//! What the compiled clients stand on: settings, deadlines, retries, typed event streams.
//!
//! A compiled client builds each request with progenitor's code, in a private module, and hands it
//! to [`Core`]. From there on all calls go one way: deadlines, retries and tracing around a
//! [`Transport`], which is where whatever signs or records requests is put.

mod builder;
mod core;
mod error;
mod events;
#[cfg(feature = "server")]
mod in_memory;
mod outcome;
mod request;
mod tls;
mod transport;

pub use builder::{Builder, CallOptions, Retries};
#[cfg(any(feature = "duix", feature = "odfs"))]
pub(crate) use core::within;
pub use core::{Answer, Core};
pub use error::{Deadline, Error};
pub use events::EventStream;
#[cfg(feature = "server")]
pub use in_memory::InMemory;
pub use outcome::{Failure, Outcome, Reported, Step};
#[cfg(feature = "aui")]
pub(crate) use request::pairs;
pub use request::{Capture, check, header, segment};
pub use transport::{Transport, TransportError};
