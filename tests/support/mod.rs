//! Support that the test binaries share.

// Each binary uses a part of it.
#![allow(dead_code, unused_imports, unused_macros)]

#[cfg(all(feature = "bot", feature = "digital-employee", feature = "client"))]
pub(crate) mod bots;
#[cfg(all(feature = "chat", feature = "server"))]
pub(crate) mod chat;
#[cfg(all(feature = "digital-employee", feature = "server"))]
pub(crate) mod digital_employee;
#[cfg(all(feature = "digital-employee", feature = "client"))]
pub(crate) mod digital_employee_stub;
#[cfg(all(feature = "duix", feature = "server"))]
pub(crate) mod duix;
#[cfg(all(feature = "duix", feature = "client", feature = "server"))]
pub(crate) mod duix_platform;
#[cfg(feature = "server")]
pub(crate) mod errors;
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) mod events;
pub(crate) mod json;
pub(crate) mod odd_json;
#[cfg(all(feature = "odfs", feature = "client", feature = "server"))]
pub(crate) mod odfs;
#[cfg(feature = "server")]
pub(crate) mod peer;
#[cfg(any(feature = "redis", feature = "redis-store"))]
pub(crate) mod redis;
#[cfg(feature = "schemars")]
pub(crate) mod schemas;
#[cfg(feature = "client")]
pub(crate) mod script;
pub(crate) mod spans;
pub(crate) mod traces;
pub(crate) mod types;
