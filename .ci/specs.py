"""The specs for a foreign validator: openapi-schema-validator for OpenAPI, jsonschema for JSON Schema.

Two things are stricter than in the specs. The JSON in a string is checked by its `x-content-schema`, and a
key that an object does not name is an error, unless the object keeps such keys. Other spellings of a key
(`x-aliases`) are checked as the key itself.
"""

import json
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).resolve().parent.parent


def load(path):
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    # References name files; an id would be another base for those inside.
    document.pop("$id", None)
    return document


DOCUMENTS = {path.name: load(path) for path in sorted((ROOT / "specs").glob("*.yaml"))}
REGISTRY = Registry().with_resources(
    (name, DRAFT202012.create_resource(document)) for name, document in DOCUMENTS.items()
)


def content(validator, schema, instance, _):
    """Checks the JSON in a string."""
    if not isinstance(instance, str):
        return
    try:
        inner = json.loads(instance)
    except ValueError as error:
        yield ValidationError(f"{instance!r} is not JSON: {error}")
        return
    reference = schema.get("$ref", "#")
    if reference.startswith("#"):
        yield from validator.descend(inner, schema)
    else:
        yield from validator_of(reference).iter_errors(inner)


def named(base):
    """Returns the keyword `properties` that also refuses keys without a name."""
    plain = base.VALIDATORS["properties"]

    def properties(validator, properties, instance, schema):
        yield from plain(validator, properties, instance, schema)
        if not validator.is_type(instance, "object") or schema.get("additionalProperties"):
            return
        others = {
            alias: name
            for name, property in properties.items()
            for alias in property.get("x-aliases", [])
        }
        for key, value in instance.items():
            if key in others:
                yield from validator.descend(value, properties[others[key]], path=key)
            elif key not in properties:
                yield ValidationError(f"the key {key!r} has no name in the spec")

    return properties


def strict(base):
    keywords = {"properties": named(base), "x-content-schema": content, "contentSchema": content}
    return validators.extend(base, keywords)


OPENAPI, JSON_SCHEMA = strict(OAS30Validator), strict(Draft202012Validator)


def validator_of(reference):
    """Returns the validator of a schema, given as `file#/pointer`."""
    is_openapi = "openapi" in DOCUMENTS[reference.split("#")[0]]
    return (OPENAPI if is_openapi else JSON_SCHEMA)({"$ref": reference}, registry=REGISTRY)


def errors(reference, instance):
    """Returns what is wrong with an instance, each with its place."""
    found = [line for error in validator_of(reference).iter_errors(instance) for line in lines(error)]
    return list(dict.fromkeys(found))


def lines(error):
    """Returns an error as lines. With `anyOf` and `oneOf`, those of the form that the tag names say more, or
    else of the form with the fewest errors."""
    forms = {}
    for inner in error.context:
        forms.setdefault(inner.relative_schema_path[0], []).append(inner)
    if forms:
        tagged = lambda inner: inner.validator == "enum" and len(inner.validator_value) == 1
        closest = min(forms.values(), key=lambda form: (any(map(tagged, form)), len(form)))
        return [line for inner in closest for line in lines(inner)]
    place = "/" + "/".join(str(part) for part in error.absolute_path)
    return [f"{place}: {error.message[:300]}"]


def escaped(key):
    return key.replace("~", "~0").replace("/", "~1")


def components(file):
    """Yields the name, the schema and the reference of each component."""
    document = DOCUMENTS[file]
    base = "/components/schemas" if "openapi" in document else "/$defs"
    schemas = document["components"]["schemas"] if "openapi" in document else document["$defs"]
    for name, schema in schemas.items():
        yield name, schema, f"{file}#{base}/{escaped(name)}"


def operations(file):
    """Yields the path, the method, the operation and its pointer."""
    for path, item in DOCUMENTS[file].get("paths", {}).items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                yield path, method, operation, f"{file}#/paths/{escaped(path)}/{method}"
