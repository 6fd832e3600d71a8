"""Writes the contract for machines: a JSON Schema per topic and the AsyncAPI document, from the Structs.

`python -m streams.schemas` writes docs/schemas/*.json and docs/asyncapi.json; a test fails when they are stale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.asyncapi import asyncapi
from streams.contract import EVENT_BY_TYPE, EVENTS, Answer, DeadLetterHeaders, Decision, Recommendation, Track, User
from streams.json_schema import Schema, components, reference

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = "#/$defs/{name}"

VALUES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "recommendations": Recommendation,
    "answers": Answer,
    "decisions": Decision,
    "tracks": Track,
    "users": User,
    "dead-letters.headers": DeadLetterHeaders,
}
"""File name (a topic, or what of it) and the Struct that it holds; events have several."""


def documents() -> dict[str, Schema]:
    """Every generated document, by its path below docs/."""
    schemas = {"events": _events(), **{name: _value(name, struct) for name, struct in VALUES.items()}}
    return {**{f"schemas/{name}.json": schema for name, schema in schemas.items()}, "asyncapi.json": asyncapi()}


def written(document: Schema) -> bytes:
    """A document as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(_settled(document)), indent=2) + b"\n"


def _settled(part: Any) -> Any:
    """Alternatives in one order: Python keeps the order in which *any* module first spelled a union of the same types."""
    if isinstance(part, dict):
        return {
            name: sorted(map(_settled, value), key=msgspec.json.encode) if name == "anyOf" else _settled(value)
            for name, value in part.items()
        }
    return [_settled(value) for value in part] if isinstance(part, list) else part


def stale(docs: Path) -> list[str]:
    """Paths below `docs` whose file is not what would be written now, or should not be there."""
    wanted = {path: written(document) for path, document in documents().items()}
    there = {f"schemas/{file.name}" for file in (docs / "schemas").glob("*.json")}
    differing = [path for path, text in wanted.items() if not (docs / path).is_file() or (docs / path).read_bytes() != text]
    return sorted({*differing, *(there - wanted.keys())})


def write(docs: Path) -> list[str]:
    """Make the files below `docs` what they should be; returns the paths that were changed."""
    changed = stale(docs)
    wanted = documents()
    (docs / "schemas").mkdir(parents=True, exist_ok=True)
    for path in changed:
        if path in wanted:
            (docs / path).write_bytes(written(wanted[path]))
        else:
            (docs / path).unlink()
    return changed


def _events() -> Schema:
    """A value is one of the events; the type decides which."""
    return {
        "$schema": DRAFT,
        "$id": "urn:segue:events:v1",
        "title": "Event",
        "description": "Value of a record of the events topic; `type` decides which event it is, and absent it is a play.",
        "oneOf": [reference(EVENT_BY_TYPE[name], _TEMPLATE) for name in EVENT_BY_TYPE],
        "$defs": components(EVENTS, _TEMPLATE),
    }


def _value(name: str, struct: type[msgspec.Struct]) -> Schema:
    head: dict[str, Any] = {"$schema": DRAFT, "$id": f"urn:segue:{name}:v1"}
    return head | reference(struct, _TEMPLATE) | {"$defs": components((struct,), _TEMPLATE)}


def main() -> None:
    """Write the files below docs/ and say which changed."""
    for path in write(DOCS):
        sys.stderr.write(f"docs/{path}\n")


if __name__ == "__main__":
    main()
