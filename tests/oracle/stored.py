"""Reads a list pair as Redis holds it: entries are arrays.

`discover` names an entry of `next` by its place, with another score where it has one.
"""

from __future__ import annotations

import msgspec

from tests.oracle.exploring import Explore, likely
from tests.oracle.lists import Cause, Entry, Lists, Model


class StoredEntry(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    track_id: str | int
    score: float
    source: str = ""
    because: list[str | int] = []
    finish: float | None = None


class StoredLists(msgspec.Struct, forbid_unknown_fields=True):
    recommendation_id: str
    user_id: str
    at: int
    cause: Cause
    next: list[StoredEntry]
    discover: list[StoredEntry | int]
    model: Model
    explore: Explore | None = None


DECODER = msgspec.json.Decoder(StoredLists)


def stored_lists(raw: bytes) -> Lists:
    """What was published, as `raw` tells it. Raises ValueError for what cannot be read."""
    told = DECODER.decode(raw)
    named: list[str] = []
    following = [_entry(e, named) for e in told.next]
    discover = [_other(e, following, named) for e in told.discover]
    chances = likely(told.explore, len(discover))
    discover = [msgspec.structs.replace(entry, propensity=chance) for entry, chance in zip(discover, chances, strict=True)]
    return Lists(told.recommendation_id, told.user_id, told.at, told.cause, following, discover, told.model, told.explore)


def _other(e: StoredEntry | int, following: list[Entry], named: list[str]) -> Entry:
    """An entry of discover: a place in next, a place and another score, or an entry of its own."""
    if isinstance(e, StoredEntry) and isinstance(e.track_id, str):
        return _entry(e, named)
    place = e if isinstance(e, int) else int(e.track_id)
    if not 0 <= place < len(following):
        raise ValueError("discover names a place that next does not have")
    if isinstance(e, int):
        return following[place]
    if e.source or e.because or e.finish is not None or e.score == following[place].score:
        raise ValueError("discover names a place of next and says again what stands there")
    return msgspec.structs.replace(following[place], score=e.score)


def _entry(e: StoredEntry, named: list[str]) -> Entry:
    """A cause is named once in a pair; then its number stands for it, and -1 for the entry's own track."""
    if isinstance(e.track_id, int) or not e.source:
        raise ValueError("an entry has no track, or no source")
    because = []
    for cause in e.because:
        if isinstance(cause, str):
            named.append(cause)
        elif not -1 <= cause < len(named):
            raise ValueError(f"cause {cause} of {len(named)} that were named")
        because.append(cause if isinstance(cause, str) else e.track_id if cause < 0 else named[cause])
    return Entry(e.track_id, e.score, e.source, because, 1.0, e.finish)
