"""Many named parts as one: a snapshot has few, and a model of models has many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from online_models.model import BadSnapshot

_LENGTH: Final = 4


def joined(parts: Mapping[str, bytes]) -> bytes:
    """Length of the table of names and lengths (u32, little endian), that table as JSON, then the parts.

    >>> split(joined({"a": b"1", "b": b""}))
    {'a': b'1', 'b': b''}
    """
    table = msgspec.json.encode([(name, len(part)) for name, part in parts.items()])
    return b"".join((len(table).to_bytes(_LENGTH, "little"), table, *parts.values()))


def split(raw: bytes) -> dict[str, bytes]:
    """The inverse. Raises `BadSnapshot` when bytes are missing or too many."""
    at = _LENGTH + int.from_bytes(raw[:_LENGTH], "little")
    try:
        table = msgspec.json.decode(raw[_LENGTH:at], type=list[tuple[str, int]])
    except msgspec.MsgspecError as error:
        raise BadSnapshot(f"no table of parts: {error}") from error
    parts = {}
    for name, n_bytes in table:
        parts[name] = raw[at : at + n_bytes]
        at += n_bytes
    if at != len(raw):
        raise BadSnapshot(f"{len(raw)} bytes where the table names {at}")
    return parts


def under(prefix: str, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The parts below `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}
