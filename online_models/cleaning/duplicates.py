"""The same track under several rows is merged; the same recording under several ids is linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from online_models.cleaning.text import folded
from online_models.cleaning.titles import Title
from online_models.cleaning.verdicts import Value

SAME_MS: Final = 3_000
"""Releases of one recording differ by their silences; other takes by more, nearly always."""
SAME_SOUND: Final = frozenset({"", "remaster"})
"""Kinds of versions that are the recording itself."""


class Merged(NamedTuple):
    """A track as its rows tell together."""

    values: dict[str, Value]
    changed: list[str]
    """Fields in which the new row says something else than those before."""


def merge(before: Mapping[str, Value], row: Mapping[str, Value]) -> Merged:
    """What a later row says wins; what it does not say stays.

    >>> merge({"track_id": "t", "tempo": 120.0, "key": 5}, {"track_id": "t", "tempo": 121.0})
    Merged(values={'track_id': 't', 'tempo': 121.0, 'key': 5}, changed=['tempo'])
    """
    changed = [name for name, value in row.items() if name in before and before[name] != value]
    return Merged({**before, **row}, changed)


class Duplicates:
    """Rows and recordings seen so far; some 2 KB per track, for a catalogue and not for a stream without end."""

    def __init__(self) -> None:
        self.n_repeated = 0
        self.n_linked = 0
        self.changed: Counter[str] = Counter()
        self._rows: dict[str, dict[str, Value]] = {}
        self._recordings: dict[tuple[str, ...], list[tuple[float, str]]] = {}

    def add(self, track_id: str, row: Mapping[str, Value], title: Title | None) -> str | None:
        """Take a clean row in; returns the id of the same recording that came first, if there is one under another id."""
        before = self._rows.get(track_id)
        if before is not None:
            merged = merge(before, row)
            self._rows[track_id] = merged.values
            self.n_repeated += 1
            self.changed.update(merged.changed)
            return None
        self._rows[track_id] = dict(row)
        other = self._same(track_id, row, title)
        self.n_linked += other is not None
        return other

    def merged(self, track_id: str) -> dict[str, Value]:
        """All that its rows said. Raises KeyError."""
        return self._rows[track_id]

    def _same(self, track_id: str, row: Mapping[str, Value], title: Title | None) -> str | None:
        artist, length = row.get("artist"), row.get("duration_ms")
        if title is None or not isinstance(artist, str) or not isinstance(length, int | float):
            return None
        version = "" if title.kind in SAME_SOUND else folded(title.version)
        takes = self._recordings.setdefault((folded(artist), folded(title.name), version), [])
        for other_ms, other in takes:
            if abs(other_ms - length) <= SAME_MS:
                return other
        takes.append((float(length), track_id))
        return None
