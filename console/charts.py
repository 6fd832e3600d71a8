"""What is most popular, overall or within a genre or a mood, as the documented keys have it.

Each partition keeps its most popular tracks (`NS:{tQ}:popular`). A track that is in none of these lists is less popular than the last
of its partition's, so what lies above all of the full lists' last tracks is charted without a look at anything else. Who goes on reading
below that pays for a look at every row of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from console.labels import Label, Labels, Within
from console.placing import track_key
from console.redis_door import State
from online_models.popularity import TOP
from online_models.presets import PRESETS
from online_models.track_state import popularity_log2
from streams.ids import id_hash
from streams.track_rows import TrackRows

NOBODY: Final = -1e300
"""Score of a track that everybody skipped; it is in no chart."""
_ONE: Final = 1
"""Hash under which a row is looked at and given up."""


class Charted(NamedTuple):
    """One place of a chart."""

    track: str
    log2: float
    """Of the decayed plays at a time that all tracks have in common."""
    label: Label


class Chart:
    """The tracks within something, the most popular first; equals by their hashes. Played tracks only.

    Iterating raises `BadRow` for rows of another release.
    """

    def __init__(self, state: State, labels: Labels, within: Within) -> None:
        self._state, self._labels, self._within = state, labels, within

    def __iter__(self) -> Iterator[Charted]:
        tops = self._state.tops()
        scores = {track: log2 for top in tops for track, log2 in top}
        bar = max((top[-1][1] for top in tops if len(top) >= TOP), default=NOBODY)
        labels = self._labels.of(list(scores))
        listed = self._sorted(Charted(track, log2, labels[track]) for track, log2 in scores.items() if self._within.holds(labels[track]))
        yield from (one for one in listed if one.log2 >= bar)
        if bar > NOBODY:
            yield from self._sorted([*(one for one in listed if one.log2 < bar), *self._unlisted(scores)])

    def _sorted(self, some: Iterable[Charted]) -> list[Charted]:
        key = self._state.settings.id_key.encode()
        return sorted((one for one in some if one.log2 > NOBODY), key=lambda one: (-one.log2, id_hash(one.track, key)))

    def _unlisted(self, listed: dict[str, float]) -> list[Charted]:
        """Every track of the catalogue that is within and was played, but stands in no partition's list."""
        one, found = TrackRows(1, PRESETS[self._state.settings.preset]), dict[str, Charted]()
        for labels in self._labels.every():
            tracks = [track for track, label in labels.items() if track not in listed and self._within.holds(label)]
            rows = self._state.many([(track_key(self._state, track), ("row",)) for track in tracks])
            for track, (row,) in zip(tracks, rows, strict=True):
                if row is not None:
                    one.load(_ONE, 0, track, row, 0)
                    slot = int(one.slots(np.array([_ONE], np.int64))[0])
                    found[track] = Charted(track, float(popularity_log2(one.arrays, slot)), labels[track])
        return list(found.values())
