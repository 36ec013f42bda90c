//! The AUI Kits app server, which starts AI agents in calls for apps with AICallKit.
//!
//! An app asks its app server for an agent, and gets a channel and a token to join it. The app server
//! calls [`ice`], which runs the agent. This module has an [`Api`] for serving the operations and a
//! [`Client`] for calling them:
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
//! Operations that no document describes and that belong to other services are left out: voice
//! cloning, upload credentials, outbound phone calls, the description of an agent, and voiceprints.
//!
//! In this module the *caller* is the app or back end that sends a request, and the *user* is the
//! person in the call.
//!
//! # Serving
//!
//! [`AppServer`] is a complete app server on top of an [`Upstream`]: [`ice::Client`] for real agents,
//! [`InMemoryAgents`] for development. An [`Authorizer`] identifies each caller as a [`Principal`].
//! An instance or channel that one principal has started or joined can't be stopped, changed,
//! described or joined by another. If you implement [`Api`] yourself, its handlers have the same
//! protection.
//!
//! This example starts an app server and calls it in one process. [`ice`] shows one for production.
//!
//! ```
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use callbot::aicall::AgentType;
//! use callbot::aui::{AppServer, Base, Client, GenerateCallRequest, router};
//! use callbot::aui::{InMemoryAgents, KnownCallers, RtcTokens};
//! use callbot::client::InMemoryTransport;
//!
//! let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
//! let agents = InMemoryAgents::new(tokens.clone());
//! let app = AppServer::new(agents, tokens.clone()).agent(AgentType::Voice, "agent-1");
//! let router = router(app, KnownCallers::new().caller("web-shop", "a long token"));
//!
//! let client = Client::builder("http://app", Base::V2)
//!     .transport(InMemoryTransport::new(router))
//!     .authorization("a long token")
//!     .build()?;
//! let request = GenerateCallRequest::of_type(AgentType::Voice).with_user_id("u1");
//! let call = client.generate_call(&request).await?;
//! let token = tokens.check(call.rtc_token.expose())?;
//! assert_eq!((token.channel_id, token.user_id), (call.channel_id.clone(), "u1".into()));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "client", feature = "server")))]
//! # fn main() {}
//! ```
//!
//! # Tokens
//!
//! An app server makes tokens offline, from an app key that stays on the server:
//!
//! | Type | Its tokens | For | Lifetime |
//! |---|---|---|---|
//! | [`RtcTokens`] | [`RtcToken`]: one string | joining a channel | up to 24 h; 7 days for an agent |
//! | [`ChatTokens`] | [`ChatToken`]: several fields | chatting with an agent | up to 1 h |
//! | [`ShareTokens`](crate::aicall::ShareTokens) | [`ShareConfig`](crate::aicall::ShareConfig) as a string, not signed | calling a shared agent | until its `expire_time` |
//!
//! # Pitfalls
//!
//! - `expire` is in **seconds**. The platform's document says hours, and is wrong. Here it is a
//!   `Duration`.
//! - The document requires `template_config`, and does not mention `agent_config`, which replaced it.
//!   An empty [`Template`](crate::aicall::Template) is enough.
//! - A failure is HTTP 200 with a `code` other than 200. HTTP 403 means that the caller is refused,
//!   and the SDK reads it as an expired token of the app.
//! - A failed stop or update is `result: false` at [`Base::V1`], and a failure at [`Base::V2`].
//! - An agent's token is not for its user: its holder can speak as the agent.
//!
//! # A bot behind an agent
//!
//! An agent with a "self-developed" language model asks a bot for every turn. With a `bot`, [`InMemoryAgents`]
//! do the same in text, so an app, an app server and a bot run together without the platform:
//! [the guide](crate::guide::platforms) and the example `agent` show it.
//!
//! The types and their descriptions are compiled from [`SPEC`], which was written from the platform's
//! document “AppServer API” and from the open clients and servers of the AUI Kits.

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
#[cfg(feature = "server")]
mod in_memory;
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
pub use api::{Api, Ownership, Resource};
#[cfg(feature = "server")]
pub use app_server::{AgentSetting, AppServer};
#[cfg(feature = "server")]
pub use authorizer::{AccessDenied, AnyCaller, Ask, Authorizer, KnownCallers, Principal};
#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder, error_code};
#[cfg(feature = "server")]
pub use cors::OriginError;
pub use generated::*;
#[cfg(all(feature = "server", feature = "client", feature = "chat"))]
pub use in_memory::AgentReply;
#[cfg(feature = "server")]
pub use in_memory::InMemoryAgents;
#[cfg(feature = "server")]
pub use rules::WireRules;
#[cfg(feature = "server")]
pub use server::{Server, router};
#[cfg(feature = "auth")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub use tokens::{
    ChatToken, ChatTokenError, ChatTokens, IdError, RtcToken, RtcTokenError, RtcTokens,
};
#[cfg(feature = "server")]
pub use upstream::{Upstream, UpstreamError};

/// The spec that this module is compiled from: OpenAPI 3.0.3, in YAML.
pub const SPEC: &str = include_str!("../../specs/aui.yaml");

/// The vendor's own app server for shared agents; see [`GenerateCallRequest::from_share`].
pub const SHARE_URL: &str = "https://ice-smart-aiagent-fcapp-appserver.aliyuncs.com";

/// The base path of an app server's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Base {
    /// `/api/v1/aiagent`: the documented base, with the documented operations and chat tokens.
    V1,
    /// `/api/v2/aiagent`: the current base, with all operations.
    V2,
}

impl Base {
    /// Both bases.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// Returns the path.
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
