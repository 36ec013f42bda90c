//! Bots that answer with a language model: the scripted model of tests, and the assistant over HTTP.

#![cfg(all(
    feature = "llm",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "client"
))]

#[path = "../support/mod.rs"]
mod support;

mod conversation;
mod deadlines;
mod http;
mod summary;
mod testing;
mod tools;
