"""What schemathesis has to know beside the specs, for the step `contract` of `.ci/run`.

The data of an event is JSON, which OpenAPI 3.0 can't say. And `negative_data_rejection` demands an HTTP
status for what a platform reports in the body, and a refusal of what is read on purpose. `refuses_mistakes`
is that check without both.
"""

import json

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.checks import AcceptedNegativeData, negative_data_rejection

# Read although no key of the spec says so: the component and the property (`*` is any other key), and the
# schema of what is read.
LENIENT = {}


@schemathesis.hook
def before_load_schema(context, schema):
    for item in schema["paths"].values():
        for operation in item.values():
            for response in operation.get("responses", {}).values() if isinstance(operation, dict) else ():
                event = response.get("content", {}).get("text/event-stream")
                if event:
                    data = event["schema"]["properties"]["data"]
                    data["contentMediaType"] = "application/json"
                    data["contentSchema"] = data.pop("x-content-schema")
                    if "x-ends-with" in event:
                        ends = {"enum": [event["x-ends-with"]]}
                        event["schema"]["properties"]["data"] = {"anyOf": [ends, dict(data)]}


@schemathesis.check
def refuses_mistakes(ctx, response, case):
    try:
        return negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData:
        if not reports_failure(response) and not reads(case):
            raise


def reports_failure(response):
    """Whether the body reports a failure: the last packet of a stream, or an envelope."""
    text = response.content.decode("utf-8", "replace")
    if response.headers.get("content-type") == ["text/event-stream"]:
        events = [event.removeprefix("data:") for event in text.split("\n\n") if event.startswith("data:")]
        text = events[-1] if events else "{}"
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return any(body.get(key, 200) != 200 for key in ("httpStatusCode", "code") if key in body)


def reads(case):
    """Whether the body of a case is read on purpose, by the keys of the spec and by LENIENT."""
    document = case.operation.schema.raw_schema
    content = case.operation.definition.raw["requestBody"]["content"]
    if case.media_type not in content:
        return False
    schema = read(content[case.media_type]["schema"], "", "")
    schemas = document["components"]["schemas"]
    definitions = {name: component(name, schemas) for name in schemas}
    return Draft202012Validator({**schema, "$defs": definitions}).is_valid(case.body)


ANY = {}


def component(name, schemas):
    """Returns the schema of what is read for a component."""
    schema = schemas[name]
    if "x-tag" in schema:
        return union(schema, schemas)
    if "oneOf" in schema:
        return kinds(schema, schemas)
    if "enum" in schema:
        # All enums are open, and numbers and texts are read for each other.
        return {"type": ["string", "number"]}
    properties, needed = {}, []
    for key, property in schema.get("properties", {}).items():
        properties[key] = read(property, name, key)
        properties |= {alias: ANY for alias in property.get("x-aliases", [])}
        keys = ("x-may-be-missing", "x-missing-reads-as", "x-unset-is-null")
        may_be_missing = any(key in property for key in keys)
        if key in schema.get("required", []) and not may_be_missing and (name, key) not in LENIENT:
            needed.append(key)
        else:
            # Null is the same as missing.
            properties[key] = {"anyOf": [properties[key], {"type": "null"}]}
    others = schema.get("additionalProperties", {})
    others = read(others, name, "*") if isinstance(others, dict) else ANY
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": others}


def union(schema, schemas):
    """An arm by its tag, which is read from a text too. An unknown arm is kept whole."""
    tag, arms, known = schema["x-tag"], [], []
    for arm in schema["oneOf"]:
        name = arm["$ref"].rsplit("/", 1)[-1]
        value = schemas[name]["properties"][tag]["enum"][0]
        values = [value, str(value)]
        known += values
        arms.append({"allOf": [{"properties": {tag: {"enum": values}}}, {"$ref": f"#/$defs/{name}"}]})
    arms.append({"properties": {tag: {"not": {"enum": known}}}})
    return {"type": "object", "required": [tag], "anyOf": arms}


def kinds(schema, schemas):
    """An arm by the type of the JSON. A value of another type is kept whole."""

    def kind(arm):
        reference = arm.get("$ref") or next((inner["$ref"] for inner in arm.get("allOf", [])), "")
        kind = schemas.get(reference.rsplit("/", 1)[-1], arm).get("type", "object")
        return "number" if kind == "integer" else kind

    others = {"not": {"type": [kind(arm) for arm in schema["oneOf"]]}}
    return {"anyOf": [*(read(arm, "", "") for arm in schema["oneOf"]), others]}


def read(schema, name, key):
    """Returns the schema of what is read for a value."""
    if (name, key) in LENIENT or (name, "*") in LENIENT:
        return LENIENT.get((name, key), LENIENT.get((name, "*")))
    if "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        return {"$ref": f"#/$defs/{pointer.rsplit('/', 1)[-1]}"} if not file else ANY
    also = schema.get("x-also-reads", [])
    if schema.get("x-unreadable-is-missing") or "item" in also:
        return ANY
    if "allOf" in schema:
        inner = read(schema["allOf"][0], name, key)
        return ANY if also else inner
    match schema.get("type"):
        case "string" if "json" in also or schema.get("format") == "json-string":
            return ANY
        # Secrets and times are read from numbers everywhere.
        case "string" if "number" in also or schema.get("format") in ("password", "call-time"):
            return {"type": ["string", "number"]}
        case "string":
            return {"type": "string"}
        case "integer" | "number":
            return {"type": ["number", "string"]}
        case "boolean":
            return {"type": ["boolean", "string", "number"] if also else "boolean"}
        case "array":
            return {"type": "array", "items": read(schema.get("items", {}), name, key)}
        case "object":
            return {"type": "object"}
    return ANY
