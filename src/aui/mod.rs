//! The AUI Kits app server: it starts AI agents in calls, for apps with AICallKit.

#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod app_server;
#[cfg(feature = "server")]
mod authorizer;
#[cfg(feature = "client")]
mod client;
mod convert;
pub mod ice;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(feature = "server")]
mod upstream;

use std::fmt;

#[allow(clippy::large_enum_variant)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::Rules;

    include!(concat!(env!("OUT_DIR"), "/aui.rs"));
}

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use api::{Api, Ownership, Resource, Server, router};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use app_server::AppServer;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use authorizer::{AnyCaller, Ask, Authorizer, KnownCallers, Principal, Refusal};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{Builder, Client, error_code};
/// The operations as the spec has them; [`Client`] stands on it.
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use generated::Client as WireClient;
pub use generated::*;
/// The operations as the spec has them, for those who want the wire; [`Server`] serves them at the
/// bases, and says who calls.
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use generated::{Api as WireApi, Server as WireServer, router as wire_router};
#[cfg(feature = "server")]
pub use rules::Rules;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use upstream::{InMemory, Upstream, UpstreamError};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/aui.yaml");

/// The vendor's own app server for agents that somebody shares; see
/// [`GenerateCallRequest::from_share`].
pub const SHARE_URL: &str = "https://ice-smart-aiagent-fcapp-appserver.aliyuncs.com";

/// The paths below which an app server has its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// `/api/v1/aiagent`: the documented base, with the documented operations and chat tokens.
    V1,
    /// `/api/v2/aiagent`: the current base, with all operations.
    V2,
}

impl Base {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The path.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "/api/v1/aiagent",
            Self::V2 => "/api/v2/aiagent",
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
