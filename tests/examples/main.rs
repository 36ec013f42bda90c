//! The examples as processes, and the demo bot that they share.

#[path = "../support/mod.rs"]
mod support;

mod clerk;
mod ivr;
mod serve;
