"""Lessons of the catalogue: each clean row of a track that has something to learn from, one JSON object on a line, for every model that
learns from rows: those of sound take rows with audio features, those of words take words.

A row that says what it said before teaches nothing new, so a catalogue that is sent again is not learned twice. Lessons are
numbered one by one for each model by the catalogue's partition, and sent again under the same numbers after a crash
(`streams/sections.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from online_models.registry import MODELS, entry
from streams.pending import Numbered
from streams.sections import JSON_LESSONS, pack_section

TEXTS: Final = ("title", "artist", "album", "released")
LYRICS_CHARS_MAX: Final = 8_192
"""Of a lesson: refrains stand in them many times."""
SECTION_BYTES_MAX: Final = 500_000
"""A record holds at least one section, and the topic takes 4 MB."""
FIRST_PUPIL: Final = "genre"
"""Whose number a row's field `taught` is where it is one number: there was one model once."""


def registered(lessons_partitions: int) -> dict[str, int]:
    """The models that learn from rows, and their partitions of a lessons topic that has so many."""
    pupils = [entry for entry in MODELS if not entry.follows_from_events]
    return {entry.name: entry.partition for entry in pupils if entry.partition < lessons_partitions}


def numbers_of(taught: bytes) -> dict[str, int]:
    """Of a row's field `taught`: model -> number of the lesson that says what the row says.

    >>> numbers_of(b'{"genre":3,"micro_genres":1}'), numbers_of(b"3"), numbers_of(b"")
    ({'genre': 3, 'micro_genres': 1}, {'genre': 3}, {})
    """
    found = msgspec.json.decode(taught or b"{}", type=int | dict[str, int])
    return {FIRST_PUPIL: found} if isinstance(found, int) else found


def lesson_for(model: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a row teaches this model of the registry, without its time; None = nothing."""
    return lesson_of_words(row) if entry(model).learns_from == "words" else lesson(row)


def lesson_of_words(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a row says in words; None = neither title nor artist, tags or lyrics.

    >>> lesson_of_words({"track_id": "t", "title": "Vltava", "tags": ["river"], "features": {"tempo": 120.0}, "song": "x"})
    {'track_id': 't', 'genre': None, 'title': 'Vltava', 'tags': ['river']}
    """
    named = ("title", "artist", "album", "language")
    found = {name: row[name] for name in named if isinstance(row.get(name), str)}
    if isinstance(row.get("lyrics"), str):
        found["lyrics"] = row["lyrics"][:LYRICS_CHARS_MAX]
    if row.get("tags"):
        found["tags"] = row["tags"]
    return {"track_id": row["track_id"], "genre": row.get("genre"), **found} if found else None


def lesson(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a row teaches of its sound, without its time; None = it has no audio features.

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
