//! The spec compiler: what it refuses, what it writes, and what the written code does.

#[allow(dead_code, unreachable_pub)]
#[path = "../../build/mod.rs"]
mod compiler;

mod compiled;
mod complaints;
