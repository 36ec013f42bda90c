//! What the compiled routers stand on: reading requests, calling the handler, writing packets.
//!
//! A platform brings its [`Rules`]; the compiled code brings the [`Call`]s. A bot's author meets
//! [`Server`] (the settings), [`Sink`] (the reply of a turn), [`Error`] (what a handler fails with)
//! and, to stop a turn, [`Turns`].

mod call;
mod error;
mod events;
mod frame;
mod frame_queue;
mod incoming;
mod options;
mod rules;
mod serve;
mod sink;
mod turns;

pub use call::{AnswerCall, Call, EventsCall, Routes, answer, arrived, events};
pub use error::{Error, Fault, FaultKind};
pub use frame::Frame;
pub use incoming::{Incoming, ParameterLocation};
pub use options::{PathError, Server};
pub use rules::{Answers, Dates, PacketKind, Reads, Rules, Speaks, WritePackets};
pub use serve::{Serve, serve};
pub use sink::{SendError, Sink};
pub use turns::{RunningTurn, Turns};
