//! The `Bot` trait on every platform.

#[path = "../support/mod.rs"]
mod support;

mod budgets;
mod calls;
mod everywhere;
mod many_calls;
mod serving;
mod store;
mod testing;
mod turns;
