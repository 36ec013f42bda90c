//! Behaviour that the clients of all platforms share: settings, deadlines and retries.

#[path = "../support/mod.rs"]
mod support;

mod deadlines;
mod observed;
mod retries;
mod settings;
