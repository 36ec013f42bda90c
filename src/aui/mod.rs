//! The AUI Kits app server: it starts AI agents in calls, for apps with AICallKit.
//!
//! An app asks its app server for an agent and gets a channel and a token to join it; the app server
//! asks [`ice`], which runs the agent. Both ends are here:
//!
//! | Operation | At | [`Api`] and [`Client`] |
//! |---|---|---|
//! | `generateAIAgentCall` | both bases | `generate_call` |
//! | `startAIAgentInstance` | both | `start_instance` |
//! | `stopAIAgentInstance` | both | `stop_instance` |
//! | `updateAIAgentInstance` | both | `update_instance` |
//! | `generateMessageChatToken` | both | `chat_token` |
//! | `startAIAgentInstanceWithChannel` | [`Base::V2`] | `start_instance_in_channel` |
//! | `describeAIAgentInstance` | [`Base::V2`] | `describe_instance` |
//! | `getRtcAuthToken` | [`Base::V2`] | `rtc_token` |
//!
//! Left out are operations that no document has and that belong to other services: voice cloning,
//! upload credentials, outbound phone calls, the description of an agent, and voiceprints.
//!
//! # Serving
//!
//! [`AppServer`] is ready to use, over an [`Upstream`]: [`ice::Client`] for real agents, [`InMemoryAgents`]
//! for development. An [`Authorizer`] says who calls. What a [`Principal`] has started or joined,
//! another one can't stop, change, describe or join. An [`Api`] of your own has the same protection
//! before its handlers.
//!
//! ```no_run
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use callbot::aicall::AgentType;
//! use callbot::auth::Credentials;
//! use callbot::aui::{AppServer, KnownCallers, RtcTokens, ice, router};
//! use callbot::server::serve;
//!
//! let agents = ice::Client::builder(Credentials::new("key-1", "secret of the key")).build()?;
//! let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
//! let app = AppServer::new(agents, tokens).agent(AgentType::Voice, "agent-1");
//! let callers = KnownCallers::new().caller("web-shop", "a long token");
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//! serve(listener, router(app, callers)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Tokens
//!
//! An app server makes tokens offline, from an app key that stays on the server:
//!
//! | Maker and checker | Its tokens | For | Life |
//! |---|---|---|---|
//! | [`RtcTokens`] | [`RtcToken`]: one text | joining a channel | up to 24 h; an agent's 7 days |
//! | [`ChatTokens`] | [`ChatToken`]: several fields | messages with an agent | up to 1 h |
//! | [`ShareTokens`](crate::aicall::ShareTokens) | [`ShareConfig`](crate::aicall::ShareConfig) as text, not signed | calling a shared agent | as it says |
//!
//! # What is easily got wrong
//!
//! - `expire` is in **seconds**. The document says hours, and is wrong; here it is a `Duration`.
//! - The document has `template_config` for required, and not `agent_config`, which replaced it. An
//!   empty [`Template`](crate::aicall::Template) is enough.
//! - A failure is HTTP 200 with a `code` that is not 200. HTTP 403 says that the caller is refused,
//!   which the SDK takes for the end of the app's own token.
//! - A failed stop or update is `result: false` at [`Base::V1`], and a failure at [`Base::V2`].
//! - The token of an agent is not for its user: who has it can speak as the agent.
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's document
//! “AppServer API” and the open clients and servers of the AUI Kits.

#[cfg(feature = "server")]
mod admission;
#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod app_server;
#[cfg(feature = "server")]
mod authorizer;
mod checks;
#[cfg(feature = "client")]
mod client;
mod convert;
#[cfg(feature = "server")]
mod cors;
pub mod ice;
#[cfg(any(feature = "client", feature = "server"))]
mod rules;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "auth")]
mod tokens;
#[cfg(feature = "server")]
mod upstream;

use std::fmt;

#[allow(clippy::large_enum_variant)]
mod generated {
    #[cfg(feature = "server")]
    use super::rules::WireRules as Rules;

    include!(concat!(env!("OUT_DIR"), "/aui.rs"));
}

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use api::{Api, Ownership, Resource};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use app_server::AppServer;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use authorizer::{AccessDenied, AnyCaller, Ask, Authorizer, KnownCallers, Principal};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{Client, ClientBuilder, error_code};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use cors::OriginError;
pub use generated::*;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use rules::WireRules;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use server::{Server, router};
#[cfg(feature = "auth")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub use tokens::{
    ChatToken, ChatTokenError, ChatTokens, IdError, RtcToken, RtcTokenError, RtcTokens,
};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use upstream::{InMemoryAgents, Upstream, UpstreamError};

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
