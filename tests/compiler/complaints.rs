//! Specs that the compiler refuses, each with an error that names the place.

use std::path::Path;

use crate::compiler::{Settings, compile_text};
use crate::{FIXTURE, here};

/// Replaces one text of a fixture. Returns the error of the compiler.
fn complaint(spec: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(here("fixtures").join(spec)).unwrap();
    assert!(text.contains(from), "the fixture has no {from:?}");
    match compile_text(spec, &text.replacen(from, to, 1), &here("fixtures"), &FIXTURE) {
        Ok(_) => panic!("{to:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

/// Checks that each replacement is refused, with an error that has the place and this text.
#[track_caller]
fn refuses(spec: &str, cases: &[(&str, &str, &str)]) {
    for (from, to, says) in cases {
        let error = complaint(spec, from, to);
        assert!(error.starts_with(&format!("{spec}#")), "{error}");
        assert!(error.contains(says), "{to:?} gave: {error}");
    }
}

#[test]
fn an_unknown_construct_stops_the_compiler_with_its_place() {
    refuses(
        "fixture.yaml",
        &[
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
                "format: json-string\n          x-content-schema: {",
                "format: date\n          x-content-schema: {",
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
        ],
    );
}

#[test]
fn a_value_that_cannot_be_missing_or_unreadable_stops_the_compiler() {
    refuses(
        "fixture.yaml",
        &[
            (
                "x-missing-reads-as: {}",
                "x-missing-reads-as: {a: 1}",
                "Visit/properties/place/x-missing-reads-as: must be \"\", false, 0 or []",
            ),
            (
                "          x-may-be-missing: true\n          x-unreadable-is-missing: true\n          \
                 description: The floor.",
                "          description: The floor.",
                "Visit/properties/place/x-missing-reads-as: must be \"\", false, 0 or []",
            ),
            (
                "x-may-be-missing: true\n          x-unreadable-is-missing: true\n          \
                 description: Counts the visits.",
                "x-unreadable-is-missing: true\n          description: Counts the visits.",
                "`x-unreadable-is-missing` is for properties that may be missing",
            ),
            (
                "x-also-reads: [item, json-string]",
                "x-also-reads: [json-string, item]",
                "`x-also-reads` must have one entry",
            ),
            (
                "x-unreadable-is-missing: true\n          description: Some words.",
                "x-also-reads: [item, json-string]\n          description: Some words.",
                "Visit/properties/tags: `x-also-reads` does not match this type",
            ),
        ],
    );
}

#[test]
fn a_contradictory_spec_stops_the_compiler_with_the_place() {
    refuses(
        "fixture.yaml",
        &[
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
            (
                "x-enum-varnames: [Calm, Angry]",
                "x-enum-varnames: [Calm]",
                "Mood: `x-enum-varnames`",
            ),
            (
                "enum: [-1, 0, 10]",
                "enum: [-1, 0, ten]",
                "Rank/enum/2: the value does not match the enum's type",
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
            (
                "x-missing-reads-as: \"\"",
                "x-missing-reads-as: nobody",
                "must be \"\", false, 0 or []",
            ),
            (
                "x-rust-name: Drink",
                "x-rust-name: Value",
                "DrinkParams: `Value` is the name of an import of the generated code",
            ),
            (
                "minimum: 0.5\n",
                "minimum: much\n",
                "Guest/properties/weight/minimum: must be a number",
            ),
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
            (
                "/rooms/{roomId}/guests:\n    get",
                "/rooms/{room}/guests:\n    get",
                "has no `{roomId}`",
            ),
            (
                "type: integer\n          format: int32\n          minimum: 0",
                "type: integer\n          minimum: 0",
                "an integer must have the format int32 or int64",
            ),
        ],
    );
}

#[test]
fn a_spec_that_other_tools_misread_stops_the_compiler_with_the_place() {
    refuses(
        "fixture.yaml",
        &[
            ("x-tag: action", "x-kind: action", "Question: `x-kind` is not supported here"),
            ("      x-tag: action\n", "", "Question/oneOf/1: two arms have the same JSON type"),
            ("x-tag: kind", "x-tag: sort", "`DrinkParams` has no property `sort`"),
            (
                "enum: [Meal]",
                "enum: [Meal, Supper]",
                "MealParams/properties/kind: the tag of an arm must have exactly one value",
            ),
            (
                "required: [action, text]",
                "required: [text]",
                "Greeting/properties/action: the tag of an arm must be required",
            ),
            (
                "            - $ref: \"#/components/schemas/Rank\"\n",
                "            - $ref: \"#/components/schemas/Rank\"\n          nullable: true\n",
                "`nullable` needs a `type` beside it; say it of the component",
            ),
            ("[calm, angry, null]", "[calm, angry]", "Mood/enum: must list null once if"),
            ("enum: [-1, 0, 10]", "enum: [-1, 0, 10, null]", "Rank/enum: must list null once if"),
            ("\"409\":", "\"302\":", "302: a status must be 200 to 299, 400 to 599, 4XX or 5XX"),
            (
                "required: [data]",
                "required: []",
                "event-stream/schema: an event must have `data`, which is a `json-string`",
            ),
            (
                "                        - $ref: \"#/components/schemas/BrokenWord\"\n",
                "",
                "anyOf: must have the answer first, and then failures",
            ),
        ],
    );
}

#[test]
fn a_union_by_json_type_that_is_ambiguous_stops_the_compiler_with_the_place() {
    refuses(
        "fixture.yaml",
        &[
            (
                "        - type: boolean\n          x-rust-name: Never",
                "        - type: number\n          x-rust-name: Never",
                "Until/oneOf/1: two arms have the same JSON type",
            ),
            (
                "x-rust-name: Never",
                "x-rust-name: Hours",
                "Until/oneOf/1: a second arm has the name `Hours`",
            ),
            ("x-rust-name: Never", "x-rust-name: Unknown", "no arm may be named `Unknown`"),
            ("          x-rust-name: Never\n", "", "Until/oneOf/0: `x-rust-name` is missing"),
            (
                "          description: Whether it is never too late.\n",
                "",
                "Until/oneOf/0: `description` is missing",
            ),
            (
                "          x-rust-name: Orders\n",
                "          x-rust-name: Orders\n          nullable: true\n",
                "Content/oneOf/1: only one arm of a union may be nullable",
            ),
            (
                "          x-rust-name: Never\n",
                "          x-rust-name: Never\n          x-also-reads: [string]\n",
                "Until/oneOf/0: `x-also-reads` is not supported here",
            ),
            (
                "        - $ref: \"#/components/schemas/Place\"\n        - type",
                "        - $ref: \"#/components/schemas/Content\"\n        - type",
                "Until/oneOf/3: an arm must be a string, a number, a boolean, an array, or an object or enum",
            ),
            (
                "        - type: boolean\n          x-rust-name: Never",
                "        - type: string\n          format: password\n          x-rust-name: Never",
                "Until/oneOf/0: an arm must be a string",
            ),
        ],
    );
}

#[test]
fn a_property_that_cannot_be_written_as_null_stops_the_compiler() {
    let says = "`x-unset-is-null` is for required properties that are nullable";
    refuses(
        "fixture.yaml",
        &[
            ("required: [content, also, mood, note]", "required: [content, also, mood]", says),
            (
                "          nullable: true\n          maxLength: 4\n",
                "          maxLength: 4\n",
                says,
            ),
            (
                "x-unset-is-null: true\n          x-unreadable-is-missing: true\n",
                "x-unset-is-null: true\n          x-may-be-missing: true\n",
                says,
            ),
            (
                "          nullable: true\n          maxLength: 4\n          x-unset-is-null: true\n          \
                 x-unreadable-is-missing: true\n",
                "          nullable: true\n",
                "note: a required property must not be nullable without `x-unset-is-null`",
            ),
            (
                "        - type: string\n          nullable: true\n",
                "        - type: string\n",
                says,
            ),
        ],
    );
}

#[test]
fn a_stream_that_no_request_or_reader_can_tell_apart_stops_the_compiler() {
    let end = "must be one line that is not JSON, without spaces around it";
    refuses(
        "fixture.yaml",
        &[
            (
                "      x-stream-if: aloud\n",
                "",
                "/paths/~1ask~1{roomId}/post: an operation with two media types",
            ),
            ("x-stream-if: aloud", "x-stream-if: loud", "the body has no boolean property `loud`"),
            ("x-stream-if: aloud", "x-stream-if: note", "the body has no boolean property `note`"),
            (
                "operationId: talk\n",
                "operationId: talk\n      x-stream-if: aloud\n",
                "`x-stream-if` is for operations that answer with `application/json` and `text/event-stream`",
            ),
            (
                "operationId: talk\n",
                "operationId: askStream\n",
                "the method that asks for a stream has the name of `ask",
            ),
            ("x-ends-with: \"[END]\"", "x-ends-with: \"[1]\"", end),
            ("x-ends-with: \"[END]\"", "x-ends-with: \"\"", end),
            ("x-ends-with: \"[END]\"", "x-ends-with: \" END\"", end),
            ("x-ends-with: \"[END]\"", "x-ends-with: \"a\\nb\"", end),
            (
                "x-ends-with: \"[END]\"",
                "x-starts-with: \"[END]\"",
                "`x-starts-with` is not supported here",
            ),
            (
                "              schema: { $ref: \"#/components/schemas/Reply\" }\n            text/event-stream:",
                "              x-ends-with: \"[END]\"\n              schema: { $ref: \"#/components/schemas/Reply\" }\n            text/event-stream:",
                "application~1json: `x-ends-with` is not supported here",
            ),
        ],
    );
}

#[test]
fn ambiguous_yaml_stops_the_compiler_with_the_line() {
    for scalar in ["Off", "no", "Yes", "16:9", "1:30:00", "~", "0123", "TRUE"] {
        let text = format!("enum: [{scalar}, angry");
        let error = complaint("fixture.yaml", "enum: [calm, angry", &text);
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
fn a_contradictory_configuration_stops_the_compiler_with_the_place() {
    refuses(
        "shared.yaml",
        &[
            (
                "x-initial: 60\n",
                "x-initial: 601\n",
                "Idle/x-initial: must be a value of its property",
            ),
            (
                "x-initial: true\n",
                "x-initial: 1\n",
                "Lit/x-initial: must be a value of its property",
            ),
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
        ],
    );
}
