//! Several instances of a bot as processes, with a real Redis between them and a proxy that breaks
//! connections.
//!
//! An instance is this test binary itself, started again: see `instance::serve`.

#![cfg(unix)]

mod across;
mod actor;
mod instance;
mod instance_lost;
mod line;
mod proxy;
mod redis;
mod redis_lost;
mod versions;
