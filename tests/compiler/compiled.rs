//! The golden files compile, and their code does what the specs say. `golden.rs` checks that they are
//! what the compiler writes.

#![cfg(all(feature = "client", feature = "server", feature = "schemars"))]

/// The golden file of the JSON Schema fixture.
#[allow(dead_code, unreachable_pub)]
mod shared {
    include!("golden/shared.rs");
}

/// The golden file of the OpenAPI fixture, with hand-written rules as a platform has them.
#[allow(dead_code, deprecated, unreachable_pub)]
mod fixture {
    use super::house::{PacketWriter, Rules};

    include!("golden/fixture.rs");
}

#[path = "house/mod.rs"]
mod house;
