//! The code that the compiler writes for its fixtures, which have every construct: each fixture
//! compiles to its golden file. `UPDATE_GOLDEN=1` writes the golden files. `compiled.rs` checks what
//! the code in them does.

use crate::compiler::{Settings, compile};
use crate::{FIXTURE, here};

/// Compares the code with its golden file. With `UPDATE_GOLDEN=1`, writes the file first.
fn assert_golden(spec: &str, settings: &Settings<'_>) {
    let code = compile(&here("fixtures").join(spec), settings).unwrap();
    let golden = here("golden").join(spec).with_extension("rs");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &code).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    let line = code.lines().zip(expected.lines()).position(|(new, old)| new != old);
    assert!(
        code == expected,
        "{} differs from line {:?} on; if you want that, run with UPDATE_GOLDEN=1",
        golden.display(),
        line.map(|line| line + 1)
    );
}

#[test]
#[cfg(feature = "client")]
fn the_open_api_fixture_compiles_to_its_golden_file() {
    assert_golden("fixture.yaml", &FIXTURE);
}

#[test]
fn the_json_schema_fixture_compiles_to_its_golden_file() {
    assert_golden("shared.yaml", &Settings { schemas: true, ..Settings::default() });
}

#[test]
#[cfg(feature = "client")]
fn a_wrapped_client_has_another_name() {
    let spec = here("fixtures/fixture.yaml");
    let client = compile(&spec, &FIXTURE).unwrap();
    let settings = Settings { wire_client: true, ..FIXTURE };
    let wire_client = compile(&spec, &settings).unwrap();
    assert!(client.contains("pub struct Client {"));
    // Only the name differs. The private `raw::Client` keeps its name.
    assert!(!wire_client.contains("pub struct Client {\n    core"));
    assert_eq!(wire_client.replace("WireClient", "Client"), client);
}

#[test]
fn a_wrapped_server_has_other_names() {
    let spec = here("fixtures/fixture.yaml");
    let usual = compile(&spec, &FIXTURE).unwrap();
    let wire = compile(&spec, &Settings { wire_server: true, ..FIXTURE }).unwrap();
    for (item, of_the_wire) in [
        ("pub trait Api:", "pub trait WireApi:"),
        ("pub type Server<A>", "pub type WireServer<A>"),
        ("pub fn router<A: Api>", "pub fn wire_router<A: WireApi>"),
    ] {
        assert!(usual.contains(item) && !usual.contains(of_the_wire), "{item}");
        assert!(wire.contains(of_the_wire) && !wire.contains(item), "{of_the_wire}");
    }
}
