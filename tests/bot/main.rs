//! The `Bot` trait on every platform: turns, calls, time budgets, the store, and the harness for bots.

#![cfg(all(
    feature = "bot",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "client"
))]

#[path = "../support/mod.rs"]
mod support;

mod apology;
mod budgets;
mod calls;
#[cfg(feature = "chat")]
mod chat;
mod controls;
mod everywhere;
mod failing_store;
mod failures;
mod first_poll;
mod full;
mod holds;
mod instances;
mod many_calls;
mod metrics;
mod needs;
mod observed;
mod recognitions;
mod secrets;
mod serving;
mod shared_store;
mod silence;
mod store;
mod store_conformance;
mod streaming;
mod testing;
mod traced;
mod turns;
