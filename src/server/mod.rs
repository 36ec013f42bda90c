//! What all servers share: settings, replies and errors.
//!
//! [`Server`] holds the settings of a server, [`Sink`] is the reply to an event stream, [`Error`] is
//! what a handler returns when it fails, and [`Turns`] stops a running turn. [`serve`] runs a router.

pub(crate) mod call;
mod error;
mod events;
pub mod function_compute;
pub(crate) mod incoming;
pub(crate) mod line;
mod options;
pub(crate) mod rules;
mod serve;
mod sink;
mod turns;

pub use call::arrived;
pub use error::{Error, Fault, FaultKind};
pub use options::{PathError, Server};
pub use serve::serve;
pub use sink::{SendError, Sink};
pub use turns::{RunningTurn, Turns};

// Platform modules use these beside the compiled code; which of them depends on the features.
#[allow(unused_imports)]
pub(crate) use {
    incoming::Incoming,
    line::Frame,
    rules::{Answers, Reads, Rules, Speaks, Turn},
};
