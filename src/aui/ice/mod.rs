//! ICE, Alibaba Cloud's OpenAPI that runs the agents: what an app server calls.
//!
//! [`Client`] makes five calls: to create, start, stop, change and describe an instance of an agent.
//! It signs them in the [full form](crate::auth::Scheme::Full) with an access key, which stays on the
//! server. It is an [`Upstream`](super::Upstream), so an [`AppServer`](super::AppServer) can stand on
//! it:
//!
//! ```no_run
//! # #[cfg(all(feature = "client", feature = "server"))]
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use callbot::aicall::AgentType;
//! use callbot::auth::Credentials;
//! use callbot::aui::RtcTokens;
//! use callbot::aui::{AppServer, KnownCallers, ice, router};
//! use std::env::var;
//!
//! let key = Credentials::new(var("ACCESS_KEY_ID")?, var("ACCESS_KEY_SECRET")?);
//! let ice = ice::Client::builder(key)
//!     .region("cn-shanghai")
//!     .regions(["cn-shanghai", "cn-beijing"])
//!     .build()?;
//! let tokens = RtcTokens::new(var("RTC_APP_ID")?, var("RTC_APP_KEY")?);
//! let app = AppServer::new(ice, tokens).agent(AgentType::Voice, "agent-1");
//! let router = router(app, KnownCallers::new().caller("web-shop", var("SHOP_TOKEN")?));
//! # let _ = router;
//! # Ok(())
//! # }
//! ```
//!
//! # Regions
//!
//! A region becomes a part of the host that is called with the key, and apps may name one. So the
//! client has a list of allowed regions, [`Region::LISTED`] unless [`ClientBuilder::regions`] sets
//! another: their hosts are made when the client is built, and none is ever made of what an app sends.
//! Another region is refused with what is allowed. A request that names no region goes to
//! [`ClientBuilder::region`].
//!
//! An instance lives in its region: all further calls must go there. An `AppServer` sees to that.
//!
//! # What is not known
//!
//! - Which of the regions have agents, and the codes of a wrong or finished instance.
//! - The longest query that ICE accepts. All parameters travel in it, each byte of a text that is no
//!   ASCII letter or digit as three, and so does the token of an agent that is started. This client
//!   sends no URL of more than 65,534 bytes.
//! - Whether ICE, which calls `BackChannelingConfig` deprecated, still reads it. The client writes
//!   `BackChannelingConfigs` with `Enabled`, as the vendor's documents have it.
//! - What `x-acs-retry-after` on a throttled answer promises: it is not read.

#[cfg(feature = "client")]
mod client;
mod region;
#[cfg(all(feature = "client", feature = "server"))]
mod upstream;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/ice.rs"));
}

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::{BASE_URL, Client, ClientBuilder};
pub use generated::*;
pub use region::{Region, RegionError};

/// The spec that this module is compiled from: JSON Schema, in YAML.
pub const SPEC: &str = include_str!("../../../specs/ice.yaml");
