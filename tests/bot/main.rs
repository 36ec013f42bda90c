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

mod budgets;
mod calls;
mod everywhere;
mod full;
mod many_calls;
mod serving;
mod silence;
mod store;
mod testing;
mod turns;
