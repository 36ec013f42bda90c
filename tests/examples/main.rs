//! The examples as processes, and the demo bot that they share.

#[path = "../support/mod.rs"]
mod support;

mod demo_bot;
mod ivr;
mod serve;
