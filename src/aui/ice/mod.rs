//! ICE, the OpenAPI of Alibaba Cloud that runs the agents, and that an app server calls.
//!
//! [`Client`] makes five calls: it creates, starts, stops, changes and describes an instance of an
//! agent. It signs them in the [full form](crate::auth::Scheme::Full) with an access key, which stays
//! on the server. It is an [`Upstream`](super::Upstream), so you can put an
//! [`AppServer`](super::AppServer) on top of it:
//!
//! ```no_run
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::env::var;
//!
//! use callbot::aicall::AgentType;
//! use callbot::auth::Credentials;
//! use callbot::aui::{AppServer, KnownCallers, RtcTokens, ice, router};
//! use callbot::server::serve;
//!
//! let key = Credentials::new(var("ACCESS_KEY_ID")?, var("ACCESS_KEY_SECRET")?);
//! let ice = ice::Client::builder(key)
//!     .region("cn-shanghai")
//!     .regions(["cn-shanghai", "cn-beijing"])
//!     .build()?;
//! let tokens = RtcTokens::new(var("RTC_APP_ID")?, var("RTC_APP_KEY")?);
//! let app = AppServer::new(ice, tokens).agent(AgentType::Voice, "agent-1");
//! let callers = KnownCallers::new().caller("web-shop", var("SHOP_TOKEN")?);
//! let listener = tokio::net::TcpListener::bind("0.0.0.0:9000").await?;
//! serve(listener, router(app, callers)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Regions
//!
//! A region becomes part of the host that is called with the key, and apps may name one. The client
//! therefore has a list of allowed regions: [`Region::LISTED`], or those of
//! [`ClientBuilder::regions`]. Their hosts are built together with the client; no host is ever built
//! from app input. Any other region is refused, with the allowed ones in the error. A request that
//! names no region goes to [`ClientBuilder::region`].
//!
//! An instance exists only in its region, where all later calls must go. `AppServer` ensures this.
//!
//! # Not known
//!
//! - Which of the regions have agents, and the codes for a wrong or finished instance.
//! - The longest query that ICE accepts. It holds all parameters, including the token of an agent
//!   that is started, and takes three bytes for each byte that must be escaped. This client refuses
//!   to send a URL of more than 65,534 bytes.
//! - Whether ICE still reads `BackChannelingConfig`, which it deprecates. The client writes
//!   `BackChannelingConfigs` with `Enabled`, as in the vendor's documents.
//! - The meaning of `x-acs-retry-after` in a throttled answer. The client ignores it.

#[cfg(feature = "client")]
mod client;
mod region;
#[cfg(all(feature = "client", feature = "server"))]
mod upstream;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/ice.rs"));
}

#[cfg(feature = "client")]
pub use client::{BASE_URL, Client, ClientBuilder};
pub use generated::*;
pub use region::{Region, RegionError};

/// The spec that this module is compiled from: JSON Schema, in YAML.
pub const SPEC: &str = include_str!("../../../specs/ice.yaml");
