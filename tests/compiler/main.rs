//! The spec compiler of `build/`: which specs it refuses, which code it writes, and what that code does.

use std::path::{Path, PathBuf};

use compiler::Settings;

#[allow(dead_code, unreachable_pub)]
#[path = "../../build/mod.rs"]
mod compiler;

mod compiled;
mod complaints;
mod golden;

/// Returns a path in the folder of this suite.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compiler").join(path)
}

/// The settings that `fixtures/fixture.yaml` is compiled with.
const FIXTURE: Settings<'_> = Settings {
    #[cfg(feature = "client")]
    client: true,
    #[cfg(feature = "client")]
    wire_client: false,
    #[cfg(feature = "client")]
    client_docs: "It has no example.",
    server: true,
    wire_server: false,
    api_docs: "An example would be here.",
    server_docs: "It has no settings of its own.",
    schemas: true,
    modules: &[("shared.yaml", "super::shared")],
    formats: &[("hour", "super::house::Hour")],
    outputs: &[("listGuests", "Vec<Guest>"), ("addGuest", "Vec<Guest>")],
    optional: &["getStatus"],
};
