"""How lessons travel: the bytes of a section's body to what a model learns from. One format per kind of lesson, named in the registry.

A format never changes its meaning: lessons that stand on the topic are learned again by every rebuild.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec
import numpy as np

from online_models.finish_features import N_FEATURES, as_mapping
from online_models.model import BadLesson, Lesson

LESSON: Final = np.dtype([("event_hash", "<u8"), ("weight", "<f4"), ("label", "<f4"), ("x", "<f4", (N_FEATURES,))])
"""64 bytes, little endian. `event_hash`: keyed hash of the event's id, for audits; `weight` = 1 / sampling rate; `label` 0 or 1."""

LISTENED: Final = np.dtype(
    [
        ("event_hash", "<u8"),
        ("user", "<u8"),
        ("track", "<u8"),
        ("at_ms", "<i8"),
        ("weight", "<f4"),
        ("seconds", "<f4"),
        ("length_s", "<f4"),
        ("track_plays", "<f4"),
        ("track_finishes", "<f4"),
        ("source", "<u2"),
        ("ended", "u1"),
        ("is_new", "u1"),
    ]
)
"""56 bytes, little endian: one play of a sampled user, for `counts` and `segments`.

`user`, `track`: keyed hashes of the ids; `weight` = 1 / share of users sampled; `seconds` heard, -1 = not told; `length_s` of the
track, 0 = not known; what all listeners did with the track before, as its row said; `source`: the partition of events, whose time
its lessons share; `ended` one of `ENDINGS`; `is_new` = 1: this user had not played the track. An erasure has no more than
event_hash, user, at_ms, weight, source and `ended`."""
UNKNOWN, BROKEN_OFF, HEARD_OUT, ERASED = range(4)
ENDINGS: Final = (UNKNOWN, BROKEN_OFF, HEARD_OUT, ERASED)

ROW_BYTES_MAX: Final = 65_536
"""Of one catalogue row: titles and names are cut long before, so that more is a mistake."""

ID_CHARS_MAX: Final = 128
"""Of a track's id, as the contract has it."""
TEXTS: Final = ("title", "artist", "album", "released")
"""Of a catalogue row; its other fields are numbers."""
WORDS: Final = ("tags", "lyrics", "language")
"""Of a catalogue row, for models of words."""


class Heard(NamedTuple):
    """One lesson, read."""

    lesson: Lesson
    """A label of None = the model is only asked."""
    about: str = ""
    """Id of what it is about; "" where nobody waits for an answer."""
    at_ms: int = 0
    """When it happened, epoch ms; 0 = the lesson does not say, the record's append time counts."""


class Format(Protocol):
    """Reads the lessons of one kind."""

    kind: Literal["fixed", "json"]
    """What a section with such lessons is called (`streams/lessons.py`)."""

    def cut(self, body: memoryview, n: int) -> Sequence[Any]:
        """The `n` items of a section's body, unread. Raises `ValueError` when it holds something else."""
        ...

    def read(self, item: Any) -> Heard:
        """One item. Raises `BadLesson`: it takes its number and teaches nothing."""
        ...


class FinishFormat:
    """Items of `LESSON`."""

    kind: Literal["fixed", "json"] = "fixed"

    def cut(self, body: memoryview, n: int) -> Sequence[Any]:
        """See `Format`."""
        if len(body) != n * LESSON.itemsize:
            raise ValueError(f"{len(body)} bytes are not {n} lessons of {LESSON.itemsize}")
        items = np.frombuffer(body, LESSON)
        return list(zip(items["x"], items["label"].tolist(), items["weight"].tolist(), strict=True))

    def read(self, item: Any) -> Heard:
        """See `Format`."""
        x, label, weight = item
        if label not in (0.0, 1.0):
            raise BadLesson("label", f"{label} is neither 0 nor 1")
        return Heard(Lesson(as_mapping(x), label == 1.0, weight))


class ListeningFormat:
    """Items of `LISTENED`."""

    kind: Literal["fixed", "json"] = "fixed"

    def cut(self, body: memoryview, n: int) -> Sequence[Any]:
        """See `Format`."""
        if len(body) != n * LISTENED.itemsize:
            raise ValueError(f"{len(body)} bytes are not {n} lessons of {LISTENED.itemsize}")
        return np.frombuffer(body, LISTENED).tolist()

    def read(self, item: Any) -> Heard:
        """See `Format`; the label is one of `ENDINGS`."""
        event, user, track, at_ms, weight, seconds, length_s, track_plays, track_finishes, source, ended, is_new = item
        x = {
            "event": event,
            "user": user,
            "track": track,
            "at_ms": at_ms,
            "seconds": seconds,
            "length_s": length_s,
            "track_plays": track_plays,
            "track_finishes": track_finishes,
            "source": source,
            "is_new": is_new,
        }
        return Heard(Lesson(x, ended, weight), at_ms=at_ms)


class _Row(msgspec.Struct, frozen=True):
    """One clean row of the catalogue, field for field; more fields are ignored."""

    track_id: str
    genre: str | None = None
    features: dict[str, float | bool | None] = {}
    """null = not known, as if it were not there; true and false are 1 and 0."""
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    released: str | None = None
    at_ms: int = 0


class _TextRow(_Row, frozen=True):
    """The same, with what only words' models read: lessons of the others never have it."""

    tags: list[str] | None = None
    lyrics: str | None = None
    language: str | None = None


class GenreFormat:
    """One JSON object per line: `{"track_id", "genre": label or null, "features": {name: number}, "title", "artist", "album", "released",
    "at_ms"}`."""

    kind: Literal["fixed", "json"] = "json"

    def __init__(self, row: type[_Row] = _Row) -> None:
        self._decode = msgspec.json.Decoder(row).decode

    def cut(self, body: memoryview, n: int) -> Sequence[Any]:
        """See `Format`."""
        items = bytes(body).split(b"\n")
        if len(items) != n:
            raise ValueError(f"{len(items)} lines are not {n} lessons")
        return items

    def read(self, item: Any) -> Heard:
        """See `Format`."""
        if len(item) > ROW_BYTES_MAX:
            raise BadLesson("size", f"{len(item)} bytes, at most {ROW_BYTES_MAX} are one row")
        try:
            row = self._decode(item)
        except msgspec.MsgspecError as error:
            raise BadLesson("json", str(error)) from error
        if not 0 < len(row.track_id) <= ID_CHARS_MAX:
            raise BadLesson("id", f"a track_id of {len(row.track_id)} characters, 1 to {ID_CHARS_MAX} are an id")
        numbers = {name: float(value) for name, value in row.features.items() if value is not None}
        values: Mapping[str, Any] = {**numbers, **self.texts(row)}
        return Heard(Lesson(values, row.genre), row.track_id, row.at_ms)

    def texts(self, row: _Row) -> dict[str, Any]:
        """A row's texts by name, those that it has."""
        return {name: text for name in TEXTS if (text := getattr(row, name)) is not None}


class MicroGenreFormat(GenreFormat):
    """The same lines. Every row teaches, with a genre or without one, and the model knows which track it is."""

    def read(self, item: Any) -> Heard:
        """See `Format`; a label of "" = the row has no genre."""
        heard = super().read(item)
        return heard._replace(lesson=Lesson({**heard.lesson.x, "track_id": heard.about}, heard.lesson.y or ""))


class TextFormat(MicroGenreFormat):
    """The same lines with optional `tags` (a list of texts), `lyrics` and `language`; rows without them are read as ever."""

    def __init__(self) -> None:
        super().__init__(_TextRow)

    def texts(self, row: _Row) -> dict[str, Any]:
        """See `GenreFormat`."""
        return {name: text for name in (*TEXTS, *WORDS) if (text := getattr(row, name)) is not None}


def json_lesson(track_id: str, genre: str | None, values: Mapping[str, Any], at_ms: int = 0) -> bytes:
    """The bytes that `GenreFormat` and `TextFormat` read, of a clean row `values`; numbers are features.

    >>> GenreFormat().read(json_lesson("t1", "rock", {"title": "Colorado", "energy": 0.9})).lesson.x
    {'energy': 0.9, 'title': 'Colorado'}
    """
    features = {name: value for name, value in values.items() if isinstance(value, int | float)}
    found = {name: values[name] for name in (*TEXTS, *WORDS) if isinstance(values.get(name), str | list | tuple)}
    return msgspec.json.encode({"track_id": track_id, "genre": genre, "features": features, **found, "at_ms": at_ms})
