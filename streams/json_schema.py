"""JSON Schemas of the contract's Structs: msgspec's own, with what it cannot know set right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

Schema = dict[str, Any]


def components(structs: Sequence[type[msgspec.Struct]], ref_template: str) -> dict[str, Schema]:
    """The schemas of `structs` and of all that they hold, by name; references are spelled by `ref_template`."""
    _, schemas = msgspec.json.schema_components(structs, ref_template=ref_template)
    return {name: _tidy(name, schema) for name, schema in schemas.items()}


def reference(struct: type[msgspec.Struct], ref_template: str) -> Schema:
    """A reference to a component."""
    return {"$ref": ref_template.format(name=struct.__name__)}


def _tidy(name: str, schema: Schema) -> Schema:
    """A component as a reader should see it.

    An event without a type is a play, and the default "" only means absent: it would not be a valid value.
    """
    properties = {field: _without_empty_default(value) for field, value in schema.get("properties", {}).items()}
    tidy = schema | {"properties": properties} if properties else schema
    if name == "Play":
        properties["type"] = properties["type"] | {"default": "play"}
        tidy["required"] = [field for field in schema["required"] if field != "type"]
    return tidy


def _without_empty_default(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if not (key == "default" and value == "")}
