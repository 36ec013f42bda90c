//! What holds for the client of every platform.

#[path = "../support/mod.rs"]
mod support;

mod deadlines;
mod retries;
mod settings;
