"""Reads a list pair as Redis holds it: entries are arrays, and `discover` names an entry of `next` by its place."""

from __future__ import annotations

import msgspec

from tests.oracle.exploring import Explore, likely
from tests.oracle.lists import Cause, Entry, Lists, Model


class StoredEntry(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    track_id: str
    score: float
    source: str
    because: list[str | int]
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
    if any(isinstance(e, int) and not 0 <= e < len(following) for e in told.discover):
        raise ValueError("discover names a place that next does not have")
    discover = [following[e] if isinstance(e, int) else _entry(e, named) for e in told.discover]
    chances = likely(told.explore, len(discover))
    discover = [msgspec.structs.replace(entry, propensity=chance) for entry, chance in zip(discover, chances, strict=True)]
    return Lists(told.recommendation_id, told.user_id, told.at, told.cause, following, discover, told.model, told.explore)


def _entry(e: StoredEntry, named: list[str]) -> Entry:
    """A cause is named once in a pair; then its number stands for it, and -1 for the entry's own track."""
    because = []
    for cause in e.because:
        if isinstance(cause, str):
            named.append(cause)
        elif not -1 <= cause < len(named):
            raise ValueError(f"cause {cause} of {len(named)} that were named")
        because.append(cause if isinstance(cause, str) else e.track_id if cause < 0 else named[cause])
    return Entry(e.track_id, e.score, e.source, because, 1.0, e.finish)
