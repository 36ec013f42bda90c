//! Several instances of a bot as processes, with a real Redis between them and a proxy that breaks
//! connections.
//!
//! An instance is this test binary itself, started again: see `instance::serve`.

#![cfg(all(unix, feature = "duix", feature = "odfs", feature = "aui", feature = "chat"))]

mod across;
mod actor;
mod instance;
mod instance_lost;
mod line;
#[path = "../support/missing.rs"]
mod missing;
mod proxy;
#[path = "../support/redis.rs"]
#[allow(dead_code, reason = "other binaries use the rest")]
mod redis;
mod redis_lost;
mod serve;
mod versions;
