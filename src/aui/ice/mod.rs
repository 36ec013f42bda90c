//! ICE, Alibaba Cloud's OpenAPI that runs the agents: what an app server calls.

mod region;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/ice.rs"));
}

pub use generated::*;
pub use region::{Region, RegionError};

/// The spec that this module is compiled from: JSON Schema, in YAML.
pub const SPEC: &str = include_str!("../../../specs/ice.yaml");
