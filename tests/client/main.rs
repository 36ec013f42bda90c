//! Behaviour that the clients of all platforms share: settings, deadlines and retries.

#[path = "../support/mod.rs"]
mod support;

mod deadlines;
mod retries;
mod settings;
