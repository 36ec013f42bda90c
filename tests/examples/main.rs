//! The examples `serve` and `ivr` as processes, and the demo bot that examples share.

#[path = "../support/mod.rs"]
mod support;

mod demo_bot;
mod ivr;
#[cfg(unix)]
mod process;
mod serve;
mod sign;
mod soak;
