//! What holds for the server of every platform.

#[path = "../support/mod.rs"]
mod support;

mod handler_errors;
mod options;
mod serving;
mod settings;
mod turns;
