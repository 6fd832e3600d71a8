"""Lessons for the model `genre`: each clean row of a track that has numbers to learn from, one JSON object on a line.

A row that says what it said before teaches nothing new, so a catalogue that is sent again is not learned twice. Lessons are
numbered one by one by the catalogue's partition, and sent again under the same numbers after a crash (`streams/sections.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from online_models.registry import MODELS
from streams.pending import Numbered
from streams.sections import JSON_LESSONS, pack_section

MODEL: Final = "genre"
TEXTS: Final = ("title", "artist", "album", "released")
SECTION_BYTES_MAX: Final = 500_000
"""A record holds at least one section, and the topic takes 4 MB."""


def registered() -> int | None:
    """The lessons partition of the model; None = there is no such model, and nothing is sent."""
    return next((entry.partition for entry in MODELS if entry.name == MODEL), None)


def lesson(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a row teaches, without its time; None = it has no audio features.

    >>> lesson({"track_id": "t", "genre": "rock", "duration_ms": 201_000, "features": {"tempo": 120.0}, "song": "x"})["features"]
    {'duration_ms': 201000, 'tempo': 120.0}
    """
    if not row.get("features"):
        return None
    numbers = {name: value for name, value in row.items() if isinstance(value, int | float) and name != "updated_at"}
    texts = {name: row.get(name) for name in TEXTS}
    return {"track_id": row["track_id"], "genre": row.get("genre"), "features": {**numbers, **row["features"]}, **texts}


def sections(
    topic: str, partition: int, incarnation: str, source: int, first: int, lessons: Sequence[tuple[dict[str, Any], int]]
) -> list[Numbered]:
    """Lessons with the times of their records (epoch ms), numbered from `first`, in as many sections as they take."""
    packed = []
    for some in _parted([msgspec.json.encode({**told, "at_ms": at_ms}) for told, at_ms in lessons]):
        packed.append(Numbered(topic, partition, pack_section(incarnation, source, JSON_LESSONS, first, len(some), b"\n".join(some))))
        first += len(some)
    return packed


def _parted(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    for line in lines:
        if some and sum(map(len, some)) + len(line) > SECTION_BYTES_MAX:
            yield some
            some = []
        some.append(line)
    if some:
        yield some
