"""A lessons log as sources write it: re-sent, re-cut, mixed with another incarnation and with foreign bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from online_models.arrays import Items
from online_models.lesson_formats import json_lesson
from streams.lessons import LESSON, pack_json_lessons, pack_lessons
from streams.ports import Record
from tests.lessons_of_known_truth import draw
from tests.listening_of_known_habits import listened_items
from tests.tracks_of_known_genre import tracks

INCARNATION = "00c0ffee"
TOPIC = "night.internal.lessons"


@dataclass
class LogRecord:
    """A record of the log; has the shape of `streams.ports.Record`."""

    offset: int
    value: bytes | None
    topic: str = TOPIC
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = field(default=())


def lesson_items(n: int, seed: int, *, bent: bool = False) -> Items:
    """`n` lessons in the wire's own type; `bent` as in `draw`."""
    x, p = draw(n, seed, bent=bent)
    items = np.zeros(n, LESSON)
    items["x"], items["weight"] = x, 1.0
    items["label"] = np.random.default_rng(seed + 1).random(n) < p
    items["event_hash"] = np.arange(n)
    return items


def genre_lessons(n: int, seed: int) -> list[bytes]:
    """`n` rows of a catalogue as lessons; every ninth track has no genre, and half of those are told of again with one."""

    def lesson(i: int, values: dict[str, Any], genre: str) -> bytes:
        about = i - 2 if i % 18 == 10 else i
        return json_lesson(f"{seed}-{about}", None if i % 9 == 8 else genre, values, 1_700_000_000_000 + i)

    return [lesson(i, values, genre) for i, (values, genre) in enumerate(tracks(n, seed))]


def listening_lessons(n: int, seed: int) -> Items:
    """`n` lessons of listeners, each log's of a partition of its own."""
    return listened_items(n, seed, source=seed % 7)


def text_lessons(n: int, seed: int) -> list[bytes]:
    """The same rows with tags for every third, and lyrics of their genre's words for every fifth."""

    def lesson(i: int, values: dict[str, Any], genre: str) -> bytes:
        sung = " ".join(f"{genre}{(i * k) % 17}word{'abc'[k % 3]}" for k in range(1, 12))
        more = {"tags": [genre, f"mood {i % 4}"]} if i % 3 == 0 else {"lyrics": sung} if i % 5 == 0 else {}
        about = i - 2 if i % 18 == 10 else i
        return json_lesson(f"{seed}-{about}", None if i % 9 == 8 else genre, {**values, **more}, 1_700_000_000_000 + i)

    return [lesson(i, values, genre) for i, (values, genre) in enumerate(tracks(n, seed))]


KINDS: dict[str, tuple[Any, Any]] = {
    "finish": (lesson_items, pack_lessons),
    "bent finish": (partial(lesson_items, bent=True), pack_lessons),
    "genre": (genre_lessons, pack_json_lessons),
    "micro_genres": (genre_lessons, pack_json_lessons),
    "counts": (listening_lessons, pack_lessons),
    "segments": (listening_lessons, pack_lessons),
    "text_clusters": (text_lessons, pack_json_lessons),
    "map": (genre_lessons, pack_json_lessons),
}
"""How lessons of a model are drawn, and packed."""


def messy_log(
    n: int, seed: int, *, sources: int = 3, per_record_max: int = 12, first_offset: int = 0, model: str = "finish"
) -> list[Record]:
    """A log that holds `n` lessons of each source exactly once in the end, and some of them several times."""
    rng = np.random.default_rng(seed)
    drawn, pack = KINDS[model]
    lessons = [drawn(n, seed + 10 * source) for source in range(sources)]
    sent = [0] * sources
    log: list[Record] = []
    offset = first_offset
    while min(sent) < n:
        value = b""
        for source in rng.permutation(sources)[: rng.integers(1, sources + 1)].tolist():
            back = int(rng.integers(0, 8)) if rng.random() < 0.2 else 0
            first = max(0, sent[source] - back)
            last = min(n, first + int(rng.integers(1, per_record_max + 1)))
            if first < last:
                value += pack(INCARNATION, source, first + 1, lessons[source][first:last])
                sent[source] = max(sent[source], last)
        if rng.random() < 0.1:
            value += pack("deadbeef", 1, 40, lessons[0][:3])
        log.append(LogRecord(offset, value if rng.random() < 0.97 else value or b"not a section"))
        # Holes in the offsets, as transaction markers and compaction leave them.
        offset += 1 + int(rng.random() < 0.1)
    return log
