//! What the compiler wrote for the fixture with every construct: it compiles, and keeps what it
//! promises. `compiler.rs` makes sure that the golden files are what the compiler writes.
#![cfg(all(feature = "client", feature = "server", feature = "schemars"))]

/// The golden file of the JSON Schema fixture.
#[allow(dead_code, unreachable_pub)]
mod shared {
    include!("../golden/shared.rs");
}

/// The golden file of the OpenAPI fixture, with rules as a platform would have them.
#[allow(dead_code, deprecated, unreachable_pub)]
mod fixture {
    use super::house::{PacketWriter, Rules};

    include!("../golden/fixture.rs");
}

#[path = "house/mod.rs"]
mod house;
