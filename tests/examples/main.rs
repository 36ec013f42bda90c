//! The examples `serve`, `agent`, `ivr` and `llm` as processes, and the demo bot that examples share.

#[path = "../support/mod.rs"]
mod support;

mod agent;
mod demo_bot;
mod ivr;
mod llm;
mod observed;
#[cfg(unix)]
mod process;
mod serve;
mod serve_aicall;
mod sign;
mod soak;
