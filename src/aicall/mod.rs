//! AICallKit of Alibaba Cloud: calls with AI agents, as data types.

mod agent;
mod checks;
mod data_channel;
mod gmt_time;
mod template;

#[allow(deprecated, clippy::large_enum_variant)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/aicall.rs"));
}

pub use data_channel::Message;
pub use generated::*;
pub use gmt_time::{GmtTime, GmtTimeError};

/// The spec that this module is compiled from: JSON Schema, in YAML.
pub const SPEC: &str = include_str!("../../specs/aicall.yaml");
