//! The spec compiler: what it writes for a fixture with every construct, and what it says of specs
//! that it can't take. That what it writes compiles and keeps its promises is in `compiled.rs`.

use std::path::{Path, PathBuf};

use crate::compiler::{Settings, compile, compile_text};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Compares with the golden file; `UPDATE_GOLDEN=1` writes it anew.
fn assert_golden(spec: &str, settings: &Settings<'_>) {
    let code = compile(&here("fixtures/compiler").join(spec), settings).unwrap();
    let golden = here("golden").join(spec).with_extension("rs");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &code).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    let line = code.lines().zip(expected.lines()).position(|(new, old)| new != old);
    assert!(
        code == expected,
        "{} differs from line {:?} on; if that is meant, run with UPDATE_GOLDEN=1",
        golden.display(),
        line.map(|line| line + 1)
    );
}

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
fn a_client_that_another_one_wraps_has_a_name_of_its_own() {
    let folder = here("fixtures/compiler");
    let client = compile(&folder.join("fixture.yaml"), &FIXTURE).unwrap();
    let settings = Settings { wire_client: true, ..FIXTURE };
    let wire_client = compile(&folder.join("fixture.yaml"), &settings).unwrap();
    assert!(client.contains("pub struct Client {"));
    // Nothing but the name differs; the private `raw::Client` keeps its own.
    assert!(!wire_client.contains("pub struct Client {\n    core"));
    assert_eq!(wire_client.replace("WireClient", "Client"), client);
}

#[test]
fn a_server_that_is_the_wire_below_another_says_so_in_its_names() {
    let spec = here("fixtures/compiler/fixture.yaml");
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

/// The fixture with one text replaced, and what the compiler says of it.
fn complaint(spec: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(here("fixtures/compiler").join(spec)).unwrap();
    assert!(text.contains(from), "the fixture has no {from:?}");
    match compile_text(spec, &text.replacen(from, to, 1), &here("fixtures/compiler"), &FIXTURE) {
        Ok(_) => panic!("{to:?} was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_the_compiler_does_not_know_stops_it_with_the_place() {
    for (from, to, says) in [
        ("openapi: 3.0.3", "openapi: 3.1.0", "fixture.yaml#/openapi: only OpenAPI 3.0"),
        (
            "maxItems: 3",
            "uniqueItems: true",
            "GuestList/properties/guests: `uniqueItems` is not supported here",
        ),
        (
            "x-personal: true",
            "x-private: true",
            "Guest/properties/name: `x-private` is not supported here",
        ),
        (
            "minLength: 1",
            "pattern: a+",
            "Guest/properties/id/pattern: a pattern must be a set of characters",
        ),
        (
            "      deprecated: true\n",
            "      callbacks: {}\n",
            "/paths/~1status/get: `callbacks` is not supported here",
        ),
        (
            "  /status:\n    get:",
            "  /status:\n    trace:",
            "/paths/~1status: `trace` is not supported here",
        ),
        (
            "operationId: getStatus\n",
            "x-id: getStatus\n",
            "/paths/~1status/get: `x-id` is not supported here",
        ),
        (
            "format: json-string",
            "format: date",
            "Guest/properties/settings: the format `date` is not supported",
        ),
        (
            "[string]\n          description: In years.",
            "[bytes]\n          description: In years.",
            "Guest/properties/age: `x-also-reads` does not support `bytes`",
        ),
        (
            "application/json:\n              schema: { $ref: \"#/components/schemas/GuestList\" }\n    post",
            "text/plain:\n              schema: { $ref: \"#/components/schemas/GuestList\" }\n    post",
            "a response of `text/plain` is not supported",
        ),
    ] {
        let error = complaint("fixture.yaml", from, to);
        assert!(error.contains(says), "{to:?} gave: {error}");
    }
}

#[test]
fn a_spec_that_contradicts_itself_stops_the_compiler_with_the_place() {
    for (from, to, says) in [
        (
            "description: In years.\n",
            "example: 3\n",
            "Guest/properties/age: `description` is missing",
        ),
        (
            "required: [success, guests]",
            "required: [success, gusts]",
            "`gusts` is required but not a property",
        ),
        (
            "#/components/schemas/Mood\" }",
            "#/components/schemas/Mud\" }",
            "there is no component `Mud`",
        ),
        ("x-enum-varnames: [Calm, Angry]", "x-enum-varnames: [Calm]", "Mood: `x-enum-varnames`"),
        (
            "enum: [-1, 0, 10]",
            "enum: [-1, 0, ten]",
            "Rank/enum/2: the value does not match the enum's type",
        ),
        ("Meal: \"#/components", "Supper: \"#/components", "the union maps this arm to `Supper`"),
        (
            "- $ref: \"#/components/schemas/MealParams\"\n",
            "- $ref: \"#/components/schemas/DrinkParams\"\n",
            "`oneOf` and the mapping of the discriminator differ",
        ),
        ("when: { mood: angry }", "when: { mod: angry }", "there is no property `mod`"),
        (
            "x-checked-by-hand: true",
            "x-checked-by-hand: carefully",
            "Motto/x-checked-by-hand: must be true or false",
        ),
        (
            "minimum: 0.5\n",
            "minimum: 0.5\n          x-missing-reads-as: 1\n",
            "are for required properties",
        ),
        ("x-missing-reads-as: \"\"", "x-missing-reads-as: nobody", "must be \"\", false, 0 or []"),
        (
            "x-rust-name: Drink",
            "x-rust-name: Value",
            "DrinkParams: `Value` is the name of an import of the generated code",
        ),
        ("minimum: 0.5\n", "minimum: much\n", "Guest/properties/weight/minimum: must be a number"),
        (
            "x-rust-name: Drink",
            "x-rust-name: GuestFields",
            "DrinkParams: a second type has the Rust name `GuestFields`",
        ),
        (
            "x-rust-name: Drink",
            "x-rust-name: UnknownMood",
            "a second type has the Rust name `UnknownMood`",
        ),
        ("x-rust-name: Drink", "x-rust-name: Meal", "a second type has the Rust name `Meal`"),
        ("operationId: getStatus", "operationId: talk", "a second operation has the id `talk`"),
        (
            "words:\n          type: string",
            "words:\n          type: boolean",
            "Guest/properties/motto: `x-also-reads` does not match this type",
        ),
        ("shared.yaml#", "elsewhere.yaml#", "no module is set for the spec `elsewhere.yaml`"),
        ("/rooms/{roomId}/guests:\n    get", "/rooms/{room}/guests:\n    get", "has no `{roomId}`"),
        (
            "type: integer\n          format: int32\n          minimum: 0",
            "type: integer\n          minimum: 0",
            "an integer must have the format int32 or int64",
        ),
    ] {
        let error = complaint("fixture.yaml", from, to);
        assert!(error.starts_with("fixture.yaml#/"), "{error}");
        assert!(error.contains(says), "{to:?} gave: {error}");
    }
}

#[test]
fn yaml_that_tools_read_in_two_ways_stops_the_compiler_with_the_line() {
    for scalar in ["Off", "no", "Yes", "16:9", "1:30:00", "~", "0123", "TRUE"] {
        let text = format!("enum: [{scalar}, angry]");
        let error = complaint("fixture.yaml", "enum: [calm, angry]", &text);
        assert!(error.contains(&format!("quote `{scalar}`")), "{error}");
        assert!(error.contains("/components/schemas/Mood/enum/0: line "), "{error}");
    }
    for (yaml, says) in [
        ("title: A\ntitle: B\n", "the key occurs twice"),
        ("title: &a A\n", "anchors, aliases and tags"),
        ("title: !x A\n", "anchors, aliases and tags"),
        ("title: [A\n", "fixture.yaml#"),
    ] {
        let error =
            compile_text("fixture.yaml", yaml, Path::new("."), &Settings::default()).unwrap_err();
        assert!(error.to_string().contains(says), "{yaml:?} gave: {error}");
    }
}

#[test]
fn a_configuration_that_contradicts_itself_stops_the_compiler_with_the_place() {
    for (from, to, says) in [
        ("x-initial: 60\n", "x-initial: 601\n", "Idle/x-initial: must be a value of its property"),
        ("x-initial: true\n", "x-initial: 1\n", "Lit/x-initial: must be a value of its property"),
        (
            "x-initial: swing\n",
            "x-initial: fly\n",
            "Mode/x-initial: must be a value of its property",
        ),
        (
            "x-initial: 60\n        x-unset-up-to: -1\n",
            "x-initial: 60\n        x-unset-up-to: 5\n",
            "Idle/x-unset-up-to: must be an integer, on an optional number; with a unit -1 or 0",
        ),
        (
            "x-part: true\n        description: The door.",
            "x-part: yes\n        description: The door.",
            "quote `yes`",
        ),
        (
            "          - $ref: \"#/$defs/DoorConfig\"\n        x-part",
            "          - $ref: \"#/$defs/Address\"\n        x-part",
            "Door: `x-part` is for an optional object of optional properties",
        ),
        (
            "x-empty-counts: true\n        items:",
            "x-never-written: 3\n        items:",
            "Names/x-never-written: must be true or false",
        ),
        (
            "maxLength: 4\n",
            "x-empty-counts: true\n",
            "Tune: `x-empty-counts` is for optional lists and maps",
        ),
        (
            "x-only-with: Tune",
            "x-only-with: Tone",
            "`x-only-with` must join two optional properties",
        ),
        ("x-unit: seconds", "x-unit: hours", "Idle/x-unit: the unit `hours` is not supported"),
        (
            "x-error-codes: 0\n",
            "x-error-codes: 7\n",
            "HouseError/x-error-codes: must be one of the enum's numbers",
        ),
        ("[[], [], [-2]]", "[[], [], [-1]]", "HouseError/enum/2: `-1` occurs twice"),
        ("[[], [], [-2]]", "[[], []]", "HouseError: `x-enum-also` needs a list for each value"),
        ("x-content: data", "x-content: body", "an arm must have only its tag and `body`"),
    ] {
        let error = complaint("shared.yaml", from, to);
        assert!(error.starts_with("shared.yaml#"), "{error}");
        assert!(error.contains(says), "{to:?} gave: {error}");
    }
}
