//! The examples `serve`, `agent` and `ivr` as processes, and the demo bot that examples share.

#[path = "../support/mod.rs"]
mod support;

mod agent;
mod demo_bot;
mod ivr;
mod observed;
#[cfg(unix)]
mod process;
mod serve;
mod serve_aicall;
mod sign;
mod soak;
